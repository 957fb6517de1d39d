//! What all nodes have in common.

use jiff::SignedDuration;
use server::{
    clock::Clock,
    store::{Engine, Store},
};

use crate::support::db::on_both;

on_both!(only_a_database_that_nodes_share_has_a_clock,);

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
