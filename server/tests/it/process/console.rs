//! What a person does in the console of a running program, form by form.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::{Instant, sleep};

use crate::support::{
    app::{OWNER, PASSWORD},
    client::{Answer, Client},
    process::{Place, Process},
    smtp::Accepted,
};

/// Runs each of the given `async fn(Place)` with each database: tests `name::sqlite` and `name::postgres`.
macro_rules! at_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use $crate::support::{db::Database, process::Place};

            #[tokio::test]
            async fn sqlite() {
                super::$name(Place::new()).await;
            }

            #[tokio::test]
            async fn postgres() {
                let database = Database::postgres().await;
                super::$name(Place::new().with("TIDINGS_DATABASE_URL", &database.url)).await;
                database.drop().await;
            }
        }
    )+};
}
pub(super) use at_both;

/// A server with its owner signed in.
pub(super) struct Console {
    pub(super) process: Process,
    pub(super) owner: Client,
}

impl Console {
    /// Starts the program in a place whose owner exists already, and signs in.
    pub(super) async fn start(place: &Place) -> Self {
        let process = place.serve().await;
        let owner = Client::new(&process.url);
        owner.post("/admin/sign-in", &[("email", OWNER), ("password", PASSWORD)]).await.is(303);
        Self { process, owner }
    }

    /// Makes the owner first.
    pub(super) async fn found(place: &Place) -> Self {
        place.run_with(&["owner", "create", "--email", OWNER], PASSWORD).await.ok();
        Self::start(place).await
    }

    /// Someone who is not signed in.
    pub(super) fn visitor(&self) -> Client {
        Client::new(&self.process.url)
    }

    /// Adds a component to no group.
    pub(super) async fn component(&self, name: &str) -> String {
        self.component_in(name, "").await
    }

    /// Adds a component; its id.
    pub(super) async fn component_in(&self, name: &str, group: &str) -> String {
        let fields =
            [("name", name), ("description", ""), ("status", "operational"), ("group", group), ("position", "1")];
        self.owner.post("/admin/components/new", &fields).await.is(303);
        self.linked("/admin/components/", name).await
    }

    /// Adds a group; its id.
    pub(super) async fn group(&self, name: &str) -> String {
        self.owner.post("/admin/groups/new", &[("name", name), ("position", "1")]).await.is(303);
        self.linked("/admin/groups/", name).await
    }

    /// The id in the link below `folder` that says `name`.
    async fn linked(&self, folder: &str, name: &str) -> String {
        let list = self.owner.get("/admin/components").await.body;
        let name = &name.replace('&', "&amp;");
        let start = format!("href=\"{folder}");
        let links = list.split(&start).skip(1).filter_map(|rest| rest.split_once('"'));
        let mut named = links.filter(|(_, rest)| rest.split("</a>").next().is_some_and(|link| link.contains(name)));
        named.next().unwrap_or_else(|| panic!("no {name} in {list}")).0.to_owned()
    }

    /// Publishes a new incident that subscribers are mailed about; the broadcast's id.
    pub(super) async fn open(&self, name: &str, fields: &[(&str, &str)]) -> String {
        self.publish("/admin/incidents/new", &[&[("name", name)], fields].concat()).await
    }

    /// Publishes whatever `path` takes; the broadcast's id.
    pub(super) async fn publish(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let key = format!("{:016x}", rand::random::<u64>());
        let always = [("key", key.as_str()), ("notify", "yes"), ("intent", "publish")];
        let answer = self.owner.post(path, &[&always, fields].concat()).await;
        answer.is(303);
        let id = answer.location().strip_prefix("/admin/broadcasts/");
        id.unwrap_or_else(|| panic!("no mail is on its way: {}", answer.location())).to_owned()
    }

    /// How far a broadcast is: its state and figures.
    pub(super) async fn progress(&self, broadcast: &str) -> BTreeMap<String, serde_json::Value> {
        let answer = self.owner.get(&format!("/admin/broadcasts/{broadcast}/progress")).await;
        answer.is(200);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// How many mails it may have under way whose outcome is not stored, by its own word.
    pub(super) async fn permits(&self) -> usize {
        permits(&self.visitor()).await.expect("it says how many")
    }

    /// Waits until everyone has an outcome, and makes sure that it is `sent`.
    pub(super) async fn sent(&self, broadcast: &str, people: u64) {
        let mut last = BTreeMap::new();
        let is_done = eventually(Duration::from_secs(100), async || {
            last = self.progress(broadcast).await;
            last["state"] == "done" && last["waiting"] == 0
        });
        assert!(is_done.await, "it stays {last:?}: {}", self.process.stderr());
        assert_eq!((&last["sent"], &last["total"]), (&people.into(), &people.into()), "{last:?}");
    }
}

/// How many mails a process may have under way whose outcome is not stored: at most so many come twice when it dies. None
/// before it begins to send.
pub(super) async fn permits(client: &Client) -> Option<usize> {
    let metrics = client.get("/metrics").await.body;
    let shown = metrics.lines().find_map(|line| line.strip_prefix("tidings_mail_permits{transport=\"main\"} "));
    shown.map(|shown| shown.parse().unwrap())
}

/// Whether `is_so` comes true in time; for what no one announces.
pub(super) async fn eventually(within: Duration, mut is_so: impl AsyncFnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if is_so().await {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// `p0@example.com` and so on, a line each.
pub(super) fn people(count: usize) -> String {
    (0..count).fold(String::new(), |lines, number| lines + &format!("p{number}@example.com\n"))
}

/// Imports that many people as confirmed.
pub(super) async fn subscribe(place: &Place, count: usize) {
    place.write("people.csv", people(count));
    let said = place.run(&["import", "subscribers", "people.csv", "--confirmed"]).await.ok();
    assert_eq!(said, format!("{count} created, 0 updated, 0 unchanged, 0 refused\n"));
}

/// What the page says within this time.
pub(super) async fn soon(client: &Client, path: &str, text: &str, within: Duration) -> Answer {
    let mut answer = client.get(path).await;
    let is_there = eventually(within, async || {
        answer = client.get(path).await;
        answer.body.contains(text)
    });
    assert!(is_there.await, "no {text:?} after {within:?}: {}", answer.body);
    answer
}

/// How often each address was mailed, and under how many different Message-IDs.
pub(super) fn told(mails: &[Accepted]) -> BTreeMap<String, (usize, usize)> {
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in mails {
        let message = mail_parser::MessageParser::default().parse(&mail.message).unwrap();
        ids.entry(mail.to[0].clone()).or_default().push(message.message_id().unwrap().to_owned());
    }
    let count = |mut ids: Vec<String>| {
        let times = ids.len();
        ids.sort();
        ids.dedup();
        (times, ids.len())
    };
    ids.into_iter().map(|(address, ids)| (address, count(ids))).collect()
}
