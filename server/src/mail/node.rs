//! This node's place among the nodes: alive, and heir of those that are not.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    health::{Condition, Health},
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{ack::Settled, alerts, life::Life, limits::in_time};
use crate::{
    clock::Clock,
    store::{
        Result, Store,
        nodes::{Heartbeat, Node},
    },
};

/// How long a node that is alive is never silent.
pub const SILENCE: Duration = Duration::from_secs(30);
/// How often a node says that it is alive before it is taken for dead: one that was merely slow is not.
const HEARTBEATS: u32 = 6;

/// A clock that is further from the database's is worth a word.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_millis(100);

/// A clock that went less behind than this in one round was not put back, or not by what anybody would notice.
const CLOCK_PUT_BACK: SignedDuration = SignedDuration::from_mins(1);

/// Since when nothing new was heard of the other nodes, by this process's own stopwatch: clocks that differ or jump make
/// nobody dead.
#[derive(Debug)]
struct Watch {
    silence: Duration,
    heard: HashMap<String, (Heartbeat, Instant)>,
    /// What the clock said when.
    clock: Option<(Timestamp, Instant)>,
}

impl Watch {
    fn new(silence: Duration) -> Self {
        Self { silence, heard: HashMap::new(), clock: None }
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

    /// Whether the clock, which says `now`, was put back since it was asked last, or may have been because it never was.
    fn is_put_back(&mut self, now: Timestamp, at: Instant) -> bool {
        let before = self.clock.replace((now, at));
        before.is_none_or(|(then, since)| {
            let passed = SignedDuration::try_from(at - since).unwrap_or(SignedDuration::MAX);
            now.duration_since(then) < passed - CLOCK_PUT_BACK
        })
    }

    /// Begins anew: nobody could be heard, and nothing done.
    fn forget(&mut self) {
        self.heard.clear();
        self.clock = None;
    }
}

/// Goes by the database's clock: all nodes together keep to one rate, and know the same things to be due.
pub(super) async fn agree_on_time(store: &Store, clock: &Clock) -> Result<()> {
    let before = clock.machine();
    let Some(there) = in_time(store.shared_time()).await? else { return Ok(()) };
    if let Some(lacks) = clock.follow(there, before, clock.machine())
        && lacks.abs() > CLOCKS_DIFFER
    {
        tracing::warn!(
            milliseconds = -lacks.as_millis(),
            "This machine's clock is not the database's; the database's counts. Have both set by NTP."
        );
    }
    metrics::gauge!("tidings_clock_ahead_seconds").set(-clock.lacks().as_secs_f64());
    Ok(())
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

/// Whether another process lives under the name of this life, which has ended. A node that takes over does not.
pub(super) async fn has_twin(store: &Store, ended: &Node) -> bool {
    let heartbeats = in_time(store.heartbeats()).await.unwrap_or_default();
    heartbeats.iter().any(|heartbeat| heartbeat.node.id == ended.id && heartbeat.node.epoch > ended.epoch)
}

/// Gives back what was leased and not begun.
pub(super) async fn leave(life: &Life) {
    for route in &life.routes {
        if let Err(error) = route.unsent.give_back(&life.store, route.name).await {
            tracing::warn!(%error, "What was booked of the mail quota and not sent stays booked.");
        }
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
        for route in &life.routes {
            route.permits.resize();
        }
    }
}

async fn round(life: &Life, watch: &mut Watch) -> Result<()> {
    agree_on_time(&life.store, &life.clock).await?;
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

    let is_put_back = watch.is_put_back(now, began);
    let expired = async {
        let mut write = life.store.write().await?;
        if is_put_back && write.bring_forward(now).await? > 0 {
            tracing::warn!("The clock was put back: what waited for its time as it was is due by the present one.");
        }
        let ended = write.expire_broadcasts(now).await?;
        let late = write.expire_letters(now).await?;
        write.commit().await?;
        Ok((ended, late))
    };
    let (ended, late) = in_time(expired).await?;
    if ended > 0 || late > 0 {
        tracing::warn!(broadcasts = ended, letters = late, "Some mail was too late to be worth sending.");
    }

    if is_put_back {
        life.handle.wake();
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
    for late in life.ready.take_expired(now) {
        life.settle(Settled::without_attempt(late, DeliveryState::Expired, "expired")).await;
    }
    for route in &life.routes {
        route.unsent.give_back(&life.store, route.name).await?;
    }
    in_time(alerts::round(life, now)).await?;
    in_time(measure(life, now)).await
}

async fn measure(life: &Life, now: Timestamp) -> Result<()> {
    let counts = life.store.queue_counts(now).await?;
    for lane in Lane::ALL {
        let found = counts.iter().find(|count| count.lane == *lane);
        let waiting = found.map_or(0, |count| count.waiting);
        let oldest = found.and_then(|count| count.oldest);
        let age = oldest.map_or(0, |at| now.duration_since(at).as_secs().max(0));
        metrics::gauge!("tidings_queue_depth", "lane" => lane.as_str()).set(gauge(waiting));
        metrics::gauge!("tidings_queue_oldest_seconds", "lane" => lane.as_str()).set(gauge(age));
    }
    let is_held = life.store.mail_held_since().await?.is_some();
    metrics::gauge!("tidings_mail_held").set(gauge(i64::from(is_held)));
    for route in &life.routes {
        let name = route.name;
        let health = life.store.transport(name).await?.unwrap_or_else(|| Health::new(now));
        let pace = i64::from(health.pace(now));
        metrics::gauge!("tidings_mail_pace_percent", "transport" => name).set(gauge(pace));
        for condition in Condition::ALL {
            let state = condition.as_str();
            let is_so = i64::from(health.condition == *condition);
            metrics::gauge!("tidings_mail_transport_state", "transport" => name, "state" => state).set(gauge(is_so));
        }
        if let Some(quota) = route.allowance.quota {
            let usage = life.store.mail_usage(name, quota.since(now)).await?;
            let used: u64 = usage.iter().map(|usage| usage.mails).sum();
            let used = i64::try_from(used).unwrap_or(i64::MAX);
            metrics::gauge!("tidings_mail_quota_used", "transport" => name).set(gauge(used));
            let allowed = i64::try_from(quota.mails()).unwrap_or(i64::MAX);
            metrics::gauge!("tidings_mail_quota", "transport" => name).set(gauge(allowed));
        }
    }
    Ok(())
}

/// Gauges are floating point; counts are far below where that loses any.
fn gauge(count: i64) -> f64 {
    i32::try_from(count).unwrap_or(i32::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_put_back_is_noticed_once() {
        let (mut watch, began) = (Watch::new(SILENCE), Instant::now());
        let mut ask = |seconds, passed| {
            watch.is_put_back(Timestamp::from_second(seconds).unwrap(), began + Duration::from_secs(passed))
        };
        assert!(ask(10_000, 0), "nobody knows what happened before");
        assert!(!ask(10_005, 5));
        assert!(!ask(13_600, 10), "put forward");
        assert!(ask(10_015, 15));
        assert!(!ask(10_020, 20));
        assert!(!ask(9_990, 25), "hardly");
    }
}
