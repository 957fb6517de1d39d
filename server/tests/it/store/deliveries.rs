//! Letters, leases, nodes and rates.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    ids::DeliveryId,
    rate::{Rate, Share},
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::{SignedDuration, Timestamp};
use server::store::{
    Engine, Store,
    deliveries::{Delivery, LaneCount, Letter, NewLetter},
    mail_rates::Allowance,
    nodes::Node,
    settlements::{Fenced, Finding, Settlement},
};

use sqlx::{AnyConnection, Connection};

use super::broadcasts::settlement;
use crate::support::{
    company::Company,
    db::{Database, on_both},
};

on_both!(
    a_letter_is_sent_once_for_its_key,
    the_most_urgent_lane_is_claimed_first,
    two_who_claim_at_once_never_get_the_same,
    a_new_epoch_takes_back_what_the_former_had_leased,
    a_dead_node_is_taken_over_once,
    transactions_of_one_node_go_on_side_by_side_until_it_is_fenced,
    a_fenced_node_can_store_nothing,
    a_letter_that_is_too_late_is_not_sent,
    an_address_that_does_not_exist_is_never_written_to_again,
    what_was_over_long_ago_is_removed,
    the_queue_counts_those_no_cursor_has_reached,
    a_letter_waits_since_it_was_asked_for_however_often_it_was_tried,
    what_left_lately_is_counted,
    all_nodes_together_keep_to_the_rate,
    broadcasts_leave_room_for_letters,
    sign_ups_leave_room_for_broadcasts,
);

fn now() -> Timestamp {
    Timestamp::from_second(1_707_127_920).unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn letter(number: u64, lane: Lane) -> NewLetter {
    NewLetter {
        id: DeliveryId::from_random(number),
        kind: "confirmation",
        lane,
        to: format!("p{number}@example.com").parse().unwrap(),
        subscriber: None,
        message: Letter { subject: "Please confirm".into(), text: "Click.".into(), html: "<p>Click.</p>".into() },
        dedupe_key: None,
        expires_at: later(7200),
    }
}

async fn insert(store: &Store, letters: impl IntoIterator<Item = NewLetter>) {
    let mut write = store.write().await.unwrap();
    for letter in letters {
        assert!(write.insert_letter(&letter, now()).await.unwrap());
    }
    write.commit().await.unwrap();
}

async fn start(store: &Store, id: &str, at: Timestamp) -> (Node, u64) {
    let mut write = store.write().await.unwrap();
    let started = write.start_epoch(id, at).await.unwrap();
    write.commit().await.unwrap();
    started
}

async fn claim(store: &Store, node: &Node, limit: i64) -> Vec<Delivery> {
    let mut write = store.write().await.unwrap();
    let claimed = write.claim(node, &(Lane::Alert..=Lane::Digest), limit, now()).await.unwrap();
    write.commit().await.unwrap();
    claimed
}

async fn a_letter_is_sent_once_for_its_key(store: Store) {
    let mut write = store.write().await.unwrap();
    let keyed = |number| NewLetter { dedupe_key: Some("confirm:7".into()), ..letter(number, Lane::Account) };
    assert!(write.insert_letter(&keyed(1), now()).await.unwrap());
    assert!(!write.insert_letter(&keyed(2), now()).await.unwrap());
    write.commit().await.unwrap();
    let (node, _) = start(&store, "one", now()).await;
    let claimed = claim(&store, &node, 10).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].letter, Some(keyed(1).message));
}

async fn the_most_urgent_lane_is_claimed_first(store: Store) {
    insert(&store, [letter(1, Lane::Digest), letter(2, Lane::Account), letter(3, Lane::Alert)]).await;
    let (node, _) = start(&store, "one", now()).await;
    assert!(store.has_due(&(Lane::Alert..=Lane::Account), now()).await.unwrap());
    let lanes: Vec<_> = claim(&store, &node, 2).await.into_iter().map(|claimed| claimed.lane).collect();
    assert_eq!(lanes, [Lane::Alert, Lane::Account]);
    assert!(!store.has_due(&(Lane::Alert..=Lane::Account), now()).await.unwrap());
    assert!(store.has_due(&(Lane::Alert..=Lane::Digest), now()).await.unwrap());
}

async fn two_who_claim_at_once_never_get_the_same(store: Store) {
    insert(&store, (0..200).map(|number| letter(number, Lane::Account))).await;
    let (one, _) = start(&store, "one", now()).await;
    let (two, _) = start(&store, "two", now()).await;
    let mut claimed = Vec::new();
    loop {
        let (first, second) = tokio::join!(claim(&store, &one, 15), claim(&store, &two, 15));
        if first.is_empty() && second.is_empty() {
            break;
        }
        claimed.extend(first.into_iter().chain(second).map(|claimed| claimed.id));
    }
    assert_eq!(claimed.len(), 200);
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), 200);
}

async fn a_new_epoch_takes_back_what_the_former_had_leased(store: Store) {
    insert(&store, [letter(1, Lane::Account), letter(2, Lane::Account)]).await;
    let (first, _) = start(&store, "one", now()).await;
    assert_eq!(claim(&store, &first, 10).await.len(), 2);
    let (other, returned) = start(&store, "two", now()).await;
    assert_eq!(returned, 0, "what others lease stays theirs");
    assert!(claim(&store, &other, 10).await.is_empty());
    let (second, returned) = start(&store, "one", now()).await;
    assert_eq!((second.epoch, returned), (first.epoch + 1, 2));
    assert_eq!(claim(&store, &second, 10).await.len(), 2);
}

async fn a_dead_node_is_taken_over_once(store: Store) {
    insert(&store, [letter(1, Lane::Account)]).await;
    let (dead, _) = start(&store, "dead", now()).await;
    claim(&store, &dead, 10).await;
    let stale = store.heartbeats().await.unwrap().pop().unwrap();
    let mut write = store.write().await.unwrap();
    assert!(write.heartbeat(&dead, later(1)).await.unwrap());
    write.commit().await.unwrap();
    let silent = store.heartbeats().await.unwrap().pop().unwrap();
    assert_ne!(stale, silent);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.take_over(&stale, later(30)).await.unwrap(), None, "it was heard of since");
    assert_eq!(write.take_over(&silent, later(30)).await.unwrap(), Some(1));
    assert_eq!(write.take_over(&silent, later(30)).await.unwrap(), None);
    assert!(!write.heartbeat(&dead, later(31)).await.unwrap());
    write.commit().await.unwrap();
    assert!(store.heartbeats().await.unwrap().is_empty());
}

async fn transactions_of_one_node_go_on_side_by_side_until_it_is_fenced(store: Store) {
    let (node, _) = start(&store, "one", now()).await;
    let alive = async |at| {
        let mut write = store.write().await.unwrap();
        let is_alive = write.is_alive(&node, at).await.unwrap();
        write.commit().await.unwrap();
        (is_alive, store.heartbeats().await.unwrap())
    };
    let (is_alive, first) = alive(now()).await;
    assert!(is_alive);
    assert_eq!(alive(now()).await, (true, first.clone()), "it was heard of just now");
    let (is_alive, second) = alive(later(1)).await;
    assert!(is_alive);
    assert_ne!(second, first);
    let (_, third) = alive(now()).await;
    assert_eq!(third, first, "a clock that was put back is heard of, too");
    if store.engine() == Engine::Postgres {
        let (mut one, mut other) = (store.write().await.unwrap(), store.write().await.unwrap());
        assert!(one.is_alive(&node, now()).await.unwrap());
        assert!(other.is_alive(&node, now()).await.unwrap(), "neither waits for the other");
        one.commit().await.unwrap();
        other.commit().await.unwrap();
    }
    start(&store, "one", now()).await;
    assert!(!alive(now()).await.0);
    assert!(!alive(later(1)).await.0);
}

async fn a_fenced_node_can_store_nothing(store: Store) {
    insert(&store, [letter(1, Lane::Account)]).await;
    let (slow, _) = start(&store, "one", now()).await;
    let claimed = claim(&store, &slow, 10).await;
    let (fast, _) = start(&store, "one", now()).await;
    let mut write = store.write().await.unwrap();
    let sent = [settlement(&claimed[0], DeliveryState::Sent)];
    assert_eq!(write.settle(&slow, &sent, now()).await.unwrap(), Err(Fenced));
    write.commit().await.unwrap();
    assert_eq!(claim(&store, &fast, 10).await.len(), 1, "it is still to be sent");
    let mut write = store.write().await.unwrap();
    assert_eq!(write.settle(&fast, &sent, now()).await.unwrap(), Ok(1));
    assert_eq!(write.settle(&fast, &sent, now()).await.unwrap(), Ok(0), "an outcome is final");
}

async fn a_letter_that_is_too_late_is_not_sent(store: Store) {
    insert(&store, [letter(1, Lane::Account)]).await;
    let mut write = store.write().await.unwrap();
    assert_eq!(write.expire_letters(later(7199)).await.unwrap(), 0);
    assert_eq!(write.expire_letters(later(7200)).await.unwrap(), 1);
    write.commit().await.unwrap();
    assert!(!store.has_due(&(Lane::Alert..=Lane::Digest), later(7200)).await.unwrap());
}

async fn an_address_that_does_not_exist_is_never_written_to_again(store: Store) {
    insert(&store, [letter(1, Lane::Account)]).await;
    let (node, _) = start(&store, "one", now()).await;
    let claimed = claim(&store, &node, 10).await;
    let mut failed = settlement(&claimed[0], DeliveryState::Failed);
    failed.finding = Some((Finding::Nobody, claimed[0].address.clone()));
    failed.reason = "550 5.1.1 No such user".into();
    let mut write = store.write().await.unwrap();
    write.settle(&node, &[failed], now()).await.unwrap().unwrap();
    write.commit().await.unwrap();
    assert!(store.is_suppressed("p1@example.com", later(1)).await.unwrap());
    let outcome = store.delivery_outcome(&claimed[0].id).await.unwrap().unwrap();
    assert_eq!((outcome.state, &*outcome.reason, outcome.at), (DeliveryState::Failed, "550 5.1.1 No such user", now()));
    assert_eq!(store.delivery_outcome(&DeliveryId::from_random(404)).await.unwrap(), None);
}

async fn words_go_with_the_outcome(database: Database) {
    let url = database.url.clone();
    database
        .run(async |store| {
            let mut beside = AnyConnection::connect(&url).await.unwrap();
            let mut kept = async || {
                let query = "select count(*) from deliveries where message is not null";
                sqlx::query_scalar::<_, i64>(query).fetch_one(&mut beside).await.unwrap()
            };
            insert(&store, [letter(1, Lane::Account), letter(2, Lane::Account)]).await;
            let (node, _) = start(&store, "one", now()).await;
            let first = claim(&store, &node, 1).await;
            settle(&store, &node, settlement(&first[0], DeliveryState::Waiting)).await;
            assert_eq!(kept().await, 2, "for another try they are needed");
            let again = claim(&store, &node, 1).await;
            assert_eq!(again[0].letter, Some(letter(1, Lane::Account).message));
            settle(&store, &node, settlement(&again[0], DeliveryState::Sent)).await;
            assert_eq!(kept().await, 1);
            let mut write = store.write().await.unwrap();
            assert_eq!(write.expire_letters(later(7200)).await.unwrap(), 1);
            write.commit().await.unwrap();
            assert_eq!(kept().await, 0);
            beside.close().await.unwrap();
        })
        .await;
}

mod the_words_of_a_letter_go_with_its_outcome {
    use super::{Database, words_go_with_the_outcome};

    #[tokio::test]
    async fn sqlite() {
        words_go_with_the_outcome(Database::sqlite().await).await;
    }

    #[tokio::test]
    async fn postgres() {
        words_go_with_the_outcome(Database::postgres().await).await;
    }
}

async fn what_was_over_long_ago_is_removed(store: Store) {
    let company = Company::new(&store, now()).await;
    company.subscribe("p", 3, Follows::everything(), now()).await;
    let broadcast = company.post(Investigating, now()).await;
    insert(&store, (0..4).map(|number| letter(number, Lane::Account))).await;
    let (node, _) = start(&store, "one", now()).await;
    let recipients = store.audience_batch(&broadcast.audience, 0, i64::MAX, 10, now()).await.unwrap();
    let mut write = store.write().await.unwrap();
    let told =
        write.expand(&node, &broadcast, &recipients, broadcast.cursor.walk_ended(), now()).await.unwrap().unwrap();
    write.commit().await.unwrap();
    let letters = claim(&store, &node, 3).await;
    for delivery in letters.iter().chain(&told[..2]) {
        settle(&store, &node, settlement(delivery, DeliveryState::Sent)).await;
    }
    let delete = async |limit| {
        let mut write = store.write().await.unwrap();
        let deleted = write.delete_old_deliveries(later(1), limit).await.unwrap();
        write.commit().await.unwrap();
        deleted
    };
    assert_eq!((delete(2).await, delete(2).await), (2, 1), "what waits, and a broadcast that goes on, stay");
    settle(&store, &node, settlement(&told[2], DeliveryState::Sent)).await;
    assert_eq!(delete(10).await, 3);
    assert_eq!(claim(&store, &node, 10).await.len(), 1);
    assert_eq!(company.look(&broadcast).await.sent, 3, "what was counted stays");
}

async fn settle(store: &Store, node: &Node, settlement: Settlement) {
    let mut write = store.write().await.unwrap();
    assert_eq!(write.settle(node, &[settlement], now()).await.unwrap(), Ok(1));
    write.commit().await.unwrap();
}

async fn what_left_lately_is_counted(store: Store) {
    let (node, _) = start(&store, "one", now()).await;
    insert(&store, [letter(1, Lane::Account), letter(2, Lane::Account), letter(3, Lane::Account)]).await;
    let letters = claim(&store, &node, 3).await;
    let states = [DeliveryState::Sent, DeliveryState::Uncertain, DeliveryState::Failed];
    for (letter, state) in letters.iter().zip(states) {
        settle(&store, &node, settlement(letter, state)).await;
    }
    assert_eq!(store.count_sent(later(-1)).await.unwrap(), 2);
    assert_eq!(store.count_sent(now()).await.unwrap(), 0);
}

async fn the_queue_counts_those_no_cursor_has_reached(store: Store) {
    let company = Company::new(&store, now()).await;
    company.subscribe("p", 7, Follows::everything(), now()).await;
    let broadcast = company.post(Investigating, later(1)).await;
    let mut write = store.write().await.unwrap();
    write.estimate_total(&broadcast.id, 7).await.unwrap();
    write.commit().await.unwrap();
    insert(&store, [letter(1, Lane::Account), letter(2, Lane::Account)]).await;
    let counts = async |at| store.queue_counts(at).await.unwrap();
    let count = |lane, waiting, at| LaneCount { lane, waiting, oldest: Some(at), due_since: Some(at) };
    let expected = [count(Lane::Account, 2, now()), count(Lane::Incident, 7, later(1))];
    assert_eq!(counts(later(2)).await, expected);
    // What a node has leased waits on until it has an outcome.
    let (node, _) = start(&store, "one", now()).await;
    let claimed = claim(&store, &node, 1).await;
    assert_eq!(counts(later(2)).await, expected);
    settle(&store, &node, settlement(&claimed[0], DeliveryState::Sent)).await;
    assert_eq!(counts(later(2)).await[0].waiting, 1);
}

async fn a_letter_waits_since_it_was_asked_for_however_often_it_was_tried(store: Store) {
    insert(&store, [letter(1, Lane::Alert), letter(2, Lane::Account), letter(3, Lane::Digest)]).await;
    let (node, _) = start(&store, "one", now()).await;
    // The way was shut, their server asked us to come again, and did so for later than now.
    let tries = [(0, later(590)), (1, later(590)), (1, later(610))];
    for (claimed, (attempts, due_at)) in claim(&store, &node, 3).await.iter().zip(tries) {
        let again = Settlement { attempts, due_at, ..settlement(claimed, DeliveryState::Waiting) };
        settle(&store, &node, again).await;
    }
    let counts = store.queue_counts(later(600)).await.unwrap();
    let since: Vec<_> = counts.into_iter().map(|count| (count.oldest, count.due_since)).collect();
    assert_eq!(since, [Some(now()), Some(later(590)), None].map(|due| (Some(now()), due)));
}

fn per_second(mails: u64) -> Allowance {
    Allowance { rate: Rate::per_second(mails), quota: None }
}

async fn all_nodes_together_keep_to_the_rate(store: Store) {
    let mut granted = 0;
    for millis in (0..10_000).step_by(50) {
        let at = now() + SignedDuration::from_millis(millis);
        let mut write = store.write().await.unwrap();
        granted += write.take_permits("main", per_second(100), Share::All, u64::MAX, at).await.unwrap().permits;
        write.commit().await.unwrap();
    }
    assert!((900..=1000).contains(&granted), "{granted} in ten seconds at 95 a second");
}

async fn broadcasts_leave_room_for_letters(store: Store) {
    let rate = per_second(100);
    let mut bulk = 0;
    for millis in (0..10_000).step_by(100) {
        let at = now() + SignedDuration::from_millis(millis);
        let mut write = store.write().await.unwrap();
        bulk += write.take_permits("main", rate, Share::Bulk, u64::MAX, at).await.unwrap().permits;
        write.commit().await.unwrap();
    }
    assert!((800..=900).contains(&bulk), "{bulk} in ten seconds at 85 a second");
    let mut write = store.write().await.unwrap();
    let after = now() + SignedDuration::from_secs(10);
    assert!(write.take_permits("main", rate, Share::All, u64::MAX, after).await.unwrap().permits > 0);
}

async fn sign_ups_leave_room_for_broadcasts(store: Store) {
    let rate = per_second(100);
    let (mut account, mut bulk) = (0, 0);
    for millis in (0..10_000).step_by(100) {
        let at = now() + SignedDuration::from_millis(millis);
        let mut write = store.write().await.unwrap();
        account += write.take_permits("main", rate, Share::Account, u64::MAX, at).await.unwrap().permits;
        bulk += write.take_permits("main", rate, Share::Bulk, u64::MAX, at).await.unwrap().permits;
        write.commit().await.unwrap();
    }
    assert!((190..=210).contains(&account), "{account} in ten seconds at 20 a second");
    assert!((700..=800).contains(&bulk), "{bulk} in ten seconds at the 75 a second that are left");
}
