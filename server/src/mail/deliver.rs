//! Sessions: each owns one connection, and sends one mail after the other over it.

use std::{sync::Arc, time::Duration};

use domain::{
    delivery::{Attempt, DeliveryState, Meaning, Next, Outcome, Recipient, Stage, Transport, after, meaning},
    health::{Condition, trouble},
    ids::SubscriberId,
};
use jiff::Timestamp;
use tokio::{
    pin,
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    ack::Settled,
    content::{self, MailIdentity, Prepared},
    life::Life,
    limits::least_pause,
    route::{Route, tested},
    select::{self, CHECK_HOLDS},
    session::Envelope,
    tokens::Token,
    wire::Wire,
};
use crate::store::{
    deliveries::{Delivery, Letter},
    settlements::{Finding, Settlement},
};

/// An unused connection is closed after this.
const IDLE: Duration = Duration::from_secs(10);
/// While the store is silent, how often it is looked whether it answers again.
const SILENCE_POLL: Duration = Duration::from_millis(250);
/// A server that takes longer than this part of its time for the dot no longer holds up the others: a minute.
const PERMIT_HELD: u32 = 10;

/// For this part of the time for connecting, a new connection waits for the one before it to be greeted: five seconds.
const TURN: u32 = 3;

/// What a mail says.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// The same for many, but for what is theirs.
    Broadcast(Arc<Prepared>),
    /// For one, and whose mail it is.
    Letter(Arc<(Letter, MailIdentity)>),
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
pub(super) async fn deliver(life: Arc<Life>, number: usize) {
    let session = Session { life: &life, number, route: &life.routes[number] };
    let mut wire: Option<Wire> = None;
    while let Some(cleared) = session.next(&mut wire).await {
        let cap = session.route.health().cap;
        if let Some(worn) = wire.take_if(|wire| wire.is_worn(cap)) {
            worn.quit().await;
        }
        if !session.may_begin(&cleared.token) {
            // Trouble came after it was cleared.
            session.put_back(cleared);
            continue;
        }
        let begun = match wire.take() {
            Some(open) => session.begin(open, cleared, false).await,
            None => Err(Box::new(cleared)),
        };
        wire = match begun {
            Ok(left) => left,
            // There was no connection, or none any more.
            Err(cleared) => session.begin_anew(*cleared).await,
        };
    }
    if let Some(wire) = wire {
        wire.quit().await;
    }
    if !life.stopping.is_cancelled() {
        std::future::pending::<()>().await;
    }
}

struct Session<'a> {
    life: &'a Life,
    /// Of the route.
    number: usize,
    route: &'a Route,
}

impl Session<'_> {
    /// Waits for a mail, with patience while the store is in trouble. `None`: no more.
    async fn next(&self, wire: &mut Option<Wire>) -> Option<Cleared> {
        let life = self.life;
        loop {
            let is_connected = wire.is_some();
            let wait = async {
                while !life.pulse.is_alive() {
                    sleep(SILENCE_POLL).await;
                }
                self.route.handover.take(is_connected).await
            };
            tokio::select! {
                biased;
                () = life.stopping.cancelled() => return None,
                () = life.fenced.cancelled() => return None,
                cleared = wait => return Some(cleared),
                () = sleep(IDLE), if is_connected => {
                    if let Some(idle) = wire.take() {
                        idle.quit().await;
                    }
                }
            }
        }
    }

    /// Whether the transport may be used for this.
    fn may_begin(&self, token: &Token) -> bool {
        token.is_try || !self.route.is_shut(self.life.clock.now())
    }

    fn put_back(&self, cleared: Cleared) {
        self.route.unsent.add(&cleared.token);
        self.life.ready.put_back([cleared.delivery]);
    }

    /// Stores why a test could not even be begun: whoever tests a server wants to read it. It is tried again with the others.
    async fn tell(&self, cleared: Cleared, outcome: &Outcome) {
        self.route.unsent.add(&cleared.token);
        let now = self.life.clock.now();
        let due_at = now.checked_add(least_pause(meaning(outcome).transport)).unwrap_or(now);
        let delivery = Delivery { due_at, ..cleared.delivery };
        self.life.settle(Settled::without_attempt(delivery, DeliveryState::Waiting, &outcome.to_string())).await;
    }

    /// An error without an outcome: nothing was tried.
    async fn connect(&self, token: &Token) -> Result<Wire, Option<Outcome>> {
        let (life, route) = (self.life, self.route);
        let began = life.clock.now();
        let connecting = async {
            // A server that greets one connection late shall not hold up the others.
            let _turn = timeout(life.settings.deadlines.connect / TURN, route.connecting.acquire()).await;
            if !self.may_begin(token) {
                return Err(None);
            }
            let connected = Wire::connect(&life.settings, route.transport.as_ref()).await;
            if let Err(outcome) = &connected {
                metrics::counter!("tidings_mail_connections_failed_total", "transport" => route.name).increment(1);
                // Before the next one has its turn.
                route.learn(life, outcome, meaning(outcome), 0, began, None).await;
            }
            connected.map_err(Some)
        };
        tokio::select! {
            connected = connecting => connected,
            () = life.stopping.cancelled() => Err(None),
        }
    }

    /// Sends one mail over a new connection.
    async fn begin_anew(&self, cleared: Cleared) -> Option<Wire> {
        let begun = match self.connect(&cleared.token).await {
            Ok(open) => self.begin(open, cleared, true).await,
            Err(Some(outcome)) if tested(&cleared.delivery.kind).is_some() => {
                self.tell(cleared, &outcome).await;
                return None;
            }
            Err(_) => Err(Box::new(cleared)),
        };
        begun.unwrap_or_else(|cleared| {
            self.put_back(*cleared);
            None
        })
    }

    /// Sends one mail if it still may be sent; gives the connection back if another may follow. `Err`: it is not sent, for
    /// the server had closed a connection that is not fresh.
    async fn begin(&self, mut wire: Wire, cleared: Cleared, is_fresh: bool) -> Result<Option<Wire>, Box<Cleared>> {
        let life = self.life;
        let is_stale = cleared.checked_at.elapsed() > CHECK_HOLDS;
        if (is_stale && !cleared.token.is_try) || !life.pulse.is_alive() || life.stopping.is_cancelled() {
            // Waiting for the connection took too long: ask again whether it is wanted.
            self.put_back(cleared);
            return Ok(Some(wire));
        }
        let cleared = if is_stale { self.check_again(cleared).await } else { Some(cleared) };
        let Some(cleared) = cleared else { return Ok(Some(wire)) };
        let began_at = life.clock.now();
        let Cleared { delivery, content, checked_at, permit, token } = cleared;
        if delivery.expires_at <= began_at {
            self.route.unsent.add(&token);
            life.settle(Settled::without_attempt(delivery, DeliveryState::Expired, "expired")).await;
            return Ok(Some(wire));
        }
        let (began, mut permit) = (Instant::now(), Some(permit));
        let (outcome, is_usable) = self.send(&mut wire, &delivery, &content, &mut permit, began_at).await;
        let meaning = meaning(&outcome);
        if !is_fresh
            && is_closed(&outcome, meaning, wire.carried())
            && let Some(permit) = permit.take()
        {
            // Servers close what is idle, each after a time of its own: that says nothing of whether it can be reached.
            return Err(Box::new(Cleared { delivery, content, checked_at, permit, token }));
        }
        let is_put_off = self.route.learn(life, &outcome, meaning, wire.carried(), began_at, Some(&delivery)).await;
        if !matches!(meaning.recipient, Recipient::Sent | Recipient::Uncertain) {
            self.route.unsent.add(&token);
        }
        let settlement = settlement(life, delivery, &outcome, meaning, is_put_off);
        life.settle(Settled { settlement, permit, route: self.number, said: Some((began, meaning, outcome)) }).await;
        let is_kept = is_usable && meaning.transport != Transport::Reconnect && meaning.transport != Transport::Backoff;
        Ok(is_kept.then_some(wire))
    }

    /// Asks here whether a try is still wanted: put back, it would wait for the next one, which may take as long to connect.
    async fn check_again(&self, cleared: Cleared) -> Option<Cleared> {
        let Cleared { delivery, permit, token, .. } = cleared;
        match select::check_again(self.life, delivery).await {
            Ok(Some((delivery, content, checked_at))) => {
                return Some(Cleared { delivery, content, checked_at, permit, token });
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "Nothing can be tried while the database does not answer."),
        }
        self.route.unsent.add(&token);
        None
    }

    /// Sends one mail. The permit is gone afterwards when that took very long.
    async fn send(
        &self,
        wire: &mut Wire,
        delivery: &Delivery,
        content: &Content,
        permit: &mut Option<OwnedSemaphorePermit>,
        began_at: Timestamp,
    ) -> (Outcome, bool) {
        let message = match content {
            Content::Broadcast(prepared) => {
                let subscriber = (delivery.subscriber.unwrap_or(SubscriberId(0)), delivery.generation);
                prepared.message(&delivery.id, &delivery.address, subscriber, &delivery.preferences, began_at)
            }
            Content::Letter(letter) => content::letter(&letter.1, &delivery.id, &delivery.address, &letter.0, began_at),
        };
        let from = return_path(content, delivery.subscriber);
        let envelope = Envelope { from: &from, to: delivery.address.as_str() };
        let held_until = Instant::now() + self.life.settings.deadlines.dot / PERMIT_HELD;
        let sending = wire.send(&delivery.id, &envelope, message, began_at);
        pin!(sending);
        loop {
            tokio::select! {
                done = &mut sending => return done,
                () = sleep_until(held_until), if permit.is_some() => *permit = None,
            }
        }
    }
}

/// Whether a connection that had carried so many mails was gone before anything was asked over it.
fn is_closed(outcome: &Outcome, meaning: Meaning, carried: u32) -> bool {
    let is_first_word = matches!(outcome, Outcome::Lost(Stage::Mail, _) | Outcome::Answered(Stage::Mail, _));
    is_first_word && trouble(meaning.transport, carried) == Some(Condition::Unreachable)
}

/// The envelope's sender: where bounces go. Always the same for a subscriber, as long as the sender is.
fn return_path(content: &Content, subscriber: Option<SubscriberId>) -> String {
    match (content, subscriber) {
        (Content::Broadcast(prepared), subscriber) => prepared.envelope_from(subscriber.unwrap_or(SubscriberId(0))),
        (Content::Letter(letter), Some(subscriber)) => letter.1.envelope_from(subscriber),
        (Content::Letter(letter), None) => letter.1.from.email.clone(),
    }
    .to_string()
}

/// What to store after an attempt. When the server puts everyone off, it does not count.
fn settlement(
    life: &Life,
    delivery: Delivery,
    outcome: &Outcome,
    meaning: Meaning,
    are_all_put_off: bool,
) -> Settlement {
    let now = life.clock.now();
    let attempt = Attempt {
        counted_before: delivery.attempts,
        was_uncertain: delivery.was_uncertain,
        may_repeat: delivery.kind != "confirmation",
        expires_at: delivery.expires_at,
    };
    let (state, reason, due_at) = match after(&attempt, outcome, now, rand::random()) {
        // Whoever tests a server wants to read its words.
        Next::Done if tested(&delivery.kind).is_some() => (DeliveryState::Sent, outcome.to_string(), delivery.due_at),
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
        attempts: delivery.attempts.saturating_add(u32::from(meaning.counts() && !are_all_put_off)),
        was_uncertain: delivery.was_uncertain || meaning.recipient == Recipient::Uncertain,
        due_at,
        finding: match meaning.recipient {
            Recipient::Failed { suppress: true } => Some((Finding::Nobody, delivery.address)),
            Recipient::MailboxFull => Some((Finding::FullMailbox, delivery.address)),
            _ => None,
        },
    }
}
