//! Taking back what was said: what is left of an incident, and how its components fare without it.
//!
//! Whoever was mailed an update is told that it was removed; one that nobody was mailed leaves no trace.

use jiff::Timestamp;

use crate::{
    component::Component,
    forms::Listed,
    ids::UpdateId,
    incident::{Incident, REMOVED, REMOVED_INCIDENT, Update},
};

/// What removing comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// What is left of the incident; `None`: nothing at all.
    pub left: Option<Incident>,
    /// The updates that were mailed and leave a word that they were removed.
    pub taken_back: Vec<Update>,
    /// The updates that leave no trace.
    pub deleted: Vec<Update>,
    /// The components whose status was set by what is removed, with what they become.
    pub statuses: Listed,
}

/// Plans the removal of one update, or of all when none is named. Without its last update the incident goes too.
///
/// `others` are the other open incidents, `components` how all of them fare now.
pub fn remove(
    incident: &Incident,
    update: Option<&UpdateId>,
    is_mailed: impl Fn(&UpdateId) -> bool,
    others: &[Incident],
    components: &[Component],
    now: Timestamp,
) -> Removal {
    let is_going = |known: &Update| known.is_kept() && update.is_none_or(|id| *id == known.id);
    let (going, staying): (Vec<_>, Vec<_>) = incident.updates.iter().cloned().partition(is_going);
    let (taken_back, deleted): (Vec<_>, Vec<_>) = going.iter().cloned().partition(|update| is_mailed(&update.id));
    let tombstones = taken_back.iter().cloned().map(|update| Update {
        body: REMOVED.to_owned(),
        updated_at: now,
        next_update_by: None,
        removed_at: Some(now),
        components: Vec::new(),
        ..update
    });
    let mut updates: Vec<_> = staying.into_iter().chain(tombstones).collect();
    updates.sort_by(|a, b| b.order().cmp(&a.order()));
    let mut left = Incident { updates, updated_at: now, ..incident.clone() };
    if left.is_removed() {
        REMOVED_INCIDENT.clone_into(&mut left.name);
        left.impact_override = None;
    }
    let is_open = |incident: &Incident| incident.standing().is_some_and(|standing| !standing.status.is_over());
    let open: Vec<_> = others.iter().chain(is_open(&left).then_some(&left)).collect();
    let statuses = statuses_without(&going, &open, components);
    Removal { left: (!left.updates.is_empty()).then_some(left), taken_back, deleted, statuses }
}

/// Undoes, newest first, what each update set, as long as nobody changed it since. What an open incident still says of a
/// component weighs more than what stood before.
fn statuses_without(going: &[Update], open: &[&Incident], components: &[Component]) -> Listed {
    let mut changed = Listed::new();
    for change in going.iter().flat_map(|update| &update.components) {
        let present = components.iter().find(|component| component.id == change.component);
        let status = changed.get(&change.component).copied().or(present.map(|component| component.status));
        if status == Some(change.new) {
            changed.insert(change.component.clone(), change.old);
        }
    }
    for (component, status) in &mut changed {
        let said = open.iter().flat_map(|incident| incident.affected()).filter(|said| said.component == *component);
        *status = said.map(|said| said.status).max().unwrap_or(*status);
    }
    changed.retain(|id, status| components.iter().all(|known| known.id != *id || known.status != *status));
    changed
}

#[cfg(test)]
mod tests {
    use ComponentStatus::{DegradedPerformance, MajorOutage, Operational, PartialOutage};

    use super::*;
    use crate::{
        ids::{ComponentId, IncidentId},
        incident::ComponentChange,
        status::{
            ComponentStatus,
            IncidentStatus::{self, Identified, Investigating, Resolved},
        },
    };

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }

    fn api(status: ComponentStatus) -> [Component; 1] {
        [Component {
            id: ComponentId::from_random(1),
            name: "API".into(),
            description: String::new(),
            status,
            group: None,
            position: 0,
        }]
    }

    fn said(at: i64, status: IncidentStatus, old: ComponentStatus, new: ComponentStatus) -> Update {
        Update {
            id: UpdateId::from_random(at.unsigned_abs()),
            status,
            body: "Words.".into(),
            display_at: minute(at),
            created_at: minute(at),
            updated_at: minute(at),
            next_update_by: Some(minute(at + 30)),
            edited_at: None,
            removed_at: None,
            notify: true,
            components: vec![ComponentChange { component: ComponentId::from_random(1), name: "API".into(), old, new }],
        }
    }

    fn incident(number: u64, updates: Vec<Update>) -> Incident {
        Incident {
            id: IncidentId::from_random(number),
            name: "Broken".into(),
            impact_override: None,
            created_at: minute(0),
            updated_at: minute(0),
            updates,
        }
    }

    #[test]
    fn what_nobody_was_mailed_disappears_and_its_component_works_again() {
        let incident = incident(1, vec![said(0, Investigating, Operational, MajorOutage)]);
        let removal = remove(&incident, None, |_| false, &[], &api(MajorOutage), minute(5));
        assert_eq!(removal.left, None);
        assert_eq!(removal.statuses, [(ComponentId::from_random(1), Operational)].into());
        assert_eq!((removal.taken_back.len(), removal.deleted.len()), (0, 1));
    }

    #[test]
    fn what_was_mailed_leaves_a_word_and_nothing_of_what_it_said() {
        let incident = incident(1, vec![said(0, Investigating, Operational, MajorOutage)]);
        let left = remove(&incident, None, |_| true, &[], &api(MajorOutage), minute(5)).left.unwrap();
        assert_eq!((left.name.as_str(), left.updates[0].body.as_str()), (REMOVED_INCIDENT, REMOVED));
        assert!(left.is_removed() && left.affected().is_empty() && left.promised().is_none());
        assert_eq!(left.standing().unwrap().resolved_at, Some(minute(5)));
    }

    #[test]
    fn without_its_end_an_incident_goes_on_and_its_component_fares_as_it_said() {
        let end = said(10, Resolved, PartialOutage, Operational);
        let first = said(0, Identified, Operational, PartialOutage);
        let incident = incident(1, vec![end.clone(), first]);
        let removal = remove(&incident, Some(&end.id), |_| true, &[], &api(Operational), minute(15));
        assert_eq!(removal.left.unwrap().standing().unwrap().status, Identified);
        assert_eq!(removal.statuses, [(ComponentId::from_random(1), PartialOutage)].into());
    }

    #[test]
    fn what_was_changed_since_and_what_another_incident_says_stays() {
        let first = said(0, Investigating, Operational, MajorOutage);
        let one = incident(1, vec![first]);
        assert!(remove(&one, None, |_| false, &[], &api(DegradedPerformance), minute(5)).statuses.is_empty());
        let other = incident(2, vec![said(3, Investigating, MajorOutage, DegradedPerformance)]);
        let removal = remove(&one, None, |_| false, &[other], &api(MajorOutage), minute(5));
        assert_eq!(removal.statuses, [(ComponentId::from_random(1), DegradedPerformance)].into());
    }
}
