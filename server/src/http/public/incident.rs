//! `/incidents/{id}`

use std::sync::Arc;

use app::pages::incident::{self, IncidentPage};
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use domain::ids::IncidentId;

use crate::{
    error::{Error, Result},
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// Everything said about one incident, newest first.
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let id: IncidentId = id.parse().map_err(|_| Error::NotFound)?;
    let path = format!("/incidents/{id}");
    state.pages().answer("/incidents/{id}", &path, &headers, state.clock.now(), load(&state, &id)).await
}

async fn load(state: &AppState, id: &IncidentId) -> Result<Draw> {
    let site = state.site().await?;
    let incident = state.store.incident(id).await?.ok_or(Error::NotFound)?;
    let model = IncidentPage {
        site,
        freshness: app::site::Freshness::Live(state.clock.now()),
        now: state.clock.now(),
        incident,
    };
    let clock = state.clock.clone();
    Ok(Arc::new(move |freshness| {
        Document::html(incident::page(&IncidentPage { freshness, now: clock.now(), ..model.clone() }))
    }))
}
