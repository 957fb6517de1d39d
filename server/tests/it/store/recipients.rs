use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    ids::{DeliveryId, SubscriberId},
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use jiff::{SignedDuration, Timestamp};
use server::store::{
    Store,
    broadcasts::Broadcast,
    deliveries::{Delivery, Letter, NewLetter, Outcome},
    nodes::Node,
    settlements::Settlement,
};

use super::{at, broadcasts::settlement, email};
use crate::support::{company::Company, db::on_both};

on_both!(
    the_people_of_a_broadcast_are_listed_in_their_order_and_by_state,
    the_mails_to_one_person_are_found_by_their_address,
    what_was_sent_is_found_like_the_rest,
    what_took_more_than_one_attempt_keeps_saying_so,
    whoever_was_erased_was_sent_something_all_the_same,
    broadcasts_are_listed_page_by_page,
);

/// Five people, of whom the broadcast has reached three.
async fn reached(store: &Store) -> (Broadcast, Node, Vec<Delivery>) {
    let company = Company::new(store, at(0)).await;
    company.subscribe("reader", 5, Follows::everything(), at(0)).await;
    let broadcast = company.post(Investigating, at(0)).await;
    let mut write = store.write().await.unwrap();
    let (node, _) = write.start_epoch("one", at(0)).await.unwrap();
    write.commit().await.unwrap();
    let people = store.audience_batch(&broadcast.audience, 1, 5, 3, at(0)).await.unwrap();
    let cursor = broadcast.cursor.after(people[2].id);
    let mut write = store.write().await.unwrap();
    let leased = write.expand(&node, &broadcast, &people, cursor, at(0)).await.unwrap().unwrap();
    write.commit().await.unwrap();
    (broadcast, node, leased)
}

/// The same, and the second of them was sent their mail at 7.
async fn sent(store: &Store) -> (Broadcast, Delivery) {
    let (broadcast, node, leased) = reached(store).await;
    let mut write = store.write().await.unwrap();
    let settled = settlement(&leased[1], DeliveryState::Sent);
    for expected in [Ok(1), Ok(0)] {
        assert_eq!(write.settle(&node, std::slice::from_ref(&settled), at(7)).await.unwrap(), expected);
    }
    write.commit().await.unwrap();
    (broadcast, leased[1].clone())
}

async fn the_people_of_a_broadcast_are_listed_in_their_order_and_by_state(store: Store) {
    let (broadcast, ..) = reached(&store).await;
    let all = store.recipients(&broadcast.id, None, SubscriberId(0), 10).await.unwrap();
    assert_eq!(
        all.iter().map(|it| it.address.as_str()).collect::<Vec<_>>(),
        ["reader0@example.com", "reader1@example.com", "reader2@example.com"]
    );
    assert!(all.iter().all(|it| it.state == DeliveryState::Leased && it.broadcast.as_ref() == Some(&broadcast.id)));
    let rest = store.recipients(&broadcast.id, None, all[0].subscriber, 1).await.unwrap();
    assert_eq!(rest, [all[1].clone()]);
    let sent = store.recipients(&broadcast.id, Some(DeliveryState::Sent), SubscriberId(0), 10).await.unwrap();
    assert_eq!(sent, []);
}

async fn the_mails_to_one_person_are_found_by_their_address(store: Store) {
    let (broadcast, ..) = reached(&store).await;
    let reader = store.subscriber_with("reader1@example.com").await.unwrap().unwrap();
    assert_eq!(store.subscriber_with("nobody@example.com").await.unwrap(), None);
    let mails = store.mails_to(reader, None, 10, 0).await.unwrap();
    assert_eq!((mails.len(), mails[0].kind.as_str(), mails[0].attempts), (1, "update", 0));
    assert_eq!(store.mails_to(reader, Some(&broadcast.id), 10, 0).await.unwrap(), mails);
    assert_eq!(store.mails_to(reader, None, 10, 1).await.unwrap(), []);
    let last = store.subscriber_with("reader4@example.com").await.unwrap().unwrap();
    assert_eq!(store.mails_to(last, None, 10, 0).await.unwrap(), []);

    let mut write = store.write().await.unwrap();
    let letter = NewLetter {
        id: DeliveryId::from_random(1),
        kind: "sign_in",
        lane: Lane::Account,
        to: "owner@example.com".parse().unwrap(),
        subscriber: None,
        message: Letter { subject: "Hello".into(), text: "Hello".into(), html: "Hello".into() },
        dedupe_key: None,
        expires_at: at(1_000),
    };
    assert!(write.insert_letter(&letter, at(1)).await.unwrap());
    write.commit().await.unwrap();
    let letters = store.letters_to("owner@example.com", 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].kind.as_str(), letters[0].state), (1, "sign_in", DeliveryState::Waiting));
    assert_eq!(store.letters_to("reader1@example.com", 10).await.unwrap(), []);
}

async fn what_was_sent_is_found_like_the_rest(store: Store) {
    let (broadcast, delivery) = sent(&store).await;
    let all = store.recipients(&broadcast.id, None, SubscriberId(0), 10).await.unwrap();
    let states: Vec<_> = all.iter().map(|it| it.state).collect();
    assert_eq!(states, [DeliveryState::Leased, DeliveryState::Sent, DeliveryState::Leased]);
    let mail = all[1].clone();
    assert_eq!((&mail.id, mail.address.as_str(), mail.kind.as_str()), (&delivery.id, "reader1@example.com", "update"));
    assert_eq!((mail.broadcast.as_ref(), mail.created_at, mail.updated_at), (Some(&broadcast.id), at(7), at(7)));
    let page = async |state, after, limit| store.recipients(&broadcast.id, state, after, limit).await.unwrap();
    assert_eq!(page(None, SubscriberId(0), 2).await, all[..2]);
    assert_eq!(page(None, mail.subscriber, 9).await, all[2..]);
    assert_eq!(page(Some(DeliveryState::Sent), SubscriberId(0), 9).await, all[1..2]);
    assert_eq!(page(Some(DeliveryState::Leased), SubscriberId(0), 9).await, [all[0].clone(), all[2].clone()]);

    let outcome = Outcome { state: DeliveryState::Sent, reason: String::new(), at: at(7) };
    assert_eq!(store.delivery_outcome(&delivery.id).await.unwrap(), Some(outcome));
    assert_eq!(store.mails_to(mail.subscriber, None, 10, 0).await.unwrap(), all[1..2]);
    assert_eq!(store.mails_to(mail.subscriber, Some(&broadcast.id), 10, 0).await.unwrap(), all[1..2]);
    assert_eq!(store.mails_to(mail.subscriber, None, 10, 1).await.unwrap(), []);
    let listed = store.sent_to(mail.subscriber, (Timestamp::MAX, ""), 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].state, listed[0].created_at), (1, DeliveryState::Sent, at(7)));
    assert_eq!(listed[0].incident.as_ref().map(|(id, _)| id), Some(&broadcast.incident));
    assert_eq!(store.sent_to(mail.subscriber, (at(7), mail.id.as_str()), 10).await.unwrap(), []);

    assert_eq!(mail.attempts, 1);

    // It counts among what was sent lately, whether the broadcast is as young or not, and spares the address the next one.
    assert_eq!((store.count_sent(at(-1)).await.unwrap(), store.count_sent(at(6)).await.unwrap()), (1, 1));
    assert_eq!(store.count_sent(at(7)).await.unwrap(), 0);
    let (reader, other) = (email("Reader1@example.com"), email("reader0@example.com"));
    let busy = async |most, now| store.busy_addresses(&[&reader, &other], most, now).await.unwrap();
    let hour = SignedDuration::from_hours(1);
    assert_eq!(busy(1, at(8)).await, [("reader1@example.com".to_owned(), at(7) + hour)]);
    assert_eq!((busy(2, at(8)).await, busy(1, at(7) + hour).await), (vec![], vec![]));
}

async fn what_took_more_than_one_attempt_keeps_saying_so(store: Store) {
    let (broadcast, node, leased) = reached(&store).await;
    let mut write = store.write().await.unwrap();
    let again = Settlement { attempts: 2, ..settlement(&leased[0], DeliveryState::Sent) };
    let repeated = Settlement { was_uncertain: true, ..settlement(&leased[1], DeliveryState::Sent) };
    let at_once = settlement(&leased[2], DeliveryState::Sent);
    assert_eq!(write.settle(&node, &[again, repeated, at_once], at(7)).await.unwrap(), Ok(3));
    write.commit().await.unwrap();
    let sent = store.recipients(&broadcast.id, Some(DeliveryState::Sent), SubscriberId(0), 10).await.unwrap();
    assert_eq!(sent.iter().map(|it| it.attempts).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!((store.count_sent(at(-1)).await.unwrap(), store.count_sent(at(6)).await.unwrap()), (3, 3));
    assert_eq!(store.broadcast(&broadcast.id).await.unwrap().unwrap().sent, 3);
    let everyone: Vec<_> = leased.iter().filter_map(|it| it.subscriber).collect();
    let older = Broadcast { created_at: at(-1), ..broadcast };
    assert_eq!(store.told_since(&older, &everyone).await.unwrap().len(), 3);
    let address = &leased[0].address;
    assert_eq!(store.busy_addresses(&[address], 1, at(8)).await.unwrap().len(), 1);
}

async fn whoever_was_erased_was_sent_something_all_the_same(store: Store) {
    let (broadcast, delivery) = sent(&store).await;
    let mut write = store.write().await.unwrap();
    let person = write.subscriber(delivery.subscriber.unwrap()).await.unwrap().unwrap();
    write.erase_subscriber(&person, "tag", at(9)).await.unwrap();
    write.commit().await.unwrap();
    let found = store.recipients(&broadcast.id, Some(DeliveryState::Sent), SubscriberId(0), 10).await.unwrap();
    assert_eq!(found.iter().map(|it| it.address.as_str()).collect::<Vec<_>>(), ["erased@erased.invalid"]);
    assert_eq!(store.mails_to(person.id, None, 10, 0).await.unwrap(), found);
}

async fn broadcasts_are_listed_page_by_page(store: Store) {
    let company = Company::new(&store, at(0)).await;
    company.subscribe("reader", 1, Follows::everything(), at(0)).await;
    let first = company.post(Investigating, at(1)).await;
    let second = company.post(Investigating, at(2)).await;
    let ids = async |skip, limit| {
        let found = store.broadcasts_behind(skip, limit).await.unwrap();
        found.into_iter().map(|broadcast| broadcast.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(0, 1).await, [second.id]);
    assert_eq!(ids(1, 5).await, [first.id]);
    assert_eq!(ids(2, 5).await, []);
}
