use std::time::Duration;

use domain::{
    i18n::{Locale, Preferences},
    ids::SubscriberId,
    subscriber::{Follows, SubscriberState},
};
use server::store::{
    Store,
    subscribers::{Owed, Subscriber, SubscriberCounts},
};
use tokio::time::timeout;

use super::{
    AWKWARD, at, email, follows, incident, put_incident, put_subscribers, subscriber, update, with_components,
};
use crate::support::db::{Database, on_both};

on_both!(
    a_subscriber_comes_back_as_written,
    what_they_follow_is_replaced_as_a_whole,
    a_subscriber_is_found_however_the_address_is_written,
    an_address_subscribes_once,
    numbers_only_grow,
    a_number_taken_in_vain_is_given_again,
    the_last_number_covers_everyone_already_there,
    two_who_add_the_same_address_see_each_other,
    subscribers_are_counted_by_state,
    those_who_never_confirmed_are_forgotten_but_not_that_someone_left,
);

async fn a_subscriber_comes_back_as_written(store: Store) {
    with_components(&store, 3).await;
    put_incident(&store, &incident(1, vec![update(0, domain::status::IncidentStatus::Identified, &[])])).await;
    let full = Subscriber {
        email: email("Some.One+tag@Example.com"),
        state: SubscriberState::Unsubscribed,
        preferences: Preferences { locale: Locale::French, zone: "Asia/Taipei".parse().ok() },
        generation: 7,
        consent: AWKWARD.into(),
        created_at: at(1),
        updated_at: at(2),
        confirmation_sent_at: Some(at(3)),
        confirmed_at: Some(at(4)),
        unsubscribed_at: Some(at(5)),
        owed: Some(Owed { since: at(6), turn: 2 }),
        ..subscriber(1, follows(&[3, 1], &[1]))
    };
    let plain = subscriber(2, Follows::everything());
    put_subscribers(&store, &[full.clone(), plain.clone()]).await;
    assert_eq!(store.subscriber(SubscriberId(1)).await.unwrap(), Some(full.clone()));
    assert_eq!(store.subscriber(SubscriberId(2)).await.unwrap(), Some(plain));
    assert_eq!(store.subscriber(SubscriberId(404)).await.unwrap(), None);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.subscriber(SubscriberId(1)).await.unwrap(), Some(full));
    assert_eq!(write.subscriber(SubscriberId(404)).await.unwrap(), None);
}

async fn what_they_follow_is_replaced_as_a_whole(store: Store) {
    with_components(&store, 3).await;
    put_incident(&store, &incident(1, vec![update(0, domain::status::IncidentStatus::Identified, &[])])).await;
    let mut person = subscriber(1, follows(&[1, 2], &[1]));
    for follows in [follows(&[2, 3], &[]), Follows::everything(), follows(&[], &[1]), Follows::default()] {
        put_subscribers(&store, std::slice::from_ref(&person)).await;
        person = Subscriber { follows, generation: person.generation + 1, updated_at: at(9), ..person };
        put_subscribers(&store, std::slice::from_ref(&person)).await;
        assert_eq!(store.subscriber(person.id).await.unwrap(), Some(person.clone()));
    }
}

async fn a_subscriber_is_found_however_the_address_is_written(store: Store) {
    let person = subscriber(1, Follows::everything());
    put_subscribers(&store, std::slice::from_ref(&person)).await;
    let mut write = store.write().await.unwrap();
    assert_eq!(write.subscriber_by_email(&email("pERSON1@EXAMPLE.com")).await.unwrap(), Some(person));
    assert_eq!(write.subscriber_by_email(&email("person2@example.com")).await.unwrap(), None);
}

async fn an_address_subscribes_once(store: Store) {
    let person = subscriber(1, Follows::everything());
    put_subscribers(&store, std::slice::from_ref(&person)).await;
    let mut write = store.write().await.unwrap();
    let again = Subscriber { id: SubscriberId(2), email: email("PERSON1@example.com"), ..person };
    assert!(write.put_subscriber(&again).await.is_err());
}

async fn numbers_only_grow(store: Store) {
    let mut write = store.write().await.unwrap();
    assert_eq!(write.last_subscriber_id().await.unwrap(), SubscriberId(0));
    assert_eq!(write.next_subscriber_id().await.unwrap(), SubscriberId(1));
    assert_eq!(write.reserve_subscriber_ids(10).await.unwrap(), SubscriberId(2));
    assert_eq!(write.next_subscriber_id().await.unwrap(), SubscriberId(12));
    write.commit().await.unwrap();
    let mut write = store.write().await.unwrap();
    assert_eq!(write.last_subscriber_id().await.unwrap(), SubscriberId(12));
}

async fn a_number_taken_in_vain_is_given_again(store: Store) {
    let mut write = store.write().await.unwrap();
    assert_eq!(write.next_subscriber_id().await.unwrap(), SubscriberId(1));
    drop(write);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.next_subscriber_id().await.unwrap(), SubscriberId(1));
}

async fn the_last_number_covers_everyone_already_there(store: Store) {
    let subscribe = async || {
        let mut write = store.write().await.unwrap();
        let id = write.next_subscriber_id().await.unwrap();
        tokio::task::yield_now().await;
        write.put_subscriber(&subscriber(id.0, Follows::everything())).await.unwrap();
        write.commit().await.unwrap();
    };
    let publish = async || {
        let mut write = store.write().await.unwrap();
        let last = write.last_subscriber_id().await.unwrap();
        let mut seen = 0;
        for id in 1..=last.0 {
            seen += i64::from(write.subscriber(SubscriberId(id)).await.unwrap().is_some());
        }
        write.commit().await.unwrap();
        (last.0, seen)
    };
    let (.., (last, seen), ()) = tokio::join!(subscribe(), subscribe(), publish(), subscribe());
    assert_eq!(last, seen);
    assert_eq!(publish().await, (3, 3));
}

#[tokio::test]
async fn publishing_waits_for_a_subscriber_who_is_just_being_added() {
    let database = Database::postgres().await;
    database
        .run(async |store| {
            let mut adding = store.write().await.unwrap();
            let id = adding.next_subscriber_id().await.unwrap();
            adding.put_subscriber(&subscriber(id.0, Follows::everything())).await.unwrap();

            let mut publishing = store.write().await.unwrap();
            let mut last = Box::pin(publishing.last_subscriber_id());
            assert!(timeout(Duration::from_millis(200), &mut last).await.is_err(), "it waits");
            adding.commit().await.unwrap();
            assert_eq!(last.await.unwrap(), id);
            assert!(publishing.subscriber(id).await.unwrap().is_some());

            // And whoever comes next waits for the publication, so that nobody slips in below the last number.
            let mut next = store.write().await.unwrap();
            let mut late = Box::pin(next.next_subscriber_id());
            assert!(timeout(Duration::from_millis(200), &mut late).await.is_err(), "it waits");
            publishing.commit().await.unwrap();
            assert_eq!(late.await.unwrap(), SubscriberId(id.0 + 1));
        })
        .await;
}

async fn two_who_add_the_same_address_see_each_other(store: Store) {
    let subscribe = async || {
        let mut write = store.write().await.unwrap();
        let id = write.next_subscriber_id().await.unwrap();
        let known = write.subscriber_by_email(&email("same@example.com")).await.unwrap();
        tokio::task::yield_now().await;
        if known.is_none() {
            let person = Subscriber { email: email("Same@example.com"), ..subscriber(id.0, Follows::everything()) };
            write.put_subscriber(&person).await.unwrap();
        }
        write.commit().await.unwrap();
        known.is_none()
    };
    let (first, second) = tokio::join!(subscribe(), subscribe());
    assert!(first ^ second);
}

async fn subscribers_are_counted_by_state(store: Store) {
    assert_eq!(store.count_subscribers().await.unwrap(), SubscriberCounts::default());
    let states = [SubscriberState::Active, SubscriberState::Pending, SubscriberState::Active];
    let people: Vec<_> = states
        .into_iter()
        .zip(1..)
        .map(|(state, id)| Subscriber { state, ..subscriber(id, Follows::everything()) })
        .collect();
    put_subscribers(&store, &people).await;
    let counts = SubscriberCounts { pending: 1, active: 2, unsubscribed: 0 };
    assert_eq!(store.count_subscribers().await.unwrap(), counts);
}

async fn those_who_never_confirmed_are_forgotten_but_not_that_someone_left(store: Store) {
    with_components(&store, 1).await;
    let pending = |id, updated_at| Subscriber {
        state: SubscriberState::Pending,
        updated_at,
        ..subscriber(id, follows(&[1], &[]))
    };
    let owed = |id, since| Subscriber { owed: Some(Owed { since, turn: 1 }), ..pending(id, at(0)) };
    let people = [
        pending(1, at(0)),
        pending(2, at(100)),
        Subscriber { unsubscribed_at: Some(at(-9)), ..pending(3, at(0)) },
        subscriber(4, follows(&[1], &[])),
        // Written to long after they asked.
        Subscriber { confirmation_sent_at: Some(at(100)), ..pending(5, at(0)) },
        Subscriber { confirmation_sent_at: Some(at(99)), ..pending(6, at(0)) },
        // Not written to yet.
        owed(7, at(50)),
        owed(8, at(49)),
        Subscriber { unsubscribed_at: Some(at(-9)), ..owed(9, at(49)) },
        Subscriber { state: SubscriberState::Active, ..owed(10, at(49)) },
    ];
    put_subscribers(&store, &people).await;
    let mut write = store.write().await.unwrap();
    let mut forgotten = Vec::new();
    for _ in 0..4 {
        forgotten.push(write.delete_stale_pending(at(100), at(50), 1).await.unwrap());
    }
    // Of each kind one at a time: who left before, and who did not.
    assert_eq!(forgotten, [2, 2, 1, 0]);
    write.commit().await.unwrap();
    let mut states = Vec::new();
    for id in 1..=10 {
        states.push(store.subscriber(SubscriberId(id)).await.unwrap().map(|person| person.state));
    }
    let (pending, left) = (Some(SubscriberState::Pending), Some(SubscriberState::Unsubscribed));
    let active = Some(SubscriberState::Active);
    assert_eq!(states, [None, pending, left, active, pending, None, pending, None, left, active]);
}
