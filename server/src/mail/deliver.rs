//! Sessions: each owns one connection, and sends one mail after the other over it.

use std::{sync::Arc, time::Duration};

use domain::{
    delivery::{Attempt, DeliveryState, Meaning, Next, Outcome, Recipient, Transport, after, meaning},
    ids::SubscriberId,
};
use tokio::{
    pin,
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep, sleep_until},
};

use super::{
    ack::Settled, content::Prepared, life::Life, limits::least_pause, select::CHECK_HOLDS, session::Envelope,
    tokens::Token, wire::Wire,
};
use crate::store::{
    deliveries::{Delivery, Letter},
    settlements::Settlement,
};

/// An unused connection is closed after this.
const IDLE: Duration = Duration::from_secs(10);
/// While the store is silent, how often it is looked whether it answers again.
const SILENCE_POLL: Duration = Duration::from_millis(250);
/// A server that takes longer to answer the dot no longer holds up the others.
const PERMIT_HELD: Duration = Duration::from_mins(1);

/// A connection that is closed after so many mails has reached the server's cap.
const CARRIED_ENOUGH: u32 = 50;

/// What a mail says.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// The same for many, but for what is theirs.
    Broadcast(Arc<Prepared>),
    /// For one.
    Letter(Arc<Letter>),
}

/// A mail that may be sent now.
#[derive(Debug)]
pub(super) struct Cleared {
    pub(super) delivery: Delivery,
    pub(super) content: Content,
    /// When it was last known to be wanted.
    pub(super) checked_at: Instant,
    /// Given back when the outcome is stored.
    pub(super) permit: OwnedSemaphorePermit,
    /// Given back when nothing was sent.
    pub(super) token: Token,
}

/// One session. Ends when no new mail may be begun.
pub(super) async fn deliver(life: Arc<Life>) {
    let mut wire: Option<Wire> = None;
    while let Some(cleared) = next(&life, &mut wire).await {
        if let Some(worn) = wire.take_if(|wire| wire.is_worn()) {
            worn.quit().await;
        }
        let open = match wire.take() {
            Some(open) => Some(open),
            None => connect(&life).await,
        };
        let Some(open) = open else {
            life.unsent.add(&cleared.token);
            life.ready.put_back([cleared.delivery]);
            continue;
        };
        wire = begin(&life, open, cleared).await;
    }
    if let Some(wire) = wire {
        wire.quit().await;
    }
    if !life.stopping.is_cancelled() {
        std::future::pending::<()>().await;
    }
}

/// Waits for a mail, with patience while the transport or the store is in trouble. `None`: no more.
async fn next(life: &Life, wire: &mut Option<Wire>) -> Option<Cleared> {
    loop {
        let wait = async {
            sleep_until(life.backoff.until()).await;
            while !life.pulse.is_alive() {
                sleep(SILENCE_POLL).await;
            }
            life.handover.take().await
        };
        tokio::select! {
            biased;
            () = life.stopping.cancelled() => return None,
            () = life.fenced.cancelled() => return None,
            cleared = wait => return cleared,
            () = sleep(IDLE), if wire.is_some() => {
                if let Some(idle) = wire.take() {
                    idle.quit().await;
                }
            }
        }
    }
}

async fn connect(life: &Life) -> Option<Wire> {
    let began = Instant::now();
    let connected = tokio::select! {
        connected = Wire::connect(&life.settings) => connected,
        () = life.stopping.cancelled() => return None,
    };
    match connected {
        Ok(wire) => Some(wire),
        Err(outcome) => {
            life.backoff.failed(began, rand::random());
            metrics::counter!("tidings_mail_connections_failed_total").increment(1);
            let outcome = outcome.without_their_words();
            tracing::warn!(outcome, "The mail server cannot be used; it is tried again.");
            None
        }
    }
}

/// Sends one mail if it still may be sent; gives the connection back if another may follow.
async fn begin(life: &Life, wire: Wire, cleared: Cleared) -> Option<Wire> {
    let Cleared { delivery, content, checked_at, permit, token } = cleared;
    let now = life.clock.now();
    if checked_at.elapsed() > CHECK_HOLDS || !life.pulse.is_alive() || life.stopping.is_cancelled() {
        // Waiting for the connection took too long: ask again whether it is wanted.
        life.unsent.add(&token);
        life.ready.put_back([delivery]);
        return Some(wire);
    }
    if delivery.expires_at <= now {
        life.unsent.add(&token);
        life.settle(Settled::without_attempt(delivery, DeliveryState::Expired, "expired")).await;
        return Some(wire);
    }
    let message = match &content {
        Content::Broadcast(prepared) => {
            let subscriber = (delivery.subscriber.unwrap_or(SubscriberId(0)), delivery.generation);
            prepared.message(&delivery.id, &delivery.address, subscriber, &delivery.preferences, now)
        }
        Content::Letter(letter) => life.context.letter(&delivery.id, &delivery.address, letter, now),
    };
    let (outcome, wire) = send(life, wire, delivery, message, permit).await;
    if !matches!(outcome, Recipient::Sent | Recipient::Uncertain) {
        life.unsent.add(&token);
    }
    wire
}

async fn send(
    life: &Life,
    mut wire: Wire,
    delivery: Delivery,
    message: Vec<u8>,
    permit: OwnedSemaphorePermit,
) -> (Recipient, Option<Wire>) {
    let began = Instant::now();
    let from = life.context.return_path(delivery.subscriber);
    let envelope = Envelope { from: &from, to: delivery.address.as_str() };
    let mut permit = Some(permit);
    let (outcome, is_usable) = {
        let sending = wire.send(&delivery.id, &envelope, message, life.clock.now());
        pin!(sending);
        loop {
            tokio::select! {
                done = &mut sending => break done,
                () = sleep_until(began + PERMIT_HELD), if permit.is_some() => permit = None,
            }
        }
    };
    let meaning = meaning(&outcome);
    match meaning.transport {
        Transport::Fine => life.backoff.worked(),
        // Many servers close after so many mails: that is no trouble.
        Transport::Reconnect if wire.carried() >= CARRIED_ENOUGH => {}
        Transport::Reconnect
        | Transport::SlowDown
        | Transport::QuotaReached
        | Transport::Broken
        | Transport::PolicyRefused
        | Transport::Backoff => {
            life.backoff.failed(began, rand::random());
            let outcome = outcome.without_their_words();
            tracing::warn!(outcome, "The mail server is in trouble or refuses us; sending pauses.");
        }
    }
    let settlement = settlement(life, delivery, &outcome, meaning);
    life.settle(Settled { settlement, permit, began: Some(began) }).await;
    let is_kept = is_usable && meaning.transport != Transport::Reconnect && meaning.transport != Transport::Backoff;
    (meaning.recipient, if is_kept { Some(wire) } else { None })
}

/// What to store after an attempt.
fn settlement(life: &Life, delivery: Delivery, outcome: &Outcome, meaning: Meaning) -> Settlement {
    let now = life.clock.now();
    let attempt = Attempt {
        counted_before: delivery.attempts,
        was_uncertain: delivery.was_uncertain,
        may_repeat: delivery.kind != "confirmation",
        expires_at: delivery.expires_at,
    };
    let (state, reason, due_at) = match after(&attempt, outcome, now, rand::random()) {
        Next::Done => (DeliveryState::Sent, String::new(), delivery.due_at),
        Next::GiveUp(state, reason) => (state, reason, delivery.due_at),
        Next::RetryAt(at) => {
            let earliest = now.checked_add(least_pause(meaning.transport)).unwrap_or(at);
            (DeliveryState::Waiting, outcome.to_string(), at.max(earliest))
        }
    };
    Settlement {
        id: delivery.id,
        broadcast: delivery.broadcast,
        state,
        reason,
        attempts: delivery.attempts.saturating_add(u32::from(meaning.counts())),
        was_uncertain: delivery.was_uncertain || meaning.recipient == Recipient::Uncertain,
        due_at,
        suppress: (meaning.recipient == Recipient::Failed { suppress: true }).then_some(delivery.address),
    }
}
