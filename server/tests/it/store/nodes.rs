//! Clocks: the one that nodes share, and one that was put right.

use domain::{broadcast::Lane, ids::DeliveryId};
use jiff::SignedDuration;
use server::{
    clock::Clock,
    store::{
        Engine, Store,
        deliveries::{Letter, NewLetter},
    },
};

use super::at;
use crate::support::db::on_both;

on_both!(only_a_database_that_nodes_share_has_a_clock, what_a_clock_that_was_ahead_put_off_is_due_by_the_right_one);

async fn only_a_database_that_nodes_share_has_a_clock(store: Store) {
    let clock = Clock::default();
    let before = clock.now();
    let shared = store.shared_time().await.unwrap();
    let after = clock.now();
    match store.engine() {
        Engine::Sqlite => assert_eq!(shared, None),
        // Which need not be the one of this machine.
        Engine::Postgres => {
            let (least, most) = (before - SignedDuration::from_mins(1), after + SignedDuration::from_mins(1));
            assert!((least..=most).contains(&shared.unwrap()), "{before} {shared:?} {after}");
        }
    }
}

async fn what_a_clock_that_was_ahead_put_off_is_due_by_the_right_one(store: Store) {
    let (minute, hour) = (60_000, 3_600_000);
    let mut write = store.write().await.unwrap();
    for (number, written) in [(1, 0), (2, minute), (3, hour)] {
        let letter = NewLetter {
            id: DeliveryId::from_random(number),
            kind: "sign_in",
            lane: Lane::Account,
            to: "new@example.com".parse().unwrap(),
            subscriber: None,
            message: Letter { subject: "Hello".into(), text: "Hello.".into(), html: String::new() },
            dedupe_key: None,
            expires_at: at(2 * hour),
        };
        write.insert_letter(&letter, at(written)).await.unwrap();
    }
    assert_eq!(write.bring_forward(at(0)).await.unwrap(), 1);
    assert_eq!(write.bring_forward(at(0)).await.unwrap(), 0);
    let (node, _) = write.start_epoch("one", at(0)).await.unwrap();
    let claimed = write.claim(&node, &(Lane::Alert..=Lane::Digest), 9, at(0)).await.unwrap();
    let mut ids: Vec<_> = claimed.into_iter().map(|claimed| claimed.id).collect();
    ids.sort();
    // What may have been written just now by another node is due when that said so.
    assert_eq!(ids, [DeliveryId::from_random(1), DeliveryId::from_random(3)]);
}
