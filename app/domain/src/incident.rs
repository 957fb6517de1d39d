//! An incident's life: a list of timestamped updates, from which everything else follows.
//!
//! ```text
//! investigating → identified → monitoring → resolved ─(postmortem published)→ postmortem
//!        ▲______________________________________│ reopened
//! ```
//! Any status may follow any other: reality is not always tidy. The newest update by `display_at` says how things
//! stand, so writing down later what was true earlier never changes the present.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ComponentId, IncidentId, UpdateId},
    status::{ComponentStatus, Impact, IncidentStatus},
};

/// What stands where an update was that has been taken back.
pub const REMOVED: &str = "This update was removed.";
/// What an incident is called of which nothing else is left.
pub const REMOVED_INCIDENT: &str = "Removed incident";

/// What one update says of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentChange {
    /// Which.
    pub component: ComponentId,
    /// Its name, "Group - Component" when it stands in a group, as it was when this was written.
    pub name: String,
    /// Before; the same as `new` when it is listed only to say that it is still affected.
    pub old: ComponentStatus,
    /// After.
    pub new: ComponentStatus,
}

/// One timestamped message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Never changes.
    pub id: UpdateId,
    /// Where the incident stood.
    pub status: IncidentStatus,
    /// Markdown.
    pub body: String,
    /// When it was true; may be earlier than when it was written.
    pub display_at: Timestamp,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When its readers were promised the next one.
    pub next_update_by: Option<Timestamp>,
    /// When its text was last changed; what it said before is kept.
    pub edited_at: Option<Timestamp>,
    /// When it was taken back. Readers are told so, for they were mailed what it said.
    pub removed_at: Option<Timestamp>,
    /// Whether subscribers were mailed.
    pub notify: bool,
    /// The components it names.
    pub components: Vec<ComponentChange>,
}

impl Update {
    /// Its place in the timeline. Two updates of one instant keep the order in which they were written.
    pub fn order(&self) -> (Timestamp, Timestamp, &UpdateId) {
        (self.display_at, self.created_at, &self.id)
    }

    /// Whether it still says something.
    pub fn is_kept(&self) -> bool {
        self.removed_at.is_none()
    }
}

/// Something that broke, with everything said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Never changes.
    pub id: IncidentId,
    /// Its title.
    pub name: String,
    /// What the author says of the impact; `None` lets the components decide.
    pub impact_override: Option<Impact>,
    /// When the first update was written.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// Newest first, by [`Update::order`]; never empty.
    pub updates: Vec<Update>,
}

/// How an incident stands, derived from its updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What the newest update says.
    pub status: IncidentStatus,
    /// When it began: the earliest update.
    pub started_at: Timestamp,
    /// Since when it is only being watched; kept once resolved, gone when it breaks again.
    pub monitoring_at: Option<Timestamp>,
    /// When it ended; set exactly while it is over.
    pub resolved_at: Option<Timestamp>,
}

/// Derives how an incident stands from its updates in any order; `None` without updates. Those that were removed do not
/// count; when no other is left, the incident is over.
pub fn standing<'a>(updates: impl IntoIterator<Item = &'a Update>) -> Option<Standing> {
    let (mut timeline, removed): (Vec<_>, Vec<_>) = updates.into_iter().partition(|update| update.is_kept());
    timeline.sort_by_key(|update| update.order());
    if timeline.is_empty() {
        let started_at = removed.iter().map(|update| update.display_at).min()?;
        let resolved_at = removed.iter().filter_map(|update| update.removed_at).max();
        return Some(Standing { status: IncidentStatus::Resolved, started_at, monitoring_at: None, resolved_at });
    }
    let first = timeline.first()?;
    let mut standing =
        Standing { status: first.status, started_at: first.display_at, monitoring_at: None, resolved_at: None };
    for update in &timeline {
        match update.status {
            IncidentStatus::Investigating | IncidentStatus::Identified => {
                (standing.monitoring_at, standing.resolved_at) = (None, None);
            }
            IncidentStatus::Monitoring => {
                // Back from resolved, the watch begins anew.
                let since = standing.monitoring_at.filter(|_| standing.resolved_at.is_none());
                standing.monitoring_at = since.or(Some(update.display_at));
                standing.resolved_at = None;
            }
            IncidentStatus::Resolved | IncidentStatus::Postmortem => {
                standing.resolved_at = standing.resolved_at.or(Some(update.display_at));
            }
        }
        standing.status = update.status;
    }
    Some(standing)
}

/// What an update means for those who follow, given what stood before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The first word about it.
    Opened,
    /// It was over and is not any more.
    Reopened,
    /// It is over now.
    Resolved,
    /// It goes on.
    Continued,
}

/// Names the step from what stood before (`None` for the first update) to what an update says.
pub fn step(before: Option<IncidentStatus>, after: IncidentStatus) -> Step {
    match before {
        None => Step::Opened,
        Some(before) if before.is_over() && !after.is_over() => Step::Reopened,
        Some(before) if !before.is_over() && after.is_over() => Step::Resolved,
        Some(_) => Step::Continued,
    }
}

/// A component an incident has named, and the newest word on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// Which.
    pub component: ComponentId,
    /// "Group - Component", as the newest update that lists it calls it.
    pub name: String,
    /// What the newest update that lists it says.
    pub status: ComponentStatus,
}

impl Incident {
    /// The newest word on it that was not taken back, or the newest of those that were when no other is left.
    pub fn newest(&self) -> Option<&Update> {
        self.updates.iter().find(|update| update.is_kept()).or(self.updates.first())
    }

    /// Whether nothing that was said of it is left.
    pub fn is_removed(&self) -> bool {
        !self.updates.iter().any(Update::is_kept)
    }

    /// When readers were promised the next word; nothing is once it is over.
    pub fn promised(&self) -> Option<Timestamp> {
        self.newest().filter(|newest| !newest.status.is_over()).and_then(|newest| newest.next_update_by)
    }

    /// How it stands.
    pub fn standing(&self) -> Option<Standing> {
        standing(&self.updates)
    }

    /// The update that carries its postmortem, once one is published and unless that was taken back.
    pub fn postmortem(&self) -> Option<&Update> {
        self.updates.iter().find(|update| update.is_kept() && update.status == IncidentStatus::Postmortem)
    }

    /// The author's word, else the worst that any update ever said of a component: an incident that was major
    /// stays major in the history after everything works again.
    pub fn impact(&self) -> Impact {
        self.impact_override.unwrap_or_else(|| {
            Impact::of(self.updates.iter().flat_map(|update| &update.components).map(|change| change.new))
        })
    }

    /// Every component it has **ever** listed, by name. Whoever follows one of them is told until the end.
    pub fn affected(&self) -> Vec<Affected> {
        let mut newest = BTreeMap::new();
        // Oldest first, so that the newest word wins.
        for change in self.updates.iter().rev().flat_map(|update| &update.components) {
            newest.insert(&change.component, change);
        }
        let mut affected: Vec<_> = newest
            .into_values()
            .map(|change| Affected {
                component: change.component.clone(),
                name: change.name.clone(),
                status: change.new,
            })
            .collect();
        affected.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.component.cmp(&b.component)));
        affected
    }
}

/// Whether an update at `display_at` is the newest word, so that its component statuses become the present ones.
/// `others` are the updates already there; those that were removed do not count.
pub fn is_newest<'a>(display_at: Timestamp, others: impl IntoIterator<Item = &'a Update>) -> bool {
    others.into_iter().filter(|other| other.is_kept()).all(|other| other.display_at <= display_at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{IncidentStatus::*, *};

    fn update(minute: i64, status: IncidentStatus) -> Update {
        let at = Timestamp::from_second(1_700_000_000 + minute * 60).unwrap();
        Update {
            id: UpdateId::from_random(minute.unsigned_abs()),
            status,
            body: String::new(),
            display_at: at,
            created_at: at,
            updated_at: at,
            next_update_by: None,
            edited_at: None,
            removed_at: None,
            notify: true,
            components: Vec::new(),
        }
    }

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }

    fn lists(mut update: Update, component: u64, new: ComponentStatus) -> Update {
        update.components.push(ComponentChange {
            component: ComponentId::from_random(component),
            name: format!("Component {component}"),
            old: ComponentStatus::Operational,
            new,
        });
        update
    }

    fn incident(updates: Vec<Update>) -> Incident {
        let mut updates = updates;
        updates.sort_by(|a, b| b.order().cmp(&a.order()));
        Incident {
            id: IncidentId::from_random(1),
            name: "Broken".into(),
            impact_override: None,
            created_at: minute(0),
            updated_at: minute(0),
            updates,
        }
    }

    #[test]
    fn the_newest_update_says_how_it_stands() {
        let standing =
            standing(&[update(10, Identified), update(0, Investigating), update(20, Monitoring), update(30, Resolved)])
                .unwrap();
        assert_eq!(standing.status, Resolved);
        assert_eq!(standing.started_at, minute(0));
        assert_eq!(standing.monitoring_at, Some(minute(20)));
        assert_eq!(standing.resolved_at, Some(minute(30)));
    }

    #[test]
    fn reopening_takes_the_end_back() {
        let standing = standing(&[update(0, Investigating), update(10, Resolved), update(20, Investigating)]).unwrap();
        assert_eq!((standing.status, standing.monitoring_at, standing.resolved_at), (Investigating, None, None));
        assert_eq!(step(Some(Resolved), Investigating), Step::Reopened);
    }

    #[test]
    fn a_second_word_after_the_end_does_not_move_the_end() {
        let standing = standing(&[update(0, Investigating), update(10, Resolved), update(90, Resolved)]).unwrap();
        assert_eq!(standing.resolved_at, Some(minute(10)));
    }

    #[test]
    fn writing_down_the_past_does_not_change_the_present() {
        let known = [update(0, Investigating), update(30, Resolved)];
        assert!(!is_newest(minute(15), &known));
        let mut with_past = known.to_vec();
        with_past.push(update(15, Identified));
        assert_eq!(standing(&with_past).unwrap().status, Resolved);
    }

    #[test]
    fn what_was_removed_does_not_count() {
        let removed = Update { removed_at: Some(minute(40)), ..update(30, Resolved) };
        let first = Update { next_update_by: Some(minute(60)), ..update(0, Investigating) };
        let whole = incident(vec![first, removed.clone()]);
        assert_eq!(whole.standing().unwrap().status, Investigating);
        assert_eq!(whole.newest().unwrap().display_at, minute(0));
        assert_eq!(whole.promised(), Some(minute(60)));
        assert!(is_newest(minute(10), &whole.updates));
        let gone = incident(vec![removed]);
        assert!(gone.is_removed());
        assert_eq!(gone.standing().unwrap().resolved_at, Some(minute(40)));
    }

    #[test]
    fn an_incident_that_was_major_stays_major_once_everything_works() {
        let incident = incident(vec![
            lists(update(0, Investigating), 1, ComponentStatus::PartialOutage),
            lists(update(10, Resolved), 1, ComponentStatus::Operational),
        ]);
        assert_eq!(incident.impact(), Impact::Major);
        assert_eq!(incident.affected()[0].status, ComponentStatus::Operational);
        assert_eq!(Incident { impact_override: Some(Impact::Minor), ..incident }.impact(), Impact::Minor);
    }

    #[test]
    fn a_component_listed_once_stays_listed() {
        let incident = incident(vec![
            lists(lists(update(0, Investigating), 1, ComponentStatus::MajorOutage), 2, ComponentStatus::MajorOutage),
            lists(update(10, Identified), 1, ComponentStatus::PartialOutage),
        ]);
        let names: Vec<_> = incident.affected().into_iter().map(|affected| (affected.name, affected.status)).collect();
        assert_eq!(
            names,
            [
                ("Component 1".to_owned(), ComponentStatus::PartialOutage),
                ("Component 2".to_owned(), ComponentStatus::MajorOutage)
            ]
        );
    }

    proptest! {
        #[test]
        fn it_is_over_exactly_when_it_has_an_end(
            words in prop::collection::vec((0_i64..1000, prop::sample::select(IncidentStatus::POSTABLE)), 1..20)
        ) {
            let updates: Vec<_> = words.into_iter().map(|(minute, status)| update(minute, status)).collect();
            let standing = standing(&updates).unwrap();
            prop_assert_eq!(standing.status.is_over(), standing.resolved_at.is_some());
            prop_assert!(standing.resolved_at.is_none_or(|end| end >= standing.started_at));
            prop_assert!(standing.monitoring_at.is_none_or(|since| since >= standing.started_at));
            let newest = updates.iter().max_by_key(|update| update.order()).unwrap();
            prop_assert_eq!(standing.status, newest.status);
        }
    }
}
