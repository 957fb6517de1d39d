//! Statuspage's read API as a strict reader sees it: every field of the right type, none missing, none too many.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// Real answers of other pages, beside the repository; `None`, said aloud, where they are not.
pub(crate) fn corpus(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus").join(folder);
    let found = path.is_dir();
    if !found {
        eprintln!("skipped: no corpus");
    }
    found.then_some(path)
}

/// Twelve characters of `0-9a-z`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(pub(crate) String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_id = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        if is_id { Ok(Self(text)) } else { Err(D::Error::custom(format!("{text:?} is no id"))) }
    }
}

/// RFC 3339 with exactly three digits after the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fraction = text.get(19..23).filter(|fraction| fraction.starts_with('.'));
        let time =
            text.parse().ok().filter(|_| fraction.is_some() && !text[23..].starts_with(|c: char| c.is_numeric()));
        time.map(Self).ok_or_else(|| D::Error::custom(format!("{text:?} is no time with milliseconds")))
    }
}

/// `YYYY-MM-DD`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day(pub(crate) jiff::civil::Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let day = text.parse().ok().filter(|_| text.len() == 10);
        day.map(Self).ok_or_else(|| D::Error::custom(format!("{text:?} is no day")))
    }
}

/// A field that must be there and may be `null`; serde takes a missing `Option` for `None` otherwise.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) time_zone: String,
    pub(crate) updated_at: Time,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    pub(crate) indicator: Indicator,
    pub(crate) description: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Indicator {
    None,
    Maintenance,
    Minor,
    Major,
    Critical,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ComponentStatus {
    Operational,
    UnderMaintenance,
    DegradedPerformance,
    PartialOutage,
    MajorOutage,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) status: ComponentStatus,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    pub(crate) position: i64,
    #[serde(deserialize_with = "present")]
    pub(crate) description: Option<String>,
    pub(crate) showcase: bool,
    #[serde(deserialize_with = "present")]
    pub(crate) start_date: Option<Day>,
    #[serde(deserialize_with = "present")]
    pub(crate) group_id: Option<Id>,
    pub(crate) page_id: Id,
    pub(crate) group: bool,
    pub(crate) only_show_if_degraded: bool,
    /// A group has it, and nothing else.
    pub(crate) components: Option<Vec<Id>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IncidentStatus {
    Investigating,
    Identified,
    Monitoring,
    Resolved,
    Postmortem,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Impact {
    None,
    Minor,
    Major,
    Critical,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the field is called so")]
pub(crate) struct Incident {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) status: IncidentStatus,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    #[serde(deserialize_with = "present")]
    pub(crate) monitoring_at: Option<Time>,
    #[serde(deserialize_with = "present")]
    pub(crate) resolved_at: Option<Time>,
    pub(crate) impact: Impact,
    pub(crate) shortlink: String,
    pub(crate) started_at: Time,
    pub(crate) page_id: Id,
    pub(crate) incident_updates: Vec<Update>,
    pub(crate) components: Vec<Component>,
    #[serde(deserialize_with = "present")]
    pub(crate) reminder_intervals: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    pub(crate) id: Id,
    pub(crate) status: IncidentStatus,
    pub(crate) body: String,
    pub(crate) incident_id: Id,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    pub(crate) display_at: Time,
    #[serde(deserialize_with = "present")]
    pub(crate) affected_components: Option<Vec<AffectedComponent>>,
    pub(crate) deliver_notifications: bool,
    #[serde(deserialize_with = "present")]
    pub(crate) custom_tweet: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(crate) tweet_id: Option<u64>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct AffectedComponent {
    pub(crate) code: Id,
    pub(crate) name: String,
    pub(crate) old_status: ComponentStatus,
    pub(crate) new_status: ComponentStatus,
}

/// `status.json`
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusDocument {
    pub(crate) page: Page,
    pub(crate) status: Status,
}

/// `components.json`
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComponentsDocument {
    pub(crate) page: Page,
    pub(crate) components: Vec<Component>,
}

/// `incidents.json` and `incidents/unresolved.json`
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentsDocument {
    pub(crate) page: Page,
    pub(crate) incidents: Vec<Incident>,
}

/// `scheduled-maintenances.json` and its selections
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaintenancesDocument {
    pub(crate) page: Page,
    pub(crate) scheduled_maintenances: Vec<Value>,
}

/// `summary.json`
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Summary {
    pub(crate) page: Page,
    pub(crate) components: Vec<Component>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) scheduled_maintenances: Vec<Value>,
    pub(crate) status: Status,
}

impl Incident {
    /// What the shape alone cannot say.
    #[track_caller]
    pub(crate) fn is_consistent(&self, page: &Page) {
        assert!(page.updated_at >= self.updated_at, "{self:?}");
        assert_eq!(self.status, self.incident_updates[0].status, "{self:?}");
        let is_over = matches!(self.status, IncidentStatus::Resolved | IncidentStatus::Postmortem);
        assert_eq!(self.resolved_at.is_some(), is_over, "{self:?}");
        assert!(self.incident_updates.is_sorted_by(|newer, older| newer.display_at >= older.display_at), "{self:?}");
        for update in &self.incident_updates {
            assert_eq!(update.incident_id, self.id);
            assert!(update.affected_components.as_ref().is_none_or(|affected| !affected.is_empty()), "{update:?}");
            for affected in update.affected_components.iter().flatten() {
                assert!(self.components.iter().any(|component| component.id == affected.code), "{self:?}");
            }
        }
        assert!(self.components.iter().all(|component| !component.group), "{self:?}");
    }
}

/// What the shape of a list of components alone cannot say.
#[track_caller]
pub(crate) fn are_consistent(components: &[Component]) {
    assert!(components.is_sorted_by_key(|component| component.position), "{components:?}");
    for component in components {
        assert_eq!(component.components.is_some(), component.group, "{component:?}");
        let children = components.iter().filter(|child| child.group_id.as_ref() == Some(&component.id));
        let mut children: Vec<_> = children.map(|child| child.id.clone()).collect();
        let mut listed = component.components.clone().unwrap_or_default();
        children.sort();
        listed.sort();
        assert_eq!(listed, children, "{component:?}");
    }
}
