//! What happens by itself.

mod sign_ups;
mod subscriber_lists;

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

pub use self::{sign_ups::watch_sign_ups, subscriber_lists::import_lists};
use crate::{
    actions::{sign_ups::OWED_KEPT, subscriptions::CONFIRMATION_VALID},
    state::AppState,
    store,
};

/// How often the page version is asked for: another node's change shows within a second.
const POLL: Duration = Duration::from_millis(500);
/// Longer than this and the store counts as lost.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often old rows are removed.
const CLEAN_UP: Duration = Duration::from_mins(10);
/// How long attempts are remembered.
const ATTEMPTS_KEPT: SignedDuration = SignedDuration::from_hours(48);

/// How long it is known how much was sent: longer than the longest month that a quota counts.
const MAIL_USAGE_KEPT: SignedDuration = SignedDuration::from_hours(32 * 24);
/// How long a draft is kept that nobody touches.
const DRAFTS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long the answer to a request with an `Idempotency-Key` is remembered.
const REPETITIONS_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long it is known who was told of what.
const DELIVERIES_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How many old rows go in one transaction: others must get their turn to write.
const CHUNK: u16 = 5_000;

/// Keeps the page cache true: hears of changes made elsewhere, and of the store's loss.
pub async fn watch_version(state: AppState, shutdown: CancellationToken) {
    let mut was_lost = false;
    loop {
        let asked = tokio::time::timeout(PATIENCE, state.store.page_version()).await;
        match asked {
            Ok(Ok((version, _))) => {
                state.pages().saw_version(version);
                if std::mem::take(&mut was_lost) {
                    tracing::info!("The store can be read again");
                }
            }
            failed => {
                state.pages().lost_store();
                if !std::mem::replace(&mut was_lost, true) {
                    let why = match failed {
                        Ok(Err(error)) => error.to_string(),
                        _ => "it does not answer".to_owned(),
                    };
                    tracing::error!("The store cannot be read, pages are served as of when they were drawn: {why}");
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Removes what is over: expired sessions and links, old attempts, sign-ups nobody confirmed, who was told of what long ago, and who followed
/// what is gone.
pub async fn clean_up(state: AppState, shutdown: CancellationToken) {
    loop {
        if let Err(error) = clean_up_once(&state).await {
            tracing::warn!("Old rows could not be removed: {error}");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(CLEAN_UP) => {}
        }
    }
}

async fn clean_up_once(state: &AppState) -> store::Result<()> {
    let now = state.clock.now();
    let before = |age: SignedDuration| now.checked_sub(age).unwrap_or(now);
    let mut write = state.store.write().await?;
    write.delete_expired_sessions(now).await?;
    write.delete_expired_sign_in_links(now).await?;
    write.delete_old_attempts(before(ATTEMPTS_KEPT)).await?;
    write.delete_expired_lists(now).await?;
    write.delete_old_mail_usage(before(MAIL_USAGE_KEPT)).await?;
    write.delete_old_full_mailboxes(now).await?;
    write.delete_old_drafts(before(DRAFTS_KEPT)).await?;
    write.delete_old_repetitions(before(REPETITIONS_KEPT)).await?;
    write.delete_old_alerts(before(DELIVERIES_KEPT)).await?;
    write.delete_old_bounces(before(DELIVERIES_KEPT)).await?;
    write.delete_stale_wishes(before(CONFIRMATION_VALID)).await?;
    write.commit().await?;
    loop {
        let mut write = state.store.write().await?;
        let (sent, owed) = (before(CONFIRMATION_VALID), before(OWED_KEPT));
        let stale = write.delete_stale_pending(sent, owed, CHUNK.into()).await?;
        write.commit().await?;
        if stale > 0 {
            tracing::info!(count = stale, "Removed sign-ups that nobody confirmed");
        }
        if stale < CHUNK.into() {
            break;
        }
    }
    loop {
        let mut write = state.store.write().await?;
        let deleted = write.delete_old_deliveries(before(DELIVERIES_KEPT), CHUNK.into()).await?;
        let forgotten = write.delete_follows_of_deleted(CHUNK.into()).await?;
        write.commit().await?;
        if deleted.max(forgotten) < CHUNK.into() {
            return Ok(());
        }
    }
}
