//! How a published update reaches everyone, once.
//!
//! ```text
//!  publish (one transaction: update + broadcast)              single letters (confirmation, sign-in, test)
//!            │ one broadcast row                                          │ one delivery row each
//!            ▼                                                            ▼
//!  expand.rs   next ≤500 after the cursor ──▶ delivery rows, leased ◀── claimed: letters, retries, dead nodes' rows,
//!                                                  │                    whom an update takes over from the one before
//!                                                  │ ready.rs: in memory, one queue a lane
//!  select.rs                        rate and quota (tokens.rs) ─▶ still wanted? (in groups) ─▶ permit (≤ U under way)
//!                                                  │ ready.rs: handed to whoever is free, letters first
//!  deliver.rs                       sessions: one task, one connection (wire.rs)
//!                                                  │ outcome ─▶ domain::delivery decides
//!  ack.rs                           one task, one transaction every ≤50 ms or 128 outcomes ─▶ states, counters
//!
//!  route.rs    a transport with its health and limits: one, or a second for letters; alerts.rs tells owners what is wrong
//!  node.rs     heartbeat, dead nodes' rows, expiry        counting.rs   for how many people a broadcast is
//!  life.rs     what these tasks share between start and end
//! ```
//! Every task belongs to one *life*: a node in one epoch. When another node took over (this one was too slow to be told
//! alive), the life ends at once and a new one begins. Stored state may lag behind what happened, never lead it: `sent` is
//! written after the server's `250` to the final dot, so a crash costs at most U duplicates, with the same Message-ID, and
//! loses nothing. No transaction is open while the network is used.

pub mod alerts;
pub mod check;
pub mod content;
pub mod dkim;
pub mod identity;
pub mod outlook;
pub mod route;
pub mod session;
pub mod threads;
pub mod transport;

mod ack;
mod context;
mod counting;
mod deliver;
mod expand;
mod life;
mod limits;
mod node;
mod ready;
mod select;
mod tokens;
mod wire;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::token::Secret;
use jiff::{SignedDuration, Timestamp};
use lettre::message::Mailbox;
use tokio::{sync::Notify, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

pub use self::node::SILENCE;
use self::{life::Life, session::Deadlines, transport::Transport};
use crate::{
    clock::Clock,
    lock::NodeName,
    store::{Store, mail_rates::Allowance},
};

/// A worker that has not finished a round for longer is stuck.
const STUCK: SignedDuration = SignedDuration::from_secs(15);
/// After an end that nobody asked for.
const PAUSE: Duration = Duration::from_secs(1);

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The server; without one, mails are written into `outbox`.
    pub transport: Option<Transport>,
    /// The server of alerts and account mails, if they have one of their own.
    pub alert_transport: Option<Transport>,
    /// Where captured mails go, one `.eml` file each.
    pub outbox: PathBuf,
    /// How fast and how much, all nodes together.
    pub allowance: Allowance,
    /// How many connections at once; at least one.
    pub connections: usize,
    /// The same of the server of alerts and account mails.
    pub alert_allowance: Allowance,
    /// And over how many connections.
    pub alert_connections: usize,
    /// The most mails to one address in an hour, alerts aside; 0 for as many as there are.
    pub address_limit: u64,
    /// Signs every mail, if there is a key.
    pub dkim: Option<Arc<dkim::Signer>>,
    /// Who writes, if the environment says so; else the console does.
    pub from: Option<Mailbox>,
    /// For links, without a slash at the end.
    pub public_url: String,
    /// Signs links.
    pub secret: Secret,
    /// This process among the nodes: no other running one may have it (see [`crate::lock::node_name`]).
    pub node: NodeName,
    /// What this machine calls itself in `EHLO`.
    pub hello: String,
    /// How long a mail server may take for each step.
    pub deadlines: Deadlines,
    /// How long another node must have been silent to be taken for dead: [`SILENCE`], the same for all nodes.
    pub silence: Duration,
}

/// The running worker. [`Worker::stopped`] ends it in good order after its token was cancelled; dropped, it stops at once,
/// as in a crash.
#[derive(Debug)]
pub struct Worker {
    supervisor: JoinSet<()>,
    handle: Handle,
}

/// For those who publish and those who ask how the worker fares. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    wake: Arc<Notify>,
    /// When it last finished a round, in unix milliseconds.
    ticked: Arc<AtomicI64>,
}

impl Handle {
    /// Says that there is something new in the queue. Without it, it is found within a second.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Whether the worker goes its rounds.
    pub fn is_ticking(&self, now: Timestamp) -> bool {
        let ticked = Timestamp::from_millisecond(self.ticked.load(Ordering::Relaxed));
        ticked.is_ok_and(|at| now.duration_since(at).abs() < STUCK)
    }

    fn tick(&self, now: Timestamp) {
        self.ticked.store(now.as_millisecond(), Ordering::Relaxed);
    }
}

impl Worker {
    /// Starts to send. Cancelling the token stops it: no new mail, what is under way is finished and stored.
    pub fn start(settings: MailSettings, store: Store, clock: Clock, stop: CancellationToken) -> Self {
        let handle = Handle { wake: Arc::default(), ticked: Arc::default() };
        handle.tick(clock.now());
        let mut supervisor = JoinSet::new();
        supervisor.spawn(supervise(Arc::new(settings), store, clock, handle.clone(), stop));
        Self { supervisor, handle }
    }

    /// For those who publish and those who ask.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits until it has stopped, at most 10 s after its token was cancelled.
    pub async fn stopped(mut self) {
        while self.supervisor.join_next().await.is_some() {}
    }
}

/// One life after the other until it is told to stop.
async fn supervise(
    mut settings: Arc<MailSettings>,
    store: Store,
    clock: Clock,
    handle: Handle,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        if let Err(error) = node::agree_on_time(&store, &clock).await {
            tracing::warn!(%error, "The database cannot be asked for the time.");
        }
        match node::start_epoch(&store, settings.node.as_str(), clock.now()).await {
            Ok(node) => {
                let life = Life::new(Arc::clone(&settings), store.clone(), clock.clone(), handle.clone(), node.clone());
                life.run(&stop).await;
                if !stop.is_cancelled() && node::has_twin(&store, &node).await {
                    let name = settings.node.replaced(rand::random());
                    tracing::warn!(
                        node = node.id,
                        now = name.as_str(),
                        "Another process sends under this node's name, as after its data folder was copied. \
                         This one takes another name."
                    );
                    settings = Arc::new(MailSettings { node: name, ..settings.as_ref().clone() });
                }
            }
            Err(error) => tracing::error!(%error, "The mail worker cannot reach the database; it tries again."),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(PAUSE) => {}
        }
    }
}
