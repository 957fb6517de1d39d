//! From publishing to inboxes: everyone, once, in time, and only those who want it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::{BroadcastState, Lane},
    delivery::DeliveryState,
    ids::DeliveryId,
    rate::Rate,
    status::IncidentStatus::{Investigating, Resolved},
    subscriber::{Follows, SubscriberState},
};
use jiff::SignedDuration;
use server::store::{
    Store,
    broadcasts::Broadcast,
    deliveries::{Letter, NewLetter},
};
use tokio::time::{Instant, sleep};

use super::stage::{SOON, Stage, after, header, holds, told};
use crate::support::{
    company::{address, api, website},
    db::{Database, on_both},
    smtp::{Act, SmtpServer, Step, When},
};

on_both!(
    each_of_a_thousand_is_told_once,
    only_those_who_follow_the_component_are_told,
    nobody_hears_the_beginning_after_the_end,
    who_leaves_meanwhile_is_not_told,
    the_rate_is_kept,
    a_paused_broadcast_stands_still_until_it_is_resumed,
    a_cancelled_broadcast_stops,
    a_letter_overtakes_a_broadcast,
    a_flood_of_sign_ups_does_not_hold_up_a_broadcast,
    a_refused_address_is_not_tried_again_and_holds_up_nobody,
    who_is_greylisted_is_told_later,
    what_may_have_arrived_is_sent_once_more_with_the_same_id,
    a_confirmation_that_may_have_arrived_is_not_repeated,
    who_asks_again_a_day_after_their_address_failed_is_written_to,
    a_server_that_is_down_for_a_moment_costs_nobody_their_mail,
    a_server_that_breaks_off_after_every_mail_is_not_run_through,
);

fn everything() -> Follows {
    Follows::everything()
}

async fn set(stage: &Stage, broadcast: &Broadcast, to: BroadcastState) {
    let mut write = stage.company.store.write().await.unwrap();
    assert!(write.set_broadcast_state(&broadcast.id, to, "", stage.now()).await.unwrap());
    write.commit().await.unwrap();
}

fn confirmation(stage: &Stage) -> NewLetter {
    NewLetter {
        id: DeliveryId::from_random(42),
        kind: "confirmation",
        lane: Lane::Account,
        to: "new@example.com".parse().unwrap(),
        subscriber: None,
        message: Letter { subject: "Please confirm".into(), text: "Follow the link.".into(), html: String::new() },
        dedupe_key: None,
        expires_at: stage.now() + SignedDuration::from_hours(2),
    }
}

async fn insert(stage: &Stage, letter: &NewLetter) {
    let mut write = stage.company.store.write().await.unwrap();
    write.insert_letter(letter, stage.now()).await.unwrap();
    write.commit().await.unwrap();
}

async fn each_of_a_thousand_is_told_once(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 1000, everything(), stage.now()).await;
    let running = stage.start();
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    running.worker.handle().wake();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.state, done.sent, done.total), (BroadcastState::Done, 1000, 1000));
    let told = told(&server.accepted(), broadcast.id.as_str());
    assert_eq!(told.len(), 1000);
    assert!(told.values().all(|times| *times == 1));
    let mut ids: Vec<_> = server.accepted().iter().map(|mail| header(mail, "message-id")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1000, "two recipients never share a Message-ID");
    running.stop().await;
}

async fn only_those_who_follow_the_component_are_told(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    let one = |component| Follows { components: [component].into(), ..Follows::default() };
    stage.company.subscribe("api", 20, one(api()), stage.now()).await;
    stage.company.subscribe("web", 20, one(website()), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    assert_eq!(stage.until_over(&broadcast).await.sent, 20);
    let told = told(&server.accepted(), "");
    assert!(told.len() == 20 && told.keys().all(|to| to.starts_with("api")), "{told:?}");
    running.stop().await;
}

async fn nobody_hears_the_beginning_after_the_end(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(100));
    stage.company.subscribe("p", 200, everything(), stage.now()).await;
    let running = stage.start();
    let older = stage.company.post(Investigating, stage.now()).await;
    server.until(80).await;
    let published = Instant::now();
    let newer = stage.company.post(Resolved, stage.now()).await;
    let done = stage.until_over(&newer).await;
    let superseded = stage.until_over(&older).await;
    assert_eq!(done.sent, 200);
    assert_eq!(superseded.state, BroadcastState::Superseded);
    assert_eq!(superseded.sent + superseded.skipped, 200);
    assert!(superseded.sent < 200, "it stopped");

    // Each Message-ID names its broadcast; later mails repeat what earlier ones said.
    let mails = server.accepted();
    let end = told(&mails, newer.id.as_str());
    assert!(end.len() == 200 && end.values().all(|times| *times == 1));
    let beginning = told(&mails, older.id.as_str());
    assert_eq!(beginning.len(), usize::try_from(superseded.sent).unwrap());
    for to in beginning.keys() {
        let of = |broadcast: &Broadcast| {
            mails.iter().position(|mail| mail.to[0] == *to && holds(mail, broadcast.id.as_str())).unwrap()
        };
        assert!(of(&older) < of(&newer), "{to}");
        let late = mails[of(&older)].at.saturating_duration_since(published);
        assert!(late < Duration::from_millis(1_500), "{to} was told {late:?} after the end was published");
    }
    running.stop().await;
}

async fn who_leaves_meanwhile_is_not_told(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(100));
    stage.company.subscribe("p", 200, everything(), stage.now()).await;
    let running = stage.start();
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    server.wait_for(20).await;
    let mut write = store.write().await.unwrap();
    let email = address("p", 199).parse().unwrap();
    let mut subscriber = write.subscriber_by_email(&email).await.unwrap().unwrap();
    subscriber.state = SubscriberState::Unsubscribed;
    write.put_subscriber(&subscriber).await.unwrap();
    write.suppress(&address("p", 198), "asked by letter", None, stage.now()).await.unwrap();
    write.commit().await.unwrap();
    let done = stage.until_over(&broadcast).await;
    assert_eq!(done.sent + done.skipped, done.total);
    assert_eq!(done.sent, 198);
    let told = told(&server.accepted(), "");
    assert!(!told.contains_key(&address("p", 199)) && !told.contains_key(&address("p", 198)));
    running.stop().await;
}

async fn the_rate_is_kept(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(40));
    stage.company.subscribe("p", 100, everything(), stage.now()).await;
    let running = stage.start();
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    stage.until_over(&broadcast).await;
    let mails = server.accepted();
    let took = mails[99].at - mails[0].at;
    assert!(took >= Duration::from_secs(2), "100 mails in {took:?} at 34 a second");
    assert!(took <= Duration::from_secs(6), "100 mails in {took:?} at 34 a second");
    for (first, mail) in mails.iter().enumerate() {
        let window = mails[first..].iter().take_while(|other| other.at - mail.at < Duration::from_secs(1));
        assert!(window.count() <= 40 + 20, "more than one second's worth and a burst");
    }
    running.stop().await;
}

async fn a_paused_broadcast_stands_still_until_it_is_resumed(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(100));
    stage.company.subscribe("p", 300, everything(), stage.now()).await;
    let running = stage.start();
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    server.wait_for(20).await;
    set(&stage, &broadcast, BroadcastState::Paused).await;
    // What is promised is a second.
    sleep(Duration::from_millis(1_200)).await;
    let before = server.accepted().len();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(server.accepted().len(), before);
    assert!(before < 300);
    set(&stage, &broadcast, BroadcastState::Sending).await;
    running.worker.handle().wake();
    assert_eq!(stage.until_over(&broadcast).await.sent, 300);
    assert!(told(&server.accepted(), "").values().all(|times| *times == 1));
    running.stop().await;
}

async fn a_cancelled_broadcast_stops(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(100));
    stage.company.subscribe("p", 400, everything(), stage.now()).await;
    let running = stage.start();
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    server.wait_for(20).await;
    set(&stage, &broadcast, BroadcastState::Cancelled).await;
    let cancelled_at = Instant::now();
    let over = stage.until_over(&broadcast).await;
    assert_eq!(over.state, BroadcastState::Cancelled);
    assert_eq!(over.sent + over.skipped, 400);
    assert!((20..400).contains(&over.sent), "{} were sent", over.sent);
    let mails = server.accepted();
    assert_eq!(i64::try_from(mails.len()).unwrap(), over.sent);
    assert_eq!(after(&mails, cancelled_at + SOON), 0);
    running.stop().await;
}

async fn a_letter_overtakes_a_broadcast(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(40));
    stage.company.subscribe("p", 150, everything(), stage.now()).await;
    let running = stage.start();
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    server.wait_for(10).await;
    insert(&stage, &confirmation(&stage)).await;
    running.worker.handle().wake();
    stage.until_over(&broadcast).await;
    let place = server.accepted().iter().position(|mail| holds(mail, "Please confirm")).unwrap();
    assert!(place < 60, "it was the {place}th");
    running.stop().await;
}

async fn a_flood_of_sign_ups_does_not_hold_up_a_broadcast(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(50));
    stage.company.subscribe("p", 100, everything(), stage.now()).await;
    let mut write = store.write().await.unwrap();
    for number in 0..500 {
        let letter = NewLetter { id: DeliveryId::from_random(1_000 + number), ..confirmation(&stage) };
        assert!(write.insert_letter(&letter, stage.now()).await.unwrap());
    }
    write.commit().await.unwrap();
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    assert_eq!(stage.until_over(&broadcast).await.sent, 100);
    // At 20 % of the rate there are some 27 in the time that a hundred need of the rest.
    let letters = told(&server.accepted(), "Please confirm").values().sum::<usize>();
    assert!((5..60).contains(&letters), "{letters} confirmations were sent meanwhile");
    running.stop().await;
}

async fn a_refused_address_is_not_tried_again_and_holds_up_nobody(store: Store) {
    let nobody = When::Holding(format!("<{}>", address("p", 3)));
    let server = SmtpServer::script().when(Step::Rcpt, nobody, Act::reply("550 5.1.1 No such user")).start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 10, everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.state, done.sent, done.failed), (BroadcastState::Done, 9, 1));
    assert!(store.is_suppressed(&address("p", 3), stage.now()).await.unwrap());
    running.stop().await;
}

async fn who_is_greylisted_is_told_later(store: Store) {
    let greylisting = Act::reply("450 4.7.1 Greylisted, come back later");
    let server = SmtpServer::script().when(Step::Rcpt, When::Nth(1), greylisting).start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 10, everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let meanwhile = stage.until(&broadcast, |found| found.sent == 9).await;
    assert_eq!((meanwhile.state, meanwhile.waiting()), (BroadcastState::Sending, 1));
    stage.wait(10);
    running.worker.handle().wake();
    assert_eq!(stage.until_over(&broadcast).await.sent, 10);
    running.stop().await;
}

async fn what_may_have_arrived_is_sent_once_more_with_the_same_id(store: Store) {
    let drops = Act::close().taking_the_mail();
    let to = address("p", 0);
    let server = SmtpServer::script().when(Step::Dot, When::Holding(to.clone()), drops).start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 5, everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    let copies = || server.accepted().into_iter().filter(|mail| mail.to[0] == to).collect::<Vec<_>>();
    let meanwhile = stage.until(&broadcast, |found| found.sent == 4).await;
    assert_eq!((meanwhile.waiting(), meanwhile.uncertain), (1, 0));
    let later = async |minutes| {
        stage.wait(minutes);
        running.worker.handle().wake();
        sleep(Duration::from_millis(1_200)).await;
    };
    later(9).await;
    assert_eq!(copies().len(), 1, "not before ten minutes are over");
    stage.wait(2);
    running.worker.handle().wake();
    let over = stage.until_over(&broadcast).await;
    assert_eq!((over.state, over.sent, over.failed, over.uncertain), (BroadcastState::Done, 4, 0, 1));
    later(30).await;
    let copies = copies();
    assert_eq!((copies.len(), server.count()), (2, 6), "once more, and nobody else");
    assert_eq!(header(&copies[0], "message-id"), header(&copies[1], "message-id"));
    running.stop().await;
}

async fn a_confirmation_that_may_have_arrived_is_not_repeated(store: Store) {
    let drops = Act::close().taking_the_mail();
    let server = SmtpServer::script().when(Step::Dot, When::Nth(1), drops).start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    let letter = confirmation(&stage);
    insert(&stage, &letter).await;
    let running = stage.start();
    server.wait_for(1).await;
    assert_eq!(stage.outcome_of(&letter.id).await, DeliveryState::Uncertain);
    running.stop().await;
}

async fn who_asks_again_a_day_after_their_address_failed_is_written_to(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    let mut write = store.write().await.unwrap();
    write.suppress("new@example.com", "the address does not exist", None, stage.now()).await.unwrap();
    write.commit().await.unwrap();
    let running = stage.start();
    let letters = [("confirmation", 1, false), ("confirmation", 2, true), ("sign_in", 3, true)];
    let mut outcomes = Vec::new();
    for (kind, number, is_later) in letters {
        if is_later {
            stage.wait(25 * 60);
        }
        let letter = NewLetter { id: DeliveryId::from_random(number), kind, ..confirmation(&stage) };
        insert(&stage, &letter).await;
        running.worker.handle().wake();
        outcomes.push(stage.outcome_of(&letter.id).await);
    }
    assert_eq!(outcomes, [DeliveryState::Skipped, DeliveryState::Sent, DeliveryState::Skipped]);
    running.stop().await;
}

async fn a_server_that_is_down_for_a_moment_costs_nobody_their_mail(store: Store) {
    let busy = Act::reply("421 4.3.2 Back in a moment").and_close();
    let server = SmtpServer::script().when(Step::Greeting, When::Nth(1), busy).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.connections = 1;
    stage.company.subscribe("p", 10, everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    assert_eq!(stage.until_over(&broadcast).await.sent, 10);
    assert!(told(&server.accepted(), "").values().all(|times| *times == 1));
    running.stop().await;
}

async fn a_server_that_breaks_off_after_every_mail_is_not_run_through(store: Store) {
    let server = SmtpServer::script().on(Step::Dot, Act::close().taking_the_mail()).start().await;
    let stage = Stage::new(&store, Some(&server)).await;
    stage.company.subscribe("p", 200, everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    server.wait_for(1).await;
    // Pauses of a second, then two: at most three rounds of eight connections.
    sleep(Duration::from_millis(2_500)).await;
    let tried = server.accepted().len();
    assert!(tried <= 24, "{tried} people may or may not have been told");
    assert!(stage.company.look(&broadcast).await.state.is_open());
    running.stop().await;
}

#[tokio::test]
async fn two_nodes_on_one_database_send_each_mail_once() {
    let database = Database::postgres().await;
    let other = database.store().await;
    let again = other.clone();
    database
        .run(async |store| {
            let server = SmtpServer::start().await;
            let stage = Stage::new(&store, Some(&server)).await;
            stage.company.subscribe("p", 1500, everything(), stage.now()).await;
            let broadcast = stage.company.post(Investigating, stage.now()).await;
            let (one, two) = (stage.start(), stage.start_on(&other, "two"));
            let done = stage.until_over(&broadcast).await;
            assert_eq!((done.sent, done.total), (1500, 1500));
            let told = told(&server.accepted(), "");
            assert_eq!(told.len(), 1500);
            assert!(told.values().all(|times| *times == 1));
            tokio::join!(one.stop(), two.stop());
        })
        .await;
    again.close().await;
}
