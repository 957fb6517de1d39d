use server::store::{Store, suppressions::NOBODY};

use super::at;
use crate::support::db::on_both;

on_both!(
    a_suppressed_address_is_suppressed_until_it_expires,
    a_suppression_without_an_end_stays,
    a_shorter_word_does_not_shorten_a_longer_one,
    what_is_said_again_counts_from_then,
    those_of_late_are_counted,
    what_is_lifted_is_suppressed_no_more,
    those_who_were_said_not_to_exist_are_let_go_at_once,
    a_mailbox_that_is_full_for_three_incidents_in_two_weeks_rests_for_a_month,
    suppressed_addresses_are_found_by_a_part_of_them_and_page_by_page,
);

async fn a_suppressed_address_is_suppressed_until_it_expires(store: Store) {
    assert!(!store.is_suppressed("a@example.com", at(0)).await.unwrap());
    let mut write = store.write().await.unwrap();
    write.suppress("a@example.com", "mailbox full", Some(at(100)), at(0)).await.unwrap();
    write.commit().await.unwrap();
    assert!(store.is_suppressed("a@example.com", at(99)).await.unwrap());
    assert!(!store.is_suppressed("a@example.com", at(100)).await.unwrap());
    assert!(!store.is_suppressed("b@example.com", at(0)).await.unwrap());
    // It can happen again.
    let mut write = store.write().await.unwrap();
    write.suppress("a@example.com", "mailbox full", Some(at(300)), at(200)).await.unwrap();
    write.commit().await.unwrap();
    assert!(store.is_suppressed("a@example.com", at(299)).await.unwrap());
}

async fn a_suppression_without_an_end_stays(store: Store) {
    let mut write = store.write().await.unwrap();
    write.suppress("a@example.com", "mailbox full", Some(at(100)), at(0)).await.unwrap();
    write.suppress("a@example.com", "no such address", None, at(0)).await.unwrap();
    write.commit().await.unwrap();
    assert!(store.is_suppressed("a@example.com", at(i64::from(i32::MAX) * 1_000)).await.unwrap());
}

async fn a_shorter_word_does_not_shorten_a_longer_one(store: Store) {
    let mut write = store.write().await.unwrap();
    write.suppress("a@example.com", "no such address", None, at(0)).await.unwrap();
    write.suppress("a@example.com", "mailbox full", Some(at(100)), at(0)).await.unwrap();
    write.suppress("b@example.com", "mailbox full", Some(at(100)), at(0)).await.unwrap();
    write.suppress("b@example.com", "mailbox full", Some(at(50)), at(0)).await.unwrap();
    write.commit().await.unwrap();
    assert!(store.is_suppressed("a@example.com", at(200)).await.unwrap());
    assert!(store.is_suppressed("b@example.com", at(99)).await.unwrap());
    assert!(!store.is_suppressed("b@example.com", at(100)).await.unwrap());
}

async fn what_is_said_again_counts_from_then(store: Store) {
    let mut write = store.write().await.unwrap();
    write.suppress("a@example.com", "no such address", None, at(0)).await.unwrap();
    write.suppress("a@example.com", "no such address", None, at(100)).await.unwrap();
    write.suppress("a@example.com", "mailbox full", Some(at(900)), at(200)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.suppressed_since("a@example.com", at(300)).await.unwrap(), Some(at(100)));
    assert_eq!(store.suppressed_since("b@example.com", at(300)).await.unwrap(), None);
}

async fn those_of_late_are_counted(store: Store) {
    let mut write = store.write().await.unwrap();
    write.suppress("a@example.com", "no such address", None, at(100)).await.unwrap();
    write.suppress("b@example.com", "mailbox full", Some(at(900)), at(200)).await.unwrap();
    write.commit().await.unwrap();
    for (since, now, count) in [(0, 300, 2), (100, 300, 1), (200, 300, 0), (0, 900, 1)] {
        assert_eq!(store.count_suppressions_since(at(since), at(now)).await.unwrap(), count, "{since} {now}");
    }
}

async fn what_is_lifted_is_suppressed_no_more(store: Store) {
    let mut write = store.write().await.unwrap();
    write.suppress("a@example.com", "no such address", None, at(0)).await.unwrap();
    write.suppress("b@example.com", "no such address", None, at(0)).await.unwrap();
    assert!(write.lift_suppression("a@example.com").await.unwrap());
    assert!(!write.lift_suppression("a@example.com").await.unwrap());
    write.commit().await.unwrap();
    assert!(!store.is_suppressed("a@example.com", at(1)).await.unwrap());
    assert!(store.is_suppressed("b@example.com", at(1)).await.unwrap());
}

async fn those_who_were_said_not_to_exist_are_let_go_at_once(store: Store) {
    let mut write = store.write().await.unwrap();
    for (address, reason, until, found) in [
        ("before@example.com", NOBODY, None, 99),
        ("first@example.com", NOBODY, None, 100),
        ("second@example.com", NOBODY, None, 200),
        ("full@example.com", "the mailbox is full", Some(at(900)), 150),
        ("spam@example.com", "they called a mail spam", None, 150),
    ] {
        write.suppress(address, reason, until, at(found)).await.unwrap();
    }
    write.commit().await.unwrap();
    assert_eq!(store.count_nobody_since(at(100)).await.unwrap(), 2);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.lift_nobody_since(at(100)).await.unwrap(), 2);
    assert_eq!(write.lift_nobody_since(at(100)).await.unwrap(), 0);
    write.commit().await.unwrap();
    let left = store.suppressions("", "", 9, at(300)).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|row| row.email).collect();
    assert_eq!(left, ["before@example.com", "full@example.com", "spam@example.com"]);
}

async fn suppressed_addresses_are_found_by_a_part_of_them_and_page_by_page(store: Store) {
    let mut write = store.write().await.unwrap();
    for (address, until) in [("b@example.com", None), ("a%@example.com", Some(at(100))), ("c@example.org", None)] {
        write.suppress(address, "no such address", until, at(1)).await.unwrap();
    }
    write.commit().await.unwrap();
    let list = async |text: &str, after: &str, now| {
        let found = store.suppressions(text, after, 2, at(now)).await.unwrap();
        found.into_iter().map(|row| row.email).collect::<Vec<_>>()
    };
    assert_eq!(list("", "", 0).await, ["a%@example.com", "b@example.com"]);
    assert_eq!(list("", "b@example.com", 0).await, ["c@example.org"]);
    assert_eq!(list("%", "", 0).await, ["a%@example.com"]);
    assert_eq!(list("", "", 100).await, ["b@example.com", "c@example.org"], "what has expired forbids nothing");
    assert_eq!(
        (store.count_suppressions(at(0)).await.unwrap(), store.count_suppressions(at(100)).await.unwrap()),
        (3, 2)
    );
    let one = store.suppression("a%@example.com", at(99)).await.unwrap().unwrap();
    assert_eq!((one.reason.as_str(), one.created_at, one.expires_at), ("no such address", at(1), Some(at(100))));
    assert_eq!(store.suppression("a%@example.com", at(100)).await.unwrap(), None);
}

async fn a_mailbox_that_is_full_for_three_incidents_in_two_weeks_rests_for_a_month(store: Store) {
    let day = |days: i64| at(days * 24 * 3600 * 1000);
    let found = async |about: &str, days: i64| {
        let mut write = store.write().await.unwrap();
        write.note_full_mailbox("ann@example.com", about, day(days)).await.unwrap();
        write.commit().await.unwrap();
        store.suppression("ann@example.com", day(days)).await.unwrap()
    };
    for (about, days) in [("one", 0), ("one", 1), ("two", 2), ("one", 3), ("two", 4), ("three", 15)] {
        assert_eq!(found(about, days).await, None, "{about} on day {days}");
    }
    let resting = found("four", 15).await.unwrap();
    assert_eq!((resting.reason.as_str(), resting.expires_at), ("the mailbox is full", Some(day(45))));
    assert_eq!(store.suppression("ann@example.com", day(46)).await.unwrap(), None);
    // It begins anew, and what was forgotten does not count.
    assert_eq!(found("five", 46).await, None);
    assert_eq!(found("six", 46).await, None);
    let mut write = store.write().await.unwrap();
    write.forget_full_mailbox("ann@example.com").await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(found("seven", 46).await, None);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.delete_old_full_mailboxes(day(59)).await.unwrap(), 0);
    assert_eq!(write.delete_old_full_mailboxes(day(60)).await.unwrap(), 1);
}
