//! A mail server that was in trouble and is so no more: it is not waited for longer than somebody needs to say so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    health::{Condition, Health},
    ids::DeliveryId,
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::SignedDuration;
use server::{
    mail::{route::TEST_MAIN, transport::Transport},
    store::{
        Store,
        deliveries::{Letter, NewLetter},
    },
};
use tokio::time::{Instant, sleep};

use super::stage::Stage;
use crate::support::{
    db::on_both,
    smtp::{Act, SmtpServer, Step, When},
};

on_both!(
    a_password_that_was_put_right_is_tried_at_once,
    a_test_mail_finds_out_at_once_that_the_server_works_again,
    a_test_mail_says_why_it_could_not_be_sent_and_is_not_repeated_all_the_time,
);

const LATEST: Duration = Duration::from_mins(1);

/// Waits until the transport stands so.
async fn until(store: &Store, is_so: impl Fn(&Health) -> bool) -> Health {
    let deadline = Instant::now() + LATEST;
    loop {
        let found = store.transport("main").await.unwrap();
        if let Some(found) = found.as_ref().filter(|found| is_so(found)) {
            return found.clone();
        }
        assert!(Instant::now() < deadline, "it stays {found:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Asks for a test mail, as the console does.
async fn test(stage: &Stage, number: u64) -> DeliveryId {
    let letter = NewLetter {
        id: DeliveryId::from_random(number),
        kind: TEST_MAIN,
        lane: Lane::Alert,
        to: "owner@example.com".parse().unwrap(),
        subscriber: None,
        message: Letter { subject: "A test".into(), text: "A test.".into(), html: String::new() },
        dedupe_key: None,
        expires_at: stage.now() + SignedDuration::from_mins(10),
    };
    let mut write = stage.company.store.write().await.unwrap();
    write.insert_letter(&letter, stage.now()).await.unwrap();
    write.commit().await.unwrap();
    letter.id
}

async fn a_password_that_was_put_right_is_tried_at_once(store: Store) {
    let server = SmtpServer::script().with_sign_in("tidings", "right", "PLAIN").start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    let right = stage.settings.transport.clone();
    stage.settings.transport = Some(Transport::parse(&server.url().replace("right", "wr0ng")).unwrap());
    stage.company.subscribe("p", 10, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let broken = until(&store, |found| found.condition == Condition::Broken).await;
    running.stop().await;
    // A restart alone changes nothing.
    let running = stage.start();
    sleep(Duration::from_millis(1_200)).await;
    running.stop().await;
    assert_eq!((server.connections(), until(&store, |_| true).await), (1, broken));
    stage.settings.transport = right;
    let running = stage.start();
    assert_eq!(stage.until_over(&broadcast).await.sent, 10);
    assert_eq!(until(&store, |_| true).await.condition, Condition::Fine);
    running.stop().await;
}

async fn a_test_mail_finds_out_at_once_that_the_server_works_again(store: Store) {
    let server = SmtpServer::script()
        .with_sign_in("tidings", "right", "PLAIN")
        .when(Step::Auth, When::Nth(1), Act::reply("535 5.7.8 The account is locked"))
        .start()
        .await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 10, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    until(&store, |found| found.condition == Condition::Broken).await;
    let id = test(&stage, 1).await;
    running.worker.handle().wake();
    assert_eq!(stage.outcome_of(&id).await, DeliveryState::Sent);
    until(&store, |found| found.condition == Condition::Fine).await;
    assert_eq!(stage.until_over(&broadcast).await.sent, 10);
    running.stop().await;
}

async fn a_test_mail_says_why_it_could_not_be_sent_and_is_not_repeated_all_the_time(store: Store) {
    let server = SmtpServer::script().with_sign_in("tidings", "right", "PLAIN").start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.transport = Some(Transport::parse(&server.url().replace("right", "wr0ng")).unwrap());
    stage.settings.connections = 1;
    let running = stage.start();
    for number in 1..=2_u64 {
        let id = test(&stage, number).await;
        running.worker.handle().wake();
        let deadline = Instant::now() + LATEST;
        let found = loop {
            let found = store.delivery_outcome(&id).await.unwrap().unwrap();
            if !found.reason.is_empty() {
                break found;
            }
            assert!(Instant::now() < deadline, "it says nothing");
            sleep(Duration::from_millis(10)).await;
        };
        assert!(found.state == DeliveryState::Waiting && found.reason.contains("535"), "{found:?}");
        // It waits with all others for the next try.
        sleep(Duration::from_millis(1_500)).await;
        assert_eq!(server.connections(), usize::try_from(number).unwrap());
    }
    running.stop().await;
}
