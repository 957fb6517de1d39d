//! The quota: what was sent, what is left, and for whom.

use domain::{
    forecast::Usage,
    quota::{Used, bucket},
    rate::{Rate, Share},
};
use jiff::{SignedDuration, Timestamp};
use server::store::{Store, mail_rates::Allowance};

use super::at;
use crate::support::db::{Database, on_both};

on_both!(
    broadcasts_stop_exactly_at_the_reserve,
    sign_ups_use_no_more_than_a_fifth,
    what_was_not_sent_is_given_back,
    what_was_sent_a_day_ago_counts_no_more,
    each_transport_has_its_own_quota,
    old_buckets_are_removed,
);

fn of(quota: &str) -> Allowance {
    Allowance { rate: Rate::UNLIMITED, quota: Some(quota.parse().unwrap()) }
}

async fn take(store: &Store, allowance: Allowance, share: Share, now: Timestamp) -> u64 {
    let mut write = store.write().await.unwrap();
    let granted = write.take_permits("main", allowance, share, u64::MAX, now).await.unwrap();
    write.commit().await.unwrap();
    granted.permits
}

/// Takes as much as there is, slice by slice, none of which is large.
async fn take_all(store: &Store, allowance: Allowance, share: Share, now: Timestamp) -> u64 {
    let mut all = 0;
    loop {
        let slice = take(store, allowance, share, now).await;
        assert!(slice <= 500, "a node that dies now leaves {slice} booked");
        all += slice;
        if slice == 0 {
            return all;
        }
    }
}

async fn used(store: &Store, allowance: Allowance, now: Timestamp) -> Used {
    let mut write = store.write().await.unwrap();
    write.used("main", allowance.quota.unwrap(), now).await.unwrap()
}

fn hours(hours: i64) -> Timestamp {
    at(hours * 3_600_000)
}

async fn broadcasts_stop_exactly_at_the_reserve(store: Store) {
    let allowance = Allowance { rate: Rate::per_second(1000), ..of("1000/day") };
    let mut sent = 0;
    for second in 0..20 {
        sent += take(&store, allowance, Share::Bulk, at(second * 1000)).await;
    }
    assert_eq!(sent, 930);
    let mut write = store.write().await.unwrap();
    let grant = write.take_permits("main", allowance, Share::Bulk, u64::MAX, at(20_000)).await.unwrap();
    assert!(grant.permits == 0 && grant.wait > SignedDuration::ZERO && grant.wait <= SignedDuration::from_mins(5));
    drop(write);
    let letters = async |share| {
        let mut sent = 0;
        for second in 20..40 {
            sent += take(&store, allowance, share, at(second * 1000)).await;
        }
        sent
    };
    assert_eq!((letters(Share::Account).await, letters(Share::All).await), (50, 20));
    assert_eq!(letters(Share::All).await, 0, "the provider would refuse more");
}

async fn sign_ups_use_no_more_than_a_fifth(store: Store) {
    let allowance = of("10000/day");
    assert_eq!(take_all(&store, allowance, Share::Account, at(0)).await, 2000);
    assert_eq!(used(&store, allowance, at(0)).await, Used { all: 2000, account: 2000 });
    assert_eq!(take_all(&store, allowance, Share::Bulk, at(0)).await, 7300);
}

async fn what_was_not_sent_is_given_back(store: Store) {
    let allowance = of("1000/day");
    assert_eq!(take_all(&store, allowance, Share::Bulk, at(0)).await, 930);
    let mut write = store.write().await.unwrap();
    write.give_back("main", Share::Bulk, 30, at(0)).await.unwrap();
    // Never more than was booked.
    write.give_back("main", Share::Account, 30, at(0)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(used(&store, allowance, at(0)).await.all, 900);
    assert_eq!(take(&store, allowance, Share::Bulk, hours(23)).await, 30);
    let booked = |at, mails| Usage { bucket: bucket(at), mails };
    assert_eq!(store.mail_usage("main", at(-600_000)).await.unwrap(), [booked(at(0), 900), booked(hours(23), 30)]);
}

async fn what_was_sent_a_day_ago_counts_no_more(store: Store) {
    let allowance = of("1000/day");
    assert_eq!(take_all(&store, allowance, Share::Bulk, at(0)).await, 930);
    assert_eq!(take(&store, allowance, Share::Bulk, hours(23)).await, 0);
    // The whole bucket must be over.
    let later = bucket(at(0)) + SignedDuration::from_hours(24) + SignedDuration::from_mins(5);
    assert_eq!(take(&store, allowance, Share::Bulk, later - SignedDuration::from_secs(1)).await, 0);
    assert_eq!(take_all(&store, allowance, Share::Bulk, later).await, 930);
    // A clock that is put back frees nothing.
    assert_eq!(take(&store, allowance, Share::Bulk, hours(20)).await, 0);
}

async fn each_transport_has_its_own_quota(store: Store) {
    assert_eq!(take_all(&store, of("1000/day"), Share::Bulk, at(0)).await, 930);
    let mut write = store.write().await.unwrap();
    let other = write.take_permits("alert", of("1000/day"), Share::Bulk, u64::MAX, at(0)).await.unwrap();
    assert_eq!(other.permits, 500);
}

async fn old_buckets_are_removed(store: Store) {
    take(&store, of("1000/day"), Share::Bulk, at(0)).await;
    take(&store, of("1000/day"), Share::All, hours(1)).await;
    let mut write = store.write().await.unwrap();
    assert_eq!(write.delete_old_mail_usage(hours(1) - SignedDuration::from_mins(10)).await.unwrap(), 1);
    write.commit().await.unwrap();
    assert_eq!(store.mail_usage("main", at(0)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nodes_that_take_at_once_book_no_more_than_there_is() {
    let database = Database::postgres().await;
    let stores = [database.store().await, database.store().await, database.store().await];
    database
        .run(async |store| {
            let allowance = Allowance { rate: Rate::per_second(2000), ..of("1000/day") };
            let node = async |store: &Store| {
                let mut sent = 0;
                for step in 0..30 {
                    sent += take(store, allowance, Share::Bulk, at(step * 100)).await;
                }
                sent
            };
            let (one, two, three) = tokio::join!(node(&stores[0]), node(&stores[1]), node(&stores[2]));
            assert_eq!(one + two + three, 930);
            assert_eq!(used(&store, allowance, at(0)).await.all, 930);
            for store in &stores {
                store.close().await;
            }
        })
        .await;
}
