//! The read API of Atlassian Statuspage, the de facto standard, version 2: pure functions from what is public to
//! documents in exactly its shapes, for the aggregators, widgets, exporters and chat bots that read them strictly.
//!
//! | document | holds |
//! |---|---|
//! | [`status()`] | the one sentence; depends on components alone |
//! | [`components`] | components and groups, by position |
//! | [`incidents`] | the incidents given, newest first |
//! | [`maintenances`] | maintenance windows: there are none yet |
//! | [`summary`] | all of it, of incidents those that are not over |

mod shapes;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use domain::{
    ids::{IncidentId, PageId},
    incident::{self, Standing},
    markdown,
    status::{self, ComponentStatus, worst},
    time,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::store::{
    component_records::{ComponentRecord, GroupRecord},
    imports::Said,
};
use shapes::{AffectedComponent, Component, Incident, Nothing, Page, Status, Update};

/// The time zone of a page whose owner chose none.
pub const DEFAULT_TIME_ZONE: &str = "Etc/UTC";

/// What every document is made of.
#[derive(Clone, Debug)]
pub struct Source {
    /// The page's id.
    pub page: PageId,
    /// Its name.
    pub name: String,
    /// Where it is reached, without a slash at the end.
    pub url: String,
    /// Its zone in the IANA database. Times are given in UTC whatever it is.
    pub time_zone: String,
    /// When anything on it last changed.
    pub changed_at: Timestamp,
    /// All components by position, also those that were deleted.
    pub components: Vec<ComponentRecord>,
    /// All groups by position.
    pub groups: Vec<GroupRecord>,
}

/// What a document tells of incidents: they, newest first, and what the pages they came from say of them.
pub type Incidents<'a> = (&'a [incident::Incident], &'a HashMap<IncidentId, Said>);

/// `/api/v2/status.json`
pub fn status(source: &Source) -> String {
    #[derive(Serialize)]
    struct Document {
        page: Page,
        status: Status,
    }
    write(&Document { page: source.page(), status: source.status() })
}

/// `/api/v2/components.json`
pub fn components(source: &Source) -> String {
    #[derive(Serialize)]
    struct Document {
        page: Page,
        components: Vec<Component>,
    }
    write(&Document { page: source.page(), components: source.listed() })
}

/// `/api/v2/incidents.json` and `/api/v2/incidents/unresolved.json`
pub fn incidents(source: &Source, incidents: Incidents) -> String {
    #[derive(Serialize)]
    struct Document {
        page: Page,
        incidents: Vec<Incident>,
    }
    write(&Document { page: source.page(), incidents: source.incidents(incidents) })
}

/// `/api/v2/scheduled-maintenances.json` and its two selections
pub fn maintenances(source: &Source) -> String {
    #[derive(Serialize)]
    struct Document {
        page: Page,
        scheduled_maintenances: [Nothing; 0],
    }
    write(&Document { page: source.page(), scheduled_maintenances: [] })
}

/// `/api/v2/summary.json`; `unresolved` are the incidents that are not over.
pub fn summary(source: &Source, unresolved: Incidents) -> String {
    #[derive(Serialize)]
    struct Document {
        page: Page,
        components: Vec<Component>,
        incidents: Vec<Incident>,
        scheduled_maintenances: [Nothing; 0],
        status: Status,
    }
    write(&Document {
        page: source.page(),
        components: source.listed(),
        incidents: source.incidents(unresolved),
        scheduled_maintenances: [],
        status: source.status(),
    })
}

fn write(document: &impl Serialize) -> String {
    // Text, numbers and lists of them always can be written as JSON.
    serde_json::to_string(document).unwrap_or_default()
}

impl Source {
    fn page(&self) -> Page {
        Page {
            id: self.page.clone(),
            name: self.name.clone(),
            url: self.url.clone(),
            time_zone: self.time_zone.clone(),
            updated_at: time::rfc3339(self.changed_at),
        }
    }

    fn status(&self) -> Status {
        let overall = status::overall(self.present().map(|record| record.component.status));
        Status { indicator: overall.indicator.as_str(), description: overall.description }
    }

    /// The components that are on the page.
    fn present(&self) -> impl Iterator<Item = &ComponentRecord> {
        self.components.iter().filter(|record| record.deleted_at.is_none())
    }

    /// Components and groups, by position.
    fn listed(&self) -> Vec<Component> {
        let components = self.present().map(|record| self.component(record));
        let mut listed: Vec<_> = components.chain(self.groups.iter().map(|group| self.group(group))).collect();
        listed.sort_by_key(|component| component.position);
        listed
    }

    fn component(&self, record: &ComponentRecord) -> Component {
        let component = &record.component;
        Component {
            id: component.id.to_string(),
            name: component.name.clone(),
            status: component.status.as_str(),
            created_at: time::rfc3339(record.created_at),
            updated_at: time::rfc3339(record.updated_at),
            position: component.position,
            description: described(&component.description),
            showcase: record.showcase,
            start_date: record.start_date.map(|date| date.to_string()),
            group_id: component.group.as_ref().map(ToString::to_string),
            page_id: self.page.clone(),
            group: false,
            only_show_if_degraded: record.only_show_if_degraded,
            components: None,
        }
    }

    fn group(&self, record: &GroupRecord) -> Component {
        let is_in = |child: &&ComponentRecord| child.component.group.as_ref() == Some(&record.group.id);
        let children: Vec<_> = self.present().filter(is_in).map(|child| &child.component).collect();
        Component {
            id: record.group.id.to_string(),
            name: record.group.name.clone(),
            status: worst(children.iter().map(|child| child.status)).as_str(),
            created_at: time::rfc3339(record.created_at),
            updated_at: time::rfc3339(record.updated_at),
            position: record.group.position,
            description: described(&record.description),
            showcase: false,
            start_date: None,
            group_id: None,
            page_id: self.page.clone(),
            group: true,
            only_show_if_degraded: false,
            components: Some(children.iter().map(|child| child.id.clone()).collect()),
        }
    }

    fn incidents(&self, (incidents, said): Incidents) -> Vec<Incident> {
        incidents.iter().filter_map(|incident| self.incident(incident, said.get(&incident.id))).collect()
    }

    /// `None` for an incident of which no word stands. Updates that were taken back are as if they had never been.
    fn incident(&self, incident: &incident::Incident, said: Option<&Said>) -> Option<Incident> {
        let mut incident = incident.clone();
        incident.updates.retain(|update| update.removed_at.is_none());
        let standing = incident.standing()?;
        let Standing { status, started_at, monitoring_at, resolved_at } =
            said.map_or(standing, |said| said.correct(standing));
        let affected = incident.affected();
        let also = said.map(|said| said.components.as_slice()).unwrap_or_default();
        let is_listed = |record: &&ComponentRecord| {
            let id = &record.component.id;
            affected.iter().any(|affected| affected.component == *id) || also.contains(id)
        };
        Some(Incident {
            id: incident.id.clone(),
            name: incident.name.clone(),
            status: status.as_str(),
            created_at: time::rfc3339(incident.created_at),
            updated_at: time::rfc3339(incident.updated_at),
            monitoring_at: monitoring_at.map(time::rfc3339),
            resolved_at: resolved_at.map(time::rfc3339),
            impact: incident.impact().as_str(),
            shortlink: format!("{}/incidents/{}", self.url, incident.id),
            started_at: time::rfc3339(started_at),
            page_id: self.page.clone(),
            incident_updates: incident.updates.iter().map(|update| self::update(&incident.id, update)).collect(),
            components: self.components.iter().filter(is_listed).map(|record| self.component(record)).collect(),
            reminder_intervals: None,
        })
    }
}

fn update(incident: &IncidentId, update: &incident::Update) -> Update {
    let status = ComponentStatus::as_str;
    let affected = update.components.iter().map(|change| AffectedComponent {
        code: change.component.clone(),
        name: change.name.clone(),
        old_status: status(change.old),
        new_status: status(change.new),
    });
    Update {
        id: update.id.clone(),
        status: update.status.as_str(),
        body: body(&update.body),
        incident_id: incident.clone(),
        created_at: time::rfc3339(update.created_at),
        updated_at: time::rfc3339(update.updated_at),
        display_at: time::rfc3339(update.display_at),
        affected_components: Some(affected.collect()).filter(|affected: &Vec<_>| !affected.is_empty()),
        deliver_notifications: update.notify,
        custom_tweet: None,
        tweet_id: None,
    }
}

/// What an update says, as plain text with `<br />` for line breaks. Nothing is escaped, as in the API this follows.
pub fn body(markdown: &str) -> String {
    markdown::to_text(markdown).replace('\n', "<br />")
}

fn described(description: &str) -> Option<String> {
    Some(description.to_owned()).filter(|description| !description.is_empty())
}
