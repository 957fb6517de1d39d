//! Writes down what became of mails, in groups: one task, one transaction for many.

use std::{sync::Arc, time::Duration};

use domain::{
    brake::Halt,
    broadcast::BroadcastState,
    delivery::{DeliveryState, Meaning, Outcome},
    ids::BroadcastId,
    speed::Speed,
};
use jiff::SignedDuration;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, sleep, timeout_at},
};

use super::{
    alerts::{self, Alarm},
    life::Life,
    limits::in_time,
};
use crate::store::{
    Result,
    deliveries::Delivery,
    settlements::{Fenced, Settlement},
};

/// The longest an outcome waits for others.
const GATHER: Duration = Duration::from_millis(50);
/// The most outcomes in one transaction.
const GROUP: usize = 128;
/// Between tries while the store does not answer.
const PAUSE: Duration = Duration::from_millis(250);
/// How fast it goes is noted no more often.
const NOTE: Duration = Duration::from_millis(250);

/// What became of one delivery.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) settlement: Settlement,
    /// Given back once this is stored. None for what was not begun unless somebody waits for that, or took very long.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// Which way it went.
    pub(super) route: usize,
    /// When sending began and what was said to it, if it did.
    pub(super) said: Option<(Instant, Meaning, Outcome)>,
}

impl Settled {
    /// For a delivery that was not attempted.
    pub(super) fn without_attempt(delivery: Delivery, state: DeliveryState, reason: &str) -> Self {
        let settlement = Settlement {
            id: delivery.id,
            broadcast: delivery.broadcast,
            state,
            reason: reason.to_owned(),
            attempts: delivery.attempts,
            was_uncertain: delivery.was_uncertain,
            due_at: delivery.due_at,
            finding: None,
        };
        Self { settlement, permit: None, route: 0, said: None }
    }

    /// When sending a mail of a broadcast began that needs no other try.
    fn began_of_broadcast(&self) -> Option<Instant> {
        let Settlement { broadcast, state, .. } = &self.settlement;
        let (began, ..) = self.said.as_ref()?;
        (broadcast.is_some() && *state != DeliveryState::Waiting).then_some(*began)
    }
}

/// How fast mails of broadcasts leave.
#[derive(Default)]
struct Pace {
    speed: Speed,
    counted_at: Option<Instant>,
    noted_at: Option<Instant>,
}

impl Pace {
    /// Counts a group of outcomes; says how fast it goes when that is to be noted.
    fn count(&mut self, group: &[Settled], now: Instant) -> Option<Speed> {
        let began = group.iter().filter_map(Settled::began_of_broadcast);
        let (mails, first) = began.fold((0, now), |(mails, first), began| (mails + 1, first.min(began)));
        if mails == 0 {
            return None;
        }
        let last = self.counted_at.replace(now).unwrap_or(first);
        let span = |from, to: Instant| SignedDuration::try_from(to.saturating_duration_since(from)).unwrap_or_default();
        self.speed = self.speed.after(mails, span(last, now), span(last, first));
        self.speed.rate()?;
        if self.noted_at.is_some_and(|at| now.duration_since(at) < NOTE) {
            return None;
        }
        self.noted_at = Some(now);
        Some(self.speed)
    }
}

/// Stores outcomes until all sessions have ended and the last outcome is stored, or until another node took over.
pub(super) async fn acknowledge(life: Arc<Life>, mut inbox: mpsc::Receiver<Settled>) {
    let mut pace = Pace::default();
    loop {
        let first = tokio::select! {
            biased;
            first = inbox.recv() => first,
            () = life.drained.cancelled() => {
                inbox.close();
                inbox.recv().await
            }
        };
        let Some(first) = first else { return };
        let group = gather(&life, &mut inbox, first).await;
        judge(&life, &group).await;
        let speed = pace.count(&group, Instant::now());
        if store(&life, &group, speed).await == Err(Fenced) {
            life.fenced.cancel();
            return;
        }
        for Settled { settlement, permit, route, said } in group {
            // What only went back to the queue is no news.
            if said.is_some() || settlement.state != DeliveryState::Waiting {
                metrics::counter!("tidings_mails_total", "state" => settlement.state.as_str()).increment(1);
            }
            if let Some((began, ..)) = said {
                life.routes[route].permits.learn(began.elapsed());
            }
            // Only now that the outcome is durable.
            drop(permit);
        }
        for route in &life.routes {
            route.permits.resize();
        }
    }
}

/// Waits for others, but no longer than it takes until nobody may send because all wait for this.
async fn gather(life: &Life, inbox: &mut mpsc::Receiver<Settled>, first: Settled) -> Vec<Settled> {
    let until = Instant::now() + GATHER;
    let size = life.routes.iter().map(|route| route.permits.size()).min().unwrap_or(GROUP);
    let enough = (size / 2).clamp(1, GROUP);
    let mut group = vec![first];
    while group.len() < enough {
        match timeout_at(until, inbox.recv()).await {
            Ok(Some(settled)) => group.push(settled),
            Ok(None) | Err(_) => break,
        }
    }
    // What is there already costs nothing.
    while group.len() < GROUP
        && let Ok(settled) = inbox.try_recv()
    {
        group.push(settled);
    }
    group
}

/// Pauses what must not go on, before anything of this group is stored: what is refused of a paused broadcast is tried again.
async fn judge(life: &Life, group: &[Settled]) {
    for Settled { settlement, said, .. } in group {
        if let (Some(broadcast), Some((_, meaning, outcome))) = (&settlement.broadcast, said)
            && let Some(halt) = life.judge(broadcast, *meaning)
        {
            let reason = reason(halt, outcome);
            while let Err(error) = in_time(pause(life, broadcast, &reason)).await {
                tracing::error!(%error, %broadcast, "A broadcast that is refused cannot be paused; it is tried again.");
                sleep(PAUSE).await;
            }
        }
    }
}

fn reason(halt: Halt, outcome: &Outcome) -> String {
    let words = outcome.without_their_words();
    match halt {
        Halt::Message => format!("the mail server refused it for three of the first people ({words})"),
        Halt::Refused { refused, of } => format!(
            "the mail server refused {refused} of the last {of} people for good ({words}): it has lost its list of people, \
             or ours is old"
        ),
    }
}

async fn pause(life: &Life, broadcast: &BroadcastId, reason: &str) -> Result<()> {
    let now = life.clock.now();
    let mut write = life.store.write().await?;
    if write.set_broadcast_state(broadcast, BroadcastState::Paused, reason, now).await? {
        alerts::raise(&mut write, &Alarm::Paused { broadcast, reason }, now).await?;
    }
    write.commit().await
}

/// Tries until it is stored. Meanwhile no permit goes back, so sending comes to a stop by itself.
async fn store(life: &Life, group: &[Settled], speed: Option<Speed>) -> std::result::Result<(), Fenced> {
    let settlements: Vec<_> = group.iter().map(|settled| settled.settlement.clone()).collect();
    loop {
        let began = Instant::now();
        match in_time(try_store(life, &settlements, speed)).await {
            Ok(Ok(changed)) => {
                life.pulse.beat(began);
                if changed < settlements.len() {
                    tracing::warn!(
                        missing = settlements.len() - changed,
                        "Some outcomes were no longer ours to store."
                    );
                }
                return Ok(());
            }
            Ok(Err(fenced)) => return Err(fenced),
            Err(error) => {
                tracing::error!(%error, outcomes = group.len(), "Outcomes cannot be stored; it is tried again.");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn try_store(
    life: &Life,
    settlements: &[Settlement],
    speed: Option<Speed>,
) -> Result<std::result::Result<usize, Fenced>> {
    let now = life.clock.now();
    let mut write = life.store.write().await?;
    let outcome = write.settle(&life.node, settlements, now).await?;
    if outcome.is_ok() {
        if let Some(speed) = speed {
            write.note_mail_speed(&life.node.id, speed, now).await?;
        }
        write.commit().await?;
    }
    Ok(outcome)
}
