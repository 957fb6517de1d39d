//! `/admin`

use app::pages::admin::{
    attention::Attention,
    dashboard::{self, Dashboard},
};
use axum::{extract::State, response::Html};
use domain::{
    broadcast::{BroadcastState, Progress},
    health::Condition,
    incident::Incident,
};
use jiff::{SignedDuration, Timestamp};
use tower_sessions::Session;

use super::console;
use crate::{
    actions,
    error::Result,
    http::auth::Actor,
    mail::{alerts, outlook::Outlook, route::ALERT},
    state::AppState,
    store::broadcasts::Broadcast,
};

/// How many broadcasts are shown.
const BROADCASTS: i64 = 5;
/// For so long a broadcast of which much failed needs attention, and lost addresses count.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
const AN_HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What is open, what is being sent, what the queue does.
pub(crate) async fn show(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Html<String>> {
    let now = state.clock.now();
    let outlook = Outlook::read(&state).await?;
    let mut recent_broadcasts = Vec::new();
    for broadcast in state.store.broadcasts(BROADCASTS).await? {
        recent_broadcasts.push((name(&state, &broadcast).await?, outlook.progress(&broadcast)));
    }
    let open = state.store.open_incidents().await?;
    let live = state.store.broadcasts_since(before(now, A_DAY)).await?;
    let held = live.iter().filter(|broadcast| broadcast.state == BroadcastState::Paused);
    let counts = state.store.count_subscribers().await?;
    let queue = state.store.queue_counts(now).await?;
    let page = Dashboard {
        console: console(&state, &actor, &session, "/admin").await?,
        now,
        has_components: !state.store.components().await?.is_empty(),
        attention: attention(&state, &outlook, &open, &live).await?,
        rate: state.config().mail_limits.rate.value.to_string(),
        sent_lately: state.store.count_sent(before(now, AN_HOUR)).await?,
        held_by_pauses: held.map(Broadcast::waiting).sum(),
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
async fn attention(
    state: &AppState,
    outlook: &Outlook,
    open: &[Incident],
    broadcasts: &[Broadcast],
) -> Result<Vec<Attention>> {
    let now = state.clock.now();
    let mut list: Vec<_> = open.iter().filter_map(|incident| Attention::promised(incident, now)).collect();
    let held = state.store.mail_held_since().await?;
    list.extend(held.map(|since| Attention::Held { since }));
    let in_trouble = |condition: Condition| condition.is_shut() || condition.is_alarming();
    let ways = outlook.transports(state).await?.into_iter().filter(|way| in_trouble(way.condition));
    list.extend(ways.map(|way| Attention::Transport {
        is_second: way.name == ALERT,
        condition: way.condition,
        reason: way.reason,
        since: way.since,
    }));
    let late = alerts::late(&state.store, now).await?;
    list.extend(late.into_iter().map(|(lane, since)| Attention::Late { is_update: lane.is_bulk(), since }));
    for broadcast in broadcasts {
        let progress: Progress = outlook.progress(broadcast);
        if Attention::broadcast("", &progress).is_some() {
            list.extend(Attention::broadcast(&name(state, broadcast).await?, &progress));
        }
    }
    let surge = state.store.surge().await?;
    list.extend(surge.map(|surge| Attention::SignUps { since: surge.since }));
    let lost = state.store.count_suppressions_since(before(now, A_DAY), now).await?;
    list.extend(Attention::suppressions(lost, state.store.count_subscribers().await?.active));
    let users = state.store.users().await?;
    for user in &users {
        if state.store.is_suppressed(&user.email.canonical(), now).await? {
            list.push(Attention::Unreached { email: user.email.to_string() });
        }
    }
    if users.iter().all(|user| user.confirmed_at.is_none()) {
        list.push(Attention::NobodyConfirmed);
    }
    let keys = actions::keys::ending_soon(state).await?;
    list.extend(keys.into_iter().map(|key| Attention::Key { name: key.name, at: key.expires_at }));
    let count = users.iter().filter(|user| user.password_hash.is_none()).count();
    if count > 0 {
        list.push(Attention::NoPassword { count: i64::try_from(count).unwrap_or(i64::MAX) });
    }
    Ok(list)
}

/// What the incident is called that a broadcast is about.
async fn name(state: &AppState, broadcast: &Broadcast) -> Result<String> {
    let incident = state.store.incident(&broadcast.incident).await?;
    Ok(incident.map(|incident| incident.name).unwrap_or_default())
}

fn before(now: Timestamp, age: SignedDuration) -> Timestamp {
    now.checked_sub(age).unwrap_or(now)
}
