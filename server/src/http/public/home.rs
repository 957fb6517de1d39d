//! `/`

use std::sync::Arc;

use app::pages::home::{self, Home};
use axum::{extract::State, http::HeaderMap, response::Response};
use domain::component::sections;
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::Result,
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// The status, what is open, the components, what was.
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    let now = state.clock.now();
    state.pages().answer("/", "/", &headers, now, load(&state)).await
}

async fn load(state: &AppState) -> Result<Draw> {
    let site = state.site().await?;
    let groups = state.store.groups().await?;
    let components = state.store.components().await?;
    let open = state.store.open_incidents().await?;
    let now = state.clock.now();
    let days = SignedDuration::from_hours(24 * i64::try_from(home::DAYS).unwrap_or_default());
    // A little more than is shown: the page takes whole days, and now is somewhere in one.
    let past = state.store.incidents_between(now.checked_sub(days).unwrap_or(now), Timestamp::MAX).await?;
    let model = Home {
        site,
        freshness: app::site::Freshness::Live(now),
        now,
        sections: sections(groups, components),
        open,
        past,
    };
    let clock = state.clock.clone();
    Ok(Arc::new(move |freshness| Document::html(home::page(&Home { freshness, now: clock.now(), ..model.clone() }))))
}
