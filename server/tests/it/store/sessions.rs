use std::collections::HashMap;

use domain::ids::UserId;
use jiff::SignedDuration;
use serde_json::json;
use server::{
    clock::Clock,
    store::{Store, sessions::Sessions, users::User},
};
use sqlx::{Connection, SqliteConnection};
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
};

use super::{AWKWARD, at, email};
use crate::support::db::{Database, on_both};

on_both!(
    a_session_comes_back_as_it_was_saved,
    a_session_expires_by_our_clock,
    a_session_that_was_ended_does_not_come_back,
    everyone_can_be_signed_out_everywhere,
    a_new_password_signs_out_everywhere,
    expired_sessions_are_cleared_away,
);

/// A session of a minute.
fn record(id: i128, clock: &Clock, user: Option<&UserId>) -> Record {
    let mut data = HashMap::from([("note".to_owned(), json!(AWKWARD))]);
    if let Some(user) = user {
        data.insert("user".to_owned(), json!(user));
    }
    let expires_at = i128::from((clock.now() + SignedDuration::from_mins(1)).as_millisecond());
    let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(expires_at * 1_000_000).unwrap();
    Record { id: Id(id), data, expiry_date }
}

async fn with_users(store: &Store) -> [UserId; 2] {
    let mut write = store.write().await.unwrap();
    let ids = [UserId::from_random(1), UserId::from_random(2)];
    for id in &ids {
        let user = User {
            id: id.clone(),
            email: email(&format!("{id}@example.com")),
            password_hash: None,
            confirmed_at: None,
        };
        assert!(write.insert_user(&user, at(0)).await.unwrap());
    }
    write.commit().await.unwrap();
    ids
}

async fn a_session_comes_back_as_it_was_saved(store: Store) {
    let [user, _] = with_users(&store).await;
    let clock = Clock::default();
    let sessions = Sessions(store, clock.clone());
    let mut created = record(1, &clock, None);
    sessions.create(&mut created).await.unwrap();
    assert_eq!(sessions.load(&created.id).await.unwrap(), Some(created.clone()));
    let saved = Record { id: created.id, ..record(1, &clock, Some(&user)) };
    sessions.save(&saved).await.unwrap();
    assert_eq!(sessions.load(&saved.id).await.unwrap(), Some(saved));
    assert_eq!(sessions.load(&Id(404)).await.unwrap(), None);
    assert!(sessions.create(&mut created).await.is_err(), "one id, one session");
}

async fn a_session_expires_by_our_clock(store: Store) {
    let clock = Clock::default();
    let sessions = Sessions(store, clock.clone());
    let mut session = record(1, &clock, None);
    sessions.create(&mut session).await.unwrap();
    clock.advance(SignedDuration::from_secs(30));
    assert!(sessions.load(&session.id).await.unwrap().is_some());
    clock.advance(SignedDuration::from_secs(30));
    assert_eq!(sessions.load(&session.id).await.unwrap(), None);
}

async fn a_session_that_was_ended_does_not_come_back(store: Store) {
    let clock = Clock::default();
    let sessions = Sessions(store, clock.clone());
    let mut session = record(1, &clock, None);
    sessions.create(&mut session).await.unwrap();
    sessions.delete(&session.id).await.unwrap();
    sessions.save(&session).await.unwrap();
    assert_eq!(sessions.load(&session.id).await.unwrap(), None);
    sessions.delete(&session.id).await.unwrap();
}

async fn everyone_can_be_signed_out_everywhere(store: Store) {
    let [user, other] = with_users(&store).await;
    let clock = Clock::default();
    let sessions = Sessions(store.clone(), clock.clone());
    for (id, user) in [(1, Some(&user)), (2, Some(&user)), (3, Some(&other)), (4, None)] {
        sessions.create(&mut record(id, &clock, user)).await.unwrap();
    }
    let mut write = store.write().await.unwrap();
    write.delete_sessions_of(&user).await.unwrap();
    write.commit().await.unwrap();
    let mut left = Vec::new();
    for id in 1..=4 {
        left.push(sessions.load(&Id(id)).await.unwrap().is_some());
    }
    assert_eq!(left, [false, false, true, true]);
}

async fn a_new_password_signs_out_everywhere(store: Store) {
    let [user, other] = with_users(&store).await;
    let clock = Clock::default();
    let sessions = Sessions(store.clone(), clock.clone());
    sessions.create(&mut record(1, &clock, Some(&user))).await.unwrap();
    sessions.create(&mut record(2, &clock, Some(&other))).await.unwrap();
    let mut write = store.write().await.unwrap();
    write.set_password_hash(&user, "$argon2id$new", at(0)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(sessions.load(&Id(1)).await.unwrap(), None);
    assert!(sessions.load(&Id(2)).await.unwrap().is_some());
}

async fn expired_sessions_are_cleared_away(store: Store) {
    let clock = Clock::default();
    let sessions = Sessions(store.clone(), clock.clone());
    sessions.create(&mut record(1, &clock, None)).await.unwrap();
    clock.advance(SignedDuration::from_secs(30));
    sessions.create(&mut record(2, &clock, None)).await.unwrap();
    clock.advance(SignedDuration::from_secs(45));
    let mut write = store.write().await.unwrap();
    assert_eq!(write.delete_expired_sessions(clock.now()).await.unwrap(), 1);
    write.commit().await.unwrap();
    assert!(sessions.load(&Id(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_table_does_not_let_anyone_in() {
    let database = Database::sqlite().await;
    let clock = Clock::default();
    let sessions = Sessions(database.store().await, clock.clone());
    let mut session = record(0x0123_4567_89ab_cdef, &clock, None);
    sessions.create(&mut session).await.unwrap();
    sessions.0.close().await;
    let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
    let ids: Vec<String> = sqlx::query_scalar("select id from sessions").fetch_all(&mut connection).await.unwrap();
    assert_eq!(ids, [domain::token::hash(&session.id.to_string())]);
}
