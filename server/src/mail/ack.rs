//! Writes down what became of mails, in groups: one task, one transaction for many.

use std::{sync::Arc, time::Duration};

use domain::delivery::DeliveryState;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, sleep, timeout_at},
};

use super::{life::Life, limits::in_time};
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

/// What became of one delivery.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) settlement: Settlement,
    /// Given back once this is stored. None for what was not begun unless somebody waits for that, or took very long.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// Which way it went.
    pub(super) route: usize,
    /// When sending began, if it did.
    pub(super) began: Option<Instant>,
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
        Self { settlement, permit: None, route: 0, began: None }
    }
}

/// Stores outcomes until all sessions have ended and the last outcome is stored, or until another node took over.
pub(super) async fn acknowledge(life: Arc<Life>, mut inbox: mpsc::Receiver<Settled>) {
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
        if store(&life, &group).await == Err(Fenced) {
            life.fenced.cancel();
            return;
        }
        for Settled { settlement, permit, route, began } in group {
            // What only went back to the queue is no news.
            if began.is_some() || settlement.state != DeliveryState::Waiting {
                metrics::counter!("tidings_mails_total", "state" => settlement.state.as_str()).increment(1);
            }
            if let Some(began) = began {
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

/// Tries until it is stored. Meanwhile no permit goes back, so sending comes to a stop by itself.
async fn store(life: &Life, group: &[Settled]) -> std::result::Result<(), Fenced> {
    let settlements: Vec<_> = group.iter().map(|settled| settled.settlement.clone()).collect();
    loop {
        let began = Instant::now();
        match in_time(try_store(life, &settlements)).await {
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

async fn try_store(life: &Life, settlements: &[Settlement]) -> Result<std::result::Result<usize, Fenced>> {
    let mut write = life.store.write().await?;
    let outcome = write.settle(&life.node, settlements, life.clock.now()).await?;
    if outcome.is_ok() {
        write.commit().await?;
    }
    Ok(outcome)
}
