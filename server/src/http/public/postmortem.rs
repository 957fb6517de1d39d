//! `/postmortems/{id}` and `/postmortems/preview/{token}`

use std::sync::Arc;

use app::pages::postmortem::{self, PostmortemPage};
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{Html, IntoResponse, Redirect, Response},
};
use domain::{ids::IncidentId, postmortem::Postmortem};

use crate::{
    actions::postmortems,
    error::{Error, Result},
    http::page_cache::{Document, Draw},
    state::AppState,
};

/// A published postmortem. A draft is not there for the public.
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let id: IncidentId = id.parse().map_err(|_| Error::NotFound)?;
    let path = format!("/postmortems/{id}");
    state.pages().answer("/postmortems/{id}", &path, &headers, state.clock.now(), load(&state, &id)).await
}

async fn load(state: &AppState, id: &IncidentId) -> Result<Draw> {
    let incident = state.store.incident(id).await?.ok_or(Error::NotFound)?;
    let kept = match state.store.postmortem(id).await? {
        Some(kept) => Some(kept.standing_with(&incident)),
        // Brought along from elsewhere, as an update that nobody has edited here.
        None => incident.postmortem().and_then(|update| Postmortem::begin(&incident, update.created_at)),
    };
    let postmortem = kept.filter(|kept| kept.published.is_some()).ok_or(Error::NotFound)?;
    let model = PostmortemPage { site: state.site().await?, now: state.clock.now(), incident, postmortem };
    let clock = state.clock.clone();
    Ok(Arc::new(move |_| Document::html(postmortem::page(&PostmortemPage { now: clock.now(), ..model.clone() }))))
}

/// The draft, for whoever has the link; once it is published, what everyone reads.
pub(crate) async fn preview(State(state): State<AppState>, Path(token): Path<String>) -> Result<Response> {
    let (incident, postmortem) = postmortems::previewed(&state, &token).await?.ok_or(Error::NotFound)?;
    if postmortem.published.is_some() {
        return Ok(Redirect::to(&format!("/postmortems/{}", incident.id)).into_response());
    }
    let model = PostmortemPage { site: state.site().await?, now: state.clock.now(), incident, postmortem };
    Ok(Html(postmortem::page(&model)).into_response())
}
