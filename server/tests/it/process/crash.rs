//! `kill -9` in the middle of a broadcast.

use super::console::{Console, subscribe, told};
use crate::support::{db::Database, process::Place, smtp::SmtpServer};

const PEOPLE: usize = 2_000;
/// The most mails under way whose outcome is not stored: U of one process, however fast it may mail.
const PERMITS: usize = 256;

#[tokio::test]
async fn two_thousand_people_survive_two_crashes_on_sqlite() {
    survive(Place::new()).await;
}

#[tokio::test]
async fn two_thousand_people_survive_two_crashes_on_postgres() {
    let database = Database::postgres().await;
    survive(Place::new().with("TIDINGS_DATABASE_URL", &database.url)).await;
    database.drop().await;
}

/// Killed after 500 mails and again after 1,200, started again each time.
async fn survive(place: Place) {
    let server = SmtpServer::start().await;
    let place = place.with("TIDINGS_SMTP_URL", &server.url()).with("TIDINGS_MAIL_RATE", "400/s");
    subscribe(&place, PEOPLE).await;
    let mut console = Console::found(&place).await;
    let broadcast = console.open("Slow", &[("status", "investigating"), ("body", "We look into it.")]).await;
    for count in [500, 1_200] {
        server.wait_for(count).await;
        console.process.crash().await;
        assert!(told(&server.accepted()).len() < PEOPLE, "that was no crash in the middle");
        console = Console::start(&place).await;
    }
    console.sent(&broadcast, PEOPLE as u64).await;
    let mails = server.accepted();
    let told = told(&mails);
    let repeated = mails.len() - PEOPLE;
    eprintln!("{repeated} mails came twice after two crashes");
    assert_eq!(told.len(), PEOPLE, "nobody is missed");
    assert!(repeated <= 2 * PERMITS, "{repeated} mails came twice");
    assert!(told.values().all(|(_, ids)| *ids == 1), "a mail that comes twice has the same Message-ID");
    let mut ids: Vec<_> =
        mails.iter().map(|mail| String::from_utf8_lossy(&mail.message).lines().next().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), PEOPLE, "no two people share a Message-ID");
    console.process.stop().await;
}
