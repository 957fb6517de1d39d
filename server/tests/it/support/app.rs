//! A whole server in this process, on a port and in a folder of its own.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    path::PathBuf,
    time::Duration,
};

use domain::{
    broadcast::Lane,
    email_address::EmailAddress,
    forms::{CreateKey, SaveComponent, SaveGroup},
    i18n::Preferences,
    ids::{ComponentId, GroupId},
    key::Scope,
    subscriber::Follows,
};
use futures_util::FutureExt;
use server::{
    Server,
    actions::{accounts, components, keys},
    clock::Clock,
    config::{Config, Settings},
    http::auth::{Actor, By},
    state::AppState,
    store::import::ImportRow,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{client::Client, db::Database, letter::Letter};

/// Runs each of the given `async fn(TestApp)` on both engines: tests `name::sqlite` and `name::postgres`.
macro_rules! served_on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                $crate::support::app::serve($crate::support::db::Database::sqlite().await, super::$name).await;
            }

            #[tokio::test]
            async fn postgres() {
                $crate::support::app::serve($crate::support::db::Database::postgres().await, super::$name).await;
            }
        }
    )+};
}
pub(crate) use served_on_both;

/// Runs a story against a server on this database and throws the database away, whatever comes of the story.
pub(crate) async fn serve<F: Future<Output = ()>>(database: Database, story: impl FnOnce(TestApp) -> F) {
    serve_with(Settings::default(), database, story).await;
}

/// As [`serve`], with some settings.
pub(crate) async fn serve_with<F: Future<Output = ()>>(
    settings: Settings,
    database: Database,
    story: impl FnOnce(TestApp) -> F,
) {
    let settings = Settings { database_url: Some(database.url.clone()), ..settings };
    let app = TestApp::with(settings).await;
    let outcome = AssertUnwindSafe(story(app)).catch_unwind().await;
    database.drop().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// The owner's address and password in every test.
pub(crate) const OWNER: &str = "owner@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A running server. Dropped, it stops at once; [`TestApp::stop`] ends it in good order.
pub(crate) struct TestApp {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    /// What its handlers share.
    pub(crate) state: AppState,
    folder: PathBuf,
    shutdown: CancellationToken,
    serving: JoinSet<()>,
    _database: Option<Database>,
}

impl TestApp {
    /// On SQLite, mail captured.
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// On SQLite, with some settings.
    pub(crate) async fn with(settings: Settings) -> Self {
        Self::launch(settings, None).await
    }

    /// On a database of its own, with some settings.
    pub(crate) async fn on(database: Database, settings: Settings) -> Self {
        let settings = Settings { database_url: Some(database.url.clone()), ..settings };
        Self::launch(settings, Some(database)).await
    }

    async fn launch(settings: Settings, database: Option<Database>) -> Self {
        // What goes wrong inside is shown with the test that fails.
        server::telemetry::init("warn", false);
        let name = format!("app-{:016x}", rand::random::<u64>());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let settings = Settings {
            data: Some(folder.clone()),
            listen: Some(settings.listen.unwrap_or_else(|| "127.0.0.1:0".to_owned())),
            mail_rate: Some(settings.mail_rate.unwrap_or_else(|| "0".to_owned())),
            mail_address_limit: Some(settings.mail_address_limit.unwrap_or_else(|| "0".to_owned())),
            ..settings
        };
        let config = Config::from_settings(&settings).unwrap();
        let server = Server::bind(config, Clock::default()).await.unwrap();
        let state = server.state().clone();
        let url = format!("http://{}", server.address().unwrap());
        let shutdown = CancellationToken::new();
        let mut serving = JoinSet::new();
        let stop = shutdown.clone();
        serving.spawn(async move { server.run(stop).await.unwrap() });
        Self { url, state, folder, shutdown, serving, _database: database }
    }

    /// As SIGTERM does.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        while let Some(stopped) = self.serving.join_next().await {
            stopped.unwrap();
        }
    }

    /// A browser without JavaScript that nobody is signed in with.
    pub(crate) fn visitor(&self) -> Client {
        Client::new(&self.url)
    }

    /// The same, signed in as the owner.
    pub(crate) async fn owner(&self) -> Client {
        self.add_owner().await;
        let client = self.visitor();
        let answer = client.post("/admin/sign-in", &[("email", OWNER), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        client
    }

    /// Makes the owner when there is none yet.
    pub(crate) async fn add_owner(&self) {
        let email: EmailAddress = OWNER.parse().unwrap();
        if self.state.store.user_by_email(&email).await.unwrap().is_none() {
            let password = Some(PASSWORD.to_owned());
            accounts::create_owner(&self.state.store, &self.state.clock, &email, password).await.unwrap();
        }
    }

    /// Lets it be known that mail reaches the owner.
    pub(crate) async fn confirm_owner(&self) {
        let user = self.state.store.user_by_email(&OWNER.parse().unwrap()).await.unwrap().unwrap();
        let mut write = self.state.store.write().await.unwrap();
        write.confirm_user(&user.id, self.state.clock.now()).await.unwrap();
        write.commit().await.unwrap();
    }

    /// The owner as actions know them.
    pub(crate) async fn actor(&self) -> Actor {
        self.add_owner().await;
        let user = self.state.store.user_by_email(&OWNER.parse().unwrap()).await.unwrap().unwrap();
        Actor { by: By::User(user), address: "127.0.0.1".to_owned() }
    }

    /// The token of a new API key.
    pub(crate) async fn key(&self, scopes: &[Scope]) -> String {
        let command = CreateKey { name: "A program".to_owned(), scopes: scopes.iter().copied().collect(), days: 90 };
        keys::create(&self.state, &self.actor().await, command).await.unwrap().1
    }

    /// Adds a component.
    pub(crate) async fn component(&self, name: &str) -> ComponentId {
        self.component_in(name, None).await
    }

    /// Adds a component to a group.
    pub(crate) async fn component_in(&self, name: &str, group: Option<GroupId>) -> ComponentId {
        let command =
            SaveComponent { name: name.to_owned(), description: String::new(), status: None, group, position: 0 };
        components::save(&self.state, &self.actor().await, None, command).await.unwrap()
    }

    /// Adds a group.
    pub(crate) async fn group(&self, name: &str) -> GroupId {
        let command = SaveGroup { name: name.to_owned(), position: 0 };
        components::save_group(&self.state, &self.actor().await, None, command).await.unwrap()
    }

    /// The captured mails, as they would go over the wire, oldest first, once there are at least `count`.
    pub(crate) async fn mails(&self, count: usize) -> Vec<String> {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        loop {
            let mails = self.captured();
            if mails.len() >= count {
                return mails;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} mails after 60 s", mails.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The captured mails as their readers see them, once there are at least `count`.
    pub(crate) async fn letters(&self, count: usize) -> Vec<Letter> {
        self.mails(count).await.into_iter().map(Letter::read).collect()
    }

    /// Waits until no broadcast has anyone left to reach.
    pub(crate) async fn settle(&self) {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        for lane in [Lane::Incident, Lane::Digest] {
            while self.state.store.next_broadcast(lane, i64::MAX, self.state.clock.now()).await.unwrap().is_some() {
                assert!(tokio::time::Instant::now() < deadline, "a broadcast is not over after a minute");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Waits until every broadcast is over: nobody of any is left without an outcome.
    pub(crate) async fn all_sent(&self) {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        while !self.state.store.open_broadcasts().await.unwrap().is_empty() {
            assert!(tokio::time::Instant::now() < deadline, "a broadcast is not over after a minute");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Confirmed subscribers.
    pub(crate) async fn followers(&self, addresses: &[&str], follows: &Follows) {
        let row = |address: &&str| ImportRow {
            email: address.parse().unwrap(),
            follows: follows.clone(),
            preferences: Preferences::default(),
        };
        let rows: Vec<_> = addresses.iter().map(row).collect();
        let mut write = self.state.store.write().await.unwrap();
        write.import_subscribers(&rows, "asked on paper", self.state.clock.now()).await.unwrap();
        write.commit().await.unwrap();
    }

    /// The captured mails so far.
    pub(crate) fn captured(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.state.outbox()) else { return Vec::new() };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "eml"));
        paths.sort();
        paths.iter().map(|path| String::from_utf8(std::fs::read(path).unwrap()).unwrap()).collect()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.serving.abort_all();
        // Best effort: what is left lies in the target folder.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
