use jiff::SignedDuration;
use server::store::Store;

use super::{AWKWARD, at};
use crate::support::db::on_both;

on_both!(
    tries_are_read_without_counting,
    tries_add_up_within_a_window_and_start_over_in_the_next,
    tries_are_counted_for_each_kind_and_subject,
    success_forgets_what_went_before,
    old_windows_are_cleared_away,
    tries_at_the_same_moment_are_all_counted,
);

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Milliseconds after a full minute.
fn after(millis: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(1_707_127_920_000 + millis).unwrap()
}

async fn count(store: &Store, kind: &str, subject: &str, now: jiff::Timestamp) -> i64 {
    let mut write = store.write().await.unwrap();
    let tries = write.count_attempt(kind, subject, MINUTE, now).await.unwrap();
    write.commit().await.unwrap();
    tries
}

async fn tries_add_up_within_a_window_and_start_over_in_the_next(store: Store) {
    let mut tries = Vec::new();
    for millis in [0, 1, 59_999, 60_000, 60_001, 119_999, 120_000] {
        tries.push(count(&store, "sign_in", "someone", after(millis)).await);
    }
    assert_eq!(tries, [1, 2, 3, 1, 2, 3, 1]);
}

async fn tries_are_counted_for_each_kind_and_subject(store: Store) {
    assert_eq!(count(&store, "sign_in", AWKWARD, at(0)).await, 1);
    assert_eq!(count(&store, "sign_in", "b", at(0)).await, 1);
    assert_eq!(count(&store, "subscribe", AWKWARD, at(0)).await, 1);
    assert_eq!(count(&store, "sign_in", AWKWARD, at(0)).await, 2);
}

async fn success_forgets_what_went_before(store: Store) {
    count(&store, "sign_in", "a", at(0)).await;
    count(&store, "sign_in", "b", at(0)).await;
    let mut write = store.write().await.unwrap();
    write.forget_attempts("sign_in", "a").await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(count(&store, "sign_in", "a", at(0)).await, 1);
    assert_eq!(count(&store, "sign_in", "b", at(0)).await, 2);
}

async fn old_windows_are_cleared_away(store: Store) {
    count(&store, "sign_in", "a", after(0)).await;
    count(&store, "sign_in", "a", after(60_000)).await;
    let mut write = store.write().await.unwrap();
    assert_eq!(write.delete_old_attempts(after(60_000)).await.unwrap(), 1);
    write.commit().await.unwrap();
    assert_eq!(count(&store, "sign_in", "a", after(0)).await, 1);
    assert_eq!(count(&store, "sign_in", "a", after(60_000)).await, 2);
}

async fn tries_at_the_same_moment_are_all_counted(store: Store) {
    let one = || count(&store, "sign_in", "a", at(0));
    let mut tries: [i64; 4] = tokio::join!(one(), one(), one(), one()).into();
    tries.sort_unstable();
    assert_eq!(tries, [1, 2, 3, 4]);
}

async fn tries_are_read_without_counting(store: Store) {
    let minute = SignedDuration::from_mins(1);
    assert_eq!(store.attempts("api", "key", minute, at(0)).await.unwrap(), 0);
    let mut write = store.write().await.unwrap();
    for _ in 0..3 {
        write.count_attempt("api", "key", minute, at(0)).await.unwrap();
    }
    write.commit().await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.attempts("api", "key", minute, at(0)).await.unwrap(), 3);
    }
    assert_eq!(store.attempts("api", "other", minute, at(0)).await.unwrap(), 0);
    assert_eq!(store.attempts("api", "key", minute, at(60_000)).await.unwrap(), 0);
}
