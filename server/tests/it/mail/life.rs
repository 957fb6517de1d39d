//! The life of broadcasts: paused over a restart, overtaken again and again, counted at every moment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    broadcast::{BroadcastState, POSTMORTEM},
    rate::Rate,
    status::IncidentStatus::{Identified, Investigating},
    subscriber::{Follows, SubscriberState},
};
use server::store::{Store, broadcasts::Broadcast};
use sqlx::{AnyConnection, Connection};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::stage::{SOON, Stage, after, holds, told};
use crate::support::{
    company::address,
    db::{Database, on_both},
    smtp::{Act, SmtpServer, Step, When},
};

/// For so long it holds what was last found of a broadcast, and a little longer.
const CHECK_HOLDS: Duration = Duration::from_millis(950);

on_both!(
    twelve_updates_in_an_hour_leave_nobody_without_news_for_longer_than_a_walk,
    a_pause_outlives_a_restart_and_what_is_cancelled_stays_so,
    what_can_wait_keeps_a_twentieth_while_something_is_urgent,
    how_many_wait_is_known_also_when_nothing_leaves,
);

/// A walk takes half an hour and every five minutes another update takes its place: whoever was claimed and not told when
/// that happens must not come last, and whoever was told must not come first.
async fn twelve_updates_in_an_hour_leave_nobody_without_news_for_longer_than_a_walk(store: Store) {
    const PEOPLE: usize = 120;
    const EACH: usize = PEOPLE * 5 / 30;
    let turnstile = Arc::new(Semaphore::new(0));
    let server = SmtpServer::script().on(Step::Dot, Act::usual().through(&turnstile)).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.connections = 1;
    stage.company.subscribe("p", PEOPLE, Follows::everything(), stage.now()).await;
    let running = stage.start();
    let mut told_at: BTreeMap<_, _> = (0..PEOPLE).map(|number| (address("p", number), 0)).collect();
    let mut longest = 0;
    for minute in (0..60).step_by(5) {
        let broadcast = stage.company.post(Identified, stage.now()).await;
        running.worker.handle().wake();
        if minute > 0 {
            // For so long the one before it may go on.
            sleep(CHECK_HOLDS).await;
        }
        let before = server.count();
        turnstile.add_permits(EACH);
        server.until(before + EACH).await;
        let mails = server.accepted().split_off(before);
        // In seconds: they come as the rate lets them, one after the other over the five minutes.
        for (place, mail) in mails.iter().enumerate() {
            let now = minute * 60 + place * 300 / EACH;
            let last = told_at.insert(mail.to[0].clone(), now).unwrap();
            longest = longest.max(now - last);
        }
        // Those of it are written down as well before the next is published.
        let sent = i64::try_from(told(&mails, broadcast.id.as_str()).len()).unwrap();
        stage.until(&broadcast, |found| found.sent >= sent).await;
        stage.wait(5);
    }
    longest = longest.max(3600 - told_at.values().min().unwrap());
    assert!(longest <= 35 * 60, "someone heard nothing for {longest} seconds");
    running.crash();
}

async fn set(stage: &Stage, broadcast: &Broadcast, to: BroadcastState) {
    let mut write = stage.company.store.write().await.unwrap();
    assert!(write.set_broadcast_state(&broadcast.id, to, "", stage.now()).await.unwrap());
    write.commit().await.unwrap();
}

async fn a_pause_outlives_a_restart_and_what_is_cancelled_stays_so(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(100));
    stage.company.subscribe("p", 500, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    server.until(20).await;
    set(&stage, &broadcast, BroadcastState::Paused).await;
    running.stop().await;
    let paused = server.count();
    let running = stage.start();
    sleep(SOON).await;
    assert_eq!(server.count(), paused);
    assert_eq!(stage.company.look(&broadcast).await.state, BroadcastState::Paused);

    set(&stage, &broadcast, BroadcastState::Sending).await;
    running.worker.handle().wake();
    server.until(paused + 40).await;
    set(&stage, &broadcast, BroadcastState::Cancelled).await;
    let cancelled_at = Instant::now();
    let over = stage.until_over(&broadcast).await;
    assert_eq!((over.state, over.sent + over.skipped), (BroadcastState::Cancelled, 500));
    assert!(over.sent < 500, "it was over before it was cancelled");
    running.stop().await;
    let running = stage.start();
    sleep(SOON).await;
    let mails = server.accepted();
    assert_eq!((after(&mails, cancelled_at + SOON), i64::try_from(mails.len()).unwrap()), (0, over.sent));
    assert!(told(&mails, "").values().all(|times| *times == 1));
    running.stop().await;
}

async fn what_can_wait_keeps_a_twentieth_while_something_is_urgent(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(300));
    stage.company.subscribe("p", 600, Follows::everything(), stage.now()).await;
    let digest = stage.company.beside().post_as(POSTMORTEM, Identified, stage.now()).await;
    let urgent = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    assert_eq!(stage.until_over(&urgent).await.sent, 600);
    running.stop().await;
    let mails = server.accepted();
    let last = mails.iter().rposition(|mail| holds(mail, urgent.id.as_str())).unwrap();
    let digests = told(&mails[..last], digest.id.as_str()).len();
    // 31, or what those who were first to be handed over were when nothing urgent was there yet.
    assert!((20..=120).contains(&digests), "{digests} beside 600 that were urgent");
    assert_eq!(stage.company.look(&digest).await.state, BroadcastState::Sending);
}

/// One stands behind another that takes its time, then it is paused.
async fn how_many_wait_is_known_also_when_nothing_leaves(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(1));
    stage.company.subscribe("p", 40, Follows::everything(), stage.now()).await;
    let first = stage.company.post(Investigating, stage.now()).await;
    let other = stage.company.beside();
    let behind = other.post(Investigating, stage.now()).await;
    assert_eq!((first.waiting(), behind.waiting()), (0, 0));
    let running = stage.start();
    stage.until(&first, |found| found.total == 40 && found.sent < 10).await;
    let found = stage.until(&behind, |found| found.total == 40).await;
    assert_eq!((found.expanded, found.waiting(), found.state), (0, 40, BroadcastState::Queued));
    // What takes its place before it began has the pause from it, and more people.
    set(&stage, &behind, BroadcastState::Paused).await;
    stage.company.subscribe("q", 5, Follows::everything(), stage.now()).await;
    let paused = other.post(Identified, stage.now()).await;
    let found = stage.until(&paused, |found| found.total == 45).await;
    assert_eq!((found.expanded, found.waiting(), found.state), (0, 45, BroadcastState::Paused));
    running.stop().await;
}

#[tokio::test]
async fn at_every_moment_the_counters_are_those_of_the_rows_on_sqlite() {
    counters_are_those_of_the_rows(Database::sqlite().await).await;
}

#[tokio::test]
async fn at_every_moment_the_counters_are_those_of_the_rows_on_postgres() {
    counters_are_those_of_the_rows(Database::postgres().await).await;
}

/// Total and expanded, then each counter beside its rows, then those without an outcome.
const COUNTS: &str = "select total, expanded, \
    sent, (select count(*) from sent where broadcast_id = $1) \
    + (select count(*) from deliveries where broadcast_id = $1 and state = 'sent'), \
    failed, (select count(*) from deliveries where broadcast_id = $1 and state = 'failed'), \
    skipped + expired, (select count(*) from deliveries where broadcast_id = $1 and state in ('skipped', 'expired')), \
    uncertain, (select count(*) from deliveries where broadcast_id = $1 and state = 'uncertain'), \
    (select count(*) from deliveries where broadcast_id = $1 and state in ('waiting', 'leased')) \
    from broadcasts where id = $1";

async fn counters_are_those_of_the_rows(database: Database) {
    sqlx::any::install_default_drivers();
    let mut watcher = AnyConnection::connect(&database.url).await.unwrap();
    let watch = async |store: Store| {
        let unlucky = address("p", 5);
        let server = SmtpServer::script()
            .when(Step::Rcpt, When::Holding(format!("<{unlucky}>")), Act::usual())
            .when(Step::Dot, When::Holding(unlucky), Act::close().taking_the_mail())
            .when(Step::Rcpt, When::Every(10), Act::reply("550 5.1.1 No such user"))
            .when(Step::Rcpt, When::Every(13), Act::reply("450 4.2.0 Greylisted"))
            .when(Step::Dot, When::Nth(7), Act::close().taking_the_mail())
            .start()
            .await;
        let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(300));
        stage.company.subscribe("p", 400, Follows::everything(), stage.now()).await;
        let broadcast = stage.company.post(Investigating, stage.now()).await;
        let running = stage.start();
        for look in 1.. {
            type Row = (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);
            let row: Row = sqlx::query_as(COUNTS).bind(broadcast.id.as_str()).fetch_one(&mut watcher).await.unwrap();
            let (total, expanded, sent, rows_1, failed, rows_2, skipped, rows_3, uncertain, rows_4, open) = row;
            assert_eq!((sent, failed, skipped, uncertain), (rows_1, rows_2, rows_3, rows_4), "{row:?}");
            let waiting = open + total - expanded;
            assert_eq!(sent + failed + skipped + uncertain + waiting, total, "{row:?}");
            let found = stage.company.look(&broadcast).await;
            if !found.state.is_open() {
                // Whoever left was skipped, or not even claimed.
                assert_eq!((found.total - found.skipped, found.waiting(), found.uncertain), (399, 0, 1));
                assert!(found.failed > 30 && found.sent > 300, "{found:?}");
                break;
            }
            if look == 5 {
                let mut write = store.write().await.unwrap();
                let email = address("p", 399).parse().unwrap();
                let mut subscriber = write.subscriber_by_email(&email).await.unwrap().unwrap();
                subscriber.state = SubscriberState::Unsubscribed;
                write.put_subscriber(&subscriber).await.unwrap();
                write.commit().await.unwrap();
            }
            if look % 100 == 0 {
                // Those who were told to come again come again.
                stage.wait(15);
                running.worker.handle().wake();
            }
            assert!(look < 4_000, "it stays {row:?}");
            sleep(Duration::from_millis(10)).await;
        }
        running.stop().await;
    };
    database.run(watch).await;
    // The database is gone.
    drop(watcher);
}
