//! Feeds, for readers and programs: pure functions from what is public to documents.
//!
//! | feed | one entry for each | entries |
//! |---|---|---|
//! | history | incident | revised in place: its content is the whole timeline, newest first |
//! | updates | update | stable, so that readers announce each one |
//! | a component's | update of an incident that ever listed it | the same, under the same ids |
//!
//! Ids are tag URIs (RFC 4151) made of the page's host, a year that never changes and our id, so an entry stays the same
//! when it is edited, renamed or moved to another path.
//!
//! Beside them stands [`statuspage_v2`], the JSON that programs read.

pub mod atom;
pub mod json_feed;
pub mod rss;
pub mod statuspage_v2;

#[cfg(test)]
mod tests;

use app::{emails::one_line, render::escape};
use domain::{
    component::Component,
    ids::IncidentId,
    incident::{Incident, Update},
    markdown,
    status::IncidentStatus,
    time,
};
use jiff::{Timestamp, tz::TimeZone};

/// The page that a feed speaks for.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is reached, without a slash at the end.
    pub url: &'a str,
    /// When anything on it last changed: the age of a feed without entries.
    pub changed_at: Timestamp,
    /// The component that a feed of updates is about; `None` for all of them.
    pub component: Option<&'a Component>,
}

/// A document and what HTTP says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The whole document.
    pub body: String,
    /// When the newest change to any entry was made: `Last-Modified`.
    pub modified: Timestamp,
    /// `Content-Type`.
    pub media_type: &'static str,
}

/// One update and the incident that it belongs to, as the store lists them.
pub type PublicUpdate = (IncidentId, String, Update);

/// What all entries are made of, whatever the format.
struct Entry {
    id: String,
    title: String,
    url: String,
    published: Timestamp,
    updated: Timestamp,
    html: String,
}

/// What stands around the entries, and they.
struct Channel<'a> {
    page: Page<'a>,
    id: String,
    title: String,
    /// Where this feed itself is.
    url: String,
    modified: Timestamp,
    entries: Vec<Entry>,
}

impl<'a> Channel<'a> {
    /// The incidents, in the order given.
    fn history(page: Page<'a>, file: &str, incidents: &[Incident]) -> Self {
        let entries = incidents.iter().map(|incident| Entry {
            id: tag(&page, incident.created_at, "incident", incident.id.as_str()),
            title: one_line(&incident.name),
            url: incident_url(&page, &incident.id),
            published: incident.standing().map_or(incident.created_at, |standing| standing.started_at),
            updated: incident.updates.iter().map(|update| update.updated_at).fold(incident.updated_at, Timestamp::max),
            html: incident.updates.iter().map(|update| in_timeline(&page, &incident.id, update) + "\n").collect(),
        });
        Self::new(page, "history", file, format!("{}: incidents", one_line(page.name)), entries.collect())
    }

    /// The updates, in the order given; `ending` is the format's.
    fn updates(page: Page<'a>, ending: &str, updates: &[PublicUpdate]) -> Self {
        let entries = updates.iter().map(|(incident, name, update)| Entry {
            id: tag(&page, update.created_at, "update", update.id.as_str()),
            title: format!("{}: {}", one_line(name), label(update)),
            url: update_url(&page, incident, update),
            published: update.display_at,
            updated: update.updated_at,
            html: in_timeline(&page, incident, update),
        });
        let name = one_line(page.name);
        let (kind, title) = match page.component {
            None => ("updates".to_owned(), format!("{name}: updates")),
            Some(component) => {
                (format!("components/{}", component.id), format!("{name}: {}", one_line(&component.name)))
            }
        };
        Self::new(page, &kind, &format!("{kind}.{ending}"), title, entries.collect())
    }

    fn new(page: Page<'a>, kind: &str, file: &str, title: String, entries: Vec<Entry>) -> Self {
        Self {
            // The year in which these feeds began, not the one in which someone reads them.
            id: format!("tag:{},2026:{kind}", host(page.url)),
            title,
            url: format!("{}/{file}", page.url),
            modified: entries.iter().map(|entry| entry.updated).max().unwrap_or(page.changed_at),
            entries,
            page,
        }
    }
}

/// `tag:status.example.com,2024:incident/0123456789ab`
fn tag(page: &Page, since: Timestamp, kind: &str, id: &str) -> String {
    format!("tag:{},{:04}:{kind}/{id}", host(page.url), since.to_zoned(TimeZone::UTC).year())
}

/// The host of an address, without the port, which a tag URI has no room for.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn incident_url(page: &Page, incident: &IncidentId) -> String {
    format!("{}/incidents/{incident}", page.url)
}

/// Where an update is read: a postmortem has a page of its own.
fn update_url(page: &Page, incident: &IncidentId, update: &Update) -> String {
    match update.status {
        IncidentStatus::Postmortem if update.is_kept() => format!("{}/postmortems/{incident}", page.url),
        _ => format!("{}#update-{}", incident_url(page, incident), update.id),
    }
}

/// What an update is called among others: where the incident stood, unless it was taken back.
fn label(update: &Update) -> &'static str {
    if update.is_kept() { update.status.label() } else { "Removed" }
}

/// One update: what it says of the status and when, then its content.
fn in_timeline(page: &Page, incident: &IncidentId, update: &Update) -> String {
    format!(
        "<p><strong>{}</strong> · <time datetime=\"{}\">{}</time></p>\n{}",
        label(update),
        time::rfc3339(update.display_at),
        time::full(update.display_at),
        content(page, incident, update)
    )
}

/// What an update says, and which components it names. Its footnotes lead to the incident's own page, where they have the
/// same ids: no reader knows what an address without a page would mean in a feed.
fn content(page: &Page, incident: &IncidentId, update: &Update) -> String {
    let html = markdown::to_html_in(&update.body, &format!("u-{}", update.id));
    let html = html.replace("<a href=\"#", &format!("<a href=\"{}#", escape(&incident_url(page, incident))));
    let changes = update.components.iter().map(|change| {
        let old = if change.old == change.new { String::new() } else { format!("{} → ", change.old.label()) };
        format!("<li>{}: {old}{}</li>", escape(&one_line(&change.name)), change.new.label())
    });
    let changes: String = changes.collect();
    let html = html.trim_end();
    if changes.is_empty() { html.to_owned() } else { format!("{html}\n<ul>{changes}</ul>") }
}

/// Removes what XML 1.0 cannot hold in any form (section 2.2): control characters but tab and line breaks, and U+FFFE
/// and U+FFFF. One of them makes the whole document unreadable.
fn xml(document: String) -> String {
    let is_legal = |letter: char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if document.chars().all(is_legal) {
        document
    } else {
        document.chars().filter(|letter| is_legal(*letter)).collect()
    }
}
