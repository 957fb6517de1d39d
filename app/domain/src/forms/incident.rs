//! Forms about incidents and their updates.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::{SignedDuration, Timestamp};

use super::{BODY_MAX, FieldErrors, Fields, NAME_MAX, line, paragraphs};
use crate::{
    component::Component,
    ids::{ComponentId, UpdateId},
    incident::Incident,
    status::{ComponentStatus, Impact, IncidentStatus},
    time::{parse_future, parse_past},
    token,
};

/// In how many minutes the next update may be promised without typing a time.
pub const PROMISES: [i64; 4] = [15, 30, 60, 120];

/// An update as typed.
#[derive(Clone, Debug, Default)]
pub struct UpdateForm {
    /// Drawn when the form was shown: sending the same form twice publishes once.
    pub key: String,
    /// The newest update when the form was shown; empty for an incident that is not there yet.
    pub seen: String,
    /// An [`IncidentStatus`]'s word.
    pub status: String,
    /// Markdown.
    pub body: String,
    /// When it was true, in any zone; empty for now.
    pub display_at: String,
    /// In how many minutes the next word is promised: one of [`PROMISES`], `at` for [`Self::next_update_at`], empty for
    /// no promise.
    pub next_update: String,
    /// When it is promised, in any zone.
    pub next_update_at: String,
    /// `yes` or `no`; nothing is chosen beforehand.
    pub notify: String,
    /// For each component's id the status it is to have; empty when it is not listed.
    pub components: BTreeMap<String, String>,
    /// Whether everything the incident listed goes back to operational. Counts when resolving.
    pub restore: bool,
}

/// A new incident as typed: a title, how bad it is, and its first update.
#[derive(Clone, Debug, Default)]
pub struct IncidentForm {
    /// Its title.
    pub name: String,
    /// An [`Impact`]'s word, or empty to follow the components.
    pub impact: String,
    /// The first update.
    pub update: UpdateForm,
}

/// A component that an update lists, with the status it is to have.
pub type Listed = BTreeMap<ComponentId, ComponentStatus>;

/// What an [`UpdateForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostUpdate {
    /// Makes a repetition harmless.
    pub key: Option<String>,
    /// The newest update the author knew of: nobody publishes over what a colleague has just said. `None` asks nothing.
    pub seen: Option<UpdateId>,
    /// Where the incident stands.
    pub status: IncidentStatus,
    /// Markdown.
    pub body: String,
    /// When it was true; `None` for the moment it is published.
    pub display_at: Option<Timestamp>,
    /// When the next word is promised; never once it is over.
    pub next_update_by: Option<Timestamp>,
    /// Whether subscribers are mailed.
    pub notify: bool,
    /// The components it lists.
    pub components: Listed,
    /// Whether everything listed before goes back to operational.
    pub restore: bool,
}

/// What an [`IncidentForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIncident {
    /// Its title.
    pub name: String,
    /// The author's word on how bad it is.
    pub impact: Option<Impact>,
    /// The first update.
    pub update: PostUpdate,
}

impl UpdateForm {
    /// A fresh form for the first update of an incident.
    pub fn opening(key: String) -> Self {
        Self { key, status: IncidentStatus::Investigating.as_str().into(), restore: true, ..Self::default() }
    }

    /// A fresh form for the next update: where the incident stands, and how its components fare at the moment.
    pub fn following(incident: &Incident, components: &[Component], key: String) -> Self {
        let status = incident.newest().map_or(IncidentStatus::Investigating, |update| update.status);
        // A postmortem is published elsewhere; a word after it finds the incident resolved.
        let status = if status.is_over() { IncidentStatus::Resolved } else { status };
        let affected: BTreeSet<_> = incident.affected().into_iter().map(|affected| affected.component).collect();
        let listed = components.iter().filter(|component| affected.contains(&component.id));
        Self {
            components: listed.map(|listed| (listed.id.to_string(), listed.status.as_str().to_owned())).collect(),
            seen: incident.newest().map(|update| update.id.to_string()).unwrap_or_default(),
            status: status.as_str().into(),
            ..Self::opening(key)
        }
    }

    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self {
            key: fields.get("key"),
            seen: fields.get("seen"),
            status: fields.get("status"),
            body: fields.get("body"),
            display_at: fields.get("display_at"),
            next_update: fields.get("next_update"),
            next_update_at: fields.get("next_update_at"),
            notify: fields.get("notify"),
            components: fields.under("component.").map(|(id, word)| (id.to_owned(), word.to_owned())).collect(),
            restore: fields.is_ticked("restore"),
        }
    }

    /// The command, or all that is wrong. `known` are the components that may be listed.
    pub fn parse(&self, known: &[ComponentId], now: Timestamp) -> Result<PostUpdate, FieldErrors> {
        let mut errors = FieldErrors::default();
        let status = self.status.parse().ok().filter(|status| IncidentStatus::POSTABLE.contains(status));
        if status.is_none() {
            errors.add("status", "choose where the incident stands");
        }
        let body = errors.take("body", paragraphs(&self.body, BODY_MAX));
        let display_at = match self.display_at.trim() {
            "" => Some(None),
            typed => errors.take("display_at", parse_past(typed, now)).map(Some),
        };
        let next_update_by = self.promise(&mut errors, now).filter(|_| status.is_some_and(|status| !status.is_over()));
        let notify = match self.notify.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => {
                errors.add("notify", "choose whether to mail subscribers");
                None
            }
        };
        let mut components = Listed::new();
        for (id, word) in self.components.iter().filter(|(_, word)| !word.is_empty()) {
            let listed = known.iter().find(|known| known.as_str() == id).zip(word.parse().ok());
            match listed {
                Some((id, status)) => {
                    components.insert(id.clone(), status);
                }
                None => {
                    errors.add("components", "a component was removed meanwhile, or has no such status: look again");
                }
            }
        }
        let key = repetition(&self.key, self);
        let seen = self.seen.parse().ok();
        match (status, body, display_at, notify) {
            (Some(status), Some(body), Some(display_at), Some(notify)) if errors.is_empty() => {
                let restore = self.restore && status == IncidentStatus::Resolved;
                Ok(PostUpdate { key, seen, status, body, display_at, next_update_by, notify, components, restore })
            }
            _ => Err(errors),
        }
    }

    /// When the next word is promised, if it is.
    fn promise(&self, errors: &mut FieldErrors, now: Timestamp) -> Option<Timestamp> {
        let minutes = self.next_update.parse().ok().filter(|minutes| PROMISES.contains(minutes));
        match (self.next_update.as_str(), minutes) {
            ("", _) => None,
            (_, Some(minutes)) => now.checked_add(SignedDuration::from_mins(minutes)).ok(),
            ("at", _) => errors.take("next_update_at", parse_future(&self.next_update_at, now)),
            _ => {
                errors.add("next_update", "choose when the next update is due, or none");
                None
            }
        }
    }
}

impl IncidentForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self { name: fields.get("name"), impact: fields.get("impact"), update: UpdateForm::from_fields(fields) }
    }

    /// The command, or all that is wrong. `known` are the components that may be listed.
    pub fn parse(&self, known: &[ComponentId], now: Timestamp) -> Result<OpenIncident, FieldErrors> {
        let update = self.update.parse(known, now);
        let mut errors = update.as_ref().err().cloned().unwrap_or_default();
        let name = errors.take("name", line(&self.name, NAME_MAX));
        let impact = match self.impact.as_str() {
            "" => Some(None),
            word => errors.take("impact", word.parse().map_err(|_| "choose one of the impacts")).map(Some),
        };
        match (name, impact, update) {
            (Some(name), Some(impact), Ok(update)) => {
                let update = PostUpdate { key: repetition(&self.update.key, self), ..update };
                Ok(OpenIncident { name, impact, update })
            }
            _ => Err(errors),
        }
    }
}

/// What tells a form sent twice from one that was changed before it was sent again: the key it was shown with and
/// everything in it. Whoever goes back, writes something else and publishes has said something new.
pub(super) fn repetition(key: &str, form: &impl fmt::Debug) -> Option<String> {
    (!key.trim().is_empty()).then(|| token::hash(&format!("{form:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{IncidentId, UpdateId},
        incident::{ComponentChange, Update},
    };

    fn now() -> Timestamp {
        "2024-02-06T20:04:00Z".parse().unwrap()
    }

    fn known() -> Vec<ComponentId> {
        vec![ComponentId::from_random(1)]
    }

    fn valid() -> IncidentForm {
        IncidentForm {
            name: "Under load".into(),
            update: UpdateForm {
                status: "investigating".into(),
                body: "We are looking into it.".into(),
                display_at: "2024-02-05 04:12 -06:00".into(),
                notify: "no".into(),
                components: [(known()[0].to_string(), "major_outage".into()), ("gone".into(), String::new())].into(),
                ..UpdateForm::default()
            },
            ..IncidentForm::default()
        }
    }

    #[test]
    fn a_full_form_becomes_a_command() {
        let command = valid().parse(&known(), now()).unwrap();
        assert_eq!(command.update.display_at, Some("2024-02-05T10:12:00Z".parse().unwrap()));
        assert_eq!(command.update.components, [(known()[0].clone(), ComponentStatus::MajorOutage)].into());
        assert!(!command.update.notify);
    }

    #[test]
    fn a_form_that_was_changed_is_no_repetition() {
        let key = |form: &IncidentForm| form.parse(&known(), now()).unwrap().update.key;
        let mut form = valid();
        assert_eq!(key(&form), None);
        form.update.key = "k".into();
        let first = key(&form);
        assert!(first.is_some() && first == key(&form.clone()));
        form.name.push('!');
        assert_ne!(first, key(&form));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let form = IncidentForm {
            impact: "terrible".into(),
            update: UpdateForm {
                status: "postmortem".into(),
                display_at: "soon".into(),
                components: [("gone".into(), "major_outage".into())].into(),
                ..UpdateForm::default()
            },
            ..IncidentForm::default()
        };
        let errors = form.parse(&known(), now()).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["body", "components", "display_at", "impact", "name", "notify", "status"]);
    }

    #[test]
    fn mailing_is_never_chosen_for_the_author() {
        let mut form = valid();
        form.update.notify = String::new();
        let errors = form.parse(&known(), now()).unwrap_err();
        assert_eq!(errors.get("notify"), Some("choose whether to mail subscribers"));
    }

    #[test]
    fn the_next_update_is_promised_in_minutes_or_at_a_time_and_not_after_the_end() {
        let promised = |next: &str, at: &str, status: &str| {
            let mut form = valid();
            form.update.next_update = next.into();
            form.update.next_update_at = at.into();
            form.update.status = status.into();
            form.parse(&known(), now()).map(|command| command.update.next_update_by)
        };
        let ahead = |minutes| Some(now().checked_add(SignedDuration::from_mins(minutes)).unwrap());
        assert_eq!(promised("", "", "identified"), Ok(None));
        assert_eq!(promised("30", "", "identified"), Ok(ahead(30)));
        assert_eq!(promised("30", "", "resolved"), Ok(None));
        assert!(promised("31", "", "identified").unwrap_err().get("next_update").is_some());
        assert!(promised("at", "", "identified").unwrap_err().get("next_update_at").is_some());
        assert!(promised("at", "2001-01-01 10:00", "identified").unwrap_err().get("next_update_at").is_some());
    }

    #[test]
    fn only_resolving_puts_components_back() {
        let mut form = valid();
        form.update.restore = true;
        assert!(!form.parse(&known(), now()).unwrap().update.restore);
        form.update.status = "resolved".into();
        assert!(form.parse(&known(), now()).unwrap().update.restore);
    }

    #[test]
    fn a_fresh_form_shows_how_things_stand_and_chooses_no_mail() {
        let component = |id, status| Component {
            id: ComponentId::from_random(id),
            name: "API".into(),
            description: String::new(),
            status,
            group: None,
            position: 0,
        };
        let components =
            [component(1, ComponentStatus::MajorOutage), component(2, ComponentStatus::DegradedPerformance)];
        let mut incident = Incident {
            id: IncidentId::from_random(1),
            name: "Under load".into(),
            impact_override: None,
            created_at: now(),
            updated_at: now(),
            updates: vec![Update {
                id: UpdateId::from_random(1),
                status: IncidentStatus::Identified,
                body: "Found it.".into(),
                display_at: now(),
                created_at: now(),
                updated_at: now(),
                next_update_by: None,
                edited_at: None,
                removed_at: None,
                notify: true,
                components: vec![ComponentChange {
                    component: components[0].id.clone(),
                    name: "API".into(),
                    old: ComponentStatus::Operational,
                    new: ComponentStatus::PartialOutage,
                }],
            }],
        };
        let form = UpdateForm::following(&incident, &components, "key".into());
        assert_eq!((form.status.as_str(), form.notify.as_str(), form.restore), ("identified", "", true));
        assert_eq!(form.components, [(components[0].id.to_string(), "major_outage".to_owned())].into());
        incident.updates[0].status = IncidentStatus::Postmortem;
        assert_eq!(UpdateForm::following(&incident, &components, "key".into()).status, "resolved");
    }
}
