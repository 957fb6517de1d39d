//! What a provider allows in a day, and what is kept of it for alerts and confirmations.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::{BroadcastState, Lane, POSTMORTEM, lifetime},
    delivery::DeliveryState,
    forecast::forecast,
    quota::Quota,
    rate::{Rate, Share},
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::{SignedDuration, Timestamp};
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

/// Books mails as if they had been sent then.
async fn sent_at(stage: &Stage, mails: u64, at: Timestamp) {
    let mut write = stage.company.store.write().await.unwrap();
    write.book("main", Share::Bulk, mails, at).await.unwrap();
    write.commit().await.unwrap();
}

async fn a_broadcast_stops_at_the_reserve_and_goes_on_when_the_window_has_moved(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.within("1000/day");
    stage.company.subscribe("p", 200, Follows::everything(), stage.now()).await;
    sent_at(&stage, 800, stage.now() - SignedDuration::from_hours(23)).await;
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
    let began = stage.now();
    for (mails, minutes) in [(2_000, 22 * 60), (1_000, 22 * 60 - 10), (1_000, 22 * 60 - 20)] {
        sent_at(&stage, mails, began - SignedDuration::from_mins(minutes)).await;
    }
    let quota = stage.settings.allowance.quota.unwrap();
    let usage = store.mail_usage("main", quota.since(began)).await.unwrap();
    let foresee = |kind| forecast(12_000, Rate::UNLIMITED, Some((quota, &usage)), began, began + lifetime(kind));
    // 700 are kept back, and 4,000 more are free in two hours; the rest would wait for tomorrow, when it is too late …
    let foreseen = foresee("update");
    assert_eq!((foreseen.at_once, foreseen.in_time, foreseen.finish), (5_300, 9_300, None));
    // … but for what is worth sending for a week.
    let foreseen = foresee(POSTMORTEM);
    assert_eq!((foreseen.at_once, foreseen.in_time), (5_300, 12_000));
    let (waits_until, finish) = (foreseen.waits_until.unwrap(), foreseen.finish.unwrap());

    let broadcast = stage.company.post_as(POSTMORTEM, Investigating, began).await;
    let running = stage.start();
    let clock_shows = |at: Timestamp| stage.clock.advance(at.duration_since(stage.now()));
    let stands_at = async |mails| {
        sleep(Duration::from_millis(1_500)).await;
        assert_eq!(server.count(), mails);
    };
    stage.until(&broadcast, |found| found.sent == 5_300).await;
    // Two per cent before, and then as foreseen.
    clock_shows(waits_until - waits_until.duration_since(began) / 50);
    stands_at(5_300).await;
    for (minutes, sent) in [(0, 7_300), (10, 8_300), (20, 9_300)] {
        clock_shows(waits_until + SignedDuration::from_mins(minutes) + SignedDuration::from_secs(1));
        stage.until(&broadcast, |found| found.sent == sent).await;
    }
    let margin = finish.duration_since(began) / 50;
    clock_shows(finish - margin);
    stands_at(9_300).await;
    clock_shows(finish + margin);
    let over = stage.until_over(&broadcast).await;
    assert_eq!((over.state, over.sent, over.expired), (BroadcastState::Done, 12_000, 0));
    assert!(told(&server.accepted(), "").values().all(|times| *times == 1));
    running.stop().await;
}

async fn letters_find_room_when_broadcasts_have_none(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.within("1000/day");
    stage.company.subscribe("p", 10, Follows::everything(), stage.now()).await;
    sent_at(&stage, 930, stage.now() - SignedDuration::from_hours(1)).await;
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
