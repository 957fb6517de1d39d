use domain::{
    ids::KeyId,
    key::{ApiKey, Scope},
};
use server::store::{Store, repetitions::Repetition};

use super::{AWKWARD, at};
use crate::support::db::on_both;

on_both!(
    a_name_is_claimed_once_and_its_first_answer_stands,
    of_two_who_claim_a_name_at_once_one_gets_it,
    what_was_rolled_back_claims_nothing,
    names_are_forgotten_after_a_while,
);

async fn key(store: &Store, number: u64) -> KeyId {
    let id = KeyId::from_random(number);
    let key = ApiKey {
        id: id.clone(),
        name: "Monitor".into(),
        scopes: [Scope::Incidents].into(),
        created_by: "command line".into(),
        created_at: at(0),
        expires_at: at(1000),
        last_used_at: None,
        revoked_at: None,
    };
    let mut write = store.write().await.unwrap();
    write.insert_key(&key, &format!("hash {number}")).await.unwrap();
    write.commit().await.unwrap();
    id
}

async fn claim(store: &Store, key: &KeyId, name: &str, subject: &str) -> bool {
    let mut write = store.write().await.unwrap();
    let is_first = write.claim_repetition(key, name, "request", subject, at(5)).await.unwrap();
    // Long enough for another to get in between, if it could.
    tokio::task::yield_now().await;
    if is_first {
        write.commit().await.unwrap();
    }
    is_first
}

async fn a_name_is_claimed_once_and_its_first_answer_stands(store: Store) {
    let (mine, other) = (key(&store, 1).await, key(&store, 2).await);
    assert!(claim(&store, &mine, AWKWARD, "first").await);
    assert!(!claim(&store, &mine, AWKWARD, "second").await);
    assert!(claim(&store, &other, AWKWARD, "third").await);
    let claimed = Repetition { request: "request".into(), subject: "first".into(), answer: None };
    assert_eq!(store.repetition(&mine, AWKWARD).await.unwrap(), Some(claimed.clone()));
    assert_eq!(store.repetition(&mine, "another").await.unwrap(), None);
    for answer in [AWKWARD, "later"] {
        let mut write = store.write().await.unwrap();
        write.answer_repetition(&mine, AWKWARD, 201, answer).await.unwrap();
        write.commit().await.unwrap();
    }
    let answered = Repetition { answer: Some((201, AWKWARD.into())), ..claimed };
    assert_eq!(store.repetition(&mine, AWKWARD).await.unwrap(), Some(answered));
}

async fn of_two_who_claim_a_name_at_once_one_gets_it(store: Store) {
    let key = key(&store, 1).await;
    let (first, second, third) = tokio::join!(
        claim(&store, &key, "name", "a"),
        claim(&store, &key, "name", "b"),
        claim(&store, &key, "name", "c")
    );
    assert_eq!([first, second, third].iter().filter(|is_first| **is_first).count(), 1);
}

async fn what_was_rolled_back_claims_nothing(store: Store) {
    let key = key(&store, 1).await;
    let mut write = store.write().await.unwrap();
    assert!(write.claim_repetition(&key, "name", "request", "never", at(5)).await.unwrap());
    drop(write);
    assert!(claim(&store, &key, "name", "subject").await);
}

async fn names_are_forgotten_after_a_while(store: Store) {
    let key = key(&store, 1).await;
    assert!(claim(&store, &key, "name", "subject").await);
    for (before, count) in [(5, 0), (6, 1)] {
        let mut write = store.write().await.unwrap();
        assert_eq!(write.delete_old_repetitions(at(before)).await.unwrap(), count);
        write.commit().await.unwrap();
    }
    assert!(claim(&store, &key, "name", "subject").await);
}
