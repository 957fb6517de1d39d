//! Databases for tests: a fresh one each, on both engines.
//!
//! ```text
//! Database::sqlite()    a file in a folder of its own
//! Database::postgres()  create database test_… template tidings_template_…      (migrated once)
//!                         └─ on TIDINGS_TEST_POSTGRES_URL, or on a throw-away server in the temporary folder
//! ```
//! Every test is a process of its own, so the first that needs PostgreSQL starts the server, the others find it by
//! its socket, and a watchdog stops and deletes it when no test has asked for it for a quarter of an hour.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should say where")]

use std::{
    env, fs,
    fs::File,
    io::Write,
    os::unix::{fs::MetadataExt, process::CommandExt},
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr,
};

use futures_util::FutureExt;
use server::store::Store;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, postgres::PgConnectOptions};

/// Runs each of the given `async fn(Store)` on both engines: tests `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                $crate::support::db::Database::sqlite().await.run(super::$name).await;
            }

            #[tokio::test]
            async fn postgres() {
                $crate::support::db::Database::postgres().await.run(super::$name).await;
            }
        }
    )+};
}
pub(crate) use on_both;

/// The same at once for those that mostly wait, so that nothing is waited for twice: tests `name::both`.
macro_rules! on_both_at_once {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn both() {
                let sqlite = $crate::support::db::Database::sqlite().await;
                let postgres = $crate::support::db::Database::postgres().await;
                tokio::join!(sqlite.run(super::$name), postgres.run(super::$name));
            }
        }
    )+};
}
pub(crate) use on_both_at_once;

/// One migrated database with nothing in it.
pub(crate) struct Database {
    /// What `TIDINGS_DATABASE_URL` would be.
    pub(crate) url: String,
    place: Place,
}

/// What is to be thrown away afterwards.
enum Place {
    Folder(PathBuf),
    Server { admin: Box<PgConnectOptions>, name: String },
}

impl Database {
    /// A file.
    pub(crate) async fn sqlite() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("store-{:016x}", rand::random::<u64>()));
        fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite://{}", folder.join("tidings.db").display());
        let store = Store::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        store.close().await;
        Self { url, place: Place::Folder(folder) }
    }

    /// A database on a server.
    pub(crate) async fn postgres() -> Self {
        let _lock = lock();
        let admin_url = match env::var("TIDINGS_TEST_POSTGRES_URL") {
            Ok(url) => url,
            Err(_) => own_server().await,
        };
        let admin = PgConnectOptions::from_str(&admin_url).expect("TIDINGS_TEST_POSTGRES_URL is a postgres:// address");
        let template = template(&admin, &admin_url).await;
        let name = format!("test_{:016x}", rand::random::<u64>());
        execute(&admin, &format!("create database {name} template {template}")).await;
        Self { url: with_database(&admin_url, &name), place: Place::Server { admin: Box::new(admin), name } }
    }

    /// One more node on this database.
    pub(crate) async fn store(&self) -> Store {
        Store::connect(&self.url).await.unwrap()
    }

    /// Runs a test on it and throws it away, whatever comes of the test.
    pub(crate) async fn run<F: Future<Output = ()>>(self, test: impl FnOnce(Store) -> F) {
        let store = self.store().await;
        let outcome = AssertUnwindSafe(test(store.clone())).catch_unwind().await;
        store.close().await;
        self.drop().await;
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    }

    /// Throws everyone out and lets nobody in, as when a server is lost. PostgreSQL only.
    pub(crate) async fn cut_off(&self) {
        let Place::Server { admin, name } = &self.place else { panic!("a file cannot be cut off") };
        execute(admin, &format!("alter database {name} allow_connections false")).await;
        let text = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
        execute(admin, &text).await;
    }

    /// Undoes [`Self::cut_off`].
    pub(crate) async fn let_in(&self) {
        let Place::Server { admin, name } = &self.place else { panic!("a file cannot be cut off") };
        execute(admin, &format!("alter database {name} allow_connections true")).await;
    }

    /// Throws it away, whoever is still connected.
    pub(crate) async fn drop(self) {
        match &self.place {
            // The folder goes when `self` does.
            Place::Folder(_) => {}
            Place::Server { admin, name } => execute(admin, &format!("drop database {name} with (force)")).await,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Place::Folder(folder) = &self.place {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Lets one test at a time look after the server. Also the mark that the server was asked for just now.
fn lock() -> File {
    let mut file = File::create(lock_path()).unwrap();
    file.lock().unwrap();
    file.write_all(b"in use").unwrap();
    file
}

fn lock_path() -> PathBuf {
    let user = fs::metadata("/proc/self").unwrap().uid();
    env::temp_dir().join(format!("tidings-test-postgres-{user}.lock"))
}

fn with_database(admin_url: &str, name: &str) -> String {
    let mut url = reqwest::Url::parse(admin_url).unwrap();
    url.set_path(name);
    url.into()
}

async fn execute(admin: &PgConnectOptions, text: &str) {
    let mut connection = admin.connect().await.expect("PostgreSQL answers");
    sqlx::query(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The name of a database with the tables of these very migrations, made when it is not there.
async fn template(admin: &PgConnectOptions, admin_url: &str) -> String {
    let checksums: Vec<u8> = sqlx::migrate!("../migrations").iter().flat_map(|step| step.checksum.to_vec()).collect();
    let digest = domain::token::hash(&format!("{checksums:?}"));
    let name = format!("tidings_template_{}", &digest[..16]);
    let mut connection = admin.connect().await.expect("PostgreSQL answers");
    let found: Option<String> = sqlx::query_scalar("select datname::text from pg_database where datname = $1")
        .bind(&name)
        .fetch_optional(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    if found.is_none() {
        let unfinished = format!("unfinished_{:016x}", rand::random::<u64>());
        execute(admin, &format!("create database {unfinished}")).await;
        let store = Store::connect(&with_database(admin_url, &unfinished)).await.unwrap();
        store.migrate().await.unwrap();
        store.close().await;
        execute(admin, &format!("alter database {unfinished} rename to {name}")).await;
    }
    name
}

/// Where the throw-away server listens; it is started when nobody answers there.
async fn own_server() -> String {
    let folder = lock_path().with_extension("");
    let url = format!("postgres://postgres@localhost:5432/postgres?host={}", folder.display());
    let options = PgConnectOptions::from_str(&url).unwrap().disable_statement_logging();
    if let Ok(connection) = options.connect().await {
        connection.close().await.unwrap();
        return url;
    }
    start_server(&folder);
    options.connect().await.expect("the server that was just started answers").close().await.unwrap();
    url
}

fn start_server(folder: &Path) {
    let programs = programs().expect(
        "PostgreSQL's server programs (initdb, pg_ctl) were not found: `apt-get install postgresql`, \
         or set TIDINGS_TEST_POSTGRES_URL to a server on which databases may be created",
    );
    let script = include_str!("postgres.sh");
    let status = Command::new("sh")
        .args(["-euc", script, "postgres.sh"])
        .args([&programs, folder, &lock_path()])
        .current_dir("/")
        // A group of its own, and none of our pipes: the server outlives this test.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(folder.with_extension("log")).unwrap())
        .status()
        .unwrap();
    let log = fs::read_to_string(folder.with_extension("log")).unwrap();
    assert!(status.success(), "PostgreSQL did not start:\n{log}");
}

/// The folder with `initdb` and `pg_ctl`: Debian's newest, else the one in `PATH`.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    folders.sort_by_key(|folder| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok());
    let in_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    folders
        .into_iter()
        .rev()
        .chain(in_path)
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}
