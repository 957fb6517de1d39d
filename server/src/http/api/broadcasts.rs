//! `/api/v1/broadcasts`

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{ids::BroadcastId, time::rfc3339};
use serde_json::{Value, json};

use super::{
    body::Sent,
    once::once,
    paging::{Page, not_there},
};
use crate::{
    actions::broadcasts::{Steer, steer},
    error::{Error, Result},
    mail::outlook::Outlook,
    state::AppState,
    store::broadcasts::Broadcast,
};

/// Newest first.
pub(crate) async fn list(State(state): State<AppState>, page: Page) -> Result<Response> {
    let before = page.before::<BroadcastId>()?;
    if let Some(before) = &before
        && state.store.broadcast(before).await?.is_none()
    {
        return Err(not_there());
    }
    let broadcasts = state.store.broadcasts_page(before.as_ref(), page.wanted()).await?;
    let outlook = Outlook::read(&state).await?;
    Ok(page.answer(broadcasts, |broadcast| broadcast.id.to_string(), |broadcast| Some(shown(&outlook, broadcast))))
}

/// How far one has come.
pub(crate) async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>> {
    Ok(Json(shown_at(&state, id).await?))
}

/// Holds it.
pub(crate) async fn pause(State(state): State<AppState>, Path(id): Path<String>, sent: Sent) -> Result<Response> {
    act(state, id, sent, Steer::Pause).await
}

/// Lets it go on.
pub(crate) async fn resume(State(state): State<AppState>, Path(id): Path<String>, sent: Sent) -> Result<Response> {
    act(state, id, sent, Steer::Resume).await
}

/// Stops it for good.
pub(crate) async fn cancel(State(state): State<AppState>, Path(id): Path<String>, sent: Sent) -> Result<Response> {
    act(state, id, sent, Steer::Cancel).await
}

async fn act(state: AppState, id: String, sent: Sent, what: Steer) -> Result<Response> {
    sent.body.nothing()?;
    let id: BroadcastId = id.parse().map_err(|_| Error::NotFound)?;
    let actor = &sent.actor;
    let act = async { steer(&state, actor, &id, what).await.map(|()| id.to_string()) };
    once(&state, actor, StatusCode::OK, act, |id| shown_at(&state, id)).await
}

async fn find(state: &AppState, id: &str) -> Result<Broadcast> {
    let id: BroadcastId = id.parse().map_err(|_| Error::NotFound)?;
    state.store.broadcast(&id).await?.ok_or(Error::NotFound)
}

async fn shown_at(state: &AppState, id: String) -> Result<Value> {
    let broadcast = find(state, &id).await?;
    Ok(shown(&Outlook::read(state).await?, &broadcast))
}

fn shown(outlook: &Outlook, broadcast: &Broadcast) -> Value {
    let progress = outlook.progress(broadcast);
    json!({
        "id": progress.id,
        "incident": broadcast.incident,
        "update": broadcast.update,
        "state": progress.state.as_str(),
        "reason": progress.reason,
        "total": progress.total,
        "waiting": progress.waiting,
        "sent": progress.sent,
        "failed": progress.failed,
        "skipped": progress.skipped,
        "expired": progress.expired,
        "uncertain": progress.uncertain,
        "created_at": rfc3339(progress.created_at),
        "finished_at": progress.finished_at.map(rfc3339),
        "eta": progress.eta.map(rfc3339),
    })
}
