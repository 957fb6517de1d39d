//! Servers that dawdle, and servers that can do little. A minute for the greeting and minutes for the final dot are what they
//! are in earnest; that ten minutes are the end is shown of a session.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{delivery::DeliveryState, ids::SubscriberId, status::IncidentStatus::Investigating, subscriber::Follows};
use server::store::{Store, broadcasts::Broadcast, recipients::Recipient};
use tokio::time::{Instant, sleep};

use super::stage::{Stage, header, told};
use crate::support::{
    company::address,
    db::{on_both, on_both_at_once},
    smtp::{Act, SmtpServer, Step, When},
};

on_both_at_once!(
    whoever_drips_is_given_up_and_the_other_connections_go_on,
    an_answer_three_minutes_late_costs_no_second_mail,
);
on_both!(
    an_answer_that_came_too_late_is_not_the_next_mails,
    a_server_without_extensions_gets_everything_in_plain_ascii
);

async fn recipients(stage: &Stage, broadcast: &Broadcast, state: DeliveryState) -> Vec<Recipient> {
    stage.company.store.recipients(&broadcast.id, Some(state), SubscriberId(0), 1_000).await.unwrap()
}

async fn whoever_drips_is_given_up_and_the_other_connections_go_on(store: Store) {
    let banner = Act::reply("220-This server says what it has to say, and all of it\n220 in its own good time")
        .dripping(Duration::from_secs(1));
    let taken = Act::reply("250 2.0.0 Taken, with the greatest of pleasure, and in no hurry at all")
        .dripping(Duration::from_millis(500));
    let server = SmtpServer::script()
        .when(Step::Greeting, When::Nth(1), banner)
        .when(Step::Dot, When::Nth(5), taken)
        .start()
        .await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.connections = 3;
    stage.settings.deadlines.dot = Duration::from_secs(5);
    let hello = stage.settings.deadlines.hello;
    stage.company.subscribe("p", 80, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let (began, running) = (Instant::now(), stage.start());
    stage.until(&broadcast, |found| found.sent == 78).await;
    assert!(began.elapsed() < hello, "they waited for the one that is not greeted");
    while recipients(&stage, &broadcast, DeliveryState::Waiting).await.is_empty() {
        assert!(began.elapsed() < hello, "the dot is not given up");
        sleep(Duration::from_millis(20)).await;
    }
    let waiting = recipients(&stage, &broadcast, DeliveryState::Waiting).await;
    assert!(waiting.len() == 1 && waiting[0].reason.contains("did not answer within 5 seconds"), "{waiting:?}");
    sleep(hello.saturating_sub(began.elapsed() + Duration::from_secs(5))).await;
    assert_eq!(stage.company.look(&broadcast).await.sent, 78, "the greeting is given up early");
    stage.until(&broadcast, |found| found.sent == 79).await;
    stage.wait(11);
    running.worker.handle().wake();
    assert_eq!(stage.until_over(&broadcast).await.sent, 80);
    let mails = server.accepted();
    let told = told(&mails, "");
    // The one whose answer dripped was taken all the same.
    assert!(told.len() == 80 && mails.len() == 81 && told[&waiting[0].address] == 2, "{told:?}");
    running.stop().await;
}

async fn an_answer_three_minutes_late_costs_no_second_mail(store: Store) {
    const LATE: Duration = Duration::from_mins(3);
    let server = SmtpServer::script().when(Step::Dot, When::Nth(3), Act::usual().after(LATE)).start().await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.connections = 2;
    stage.company.subscribe("p", 40, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let (began, running) = (Instant::now(), stage.start());
    stage.until(&broadcast, |found| found.sent == 39).await;
    sleep(LATE.saturating_sub(began.elapsed())).await;
    let done = stage.until_over(&broadcast).await;
    assert_eq!((done.sent, done.uncertain), (40, 0));
    assert_eq!((server.steps(Step::Dot), told(&server.accepted(), "").len()), (40, 40));
    running.stop().await;
}

async fn an_answer_that_came_too_late_is_not_the_next_mails(store: Store) {
    // Half a second after we gave it up, and before the next mail: over the same connection it would be the answer to that.
    let server = SmtpServer::script()
        .when(Step::Dot, When::Nth(1), Act::usual().after(Duration::from_millis(1_500)))
        .when(Step::Dot, When::Nth(2), Act::reply("554 5.6.0 Refused"))
        .start()
        .await;
    let mut stage = Stage::new(&store, Some(&server)).await;
    stage.settings.connections = 1;
    stage.settings.deadlines.dot = Duration::from_secs(1);
    stage.company.subscribe("p", 2, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    stage.until(&broadcast, |found| found.failed == 1).await;
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
    let stage = Stage::new(&store, Some(&server)).await;
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
