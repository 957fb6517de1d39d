//! `/badge.svg`

use std::sync::Arc;

use app::{
    pages::badge::{self, Badge},
    site::Freshness,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use domain::component::sections;

use crate::{
    error::Result,
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// The present status as a picture, for other people's pages.
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    state.pages().answer("/badge.svg", "/badge.svg", &headers, state.clock.now(), load(&state)).await
}

async fn load(state: &AppState) -> Result<Draw> {
    let model = Badge {
        site: state.site().await?,
        freshness: Freshness::Live(state.clock.now()),
        sections: sections(state.store.groups().await?, state.store.components().await?),
        open: state.store.open_incidents().await?,
    };
    Ok(Arc::new(move |freshness| Document {
        body: badge::picture(&Badge { freshness, ..model.clone() }),
        media_type: "image/svg+xml",
        modified: None,
    }))
}
