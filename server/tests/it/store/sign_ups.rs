//! How many sign up, and to whom a surge owes a letter.

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    ids::{DeliveryId, SubscriberId},
    subscriber::{Follows, SubscriberState},
    surge::{Cause, Surge, Traffic},
};
use server::store::{
    Store,
    deliveries::{Letter, NewLetter},
    settlements::Settlement,
    subscribers::{Owed, Subscriber},
};

use sqlx::{AnyConnection, Connection};

use super::{at, put_subscribers, subscriber};
use crate::support::db::{Database, on_both};

on_both!(
    a_surge_is_there_until_it_is_ended,
    what_is_usual_is_learnt_in_calm_hours_only,
    confirmations_that_come_back_are_counted_for_an_hour,
    the_first_of_each_network_are_owed_before_the_second_of_any,
    of_too_many_the_last_are_forgotten_and_nobody_who_was_written_to,
);

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

async fn a_surge_is_there_until_it_is_ended(store: Store) {
    assert_eq!(store.surge().await.unwrap(), None);
    for (millis, cause) in [(1, Cause::SignUps), (3, Cause::Bounces)] {
        let surge = Surge { since: at(millis), cause, limit: 340 };
        let mut write = store.write().await.unwrap();
        write.begin_surge(&surge).await.unwrap();
        assert_eq!(write.surge().await.unwrap(), Some(surge));
        write.commit().await.unwrap();
        assert_eq!(store.surge().await.unwrap(), Some(surge));
        let mut write = store.write().await.unwrap();
        write.end_surge(at(millis + 1)).await.unwrap();
        assert_eq!(write.surge().await.unwrap(), None);
        write.commit().await.unwrap();
        assert_eq!(store.surge().await.unwrap(), None);
    }
}

async fn what_is_usual_is_learnt_in_calm_hours_only(store: Store) {
    let mut write = store.write().await.unwrap();
    // Two an hour for two days; yesterday a surge of 300.
    for hour in 2..48 {
        for _ in 0..2 {
            write.count_sign_up(false, at(-hour * HOUR)).await.unwrap();
        }
    }
    for _ in 0..300 {
        write.count_sign_up(true, at(-24 * HOUR)).await.unwrap();
    }
    // What another clock noted for later does not count yet.
    write.count_sign_up(false, at(20 * MINUTE)).await.unwrap();
    assert_eq!(write.count_sign_up(false, at(-50 * MINUTE)).await.unwrap(), 1);
    assert_eq!(write.count_sign_up(true, at(0)).await.unwrap(), 2);
    let expected = Traffic { last_hour: 2, usual: 2, confirmations: 0, bounced: 0 };
    assert_eq!(write.traffic(at(0)).await.unwrap(), expected);
    write.commit().await.unwrap();
    assert_eq!(store.traffic(at(0)).await.unwrap(), expected);
    assert_eq!(store.traffic(at(11 * MINUTE)).await.unwrap().last_hour, 1);
    assert_eq!(store.traffic(at(2 * HOUR)).await.unwrap().last_hour, 0);
    assert_eq!(store.traffic(at(96 * HOUR)).await.unwrap(), Traffic::default());
}

/// Lets a confirmation have an outcome.
async fn confirmation(store: &Store, number: u64, state: DeliveryState, millis: i64) {
    let mut write = store.write().await.unwrap();
    let letter = NewLetter {
        id: DeliveryId::from_random(number),
        kind: if number < 100 { "confirmation" } else { "manage_link" },
        lane: Lane::Account,
        to: format!("Person{number}@example.com").parse().unwrap(),
        subscriber: None,
        message: Letter { subject: "Hello".into(), text: "Hello.".into(), html: String::new() },
        dedupe_key: None,
        expires_at: at(millis + HOUR),
    };
    write.insert_letter(&letter, at(millis)).await.unwrap();
    let (node, _) = write.start_epoch("one", at(millis)).await.unwrap();
    write.claim(&node, &(Lane::Alert..=Lane::Account), 10, at(millis)).await.unwrap();
    let settlement = Settlement {
        id: letter.id,
        broadcast: None,
        state,
        reason: String::new(),
        attempts: 1,
        was_uncertain: false,
        due_at: at(millis),
        finding: None,
    };
    write.settle(&node, &[settlement], at(millis)).await.unwrap().unwrap();
    write.commit().await.unwrap();
}

async fn confirmations_that_come_back_are_counted_for_an_hour(store: Store) {
    confirmation(&store, 1, DeliveryState::Failed, -61 * MINUTE).await;
    confirmation(&store, 2, DeliveryState::Failed, -59 * MINUTE).await;
    for number in 3..6 {
        confirmation(&store, number, DeliveryState::Sent, -MINUTE).await;
    }
    confirmation(&store, 7, DeliveryState::Expired, -MINUTE).await;
    confirmation(&store, 100, DeliveryState::Failed, -MINUTE).await;
    // One was taken and came back later; one was known not to work before.
    let mut write = store.write().await.unwrap();
    write.suppress("person3@example.com", "bounced", None, at(0)).await.unwrap();
    write.suppress("person4@example.com", "bounced", None, at(-2 * HOUR)).await.unwrap();
    write.commit().await.unwrap();
    let traffic = store.traffic(at(0)).await.unwrap();
    assert_eq!((traffic.confirmations, traffic.bounced), (4, 2));
}

/// Someone who has not confirmed, and since when they are owed a letter, in which turn.
fn pending(id: i64, owed: Option<(i64, i64)>) -> Subscriber {
    Subscriber {
        state: SubscriberState::Pending,
        owed: owed.map(|(millis, turn)| Owed { since: at(millis), turn }),
        ..subscriber(id, Follows::everything())
    }
}

async fn the_first_of_each_network_are_owed_before_the_second_of_any(store: Store) {
    assert_eq!(store.owed_letters().await.unwrap(), (0, None));
    let active = Subscriber { state: SubscriberState::Active, ..pending(4, Some((20, 1))) };
    let people =
        [pending(1, Some((30, 1))), pending(2, None), pending(3, Some((10, 2))), active, pending(5, Some((11, 2)))];
    put_subscribers(&store, &people).await;
    assert_eq!(store.owed_letters().await.unwrap(), (4, Some(at(10))));
    let mut write = store.write().await.unwrap();
    assert_eq!(write.next_owed(2).await.unwrap(), [4, 1].map(SubscriberId));
    assert_eq!(write.next_owed(9).await.unwrap(), [4, 1, 3, 5].map(SubscriberId));
}

async fn of_too_many_the_last_are_forgotten_and_nobody_who_was_written_to(store: Store) {
    let left = Subscriber { unsubscribed_at: Some(at(0)), ..pending(1, Some((1, 9))) };
    let active = Subscriber { state: SubscriberState::Active, ..pending(2, Some((1, 9))) };
    let bogus =
        [pending(4, Some((4, 1))), pending(5, Some((1, 3))), pending(6, Some((3, 2))), pending(7, Some((2, 2)))];
    put_subscribers(&store, &[left, active, pending(3, None)]).await;
    put_subscribers(&store, &bogus).await;
    let mut write = store.write().await.unwrap();
    let mut left_over = Vec::new();
    for (most, limit) in [(6, 9), (4, 1), (4, 9), (0, 9), (0, 9)] {
        let forgotten = write.cap_owed(most, limit).await.unwrap();
        let mut ids = Vec::new();
        for id in 1..=7 {
            ids.extend(write.subscriber(SubscriberId(id)).await.unwrap().map(|it| it.id.0));
        }
        left_over.push((forgotten, ids));
    }
    let expected: [(u64, &[i64]); 5] = [
        (0, &[1, 2, 3, 4, 5, 6, 7]),
        (1, &[1, 2, 3, 4, 6, 7]),
        (1, &[1, 2, 3, 4, 7]),
        (2, &[1, 2, 3]),
        (0, &[1, 2, 3]),
    ];
    assert_eq!(left_over, expected.map(|(forgotten, ids)| (forgotten, ids.to_vec())));
}

/// Of networks that send twenty each, in the order in which they come; numbered from 2 on.
const BOGUS: &str = "with recursive flood (i) as (select 1 union all select i + 1 from flood where i < 100000)
    insert into subscribers (id, email, email_canonical, state, everything, generation, consent, created_at, updated_at,
                             owed_since, owed_turn)
    select i + 1, 'bogus' || i || '@bogus.example', 'bogus' || i || '@bogus.example', 'pending', 1, 1, '',
           cast($1 as bigint) + i, cast($1 as bigint) + i, cast($1 as bigint) + i, 1 + (i - 1) / 5000
    from flood";

async fn people_before_and_after(store: Store, url: String) {
    let (early, late, solver) = (1, 100_002, 100_003);
    let mut beside = AnyConnection::connect(&url).await.unwrap();
    sqlx::query(BOGUS).bind(at(0).as_millisecond()).execute(&mut beside).await.unwrap();
    beside.close().await.unwrap();
    let solved = Subscriber { confirmation_sent_at: Some(at(HOUR)), ..pending(solver, None) };
    let people = [pending(early, Some((0, 1))), pending(late, Some((100_001, 1))), solved];
    put_subscribers(&store, &people).await;
    assert_eq!(store.owed_letters().await.unwrap(), (100_002, Some(at(0))));

    // One letter to each of the other networks comes before that to the last of them.
    let mut write = store.write().await.unwrap();
    let next = write.next_owed(6_000).await.unwrap();
    assert_eq!((next[0].0, next[5_001].0), (early, late));
    // They outlive what the flood must not fill the disk with …
    assert_eq!(write.cap_owed(99_000, 1_000).await.unwrap(), 1_000);
    assert_eq!(write.cap_owed(99_000, 1_000).await.unwrap(), 2);
    let mut is_there = Vec::new();
    for id in [early, late, solver, 98_999, 99_000] {
        is_there.push(write.subscriber(SubscriberId(id)).await.unwrap().is_some());
    }
    assert_eq!(is_there, [true, true, true, true, false]);
    // … and the days until they are written to, and two days more.
    let stale = |hours: i64| (at((hours - 48) * HOUR), at((hours - 30 * 24) * HOUR));
    let (sent, owed) = stale(49);
    assert_eq!(write.delete_stale_pending(sent, owed, 5_000).await.unwrap(), 0);
    let told = Subscriber { confirmation_sent_at: Some(at(300 * HOUR)), ..pending(early, None) };
    write.put_subscriber(&told).await.unwrap();
    let (sent, owed) = stale(348);
    assert_eq!(write.delete_stale_pending(sent, owed, 5_000).await.unwrap(), 1, "the solver never followed the link");
    let (sent, owed) = stale(349);
    assert_eq!(write.delete_stale_pending(sent, owed, 5_000).await.unwrap(), 1, "nor the early one");
    assert!(write.subscriber(SubscriberId(late)).await.unwrap().is_some());
    // Nobody is kept for ever, and nobody waits while all of them are forgotten.
    let (sent, owed) = stale(31 * 24);
    assert_eq!(write.delete_stale_pending(sent, owed, 5_000).await.unwrap(), 5_000);
}

#[tokio::test]
async fn people_before_and_after_a_hundred_thousand_bogus_requests_are_kept_on_sqlite() {
    let database = Database::sqlite().await;
    let url = database.url.clone();
    database.run(|store| people_before_and_after(store, url)).await;
}

#[tokio::test]
async fn people_before_and_after_a_hundred_thousand_bogus_requests_are_kept_on_postgres() {
    let database = Database::postgres().await;
    let url = database.url.clone();
    database.run(|store| people_before_and_after(store, url)).await;
}
