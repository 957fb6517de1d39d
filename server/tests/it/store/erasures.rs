//! Forgetting people.

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    ids::{DeliveryId, SubscriberId},
    subscriber::Follows,
};
use jiff::{SignedDuration, Timestamp};
use server::store::{
    Store,
    deliveries::{Letter, NewLetter},
    subscribers::Subscriber,
};

use super::{at, follows, put_subscribers, subscriber, with_components};
use crate::support::db::on_both;

on_both!(whoever_is_erased_is_gone_and_stays_known_by_a_tag_alone, whoever_asks_again_is_not_kept_out,);

async fn whoever_is_erased_is_gone_and_stays_known_by_a_tag_alone(store: Store) {
    with_components(&store, 1).await;
    let (person, other) = (subscriber(1, follows(&[1], &[])), subscriber(2, Follows::everything()));
    put_subscribers(&store, &[person.clone(), other.clone()]).await;
    let letter = |number, to: &Subscriber| NewLetter {
        id: DeliveryId::from_random(number),
        kind: "confirmation",
        lane: Lane::Account,
        to: to.email.clone(),
        subscriber: Some(to.id),
        message: Letter { subject: "For them".into(), text: to.email.to_string(), html: String::new() },
        dedupe_key: None,
        expires_at: at(0) + SignedDuration::from_hours(2),
    };
    assert!(!store.has_erased().await.unwrap());
    let mut write = store.write().await.unwrap();
    write.insert_letter(&letter(1, &person), at(0)).await.unwrap();
    write.insert_letter(&letter(2, &other), at(0)).await.unwrap();
    write.suppress(&person.email.canonical(), "no such address", None, at(0)).await.unwrap();
    write.erase_subscriber(&person, "tag", at(1)).await.unwrap();
    write.erase_subscriber(&person, "tag", at(2)).await.unwrap();
    write.commit().await.unwrap();

    assert!(store.has_erased().await.unwrap());
    assert_eq!(store.subscriber(person.id).await.unwrap(), None);
    assert!(!store.is_suppressed(&person.email.canonical(), at(3)).await.unwrap());
    let sent = store.sent_to(person.id, (Timestamp::MAX, ""), 9).await.unwrap();
    assert_eq!(sent.iter().map(|sent| sent.state).collect::<Vec<_>>(), [DeliveryState::Skipped], "the count stays");
    let due = store.has_due(&(Lane::Alert..=Lane::Digest), at(3)).await.unwrap();
    assert!(due, "the other's letter is not touched");
    assert_eq!(store.subscriber(other.id).await.unwrap(), Some(other));
    let tags = ["tag".to_owned(), "another".to_owned()];
    assert_eq!(store.erased_among(&tags).await.unwrap(), ["tag"]);
    assert_eq!(store.erased_among(&[]).await.unwrap(), Vec::<String>::new());
}

async fn whoever_asks_again_is_not_kept_out(store: Store) {
    let person = subscriber(1, Follows::everything());
    put_subscribers(&store, std::slice::from_ref(&person)).await;
    let mut write = store.write().await.unwrap();
    write.erase_subscriber(&person, "tag", at(1)).await.unwrap();
    write.forget_erasure("tag").await.unwrap();
    write.forget_erasure("tag").await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.erased_among(&["tag".to_owned()]).await.unwrap(), Vec::<String>::new());
    assert_eq!(store.subscriber(SubscriberId(1)).await.unwrap(), None);
}
