//! Forms about components and groups.

use std::collections::BTreeSet;

use super::{DESCRIPTION_MAX, FieldErrors, Fields, NAME_MAX, line, optional};
use crate::{ids::GroupId, status::ComponentStatus};

/// A component as typed.
#[derive(Clone, Debug, Default)]
pub struct ComponentForm {
    /// What customers call it.
    pub name: String,
    /// A line below the name.
    pub description: String,
    /// A [`ComponentStatus`]'s word.
    pub status: String,
    /// The status when the form was shown, so that saving a name does not undo what an incident has said meanwhile.
    pub was: String,
    /// A group's id, or empty.
    pub group: String,
    /// A whole number; smaller stands first.
    pub position: String,
}

/// What a [`ComponentForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveComponent {
    /// What customers call it.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// How it fares from now on; `None` as it does at the moment.
    pub status: Option<ComponentStatus>,
    /// One of the known groups.
    pub group: Option<GroupId>,
    /// Smaller stands first.
    pub position: i64,
}

impl ComponentForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self {
            name: fields.get("name"),
            description: fields.get("description"),
            status: fields.get("status"),
            was: fields.get("was"),
            group: fields.get("group"),
            position: fields.get("position"),
        }
    }

    /// The command, or all that is wrong. `groups` are those that exist.
    pub fn parse(&self, groups: &BTreeSet<GroupId>) -> Result<SaveComponent, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", line(&self.name, NAME_MAX));
        let description = errors.take("description", optional(line(&self.description, DESCRIPTION_MAX)));
        let status = match self.status.as_str() {
            "" => Some(None),
            word if word == self.was => Some(None),
            word => errors.take("status", word.parse().map_err(|_| "choose one of the statuses")).map(Some),
        };
        let group = match self.group.as_str() {
            "" => Some(None),
            id => {
                if let Some(id) = id.parse::<GroupId>().ok().filter(|id| groups.contains(id)) {
                    Some(Some(id))
                } else {
                    errors.add("group", "this group does not exist any more: choose another");
                    None
                }
            }
        };
        let position = position(&self.position, &mut errors);
        match (name, description, status, group, position) {
            (Some(name), Some(description), Some(status), Some(group), Some(position)) => {
                Ok(SaveComponent { name, description, status, group, position })
            }
            _ => Err(errors),
        }
    }
}

/// A group as typed.
#[derive(Clone, Debug, Default)]
pub struct GroupForm {
    /// What customers call it.
    pub name: String,
    /// A whole number; smaller stands first.
    pub position: String,
}

/// What a [`GroupForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveGroup {
    /// What customers call it.
    pub name: String,
    /// Smaller stands first.
    pub position: i64,
}

impl GroupForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self { name: fields.get("name"), position: fields.get("position") }
    }

    /// The command, or all that is wrong.
    pub fn parse(&self) -> Result<SaveGroup, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", line(&self.name, NAME_MAX));
        let position = position(&self.position, &mut errors);
        match (name, position) {
            (Some(name), Some(position)) => Ok(SaveGroup { name, position }),
            _ => Err(errors),
        }
    }
}

fn position(text: &str, errors: &mut FieldErrors) -> Option<i64> {
    let parsed = match text.trim() {
        "" => Some(0),
        digits => digits.parse::<i64>().ok().filter(|position| (0..=1_000_000).contains(position)),
    };
    if parsed.is_none() {
        errors.add("position", "write a whole number from 0 to 1,000,000");
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_with_a_component_is_said_at_once() {
        let form = ComponentForm {
            name: " ".into(),
            description: "d".repeat(1001),
            status: "green".into(),
            was: String::new(),
            group: "gone".into(),
            position: "first".into(),
        };
        let errors = form.parse(&BTreeSet::new()).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["description", "group", "name", "position", "status"]);
    }

    #[test]
    fn a_status_that_nobody_changed_stays_as_it_is() {
        let form = ComponentForm { name: "API".into(), status: "operational".into(), ..ComponentForm::default() };
        let parse =
            |was: &str| ComponentForm { was: was.into(), ..form.clone() }.parse(&BTreeSet::new()).unwrap().status;
        assert_eq!(parse("operational"), None);
        assert_eq!(parse("major_outage"), Some(ComponentStatus::Operational));
    }

    #[test]
    fn only_the_name_is_needed() {
        let form = ComponentForm { name: "API".into(), ..ComponentForm::default() };
        let saved = form.parse(&BTreeSet::new()).unwrap();
        assert_eq!((saved.name.as_str(), saved.status, saved.group), ("API", None, None));
    }
}
