use domain::{
    ids::KeyId,
    key::{ApiKey, Scope},
};
use server::store::Store;

use super::{AWKWARD, at};
use crate::support::db::on_both;

on_both!(
    a_key_is_found_by_its_tokens_hash,
    keys_that_end_soon_are_listed_in_the_order_of_their_ends,
    a_key_is_revoked_once,
    its_last_use_is_noted,
);

fn key(number: u64, expires: i64) -> ApiKey {
    ApiKey {
        id: KeyId::from_random(number),
        name: AWKWARD.into(),
        scopes: [Scope::Incidents, Scope::Broadcasts].into(),
        created_by: "command line".into(),
        created_at: at(i64::try_from(number).unwrap()),
        expires_at: at(expires),
        last_used_at: None,
        revoked_at: None,
    }
}

async fn put(store: &Store, key: &ApiKey, hash: &str) {
    let mut write = store.write().await.unwrap();
    write.insert_key(key, hash).await.unwrap();
    write.commit().await.unwrap();
}

async fn a_key_is_found_by_its_tokens_hash(store: Store) {
    let (first, second) = (key(1, 1000), key(2, 1000));
    put(&store, &first, "hash 1").await;
    put(&store, &second, "hash 2").await;
    assert_eq!(store.key_by_hash("hash 1").await.unwrap(), Some(first.clone()));
    assert_eq!(store.key_by_hash("hash").await.unwrap(), None);
    assert_eq!(store.key(&second.id).await.unwrap(), Some(second.clone()));
    assert_eq!(store.key(&KeyId::from_random(9)).await.unwrap(), None);
    assert_eq!(store.keys().await.unwrap(), [second, first]);
    let mut write = store.write().await.unwrap();
    assert!(write.insert_key(&key(3, 1000), "hash 1").await.is_err(), "two keys with one token");
}

async fn keys_that_end_soon_are_listed_in_the_order_of_their_ends(store: Store) {
    for (number, expires) in [(1, 10), (2, 300), (3, 200), (4, 301), (5, 250)] {
        put(&store, &key(number, expires), &format!("hash {number}")).await;
    }
    let mut write = store.write().await.unwrap();
    write.revoke_key(&KeyId::from_random(5), at(6)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.keys_ending(at(10), at(300)).await.unwrap(), [key(3, 200), key(2, 300)]);
}

async fn a_key_is_revoked_once(store: Store) {
    put(&store, &key(1, 1000), "hash").await;
    let mut write = store.write().await.unwrap();
    assert!(write.revoke_key(&key(1, 0).id, at(5)).await.unwrap());
    assert!(!write.revoke_key(&key(1, 0).id, at(6)).await.unwrap());
    assert!(!write.revoke_key(&KeyId::from_random(9), at(6)).await.unwrap());
    write.commit().await.unwrap();
    assert_eq!(store.key_by_hash("hash").await.unwrap().unwrap().revoked_at, Some(at(5)));
}

async fn its_last_use_is_noted(store: Store) {
    put(&store, &key(1, 1000), "hash").await;
    let mut write = store.write().await.unwrap();
    write.note_key_use(&key(1, 0).id, at(7)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.keys().await.unwrap(), [ApiKey { last_used_at: Some(at(7)), ..key(1, 1000) }]);
}
