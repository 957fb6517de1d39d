//! `/history` and `/history/{month}`

use std::sync::Arc;

use app::{
    pages::history::{self, History},
    site::Freshness,
};
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use domain::month::Month;

use crate::{
    error::{Error, Result},
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// No page tells of earlier years, unless something was reported then: there is an end to the pages that can be asked for.
const EARLIEST: i16 = 2000;

/// The present month.
pub(crate) async fn present(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    let now = state.clock.now();
    state.pages().answer("/history", "/history", &headers, now, load(&state, Month::of(now))).await
}

/// Any month up to the present one.
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(month): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let now = state.clock.now();
    let month: Month = month.parse().map_err(|_| Error::NotFound)?;
    if month > Month::of(now) {
        return Err(Error::NotFound);
    }
    let path = format!("/history/{month}");
    state.pages().answer("/history/{month}", &path, &headers, now, load(&state, month)).await
}

async fn load(state: &AppState, month: Month) -> Result<Draw> {
    let site = state.site().await?;
    let now = state.clock.now();
    let first = state.store.first_incident_at().await?.map(Month::of);
    if month.year() < EARLIEST && first.is_none_or(|first| month < first) {
        return Err(Error::NotFound);
    }
    let incidents = state.store.incidents_between(month.start(), month.end()).await?;
    let model = History {
        site,
        freshness: Freshness::Live(now),
        now,
        month,
        incidents,
        previous: month.previous().filter(|previous| first.is_some_and(|first| *previous >= first)),
        next: month.next().filter(|next| *next <= Month::of(now)),
    };
    let clock = state.clock.clone();
    Ok(Arc::new(move |freshness| {
        Document::html(history::page(&History { freshness, now: clock.now(), ..model.clone() }))
    }))
}
