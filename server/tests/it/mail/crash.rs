//! What remains of a worker that ends without warning, and of one whose store fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::{BroadcastState, Lane},
    delivery::DeliveryState,
    rate::Rate,
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::SignedDuration;
use server::{
    clock::Clock,
    store::{Store, nodes::Node},
};
use sqlx::{Connection, Executor, postgres::PgConnection};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::stage::{Stage, header, told};
use crate::support::{
    db::{Database, on_both},
    smtp::{Act, SmtpServer, Step, When},
};

on_both!(
    after_a_crash_nobody_is_missed_and_few_hear_it_twice,
    a_fenced_node_stops_and_begins_anew,
    two_processes_of_one_name_soon_have_two,
    a_dead_nodes_mails_are_sent_by_another,
    a_clock_that_is_fast_makes_nobody_dead,
    what_a_clock_that_was_ahead_put_off_is_sent_when_it_is_right_again,
);

/// The most mails under way at once.
const PERMITS: usize = 256;

/// A server that takes 300 mails and then keeps everyone waiting for its answer until the gate opens.
async fn gated(gate: &CancellationToken) -> SmtpServer {
    SmtpServer::script().when(Step::Dot, When::After(300), Act::usual().held_by(gate)).start().await
}

async fn after_a_crash_nobody_is_missed_and_few_hear_it_twice(store: Store) {
    let gate = CancellationToken::new();
    let server = gated(&gate).await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 1000, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    server.wait_for(300).await;
    running.crash();
    gate.cancel();
    let running = stage.start();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.total), (1000, 1000));
    let mails = server.accepted();
    let told = told(&mails, "");
    assert_eq!(told.len(), 1000, "nobody is missed");
    let repeated = mails.len() - told.len();
    assert!(repeated <= PERMITS, "{repeated} mails were sent twice");
    let mut ids: Vec<_> = mails.iter().map(|mail| header(mail, "message-id")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1000, "a repeated mail has the same Message-ID");
    running.stop().await;
}

async fn a_fenced_node_stops_and_begins_anew(store: Store) {
    let gate = CancellationToken::new();
    let server = gated(&gate).await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 1000, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    server.wait_for(300).await;
    let taken_over = async || {
        let silent = store.heartbeats().await.unwrap().pop().unwrap();
        let mut write = store.write().await.unwrap();
        let returned = write.take_over(&silent, stage.now()).await.unwrap();
        write.commit().await.unwrap();
        returned
    };
    // Not if it was heard of in between.
    while taken_over().await.is_none() {}
    gate.cancel();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.total), (1000, 1000));
    let mails = server.accepted();
    let told = told(&mails, "");
    assert_eq!(told.len(), 1000);
    assert!(mails.len() - told.len() <= PERMITS);
    let alive = store.heartbeats().await.unwrap().pop().unwrap();
    assert_eq!(alive.node, Node { id: "one".into(), epoch: 3 }, "it took a new epoch");
    running.stop().await;
}

/// As when a data folder was copied to another machine.
async fn two_processes_of_one_name_soon_have_two(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(100));
    stage.company.subscribe("p", 400, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let first = stage.start();
    server.until(30).await;
    let twin = stage.start();
    let alive = async || {
        let heartbeats = store.heartbeats().await.unwrap();
        heartbeats.into_iter().map(|heartbeat| heartbeat.node).collect::<Vec<_>>()
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    while alive().await.len() < 2 {
        assert!(Instant::now() < deadline, "{:?}", alive().await);
        sleep(Duration::from_millis(10)).await;
    }
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.total), (400, 400));
    let mails = server.accepted();
    assert_eq!(told(&mails, "").len(), 400);
    assert!(mails.len() - 400 <= PERMITS, "{} mails were sent twice", mails.len() - 400);
    // Neither has ended the other's life since.
    let alive = alive().await;
    assert!(alive.len() == 2 && alive.contains(&Node { id: "one".into(), epoch: 2 }), "{alive:?}");
    first.stop().await;
    twin.stop().await;
}

async fn a_dead_nodes_mails_are_sent_by_another(store: Store) {
    let gate = CancellationToken::new();
    let server = gated(&gate).await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.silence = Duration::from_secs(2);
    stage.company.subscribe("p", 600, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    server.wait_for(300).await;
    running.crash();
    gate.cancel();
    let heir = stage.start_on(&store, "two");
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.total), (600, 600));
    assert_eq!(told(&server.accepted(), "").len(), 600);
    heir.stop().await;
}

async fn a_clock_that_is_fast_makes_nobody_dead(store: Store) {
    let gate = CancellationToken::new();
    let server = gated(&gate).await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.silence = Duration::from_secs(6);
    stage.company.subscribe("p", 1000, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let one = stage.start();
    server.wait_for(300).await;
    let fast = Clock::default();
    fast.advance(SignedDuration::from_mins(5));
    let two = stage.start_by(&fast, &store, "two");
    // Its second word: it has been through a whole round.
    let mut words = Vec::new();
    while words.len() < 3 {
        let heartbeats = store.heartbeats().await.unwrap();
        words.extend(heartbeats.into_iter().filter(|heartbeat| heartbeat.node.id == "two"));
        words.dedup();
        sleep(Duration::from_millis(10)).await;
    }
    let heartbeats = store.heartbeats().await.unwrap();
    assert!(heartbeats.iter().any(|heartbeat| heartbeat.node == Node { id: "one".into(), epoch: 1 }), "{heartbeats:?}");
    gate.cancel();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.total), (1000, 1000));
    assert!(told(&server.accepted(), "").values().all(|times| *times == 1));
    one.stop().await;
    two.stop().await;
}

async fn what_a_clock_that_was_ahead_put_off_is_sent_when_it_is_right_again(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.wait(60);
    let letter = stage.letter(1, Lane::Account).await;
    stage.wait(-60);
    let running = stage.start();
    assert_eq!(stage.outcome_of(&letter).await, DeliveryState::Sent);
    running.stop().await;
}

#[tokio::test]
async fn a_store_that_fails_for_a_moment_pauses_nothing() {
    let database = Database::postgres().await;
    let mut breaker = PgConnection::connect(&database.url).await.unwrap();
    database
        .run(async |store| {
            let server = SmtpServer::start().await;
            let stage = Stage::new(&store, Some(&server)).await;
            stage.company.subscribe("p", 20, Follows::everything(), stage.now()).await;
            // Without its settings no mail can be written.
            breaker.execute("alter table settings rename to lost").await.unwrap();
            let broadcast = stage.company.post(Investigating, stage.now()).await;
            let running = stage.start();
            stage.until(&broadcast, |found| found.state == BroadcastState::Sending).await;
            // What is ready is looked at at once.
            sleep(Duration::from_millis(700)).await;
            let meanwhile = stage.company.look(&broadcast).await;
            assert_eq!((meanwhile.state, meanwhile.sent), (BroadcastState::Sending, 0));
            breaker.execute("alter table lost rename to settings").await.unwrap();
            breaker.close().await.unwrap();
            assert_eq!(stage.until_over(&broadcast).await.sent, 20);
            running.stop().await;
        })
        .await;
}

/// Ends whoever is writing down outcomes at this moment; says how many those were.
const THROW_OUT: &str = "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity \
    where datname = current_database() and pid <> pg_backend_pid() and state in ('active', 'idle in transaction') \
    and (query like 'insert into sent %' or query like 'delete from deliveries where id = any%' \
    or query like 'update deliveries set state = new.state%' or query like 'update broadcasts set sent = sent +%')) as ended";

#[tokio::test]
async fn whoever_is_thrown_out_while_outcomes_are_written_down_loses_nobody() {
    let database = Database::postgres().await;
    let mut admin = PgConnection::connect(&database.url).await.unwrap();
    database
        .run(async |store| {
            let server = SmtpServer::start().await;
            let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(400));
            stage.company.subscribe("p", 1500, Follows::everything(), stage.now()).await;
            let broadcast = stage.company.post(Investigating, stage.now()).await;
            let running = stage.start();
            server.until(50).await;
            let mut ended = 0;
            while ended < 10 && server.count() < 1400 {
                let more: i64 = sqlx::query_scalar(THROW_OUT).fetch_one(&mut admin).await.unwrap();
                ended += more;
                sleep(Duration::from_millis(1)).await;
            }
            assert!(ended >= 3, "only {ended} were thrown out");
            admin.close().await.unwrap();
            let done = stage.until_over(&broadcast).await;
            assert_eq!((done.sent, done.total), (1500, 1500));
            let mails = server.accepted();
            let told = told(&mails, "");
            assert_eq!(told.len(), 1500, "nobody is missed");
            assert!(mails.len() - told.len() <= PERMITS, "{} mails were sent twice", mails.len() - told.len());
            running.stop().await;
        })
        .await;
}
