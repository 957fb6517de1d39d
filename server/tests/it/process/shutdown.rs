//! SIGTERM: finish what is in flight, repeat nothing, lose nothing.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::console::{Console, subscribe, told};
use crate::support::{
    process::Place,
    smtp::{Act, SmtpServer, Step, When},
};

const PEOPLE: usize = 600;

#[tokio::test]
async fn stopping_in_the_middle_repeats_nothing_and_loses_nothing() {
    let server = SmtpServer::start().await;
    let place = Place::new().with("TIDINGS_SMTP_URL", &server.url()).with("TIDINGS_MAIL_RATE", "200/s");
    subscribe(&place, PEOPLE).await;
    let mut console = Console::found(&place).await;
    let broadcast = console.open("Slow", &[("status", "investigating"), ("body", "We look into it.")]).await;
    server.wait_for(100).await;
    console.process.signal("TERM").await;
    let status = console.process.ended(Duration::from_secs(10)).await;
    assert!(status.success(), "{status}: {}", console.process.stderr());
    let sent = server.accepted().len();
    assert!(sent < PEOPLE, "it was over before it was stopped");
    let console = Console::start(&place).await;
    assert!(!console.process.stderr().contains("unclean end"), "{}", console.process.stderr());
    console.sent(&broadcast, PEOPLE as u64).await;
    let told = told(&server.accepted());
    assert_eq!(told.len(), PEOPLE);
    assert!(told.values().all(|(times, _)| *times == 1), "nobody hears it twice");
    console.process.stop().await;
}

#[tokio::test]
async fn a_mail_server_that_does_not_answer_cannot_keep_it_from_stopping() {
    let gate = CancellationToken::new();
    let server = SmtpServer::script().when(Step::Dot, When::After(20), Act::usual().held_by(&gate)).start().await;
    let place = Place::new().with("TIDINGS_SMTP_URL", &server.url());
    subscribe(&place, 100).await;
    let mut console = Console::found(&place).await;
    console.open("Slow", &[("status", "investigating"), ("body", "We look into it.")]).await;
    server.wait_for(20).await;
    console.process.signal("TERM").await;
    // Ten seconds, and a little for a busy machine to notice them.
    let status = console.process.ended(Duration::from_secs(12)).await;
    assert!(status.success(), "{status}: {}", console.process.stderr());
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
    let status = process.ended(Duration::from_secs(12)).await;
    assert!(status.success(), "{status}: {}", process.stderr());
}
