//! `/admin/broadcasts`

use app::pages::admin::{
    broadcast::{self, BroadcastPage},
    broadcasts::{self, BroadcastRow, Broadcasts},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::{Html, Response},
};
use domain::{broadcast::Progress, forms::Fields, ids::BroadcastId};
use tower_sessions::Session;

use super::{console, done};
use crate::{
    actions::broadcasts::{Steer, steer},
    error::{Error, Result},
    http::auth::Actor,
    mail::outlook::Outlook,
    state::AppState,
    store::broadcasts::Broadcast,
};

/// How many broadcasts a page lists.
const LISTED: i64 = 20;

/// All broadcasts, newest first.
pub(crate) async fn list(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>> {
    let page = Fields(query).get("page").parse().unwrap_or(1).clamp(1, 1_000_000);
    let mut found = state.store.broadcasts_behind((page - 1) * LISTED, LISTED + 1).await?;
    let has_more = found.len() > usize::try_from(LISTED).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(LISTED).unwrap_or(usize::MAX));
    let outlook = Outlook::read(&state).await?;
    let mut rows = Vec::with_capacity(found.len());
    for broadcast in found {
        let incident = state.store.incident(&broadcast.incident).await?;
        rows.push(BroadcastRow {
            incident_name: incident.map(|incident| incident.name).unwrap_or_default(),
            progress: outlook.progress(&broadcast),
            kind: broadcast.kind,
        });
    }
    let page = Broadcasts {
        console: console(&state, &actor, &session, "/admin/broadcasts").await?,
        now: state.clock.now(),
        rows,
        page,
        has_more,
    };
    Ok(Html(broadcasts::page(&page)))
}

/// Sent, waiting, failed.
pub(crate) async fn show(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Html<String>> {
    let broadcast = find(&state, &id).await?;
    let incident = state.store.incident(&broadcast.incident).await?.ok_or(Error::NotFound)?;
    let page = BroadcastPage {
        console: console(&state, &actor, &session, "/admin/broadcasts").await?,
        now: state.clock.now(),
        incident_name: incident.name,
        incident: incident.id,
        kind: broadcast.kind.clone(),
        progress: Outlook::read(&state).await?.progress(&broadcast),
    };
    Ok(Html(broadcast::page(&page)))
}

/// The same as JSON, for the page's island.
pub(crate) async fn progress(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Progress>> {
    let broadcast = find(&state, &id).await?;
    Ok(Json(Outlook::read(&state).await?.progress(&broadcast)))
}

/// Holds it.
pub(crate) async fn pause(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    act(&state, &actor, &session, &id, Steer::Pause, "Paused. Nobody more is mailed until you resume.").await
}

/// Lets it go on.
pub(crate) async fn resume(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    act(&state, &actor, &session, &id, Steer::Resume, "Resumed.").await
}

/// Stops it for good.
pub(crate) async fn cancel(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    act(&state, &actor, &session, &id, Steer::Cancel, "Cancelled. Nobody more is mailed.").await
}

async fn act(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    id: &str,
    what: Steer,
    words: &str,
) -> Result<Response> {
    let id: BroadcastId = id.parse().map_err(|_| Error::NotFound)?;
    steer(state, actor, &id, what).await?;
    done(session, words, &format!("/admin/broadcasts/{id}")).await
}

pub(super) async fn find(state: &AppState, id: &str) -> Result<Broadcast> {
    let id: BroadcastId = id.parse().map_err(|_| Error::NotFound)?;
    state.store.broadcast(&id).await?.ok_or(Error::NotFound)
}
