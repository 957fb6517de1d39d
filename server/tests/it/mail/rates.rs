//! Several nodes and one rate.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::{BroadcastState, Lane},
    ids::DeliveryId,
    rate::Rate,
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::SignedDuration;
use server::{
    clock::Clock,
    mail::transport::Transport,
    store::deliveries::{Letter, NewLetter},
};

use super::stage::{Stage, busiest_second, most_within, told};
use crate::support::{
    db::Database,
    smtp::{Accepted, SmtpServer},
};

/// Half a second's worth, by which mails may run ahead.
const BURST: usize = 7;
/// What a node had in hand and a busy machine sends a little late.
const LATE: usize = 4;

/// What three nodes send of a broadcast to so many people and of so many confirmations, at 14 a second.
async fn sent(people: usize, confirmations: u64) -> Vec<Accepted> {
    let database = Database::postgres().await;
    let others = [database.store().await, database.store().await];
    let server = SmtpServer::start().await;
    let story = async |store| {
        let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(14));
        stage.company.subscribe("p", people, Follows::everything(), stage.now()).await;
        let mut write = store.write().await.unwrap();
        for number in 0..confirmations {
            let letter = NewLetter {
                id: DeliveryId::from_random(number),
                kind: "confirmation",
                lane: Lane::Account,
                to: format!("new{number}@example.com").parse().unwrap(),
                subscriber: None,
                message: Letter { subject: "Confirm".into(), text: "Follow the link.".into(), html: String::new() },
                dedupe_key: None,
                expires_at: stage.now() + SignedDuration::from_hours(2),
            };
            write.insert_letter(&letter, stage.now()).await.unwrap();
        }
        write.commit().await.unwrap();
        let broadcast = stage.company.post(Investigating, stage.now()).await;
        let nodes = [stage.start(), stage.start_on(&others[0], "two"), stage.start_on(&others[1], "three")];
        assert_eq!(stage.until_over(&broadcast).await.state, BroadcastState::Done);
        for node in nodes {
            node.stop().await;
        }
    };
    database.run(story).await;
    let mails = server.accepted();
    assert!(told(&mails, "").values().all(|times| *times == 1));
    for (seconds, late) in [(1, LATE), (10, 0)] {
        let times: Vec<_> = mails.iter().map(|mail| mail.at).collect();
        let most = most_within(Duration::from_secs(seconds), &times);
        assert!(most as u64 <= 14 * seconds + (BURST + late) as u64, "{most} in {seconds} s");
    }
    mails
}

#[tokio::test]
async fn three_nodes_use_what_broadcasts_may_of_fourteen_a_second_and_never_more() {
    let mails = sent(200, 0).await;
    let took = mails[199].at - mails[0].at;
    // 85 % of 14 is 11.9, and 93 % of that is reached.
    assert!(took <= Duration::from_millis(200 * 1000 * 100 / 1190 * 100 / 93), "200 mails in {took:?}");
}

#[tokio::test]
async fn three_nodes_with_work_in_all_lanes_come_close_to_fourteen_a_second() {
    let mails = sent(260, 80).await;
    let within = mails.iter().filter(|mail| mail.at - mails[0].at < Duration::from_secs(20)).count();
    // Of 14, 95 % are ever used.
    assert!(within >= 20 * 13, "{within} in twenty seconds");
}

/// Two machines whose clocks differ by so much send a broadcast to 90 people at 14 a second.
async fn sent_by_clocks_that_differ(by: SignedDuration) {
    let database = Database::postgres().await;
    let other = database.store().await;
    let servers = [SmtpServer::start().await, SmtpServer::start().await];
    let story = async |store| {
        let mut stage = Stage::new(&store, Some(&servers[0])).await.at(Rate::per_second(14));
        stage.company.subscribe("p", 90, Follows::everything(), stage.now()).await;
        let broadcast = stage.company.post(Investigating, stage.now()).await;
        let right = stage.start();
        stage.settings.transport = Some(Transport::parse(&servers[1].url()).unwrap());
        let behind = stage.start_by(&Clock::wrong_by(-by), &other, "two");
        assert_eq!(stage.until_over(&broadcast).await.state, BroadcastState::Done);
        right.stop().await;
        behind.stop().await;
    };
    database.run(story).await;
    let each = servers.each_ref().map(SmtpServer::count);
    assert!(each.iter().all(|mails| *mails >= 10), "one leaves nothing to the other: {each:?}");
    let mut mails: Vec<_> = servers.iter().flat_map(SmtpServer::accepted).collect();
    mails.sort_by_key(|mail| mail.at);
    assert!(told(&mails, "").values().all(|times| *times == 1) && mails.len() == 90);
    assert!(busiest_second(&mails) <= 14 + BURST + LATE, "{} in a second", busiest_second(&mails));
    // Broadcasts have 11.9 a second; the first come at once, and one more for what the measured clocks are off.
    let took = mails[89].at - mails[0].at;
    assert!(took >= Duration::from_millis((90 - 8) * 10_000 / 119), "90 mails in {took:?}");
}

#[tokio::test]
async fn clocks_that_differ_by_half_a_second_share_one_rate() {
    sent_by_clocks_that_differ(SignedDuration::from_millis(500)).await;
}

#[tokio::test]
async fn clocks_that_differ_by_half_a_minute_share_one_rate() {
    sent_by_clocks_that_differ(SignedDuration::from_secs(30)).await;
}
