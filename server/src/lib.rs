//! How Tidings runs: axum in front, the store behind, the mail worker beside.
//!
//! ```text
//! main (CLI) ─▶ Server::bind(config) ─▶ Server::run(shutdown)
//!                                         ├─ http      requests, page cache
//!                                         ├─ jobs      page version poll, clean-up
//!                                         └─ mail      the queue
//! ```
//! `main` and the tests call the same two functions.

pub mod actions;
pub mod audit;
pub mod bounces;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod error;
pub mod feeds;
pub mod http;
pub mod import;
pub mod jobs;
pub mod lock;
pub mod mail;
pub mod secret;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod urgency;

use std::{fs::DirBuilder, net::SocketAddr, path::Path, time::Duration};

use axum::ServiceExt as _;
use domain::ids::PageId;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    config::Config,
    lock::LockFile,
    mail::{MailSettings, Worker, session::Deadlines, threads::Threads},
    state::AppState,
    store::Store,
};

/// How long a shutdown may take, so that the process is gone within ten seconds.
const SHUTDOWN: Duration = Duration::from_secs(9);

/// A server that listens but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    state: AppState,
    /// Held as long as this process may send mail from an embedded database.
    _lock: Option<LockFile>,
}

/// Why a server did not start or had to stop. The words are for the person who started it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl Server {
    /// Opens the store, brings it up to date and listens; nothing is answered before [`Server::run`].
    pub async fn bind(config: Config, clock: Clock) -> Result<Self, Failure> {
        // Before anything is counted.
        telemetry::metrics();
        let (store, lock) = open_store(&config).await?;
        let secret = secret::load(&config).map_err(Failure)?;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| Failure(format!("{} cannot be listened on: {error}", config.listen)))?;
        let address = listener.local_addr().map_err(|error| Failure(error.to_string()))?;
        let state = AppState::new(config, store, clock, secret, address);
        give_page_id(&state).await.map_err(|error| Failure(error.to_string()))?;
        let (version, _) = state.store.page_version().await.map_err(|error| Failure(error.to_string()))?;
        state.pages().saw_version(version);
        Ok(Self { listener, state, _lock: lock })
    }

    /// What the handlers share; tests look at it.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// The address that was bound.
    pub fn address(&self) -> Result<SocketAddr, Failure> {
        self.listener.local_addr().map_err(|error| Failure(error.to_string()))
    }

    /// Answers requests and sends mail until `shutdown`: then stops accepting, finishes what is in flight within ten
    /// seconds, and closes the store.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Failure> {
        let Self { listener, state, _lock } = self;
        let tasks = TaskTracker::new();
        tasks.spawn(jobs::watch_version(state.clone(), shutdown.clone()));
        tasks.spawn(jobs::clean_up(state.clone(), shutdown.clone()));
        tasks.spawn(jobs::import_lists(state.clone(), shutdown.clone()));
        tasks.spawn(jobs::watch_sign_ups(state.clone(), shutdown.clone()));
        tasks.close();
        let settings = mail_settings(&state)?;
        let threads = Threads::start().map_err(|error| Failure(format!("no threads to send mail: {error}")))?;
        let worker = {
            let _here = threads.enter();
            Worker::start(settings, state.store.clone(), state.clock.clone(), shutdown.clone())
        };
        state.set_mail(worker.handle());
        let (stopping, streaming) = (shutdown.clone(), state.clone());
        let service = http::service(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
            stopping.cancelled().await;
            // They would never finish by themselves.
            streaming.streams().close();
        });
        let everything = async {
            let served = async { serving.await }.await;
            // When serving ends by itself, the others follow.
            shutdown.cancel();
            tokio::join!(worker.stopped(), tasks.wait());
            state.store.close().await;
            served.map_err(|error| Failure(format!("serving stopped: {error}")))
        };
        let deadline = async {
            shutdown.cancelled().await;
            tokio::time::sleep(SHUTDOWN).await;
        };
        tokio::select! {
            ended = everything => ended,
            () = deadline => {
                tracing::warn!("Some requests or mails did not finish in time and were cut off");
                Ok(())
            }
        }
    }
}

/// Gives the page an id at its first start; every later one finds it, and so do all nodes.
async fn give_page_id(state: &AppState) -> store::Result<()> {
    if state.store.setting("page_id").await?.is_none() {
        let mut write = state.store.write().await?;
        write.default_setting("page_id", PageId::from_random(rand::random()).as_str(), state.clock.now()).await?;
        write.commit().await?;
    }
    Ok(())
}

/// What the mail worker needs, and the claim on this node's name as long as it runs.
fn mail_settings(state: &AppState) -> Result<MailSettings, Failure> {
    let config = state.config();
    let node = lock::node_name(&config.data, rand::random()).map_err(|error| Failure(error.to_string()))?;
    Ok(MailSettings {
        transport: config.smtp.clone(),
        alert_transport: config.smtp_alert.clone(),
        outbox: state.outbox(),
        allowance: config.mail_limits.allowance(),
        connections: config.mail_limits.connections.value,
        alert_allowance: config.alert_limits.allowance(),
        alert_connections: config.alert_limits.connections.value,
        address_limit: config.mail_address_limit,
        dkim: config.dkim.clone(),
        from: config.mail_from.clone(),
        public_url: state.public_url().to_owned(),
        secret: state.secret().clone(),
        node,
        hello: config.hello(),
        deadlines: Deadlines::default(),
        silence: mail::SILENCE,
    })
}

/// Makes a folder that only its owner can read: it holds addresses, password hashes and mails with live links.
fn private_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| Failure(format!("{} cannot be created: {error}", path.display())))
}

/// Opens and migrates the store. An embedded one is locked, for two processes that mail from it would repeat each other.
async fn open_store(config: &Config) -> Result<(Store, Option<LockFile>), Failure> {
    private_folder(&config.data)?;
    let lock = match config.database_url.strip_prefix("sqlite://") {
        Some(path) => Some(lock::lock(Path::new(&format!("{path}.lock"))).map_err(|error| Failure(error.to_string()))?),
        None => None,
    };
    Ok((connect(config).await?, lock))
}

/// Opens and migrates the store without the right to send mail: what the other commands need.
pub async fn connect(config: &Config) -> Result<Store, Failure> {
    private_folder(&config.data)?;
    let store = Store::connect(&config.database_url).await;
    let store = store.map_err(|error| Failure(format!("the database cannot be opened: {error}")))?;
    store.migrate().await.map_err(|error| Failure(error.to_string()))?;
    Ok(store)
}
