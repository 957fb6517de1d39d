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
    subscribers::Subscriber,
};

use super::{at, put_subscribers, subscriber};
use crate::support::db::on_both;

on_both!(
    a_surge_is_there_until_it_is_ended,
    what_is_usual_is_learnt_in_calm_hours_only,
    confirmations_that_come_back_are_counted_for_an_hour,
    whoever_waits_longest_is_owed_first,
    beyond_the_cap_those_who_were_not_written_to_are_forgotten_first,
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

fn owed(id: i64, millis: Option<i64>) -> Subscriber {
    Subscriber {
        state: SubscriberState::Pending,
        owed_since: millis.map(at),
        updated_at: at(id),
        ..subscriber(id, Follows::everything())
    }
}

async fn whoever_waits_longest_is_owed_first(store: Store) {
    assert_eq!(store.owed_letters().await.unwrap(), (0, None));
    let active = Subscriber { state: SubscriberState::Active, ..owed(4, Some(20)) };
    put_subscribers(&store, &[owed(1, Some(30)), owed(2, None), owed(3, Some(10)), active]).await;
    assert_eq!(store.owed_letters().await.unwrap(), (3, Some(at(10))));
    let mut write = store.write().await.unwrap();
    assert_eq!(write.next_owed(2).await.unwrap(), [SubscriberId(3), SubscriberId(4)]);
    assert_eq!(write.next_owed(9).await.unwrap(), [SubscriberId(3), SubscriberId(4), SubscriberId(1)]);
}

async fn beyond_the_cap_those_who_were_not_written_to_are_forgotten_first(store: Store) {
    let left = Subscriber { unsubscribed_at: Some(at(0)), ..owed(1, Some(1)) };
    let people = [left, owed(2, None), owed(3, Some(3)), owed(4, Some(4)), owed(5, None), owed(6, Some(6))];
    put_subscribers(&store, &people).await;
    put_subscribers(&store, &[subscriber(7, Follows::everything())]).await;
    let mut write = store.write().await.unwrap();
    assert_eq!(write.cap_pending(6).await.unwrap(), 0);
    assert_eq!(write.cap_pending(4).await.unwrap(), 2);
    let left_over = async |write: &mut server::store::Write| {
        let mut ids = Vec::new();
        for id in 1..=7 {
            ids.extend(write.subscriber(SubscriberId(id)).await.unwrap().map(|it| it.id.0));
        }
        ids
    };
    assert_eq!(left_over(&mut write).await, [1, 2, 5, 6, 7]);
    assert_eq!(write.cap_pending(2).await.unwrap(), 2);
    assert_eq!(left_over(&mut write).await, [1, 5, 7]);
    assert_eq!(write.cap_pending(0).await.unwrap(), 1);
    assert_eq!(left_over(&mut write).await, [1, 7]);
}
