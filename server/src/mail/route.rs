//! A way out: a transport with its limits, its health and its sessions.
//!
//! There is one for everything, and perhaps a second that carries alerts and account mails, so that they leave even when
//! the first is out of order or out of quota.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use domain::{
    brake::{PutOffs, Refusals},
    delivery::{Meaning, Outcome, Transport as Word},
    health::{Condition, Health, Permission, trouble},
};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{
    MailSettings,
    alerts::{self, Alarm},
    life::Life,
    limits::{Permits, in_time},
    ready::Handover,
    tokens::Unsent,
    transport::Transport,
};
use crate::store::{Result, Store, deliveries::Delivery, mail_rates::Allowance};

/// The transport of everything.
pub const MAIN: &str = "main";
/// The transport of alerts and account mails, if they have one of their own.
pub const ALERT: &str = "alert";
/// The kinds of letters that try one of them, and go no other way.
pub const TEST_MAIN: &str = "test.main";
/// … and the other.
pub const TEST_ALERT: &str = "test.alert";
/// A reason longer than this is cut.
const REASON_LIMIT: usize = 300;

/// The setting that names the last letter that tried a way out.
pub fn test_setting(name: &str) -> String {
    format!("mail_test_{name}")
}

/// The number of the way out that a letter tries, if that is what it is for.
pub(super) fn tested(kind: &str) -> Option<usize> {
    match kind {
        TEST_MAIN => Some(0),
        TEST_ALERT => Some(1),
        _ => None,
    }
}

/// One way out.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) name: &'static str,
    /// None writes mails into the outbox.
    pub(super) transport: Option<Transport>,
    pub(super) allowance: Allowance,
    pub(super) connections: usize,
    pub(super) handover: Handover,
    pub(super) permits: Permits,
    /// What was booked and not sent.
    pub(super) unsent: Unsent,
    /// One connection is opened after the other, so that a server in trouble is not stormed.
    pub(super) connecting: Semaphore,
    /// The quota has nothing left even for alerts.
    is_spent: AtomicBool,
    /// As this node last knew it.
    health: Mutex<Health>,
    refusals: Mutex<Refusals>,
    put_offs: Mutex<PutOffs>,
}

impl Route {
    /// The ways out of these settings, the one for everything first.
    pub(super) fn all(settings: &MailSettings, now: Timestamp) -> Vec<Self> {
        let connections = settings.connections.max(1);
        let main = Self::new(MAIN, settings.transport.clone(), settings.allowance, connections, now);
        let (allowance, few) = (settings.alert_allowance, settings.alert_connections.max(1));
        let second = settings.alert_transport.clone();
        let second = second.map(|transport| Self::new(ALERT, Some(transport), allowance, few, now));
        std::iter::once(main).chain(second).collect()
    }

    fn new(
        name: &'static str,
        transport: Option<Transport>,
        allowance: Allowance,
        connections: usize,
        now: Timestamp,
    ) -> Self {
        Self {
            name,
            transport,
            allowance,
            connections,
            handover: Handover::new(connections),
            permits: Permits::new(name, allowance.rate),
            unsent: Unsent::new(allowance),
            connecting: Semaphore::new(1),
            is_spent: AtomicBool::new(false),
            health: Mutex::new(Health::new(now)),
            refusals: Mutex::default(),
            put_offs: Mutex::default(),
        }
    }

    /// Forgets how it fared under other settings: whoever mended them need not wait for the next try.
    pub(super) async fn adopt(&self, life: &Life) -> Result<()> {
        let settings = self.transport.as_ref().map(Transport::in_full).unwrap_or_default();
        let tag = life.settings.secret.transport_tag(&settings);
        let adopted = async {
            let mut write = life.store.write().await?;
            let is_new = write.adopt_transport(self.name, &tag, life.clock.now()).await?;
            write.commit().await?;
            Ok(is_new)
        };
        if in_time(adopted).await? {
            tracing::info!(transport = self.name, "The mail server's settings were changed; it is tried at once.");
        }
        Ok(())
    }

    /// How it fared when this node last heard.
    pub(super) fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps in mind what the store says of how it fares, unless this node has just learnt more than it could write.
    pub(super) fn heard(&self, health: Health, now: Timestamp) {
        let mut known = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let cap = [known.cap, health.cap].into_iter().flatten().min();
        if known.noted_at <= health.noted_at || known.noted_at > now {
            *known = health;
        }
        known.cap = cap;
    }

    fn learnt(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    /// Notes whether the quota has nothing left even for alerts.
    pub(super) fn note_spent(&self, is_spent: bool) {
        self.is_spent.store(is_spent, Ordering::Relaxed);
    }

    /// Whether letters had better go another way for now.
    pub(super) fn is_out_of_use(&self, now: Timestamp) -> bool {
        self.is_shut(now) || self.is_spent.load(Ordering::Relaxed)
    }

    /// Whether nothing may be begun now but a try that was allowed.
    pub(super) fn is_shut(&self, now: Timestamp) -> bool {
        self.health().permission(now) != Permission::Freely
    }

    /// Notes what an outcome says of the transport; says whether that alone is why a mail was put off. Where the store cannot be
    /// written, this node at least keeps to it.
    pub(super) async fn learn(
        &self,
        life: &Life,
        outcome: &Outcome,
        meaning: Meaning,
        carried: u32,
        began: Timestamp,
        delivery: Option<&Delivery>,
    ) -> bool {
        let health = self.health();
        let are_too_many = delivery.is_some_and(|delivery| self.count(meaning, delivery));
        // What goes on while it is known already is a try that failed.
        let condition = match meaning.transport {
            Word::PolicyRefused if are_too_many || health.condition == Condition::Refused => Some(Condition::Refused),
            Word::PutOff if are_too_many || health.condition == Condition::PuttingOff => Some(Condition::PuttingOff),
            word => trouble(word, carried),
        };
        let is_put_off = condition == Some(Condition::PuttingOff);
        let now = life.clock.now();
        let jitter = rand::random();
        let mut reason = outcome.without_their_words();
        reason.truncate(reason.floor_char_boundary(REASON_LIMIT));
        let next = |health: &Health| match condition {
            Some(condition) => health.failed(condition, &reason, began, now, jitter),
            None if meaning.transport == Word::Reconnect => health.closed_after(carried),
            None if meaning.transport == Word::PolicyRefused => None,
            None => health.worked(began, now),
        };
        let Some(here) = next(&health) else { return is_put_off };
        self.learnt(here);
        if let Some(condition) = condition {
            let (transport, state) = (self.name, condition.as_str());
            metrics::counter!("tidings_mail_troubles_total", "transport" => transport, "state" => state).increment(1);
            tracing::warn!(transport, state, reason, "The mail server is in trouble or refuses us.");
        }
        if let Err(error) = in_time(self.note(&life.store, now, &next)).await {
            tracing::warn!(%error, "The other nodes cannot be told of it.");
        }
        is_put_off
    }

    /// Counts what was said to one mail; says whether it was said to too many.
    fn count(&self, meaning: Meaning, delivery: &Delivery) -> bool {
        let is_refused = meaning.transport == Word::PolicyRefused;
        let domain = delivery.address.domain();
        let are_refused = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).note(is_refused, domain);
        let (is_put_off, is_first_try) = (meaning.transport == Word::PutOff, delivery.attempts == 0);
        // What the way is to blame for says nothing of how the server answers.
        let are_put_off = meaning.counts()
            && self.put_offs.lock().unwrap_or_else(PoisonError::into_inner).note(is_put_off, is_first_try);
        are_refused || are_put_off
    }

    /// Notes it for all nodes, and for the owners when they must act.
    async fn note(&self, store: &Store, now: Timestamp, next: impl Fn(&Health) -> Option<Health>) -> Result<()> {
        let mut write = store.write().await?;
        let before = write.transport(self.name, now).await?;
        let Some(after) = next(&before) else { return Ok(()) };
        write.put_transport(self.name, &after).await?;
        let is_news = after.condition != before.condition;
        if is_news && after.condition.is_alarming() {
            alerts::raise(&mut write, &Alarm::Transport { name: self.name, health: &after }, now).await?;
        }
        write.commit().await?;
        self.learnt(after);
        Ok(())
    }
}
