//! Where everything is kept: all SQL, one file per table family, on SQLite or PostgreSQL.
//!
//! ```text
//! Store ── read() ──▶ reader pool      impl Store { pub fn open_incidents … }   reads
//!   └───── write() ─▶ Write (one transaction) impl Write { pub fn insert_update … }  writes, and reads that must agree with them
//! ```
//! One text per query, with `$n` placeholders, for both engines. Only `i64` and text are bound. Times are passed in.

pub mod alerts;
pub mod attempts;
pub mod audience;
pub mod audit;
pub mod bounces;
pub mod broadcast_states;
pub mod broadcasts;
mod carried;
pub mod component_records;
pub mod components;
pub mod deliveries;
pub mod drafts;
pub mod erasures;
pub mod full_mailboxes;
pub mod import;
pub mod imports;
pub mod incidents;
pub mod keys;
pub mod logos;
pub mod mail_rates;
pub mod mail_speeds;
pub mod mail_usage;
pub mod nodes;
pub mod page;
pub mod pages;
pub mod postmortems;
pub mod recipients;
pub mod repetitions;
pub mod sessions;
pub mod settlements;
pub mod sign_ups;
pub mod sitemap;
pub mod subscriber_list;
pub mod subscriber_lists;
pub mod subscribers;
pub mod suppressions;
pub mod templates;
pub mod transports;
pub mod update_versions;
pub mod users;
pub mod wishes;

use std::{
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use domain::i18n::{Preferences, Zone};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use sqlx::{
    Any, AnyConnection, AnyPool, Connection, Executor, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};

use crate::urgency;

/// Which database is behind the pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One file, embedded.
    Sqlite,
    /// A server, shared by several nodes.
    Postgres,
}

impl Engine {
    /// Picks the text for the few statements that must differ.
    fn pick(self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }

    /// How many of many rows one statement writes. SQLite does so on a thread of ours that keeps its processor meanwhile, and
    /// a reader may be waiting for that.
    fn rows_at_once(self) -> usize {
        match self {
            Self::Sqlite => 32,
            Self::Postgres => usize::MAX,
        }
    }
}

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no, or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// It was not known in time what came of it: it may have happened.
    #[error("the database did not answer in time")]
    Late,
    /// The tables could not be brought up to date.
    #[error("the migrations failed: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds what the program cannot have written.
    #[error("{0} holds something unreadable: {1}")]
    Corrupt(&'static str, String),
}

impl StoreError {
    /// Whether the database could not be asked at all, rather than said no.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Late
            | Self::Database(
                sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed,
            ) => true,
            // PostgreSQL classes 08 (connection), 53 (resources) and 57 (operator intervention); SQLite's own numbers for
            // busy, locked, out of memory, input and output, full, cannot open, and their finer forms.
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| match code.parse::<i32>() {
                    Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 7 | 10 | 13 | 14),
                    _ => ["08", "53", "57"].iter().any(|class| code.starts_with(class)),
                })
            }
            _ => false,
        }
    }
}

/// What every function here answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The product's data. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Engine,
    readers: AnyPool,
    writers: AnyPool,
}

/// One transaction that may write. Dropped without [`Write::commit`], it never happened.
///
/// Nothing slow may be awaited while one is open: no network, no password hash.
#[derive(Debug)]
pub struct Write {
    engine: Engine,
    transaction: Transaction<'static, Any>,
    held: Held,
}

/// How long others had to wait for a transaction, measured when it ends, however it ends.
#[derive(Debug)]
struct Held(Instant);

impl Drop for Held {
    fn drop(&mut self) {
        metrics::histogram!("tidings_write_seconds").record(self.0.elapsed().as_secs_f64());
    }
}

impl Store {
    /// Opens `sqlite://path` (created when missing) or `postgres://…`.
    pub async fn connect(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        if url.starts_with("sqlite:") {
            // SQLite allows one writer: a pool of one connection is a fair queue for it.
            // Pages in kibibytes: what the system caches anyway need not be in our memory five times.
            let writers = sqlite_pool(&format!("{url}?mode=rwc"), 1, "pragma cache_size = -8192").await?;
            let readers = sqlite_pool(&format!("{url}?mode=rwc"), 4, "pragma query_only = on").await?;
            Ok(Self { engine: Engine::Sqlite, readers, writers })
        } else {
            let pool = postgres_pool(url).await?;
            Ok(Self { engine: Engine::Postgres, readers: pool.clone(), writers: pool })
        }
    }

    /// Brings the tables up to date. Safe to run from several nodes at once.
    pub async fn migrate(&self) -> Result<()> {
        let mut connection = self.writers.acquire().await?;
        if self.engine == Engine::Postgres {
            // As long as it takes, and as another node takes.
            connection.execute("set statement_timeout = 0").await?;
        }
        let migrated = sqlx::migrate!("../migrations").run(&mut *connection).await;
        if self.engine == Engine::Postgres {
            // The next connection has its limits again.
            connection.close().await?;
        }
        Ok(migrated?)
    }

    /// Which database this is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Waits for running queries and closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }

    /// For queries outside a transaction. On SQLite these connections cannot write.
    fn read(&self) -> &AnyPool {
        &self.readers
    }

    /// For several queries outside a write that must agree with each other: they see one moment.
    async fn snapshot(&self) -> Result<Transaction<'static, Any>> {
        let begin = self.engine.pick("begin", "begin isolation level repeatable read read only");
        Ok(self.readers.begin_with(begin).await?)
    }

    /// Starts a transaction that may write.
    pub async fn write(&self) -> Result<Write> {
        let transaction = match self.engine {
            // Taking the lock at once: reading first would fail with SQLITE_BUSY_SNAPSHOT later.
            Engine::Sqlite => self.writers.begin_with("begin immediate").await?,
            Engine::Postgres => self.writers.begin().await?,
        };
        Ok(Write { engine: self.engine, transaction, held: Held(Instant::now()) })
    }
}

impl Write {
    /// Makes everything done in this transaction true, at once.
    pub async fn commit(self) -> Result<()> {
        let Self { transaction, held, .. } = self;
        let committed = transaction.commit().await;
        drop(held);
        Ok(committed?)
    }

    /// The connection, for this module's files.
    fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// Picks the text for the few statements that must differ.
    fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        self.engine.pick(sqlite, postgres)
    }
}

/// What every connection to PostgreSQL asks for, so that the death of either side is noticed well within a lease.
///
/// A node that was stopped in the middle of a transaction would hold up the others with what it has locked: the server ends
/// that after 15 seconds, and after 20 when the node's machine is gone without a word. No single statement takes a minute.
/// What the planner thinks dear is compiled for longer than it runs: for statements as short as ours that never pays.
const POSTGRES_LIMITS: &str = "set idle_in_transaction_session_timeout = '15s'; set statement_timeout = '60s'; \
     set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 2; \
     set tcp_user_timeout = '15s'; set jit = off";
/// A connection that does not answer for so long is not used any more: its server is gone without a word.
const PING: Duration = Duration::from_secs(3);

async fn postgres_pool(url: &str) -> Result<AnyPool> {
    let pool = AnyPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(10))
        // It would wait for the answer as long as TCP does: a quarter of an hour.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(answers(connection)))
        .after_release(|connection, _| Box::pin(answers(connection)))
        .after_connect(|connection, _| Box::pin(async { connection.execute(POSTGRES_LIMITS).await.map(drop) }));
    Ok(pool.connect(url).await?)
}

/// Whether the server at the other end is still there.
async fn answers(connection: &mut AnyConnection) -> std::result::Result<bool, sqlx::Error> {
    match timeout(PING, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

/// Every connection to SQLite has a thread, which is as urgent as the one that opens it. None is closed before the end. Most
/// of what they do is for mail, and a kept page needs none of them.
async fn sqlite_pool(url: &str, size: u32, extra: &'static str) -> Result<AnyPool> {
    let options = AnyConnectOptions::from_str(url)?;
    let runtime = Handle::current();
    let (opened, pool) = oneshot::channel();
    let open = move || {
        urgency::step_behind(urgency::niceness());
        let pool = runtime.block_on(async {
            let pool = sqlite_options(size, extra).connect_with(options).await?;
            try_join_all((0..size).map(|_| pool.acquire())).await?;
            Ok(pool)
        });
        // Whoever wanted it may have given up.
        let _ = opened.send(pool);
    };
    thread::Builder::new().name("sqlite".to_owned()).spawn(open).map_err(sqlx::Error::Io)?;
    pool.await.unwrap_or(Err(StoreError::Late))
}

fn sqlite_options(size: u32, extra: &'static str) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(size)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(move |connection: &mut AnyConnection, _| {
            Box::pin(async move {
                for pragma in [
                    "pragma journal_mode = wal",
                    // What was committed outlives a power cut, not only a crash.
                    "pragma synchronous = full",
                    "pragma foreign_keys = on",
                    "pragma busy_timeout = 5000",
                    "pragma cache_size = -2048",
                    // What a long reading made the log grow by is given back.
                    "pragma journal_size_limit = 8388608",
                    extra,
                ] {
                    connection.execute(pragma).await?;
                }
                Ok(())
            })
        })
}

/// An instant as it is stored: unix milliseconds.
fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// An instant read back.
fn instant(table: &'static str, millis: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(|_| StoreError::Corrupt(table, format!("the time {millis}")))
}

/// How someone wants to be written to, read back. A zone that this machine no longer knows is as good as none.
fn preferences(table: &'static str, locale: Option<&str>, time_zone: Option<&str>) -> Result<Preferences> {
    let locale = locale.map(|locale| parse(table, locale)).transpose()?;
    Ok(Preferences { locale: locale.unwrap_or_default(), zone: Zone::from_stored(time_zone) })
}

/// A word or id read back: `parse("incidents", row.status)?`.
fn parse<T: FromStr<Err: ToString>>(table: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|error: T::Err| StoreError::Corrupt(table, error.to_string()))
}
