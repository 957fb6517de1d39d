//! `/components/{id}` and the feeds of one component, `/components/{id}.atom`, `.rss` and `.json`

use std::sync::Arc;

use app::{
    pages::component::{self, ComponentPage, MONTHS},
    site::Freshness,
};
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use domain::{component::Component, ids::ComponentId, month::Month};

use super::feeds;
use crate::{
    error::{Error, Result},
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// How it fares and what was, or its feed: the router cannot tell them apart by their ending.
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let (id, ending) = name.split_once('.').map_or((name.as_str(), None), |(id, ending)| (id, Some(ending)));
    let id: ComponentId = id.parse().map_err(|_| Error::NotFound)?;
    if let Some(ending) = ending {
        return feeds::of_component(&state, &headers, &id, ending).await;
    }
    let path = format!("/components/{id}");
    state.pages().answer("/components/{id}", &path, &headers, state.clock.now(), load(&state, &id)).await
}

/// A component that is on the page.
pub(super) async fn find(state: &AppState, id: &ComponentId) -> Result<Component> {
    let components = state.store.components().await?;
    components.into_iter().find(|component| component.id == *id).ok_or(Error::NotFound)
}

async fn load(state: &AppState, id: &ComponentId) -> Result<Draw> {
    let site = state.site().await?;
    let component = find(state, id).await?;
    let groups = state.store.groups().await?;
    let group = groups.into_iter().find(|group| component.group.as_ref() == Some(&group.id));
    let mut open = state.store.open_incidents().await?;
    open.retain(|incident| incident.affected().iter().any(|affected| affected.component == *id));
    let now = state.clock.now();
    let first = (1..MONTHS).fold(Month::of(now), |month, _| month.previous().unwrap_or(month));
    let past = state.store.incidents_of_component(id, first.start()).await?;
    let model = ComponentPage { site, freshness: Freshness::Live(now), now, component, group, open, past };
    let clock = state.clock.clone();
    Ok(Arc::new(move |freshness| {
        Document::html(component::page(&ComponentPage { freshness, now: clock.now(), ..model.clone() }))
    }))
}
