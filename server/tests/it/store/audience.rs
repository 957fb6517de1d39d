use std::collections::BTreeSet;

use domain::{
    audience::Audience,
    i18n::{Locale, Preferences},
    ids::{IncidentId, SubscriberId},
    status::IncidentStatus,
    subscriber::{Follows, SubscriberState},
};
use server::store::{
    Store,
    audience::{COUNTED_AT_ONCE, Recipient},
    subscribers::Subscriber,
};

use super::{at, follows, incident, put_incident, put_subscribers, subscriber, update, with_components};
use crate::support::db::on_both;

on_both!(
    everyone_who_is_told_is_counted_once,
    a_long_list_is_not_counted_while_somebody_waits,
    everyone_who_is_told_is_counted_in_their_language,
    the_audience_is_who_the_rules_say,
    a_batch_says_where_to_and_with_which_links,
    batches_visit_everyone_once_however_sparse,
    an_audience_of_five_hundred_components_is_no_trouble,
    who_left_or_is_suppressed_is_not_wanted_any_more,
);

/// Components 1 to 4, incidents 1 and 2.
async fn with_page(store: &Store) {
    with_components(store, 4).await;
    for number in [1, 2] {
        put_incident(store, &incident(number, vec![update(0, IncidentStatus::Identified, &[])])).await;
    }
}

fn audience(components: &[u64]) -> Audience {
    Audience { incident: IncidentId::from_random(1), components: follows(components, &[]).components }
}

/// Everyone, fetched in batches of `limit`.
async fn walk(store: &Store, audience: &Audience, until: i64, limit: i64) -> Vec<i64> {
    let mut visited = Vec::new();
    let mut from = 1;
    loop {
        let batch = store.audience_batch(audience, from, until, limit, at(0)).await.unwrap();
        visited.extend(batch.iter().map(|recipient| recipient.id.0));
        match batch.last() {
            Some(last) if i64::try_from(batch.len()).unwrap() == limit => from = last.id.0 + 1,
            _ => return visited,
        }
    }
}

async fn a_long_list_is_not_counted_while_somebody_waits(store: Store) {
    with_page(&store).await;
    let count = async || store.count_small_audience(&audience(&[1]), at(0)).await.unwrap();
    assert_eq!(count().await, Some(0));
    put_subscribers(&store, &people()).await;
    assert_eq!(count().await, Some(store.count_audience(&audience(&[1]), at(0)).await.unwrap()));
    put_subscribers(&store, &[subscriber(COUNTED_AT_ONCE, Follows::everything())]).await;
    assert!(count().await.is_some());
    put_subscribers(&store, &[subscriber(COUNTED_AT_ONCE + 1, Follows::everything())]).await;
    assert_eq!(count().await, None);
}

fn people() -> Vec<Subscriber> {
    let both = Follows { everything: true, ..follows(&[1, 2], &[1]) };
    let person = |id, follows| subscriber(id, follows);
    vec![
        person(1, Follows::everything()),
        person(2, both.clone()),
        person(3, follows(&[1], &[])),
        person(4, follows(&[1, 2, 3], &[1, 2])),
        person(5, follows(&[4], &[])),
        person(6, follows(&[], &[1])),
        person(7, follows(&[], &[2])),
        person(8, Follows::default()),
        Subscriber { state: SubscriberState::Pending, ..person(9, both.clone()) },
        Subscriber { state: SubscriberState::Unsubscribed, ..person(10, both.clone()) },
        person(11, Follows::everything()),
        person(12, follows(&[2], &[1])),
        person(13, both),
    ]
}

/// 11 to 13 are suppressed, but that of 13 is over.
async fn with_people(store: &Store) {
    with_page(store).await;
    put_subscribers(store, &people()).await;
    let mut write = store.write().await.unwrap();
    for (id, expires_at) in [(11, None), (12, Some(at(1))), (13, Some(at(0))), (99, None)] {
        write.suppress(&format!("person{id}@example.com"), "bounced", expires_at, at(-5)).await.unwrap();
    }
    write.commit().await.unwrap();
}

async fn everyone_who_is_told_is_counted_once(store: Store) {
    with_people(&store).await;
    for (components, count) in [(&[][..], 5), (&[1, 2], 6), (&[1, 2, 3, 4], 7), (&[4], 6)] {
        assert_eq!(store.count_audience(&audience(components), at(0)).await.unwrap(), count, "{components:?}");
    }
    // The suppression of number 12 ends.
    assert_eq!(store.count_audience(&audience(&[]), at(1)).await.unwrap(), 6);
}

async fn everyone_who_is_told_is_counted_in_their_language(store: Store) {
    with_page(&store).await;
    assert_eq!(store.count_languages(&audience(&[1]), at(0)).await.unwrap(), []);
    let read = |locale, person| Subscriber { preferences: Preferences { locale, zone: None }, ..person };
    let people = people().into_iter().map(|person| match person.id.0 {
        1 | 5 | 9 | 11 => read(Locale::German, person),
        3 | 12 => read(Locale::Spanish, person),
        _ => person,
    });
    put_subscribers(&store, &people.collect::<Vec<_>>()).await;
    for (components, expected) in [
        (&[][..], vec![(Locale::English, 4), (Locale::German, 2), (Locale::Spanish, 1)]),
        (&[4], vec![(Locale::English, 4), (Locale::German, 3), (Locale::Spanish, 1)]),
        (&[1, 2, 3, 4], vec![(Locale::English, 4), (Locale::German, 3), (Locale::Spanish, 2)]),
    ] {
        let counted = store.count_languages(&audience(components), at(0)).await.unwrap();
        assert_eq!(counted, expected, "{components:?}");
        let all = counted.iter().map(|(_, people)| people).sum::<i64>();
        assert_eq!(all, store.count_audience(&audience(components), at(0)).await.unwrap(), "{components:?}");
    }
    // Who is suppressed is counted nowhere, and the last of a language takes it along.
    let mut write = store.write().await.unwrap();
    for id in [1, 3, 11] {
        write.suppress(&format!("person{id}@example.com"), "bounced", None, at(-5)).await.unwrap();
    }
    write.commit().await.unwrap();
    let counted = store.count_languages(&audience(&[1]), at(0)).await.unwrap();
    assert_eq!(counted, [(Locale::English, 4), (Locale::Spanish, 1)]);
}

async fn the_audience_is_who_the_rules_say(store: Store) {
    with_people(&store).await;
    let ids: Vec<_> = (0..20).map(SubscriberId).collect();
    for components in [&[][..], &[1], &[2, 3], &[4], &[1, 2, 3, 4]] {
        let audience = audience(components);
        let expected: Vec<_> = people()
            .into_iter()
            .filter(|person| person.state == SubscriberState::Active && ![11, 12].contains(&person.id.0))
            .filter(|person| audience.includes(&person.follows))
            .map(|person| person.id.0)
            .collect();
        assert_eq!(walk(&store, &audience, 100, 100).await, expected, "{components:?}");
        assert_eq!(walk(&store, &audience, 100, 1).await, expected, "{components:?}");
        let wanted = store.still_wanted(&audience, &ids, at(0)).await.unwrap();
        assert_eq!(wanted, expected.iter().copied().map(SubscriberId).collect::<Vec<_>>(), "{components:?}");
        let count = i64::try_from(expected.len()).unwrap();
        assert_eq!(store.count_audience(&audience, at(0)).await.unwrap(), count, "{components:?}");
    }
}

async fn a_batch_says_where_to_and_with_which_links(store: Store) {
    with_page(&store).await;
    let preferences = Preferences { locale: Locale::Spanish, zone: "Asia/Taipei".parse().ok() };
    let person = Subscriber { generation: 42, preferences, ..subscriber(7, Follows::everything()) };
    put_subscribers(&store, &[person.clone(), subscriber(8, Follows::everything())]).await;
    let expected = Recipient { id: person.id, email: person.email, generation: 42, preferences: person.preferences };
    // Both ends are part of it.
    assert_eq!(store.audience_batch(&audience(&[]), 7, 7, 10, at(0)).await.unwrap(), [expected]);
    assert_eq!(store.audience_batch(&audience(&[]), 9, i64::MAX, 10, at(0)).await.unwrap(), []);
    assert_eq!(store.audience_batch(&audience(&[]), 8, 7, 10, at(0)).await.unwrap(), []);
    assert_eq!(store.audience_batch(&audience(&[]), 1, 100, 0, at(0)).await.unwrap(), []);
    assert_eq!(store.still_wanted(&audience(&[]), &[], at(0)).await.unwrap(), []);
}

async fn batches_visit_everyone_once_however_sparse(store: Store) {
    with_page(&store).await;
    // Close together at first, then far apart.
    let ids: Vec<i64> = (1..40).chain((1..12).map(|step| 40 + step * step * step * 100)).collect();
    let people: Vec<_> = ids
        .iter()
        .map(|id| subscriber(*id, if id % 3 == 0 { Follows::everything() } else { follows(&[1], &[1]) }))
        .collect();
    put_subscribers(&store, &people).await;
    let last = *ids.last().unwrap();
    for limit in [1, 2, 7, 500] {
        assert_eq!(walk(&store, &audience(&[1]), last, limit).await, ids);
        assert_eq!(walk(&store, &audience(&[1]), last - 1, limit).await, ids[..ids.len() - 1]);
    }
}

async fn an_audience_of_five_hundred_components_is_no_trouble(store: Store) {
    with_components(&store, 500).await;
    put_incident(&store, &incident(1, vec![update(0, IncidentStatus::Identified, &[])])).await;
    let all: Vec<u64> = (1..=500).collect();
    put_subscribers(&store, &[subscriber(1, follows(&all, &[])), subscriber(2, follows(&[500], &[]))]).await;
    assert_eq!(store.count_audience(&audience(&all), at(0)).await.unwrap(), 2);
    assert_eq!(walk(&store, &audience(&all), 2, 500).await, [1, 2]);
}

async fn who_left_or_is_suppressed_is_not_wanted_any_more(store: Store) {
    with_page(&store).await;
    let people: Vec<_> = (1..=4).map(|id| subscriber(id, follows(&[1], &[]))).collect();
    put_subscribers(&store, &people).await;
    let batch = store.audience_batch(&audience(&[1]), 1, 4, 10, at(0)).await.unwrap();
    let ids: Vec<_> = batch.iter().map(|recipient| recipient.id).collect();
    assert_eq!(ids.len(), 4);

    let left = Subscriber { state: SubscriberState::Unsubscribed, ..people[0].clone() };
    let elsewhere = Subscriber { follows: follows(&[2], &[]), ..people[1].clone() };
    put_subscribers(&store, &[left, elsewhere]).await;
    let mut write = store.write().await.unwrap();
    write.suppress("person3@example.com", "bounced", None, at(0)).await.unwrap();
    write.commit().await.unwrap();
    let wanted: BTreeSet<_> = store.still_wanted(&audience(&[1]), &ids, at(0)).await.unwrap().into_iter().collect();
    assert_eq!(wanted, [SubscriberId(4)].into());
    // Only those who were asked about.
    assert_eq!(store.still_wanted(&audience(&[1, 2]), &ids[..2], at(0)).await.unwrap(), [SubscriberId(2)]);
}
