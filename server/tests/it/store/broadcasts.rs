//! Broadcasts: publishing, superseding, pausing, ending, and that the counters always add up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::time::Duration;

use domain::{
    broadcast::{
        BroadcastState::{self, *},
        Lane,
    },
    delivery::DeliveryState,
    ids::SubscriberId,
    rate::Rate,
    status::IncidentStatus::{Identified, Investigating, Resolved},
    subscriber::Follows,
};
use jiff::{SignedDuration, Timestamp};
use server::store::{
    Store,
    broadcast_states::NewBroadcast,
    broadcasts::Broadcast,
    deliveries::Delivery,
    nodes::Node,
    settlements::{Finding, Settlement},
};

use tokio::time::timeout;

use crate::support::{
    company::Company,
    db::{Database, on_both},
};

on_both!(
    publishing_the_same_update_twice_makes_one_broadcast,
    without_anybody_to_tell_it_is_done_at_once,
    expanding_moves_the_cursor_once_however_many_try,
    one_of_those_who_would_count_does,
    an_estimate_stands_until_everyone_is_found,
    the_total_becomes_what_was_found,
    a_newer_update_takes_the_place_of_the_older_one,
    what_is_under_way_when_superseded_is_not_tried_again,
    a_pause_carries_over,
    what_goes_on_is_listed_however_old_it_is,
    cancelling_counts_whoever_was_not_reached,
    a_resumed_broadcast_goes_on_where_it_was,
    too_late_is_counted,
    a_paused_broadcast_is_done_when_its_last_mail_is,
    what_is_refused_of_a_paused_broadcast_is_tried_again_and_blames_nobody,
    nobody_else_is_claimed_while_many_wait_to_be_tried_again,
    it_says_when_it_will_be_done,
);

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_707_127_920).unwrap()
}

pub(super) fn later(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

pub(super) async fn company(store: &Store, people: usize) -> (Company, Node) {
    let company = Company::new(store, now()).await;
    company.subscribe("p", people, Follows::everything(), now()).await;
    let mut write = store.write().await.unwrap();
    let (node, _) = write.start_epoch("one", now()).await.unwrap();
    write.commit().await.unwrap();
    (company, node)
}

/// Claims the next `limit` people, as the worker does.
pub(super) async fn expand(company: &Company, node: &Node, broadcast: &Broadcast, limit: i64) -> Option<Vec<Delivery>> {
    let (found, cursor) = company.store.next_recipients(broadcast, limit, now()).await.unwrap();
    let mut write = company.store.write().await.unwrap();
    let deliveries = write.expand(node, broadcast, &found, cursor, now()).await.unwrap();
    write.commit().await.unwrap();
    add_up(company, broadcast).await;
    deliveries
}

pub(super) fn settlement(delivery: &Delivery, state: DeliveryState) -> Settlement {
    Settlement {
        id: delivery.id.clone(),
        broadcast: delivery.broadcast.clone(),
        state,
        reason: "because".into(),
        attempts: 1,
        was_uncertain: false,
        due_at: later(5),
        finding: None,
    }
}

pub(super) async fn settle(company: &Company, node: &Node, deliveries: &[Delivery], state: DeliveryState) -> usize {
    let settlements: Vec<_> = deliveries.iter().map(|delivery| settlement(delivery, state)).collect();
    let mut write = company.store.write().await.unwrap();
    let changed = write.settle(node, &settlements, now()).await.unwrap().unwrap();
    write.commit().await.unwrap();
    for broadcast in deliveries.iter().filter_map(|delivery| delivery.broadcast.as_ref()) {
        add_up(company, &company.store.broadcast(broadcast).await.unwrap().unwrap()).await;
    }
    changed
}

pub(super) async fn set(company: &Company, broadcast: &Broadcast, state: BroadcastState) -> bool {
    let mut write = company.store.write().await.unwrap();
    let changed = write.set_broadcast_state(&broadcast.id, state, "a person said so", now()).await.unwrap();
    write.commit().await.unwrap();
    add_up(company, broadcast).await;
    changed
}

/// Whom deliveries are for.
pub(super) fn ids(found: &[Delivery]) -> Vec<i64> {
    found.iter().filter_map(|found| found.subscriber).map(|id| id.0).collect()
}

/// Everyone is counted once, at every commit.
pub(super) async fn add_up(company: &Company, broadcast: &Broadcast) {
    let found = company.look(broadcast).await;
    assert!(found.waiting() >= 0, "{found:?}");
    let done = found.sent + found.failed + found.skipped + found.expired + found.uncertain;
    assert_eq!(done + found.waiting(), found.total);
}

async fn publishing_the_same_update_twice_makes_one_broadcast(store: Store) {
    let (company, _) = company(&store, 3).await;
    let first = company.post(Investigating, now()).await;
    let mut write = store.write().await.unwrap();
    let again = NewBroadcast {
        id: domain::ids::BroadcastId::from_random(9),
        kind: first.kind.clone(),
        incident: first.incident.clone(),
        update: first.update.clone(),
        audience: first.audience.clone(),
    };
    assert_eq!(write.publish_broadcast(&again, later(1)).await.unwrap().id, first.id);
    write.commit().await.unwrap();
    assert_eq!(store.broadcasts_of(&first.incident).await.unwrap().len(), 1);
    assert_eq!(company.look(&first).await.state, Queued);
}

async fn without_anybody_to_tell_it_is_done_at_once(store: Store) {
    let (company, _) = company(&store, 0).await;
    let broadcast = company.post(Investigating, now()).await;
    let found = company.look(&broadcast).await;
    assert_eq!((found.state, found.total, found.finished_at), (Done, 0, Some(now())));
}

async fn expanding_moves_the_cursor_once_however_many_try(store: Store) {
    let (company, node) = company(&store, 10).await;
    let broadcast = company.post(Investigating, now()).await;
    assert_eq!(expand(&company, &node, &broadcast, 4).await.unwrap().len(), 4);
    assert!(expand(&company, &node, &broadcast, 4).await.is_none(), "the cursor was moved by the first");
    let found = company.look(&broadcast).await;
    assert_eq!((found.state, found.expanded, found.cursor.next), (Sending, 4, 5));
}

pub(super) async fn estimate(company: &Company, broadcast: &Broadcast, total: i64) {
    let mut write = company.store.write().await.unwrap();
    write.estimate_total(&broadcast.id, total).await.unwrap();
    write.commit().await.unwrap();
}

async fn one_of_those_who_would_count_does(store: Store) {
    let (company, _) = company(&store, 6).await;
    let broadcast = company.post(Investigating, now()).await;
    assert_eq!(broadcast.counted_at, None);
    for (at, is_first) in [(now(), true), (now() + SignedDuration::from_secs(1), false)] {
        let mut write = store.write().await.unwrap();
        assert_eq!(write.begin_count(&broadcast.id, at).await.unwrap(), is_first);
        write.commit().await.unwrap();
    }
    assert_eq!(company.look(&broadcast).await.counted_at, Some(now()));
}

async fn an_estimate_stands_until_everyone_is_found(store: Store) {
    let (company, node) = company(&store, 6).await;
    let broadcast = company.post(Investigating, now()).await;
    assert_eq!(broadcast.total, 0, "publishing counts nobody");
    expand(&company, &node, &broadcast, 4).await.unwrap();
    estimate(&company, &broadcast, 3).await;
    assert_eq!(company.look(&broadcast).await.total, 4, "fewer than were found already is no estimate");
    estimate(&company, &broadcast, 9).await;
    assert_eq!(company.look(&broadcast).await.total, 9);
    expand(&company, &node, &company.look(&broadcast).await, 4).await.unwrap();
    assert_eq!(company.look(&broadcast).await.total, 6);
    estimate(&company, &broadcast, 9).await;
    assert_eq!(company.look(&broadcast).await.total, 6, "everyone was found");
    add_up(&company, &broadcast).await;
}

async fn the_total_becomes_what_was_found(store: Store) {
    let (company, node) = company(&store, 5).await;
    let broadcast = company.post(Investigating, now()).await;
    let mut write = store.write().await.unwrap();
    write.suppress("p2@example.com", "asked by letter", None, now()).await.unwrap();
    write.commit().await.unwrap();
    let deliveries = expand(&company, &node, &broadcast, 500).await.unwrap();
    assert_eq!(company.look(&broadcast).await.total, 4);
    settle(&company, &node, &deliveries[..3], DeliveryState::Sent).await;
    assert_eq!(company.look(&broadcast).await.state, Sending);
    settle(&company, &node, &deliveries[3..], DeliveryState::Failed).await;
    let found = company.look(&broadcast).await;
    assert_eq!((found.state, found.sent, found.failed, found.finished_at), (Done, 3, 1, Some(now())));
}

async fn a_newer_update_takes_the_place_of_the_older_one(store: Store) {
    let (company, node) = company(&store, 10).await;
    let older = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &older, 4).await.unwrap();
    estimate(&company, &older, 10).await;
    settle(&company, &node, &claimed[..2], DeliveryState::Sent).await;
    settle(&company, &node, &claimed[2..3], DeliveryState::Waiting).await;

    let newer = company.post(Identified, later(1)).await;
    add_up(&company, &older).await;
    let found = company.look(&older).await;
    assert_eq!((found.state, found.sent, found.skipped, found.waiting()), (Superseded, 2, 7, 1), "one is under way");
    assert_eq!((newer.cursor.next, newer.cursor.until, newer.cursor.wrap_until), (5, 10, 4));
    assert_eq!((newer.total, newer.expanded, newer.carried), (10, 2, 2), "as many as the older one was for");

    let first = expand(&company, &node, &newer, 500).await.unwrap();
    let newer = company.look(&newer).await;
    let second = expand(&company, &node, &newer, 500).await.unwrap();
    assert_eq!(ids(&first), [5, 6, 7, 8, 9, 10]);
    assert_eq!(ids(&second), [1, 2]);
    assert_eq!((company.look(&newer).await.total, company.look(&newer).await.expanded), (10, 10));
    assert_eq!(store.busy_with_older(&newer).await.unwrap(), [SubscriberId(4)]);
}

async fn what_is_under_way_when_superseded_is_not_tried_again(store: Store) {
    let (company, node) = company(&store, 3).await;
    let older = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &older, 500).await.unwrap();
    company.post(Resolved, later(1)).await;
    settle(&company, &node, &claimed[..1], DeliveryState::Sent).await;
    settle(&company, &node, &claimed[1..2], DeliveryState::Waiting).await;
    let mut perhaps = settlement(&claimed[2], DeliveryState::Waiting);
    perhaps.was_uncertain = true;
    let mut write = store.write().await.unwrap();
    write.settle(&node, &[perhaps], now()).await.unwrap().unwrap();
    write.commit().await.unwrap();
    let found = company.look(&older).await;
    assert_eq!((found.sent, found.skipped, found.uncertain, found.waiting()), (1, 1, 1, 0));
    assert_eq!(found.state, Superseded);
}

async fn what_goes_on_is_listed_however_old_it_is(store: Store) {
    let (company, _) = company(&store, 3).await;
    // The second takes the place of the first.
    let over = company.post(Investigating, now()).await;
    let open = company.post(Identified, later(1)).await;
    let ids = async |since| -> Vec<_> {
        store.broadcasts_since(since).await.unwrap().into_iter().map(|found| found.id).collect()
    };
    assert_eq!(ids(later(-1)).await, [open.id.clone(), over.id]);
    assert_eq!(ids(later(0)).await, std::slice::from_ref(&open.id));
    assert_eq!(ids(later(9)).await, [open.id]);
}

async fn a_pause_carries_over(store: Store) {
    let (company, _) = company(&store, 3).await;
    let older = company.post(Investigating, now()).await;
    assert!(set(&company, &older, Paused).await);
    let newer = company.post(Resolved, later(1)).await;
    assert_eq!((newer.state, newer.reason.as_str()), (Paused, "a person said so"));
    assert!(store.next_broadcast(Lane::Incident, i64::MAX, later(1)).await.unwrap().is_none());
}

async fn cancelling_counts_whoever_was_not_reached(store: Store) {
    let (company, node) = company(&store, 10).await;
    let broadcast = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &broadcast, 4).await.unwrap();
    estimate(&company, &broadcast, 10).await;
    assert!(set(&company, &broadcast, Cancelled).await);
    assert_eq!(company.look(&broadcast).await.skipped, 6);
    settle(&company, &node, &claimed, DeliveryState::Skipped).await;
    let found = company.look(&broadcast).await;
    assert_eq!((found.state, found.skipped, found.waiting()), (Cancelled, 10, 0));
    assert!(!set(&company, &broadcast, Sending).await, "what is cancelled stays so");
    let moved = company.look(&broadcast).await;
    assert!(expand(&company, &node, &moved, 4).await.is_none());
}

async fn a_resumed_broadcast_goes_on_where_it_was(store: Store) {
    let (company, node) = company(&store, 10).await;
    let broadcast = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &broadcast, 4).await.unwrap();
    settle(&company, &node, &claimed, DeliveryState::Waiting).await;
    set(&company, &broadcast, Paused).await;
    assert!(!store.has_due(&(Lane::Alert..=Lane::Digest), later(10)).await.unwrap());
    let mut write = store.write().await.unwrap();
    assert!(write.claim(&node, &(Lane::Alert..=Lane::Digest), 10, later(10)).await.unwrap().is_empty());
    drop(write);
    assert!(set(&company, &broadcast, Sending).await);
    let next = store.next_broadcast(Lane::Incident, i64::MAX, now()).await.unwrap().unwrap();
    assert_eq!((next.cursor.next, next.waiting()), (5, 4));
    let mut write = store.write().await.unwrap();
    assert_eq!(write.claim(&node, &(Lane::Alert..=Lane::Digest), 10, later(10)).await.unwrap().len(), 4);
}

async fn too_late_is_counted(store: Store) {
    let (company, node) = company(&store, 10).await;
    let broadcast = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &broadcast, 4).await.unwrap();
    estimate(&company, &broadcast, 10).await;
    settle(&company, &node, &claimed[..3], DeliveryState::Waiting).await;
    let mut write = store.write().await.unwrap();
    assert_eq!(write.expire_broadcasts(later(719)).await.unwrap(), 0);
    assert_eq!(write.expire_broadcasts(later(720)).await.unwrap(), 1);
    write.commit().await.unwrap();
    let found = company.look(&broadcast).await;
    assert_eq!((found.state, found.expired, found.waiting()), (Expired, 9, 1));
}

async fn a_paused_broadcast_is_done_when_its_last_mail_is(store: Store) {
    let (company, node) = company(&store, 2).await;
    let broadcast = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &broadcast, 500).await.unwrap();
    set(&company, &broadcast, Paused).await;
    settle(&company, &node, &claimed, DeliveryState::Sent).await;
    assert_eq!(company.look(&broadcast).await.state, Done);
}

/// PostgreSQL locks what a twice changed row refers to: the incident, which whoever publishes holds.
#[tokio::test]
async fn the_last_outcome_is_stored_while_someone_publishes() {
    let database = Database::postgres().await;
    let test = async |store: Store| {
        let (company, node) = company(&store, 2).await;
        let broadcast = company.post(Investigating, now()).await;
        let claimed = expand(&company, &node, &broadcast, 500).await.unwrap();
        let mut publishing = store.write().await.unwrap();
        publishing.incident(&broadcast.incident).await.unwrap().unwrap();
        let settled = settle(&company, &node, &claimed, DeliveryState::Sent);
        assert!(timeout(Duration::from_secs(20), settled).await.is_ok(), "it waits for nobody");
        assert_eq!(company.look(&broadcast).await.state, Done);
    };
    database.run(test).await;
}

async fn it_says_when_it_will_be_done(store: Store) {
    let (company, _) = company(&store, 30).await;
    let broadcast = company.post(Investigating, now()).await;
    estimate(&company, &broadcast, 30).await;
    let broadcast = company.look(&broadcast).await;
    let progress = broadcast.progress(Rate::per_second(10), now());
    assert_eq!((progress.waiting, progress.eta), (30, Some(now() + SignedDuration::from_secs(3))));
    assert_eq!(broadcast.progress(Rate::UNLIMITED, now()).eta, None);
}

async fn what_is_refused_of_a_paused_broadcast_is_tried_again_and_blames_nobody(store: Store) {
    let (company, node) = company(&store, 2).await;
    let broadcast = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &broadcast, 10).await.unwrap();
    let refuse = async |delivery: &Delivery| {
        let finding = Some((Finding::Nobody, delivery.address.clone()));
        let refused = Settlement { finding, ..settlement(delivery, DeliveryState::Failed) };
        let mut write = store.write().await.unwrap();
        write.settle(&node, &[refused], now()).await.unwrap().unwrap();
        write.commit().await.unwrap();
        add_up(&company, &broadcast).await;
        store.is_suppressed(&delivery.address.canonical(), now()).await.unwrap()
    };
    assert!(refuse(&claimed[0]).await);
    assert!(set(&company, &broadcast, Paused).await);
    assert!(!refuse(&claimed[1]).await);
    let found = company.look(&broadcast).await;
    assert_eq!((found.state, found.failed, found.waiting()), (Paused, 1, 1));
    assert!(set(&company, &broadcast, Sending).await);
    let mut write = store.write().await.unwrap();
    let again = write.claim(&node, &(Lane::Incident..=Lane::Incident), 10, later(5)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(ids(&again), ids(&claimed[1..]));
    assert!(refuse(&claimed[1]).await);
    assert_eq!((company.look(&broadcast).await.state, company.look(&broadcast).await.failed), (Done, 2));
}

async fn nobody_else_is_claimed_while_many_wait_to_be_tried_again(store: Store) {
    let (company, node) = company(&store, 10).await;
    let broadcast = company.post(Investigating, now()).await;
    let next = async || {
        let next = store.next_broadcast(Lane::Incident, 5, now()).await.unwrap();
        next.map(|next| (next.id.clone(), next.claimed()))
    };
    assert_eq!(next().await, Some((broadcast.id.clone(), 0)));
    let claimed = expand(&company, &node, &broadcast, 5).await.unwrap();
    assert_eq!(next().await, None);
    settle(&company, &node, &claimed[..4], DeliveryState::Waiting).await;
    assert_eq!(next().await, None);
    settle(&company, &node, &claimed[4..], DeliveryState::Failed).await;
    assert_eq!(next().await, Some((broadcast.id.clone(), 4)));
}
