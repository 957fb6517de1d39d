//! What goes wrong on the way and in the machine, and that everyone is told once all the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::{
    broadcast::{BroadcastState, Lane, POSTMORTEM},
    delivery::DeliveryState,
    ids::{DeliveryId, SubscriberId},
    rate::Rate,
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::SignedDuration;
use server::store::{
    Store,
    deliveries::{Letter, NewLetter},
};
use tokio::time::{Instant, sleep};

use super::stage::{Stage, busiest_second, holds, most_within, told};
use crate::support::{
    company::address,
    db::{on_both, on_both_at_once},
    smtp::{Act, SmtpServer, Step, When},
};

on_both!(
    what_was_cut_off_while_it_was_handed_over_is_sent_once_more,
    a_greylisted_reader_is_tried_again_from_the_same_sender,
    a_mailbox_that_is_full_again_and_again_is_left_alone,
    an_alert_overtakes_a_slow_broadcast,
    clocks_that_jump_neither_flood_nor_stall,
    a_day_that_passes_at_once_ends_what_is_old,
);

on_both_at_once!(a_server_that_bears_less_than_we_think_sets_the_pace, twenty_restarts_earn_no_flood);

async fn what_was_cut_off_while_it_was_handed_over_is_sent_once_more(store: Store) {
    let cut = Act::reply("354 Go on").and_close();
    let server = SmtpServer::script().when(Step::Data, When::Nth(3), cut).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.connections = 1;
    stage.company.subscribe("p", 10, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    // Nothing of the message was written when it broke off, so nobody can have it: no ten minutes, no attempt.
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.uncertain), (10, 0));
    let recipients = store.recipients(&broadcast.id, None, SubscriberId(0), 100).await.unwrap();
    assert!(recipients.iter().all(|recipient| recipient.attempts == 1), "{recipients:?}");
    let told = told(&server.accepted(), "");
    assert!(told.len() == 10 && told.values().all(|times| *times == 1), "{told:?}");
    assert_eq!(server.steps(Step::Data), 11);
    running.stop().await;
}

async fn a_greylisted_reader_is_tried_again_from_the_same_sender(store: Store) {
    let greylisting = Act::reply("450 4.7.1 Greylisted, come back later");
    let to = address("p", 3);
    let server = SmtpServer::script().when(Step::Rcpt, When::Nth(4), greylisting).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.connections = 1;
    stage.company.subscribe("p", 10, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    stage.until(&broadcast, |found| found.sent == 9).await;
    // Pauses are spread by a fifth: never before four minutes.
    stage.clock.advance(SignedDuration::from_secs(230));
    running.worker.handle().wake();
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(server.steps(Step::Rcpt), 10);
    stage.wait(3);
    running.worker.handle().wake();
    assert_eq!(stage.until_over(&broadcast).await.sent, 10);
    let mails = server.accepted();
    let others = mails[8].at - mails[0].at;
    assert!(others <= Duration::from_secs(2), "the other nine took {others:?}");
    let commands = server.commands();
    let tries = commands.windows(2).filter(|pair| pair[1].1.contains(&to));
    let senders: Vec<_> = tries.map(|pair| &pair[0].1).collect();
    assert!(senders.len() == 2 && senders[0] == senders[1] && senders[0].starts_with("MAIL FROM:<"), "{senders:?}");
    running.stop().await;
}

async fn a_mailbox_that_is_full_again_and_again_is_left_alone(store: Store) {
    let full = Act::reply("452 4.2.2 The mailbox is full");
    let server = SmtpServer::script().on(Step::Rcpt, full).start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    let running = stage.start();
    let letter = |number| NewLetter {
        id: DeliveryId::from_random(number),
        kind: "sign_in",
        lane: Lane::Account,
        to: "full@example.com".parse().unwrap(),
        subscriber: None,
        message: Letter { subject: "Hello".into(), text: "Hello.".into(), html: String::new() },
        dedupe_key: None,
        expires_at: stage.now() + SignedDuration::from_hours(4),
    };
    for number in 1..=3_u64 {
        assert!(!store.is_suppressed("full@example.com", stage.now()).await.unwrap());
        let mut write = store.write().await.unwrap();
        write.insert_letter(&letter(number), stage.now()).await.unwrap();
        write.commit().await.unwrap();
        running.worker.handle().wake();
        let deadline = Instant::now() + Duration::from_mins(1);
        while server.steps(Step::Rcpt) < usize::try_from(number).unwrap()
            || store.delivery_outcome(&letter(number).id).await.unwrap().unwrap().state != DeliveryState::Waiting
        {
            assert!(Instant::now() < deadline, "letter {number} is not tried");
            sleep(Duration::from_millis(10)).await;
        }
    }
    let resting = store.suppression("full@example.com", stage.now()).await.unwrap().unwrap();
    assert!(resting.expires_at.unwrap() > stage.now() + SignedDuration::from_hours(29 * 24), "{resting:?}");
    // What waits is not tried again.
    stage.wait(150);
    running.worker.handle().wake();
    assert_eq!(stage.outcome_of(&letter(1).id).await, DeliveryState::Skipped);
    assert_eq!(server.steps(Step::Rcpt), 3);
    running.stop().await;
}

async fn a_server_that_bears_less_than_we_think_sets_the_pace(store: Store) {
    const SETTLED: Duration = Duration::from_mins(1);
    const WATCHED: Duration = Duration::from_secs(16);
    let bears = Arc::new(AtomicUsize::new(10));
    let slower = Act::reply("454 4.7.0 Throttling failure: Maximum sending rate exceeded");
    let limit = When::MoreThanInASecond(Arc::clone(&bears));
    let server = SmtpServer::script().when(Step::Dot, limit, slower).start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(20));
    // More than it bears in the time that is watched.
    stage.company.subscribe("p", 700, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let (settled, running) = (Instant::now() + SETTLED, stage.start());
    sleep(SETTLED + WATCHED).await;
    let tried: Vec<_> = server.times(Step::Dot).into_iter().filter(|at| *at >= settled).collect();
    let refused = server.refused();
    let late = refused.iter().filter(|refused| refused.at >= settled).count();
    assert!(tried.len() >= 45, "{} were tried in {WATCHED:?}", tried.len());
    // The pace rises again, so once more it may be too fast: by what has run ahead when it is told so.
    assert!(late <= 2, "{late} were too fast after a minute");
    let most = most_within(Duration::from_secs(1), &tried);
    assert!(most <= 10 + late, "{most} in a second after a minute");
    assert!(refused.len() <= 40, "{} were too fast", refused.len());
    let standing = stage.company.look(&broadcast).await;
    assert!(standing.state.is_open() && standing.failed == 0, "{standing:?}");

    bears.store(1_000, Ordering::Relaxed);
    stage.wait(20);
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.failed), (700, 0));
    assert!(told(&server.accepted(), "").values().all(|times| *times == 1));
    running.stop().await;
}

async fn an_alert_overtakes_a_slow_broadcast(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(1));
    stage.company.subscribe("p", 30, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    // Just after one of the broadcast has left, half-way to the next, and shortly before that.
    for (number, phase) in [(1, 0), (2, 400), (3, 800)] {
        let sent = server.count();
        server.until(sent + 1).await;
        sleep(Duration::from_millis(phase)).await;
        let letter = NewLetter {
            id: DeliveryId::from_random(number),
            kind: "alert",
            lane: Lane::Alert,
            to: "owner@example.com".parse().unwrap(),
            subscriber: None,
            message: Letter { subject: "Look".into(), text: format!("Look at this: {number}."), html: String::new() },
            dedupe_key: None,
            expires_at: stage.now() + SignedDuration::from_hours(4),
        };
        let mut write = store.write().await.unwrap();
        write.insert_letter(&letter, stage.now()).await.unwrap();
        write.commit().await.unwrap();
        let (asked, before) = (Instant::now(), server.count());
        running.worker.handle().wake();
        assert_eq!(stage.outcome_of(&letter.id).await, DeliveryState::Sent);
        let mails = server.accepted();
        let place = mails.iter().position(|mail| holds(mail, &letter.message.text)).unwrap();
        assert!(place <= before + 1, "{} others went before it", place - before);
        let took = mails[place].at - asked;
        assert!(took <= Duration::from_secs(2), "it took {took:?}, {phase} ms after a mail");
    }
    assert!(stage.company.look(&broadcast).await.waiting() > 0);
    running.stop().await;
}

async fn clocks_that_jump_neither_flood_nor_stall(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(60)).within("10000/day");
    stage.company.subscribe("p", 500, Follows::everything(), stage.now()).await;
    // A postmortem is worth sending for a week.
    let broadcast = stage.company.post_as(POSTMORTEM, Investigating, stage.now()).await;
    let running = stage.start();
    for (mails, hours) in [(60, -1), (120, 2), (180, -3), (240, 1), (320, 24)] {
        server.until(mails).await;
        stage.clock.advance(SignedDuration::from_hours(hours));
    }
    assert_eq!(stage.until_over(&broadcast).await.sent, 500);
    let mails = server.accepted();
    assert!(told(&mails, "").values().all(|times| *times == 1));
    let longest = mails.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
    assert!(longest <= Duration::from_secs(2), "it stood still for {longest:?}");
    // Broadcasts may use 51 a second and a burst of half a second, and a jump may earn another burst.
    assert!(busiest_second(&mails) <= 51 + 26 + 26, "{} in a second", busiest_second(&mails));
    running.stop().await;
}

async fn a_day_that_passes_at_once_ends_what_is_old(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(40));
    stage.company.subscribe("p", 300, Follows::everything(), stage.now()).await;
    let old = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    server.wait_for(30).await;
    stage.wait(24 * 60);
    let old = stage.until_over(&old).await;
    assert_eq!((old.state, old.sent + old.expired), (BroadcastState::Expired, 300));
    let before = server.accepted().len();
    let new = stage.company.post(Investigating, stage.now()).await;
    running.worker.handle().wake();
    server.wait_for(before + 20).await;
    let new = stage.until(&new, |found| found.sent >= 20).await;
    assert!(new.state.is_open());
    running.stop().await;
}

async fn twenty_restarts_earn_no_flood(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(20));
    stage.company.subscribe("p", 1200, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let began = Instant::now();
    for life in 0..20 {
        let running = stage.start();
        sleep(Duration::from_secs(2)).await;
        if life % 2 == 0 {
            running.crash();
        } else {
            running.stop().await;
        }
    }
    let (mails, took) = (server.accepted(), began.elapsed());
    // Broadcasts may use 17 a second, and a burst of half a second.
    let pace = usize::try_from(took.as_millis() * 17 / 1000).unwrap();
    assert!(mails.len() <= pace + 9, "{} mails in {took:?}", mails.len());
    assert!(mails.len() * 100 >= pace * 60, "only {} mails in {took:?}", mails.len());
    // … and what was let go just before may arrive with it.
    assert!(busiest_second(&mails) <= 17 + 9 + 5, "{} in a second", busiest_second(&mails));
    let standing = stage.company.look(&broadcast).await;
    let told = told(&mails, "");
    assert!(standing.state.is_open() && standing.sent <= i64::try_from(told.len()).unwrap(), "{standing:?}");
}
