//! What a provider allows in a day, and what is kept of it for alerts and confirmations.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::{BroadcastState, Lane},
    delivery::DeliveryState,
    forecast::forecast,
    quota::Quota,
    rate::{Rate, Share},
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::SignedDuration;
use server::store::Store;
use tokio::time::sleep;

use super::stage::{Stage, told};
use crate::support::{
    company::address,
    db::on_both,
    smtp::{Act, SmtpServer, Step, When},
};

on_both!(
    a_broadcast_stops_at_the_reserve_and_goes_on_when_the_window_has_moved,
    twelve_thousand_people_and_a_quota_of_ten_thousand_go_as_was_forecast,
    letters_find_room_when_broadcasts_have_none,
    what_the_server_refused_uses_nothing_up,
    three_nodes_together_keep_to_the_quota,
);

async fn used(stage: &Stage) -> u64 {
    let quota: Quota = stage.settings.allowance.quota.unwrap();
    let mut write = stage.company.store.write().await.unwrap();
    write.used("main", quota, stage.now()).await.unwrap().all
}

/// Books mails as if they had been sent that long ago.
async fn sent_before(stage: &Stage, mails: u64, hours: i64) {
    let at = stage.now() - SignedDuration::from_hours(hours);
    let mut write = stage.company.store.write().await.unwrap();
    write.book("main", Share::Bulk, mails, at).await.unwrap();
    write.commit().await.unwrap();
}

async fn a_broadcast_stops_at_the_reserve_and_goes_on_when_the_window_has_moved(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.within("1000/day");
    stage.company.subscribe("p", 200, Follows::everything(), stage.now()).await;
    sent_before(&stage, 800, 23).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    stage.until(&broadcast, |found| found.sent == 130).await;
    sleep(Duration::from_millis(1_500)).await;
    let stopped = stage.company.look(&broadcast).await;
    assert_eq!((stopped.state, stopped.sent, stopped.waiting()), (BroadcastState::Sending, 130, 70));
    assert_eq!(server.accepted().len(), 130);
    stage.wait(70);
    assert_eq!(stage.until_over(&broadcast).await.sent, 200);
    assert!(told(&server.accepted(), "").values().all(|times| *times == 1));
    running.stop().await;
    assert_eq!(used(&stage).await, 200);
}

async fn twelve_thousand_people_and_a_quota_of_ten_thousand_go_as_was_forecast(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.within("10000/day");
    stage.company.subscribe("p", 12_000, Follows::everything(), stage.now()).await;
    sent_before(&stage, 4_000, 22).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let quota = stage.settings.allowance.quota.unwrap();
    let usage = store.mail_usage("main", quota.since(stage.now())).await.unwrap();
    let foreseen = forecast(12_000, Rate::UNLIMITED, Some((quota, &usage)), stage.now(), broadcast.expires_at);
    // 700 are kept back, and 4,000 more are free in two hours; the rest would wait for tomorrow, when it is too late.
    assert_eq!((foreseen.at_once, foreseen.in_time, foreseen.finish), (5_300, 9_300, None));
    let waits_until = foreseen.waits_until.unwrap();

    let running = stage.start();
    stage.until(&broadcast, |found| found.sent == 5_300).await;
    // Two per cent of two hours before, and then as foreseen.
    stage.clock.advance(waits_until.duration_since(stage.now()) - SignedDuration::from_secs(144));
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(server.count(), 5_300);
    stage.clock.advance(waits_until.duration_since(stage.now()) + SignedDuration::from_secs(1));
    stage.until(&broadcast, |found| found.sent == 9_300).await;
    stage.wait(9 * 60);
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(server.count(), 9_300);
    stage.wait(60);
    let over = stage.until_over(&broadcast).await;
    assert_eq!((over.state, over.sent, over.expired), (BroadcastState::Expired, 9_300, 2_700));
    assert!(told(&server.accepted(), "").values().all(|times| *times == 1));
    running.stop().await;
}

async fn letters_find_room_when_broadcasts_have_none(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.within("1000/day");
    stage.company.subscribe("p", 10, Follows::everything(), stage.now()).await;
    sent_before(&stage, 930, 1).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    for (number, lane) in [(1, Lane::Account), (2, Lane::Alert)] {
        let letter = stage.letter(number, lane).await;
        running.worker.handle().wake();
        assert_eq!(stage.outcome_of(&letter).await, DeliveryState::Sent);
    }
    assert_eq!(stage.company.look(&broadcast).await.sent, 0);
    assert_eq!(server.accepted().len(), 2);
    running.stop().await;
}

async fn what_the_server_refused_uses_nothing_up(store: Store) {
    let nobody = When::Holding(format!("<{}>", address("p", 3)));
    let server = SmtpServer::script().when(Step::Rcpt, nobody, Act::reply("550 5.1.1 No such user")).start().await;
    let stage = Stage::new(&store, Some(&server)).await.within("1000/day");
    stage.company.subscribe("p", 10, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    assert_eq!(stage.until_over(&broadcast).await.failed, 1);
    running.stop().await;
    assert_eq!(used(&stage).await, 9);
}

async fn three_nodes_together_keep_to_the_quota(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.within("300/day");
    stage.company.subscribe("p", 400, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let nodes = ["one", "two", "three"].map(|node| stage.start_on(&store, node));
    stage.until(&broadcast, |found| found.sent == 230).await;
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(server.accepted().len(), 230);
    for node in nodes {
        node.stop().await;
    }
    assert_eq!(used(&stage).await, 230);
}
