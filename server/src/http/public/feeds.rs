//! `/history.*` and `/updates.*`

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use domain::incident::Incident;

use crate::{
    error::Result,
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

async fn answer(state: &AppState, headers: &HeaderMap, path: &'static str, write: Write) -> Result<Response> {
    state.pages().answer(path, headers, state.clock.now(), load(state, write)).await
}

async fn load(state: &AppState, write: Write) -> Result<Draw> {
    let site = state.site().await?;
    let (_, changed_at) = state.store.page_version().await?;
    let page = Page { name: &site.name, url: &site.url, changed_at };
    let feed = match write {
        Write::History(write) => write(page, &state.store.recent_incidents(INCIDENTS).await?),
        Write::Updates(write) => write(page, &state.store.recent_updates(UPDATES).await?),
    };
    Ok(Arc::new(move |_| Document {
        body: feed.body.clone(),
        media_type: feed.media_type,
        modified: Some(feed.modified),
    }))
}
