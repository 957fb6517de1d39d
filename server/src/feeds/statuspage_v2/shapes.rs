//! The shapes themselves, field by field in the order in which Statuspage writes them. Nothing may be added: strict
//! readers refuse what they do not know.

use domain::ids::{ComponentId, IncidentId, PageId, UpdateId};
use serde::Serialize;

/// Always `null`: what only Statuspage does.
pub(super) type Nothing = Option<()>;

#[derive(Serialize)]
pub(super) struct Page {
    pub(super) id: PageId,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) time_zone: String,
    pub(super) updated_at: String,
}

#[derive(Serialize)]
pub(super) struct Status {
    pub(super) indicator: &'static str,
    pub(super) description: &'static str,
}

/// A component or a group; only a group has `components`.
#[derive(Serialize)]
pub(super) struct Component {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: &'static str,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) position: i64,
    pub(super) description: Option<String>,
    pub(super) showcase: bool,
    pub(super) start_date: Option<String>,
    pub(super) group_id: Option<String>,
    pub(super) page_id: PageId,
    pub(super) group: bool,
    pub(super) only_show_if_degraded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) components: Option<Vec<ComponentId>>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the field is called so")]
pub(super) struct Incident {
    pub(super) id: IncidentId,
    pub(super) name: String,
    pub(super) status: &'static str,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) monitoring_at: Option<String>,
    pub(super) resolved_at: Option<String>,
    pub(super) impact: &'static str,
    pub(super) shortlink: String,
    pub(super) started_at: String,
    pub(super) page_id: PageId,
    pub(super) incident_updates: Vec<Update>,
    pub(super) components: Vec<Component>,
    pub(super) reminder_intervals: Nothing,
}

#[derive(Serialize)]
pub(super) struct Update {
    pub(super) id: UpdateId,
    pub(super) status: &'static str,
    pub(super) body: String,
    pub(super) incident_id: IncidentId,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) display_at: String,
    pub(super) affected_components: Option<Vec<AffectedComponent>>,
    pub(super) deliver_notifications: bool,
    pub(super) custom_tweet: Nothing,
    pub(super) tweet_id: Nothing,
}

#[derive(Serialize)]
pub(super) struct AffectedComponent {
    pub(super) code: ComponentId,
    pub(super) name: String,
    pub(super) old_status: &'static str,
    pub(super) new_status: &'static str,
}
