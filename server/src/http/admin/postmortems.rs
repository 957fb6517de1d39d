//! `/admin/postmortems`

use app::pages::admin::postmortems::{self, Postmortems};
use axum::{extract::State, response::Html};
use tower_sessions::Session;

use super::console;
use crate::{error::Result, http::auth::Actor, state::AppState};

/// How many incidents are listed, and how many follow-up actions.
const LISTED: i64 = 200;

/// What is published, begun and missing, and what is still to be done.
pub(crate) async fn list(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Html<String>> {
    let page = Postmortems {
        console: console(&state, &actor, &session, "/admin/postmortems").await?,
        now: state.clock.now(),
        listed: state.store.listed_postmortems(LISTED).await?,
        open: state.store.open_follow_ups(LISTED).await?,
    };
    Ok(Html(postmortems::page(&page)))
}
