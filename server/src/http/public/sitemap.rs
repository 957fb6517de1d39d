//! `/sitemap.xml` (<https://www.sitemaps.org/protocol.html>)

use std::{collections::BTreeMap, fmt::Write as _, iter::successors, sync::Arc};

use app::render::escape;
use axum::{extract::State, http::HeaderMap, response::Response};
use domain::{month::Month, time::rfc3339};
use jiff::Timestamp;

use crate::{
    error::Result,
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// How many addresses one file may hold.
const MOST: usize = 50_000;

/// Every public page, with when it last changed: home, components, the months since something was first reported,
/// postmortems, incidents. A month in which nothing was has no such time.
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    state.pages().answer("/sitemap.xml", "/sitemap.xml", &headers, state.clock.now(), load(&state)).await
}

async fn load(state: &AppState) -> Result<Draw> {
    let (_, changed_at) = state.store.page_version().await?;
    let components = state.store.component_changes().await?;
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let incidents = state.store.incident_changes(most).await?;
    let postmortems = state.store.postmortem_changes(most).await?;
    let mut changes: BTreeMap<Month, Timestamp> = BTreeMap::new();
    for (_, started_at, updated_at) in &incidents {
        let newest = changes.entry(Month::of(*started_at)).or_insert(*updated_at);
        *newest = (*newest).max(*updated_at);
    }
    let present = Month::of(state.clock.now());
    let first = state.store.first_incident_at().await?.map_or(present, Month::of);
    let months = successors(Some(present), |month| month.previous().filter(|previous| *previous >= first));
    let home = [("/".to_owned(), Some(changed_at)), ("/history".to_owned(), Some(changed_at))];
    let components = components.into_iter().map(|(id, at)| (format!("/components/{id}"), Some(at)));
    let months = months.map(|month| (format!("/history/{month}"), changes.get(&month).copied()));
    let postmortems = postmortems.into_iter().map(|(id, at)| (format!("/postmortems/{id}"), Some(at)));
    let incidents = incidents.into_iter().map(|(id, _, at)| (format!("/incidents/{id}"), Some(at)));
    let pages = home.into_iter().chain(components).chain(months).chain(postmortems).chain(incidents);
    let body = write(state.public_url(), pages);
    Ok(Arc::new(move |_| Document {
        body: body.clone(),
        media_type: "application/xml; charset=utf-8",
        modified: Some(changed_at),
    }))
}

fn write(url: &str, pages: impl Iterator<Item = (String, Option<Timestamp>)>) -> String {
    let url = escape(url);
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                   <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"
        .to_owned();
    for (path, at) in pages.take(MOST) {
        let changed = at.map_or_else(String::new, |at| format!("<lastmod>{}</lastmod>", rfc3339(at)));
        // Writing into a string does not fail.
        let _ = writeln!(xml, "<url><loc>{url}{path}</loc>{changed}</url>");
    }
    xml.push_str("</urlset>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_fifty_thousand_addresses_and_no_more() {
        let pages = (0..60_000).map(|number| (format!("/incidents/{number}"), Some(Timestamp::UNIX_EPOCH)));
        let xml = write("https://status.example.com/a&b", pages);
        assert_eq!(xml.matches("<url>").count(), 50_000);
        let first =
            "<loc>https://status.example.com/a&amp;b/incidents/0</loc><lastmod>1970-01-01T00:00:00.000Z</lastmod>";
        assert!(xml.contains(first) && xml.ends_with("</urlset>\n"), "{}", &xml[..400]);
    }
}
