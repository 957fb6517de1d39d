//! A mail server in trouble, or that does not want us: what is held up, who hears of it, and how it goes on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::{BroadcastState, Lane},
    delivery::DeliveryState,
    health::{Condition, Health},
    ids::SubscriberId,
    rate::Rate,
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::SignedDuration;
use server::{mail::transport::Transport, store::Store};
use tokio::time::{Instant, sleep};

use super::stage::{Stage, holds, told};
use crate::support::{
    company::address,
    db::on_both,
    smtp::{Accepted, Act, SmtpServer, Step, When},
};

on_both!(
    a_server_that_closes_after_fifty_mails_is_understood,
    a_server_that_is_down_is_not_stormed,
    a_server_that_says_slow_down_is_obeyed,
    after_five_thousand_mails_a_used_up_quota_is_tried_once_in_ten_minutes_and_alerts_go_the_other_way,
    a_server_that_refuses_us_is_left_alone_and_nobody_is_blamed,
    a_wrong_password_stops_everything_and_is_in_no_alert,
    a_message_that_is_refused_pauses_its_broadcast,
    a_twentieth_of_unknown_addresses_holds_up_nobody,
    all_mail_is_held_and_let_go,
    nobody_gets_more_mails_in_an_hour_than_they_may,
    a_letter_that_waits_for_the_server_expires_in_time,
);

const LATEST: Duration = Duration::from_mins(1);

async fn health(stage: &Stage) -> Health {
    let known = stage.company.store.transport("main").await.unwrap();
    known.unwrap_or_else(|| Health::new(stage.now()))
}

/// Waits until the transport stands so.
async fn until(stage: &Stage, condition: Condition) -> Health {
    let deadline = Instant::now() + LATEST;
    loop {
        let found = health(stage).await;
        if found.condition == condition {
            return found;
        }
        assert!(Instant::now() < deadline, "it stays {found:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the server took a mail that holds `text`.
async fn took(server: &SmtpServer, text: &str) -> Accepted {
    let deadline = Instant::now() + LATEST;
    loop {
        if let Some(mail) = server.accepted().into_iter().find(|mail| holds(mail, text)) {
            return mail;
        }
        assert!(Instant::now() < deadline, "no mail holds {text}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn a_server_that_closes_after_fifty_mails_is_understood(store: Store) {
    let full = Act::reply("421 4.7.0 Too many messages on this connection").and_close();
    let server = SmtpServer::script().when(Step::Mail, When::AfterOnConnection(50), full).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(1000));
    stage.settings.connections = 2;
    stage.company.subscribe("p", 300, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.failed), (300, 0));
    let mails = server.accepted();
    assert!(told(&mails, "").values().all(|times| *times == 1));
    let recipients = store.recipients(&broadcast.id, None, SubscriberId(0), 1_000).await.unwrap();
    assert!(recipients.iter().all(|recipient| recipient.attempts == 1), "being closed upon is no attempt");
    let found = health(&stage).await;
    assert_eq!((found.cap, found.condition, found.pace(stage.now())), (Some(40), Condition::Fine, 100));
    // Later connections end before the server would end them.
    let last = mails.iter().map(|mail| mail.connection).max().unwrap();
    let carried = |number: usize| mails.iter().filter(|mail| mail.connection == number).count();
    assert!((3..=last).all(|number| carried(number) <= 40), "{:?}", (1..=last).map(carried).collect::<Vec<_>>());
    running.stop().await;
}

async fn a_server_that_is_down_is_not_stormed(store: Store) {
    let busy = Act::reply("421 4.3.2 Too busy").and_close();
    let server = SmtpServer::script().on(Step::Greeting, busy).start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 100, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let began = stage.now();
    let mut tries = 0;
    while stage.now() < began + SignedDuration::from_mins(5) {
        tries += 1;
        let found = failures(&stage, tries).await;
        assert!(found.reason.contains("421 4.3.2") && found.not_before > stage.now(), "{found:?}");
        stage.clock.advance(found.not_before.duration_since(stage.now()));
    }
    assert!(server.connections() <= 12, "{} connections in five minutes", server.connections());
    assert_eq!(stage.company.look(&broadcast).await.waiting(), 100);
    running.stop().await;
}

/// Waits until so many tries in a row have failed.
async fn failures(stage: &Stage, count: u32) -> Health {
    let deadline = Instant::now() + LATEST;
    loop {
        let found = health(stage).await;
        if found.failures >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "it stays {found:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn a_server_that_says_slow_down_is_obeyed(store: Store) {
    let slow = Act::reply("454 4.7.0 Throttling failure: Maximum sending rate exceeded");
    let server = SmtpServer::script().when(Step::Dot, When::Nth(20), slow).start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(200));
    stage.company.subscribe("p", 100, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let found = until(&stage, Condition::Throttled).await;
    assert_eq!(found.pace, 50);
    let wait = found.not_before.duration_since(found.noted_at);
    assert!((5..=6).contains(&wait.as_secs()), "{wait}");
    stage.clock.advance(SignedDuration::from_secs(7));
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.failed), (100, 0));
    assert!((50..75).contains(&health(&stage).await.pace(stage.now())), "it comes back slowly");
    assert_eq!(health(&stage).await.pace(stage.now() + SignedDuration::from_mins(11)), 100);
    running.stop().await;
}

async fn after_five_thousand_mails_a_used_up_quota_is_tried_once_in_ten_minutes_and_alerts_go_the_other_way(
    store: Store,
) {
    const ALLOWED: usize = 5_000;
    let over = Act::reply("454 4.7.0 Throttling failure: Daily message quota exceeded");
    let server = SmtpServer::script().when(Step::Dot, When::After(ALLOWED), over).start().await;
    let other = SmtpServer::start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.alert_transport = Some(Transport::parse(&other.url()).unwrap());
    stage.settings.connections = 1;
    stage.owner().await;
    stage.company.subscribe("p", ALLOWED + 50, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    until(&stage, Condition::QuotaReached).await;
    let alert = took(&other, "needs attention").await;
    assert_eq!(alert.to, ["owner@example.com"]);
    stage.until(&broadcast, |found| found.sent == 5_000).await;
    let tried = |server: &SmtpServer| server.steps(Step::Dot);
    assert_eq!(tried(&server), ALLOWED + 1);
    for again in 1..=2_u32 {
        stage.wait(5);
        sleep(Duration::from_millis(1_200)).await;
        assert_eq!(tried(&server), ALLOWED + usize::try_from(again).unwrap(), "not before ten minutes are over");
        stage.wait(8);
        failures(&stage, again + 1).await;
        assert_eq!(tried(&server), ALLOWED + 1 + usize::try_from(again).unwrap());
    }
    // Confirmations as well.
    let id = stage.letter(5, Lane::Account).await;
    running.worker.handle().wake();
    assert_eq!(stage.outcome_of(&id).await, DeliveryState::Sent);
    assert_eq!(server.count(), ALLOWED);
    running.stop().await;
}

async fn a_server_that_refuses_us_is_left_alone_and_nobody_is_blamed(store: Store) {
    let listed = Act::reply("550 5.7.1 Your address is on a blocklist");
    let server = SmtpServer::script().on(Step::Rcpt, listed).start().await;
    let other = SmtpServer::start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.alert_transport = Some(Transport::parse(&other.url()).unwrap());
    stage.owner().await;
    stage.company.subscribe("p", 400, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let found = until(&stage, Condition::Refused).await;
    assert!(found.reason.contains("550 5.7.1") && !found.reason.contains('@'), "{found:?}");
    sleep(Duration::from_millis(1_200)).await;
    assert!(server.steps(Step::Rcpt) <= 200, "{} were tried", server.steps(Step::Rcpt));
    let standing = stage.company.look(&broadcast).await;
    assert_eq!((standing.failed, standing.waiting()), (0, 400));
    assert_eq!(store.count_suppressions(stage.now()).await.unwrap(), 0);
    let alerts = store.alerts(10).await.unwrap();
    assert!(alerts.iter().any(|alert| alert.message.contains("refuses much of our mail")), "{alerts:?}");
    let letter = took(&other, "refuses much of our mail").await;
    assert_eq!(letter.to, ["owner@example.com"], "by the other way");
    running.stop().await;
}

async fn a_wrong_password_stops_everything_and_is_in_no_alert(store: Store) {
    let server = SmtpServer::script().with_sign_in("tidings", "right", "PLAIN").start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    let wrong = server.url().replace("right", "wr0ng");
    stage.settings.transport = Some(Transport::parse(&wrong).unwrap());
    stage.owner().await;
    stage.company.subscribe("p", 100, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let found = until(&stage, Condition::Broken).await;
    assert!(found.reason.contains("535"), "{found:?}");
    sleep(Duration::from_millis(1_200)).await;
    assert_eq!(server.connections(), 1);
    stage.wait(4);
    sleep(Duration::from_millis(1_200)).await;
    assert_eq!(server.connections(), 1, "not before five minutes are over");
    stage.wait(3);
    failures(&stage, 2).await;
    assert_eq!(server.connections(), 2, "one try in five minutes");
    let alerts = store.alerts(10).await.unwrap();
    assert!(alerts.iter().any(|alert| alert.message.contains("credentials")), "{alerts:?}");
    assert!(!format!("{alerts:?}{found:?}").contains("wr0ng"));
    assert_eq!(stage.company.look(&broadcast).await.waiting(), 100);
    running.stop().await;
}

async fn a_message_that_is_refused_pauses_its_broadcast(store: Store) {
    let server = SmtpServer::script().on(Step::Dot, Act::reply("554 5.6.0 Message refused")).start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(100));
    stage.company.subscribe("p", 300, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let paused = stage.until(&broadcast, |found| found.state == BroadcastState::Paused).await;
    assert!(paused.reason.contains("554 5.6.0"), "{}", paused.reason);
    sleep(Duration::from_millis(1_500)).await;
    let refused = server.steps(Step::Dot);
    assert!((3..250).contains(&refused), "{refused} were refused before it stopped");
    let standing = stage.company.look(&broadcast).await;
    assert!(standing.failed < 3 && standing.waiting() > 297, "whoever was refused is tried again: {standing:?}");
    running.stop().await;
}

async fn a_twentieth_of_unknown_addresses_holds_up_nobody(store: Store) {
    let nobody = Act::reply("550 5.1.1 No such user");
    let server = SmtpServer::script().when(Step::Rcpt, When::Every(20), nobody).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.connections = 2;
    stage.company.subscribe("p", 100, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.failed), (95, 5));
    assert!(server.connections() <= 2, "a bad recipient costs no connection");
    let told = told(&server.accepted(), "");
    for number in 0..100 {
        let address = address("p", number);
        let is_suppressed = store.is_suppressed(&address, stage.now()).await.unwrap();
        assert_eq!((told.get(&address), is_suppressed), if is_suppressed { (None, true) } else { (Some(&1), false) });
    }
    assert_eq!(told.len(), 95);
    running.stop().await;
}

async fn all_mail_is_held_and_let_go(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(100));
    stage.company.subscribe("p", 300, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    server.wait_for(20).await;
    let hold = async |is_held| {
        let mut write = store.write().await.unwrap();
        assert!(write.hold_mail(is_held, stage.now()).await.unwrap());
        write.commit().await.unwrap();
    };
    hold(true).await;
    let id = stage.letter(1, Lane::Alert).await;
    // What is promised is a second.
    sleep(Duration::from_millis(1_500)).await;
    let before = server.accepted().len();
    sleep(Duration::from_millis(700)).await;
    assert_eq!(server.accepted().len(), before);
    assert!(before < 300);
    hold(false).await;
    assert_eq!(stage.until_over(&broadcast).await.sent, 300);
    assert_eq!(stage.outcome_of(&id).await, DeliveryState::Sent);
    running.stop().await;
}

async fn nobody_gets_more_mails_in_an_hour_than_they_may(store: Store) {
    let server = SmtpServer::start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.address_limit = 3;
    let running = stage.start();
    for number in 1..=3 {
        let id = stage.letter(number, Lane::Account).await;
        running.worker.handle().wake();
        assert_eq!(stage.outcome_of(&id).await, DeliveryState::Sent);
    }
    let fourth = stage.letter(4, Lane::Account).await;
    let alert = stage.letter(5, Lane::Alert).await;
    running.worker.handle().wake();
    assert_eq!(stage.outcome_of(&alert).await, DeliveryState::Sent, "alerts are told whatever happens");
    sleep(Duration::from_millis(1_200)).await;
    assert_eq!(server.accepted().len(), 4);
    stage.wait(61);
    running.worker.handle().wake();
    assert_eq!(stage.outcome_of(&fourth).await, DeliveryState::Sent, "it was not lost");
    running.stop().await;
}

async fn a_letter_that_waits_for_the_server_expires_in_time(store: Store) {
    let server = SmtpServer::script().on(Step::Greeting, Act::reply("421 4.3.2 Busy").and_close()).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.silence = Duration::from_secs(6);
    let id = stage.letter(1, Lane::Account).await;
    let running = stage.start();
    failures(&stage, 1).await;
    stage.wait(121);
    assert_eq!(stage.outcome_of(&id).await, DeliveryState::Expired);
    running.stop().await;
}
