//! Whoever publishes, or leaves, does not stand behind a crowd that signs up.

use std::{pin::pin, sync::Arc, time::Duration};

use domain::{ids::SubscriberId, subscriber::Follows, token::Purpose};
use futures_util::poll;
use server::{actions::subscriptions, config::Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

use crate::support::app::TestApp;

/// So many who sign up from as many networks while nobody can write.
fn crowded(app: &TestApp, people: u32) -> JoinSet<u16> {
    let mut crowd = JoinSet::new();
    let visitor = Arc::new(app.visitor());
    for number in 0..people {
        let visitor = Arc::clone(&visitor);
        crowd.spawn(async move {
            let (address, email) =
                (format!("203.{}.{}.1", number / 256, number % 256), format!("r{number}@example.com"));
            let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", address.as_str())];
            visitor.post_with("/subscribe", &headers, &[("email", &email), ("everything", "1")]).await.status
        });
    }
    crowd
}

async fn behind_a_proxy() -> TestApp {
    TestApp::with(Settings { trusted_proxies: Some("127.0.0.1".to_owned()), ..Settings::default() }).await
}

#[tokio::test]
async fn whoever_has_a_link_leaves_before_a_crowd_of_which_some_are_turned_away() {
    let app = behind_a_proxy().await;
    app.followers(&["reader@example.com"], &Follows { everything: true, ..Follows::default() }).await;
    let subscriber = app.state.store.subscriber(SubscriberId(1)).await.unwrap().unwrap();
    let leave = format!("/unsubscribe/{}", subscriptions::link(&app.state, Purpose::Unsubscribe, &subscriber));
    let held = app.state.store.write().await.unwrap();
    let crowd = crowded(&app, 260);
    while !app.state.crowd().is_overcrowded() {
        sleep(Duration::from_millis(5)).await;
    }
    let late = app.visitor().post("/subscribe", &[("email", "late@example.com"), ("everything", "1")]).await;
    late.is(503).says("Nothing was saved.").says("send it again in a minute");
    assert_eq!(late.header("retry-after"), "60");
    let (leaving, visitor) = (leave.clone(), app.visitor());
    let mut leaver = JoinSet::new();
    leaver.spawn(async move { visitor.post(&leaving, &[("List-Unsubscribe", "One-Click")]).await });
    while !app.state.crowd().has_a_link_holder() {
        sleep(Duration::from_millis(5)).await;
    }
    drop(held);
    leaver.join_all().await[0].is(200).says("You are unsubscribed");
    let before = app.state.store.count_subscribers().await.unwrap().pending;
    assert!(before < 200, "{before} were worked off before");
    let statuses = crowd.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    app.visitor().post("/subscribe", &[("email", "late@example.com"), ("everything", "1")]).await.is(200);
}

#[tokio::test]
async fn a_network_over_its_limit_takes_no_turn_with_those_who_write() {
    let app = TestApp::start().await;
    let visitor = app.visitor();
    for number in 0..=10 {
        let email = format!("reader{number}@example.com");
        let answer = visitor.post("/subscribe", &[("email", &email), ("everything", "1")]).await;
        answer.is(if number < 10 { 200 } else { 429 });
    }
    let held = app.state.store.write().await.unwrap();
    for (path, fields) in [("/subscribe", vec![("everything", "1")]), ("/manage", vec![])] {
        let fields = [vec![("email", "reader@example.com")], fields].concat();
        visitor.post(path, &fields).await.is(429).says("Too many attempts");
    }
    drop(held);
}

#[tokio::test]
async fn a_form_that_does_not_arrive_is_waited_for_no_longer_than_ten_seconds() {
    let app = TestApp::start().await;
    let mut slow = TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let head = "POST /subscribe HTTP/1.1\r\nhost: x\r\nsec-fetch-site: same-origin\r\nconnection: close\r\n\
                content-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nemail=";
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("send it again"), "{answer}");
}

#[tokio::test]
async fn whoever_writes_waits_for_a_few_of_a_crowd_and_none_of_the_crowd_is_turned_away() {
    let app = behind_a_proxy().await;
    let held = app.state.store.write().await.unwrap();
    let crowd = crowded(&app, 60);
    while !app.state.crowd().is_full() {
        sleep(Duration::from_millis(5)).await;
    }
    // In line behind those who are being worked off, and before all the others.
    let mut publisher = pin!(app.state.store.write());
    assert!(poll!(&mut publisher).is_pending());
    drop(held);
    let publisher = publisher.await.unwrap();
    let before = app.state.store.count_subscribers().await.unwrap().pending;
    assert!(before <= 4, "{before} were worked off before");
    drop(publisher);
    let statuses = crowd.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(app.state.store.count_subscribers().await.unwrap().pending, 60);
}
