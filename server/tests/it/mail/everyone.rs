//! Trouble that hits everyone at once: a server that answers the same to all. It must neither empty the list nor fill the
//! queue, and somebody must hear of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::BroadcastState,
    health::{Condition, Health},
    ids::SubscriberId,
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::SignedDuration;
use server::{mail::transport::Transport, store::Store};
use tokio::time::{Instant, sleep};

use super::stage::{Stage, told};
use crate::support::{
    db::on_both,
    smtp::{Act, SmtpServer, Step, When},
};

on_both!(
    a_server_that_has_lost_its_list_of_people_empties_none_of_ours,
    a_list_of_which_an_eighth_is_wrong_goes_out_and_raises_the_alarm,
    a_server_that_puts_everyone_off_is_tried_now_and_then_and_costs_nobody_an_attempt,
);

const LATEST: Duration = Duration::from_mins(1);

/// Waits until owners are told of this.
async fn alarm(store: &Store, words: &str) {
    let deadline = Instant::now() + LATEST;
    loop {
        let alerts = store.alerts(20).await.unwrap();
        if alerts.iter().any(|alert| alert.message.contains(words)) {
            return;
        }
        assert!(Instant::now() < deadline, "nobody is told: {alerts:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn a_server_that_has_lost_its_list_of_people_empties_none_of_ours(store: Store) {
    let nobody = Act::reply("550 5.1.1 User unknown in local recipient table");
    let server = SmtpServer::script().on(Step::Rcpt, nobody).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 400, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let began = stage.now();
    let running = stage.start();
    let paused = stage.until(&broadcast, |found| found.state == BroadcastState::Paused).await;
    assert!(paused.reason.contains("for good (RCPT: 550 5.1.1)"), "{}", paused.reason);
    running.stop().await;
    alarm(&store, "A broadcast was paused: the mail server refused").await;
    let standing = stage.company.look(&broadcast).await;
    let lost = store.count_suppressions(stage.now()).await.unwrap();
    assert!(lost < 20 && standing.failed == lost, "{lost} addresses were given up: {standing:?}");
    assert_eq!(standing.failed + standing.waiting(), 400, "everyone else waits");
    // They are written to again as soon as the server is mended and somebody says so.
    let mut write = store.write().await.unwrap();
    assert_eq!(i64::try_from(write.lift_nobody_since(began).await.unwrap()).unwrap(), lost);
    let resumed = write.set_broadcast_state(&broadcast.id, BroadcastState::Sending, "", stage.now()).await.unwrap();
    write.commit().await.unwrap();
    assert!(resumed);
    let mended = SmtpServer::start().await;
    stage.settings.transport = Some(Transport::parse(&mended.url()).unwrap());
    let running = stage.start();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.state, done.sent, done.failed), (BroadcastState::Done, 400 - lost, lost));
    assert!(told(&mended.accepted(), "").values().all(|times| *times == 1));
    running.stop().await;
}

async fn a_list_of_which_an_eighth_is_wrong_goes_out_and_raises_the_alarm(store: Store) {
    let nobody = Act::reply("550 5.1.1 No such user");
    let server = SmtpServer::script().when(Step::Rcpt, When::Every(8), nobody).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.silence = Duration::from_secs(6);
    stage.company.subscribe("p", 240, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.state, done.sent, done.failed), (BroadcastState::Done, 210, 30));
    assert_eq!(store.count_suppressions(stage.now()).await.unwrap(), 30);
    alarm(&store, "mails of the last 24 hours were refused or came back because").await;
    running.stop().await;
}

async fn a_server_that_puts_everyone_off_is_tried_now_and_then_and_costs_nobody_an_attempt(store: Store) {
    // As Postfix answers while its filter is down.
    let filter = Act::reply("451 4.7.1 Service unavailable - try again later");
    let server = SmtpServer::script().on(Step::Dot, filter).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.connections = 4;
    stage.company.subscribe("p", 600, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let deadline = Instant::now() + LATEST;
    // As long as twelve pauses in a row.
    for tries in 1..=12 {
        let found = loop {
            let found = store.transport("main").await.unwrap();
            let is_so = |known: &Health| known.condition == Condition::PuttingOff && known.failures >= tries;
            if let Some(found) = found.clone().filter(is_so) {
                break found;
            }
            assert!(Instant::now() < deadline, "it stays {found:?} at try {tries}");
            sleep(Duration::from_millis(10)).await;
        };
        stage.clock.advance(found.not_before.duration_since(stage.now()) + SignedDuration::from_millis(1));
    }
    alarm(&store, "tells nearly everyone to come again later (Final dot: 451 4.7.1)").await;
    running.stop().await;
    let tried = server.steps(Step::Dot);
    assert!(tried <= 200, "{tried} mails were tried in 25 minutes");
    let standing = stage.company.look(&broadcast).await;
    assert_eq!((standing.failed, standing.waiting()), (0, 600));
    let people = store.recipients(&broadcast.id, None, SubscriberId(0), 1_000).await.unwrap();
    let counted = people.iter().filter(|person| person.attempts > 0).count();
    assert!(people.iter().all(|person| person.attempts <= 1) && counted < 30, "{counted} attempts count");
    // Mended, it is found out within minutes, and everyone is told.
    let mended = SmtpServer::start().await;
    stage.settings.transport = Some(Transport::parse(&mended.url()).unwrap());
    let running = stage.start();
    stage.wait(7);
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.state, done.sent), (BroadcastState::Done, 600));
    assert_eq!(store.transport("main").await.unwrap().unwrap().condition, Condition::Fine);
    running.stop().await;
}
