use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    ids::{DeliveryId, SubscriberId},
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use server::store::{
    Store,
    deliveries::{Letter, NewLetter},
};

use super::at;
use crate::support::{company::Company, db::on_both};

on_both!(
    the_people_of_a_broadcast_are_listed_in_their_order_and_by_state,
    the_mails_to_one_person_are_found_by_their_address,
    broadcasts_are_listed_page_by_page,
);

/// Five people, of whom the broadcast has reached three.
async fn reached(store: &Store) -> (Company, server::store::broadcasts::Broadcast) {
    let company = Company::new(store, at(0)).await;
    company.subscribe("reader", 5, Follows::everything(), at(0)).await;
    let broadcast = company.post(Investigating, at(0)).await;
    let mut write = store.write().await.unwrap();
    let (node, _) = write.start_epoch("one", at(0)).await.unwrap();
    write.commit().await.unwrap();
    let people = store.audience_batch(&broadcast.audience, 1, 5, 3, at(0)).await.unwrap();
    let cursor = broadcast.cursor.after(people[2].id);
    let mut write = store.write().await.unwrap();
    assert!(write.expand(&node, &broadcast, &people, cursor, at(0)).await.unwrap().is_some());
    write.commit().await.unwrap();
    (company, broadcast)
}

async fn the_people_of_a_broadcast_are_listed_in_their_order_and_by_state(store: Store) {
    let (_, broadcast) = reached(&store).await;
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
    let (_, broadcast) = reached(&store).await;
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
