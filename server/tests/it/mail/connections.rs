//! How many connections mails need, and what one that was closed costs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use domain::{rate::Rate, status::IncidentStatus::Investigating, subscriber::Follows};

use super::stage::{Stage, told};
use crate::support::{
    db::Database,
    smtp::{Act, SmtpServer, Step},
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
        assert_eq!(stage.company.store.transport("main").await.unwrap(), None, "it never had trouble");
        running.stop().await;
    };
    Database::sqlite().await.run(story).await;
    assert!(told(&server.accepted(), "").values().all(|times| *times == 1));
    assert_eq!((server.count(), server.connections()), (20, 20));
}
