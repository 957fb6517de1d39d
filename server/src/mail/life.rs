//! One life of the worker: a node in one epoch, and what its tasks share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    brake::{Halt, Verdicts},
    delivery::Meaning,
    ids::BroadcastId,
};
use jiff::Timestamp;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Handle, MailSettings, ack,
    ack::Settled,
    content::Prepared,
    context::{ContentError, MailContext},
    counting, deliver, expand,
    limits::Pulse,
    node,
    ready::Ready,
    route::Route,
    select,
    threads::giving_way,
};
use crate::{
    clock::Clock,
    store::{Store, broadcasts::Broadcast, nodes::Node},
};

/// For what is under way when it is told to stop.
const LAST_MAILS: Duration = Duration::from_secs(7);
/// For writing down what came of it.
const LAST_ACKS: Duration = Duration::from_millis(1_500);
/// Outcomes that wait for the commit.
const OUTCOMES: usize = 512;
/// Rendered broadcasts that are kept.
const PREPARED: usize = 16;

/// What the tasks of one life share.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) settings: Arc<MailSettings>,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) handle: Handle,
    pub(super) node: Node,
    pub(super) context: MailContext,
    pub(super) ready: Ready,
    /// The one for everything first.
    pub(super) routes: Vec<Route>,
    pub(super) pulse: Pulse,
    /// No new mail.
    pub(super) stopping: CancellationToken,
    /// Nothing at all any more: another node took over.
    pub(super) fenced: CancellationToken,
    /// All sessions have ended: acknowledge what is left.
    pub(super) drained: CancellationToken,
    settled: mpsc::Sender<Settled>,
    inbox: Mutex<Option<mpsc::Receiver<Settled>>>,
    prepared: Mutex<HashMap<BroadcastId, (Timestamp, Arc<Prepared>)>>,
    verdicts: Mutex<HashMap<BroadcastId, Verdicts>>,
}

impl Life {
    pub(super) fn new(
        settings: Arc<MailSettings>,
        store: Store,
        clock: Clock,
        handle: Handle,
        node: Node,
    ) -> Arc<Self> {
        let (settled, inbox) = mpsc::channel(OUTCOMES);
        Arc::new(Self {
            context: MailContext::new(&settings, store.clone()),
            ready: Ready::new(),
            routes: Route::all(&settings, clock.now()),
            pulse: Pulse::new(),
            stopping: CancellationToken::new(),
            fenced: CancellationToken::new(),
            drained: CancellationToken::new(),
            settled,
            inbox: Mutex::new(Some(inbox)),
            prepared: Mutex::default(),
            verdicts: Mutex::default(),
            settings,
            store,
            clock,
            handle,
            node,
        })
    }

    /// Lives until `stop`, until another node takes over, or until a task fails.
    pub(super) async fn run(self: Arc<Self>, stop: &CancellationToken) {
        tracing::info!(node = %self.node.id, epoch = self.node.epoch, "The mail worker starts.");
        for route in &self.routes {
            if let Err(error) = route.adopt(&self).await {
                tracing::warn!(%error, "It cannot be seen whether the mail server's settings were changed.");
            }
        }
        let mut sources = JoinSet::new();
        sources.spawn(giving_way(expand::feed(Arc::clone(&self))));
        sources.spawn(giving_way(counting::count(Arc::clone(&self))));
        sources.spawn(giving_way(node::keep_alive(Arc::clone(&self))));
        let mut sessions = JoinSet::new();
        for (number, route) in self.routes.iter().enumerate() {
            sources.spawn(giving_way(select::select(Arc::clone(&self), number)));
            for _ in 0..route.connections {
                sessions.spawn(giving_way(deliver::deliver(Arc::clone(&self), number)));
            }
        }
        let mut acks = JoinSet::new();
        if let Some(inbox) = self.inbox.lock().unwrap_or_else(PoisonError::into_inner).take() {
            acks.spawn(giving_way(ack::acknowledge(Arc::clone(&self), inbox)));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.fenced.cancelled() => {}
            // None of them ends by itself.
            _ = sources.join_next() => tracing::error!("A task of the mail worker failed; it starts anew."),
            _ = sessions.join_next() => tracing::error!("A mail session failed; the worker starts anew."),
            _ = acks.join_next() => tracing::error!("Acknowledging failed; the mail worker starts anew."),
        }
        self.stopping.cancel();
        if self.fenced.is_cancelled() {
            tracing::warn!(node = %self.node.id, "Another node took over: nothing more is sent in this epoch.");
            return;
        }
        if timeout(LAST_MAILS, async { while sessions.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!("Some mails were still under way; they will be sent again with the same Message-ID.");
            sessions.abort_all();
        }
        self.drained.cancel();
        if timeout(LAST_ACKS, async { while acks.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!("The last outcomes could not be stored; those mails will be sent again.");
            return;
        }
        sources.abort_all();
        while sources.join_next().await.is_some() {}
        node::leave(&self).await;
    }

    /// Hands an outcome to the acknowledging task. Does nothing once that has ended: the lease then speaks for itself.
    pub(super) async fn settle(&self, settled: Settled) {
        if self.settled.send(settled).await.is_err() {
            tracing::debug!("An outcome came after the end.");
        }
    }

    /// Notes what was said to a mail of a broadcast; says whether the broadcast must not go on.
    pub(super) fn judge(&self, broadcast: &BroadcastId, meaning: Meaning) -> Option<Halt> {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if verdicts.len() > PREPARED && !verdicts.contains_key(broadcast) {
            verdicts.clear();
        }
        verdicts.entry(broadcast.clone()).or_default().note(meaning)
    }

    /// What a broadcast says, rendered once, and once more when the incident was changed: whoever is mailed after an edit
    /// reads the new text.
    pub(super) async fn prepared(&self, broadcast: &Broadcast) -> Result<Arc<Prepared>, ContentError> {
        let changed_at = self.store.incident_changed_at(&broadcast.incident).await?;
        let changed_at = changed_at.ok_or_else(|| ContentError::Gone(broadcast.incident.clone()))?;
        let found = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(&broadcast.id).cloned();
        if let Some((_, prepared)) = found.filter(|(at, _)| *at == changed_at) {
            return Ok(prepared);
        }
        let began = Instant::now();
        let prepared = Arc::new(self.context.prepare(broadcast).await?);
        tracing::debug!(broadcast = %broadcast.id, took = ?began.elapsed(), "Rendered a broadcast.");
        let mut cache = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= PREPARED {
            cache.clear();
        }
        cache.insert(broadcast.id.clone(), (changed_at, Arc::clone(&prepared)));
        Ok(prepared)
    }
}
