//! Whoever was claimed and not told when a newer update takes the place of the older one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::{collections::BTreeMap, ops::RangeInclusive};

use domain::{
    broadcast::{BroadcastState::*, Lane},
    delivery::DeliveryState,
    ids::{DeliveryId, SubscriberId},
    status::IncidentStatus::{Identified, Investigating, Resolved},
};
use jiff::Timestamp;
use server::store::{Store, broadcasts::Broadcast, deliveries::Delivery, nodes::Node};

use super::{
    broadcasts::{add_up, company, estimate, expand, ids, later, now, set, settle, settlement},
    revivals::revive,
};
use crate::support::{company::Company, db::on_both};

on_both!(
    who_was_claimed_and_not_told_goes_first_and_is_told_once,
    who_was_told_to_come_again_is_tried_when_that_was_planned,
    who_is_carried_over_again_and_again_keeps_their_place,
    who_is_owed_two_mails_is_carried_over_once,
    it_is_not_done_before_those_whom_it_took_over,
    what_is_carried_over_to_a_paused_broadcast_waits,
    a_revived_broadcast_keeps_whom_it_took_over,
    after_any_number_of_updates_everyone_is_counted_once,
);

const EVERYTHING: RangeInclusive<Lane> = Lane::Alert..=Lane::Digest;

async fn claim(company: &Company, node: &Node, limit: i64, at: Timestamp) -> Vec<Delivery> {
    let mut write = company.store.write().await.unwrap();
    let claimed = write.claim(node, &EVERYTHING, limit, at).await.unwrap();
    write.commit().await.unwrap();
    claimed
}

/// What is due, by number.
async fn due(company: &Company, node: &Node, at: Timestamp) -> Vec<i64> {
    let mut due = ids(&claim(company, node, 500, at).await);
    due.sort_unstable();
    due
}

/// The counters are those of the rows, one for each person.
async fn agrees(company: &Company, broadcast: &Broadcast) {
    add_up(company, broadcast).await;
    let found = company.look(broadcast).await;
    let rows = company.store.recipients(&broadcast.id, None, SubscriberId(0), 500).await.unwrap();
    assert_eq!(i64::try_from(rows.len()).unwrap(), found.expanded, "{found:?}");
    let sent = rows.iter().filter(|row| row.state == DeliveryState::Sent).count();
    assert_eq!(i64::try_from(sent).unwrap(), found.sent, "{found:?}");
    let open = rows.iter().filter(|row| matches!(row.state, DeliveryState::Waiting | DeliveryState::Leased)).count();
    if found.state.is_open() {
        assert_eq!(i64::try_from(open).unwrap() + found.total - found.expanded, found.waiting(), "{found:?}");
    }
}

async fn who_was_claimed_and_not_told_goes_first_and_is_told_once(store: Store) {
    let (company, node) = company(&store, 10).await;
    let older = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &older, 6).await.unwrap();
    estimate(&company, &older, 9).await;
    settle(&company, &node, &claimed[..4], DeliveryState::Sent).await;

    let newer = company.post(Resolved, later(1)).await;
    assert_eq!((newer.cursor.next, newer.cursor.until, newer.cursor.wrap_until), (7, 10, 6));
    assert_eq!((newer.state, newer.total, newer.expanded, newer.carried), (Queued, 9, 2, 2));
    assert_eq!(company.look(&newer).await.carried, 2);
    agrees(&company, &newer).await;
    let carried = claim(&company, &node, 500, later(1)).await;
    let mut found = ids(&carried);
    found.sort_unstable();
    assert_eq!(found, [5, 6]);
    let five = carried.iter().find(|delivery| delivery.subscriber == Some(SubscriberId(5))).unwrap();
    assert_eq!(five.id, DeliveryId::of_broadcast(&newer.id, SubscriberId(5)));
    assert_eq!((&five.broadcast, &*five.kind, five.lane), (&Some(newer.id.clone()), "update", Lane::Incident));
    assert_eq!(five.address, claimed[4].address);
    assert_eq!((five.due_at, five.created_at, five.expires_at), (now(), later(1), newer.expires_at));
    assert_eq!((five.attempts, five.was_uncertain, &five.letter), (0, false, &None));
    assert_eq!(store.busy_with_older(&newer).await.unwrap().len(), 2, "the older mail may be under way");

    let to_the_end = expand(&company, &node, &newer, 500).await.unwrap();
    assert_eq!(ids(&to_the_end), [7, 8, 9, 10]);
    // Whom it took over is found and passed by, also when they fill a batch.
    let wrapped = expand(&company, &node, &company.look(&newer).await, 4).await.unwrap();
    assert_eq!(ids(&wrapped), [1, 2, 3, 4]);
    assert_eq!(ids(&expand(&company, &node, &company.look(&newer).await, 2).await.unwrap()), [0_i64; 0]);
    let (nobody, cursor) = store.next_recipients(&company.look(&newer).await, 500, now()).await.unwrap();
    assert!(nobody.is_empty() && cursor.is_done());
    agrees(&company, &newer).await;
    expand(&company, &node, &company.look(&newer).await, 500).await.unwrap();
    for deliveries in [&carried, &to_the_end, &wrapped] {
        settle(&company, &node, deliveries, DeliveryState::Sent).await;
        agrees(&company, &newer).await;
    }
    let done = company.look(&newer).await;
    assert_eq!((done.state, done.total, done.expanded, done.sent), (Done, 10, 10, 10));
    settle(&company, &node, &claimed[4..], DeliveryState::Skipped).await;
    agrees(&company, &older).await;
}

async fn who_was_told_to_come_again_is_tried_when_that_was_planned(store: Store) {
    let (company, node) = company(&store, 4).await;
    let older = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &older, 2).await.unwrap();
    // In five minutes.
    settle(&company, &node, &claimed[..1], DeliveryState::Waiting).await;
    let newer = company.post(Identified, later(1)).await;
    assert_eq!(newer.carried, 2);
    assert_eq!(due(&company, &node, later(4)).await, [2]);
    assert_eq!(due(&company, &node, later(5)).await, [1]);
    assert_eq!(company.look(&older).await.skipped, 1, "the next try of the older one is dropped");
}

async fn who_is_carried_over_again_and_again_keeps_their_place(store: Store) {
    let (company, node) = company(&store, 9).await;
    let mut newest = company.post(Investigating, now()).await;
    for minute in 1..=3 {
        let claimed = expand(&company, &node, &company.look(&newest).await, 2).await.unwrap();
        assert_eq!(ids(&claimed), [2 * minute - 1, 2 * minute]);
        let another = company.post(Identified, later(minute)).await;
        assert_eq!((another.carried, another.cursor.next), (2 * minute, 2 * minute + 1));
        agrees(&company, &newest).await;
        newest = another;
    }
    let carried = claim(&company, &node, 500, later(3)).await;
    assert_eq!(carried.len(), 6);
    assert!(carried.iter().all(|delivery| delivery.broadcast.as_ref() == Some(&newest.id)));
    assert!(carried.iter().all(|delivery| delivery.due_at == now()), "not since they were carried over");
}

async fn who_is_owed_two_mails_is_carried_over_once(store: Store) {
    let (company, node) = company(&store, 6).await;
    let first = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &first, 3).await.unwrap();
    let second = company.post(Identified, later(1)).await;
    let carried = claim(&company, &node, 1, later(1)).await;
    settle(&company, &node, &carried, DeliveryState::Waiting).await;
    assert_eq!(ids(&expand(&company, &node, &second, 1).await.unwrap()), [4]);
    // As after a removal that came between.
    revive(&company, &first, None).await;
    let third = company.post(Resolved, later(2)).await;
    assert_eq!((third.carried, third.expanded, third.cursor.next), (4, 4, 5));
    for older in [&first, &second] {
        assert_eq!(company.look(older).await.state, Superseded);
        agrees(&company, older).await;
    }
    // The earlier of two moments counts: the first update has claimed them, and nobody asked them to come again.
    assert_eq!(due(&company, &node, later(2)).await, [1, 2, 3, 4]);
    settle(&company, &node, &claimed, DeliveryState::Waiting).await;
    agrees(&company, &first).await;
    agrees(&company, &third).await;
}

async fn it_is_not_done_before_those_whom_it_took_over(store: Store) {
    let (company, node) = company(&store, 2).await;
    let older = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &older, 500).await.unwrap();
    settle(&company, &node, &claimed[..1], DeliveryState::Sent).await;
    let newer = company.post(Resolved, later(1)).await;
    let rest = expand(&company, &node, &newer, 500).await.unwrap();
    assert_eq!(ids(&rest), [1]);
    settle(&company, &node, &rest, DeliveryState::Sent).await;
    let found = company.look(&newer).await;
    assert_eq!((found.state, found.sent, found.waiting()), (Sending, 1, 1));
    let carried = claim(&company, &node, 500, later(1)).await;
    settle(&company, &node, &carried, DeliveryState::Sent).await;
    let found = company.look(&newer).await;
    assert_eq!((found.state, found.sent, found.total), (Done, 2, 2));
    agrees(&company, &newer).await;
}

async fn what_is_carried_over_to_a_paused_broadcast_waits(store: Store) {
    let (company, node) = company(&store, 5).await;
    let older = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &older, 3).await.unwrap();
    assert!(set(&company, &older, Paused).await);
    let newer = company.post(Resolved, later(1)).await;
    assert_eq!((newer.state, newer.carried, newer.waiting()), (Paused, 3, 3));
    assert!(!store.has_due(&EVERYTHING, later(9)).await.unwrap());
    assert_eq!(due(&company, &node, later(9)).await, [0_i64; 0]);
    settle(&company, &node, &claimed, DeliveryState::Waiting).await;
    agrees(&company, &older).await;
    assert!(set(&company, &newer, Sending).await);
    assert_eq!(due(&company, &node, later(9)).await, [1, 2, 3]);
    agrees(&company, &newer).await;
}

async fn a_revived_broadcast_keeps_whom_it_took_over(store: Store) {
    let (company, node) = company(&store, 8).await;
    let first = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &first, 4).await.unwrap();
    settle(&company, &node, &claimed, DeliveryState::Skipped).await;
    let second = company.post(Identified, later(1)).await;
    assert_eq!(second.carried, 0, "who has an outcome is owed nothing");
    let of_second = expand(&company, &node, &second, 3).await.unwrap();
    assert_eq!(ids(&of_second), [5, 6, 7]);
    let third = company.post(Identified, later(2)).await;
    let fourth = company.post(Resolved, later(3)).await;
    let of_fourth = claim(&company, &node, 1, later(3)).await;
    settle(&company, &node, &of_fourth, DeliveryState::Sent).await;
    let told = ids(&of_fourth);

    // The last word is taken back, and the one before it goes on.
    assert!(set(&company, &fourth, Cancelled).await);
    let found = revive(&company, &third, None).await;
    assert_eq!((found.state, found.carried, found.skipped), (Sending, 3, 0));
    agrees(&company, &third).await;
    let everyone: Vec<_> = (1..=8).map(SubscriberId).collect();
    assert_eq!(store.told_since(&found, &everyone).await.unwrap(), [SubscriberId(told[0])]);
    assert_eq!(due(&company, &node, later(3)).await, [5, 6, 7]);
    assert_eq!(ids(&expand(&company, &node, &found, 500).await.unwrap()), [8]);
    let wrapped = expand(&company, &node, &company.look(&third).await, 500).await.unwrap();
    assert_eq!(ids(&wrapped), [1, 2, 3, 4]);
    agrees(&company, &third).await;
    let busy = settlement(&of_second[0], DeliveryState::Waiting);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.settle(&node, &[busy], later(3)).await.unwrap(), Ok(1));
    write.commit().await.unwrap();
    agrees(&company, &second).await;
}

/// Forty people, eight of whom have their turn between one update and the next.
async fn after_any_number_of_updates_everyone_is_counted_once(store: Store) {
    const PEOPLE: i64 = 40;
    let (company, node) = company(&store, 40).await;
    let mut told: BTreeMap<i64, i32> = (1..=PEOPLE).map(|id| (id, 0)).collect();
    let mut all = Vec::new();
    for minute in 0..15 {
        all.push(company.post(Identified, later(minute)).await);
        let newest = all.last().unwrap();
        let mut leased = claim(&company, &node, 12, later(minute)).await;
        let limit = 12 - i64::try_from(leased.len()).unwrap();
        if limit > 0 {
            leased.extend(expand(&company, &node, &company.look(newest).await, limit).await.unwrap());
        }
        leased.truncate(8);
        // The fifth is told to come again.
        for deliveries in [&leased[..4], &leased[5..]] {
            settle(&company, &node, deliveries, DeliveryState::Sent).await;
            for id in ids(deliveries) {
                *told.entry(id).or_insert(0) += 1;
            }
        }
        settle(&company, &node, &leased[4..5], DeliveryState::Waiting).await;
        agrees(&company, newest).await;
    }
    for broadcast in &all {
        agrees(&company, broadcast).await;
    }
    let newest = all.last().unwrap();
    while !company.look(newest).await.cursor.is_done() {
        expand(&company, &node, &company.look(newest).await, 7).await.unwrap();
        agrees(&company, newest).await;
    }
    assert_eq!((company.look(newest).await.total, company.look(newest).await.expanded), (PEOPLE, PEOPLE));
    let (least, most) = (told.values().min().unwrap(), told.values().max().unwrap());
    assert!(*least >= 1 && most - least <= 2, "{told:?}");
}
