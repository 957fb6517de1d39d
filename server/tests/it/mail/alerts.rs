//! What owners are told of, each by a letter that what it tells of does not hold up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    rate::{Rate, Share},
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use server::{
    mail::transport::Transport,
    store::{Store, mail_rates::Allowance},
};
use tokio::time::{Instant, sleep};

use super::stage::{Stage, holds};
use crate::support::{db::on_both, smtp::SmtpServer};

on_both!(
    owners_hear_that_the_quota_stops_broadcasts,
    owners_hear_of_trouble_even_when_a_server_said_that_they_do_not_exist,
    owners_hear_of_a_confirmation_that_waits_for_more_than_five_minutes,
    owners_hear_of_a_broadcast_that_is_not_over_after_an_hour,
    the_second_server_has_its_own_rate_and_quota,
    letters_go_by_the_first_server_when_the_quota_of_the_second_is_used_up,
    sign_ups_that_used_up_their_part_of_the_second_server_leave_the_first_alone,
);

const LATEST: Duration = Duration::from_mins(1);

/// With an owner, and heartbeats every second.
async fn stage(store: &Store, server: &SmtpServer) -> Stage {
    let mut stage = Stage::new(store, Some(server)).await;
    stage.settings.silence = Duration::from_secs(6);
    stage.owner().await;
    stage
}

async fn book(stage: &Stage, transport: &str, share: Share, mails: u64) {
    let mut write = stage.company.store.write().await.unwrap();
    write.book(transport, share, mails, stage.now()).await.unwrap();
    write.commit().await.unwrap();
}

/// Waits until the owner was sent a letter that tells of this.
async fn told(stage: &Stage, server: &SmtpServer, words: &str) {
    let deadline = Instant::now() + LATEST;
    loop {
        let alerts = stage.company.store.alerts(9).await.unwrap();
        let is_mailed = alerts.iter().any(|alert| alert.message.contains(words) && alert.mailed_at.is_some());
        let is_taken =
            server.accepted().iter().any(|mail| mail.to == ["owner@example.com"] && holds(mail, "needs att"));
        if is_mailed && is_taken {
            return;
        }
        assert!(Instant::now() < deadline, "nobody was told: {alerts:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn owners_hear_that_the_quota_stops_broadcasts(store: Store) {
    let server = SmtpServer::start().await;
    let stage = stage(&store, &server).await.within("1000/day");
    stage.company.subscribe("p", 10, Follows::everything(), stage.now()).await;
    book(&stage, "main", Share::Bulk, 930).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    told(&stage, &server, "The mail quota of 1000/day is used up").await;
    assert_eq!(stage.company.look(&broadcast).await.sent, 0);
    running.stop().await;
}

async fn owners_hear_of_trouble_even_when_a_server_said_that_they_do_not_exist(store: Store) {
    let server = SmtpServer::start().await;
    let stage = stage(&store, &server).await;
    let mut write = store.write().await.unwrap();
    write.suppress("owner@example.com", "the address does not exist", None, stage.now()).await.unwrap();
    write.suppress("new@example.com", "the address does not exist", None, stage.now()).await.unwrap();
    assert!(write.raise_alert("fire", "Something burns.", stage.now()).await.unwrap());
    write.commit().await.unwrap();
    let letter = stage.letter(1, Lane::Account).await;
    let running = stage.start();
    told(&stage, &server, "Something burns.").await;
    assert_eq!(stage.outcome_of(&letter).await, DeliveryState::Skipped, "others are left alone");
    running.stop().await;
}

async fn owners_hear_of_a_confirmation_that_waits_for_more_than_five_minutes(store: Store) {
    let server = SmtpServer::start().await;
    let stage = stage(&store, &server).await.within("1000/day");
    book(&stage, "main", Share::Account, 200).await;
    let waiting = stage.letter(1, Lane::Account).await;
    let running = stage.start();
    stage.wait(6);
    told(&stage, &server, "A confirmation or sign-in link has waited since").await;
    let state = store.delivery_outcome(&waiting).await.unwrap().unwrap().state;
    assert!(matches!(state, DeliveryState::Waiting | DeliveryState::Leased), "{state:?}");
    running.stop().await;
}

async fn owners_hear_of_a_broadcast_that_is_not_over_after_an_hour(store: Store) {
    let server = SmtpServer::start().await;
    let stage = stage(&store, &server).await.within("1000/day");
    stage.company.subscribe("p", 10, Follows::everything(), stage.now()).await;
    book(&stage, "main", Share::Bulk, 930).await;
    stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    stage.wait(62);
    told(&stage, &server, "has not reached everyone after an hour").await;
    running.stop().await;
}

async fn the_second_server_has_its_own_rate_and_quota(store: Store) {
    let (server, other) = (SmtpServer::start().await, SmtpServer::start().await);
    let mut stage = stage(&store, &server).await.within("1000/day");
    stage.settings.alert_transport = Some(Transport::parse(&other.url()).unwrap());
    stage.settings.alert_allowance = Allowance { rate: Rate::per_second(4), quota: Some("500/day".parse().unwrap()) };
    // Nothing is left of the first one's.
    book(&stage, "main", Share::Bulk, 1_000).await;
    let running = stage.start();
    let began = Instant::now();
    for number in 1..=8 {
        stage.letter(number, Lane::Alert).await;
    }
    running.worker.handle().wake();
    let mails = other.wait_for(8).await;
    // Half a second's worth at once, then one after the other.
    assert!(mails[7].at - began >= Duration::from_millis(1_200), "{:?}", mails[7].at - began);
    running.stop().await;
    let used = async |transport: &str| {
        let mut write = store.write().await.unwrap();
        write.used(transport, "500/day".parse().unwrap(), stage.now()).await.unwrap().all
    };
    assert_eq!((used("alert").await, used("main").await, server.accepted().len()), (8, 1_000, 0));
}

async fn letters_go_by_the_first_server_when_the_quota_of_the_second_is_used_up(store: Store) {
    let (server, other) = (SmtpServer::start().await, SmtpServer::start().await);
    let mut stage = stage(&store, &server).await;
    stage.settings.alert_transport = Some(Transport::parse(&other.url()).unwrap());
    stage.settings.alert_allowance = Allowance { rate: Rate::UNLIMITED, quota: Some("500/day".parse().unwrap()) };
    book(&stage, "alert", Share::All, 500).await;
    let running = stage.start();
    let alert = stage.letter(1, Lane::Alert).await;
    running.worker.handle().wake();
    assert_eq!(stage.outcome_of(&alert).await, DeliveryState::Sent);
    assert_eq!((server.accepted().len(), other.accepted().len()), (1, 0));
    // As soon as there is some again, they go that way.
    stage.wait(25 * 60);
    let deadline = Instant::now() + LATEST;
    while other.accepted().is_empty() {
        assert!(Instant::now() < deadline, "they go on by the first");
        let next = stage.letter(2 + server.accepted().len() as u64, Lane::Alert).await;
        running.worker.handle().wake();
        stage.outcome_of(&next).await;
    }
    running.stop().await;
}

async fn sign_ups_that_used_up_their_part_of_the_second_server_leave_the_first_alone(store: Store) {
    let (server, other) = (SmtpServer::start().await, SmtpServer::start().await);
    let mut stage = stage(&store, &server).await;
    stage.settings.alert_transport = Some(Transport::parse(&other.url()).unwrap());
    stage.settings.alert_allowance = Allowance { rate: Rate::UNLIMITED, quota: Some("500/day".parse().unwrap()) };
    book(&stage, "alert", Share::Account, 100).await;
    let running = stage.start();
    let confirmation = stage.letter(1, Lane::Account).await;
    running.worker.handle().wake();
    // Long enough for both ways to have looked at it, several times.
    sleep(Duration::from_secs(2)).await;
    let alert = stage.letter(2, Lane::Alert).await;
    running.worker.handle().wake();
    assert_eq!(stage.outcome_of(&alert).await, DeliveryState::Sent);
    assert_eq!((server.accepted().len(), other.accepted().len()), (0, 1));
    let state = store.delivery_outcome(&confirmation).await.unwrap().unwrap().state;
    assert!(matches!(state, DeliveryState::Waiting | DeliveryState::Leased), "{state:?}");
    running.stop().await;
}
