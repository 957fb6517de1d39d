//! Two programs on one database.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::console::{Console, eventually, soon, subscribe, told};
use crate::support::{
    db::Database,
    process::Place,
    smtp::{Act, SmtpServer, Step, When},
};

/// Two places that share a database and a secret, and nothing else.
fn places(database: &Database, server: &SmtpServer, rate: &str) -> [Place; 2] {
    places_by(database, [server, server], rate)
}

/// … each with a way out of its own.
pub(super) fn places_by(database: &Database, servers: [&SmtpServer; 2], rate: &str) -> [Place; 2] {
    servers.map(|server| {
        Place::new()
            .with("TIDINGS_DATABASE_URL", &database.url)
            .with("TIDINGS_SECRET", "a secret that all nodes have in common")
            .with("TIDINGS_PUBLIC_URL", "http://status.example.com")
            .with("TIDINGS_SMTP_URL", &server.url())
            .with("TIDINGS_MAIL_RATE", rate)
    })
}

#[tokio::test]
async fn what_one_publishes_the_other_shows_within_a_second() {
    let database = Database::postgres().await;
    let server = SmtpServer::start().await;
    let [one, two] = places(&database, &server, "0");
    let console = Console::found(&one).await;
    let other = two.serve().await;
    let there = console.owner.at(&other.url);
    // A session of one is a session of the other.
    there.get("/admin").await.is(200);
    subscribe(&one, 1).await;
    // The other has the page in its cache.
    there.get("/").await.is(200).never_says("Slow answers");
    console.open("Slow answers", &[("status", "investigating"), ("body", "We look into it.")]).await;
    let home = soon(&there, "/", "Slow answers", Duration::from_secs(1)).await;
    let (_, rest) = home.body.split_once("href=\"/incidents/").unwrap();
    let id = rest.split_once(['"', '#']).unwrap().0;
    let page = format!("/incidents/{id}");
    there.get(&page).await.is(200).says("We look into it.").never_says("It is over.");
    let fields =
        [("key", "2"), ("notify", "no"), ("intent", "publish"), ("status", "resolved"), ("body", "It is over.")];
    there.post(&format!("/admin/incidents/{id}"), &fields).await.is(303);
    soon(&console.owner, &page, "It is over.", Duration::from_secs(1)).await;
    // Signed out at one, signed out at the other.
    there.post("/admin/sign-out", &[]).await.is(303);
    console.owner.get("/admin").await.is(303);
    other.stop().await;
    console.process.stop().await;
    database.drop().await;
}

#[tokio::test]
async fn together_they_mail_each_of_a_thousand_people_once() {
    let database = Database::postgres().await;
    let server = SmtpServer::start().await;
    let [one, two] = places(&database, &server, "0");
    subscribe(&one, 1_000).await;
    let console = Console::found(&one).await;
    let other = two.serve().await;
    let broadcast = console.open("Slow", &[("status", "investigating"), ("body", "We look into it.")]).await;
    console.sent(&broadcast, 1_000).await;
    let mails = server.accepted();
    let told = told(&mails);
    assert_eq!((told.len(), mails.len()), (1_000, 1_000), "each once");
    other.stop().await;
    console.process.stop().await;
    database.drop().await;
}

#[tokio::test]
// One node may hold as many as a thousand, so there must be more for both to have work.
async fn when_one_stops_the_other_mails_the_rest_of_two_thousand_people() {
    let database = Database::postgres().await;
    let server = SmtpServer::start().await;
    let [one, two] = places(&database, &server, "400/s");
    subscribe(&one, 2_000).await;
    let console = Console::found(&one).await;
    let other = Console::start(&two).await;
    let broadcast = console.open("Slow", &[("status", "investigating"), ("body", "We look into it.")]).await;
    let both = eventually(Duration::from_secs(10), async || has_sent(&console).await && has_sent(&other).await).await;
    assert!(both, "one node leaves all the work to the other");
    console.process.stop().await;
    assert!(server.accepted().len() < 2_000, "it was over before one stopped");
    other.sent(&broadcast, 2_000).await;
    let mails = server.accepted();
    assert_eq!((told(&mails).len(), mails.len()), (2_000, 2_000), "each once");
    other.process.stop().await;
    database.drop().await;
}

/// Whether a node sent a mail itself, by its own count.
async fn has_sent(node: &Console) -> bool {
    node.visitor().get("/metrics").await.body.contains("tidings_mails_total{state=\"sent\"}")
}

#[tokio::test]
async fn a_node_that_was_asleep_for_longer_than_its_lease_finds_itself_replaced() {
    // There are permits for as many, however slow it is.
    const CONNECTIONS: usize = 4;
    let database = Database::postgres().await;
    let gate = CancellationToken::new();
    let held = Act::usual().held_by(&gate);
    let asleep = SmtpServer::script().when(Step::Dot, When::After(50), held).start().await;
    let awake = SmtpServer::start().await;
    let [one, two] = places_by(&database, [&asleep, &awake], "60/s");
    let one = one.with("TIDINGS_MAIL_CONNECTIONS", &CONNECTIONS.to_string());
    subscribe(&one, 700).await;
    let console = Console::found(&one).await;
    let other = Console::start(&two).await;
    let broadcast = console.open("Slow", &[("status", "investigating"), ("body", "We look into it.")]).await;
    // It falls asleep with a whole mail and no answer on each connection.
    let are_busy = async || asleep.steps(Step::Dot) == 50 + CONNECTIONS;
    assert!(eventually(Duration::from_mins(1), are_busy).await, "{} mails came", asleep.steps(Step::Dot));
    let permits = console.permits().await;
    console.process.signal("STOP").await;
    // Its lease lasts for thirty seconds; whoever it was going to write to is written to by the other then.
    other.sent(&broadcast, 700).await;
    assert!(other.process.stderr().contains("A node is dead"), "{}", other.process.stderr());
    // The answers are there when it wakes up.
    gate.cancel();
    asleep.until(50 + CONNECTIONS).await;
    console.process.signal("CONT").await;
    let is_fenced = async || console.process.stderr().contains("Another node took over");
    assert!(eventually(Duration::from_secs(30), is_fenced).await, "{}", console.process.stderr());
    // Its next life has nothing to do.
    let lives = async || console.process.stderr().matches("The mail worker starts").count() == 2;
    assert!(eventually(Duration::from_secs(30), lives).await, "{}", console.process.stderr());
    let both: Vec<_> = asleep.accepted().into_iter().chain(awake.accepted()).collect();
    let told = told(&both);
    assert_eq!(told.len(), 700, "nobody is missed");
    assert_eq!(asleep.count(), 50 + CONNECTIONS, "it began another mail after its lease was over");
    let twice = both.len() - told.len();
    assert!((CONNECTIONS..=permits).contains(&twice), "{twice} heard it twice, {permits} might");
    assert!(told.values().all(|(times, ids)| *times <= 2 && *ids == 1), "{told:?}");
    let progress = other.progress(&broadcast).await;
    assert_eq!((&progress["state"], &progress["sent"]), (&"done".into(), &700.into()));
    other.process.stop().await;
    console.process.stop().await;
    database.drop().await;
}
