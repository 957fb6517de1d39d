//! `/admin`

use app::pages::admin::{
    attention::Attention,
    dashboard::{self, Dashboard},
};
use axum::{extract::State, response::Html};
use domain::{broadcast::Progress, incident::Incident};
use tower_sessions::Session;

use super::console;
use crate::{actions, error::Result, http::auth::Actor, mail::outlook::Outlook, state::AppState};

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
    let open = state.store.open_incidents().await?;
    let attention = attention(&state, &open, &recent_broadcasts).await?;
    let counts = state.store.count_subscribers().await?;
    let queue = state.store.queue_counts().await?;
    let page = Dashboard {
        console: console(&state, &actor, &session, "/admin").await?,
        now: state.clock.now(),
        has_components: !state.store.components().await?.is_empty(),
        attention,
        rate: state.config().mail_limits.rate.value.to_string(),
        open,
        recent_broadcasts,
        active_subscribers: counts.active,
        pending_subscribers: counts.pending,
        queue: queue.into_iter().map(|lane| (lane.lane, lane.waiting)).collect(),
        mail_captured: state.config().smtp.is_none(),
    };
    Ok(Html(dashboard::page(&page)))
}

/// What somebody should look at, most urgent first.
async fn attention(state: &AppState, open: &[Incident], broadcasts: &[(String, Progress)]) -> Result<Vec<Attention>> {
    let now = state.clock.now();
    let mut list: Vec<_> = open.iter().filter_map(|incident| Attention::promised(incident, now)).collect();
    list.extend(broadcasts.iter().filter_map(|(name, progress)| Attention::broadcast(name, progress)));
    let surge = state.store.surge().await?;
    list.extend(surge.map(|surge| Attention::SignUps { since: surge.since }));
    let keys = actions::keys::ending_soon(state).await?;
    list.extend(keys.into_iter().map(|key| Attention::Key { name: key.name, at: key.expires_at }));
    let users = state.store.users().await?;
    let count = users.iter().filter(|user| user.password_hash.is_none()).count();
    if count > 0 {
        list.push(Attention::NoPassword { count: i64::try_from(count).unwrap_or(i64::MAX) });
    }
    Ok(list)
}
