//! `/history.*`, `/updates.*` and `/components/{id}.*`

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use domain::{ids::ComponentId, incident::Incident};

use super::component::find;
use crate::{
    error::{Error, Result},
    feeds::{self, Feed, Page, PublicUpdate},
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// How many incidents a feed reaches back.
const INCIDENTS: i64 = 50;
/// How many updates.
const UPDATES: i64 = 100;

/// One entry an incident, revised in place.
pub(crate) async fn history_atom(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/history.atom", Write::History(feeds::atom::history)).await
}

/// One item an incident, revised in place.
pub(crate) async fn history_rss(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/history.rss", Write::History(feeds::rss::history)).await
}

/// One entry an update.
pub(crate) async fn updates_atom(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/updates.atom", Write::Updates(feeds::atom::updates)).await
}

/// One item an update.
pub(crate) async fn updates_rss(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/updates.rss", Write::Updates(feeds::rss::updates)).await
}

/// One item an update, as JSON Feed 1.1.
pub(crate) async fn updates_json(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/updates.json", Write::Updates(feeds::json_feed::updates)).await
}

/// What a feed is written from.
#[derive(Clone, Copy)]
enum Write {
    History(fn(Page<'_>, &[Incident]) -> Feed),
    Updates(fn(Page<'_>, &[PublicUpdate]) -> Feed),
}

/// One entry an update of incidents that ever listed a component.
pub(super) async fn of_component(
    state: &AppState,
    headers: &HeaderMap,
    id: &ComponentId,
    ending: &str,
) -> Result<Response> {
    let write = match ending {
        "atom" => feeds::atom::updates,
        "rss" => feeds::rss::updates,
        "json" => feeds::json_feed::updates,
        _ => return Err(Error::NotFound),
    };
    let path = format!("/components/{id}.{ending}");
    state.pages().answer("/components/{id}", &path, headers, state.clock.now(), load_component(state, id, write)).await
}

async fn load_component(
    state: &AppState,
    id: &ComponentId,
    write: fn(Page<'_>, &[PublicUpdate]) -> Feed,
) -> Result<Draw> {
    let site = state.site().await?;
    let (_, changed_at) = state.store.page_version().await?;
    let component = find(state, id).await?;
    let page = Page { name: &site.name, url: &site.url, changed_at, component: Some(&component) };
    Ok(document(write(page, &state.store.recent_updates_of(id, UPDATES).await?)))
}

async fn answer(state: &AppState, headers: &HeaderMap, path: &'static str, write: Write) -> Result<Response> {
    state.pages().answer(path, path, headers, state.clock.now(), load(state, write)).await
}

async fn load(state: &AppState, write: Write) -> Result<Draw> {
    let site = state.site().await?;
    let (_, changed_at) = state.store.page_version().await?;
    let page = Page { name: &site.name, url: &site.url, changed_at, component: None };
    let feed = match write {
        Write::History(write) => write(page, &state.store.recent_incidents(INCIDENTS).await?),
        Write::Updates(write) => write(page, &state.store.recent_updates(UPDATES).await?),
    };
    Ok(document(feed))
}

fn document(feed: Feed) -> Draw {
    Arc::new(move |_| Document { body: feed.body.clone(), media_type: feed.media_type, modified: Some(feed.modified) })
}
