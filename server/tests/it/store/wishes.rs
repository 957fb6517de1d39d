use domain::{
    i18n::Preferences,
    ids::{ComponentId, IncidentId, SubscriberId},
    subscriber::Follows,
};
use server::store::{Store, import::ImportRow, subscribers::Owed};

use super::at;
use crate::support::db::on_both;

on_both!(
    a_wish_is_kept_replaced_and_forgotten,
    wishes_grow_old_and_go_with_whom_they_are_of,
    a_wish_does_not_grow_old_before_its_letter_is_written,
);

async fn subscriber(store: &Store, email: &str) -> SubscriberId {
    let row = ImportRow {
        email: email.parse().unwrap(),
        follows: Follows::everything(),
        preferences: Preferences::default(),
    };
    let mut write = store.write().await.unwrap();
    write.import_subscribers(&[row], "asked on paper", at(0)).await.unwrap();
    let known = write.subscriber_by_email(&email.parse().unwrap()).await.unwrap().unwrap();
    write.commit().await.unwrap();
    known.id
}

async fn a_wish_is_kept_replaced_and_forgotten(store: Store) {
    let id = subscriber(&store, "reader@example.com").await;
    assert_eq!(store.wish(id).await.unwrap(), None);
    let first = Follows { components: [ComponentId::from_random(1)].into(), ..Follows::default() };
    let second = Follows { everything: true, incidents: [IncidentId::from_random(2)].into(), ..first.clone() };
    let mut write = store.write().await.unwrap();
    write.put_wish(id, &first, at(1)).await.unwrap();
    assert_eq!(write.wish(id).await.unwrap(), Some(first));
    write.put_wish(id, &second, at(2)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.wish(id).await.unwrap(), Some(second));
    let mut write = store.write().await.unwrap();
    write.delete_wish(id).await.unwrap();
    write.delete_wish(id).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.wish(id).await.unwrap(), None);
}

async fn wishes_grow_old_and_go_with_whom_they_are_of(store: Store) {
    let (old, new) = (subscriber(&store, "old@example.com").await, subscriber(&store, "new@example.com").await);
    let mut write = store.write().await.unwrap();
    write.put_wish(old, &Follows::everything(), at(10)).await.unwrap();
    write.put_wish(new, &Follows::everything(), at(20)).await.unwrap();
    write.delete_stale_wishes(at(20)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.wish(old).await.unwrap(), None);
    assert_eq!(store.wish(new).await.unwrap(), Some(Follows::everything()));
}

async fn a_wish_does_not_grow_old_before_its_letter_is_written(store: Store) {
    let id = subscriber(&store, "reader@example.com").await;
    let mut write = store.write().await.unwrap();
    write.put_wish(id, &Follows::everything(), at(10)).await.unwrap();
    let mut person = write.subscriber(id).await.unwrap().unwrap();
    person.owed = Some(Owed { since: at(10), turn: 1 });
    write.put_subscriber(&person).await.unwrap();
    write.delete_stale_wishes(at(20)).await.unwrap();
    assert!(write.wish(id).await.unwrap().is_some(), "not asked yet");
    (person.owed, person.confirmation_sent_at) = (None, Some(at(30)));
    write.put_subscriber(&person).await.unwrap();
    write.delete_stale_wishes(at(30)).await.unwrap();
    assert!(write.wish(id).await.unwrap().is_some(), "asked just now");
    write.delete_stale_wishes(at(31)).await.unwrap();
    assert_eq!(write.wish(id).await.unwrap(), None);
}
