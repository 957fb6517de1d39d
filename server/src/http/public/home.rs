//! `/`

use std::sync::Arc;

use app::pages::home::{self, Home};
use axum::{extract::State, http::HeaderMap, response::Response};
use domain::component::sections;

use crate::{
    error::Result,
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// How many past incidents the home page looks back on.
const PAST: i64 = 30;

/// The status, what is open, the components, what was.
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    let now = state.clock.now();
    state.pages().answer("/", &headers, now, load(&state)).await
}

async fn load(state: &AppState) -> Result<Draw> {
    let site = state.site().await?;
    let groups = state.store.groups().await?;
    let components = state.store.components().await?;
    let open = state.store.open_incidents().await?;
    let recent = state.store.recent_incidents(PAST).await?;
    let is_over = |incident: &domain::incident::Incident| incident.standing().is_some_and(|it| it.status.is_over());
    let past = recent.into_iter().filter(is_over).collect();
    let model = Home {
        site,
        freshness: app::site::Freshness::Live(state.clock.now()),
        now: state.clock.now(),
        sections: sections(groups, components),
        open,
        past,
    };
    let clock = state.clock.clone();
    Ok(Arc::new(move |freshness| Document::html(home::page(&Home { freshness, now: clock.now(), ..model.clone() }))))
}
