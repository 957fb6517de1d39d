//! Components: the parts of a service that customers know by name, and their groups.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ComponentId, GroupId},
    status::{ComponentStatus, worst},
};

/// One part of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Never changes.
    pub id: ComponentId,
    /// What customers call it, at most 300 characters.
    pub name: String,
    /// A line below the name; may be empty.
    pub description: String,
    /// How it fares now.
    pub status: ComponentStatus,
    /// The group it stands in.
    pub group: Option<GroupId>,
    /// Where it stands in its group, or among those without one: smaller first.
    pub position: i64,
}

/// Components that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Never changes.
    pub id: GroupId,
    /// What customers call it.
    pub name: String,
    /// Where it stands on the page: smaller first.
    pub position: i64,
}

/// A part of the page: a heading, or none, and the components below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// `None` for the components without a group.
    pub group: Option<Group>,
    /// In their order.
    pub components: Vec<Component>,
}

impl Section {
    /// A group fares as its worst component does.
    pub fn status(&self) -> ComponentStatus {
        worst(self.components.iter().map(|component| component.status))
    }
}

/// The page's order: components without a group first, then the groups, each by position and then name.
/// A group without components is left out; a component whose group is gone counts as having none.
pub fn sections(mut groups: Vec<Group>, mut components: Vec<Component>) -> Vec<Section> {
    groups.sort_by(|a, b| (a.position, &a.name, &a.id).cmp(&(b.position, &b.name, &b.id)));
    components.sort_by(|a, b| (a.position, &a.name, &a.id).cmp(&(b.position, &b.name, &b.id)));
    let mut sections = vec![Section { group: None, components: Vec::new() }];
    sections.extend(groups.into_iter().map(|group| Section { group: Some(group), components: Vec::new() }));
    for component in components {
        let place = component
            .group
            .as_ref()
            .and_then(|id| {
                sections.iter().position(|section| section.group.as_ref().is_some_and(|group| group.id == *id))
            })
            .unwrap_or(0);
        sections[place].components.push(component);
    }
    sections.retain(|section| !section.components.is_empty());
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, group: Option<u64>, position: i64, status: ComponentStatus) -> Component {
        Component {
            id: ComponentId::from_random(name.len() as u64 * 31 + position.unsigned_abs()),
            name: name.into(),
            description: String::new(),
            status,
            group: group.map(GroupId::from_random),
            position,
        }
    }

    #[test]
    fn sections_follow_the_positions_and_groups_their_worst_component() {
        let group = |name: &str, id, position| Group { id: GroupId::from_random(id), name: name.into(), position };
        let sections = sections(
            vec![group("Second", 2, 2), group("First", 1, 1), group("Empty", 3, 0)],
            vec![
                component("b", Some(1), 2, ComponentStatus::MajorOutage),
                component("a", Some(1), 1, ComponentStatus::Operational),
                component("alone", None, 9, ComponentStatus::Operational),
                component("orphan", Some(99), 1, ComponentStatus::Operational),
                component("c", Some(2), 1, ComponentStatus::UnderMaintenance),
            ],
        );
        let shape: Vec<_> = sections
            .iter()
            .map(|section| {
                let names: Vec<_> = section.components.iter().map(|component| component.name.as_str()).collect();
                (section.group.as_ref().map(|group| group.name.as_str()), names, section.status())
            })
            .collect();
        assert_eq!(
            shape,
            [
                (None, vec!["orphan", "alone"], ComponentStatus::Operational),
                (Some("First"), vec!["a", "b"], ComponentStatus::MajorOutage),
                (Some("Second"), vec!["c"], ComponentStatus::UnderMaintenance),
            ]
        );
    }
}
