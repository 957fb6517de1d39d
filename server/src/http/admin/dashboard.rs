//! `/admin`

use app::pages::admin::dashboard::{self, Dashboard};
use axum::{extract::State, response::Html};
use tower_sessions::Session;

use super::console;
use crate::{error::Result, http::auth::Actor, mail::outlook::Outlook, state::AppState};

/// How many broadcasts are shown.
const BROADCASTS: i64 = 5;

/// What is open, what is being sent, what the queue does.
pub(crate) async fn show(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Html<String>> {
    let outlook = Outlook::read(&state).await?;
    let mut recent_broadcasts = Vec::new();
    for broadcast in state.store.broadcasts(BROADCASTS).await? {
        let name = state.store.incident(&broadcast.incident).await?.map(|incident| incident.name);
        recent_broadcasts.push((name.unwrap_or_default(), outlook.progress(&broadcast)));
    }
    let counts = state.store.count_subscribers().await?;
    let queue = state.store.queue_counts().await?;
    let page = Dashboard {
        console: console(&state, &actor, &session, "/admin").await?,
        now: state.clock.now(),
        has_components: !state.store.components().await?.is_empty(),
        open: state.store.open_incidents().await?,
        recent_broadcasts,
        active_subscribers: counts.active,
        pending_subscribers: counts.pending,
        queue: queue.into_iter().map(|lane| (lane.lane, lane.waiting)).collect(),
        mail_captured: state.config().smtp.is_none(),
    };
    Ok(Html(dashboard::page(&page)))
}
