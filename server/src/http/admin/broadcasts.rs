//! `/admin/broadcasts/{id}`

use app::pages::admin::broadcast::{self, BroadcastPage};
use axum::{
    Json,
    extract::{Path, State},
    response::{Html, Response},
};
use domain::{broadcast::Progress, ids::BroadcastId};
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

async fn find(state: &AppState, id: &str) -> Result<Broadcast> {
    let id: BroadcastId = id.parse().map_err(|_| Error::NotFound)?;
    state.store.broadcast(&id).await?.ok_or(Error::NotFound)
}
