//! Whoever publishes does not stand behind a crowd that signs up.

use std::{pin::pin, time::Duration};

use futures_util::poll;
use server::config::Settings;
use tokio::{task::JoinSet, time::sleep};

use crate::support::app::TestApp;

#[tokio::test]
async fn whoever_writes_waits_for_a_few_of_a_crowd_and_none_of_the_crowd_is_turned_away() {
    let app = TestApp::with(Settings { trusted_proxies: Some("127.0.0.1".to_owned()), ..Settings::default() }).await;
    let held = app.state.store.write().await.unwrap();
    let mut crowd = JoinSet::new();
    for number in 0..60 {
        let visitor = app.visitor();
        crowd.spawn(async move {
            let (address, email) = (format!("203.0.{number}.1"), format!("reader{number}@example.com"));
            let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", address.as_str())];
            visitor.post_with("/subscribe", &headers, &[("email", &email), ("everything", "1")]).await.status
        });
    }
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
