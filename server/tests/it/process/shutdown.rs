//! SIGTERM: finish what is in flight, repeat nothing, lose nothing.

use std::time::Duration;

use domain::ids::BroadcastId;
use server::store::Store;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::console::{Console, at_both, eventually, subscribe, told};
use crate::support::{
    process::Place,
    smtp::{Act, SmtpServer, Step, When},
};

at_both!(
    stopping_in_the_middle_repeats_nothing_and_loses_nothing,
    a_mail_server_that_does_not_answer_cannot_keep_it_from_stopping,
);

/// The promise.
const LONGEST: Duration = Duration::from_secs(10);
const CONNECTIONS: usize = 8;
const PEOPLE: usize = 600;
/// So many are taken at once; whoever comes then waits for the answer until the gate opens.
const ANSWERED: usize = 100;
const SLOW: [(&str, &str); 2] = [("status", "investigating"), ("body", "We look into it.")];

/// A server, its people told of something, and a whole mail without an answer on every connection.
async fn in_the_middle(place: Place, gate: &CancellationToken) -> (Place, SmtpServer, Console, String) {
    let held = Act::usual().held_by(gate);
    let server = SmtpServer::script().when(Step::Dot, When::After(ANSWERED), held).start().await;
    let connections = CONNECTIONS.to_string();
    let place = place.with("TIDINGS_SMTP_URL", &server.url()).with("TIDINGS_MAIL_CONNECTIONS", &connections);
    subscribe(&place, PEOPLE).await;
    let console = Console::found(&place).await;
    let broadcast = console.open("Slow", &SLOW).await;
    let are_busy = async || server.steps(Step::Dot) == ANSWERED + CONNECTIONS;
    assert!(eventually(Duration::from_mins(1), are_busy).await, "{} mails came", server.steps(Step::Dot));
    (place, server, console, broadcast)
}

async fn stopping_in_the_middle_repeats_nothing_and_loses_nothing(place: Place) {
    let gate = CancellationToken::new();
    let (place, server, mut console, broadcast) = in_the_middle(place, &gate).await;
    console.process.signal("TERM").await;
    let told_at = Instant::now();
    let address = console.process.url.strip_prefix("http://").unwrap().to_owned();
    let is_deaf = async || TcpStream::connect(&address).await.is_err();
    assert!(eventually(Duration::from_secs(5), is_deaf).await, "it goes on to accept");
    // As slow as some servers are. What is under way is waited for.
    sleep(Duration::from_secs(2)).await;
    assert_eq!(server.count(), ANSWERED);
    gate.cancel();
    let status = console.process.ended(LONGEST.saturating_sub(told_at.elapsed())).await;
    assert!(status.success(), "{status}: {}", console.process.stderr());
    assert_eq!(server.count(), ANSWERED + CONNECTIONS, "what was under way was finished, and nothing begun");
    let store = Store::connect(&place.database_url()).await.unwrap();
    let id: BroadcastId = broadcast.parse().unwrap();
    let sent = store.broadcast(&id).await.unwrap().unwrap().sent;
    assert_eq!(sent, i64::try_from(server.count()).unwrap(), "all is written down");
    store.close().await;

    let console = Console::start(&place).await;
    assert!(!console.process.stderr().contains("unclean end"), "{}", console.process.stderr());
    console.sent(&broadcast, PEOPLE as u64).await;
    let told = told(&server.accepted());
    assert_eq!(told.len(), PEOPLE, "nobody is missed");
    assert!(told.values().all(|(times, _)| *times == 1), "nobody hears it twice");
    console.process.stop().await;
}

async fn a_mail_server_that_does_not_answer_cannot_keep_it_from_stopping(place: Place) {
    let gate = CancellationToken::new();
    let (place, server, mut console, broadcast) = in_the_middle(place, &gate).await;
    console.process.signal("TERM").await;
    let status = console.process.ended(LONGEST).await;
    assert!(status.success(), "{status}: {}", console.process.stderr());
    assert!(!console.process.stderr().contains("cut off"), "{}", console.process.stderr());
    // The server took what it did not answer, and those hear it again.
    gate.cancel();
    let console = Console::start(&place).await;
    console.sent(&broadcast, PEOPLE as u64).await;
    let mails = server.accepted();
    let told = told(&mails);
    assert_eq!((told.len(), mails.len()), (PEOPLE, PEOPLE + CONNECTIONS), "nobody is missed");
    assert!(told.values().all(|(times, ids)| *times <= 2 && *ids == 1), "{told:?}");
    console.process.stop().await;
}

#[tokio::test]
async fn open_pages_are_let_go_at_once() {
    let place = Place::new();
    let mut process = place.serve().await;
    let browser = crate::support::client::Client::new(&process.url);
    let mut pages = Vec::new();
    for _ in 0..20 {
        let mut page = browser.listen().await;
        page.next().await.unwrap();
        pages.push(page);
    }
    process.signal("TERM").await;
    for page in &mut pages {
        assert_eq!(page.next().await, None);
    }
    let status = process.ended(Duration::from_secs(9)).await;
    assert!(status.success(), "{status}: {}", process.stderr());
    assert!(!process.stderr().contains("cut off"), "{}", process.stderr());
}

#[tokio::test]
async fn an_open_connection_cannot_keep_it_from_stopping() {
    let place = Place::new();
    let mut process = place.serve().await;
    let address = process.url.strip_prefix("http://").unwrap().to_owned();
    // A browser that keeps its connection for the next page, and a client that never ends its request.
    let browser = crate::support::client::Client::new(&process.url);
    browser.get("/").await.is(200);
    let mut slow = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut slow, b"POST /subscribe HTTP/1.1\r\nhost: x\r\ncontent-le").await.unwrap();
    browser.get("/healthz").await.is(200);
    process.signal("TERM").await;
    let status = process.ended(LONGEST).await;
    assert!(status.success(), "{status}: {}", process.stderr());
}
