//! How many connections mails need, and what one that was closed costs.

use std::time::Duration;

use domain::{
    broadcast::BroadcastState, health::Condition, rate::Rate, status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::stage::{Stage, told};
use crate::support::{
    db::Database,
    smtp::{Act, SmtpServer, Step, When},
};

#[tokio::test]
async fn mails_that_leave_slowly_go_over_few_connections() {
    let server = SmtpServer::start().await;
    let story = async |store| {
        let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(6));
        stage.company.subscribe("p", 24, Follows::everything(), stage.now()).await;
        let broadcast = stage.company.post(Investigating, stage.now()).await;
        let running = stage.start();
        assert_eq!(stage.until_over(&broadcast).await.sent, 24);
        running.stop().await;
    };
    Database::sqlite().await.run(story).await;
    let mails = server.accepted();
    let over = |connection| mails.iter().filter(|mail| mail.connection == connection).count();
    let busiest = (1..=server.connections()).map(over).max().unwrap();
    assert!(busiest >= 12, "{busiest} of 24 over one of {} connections", server.connections());
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_idle_is_no_trouble() {
    // It closes as soon as it has taken a mail.
    let server = SmtpServer::script().on(Step::Dot, Act::usual().and_close()).start().await;
    let story = async |store| {
        let mut stage = Stage::new(&store, Some(&server)).await;
        stage.settings.connections = 1;
        stage.company.subscribe("p", 20, Follows::everything(), stage.now()).await;
        let broadcast = stage.company.post(Investigating, stage.now()).await;
        let running = stage.start();
        assert_eq!(stage.until_over(&broadcast).await.sent, 20);
        let health = stage.company.store.transport("main").await.unwrap().unwrap();
        assert_eq!((health.condition, health.noted_at), (Condition::Fine, health.since), "it never had trouble");
        running.stop().await;
    };
    Database::sqlite().await.run(story).await;
    assert!(told(&server.accepted(), "").values().all(|times| *times == 1));
    assert_eq!((server.count(), server.connections()), (20, 20));
}

#[tokio::test]
async fn what_is_cancelled_while_a_server_in_trouble_takes_its_time_is_not_sent_to_try_it() {
    let gate = CancellationToken::new();
    let server = SmtpServer::script()
        .when(Step::Greeting, When::Nth(1), Act::reply("421 4.3.2 Too busy").and_close())
        .on(Step::Greeting, Act::usual().held_by(&gate))
        .start()
        .await;
    let story = async |store| {
        let mut stage = Stage::new(&store, Some(&server)).await;
        stage.settings.connections = 1;
        stage.company.subscribe("p", 3, Follows::everything(), stage.now()).await;
        let broadcast = stage.company.post(Investigating, stage.now()).await;
        let running = stage.start();
        let deadline = Instant::now() + Duration::from_mins(1);
        while server.connections() < 2 {
            assert!(Instant::now() < deadline, "it is not tried again");
            stage.clock.advance(SignedDuration::from_secs(1));
            sleep(Duration::from_millis(100)).await;
        }
        let mut write = store.write().await.unwrap();
        write.set_broadcast_state(&broadcast.id, BroadcastState::Cancelled, "", stage.now()).await.unwrap();
        write.commit().await.unwrap();
        // Longer than what was found before holds.
        sleep(Duration::from_millis(1_200)).await;
        gate.cancel();
        let over = stage.until(&broadcast, |found| found.waiting() == 0).await;
        assert_eq!((over.state, over.sent, over.skipped), (BroadcastState::Cancelled, 0, 3));
        running.stop().await;
    };
    Database::sqlite().await.run(story).await;
    assert_eq!(server.steps(Step::Mail), 0);
}
