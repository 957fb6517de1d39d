//! This node's place among the nodes: alive, and heir of those that are not.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::broadcast::Lane;
use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{life::Life, limits::in_time, tokens::TRANSPORT};
use crate::store::{
    Result, Store,
    nodes::{Heartbeat, Node},
};

/// How long a node that is alive is never silent.
pub const SILENCE: Duration = Duration::from_secs(30);
/// How often a node says that it is alive before it is taken for dead: one that was merely slow is not.
const HEARTBEATS: u32 = 6;

/// Since when nothing new was heard of the other nodes, by this process's own stopwatch: clocks that differ or jump make
/// nobody dead.
#[derive(Debug)]
struct Watch {
    silence: Duration,
    heard: HashMap<String, (Heartbeat, Instant)>,
}

impl Watch {
    fn new(silence: Duration) -> Self {
        Self { silence, heard: HashMap::new() }
    }

    /// Which nodes have been silent for too long, given the last that was heard of each at `now`.
    fn silent(&mut self, heartbeats: Vec<Heartbeat>, now: Instant) -> Vec<Heartbeat> {
        let mut before = std::mem::take(&mut self.heard);
        let mut silent = Vec::new();
        for heartbeat in heartbeats {
            let since = match before.remove(&heartbeat.node.id) {
                Some((last, since)) if last == heartbeat => since,
                _ => now,
            };
            if now.duration_since(since) >= self.silence {
                silent.push(heartbeat.clone());
            }
            self.heard.insert(heartbeat.node.id.clone(), (heartbeat, since));
        }
        silent
    }

    /// Begins anew: nobody could be heard.
    fn forget(&mut self) {
        self.heard.clear();
    }
}

/// Begins a new epoch, and takes back what earlier lives of this node had leased.
pub(super) async fn start_epoch(store: &Store, id: &str, now: Timestamp) -> Result<Node> {
    let started = async {
        let mut write = store.write().await?;
        let started = write.start_epoch(id, now).await?;
        write.commit().await?;
        Ok(started)
    };
    let (node, returned) = in_time(started).await?;
    if returned > 0 {
        tracing::warn!(returned, "Mails were left over from an unclean end; they are sent now.");
    }
    Ok(node)
}

/// Gives back what was leased and not begun.
pub(super) async fn leave(life: &Life) {
    if let Err(error) = life.unsent.give_back(&life.store, TRANSPORT).await {
        tracing::warn!(%error, "What was booked of the mail quota and not sent stays booked.");
    }
    let left = async {
        let mut write = life.store.write().await?;
        write.leave(&life.node, life.clock.now()).await?;
        write.commit().await
    };
    match in_time(left).await {
        Ok(()) => tracing::info!(node = %life.node.id, "The mail worker stopped."),
        Err(error) => tracing::warn!(%error, "The mail worker stopped without giving its leases back."),
    }
}

/// Every five seconds, or six times in the silence that is waited for: says that this node is alive, takes over from dead ones, ends what is too old, and measures the queue.
pub(super) async fn keep_alive(life: Arc<Life>) {
    let mut watch = Watch::new(life.settings.silence);
    let mut ticks = interval(life.settings.silence / HEARTBEATS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match round(&life, &mut watch).await {
            Ok(()) => life.handle.tick(life.clock.now()),
            Err(error) => {
                // The others could not say anything either.
                watch.forget();
                tracing::error!(%error, "The mail worker cannot reach the database.");
            }
        }
        life.permits.resize();
    }
}

async fn round(life: &Life, watch: &mut Watch) -> Result<()> {
    let now = life.clock.now();
    let began = Instant::now();
    let beat = async {
        let mut write = life.store.write().await?;
        let is_ours = write.heartbeat(&life.node, now).await?;
        write.commit().await?;
        Ok(is_ours)
    };
    if !in_time(beat).await? {
        life.fenced.cancel();
        return Ok(());
    }
    life.pulse.beat(began);

    let expired = async {
        let mut write = life.store.write().await?;
        let ended = write.expire_broadcasts(now).await?;
        let late = write.expire_letters(now).await?;
        write.commit().await?;
        Ok((ended, late))
    };
    let (ended, late) = in_time(expired).await?;
    if ended > 0 || late > 0 {
        tracing::warn!(broadcasts = ended, letters = late, "Some mail was too late to be worth sending.");
    }

    let mut heartbeats = in_time(life.store.heartbeats()).await?;
    heartbeats.retain(|heartbeat| heartbeat.node.id != life.node.id);
    for silent in watch.silent(heartbeats, Instant::now()) {
        let taken_over = async {
            let mut write = life.store.write().await?;
            let returned = write.take_over(&silent, now).await?;
            write.commit().await?;
            Ok(returned)
        };
        if let Some(returned) = in_time(taken_over).await? {
            tracing::warn!(node = %silent.node.id, returned, "A node is dead; its mails are sent by others.");
            life.handle.wake();
        }
    }
    life.unsent.give_back(&life.store, TRANSPORT).await?;
    in_time(measure(life, now)).await
}

async fn measure(life: &Life, now: Timestamp) -> Result<()> {
    let counts = life.store.queue_counts().await?;
    for lane in Lane::ALL {
        let found = counts.iter().find(|count| count.lane == *lane);
        let waiting = found.map_or(0, |count| count.waiting);
        let oldest = found.and_then(|count| count.oldest);
        let age = oldest.map_or(0, |at| now.duration_since(at).as_secs().max(0));
        metrics::gauge!("tidings_queue_depth", "lane" => lane.as_str()).set(gauge(waiting));
        metrics::gauge!("tidings_queue_oldest_seconds", "lane" => lane.as_str()).set(gauge(age));
    }
    metrics::gauge!("tidings_mail_permits").set(gauge(i64::try_from(life.permits.size()).unwrap_or(i64::MAX)));
    Ok(())
}

/// Gauges are floating point; counts are far below where that loses any.
fn gauge(count: i64) -> f64 {
    i32::try_from(count).unwrap_or(i32::MAX).into()
}
