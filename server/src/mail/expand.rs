//! Fills the queue in memory: letters, retries and whoever was carried over that are due, then the next people of the
//! broadcast whose turn it is.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use domain::{
    broadcast::{Lane, MOST_CLAIMED},
    rate::Rate,
};
use jiff::SignedDuration;
use tokio::time::{Instant, sleep, timeout};

use super::{
    life::Life,
    limits::{PATIENCE, in_time},
};
use crate::store::{StoreError, Write, broadcasts::Broadcast};

/// How long new work may stay unnoticed when nobody says so.
const POLL: Duration = Duration::from_secs(1);
/// The most people a broadcast claims at once.
const BATCH: i64 = 500;
/// The most letters claimed at once.
const LETTERS: i64 = 100;
/// This part of a batch is claimed of what can wait while something is urgent: twice its share, and at least one.
const DIGEST_PART: i64 = 10;
/// At slow rates no more is claimed than is sent in this time: another node may take the rest.
const AHEAD: SignedDuration = SignedDuration::from_secs(5);

/// Why nothing was claimed.
enum Unfilled {
    /// It can be tried again.
    Failed(StoreError),
    /// It may have been, and nobody knows of it: only another epoch can have it.
    Doubtful(StoreError),
}

impl From<StoreError> for Unfilled {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Fills whenever there is room. Ends when it is in doubt what this node has leased, and then the life ends as well.
pub(super) async fn feed(life: Arc<Life>) {
    let batch = batch(life.settings.allowance.rate);
    loop {
        let is_busy = match fill(&life, batch).await {
            Ok(is_busy) => is_busy,
            Err(Unfilled::Failed(error)) => {
                tracing::warn!(%error, "The queue cannot be read; it is tried again.");
                false
            }
            Err(Unfilled::Doubtful(error)) => {
                tracing::error!(%error, "It is not known what was leased; the mail worker starts anew.");
                // Not before the store answers again, so that what is under way can be written down.
                while in_time(life.store.queue_counts(life.clock.now())).await.is_err() {
                    sleep(POLL).await;
                }
                return;
            }
        };
        if life.stopping.is_cancelled() || life.fenced.is_cancelled() {
            std::future::pending::<()>().await;
        }
        if !is_busy {
            tokio::select! {
                () = life.handle.wake.notified() => {}
                () = life.ready.drained.notified() => {}
                () = sleep(POLL) => {}
            }
        }
    }
}

/// How many people are claimed at once at this rate.
fn batch(rate: Rate) -> i64 {
    if rate.is_unlimited() {
        return BATCH;
    }
    (10..=BATCH).rev().find(|count| rate.time_for(count.unsigned_abs()) <= AHEAD).unwrap_or(10)
}

/// One round; says whether there may be more at once.
async fn fill(life: &Life, batch: i64) -> Result<bool, Unfilled> {
    let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
    // Each lane by itself: however many sign-ups there are, they keep no alert out and fill no memory.
    for lane in [Lane::Alert, Lane::Account] {
        if count(life.ready.count(lane)) < LETTERS {
            claim(life, lane..=lane, LETTERS).await?;
        }
    }
    // Half a batch at once, so that not each mail that leaves asks for the next.
    let has_half = |lane, batch| count(life.ready.count(lane)) > batch / 2;
    if has_half(Lane::Incident, batch) {
        return Ok(false);
    }
    let is_busy = refill(life, Lane::Incident, batch).await?;
    // Of what can wait no more than its share, while something is urgent.
    let batch = if life.ready.count(Lane::Incident) > 0 { batch / DIGEST_PART } else { batch };
    if has_half(Lane::Digest, batch) {
        return Ok(is_busy);
    }
    Ok(refill(life, Lane::Digest, batch).await? || is_busy)
}

/// Claims the next parts of broadcasts in a lane, up to a batch; says whether there may be more at once.
async fn refill(life: &Life, lane: Lane, batch: i64) -> Result<bool, Unfilled> {
    let room = batch - i64::try_from(life.ready.count(lane)).unwrap_or(batch);
    if claim(life, lane..=lane, room).await? {
        return Ok(true);
    }
    match in_time(life.store.next_broadcast(lane, MOST_CLAIMED, life.clock.now())).await? {
        Some(broadcast) => expand(life, &broadcast, room).await,
        None => Ok(false),
    }
}

/// Claims what is due in these lanes; says whether anything was.
async fn claim(life: &Life, lanes: RangeInclusive<Lane>, limit: i64) -> Result<bool, Unfilled> {
    let now = life.clock.now();
    if !in_time(life.store.has_due(&lanes, now)).await? {
        return Ok(false);
    }
    let claimed = leased(life, async |mut write| {
        let claimed = write.claim(&life.node, &lanes, limit, now).await?;
        Ok((write, claimed))
    });
    let Some(claimed) = claimed.await? else { return Ok(false) };
    let any = !claimed.is_empty();
    life.ready.add(claimed);
    Ok(any)
}

/// Turns the next people into leased deliveries; says whether there may be more.
async fn expand(life: &Life, broadcast: &Broadcast, limit: i64) -> Result<bool, Unfilled> {
    let now = life.clock.now();
    // Read before the transaction: nothing is locked meanwhile, and the cursor's version says if someone was faster.
    let (found, cursor) = in_time(life.store.next_recipients(broadcast, limit, now)).await?;
    let expanded = leased(life, async |mut write| {
        let expanded = write.expand(&life.node, broadcast, &found, cursor, now).await?;
        // Also when another node was faster: the heartbeat holds.
        Ok((write, expanded))
    });
    let Some(expanded) = expanded.await? else { return Ok(false) };
    life.ready.add(expanded.unwrap_or_default());
    Ok(true)
}

/// Leases in one transaction, which says that this node is alive. `None`: it is fenced.
async fn leased<T>(
    life: &Life,
    lease: impl AsyncFnOnce(Write) -> Result<(Write, T), StoreError>,
) -> Result<Option<T>, Unfilled> {
    let began = Instant::now();
    let transaction = async {
        let mut write = life.store.write().await?;
        if !write.is_alive(&life.node, life.clock.now()).await? {
            life.fenced.cancel();
            return Ok(None);
        }
        let (write, leased) = lease(write).await?;
        write.commit().await.map_err(Unfilled::Doubtful)?;
        life.pulse.beat(began);
        Ok(Some(leased))
    };
    timeout(PATIENCE, transaction).await.unwrap_or(Err(Unfilled::Doubtful(StoreError::Late)))
}
