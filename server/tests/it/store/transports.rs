//! How transports fare, what owners are told, who got many mails, and the switch that holds everything.

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    email_address::EmailAddress,
    health::{Condition, Health},
    ids::DeliveryId,
};
use jiff::{SignedDuration, Timestamp};
use server::store::{
    Store,
    deliveries::{Letter, NewLetter},
};

use super::{
    at,
    broadcasts::{settle, settlement},
    email,
};
use crate::support::{company::Company, db::on_both};

on_both!(
    a_transport_is_as_it_was_noted,
    under_other_settings_nothing_is_known_of_a_transport,
    mail_is_held_and_let_go_once,
    owners_are_told_four_times_an_hour_and_of_everything,
    an_address_is_busy_for_an_hour,
    what_goes_on_is_listed_oldest_first,
);

async fn a_transport_is_as_it_was_noted(store: Store) {
    assert_eq!(store.transport("main").await.unwrap(), None);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.transport("main", at(5)).await.unwrap(), Health::new(at(5)));
    let trouble = Health::new(at(5)).failed(Condition::Broken, "535 5.7.8", at(6), at(7), 3).unwrap();
    let trouble = Health { cap: Some(40), pace: 55, ..trouble };
    for health in [Health::new(at(5)), trouble.clone()] {
        write.put_transport("main", &health).await.unwrap();
        assert_eq!(write.transport("main", at(9)).await.unwrap(), health);
    }
    write.commit().await.unwrap();
    assert_eq!(store.transport("main").await.unwrap(), Some(trouble));
    assert_eq!(store.transport("alert").await.unwrap(), None);
}

async fn under_other_settings_nothing_is_known_of_a_transport(store: Store) {
    let adopt = async |tag: &str, now| {
        let mut write = store.write().await.unwrap();
        let is_other = write.adopt_transport("main", tag, now).await.unwrap();
        write.commit().await.unwrap();
        is_other
    };
    assert!(!adopt("one", at(0)).await, "it is the first");
    let trouble = Health::new(at(0)).failed(Condition::Broken, "535 5.7.8", at(6), at(7), 3).unwrap();
    let trouble = Health { cap: Some(40), pace: 55, ..trouble };
    let mut write = store.write().await.unwrap();
    write.put_transport("main", &trouble).await.unwrap();
    write.commit().await.unwrap();
    assert!(!adopt("one", at(8)).await);
    assert_eq!(store.transport("main").await.unwrap(), Some(trouble));
    assert!(adopt("two", at(9)).await);
    assert_eq!(store.transport("main").await.unwrap(), Some(Health::new(at(9))));
    assert!(!adopt("two", at(10)).await);
}

async fn mail_is_held_and_let_go_once(store: Store) {
    assert_eq!(store.mail_held_since().await.unwrap(), None);
    let set = async |is_held, now| {
        let mut write = store.write().await.unwrap();
        let has_changed = write.hold_mail(is_held, now).await.unwrap();
        assert_eq!(write.is_mail_held().await.unwrap(), is_held);
        write.commit().await.unwrap();
        has_changed
    };
    assert!(!set(false, at(0)).await);
    assert!(set(true, at(1)).await && !set(true, at(2)).await);
    assert_eq!(store.mail_held_since().await.unwrap(), Some(at(1)));
    assert!(set(false, at(3)).await);
    assert_eq!(store.mail_held_since().await.unwrap(), None);
}

async fn owners_are_told_four_times_an_hour_and_of_everything(store: Store) {
    let minutes = |minutes: i64| at(minutes * 60_000);
    let mut told = Vec::new();
    for minute in 0..62 {
        let mut write = store.write().await.unwrap();
        let key = format!("key {minute}");
        assert!(write.raise_alert(&key, &format!("It was minute {minute}."), minutes(minute)).await.unwrap());
        assert!(!write.raise_alert(&key, "Again.", minutes(minute)).await.unwrap());
        let alerts = write.take_new_alerts(4, minutes(minute)).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(store.has_new_alerts().await.unwrap(), alerts.is_empty());
        if !alerts.is_empty() {
            told.push((minute, alerts.len()));
        }
    }
    assert_eq!(told, [(0, 1), (1, 1), (2, 1), (3, 1), (60, 57), (61, 1)]);
    let latest = store.alerts(2).await.unwrap();
    assert_eq!(latest[0].message, "It was minute 61.");
    assert_eq!((latest[1].raised_at, latest[1].mailed_at), (minutes(60), Some(minutes(60))));
    let mut write = store.write().await.unwrap();
    assert_eq!(write.delete_old_alerts(minutes(60)).await.unwrap(), 60);
}

async fn an_address_is_busy_for_an_hour(store: Store) {
    let letter = |number: u64, to: &str| NewLetter {
        id: DeliveryId::from_random(number),
        kind: "test",
        lane: Lane::Account,
        to: email(to),
        subscriber: None,
        message: Letter { subject: "Hello".into(), text: "Hello.".into(), html: String::new() },
        dedupe_key: None,
        expires_at: at(100_000_000),
    };
    let mut write = store.write().await.unwrap();
    let (node, _) = write.start_epoch("one", at(0)).await.unwrap();
    for (number, to) in [(1, "Ann@example.com"), (2, "ann@example.com"), (3, "bob@example.com")] {
        write.insert_letter(&letter(number, to), at(0)).await.unwrap();
    }
    let claimed = write.claim(&node, &(Lane::Alert..=Lane::Digest), 10, at(0)).await.unwrap();
    for (second, delivery) in claimed.iter().enumerate() {
        let now = at(i64::try_from(second).unwrap() * 1000);
        write.settle(&node, &[settlement(delivery, DeliveryState::Sent)], now).await.unwrap().unwrap();
    }
    write.commit().await.unwrap();
    let (ann, bob): (EmailAddress, EmailAddress) = (email("ANN@example.com"), email("bob@example.com"));
    let busy = async |most, now: Timestamp| store.busy_addresses(&[&ann, &bob], most, now).await.unwrap();
    let first = claimed.iter().position(|delivery| delivery.address.canonical() == "ann@example.com").unwrap();
    let free_at = at(i64::try_from(first).unwrap() * 1000) + SignedDuration::from_hours(1);
    assert_eq!(busy(2, at(3000)).await, [("ann@example.com".to_owned(), free_at)]);
    assert_eq!(busy(3, at(3000)).await, []);
    assert_eq!(busy(1, at(3000)).await.len(), 2);
    assert_eq!(busy(1, at(4_000_000)).await, []);
}

async fn what_goes_on_is_listed_oldest_first(store: Store) {
    use domain::{status::IncidentStatus::Investigating, subscriber::Follows};
    let company = Company::new(&store, at(0)).await;
    company.subscribe("p", 40, Follows::everything(), at(0)).await;
    let broadcast = company.post(Investigating, at(1)).await;
    let open = store.open_broadcasts().await.unwrap();
    assert_eq!(open.iter().map(|open| &open.id).collect::<Vec<_>>(), [&broadcast.id]);
    assert_eq!(store.unfinished_broadcasts(at(1)).await.unwrap(), []);
    assert_eq!(store.unfinished_broadcasts(at(2)).await.unwrap(), [at(1)]);
    let mut write = store.write().await.unwrap();
    let (node, _) = write.start_epoch("one", at(0)).await.unwrap();
    let found = store.audience_batch(&broadcast.audience, 0, i64::MAX, 50, at(1)).await.unwrap();
    let claimed = write.expand(&node, &broadcast, &found, broadcast.cursor.walk_ended(), at(1)).await.unwrap().unwrap();
    write.commit().await.unwrap();
    settle(&company, &node, &claimed[..37], DeliveryState::Sent).await;
    assert_eq!(store.unfinished_broadcasts(at(2)).await.unwrap(), [at(1)], "three of forty wait");
    settle(&company, &node, &claimed[37..38], DeliveryState::Sent).await;
    assert_eq!(store.unfinished_broadcasts(at(2)).await.unwrap(), [], "nearly everyone was reached");
    assert_eq!(store.open_broadcasts().await.unwrap().len(), 1);
}
