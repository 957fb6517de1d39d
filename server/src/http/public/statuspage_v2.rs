//! `/api/v2/*`: what Statuspage's readers ask for.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::ids::PageId;

use crate::{
    error::{Error, Result},
    feeds::statuspage_v2::{self as documents, Source},
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// How many incidents are listed.
const INCIDENTS: i64 = 50;

/// `/api/v2/status.json`
pub(crate) async fn status(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/api/v2/status.json", What::Status).await
}

/// `/api/v2/components.json`
pub(crate) async fn components(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/api/v2/components.json", What::Components).await
}

/// `/api/v2/incidents.json`: the newest, over or not.
pub(crate) async fn incidents(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/api/v2/incidents.json", What::Incidents).await
}

/// `/api/v2/incidents/unresolved.json`
pub(crate) async fn unresolved(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/api/v2/incidents/unresolved.json", What::Unresolved).await
}

/// `/api/v2/scheduled-maintenances.json`, and those of them that are to come or under way.
pub(crate) async fn maintenances(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/api/v2/scheduled-maintenances.json", What::Maintenances).await
}

/// `/api/v2/summary.json`
pub(crate) async fn summary(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    answer(&state, &headers, "/api/v2/summary.json", What::Summary).await
}

/// Lets scripts of any site ask, also with `If-None-Match`: their browsers ask first whether they may.
pub(crate) async fn preflight() -> impl IntoResponse {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers)
}

/// What a document tells.
#[derive(Clone, Copy)]
enum What {
    Status,
    Components,
    Incidents,
    Unresolved,
    Maintenances,
    Summary,
}

async fn answer(state: &AppState, headers: &HeaderMap, path: &'static str, what: What) -> Result<Response> {
    state.pages().answer(path, path, headers, state.clock.now(), load(state, what)).await
}

async fn load(state: &AppState, what: What) -> Result<Draw> {
    let source = source(state).await?;
    let store = &state.store;
    let incidents = match what {
        What::Incidents => store.recent_incidents(INCIDENTS).await?,
        What::Unresolved | What::Summary => store.open_incidents().await?,
        What::Status | What::Components | What::Maintenances => Vec::new(),
    };
    let said = store.said_of(incidents.iter().map(|incident| &incident.id)).await?;
    let told = (incidents.as_slice(), &said);
    let body = match what {
        What::Status => documents::status(&source),
        What::Components => documents::components(&source),
        What::Incidents | What::Unresolved => documents::incidents(&source, told),
        What::Maintenances => documents::maintenances(&source),
        What::Summary => documents::summary(&source, told),
    };
    Ok(Arc::new(move |_| Document { body: body.clone(), media_type: "application/json", modified: None }))
}

async fn source(state: &AppState) -> Result<Source> {
    let store = &state.store;
    let site = state.site().await?;
    let (_, changed_at) = store.page_version().await?;
    let page = store.setting("page_id").await?.and_then(|id| id.parse::<PageId>().ok());
    let time_zone = store.setting("time_zone").await?.filter(|zone| !zone.is_empty());
    Ok(Source {
        page: page.ok_or_else(|| Error::Internal("the page has no id".to_owned()))?,
        name: site.name,
        url: site.url,
        time_zone: time_zone.unwrap_or_else(|| documents::DEFAULT_TIME_ZONE.to_owned()),
        // What came from elsewhere may bear times of its own.
        changed_at: store.incidents_changed_at().await?.map_or(changed_at, |at| at.max(changed_at)),
        components: store.component_records().await?,
        groups: store.group_records().await?,
    })
}
