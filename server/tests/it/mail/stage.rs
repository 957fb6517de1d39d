//! A worker on a stage: a database, a mail server, a clock that can be moved.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by failing")]

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    ids::{DeliveryId, UserId},
    rate::Rate,
    token::Secret,
};
use jiff::{SignedDuration, Timestamp};
use server::{
    clock::Clock,
    mail::{MailSettings, SILENCE, Worker, session::Deadlines, transport::Transport},
    store::{
        Store,
        broadcasts::Broadcast,
        deliveries::{Letter, NewLetter},
        mail_rates::Allowance,
        users::User,
    },
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::support::{
    company::Company,
    smtp::{Accepted, SmtpServer},
};

/// Far more than it takes: a machine that does ten other things as well must not fail a test.
const PATIENCE: Duration = Duration::from_mins(1);

/// Within this, what a person says to a broadcast is heeded: a second, and what is under way.
pub(super) const SOON: Duration = Duration::from_millis(1_500);

/// A running worker and what it needs.
pub(super) struct Stage {
    pub(super) company: Company,
    pub(super) clock: Clock,
    pub(super) settings: MailSettings,
}

/// A worker that runs.
pub(super) struct Running {
    pub(super) worker: Worker,
    stop: CancellationToken,
}

impl Running {
    /// As `SIGTERM` does.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(10), self.worker.stopped()).await.expect("it stops within ten seconds");
    }

    /// As `kill -9` does.
    pub(super) fn crash(self) {
        drop(self.worker);
    }
}

impl Stage {
    /// A company with a mail server, or an outbox, and nobody to tell.
    pub(super) async fn new(store: &Store, server: Option<&SmtpServer>) -> Self {
        let clock = Clock::default();
        let company = Company::new(store, clock.now()).await;
        let name = format!("outbox-{:016x}", rand::random::<u64>());
        let settings = MailSettings {
            transport: server.map(|server| Transport::parse(&server.url()).unwrap()),
            alert_transport: None,
            outbox: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name),
            allowance: Allowance { rate: Rate::UNLIMITED, quota: None },
            connections: 8,
            alert_allowance: Allowance { rate: Rate::UNLIMITED, quota: None },
            alert_connections: 2,
            address_limit: 0,
            dkim: None,
            from: Some("Status <status@example.com>".parse().unwrap()),
            public_url: "https://status.example.com".into(),
            secret: Secret::from_bytes([7; 32]),
            node: "one".into(),
            hello: "status.example.com".into(),
            deadlines: Deadlines::default(),
            silence: SILENCE,
        };
        Self { company, clock, settings }
    }

    /// As fast as this and no faster.
    pub(super) fn at(mut self, rate: Rate) -> Self {
        self.settings.allowance.rate = rate;
        self
    }

    /// As much as this and no more.
    pub(super) fn within(mut self, quota: &str) -> Self {
        self.settings.allowance.quota = Some(quota.parse().unwrap());
        self
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Adds someone who is told when something goes wrong.
    pub(super) async fn owner(&self) {
        let user = User {
            id: UserId::from_random(1),
            email: "owner@example.com".parse().unwrap(),
            password_hash: None,
            confirmed_at: None,
        };
        let mut write = self.company.store.write().await.unwrap();
        write.insert_user(&user, self.now()).await.unwrap();
        write.commit().await.unwrap();
    }

    /// Puts a letter to `new@example.com` into the queue that is worth sending for two hours.
    pub(super) async fn letter(&self, number: u64, lane: Lane) -> DeliveryId {
        let letter = NewLetter {
            id: DeliveryId::from_random(number),
            kind: "sign_in",
            lane,
            to: "new@example.com".parse().unwrap(),
            subscriber: None,
            message: Letter { subject: "Hello".into(), text: "Hello.".into(), html: String::new() },
            dedupe_key: None,
            expires_at: self.now() + SignedDuration::from_hours(2),
        };
        let mut write = self.company.store.write().await.unwrap();
        write.insert_letter(&letter, self.now()).await.unwrap();
        write.commit().await.unwrap();
        letter.id
    }

    /// Starts the worker.
    pub(super) fn start(&self) -> Running {
        self.start_on(&self.company.store, "one")
    }

    /// Starts one more worker, with its own connections to the database.
    pub(super) fn start_on(&self, store: &Store, node: &str) -> Running {
        self.start_by(&self.clock, store, node)
    }

    /// Starts one more worker, on a machine with a clock of its own.
    pub(super) fn start_by(&self, clock: &Clock, store: &Store, node: &str) -> Running {
        let stop = CancellationToken::new();
        let settings = MailSettings { node: node.into(), ..self.settings.clone() };
        let worker = Worker::start(settings, store.clone(), clock.clone(), stop.clone());
        Running { worker, stop }
    }

    /// Waits until a broadcast stands as wanted; fails the test when it does not in time.
    pub(super) async fn until(&self, broadcast: &Broadcast, is_so: impl Fn(&Broadcast) -> bool) -> Broadcast {
        let wait = async {
            loop {
                let found = self.company.look(broadcast).await;
                if is_so(&found) {
                    return found;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(late) => panic!("{late}: it stays {:?}", self.company.look(broadcast).await),
        }
    }

    /// Waits until everyone has an outcome.
    pub(super) async fn until_over(&self, broadcast: &Broadcast) -> Broadcast {
        self.until(broadcast, |found| !found.state.is_open() && found.waiting() == 0).await
    }

    /// Waits until one message has an outcome; fails the test when it gets none in time.
    pub(super) async fn outcome_of(&self, id: &DeliveryId) -> DeliveryState {
        let wait = async {
            loop {
                let found = self.company.store.delivery_outcome(id).await.unwrap().unwrap().state;
                if !matches!(found, DeliveryState::Waiting | DeliveryState::Leased) {
                    return found;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, wait).await.expect("it has an outcome in time")
    }

    /// Moves the clock.
    pub(super) fn wait(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }
}

/// How often each address was told of what contains `text`.
pub(super) fn told(mails: &[Accepted], text: &str) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for mail in mails.iter().filter(|mail| holds(mail, text)) {
        *told.entry(mail.to[0].clone()).or_default() += 1;
    }
    told
}

/// How many mails were taken after an instant.
pub(super) fn after(mails: &[Accepted], instant: Instant) -> usize {
    mails.iter().filter(|mail| mail.at > instant).count()
}

/// The most mails within a second.
pub(super) fn busiest_second(mails: &[Accepted]) -> usize {
    let times: Vec<_> = mails.iter().map(|mail| mail.at).collect();
    most_within(Duration::from_secs(1), &times)
}

/// The most of these within so long.
pub(super) fn most_within(window: Duration, times: &[Instant]) -> usize {
    let within = |first: usize| times[first..].iter().take_while(|at| **at - times[first] < window).count();
    (0..times.len()).map(within).max().unwrap_or(0)
}

/// Whether a mail contains `text`.
pub(super) fn holds(mail: &Accepted, text: &str) -> bool {
    String::from_utf8_lossy(&mail.message).contains(text)
}

/// The value of a mail's header.
pub(super) fn header(mail: &Accepted, name: &str) -> String {
    let text = String::from_utf8_lossy(&mail.message).into_owned();
    let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
}
