use domain::{
    bounce::{BounceKind, Permanence, Report, Verdict},
    broadcast::Lane,
    delivery::DeliveryState,
    ids::DeliveryId,
    status::IncidentStatus::Investigating,
    subscriber::Follows,
};
use server::store::{
    Store,
    bounces::Bounced,
    broadcasts::Broadcast,
    deliveries::{Delivery, Letter, NewLetter},
    nodes::Node,
};

use super::{AWKWARD, at, broadcasts::settlement, email};
use crate::support::{company::Company, db::on_both};

on_both!(
    a_report_is_noted_once_and_found_with_its_mail,
    a_mail_is_found_by_its_id_and_by_whom_it_was_for,
    only_mails_of_broadcasts_to_addresses_that_do_not_work_count,
    what_a_server_refused_for_good_counts_with_what_it_took,
    what_was_reported_is_forgotten_with_whom_it_was_about,
);

fn report(number: u64) -> Report {
    Report {
        id: number.to_string(),
        kind: BounceKind::Bounce,
        permanence: Permanence::Permanent,
        recipient: email("reader0@example.com"),
        message_id: None,
        sent_by: at(10),
        at: at(i64::try_from(number).unwrap()),
        diagnostic: AWKWARD.into(),
        is_about_us: false,
    }
}

/// Three people were sent a broadcast at 5, by this node.
async fn sent(store: &Store) -> (Broadcast, Vec<Delivery>, Node) {
    let company = Company::new(store, at(0)).await;
    company.subscribe("reader", 3, Follows::everything(), at(0)).await;
    let broadcast = company.post(Investigating, at(0)).await;
    let mut write = store.write().await.unwrap();
    let (node, _) = write.start_epoch("one", at(0)).await.unwrap();
    write.commit().await.unwrap();
    let people = store.audience_batch(&broadcast.audience, 1, 5, 3, at(0)).await.unwrap();
    let cursor = broadcast.cursor.after(people[2].id);
    let mut write = store.write().await.unwrap();
    let deliveries = write.expand(&node, &broadcast, &people, cursor, at(0)).await.unwrap().unwrap();
    let settled: Vec<_> = deliveries.iter().map(|it| settlement(it, DeliveryState::Sent)).collect();
    write.settle(&node, &settled, at(5)).await.unwrap().unwrap();
    write.commit().await.unwrap();
    (broadcast, deliveries, node)
}

async fn a_report_is_noted_once_and_found_with_its_mail(store: Store) {
    let (broadcast, deliveries, _) = sent(&store).await;
    let about = Bounced { id: deliveries[0].id.clone(), broadcast: Some(broadcast.id.clone()) };
    let mut write = store.write().await.unwrap();
    let complaint = Report { kind: BounceKind::Complaint, diagnostic: String::new(), ..report(2) };
    assert!(write.insert_bounce("b", &complaint, Verdict::Left, Some(&about), at(9)).await.unwrap());
    assert!(write.insert_bounce("a", &report(1), Verdict::Noted, Some(&about), at(9)).await.unwrap());
    assert!(!write.insert_bounce("a", &report(3), Verdict::Left, None, at(9)).await.unwrap(), "it was there");
    assert!(write.insert_bounce("c", &report(4), Verdict::Suppressed, None, at(9)).await.unwrap());
    write.commit().await.unwrap();
    let ids: Vec<_> = deliveries.iter().map(|it| it.id.clone()).collect();
    let found = store.bounces_of(&ids).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let last = &found[&ids[0]];
    assert_eq!((last.kind, last.verdict, last.at), (BounceKind::Complaint, Verdict::Left, at(2)));
    assert!(store.bounces_of(&ids[1..]).await.unwrap().is_empty() && store.bounces_of([]).await.unwrap().is_empty());

    let mut write = store.write().await.unwrap();
    assert!(write.insert_bounce("d", &report(8), Verdict::AboutUs, Some(&about), at(20)).await.unwrap());
    assert_eq!(write.delete_old_bounces(at(20)).await.unwrap(), 3);
    write.commit().await.unwrap();
    assert_eq!(store.bounces_of(&ids).await.unwrap()[&ids[0]].diagnostic, AWKWARD);
}

async fn a_mail_is_found_by_its_id_and_by_whom_it_was_for(store: Store) {
    let (broadcast, deliveries, node) = sent(&store).await;
    let about = Bounced { id: deliveries[0].id.clone(), broadcast: Some(broadcast.id.clone()) };
    let (id, address) = (deliveries[0].id.as_str(), "reader0@example.com");
    let letter = NewLetter {
        id: DeliveryId::from_random(1),
        kind: "manage_link",
        lane: Lane::Account,
        to: email("Reader0@Example.com"),
        subscriber: None,
        message: Letter { subject: "Hello".into(), text: "Hello".into(), html: "Hello".into() },
        dedupe_key: None,
        expires_at: at(1000),
    };
    let mut write = store.write().await.unwrap();
    assert_eq!(write.delivery_to(id, address).await.unwrap(), Some(about.clone()));
    assert_eq!(write.delivery_to(id, "reader1@example.com").await.unwrap(), None, "it went to someone else");
    assert_eq!(write.delivery_to("nothing", address).await.unwrap(), None);
    assert_eq!(write.last_delivery_to(address, at(4)).await.unwrap(), None, "nothing had been sent by then");
    assert_eq!(write.last_delivery_to(address, at(5)).await.unwrap(), Some(about.clone()));
    write.insert_letter(&letter, at(6)).await.unwrap();
    assert_eq!(write.last_delivery_to(address, at(9)).await.unwrap(), Some(about), "the letter waits");
    let claimed = write.claim(&node, &(Lane::Alert..=Lane::Digest), 1, at(6)).await.unwrap();
    write.settle(&node, &[settlement(&claimed[0], DeliveryState::Sent)], at(7)).await.unwrap().unwrap();
    let expected = Some(Bounced { id: letter.id, broadcast: None });
    assert_eq!(write.last_delivery_to(address, at(9)).await.unwrap(), expected);
    write.commit().await.unwrap();
}

async fn only_mails_of_broadcasts_to_addresses_that_do_not_work_count(store: Store) {
    let (broadcast, deliveries, _) = sent(&store).await;
    let about = Bounced { id: deliveries[0].id.clone(), broadcast: Some(broadcast.id) };
    let letter = Bounced { id: DeliveryId::from_random(1), broadcast: None };
    let mut write = store.write().await.unwrap();
    for (id, verdict, about, received) in [
        ("a", Verdict::Suppressed, Some(&about), 10),
        ("b", Verdict::Suppressed, Some(&about), 20),
        ("c", Verdict::AboutUs, Some(&about), 20),
        ("d", Verdict::Left, Some(&about), 20),
        ("e", Verdict::Suppressed, Some(&letter), 20),
        ("f", Verdict::Suppressed, None, 20),
    ] {
        assert!(write.insert_bounce(id, &report(1), verdict, about, at(received)).await.unwrap());
    }
    write.commit().await.unwrap();
    assert_eq!((store.count_bounced(at(9)).await.unwrap(), store.count_bounced(at(10)).await.unwrap()), (2, 1));
    let mails = async |since| store.count_broadcast_mails(at(since)).await.unwrap();
    assert_eq!((mails(-1).await, mails(0).await), ((3, 0), (0, 0)));
}

async fn what_a_server_refused_for_good_counts_with_what_it_took(store: Store) {
    use DeliveryState::{Failed, Sent, Skipped, Uncertain};
    let states = [Failed, Failed, Sent, Uncertain, Skipped];
    let company = Company::new(&store, at(0)).await;
    company.subscribe("reader", 5, Follows::everything(), at(0)).await;
    let broadcast = company.post(Investigating, at(0)).await;
    let mut write = store.write().await.unwrap();
    let (node, _) = write.start_epoch("one", at(0)).await.unwrap();
    let people = store.audience_batch(&broadcast.audience, 1, 5, 5, at(0)).await.unwrap();
    let cursor = broadcast.cursor.walk_ended();
    let deliveries = write.expand(&node, &broadcast, &people, cursor, at(0)).await.unwrap().unwrap();
    let settled: Vec<_> = deliveries.iter().zip(states).map(|(it, state)| settlement(it, state)).collect();
    write.settle(&node, &settled, at(5)).await.unwrap().unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.count_broadcast_mails(at(-1)).await.unwrap(), (4, 2));
    assert_eq!(store.count_broadcast_mails(at(0)).await.unwrap(), (0, 0));
}

async fn what_was_reported_is_forgotten_with_whom_it_was_about(store: Store) {
    let (broadcast, deliveries, _) = sent(&store).await;
    let mut write = store.write().await.unwrap();
    for (id, delivery) in [("a", &deliveries[0]), ("b", &deliveries[1])] {
        let about = Bounced { id: delivery.id.clone(), broadcast: Some(broadcast.id.clone()) };
        assert!(write.insert_bounce(id, &report(1), Verdict::Suppressed, Some(&about), at(9)).await.unwrap());
    }
    let person = write.subscriber(deliveries[0].subscriber.unwrap()).await.unwrap().unwrap();
    write.erase_subscriber(&person, "tag", at(10)).await.unwrap();
    assert_eq!(write.delivery_to(deliveries[0].id.as_str(), "reader0@example.com").await.unwrap(), None);
    write.commit().await.unwrap();
    let found = store.bounces_of([&deliveries[0].id, &deliveries[1].id]).await.unwrap();
    assert_eq!(found[&deliveries[0].id].diagnostic, "", "what was said may quote the address");
    assert_eq!(found[&deliveries[1].id].diagnostic, AWKWARD);
    assert_eq!(store.count_bounced(at(0)).await.unwrap(), 2, "what was counted stays");
}
