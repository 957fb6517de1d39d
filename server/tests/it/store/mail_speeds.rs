//! How fast the nodes say that they mail broadcasts.

use domain::{rate::Rate, speed::Speed};
use jiff::SignedDuration;
use server::store::Store;

use super::at;
use crate::support::db::on_both;

on_both!(what_each_node_measures_adds_up);

async fn note(store: &Store, node: &str, mails: u64, seconds: i64, millis: i64) {
    let speed = Speed { mails, time: SignedDuration::from_secs(seconds) };
    let mut write = store.write().await.unwrap();
    write.note_mail_speed(node, speed, at(millis)).await.unwrap();
    write.commit().await.unwrap();
}

async fn what_each_node_measures_adds_up(store: Store) {
    assert_eq!(store.mail_speed().await.unwrap(), None);
    note(&store, "one", 9, 0, 0).await;
    assert_eq!(store.mail_speed().await.unwrap(), None, "it is too early to tell");
    note(&store, "one", 90, 9, 1_000).await;
    note(&store, "two", 100, 20, 5_000).await;
    assert_eq!(store.mail_speed().await.unwrap(), Some(Rate::per_second(15)));
    note(&store, "two", 120, 30, 60_000).await;
    assert_eq!(store.mail_speed().await.unwrap(), Some(Rate::per_second(14)), "the last word of each counts");
    note(&store, "two", 120, 30, 61_000).await;
    assert_eq!(store.mail_speed().await.unwrap(), Some(Rate::per_second(4)), "the other is silent");
}
