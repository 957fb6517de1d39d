//! Who is told of an update.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ComponentId, IncidentId},
    incident::Incident,
    subscriber::Follows,
};

/// Everyone who follows everything, or any component the incident has **ever** listed, or the incident itself.
///
/// Ever, because narrowing an incident from A and B to A must not drop B's people before they hear the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// The incident.
    pub incident: IncidentId,
    /// All components it has ever listed.
    pub components: BTreeSet<ComponentId>,
}

impl Audience {
    /// The audience of the incident's next update, once that update is part of it.
    pub fn of(incident: &Incident) -> Self {
        let components = incident.updates.iter().flat_map(|update| &update.components);
        Self { incident: incident.id.clone(), components: components.map(|change| change.component.clone()).collect() }
    }

    /// Whether someone who follows this is told.
    pub fn includes(&self, follows: &Follows) -> bool {
        follows.everything
            || follows.incidents.contains(&self.incident)
            || !self.components.is_disjoint(&follows.components)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn components(numbers: &[u64]) -> BTreeSet<ComponentId> {
        numbers.iter().map(|number| ComponentId::from_random(*number)).collect()
    }

    fn audience(numbers: &[u64]) -> Audience {
        Audience { incident: IncidentId::from_random(1), components: components(numbers) }
    }

    #[test]
    fn one_shared_component_is_enough() {
        let follows = Follows { components: components(&[1, 2]), ..Follows::default() };
        assert!(audience(&[2, 3]).includes(&follows));
        assert!(!audience(&[3]).includes(&follows));
    }

    #[test]
    fn an_incident_without_components_reaches_those_who_follow_everything_or_it() {
        assert!(audience(&[]).includes(&Follows::everything()));
        let incidents = [IncidentId::from_random(1)].into();
        assert!(audience(&[]).includes(&Follows { incidents, ..Follows::default() }));
        assert!(!audience(&[]).includes(&Follows { components: components(&[1]), ..Follows::default() }));
    }

    proptest! {
        #[test]
        fn listing_one_more_component_never_drops_anyone(
            listed in prop::collection::vec(0_u64..8, 0..6), more in 0_u64..8,
            followed in prop::collection::vec(0_u64..8, 0..6), everything: bool
        ) {
            let follows = Follows { everything, components: components(&followed), ..Follows::default() };
            let before = audience(&listed);
            let mut after = before.clone();
            after.components.insert(ComponentId::from_random(more));
            prop_assert!(!before.includes(&follows) || after.includes(&follows));
        }
    }
}
