//! `/admin/incidents`

use app::pages::admin::incidents::{self, Incidents};
use axum::{extract::State, response::Html};
use tower_sessions::Session;

use super::console;
use crate::{error::Result, http::auth::Actor, state::AppState};

/// How many incidents are listed.
const LISTED: i64 = 100;

/// The newest incidents, open ones first.
pub(crate) async fn list(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Html<String>> {
    let mut listed = state.store.recent_incidents(LISTED).await?;
    listed.sort_by_key(|incident| incident.standing().is_some_and(|standing| standing.status.is_over()));
    let page = Incidents {
        console: console(&state, &actor, &session, "/admin/incidents").await?,
        now: state.clock.now(),
        incidents: listed,
    };
    Ok(Html(incidents::page(&page)))
}
