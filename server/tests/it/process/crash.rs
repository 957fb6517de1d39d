//! `kill -9` in the middle of a broadcast.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    delivery::DeliveryState,
    ids::{BroadcastId, SubscriberId},
};
use server::store::Store;
use sqlx::{AnyConnection, Connection, Executor};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    console::{Console, at_both, eventually, permits, subscribe, told},
    nodes::places_by,
};
use crate::support::{
    client::Client,
    db::Database,
    process::{Place, Process},
    smtp::{Accepted, Act, SmtpServer, Step, When},
};

at_both!(
    killed_between_claiming_and_the_first_mail_repeats_nothing,
    killed_between_the_answer_and_its_commit_repeats_exactly_those,
);

const PEOPLE: usize = 20_000;
const KILLS: usize = 24;
/// The most mails under way whose outcome is not stored: U of one process, before it has measured how few will do.
const PERMITS: usize = 256;
const SLOW: [(&str, &str); 2] = [("status", "investigating"), ("body", "We look into it.")];

#[tokio::test]
async fn twenty_thousand_people_survive_twenty_four_crashes_on_sqlite() {
    let server = SmtpServer::start().await;
    let place = Place::new().with("TIDINGS_SMTP_URL", &server.url()).with("TIDINGS_MAIL_RATE", "1000/s");
    survive(vec![Node { place, server, process: None, killed_at: Vec::new() }]).await;
}

#[tokio::test]
async fn twenty_thousand_people_survive_twenty_four_crashes_of_two_nodes_on_postgres() {
    let database = Database::postgres().await;
    let servers = [SmtpServer::start().await, SmtpServer::start().await];
    let places = places_by(&database, servers.each_ref(), "1000/s");
    let node = |(place, server)| Node { place, server, process: None, killed_at: Vec::new() };
    survive(places.into_iter().zip(servers).map(node).collect()).await;
    database.drop().await;
}

/// A process with a mail server of its own, so that it is known which of its lives sent what.
struct Node {
    place: Place,
    server: SmtpServer,
    process: Option<Process>,
    /// The latest connection of each life that was ended.
    killed_at: Vec<usize>,
}

impl Node {
    /// Says how many mails may come twice for it.
    async fn kill(&mut self) -> usize {
        let process = self.process.take().unwrap();
        let permits = permits(&Client::new(&process.url)).await;
        process.crash().await;
        self.killed_at.push(self.server.latest_connection());
        permits.unwrap_or(PERMITS)
    }

    /// In which of its lives a mail was sent; the last is the one that was not ended.
    fn life(&self, mail: &Accepted) -> usize {
        self.killed_at.iter().take_while(|latest| mail.connection > **latest).count()
    }
}

/// Kills a node 24 times at random while 20,000 people are mailed, and starts it again each time.
async fn survive(mut nodes: Vec<Node>) {
    subscribe(&nodes[0].place, PEOPLE).await;
    let console = Console::found(&nodes[0].place).await;
    let broadcast = console.open("Slow", &SLOW).await;
    let Console { process, owner } = console;
    nodes[0].process = Some(process);
    for node in &mut nodes[1..] {
        node.process = Some(node.place.serve().await);
    }
    let count = |nodes: &[Node]| nodes.iter().map(|node| node.server.count()).sum::<usize>();
    let mut moments: Vec<_> = (0..KILLS).map(|_| rand::random_range(100..PEOPLE - 3_000)).collect();
    moments.sort_unstable();
    eprintln!("killed after {moments:?} mails");
    let mut permits = 0;
    for moment in moments {
        let is_so = eventually(Duration::from_mins(2), async || count(&nodes) >= moment).await;
        assert!(is_so, "{} of {moment} mails", count(&nodes));
        let node = rand::random_range(0..nodes.len());
        permits += nodes[node].kill().await;
        assert!(count(&nodes) < PEOPLE, "that was no crash in the middle");
        nodes[node].process = Some(nodes[node].place.serve().await);
    }
    sent(&mut nodes[0], &owner, &broadcast).await;

    let mut copies: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (number, node) in nodes.iter().enumerate() {
        for mail in node.server.accepted() {
            copies.entry(mail.to[0].clone()).or_default().push((number, node.life(&mail)));
            ids.entry(first_line(&mail)).or_default().insert(mail.to[0].clone());
        }
    }
    assert_eq!(copies.len(), PEOPLE, "nobody is missed");
    let repeated = copies.values().map(Vec::len).sum::<usize>() - PEOPLE;
    eprintln!("{repeated} mails came twice after {KILLS} crashes, {permits} might");
    assert!(repeated <= permits, "{repeated} mails came twice, {permits} might");
    for (to, lives) in copies {
        let distinct: BTreeSet<_> = lives.iter().collect();
        let unended = distinct.iter().filter(|(node, life)| *life == nodes[*node].killed_at.len()).count();
        assert!(distinct.len() == lives.len() && unended <= 1, "{to}: more than one copy for a kill: {lives:?}");
    }
    assert_eq!(ids.len(), PEOPLE, "each person has one Message-ID");
    assert!(ids.values().all(|people| people.len() == 1), "no two people share a Message-ID");
    for node in nodes {
        node.process.unwrap().stop().await;
    }
}

async fn sent(node: &mut Node, owner: &Client, broadcast: &str) {
    let process = node.process.take().unwrap();
    let console = Console { owner: owner.at(&process.url), process };
    console.sent(broadcast, PEOPLE as u64).await;
    node.process = Some(console.process);
}

/// The Message-ID, which comes first.
fn first_line(mail: &Accepted) -> String {
    let line = mail.message.split(|byte| *byte == b'\r').next().unwrap();
    String::from_utf8_lossy(line).into_owned()
}

async fn killed_between_claiming_and_the_first_mail_repeats_nothing(place: Place) {
    let server = SmtpServer::script().on(Step::Greeting, Act::silence()).start().await;
    let mut place = place.with("TIDINGS_SMTP_URL", &server.url());
    subscribe(&place, 300).await;
    let console = Console::found(&place).await;
    let broadcast = console.open("Slow", &SLOW).await;
    // Whoever connects has a mail to send.
    assert!(eventually(Duration::from_mins(1), async || server.connections() > 0).await);
    console.process.crash().await;
    assert_eq!(server.steps(Step::Mail), 0);
    let server = SmtpServer::start().await;
    place.set("TIDINGS_SMTP_URL", &server.url());
    let console = Console::start(&place).await;
    console.sent(&broadcast, 300).await;
    assert!(console.process.stderr().contains("left over"), "nothing was claimed: {}", console.process.stderr());
    let mails = server.accepted();
    assert_eq!((told(&mails).len(), mails.len()), (300, 300), "each once");
    console.process.stop().await;
}

async fn killed_between_the_answer_and_its_commit_repeats_exactly_those(place: Place) {
    const ANSWERED: usize = 100;
    let gate = CancellationToken::new();
    let held = Act::usual().held_by(&gate);
    let server = SmtpServer::script().when(Step::Dot, When::After(ANSWERED), held).start().await;
    let place = place.with("TIDINGS_SMTP_URL", &server.url());
    subscribe(&place, 1_000).await;
    let console = Console::found(&place).await;
    let id = console.open("Slow", &SLOW).await;
    let broadcast: BroadcastId = id.parse().unwrap();
    let store = Store::connect(&place.database_url()).await.unwrap();
    let are_stored = async || sent_by_the_books(&store, &broadcast).await.len() == ANSWERED;
    assert!(eventually(Duration::from_mins(1), are_stored).await, "the first are not written down");
    let acknowledged = sent_by_the_books(&store, &broadcast).await;
    let hindrance = Hindrance::to_acknowledging(&place).await;
    gate.cancel();
    // It goes on until as many are under way as may be, and there it stays while nothing can be written down.
    let under_way = console.permits().await;
    server.until(ANSWERED + under_way).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.count(), ANSWERED + under_way, "more are under way than may be");
    console.process.crash().await;
    let latest = server.latest_connection();
    assert_eq!(sent_by_the_books(&store, &broadcast).await, acknowledged, "nothing is written down meanwhile");
    hindrance.end().await;
    let console = Console::start(&place).await;
    console.sent(&id, 1_000).await;
    let mails = server.accepted();
    let before: BTreeSet<_> =
        mails.iter().filter(|mail| mail.connection <= latest).map(|mail| mail.to[0].clone()).collect();
    let told = told(&mails);
    let twice: BTreeSet<_> = told.iter().filter(|(_, (times, _))| *times > 1).map(|(to, _)| to.clone()).collect();
    assert_eq!(twice, before.difference(&acknowledged).cloned().collect(), "exactly the unacknowledged come again");
    assert_eq!(twice.len(), under_way);
    assert!(told.len() == 1_000 && told.values().all(|(times, ids)| *times <= 2 && *ids == 1), "{told:?}");
    store.close().await;
    console.process.stop().await;
}

/// What keeps anyone from writing down what became of broadcasts, and from nothing else.
struct Hindrance {
    connection: AnyConnection,
    end: &'static str,
}

impl Hindrance {
    async fn to_acknowledging(place: &Place) -> Self {
        let url = place.database_url();
        let (statements, end) = if url.starts_with("sqlite") {
            let refuse = "create trigger hindrance before update of sent on broadcasts \
                          begin select raise(abort, 'hindered'); end";
            (["pragma busy_timeout = 60000", refuse], "drop trigger hindrance")
        } else {
            (["begin", "lock table broadcasts in exclusive mode"], "rollback")
        };
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        for statement in statements {
            connection.execute(statement).await.unwrap();
        }
        Self { connection, end }
    }

    async fn end(mut self) {
        self.connection.execute(self.end).await.unwrap();
        self.connection.close().await.unwrap();
    }
}

/// Who has been sent it as far as is written down.
async fn sent_by_the_books(store: &Store, broadcast: &BroadcastId) -> BTreeSet<String> {
    let sent = store.recipients(broadcast, Some(DeliveryState::Sent), SubscriberId(0), 10_000).await.unwrap();
    sent.into_iter().map(|recipient| recipient.address).collect()
}
