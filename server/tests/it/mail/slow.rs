//! Servers that dawdle, and servers that can do little. Their time is a thirtieth of what it is in earnest: twenty seconds
//! for the final dot, two of which hold up the others.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{delivery::DeliveryState, ids::SubscriberId, status::IncidentStatus::Investigating, subscriber::Follows};
use server::{
    mail::session::Deadlines,
    store::{Store, broadcasts::Broadcast, recipients::Recipient},
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::stage::{Stage, header, told};
use crate::support::{
    company::address,
    db::on_both,
    smtp::{Act, SmtpServer, Step, When},
};

on_both!(
    whoever_drips_is_given_up_and_the_other_connections_go_on,
    an_answer_that_takes_its_time_costs_no_second_mail,
    an_answer_that_came_too_late_is_not_the_next_mails,
    a_server_without_extensions_gets_everything_in_plain_ascii,
);

async fn stage(store: &Store, server: &SmtpServer, connections: usize) -> Stage {
    let mut stage = Stage::new(store, Some(server)).await;
    let second = Duration::from_secs(1);
    stage.settings.deadlines =
        Deadlines { connect: 10 * second, hello: 3 * second, command: 10 * second, dot: 20 * second, quit: second };
    stage.settings.connections = connections;
    stage
}

async fn recipients(stage: &Stage, broadcast: &Broadcast, state: DeliveryState) -> Vec<Recipient> {
    stage.company.store.recipients(&broadcast.id, Some(state), SubscriberId(0), 1_000).await.unwrap()
}

async fn whoever_drips_is_given_up_and_the_other_connections_go_on(store: Store) {
    let pause = Duration::from_millis(500);
    let banner = Act::reply("220-This server says what it has to say\n220 in its own good time").dripping(pause);
    let taken = Act::reply("250 2.0.0 Taken, with the greatest of pleasure, and in no hurry at all").dripping(pause);
    let server = SmtpServer::script()
        .when(Step::Greeting, When::Nth(1), banner)
        .when(Step::Dot, When::Nth(5), taken)
        .start()
        .await;
    let mut stage = stage(&store, &server, 3).await;
    let (connect, hello, dot) = (Duration::from_secs(3), Duration::from_secs(8), Duration::from_secs(5));
    stage.settings.deadlines = Deadlines { connect, hello, dot, ..stage.settings.deadlines };
    stage.company.subscribe("p", 80, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let (began, running) = (Instant::now(), stage.start());
    stage.until(&broadcast, |found| found.sent == 78).await;
    assert!(began.elapsed() < hello, "they waited for the one that is not greeted");
    stage.until(&broadcast, |found| found.sent == 79).await;
    while !recipients(&stage, &broadcast, DeliveryState::Leased).await.is_empty() {
        assert!(began.elapsed() < Duration::from_mins(1), "it is not given up");
        sleep(Duration::from_millis(20)).await;
    }
    let waiting = recipients(&stage, &broadcast, DeliveryState::Waiting).await;
    assert!(waiting.len() == 1 && waiting[0].reason.contains("did not answer within 5 seconds"), "{waiting:?}");
    stage.wait(11);
    running.worker.handle().wake();
    assert_eq!(stage.until_over(&broadcast).await.sent, 80);
    let mails = server.accepted();
    let told = told(&mails, "");
    // The one whose answer dripped was taken all the same.
    assert!(told.len() == 80 && mails.len() == 81 && told[&waiting[0].address] == 2, "{told:?}");
    running.stop().await;
}

async fn an_answer_that_takes_its_time_costs_no_second_mail(store: Store) {
    // Three of ten minutes.
    let late = Act::usual().after(Duration::from_secs(6));
    let server = SmtpServer::script().when(Step::Dot, When::Nth(3), late).start().await;
    let stage = stage(&store, &server, 2).await;
    stage.company.subscribe("p", 40, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    stage.until(&broadcast, |found| found.sent == 39).await;
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.uncertain), (40, 0));
    assert_eq!((server.steps(Step::Dot), told(&server.accepted(), "").len()), (40, 40));
    running.stop().await;
}

async fn an_answer_that_came_too_late_is_not_the_next_mails(store: Store) {
    let gate = CancellationToken::new();
    let server = SmtpServer::script()
        .when(Step::Dot, When::Nth(1), Act::usual().held_by(&gate))
        .when(Step::Dot, When::Nth(2), Act::reply("554 5.6.0 Refused"))
        .start()
        .await;
    let mut stage = stage(&store, &server, 1).await;
    stage.settings.deadlines.dot = Duration::from_secs(1);
    stage.company.subscribe("p", 2, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    stage.until(&broadcast, |found| found.failed == 1).await;
    gate.cancel();
    let failed = recipients(&stage, &broadcast, DeliveryState::Failed).await;
    assert_eq!(
        (failed[0].address.clone(), failed[0].reason.as_str()),
        (address("p", 1), "Final dot: 554 5.6.0 Refused")
    );
    server.until(1).await;
    stage.wait(11);
    running.worker.handle().wake();
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.failed), (1, 1));
    let mails = server.accepted();
    assert!(mails.len() == 2 && mails.iter().all(|mail| mail.to == [address("p", 0)]), "{}", mails.len());
    assert_eq!(header(&mails[0], "message-id"), header(&mails[1], "message-id"));
    running.stop().await;
}

async fn a_server_without_extensions_gets_everything_in_plain_ascii(store: Store) {
    let server = SmtpServer::script().without_pipelining().start().await;
    let stage = stage(&store, &server, 2).await;
    let mut write = store.write().await.unwrap();
    write.put_setting("name", "Größe & Gewähr 🔥", stage.now()).await.unwrap();
    write.commit().await.unwrap();
    stage.company.subscribe("p", 30, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    assert_eq!(stage.until_over(&broadcast).await.sent, 30);
    for mail in server.accepted() {
        assert!(mail.message.is_ascii() && mail.message.split(|byte| *byte == b'\n').all(|line| line.len() <= 998));
    }
    let commands = server.commands();
    assert!(commands.iter().all(|(_, line)| !line.contains("8BITMIME") && !line.contains("SIZE")), "{commands:?}");
    running.stop().await;
}
