use domain::{
    audience::Audience,
    ids::{BroadcastId, IncidentId, SubscriberId, UpdateId},
    status::{ComponentStatus, IncidentStatus},
    subscriber::SubscriberState,
};
use server::store::{Store, broadcast_states::NewBroadcast, subscribers::Subscriber};

use super::{at, follows, incident, put_incident, put_subscribers, subscriber, update, with_components};
use crate::support::db::on_both;

on_both!(
    incidents_are_read_a_page_at_a_time,
    an_update_leads_to_its_incident_and_its_broadcast,
    broadcasts_are_read_a_page_at_a_time,
    subscribers_who_have_not_left_are_read_a_page_at_a_time,
);

/// Incidents 1 to `count`, two of them always beginning at the same moment.
async fn with_incidents(store: &Store, count: u64) {
    with_components(store, 1).await;
    for number in 1..=count {
        let minute = i64::try_from(number / 2).unwrap();
        let first = update(minute, IncidentStatus::Investigating, &[(1, ComponentStatus::MajorOutage)]);
        put_incident(store, &incident(number, vec![first])).await;
    }
}

async fn incidents_are_read_a_page_at_a_time(store: Store) {
    with_incidents(&store, 7).await;
    let all = store.recent_incidents(100).await.unwrap();
    assert_eq!(all.len(), 7);
    let mut walked = store.recent_incidents(2).await.unwrap();
    loop {
        let page = store.incidents_before(&walked.last().unwrap().id, 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        walked.extend(page);
    }
    assert_eq!(walked, all);
    assert!(store.incidents_before(&IncidentId::from_random(99), 2).await.unwrap().is_empty());
}

async fn publish(store: &Store, number: u64) -> NewBroadcast {
    let incident = store.incident(&IncidentId::from_random(number)).await.unwrap().unwrap();
    let new = NewBroadcast {
        id: BroadcastId::from_random(number),
        incident: incident.id.clone(),
        kind: "update".into(),
        update: incident.updates[0].id.clone(),
        audience: Audience::of(&incident),
    };
    let mut write = store.write().await.unwrap();
    write.publish_broadcast(&new, at(i64::try_from(number / 2).unwrap())).await.unwrap();
    write.commit().await.unwrap();
    new
}

async fn an_update_leads_to_its_incident_and_its_broadcast(store: Store) {
    with_incidents(&store, 2).await;
    let new = publish(&store, 2).await;
    assert_eq!(store.incident_of_update(&new.update).await.unwrap(), Some(new.incident));
    assert_eq!(store.broadcast_carrying(&new.update).await.unwrap().unwrap().id, new.id);
    let silent = store.incident(&IncidentId::from_random(1)).await.unwrap().unwrap().updates.remove(0).id;
    assert!(store.broadcast_carrying(&silent).await.unwrap().is_none());
    assert_eq!(store.incident_of_update(&UpdateId::from_random(99)).await.unwrap(), None);
}

async fn broadcasts_are_read_a_page_at_a_time(store: Store) {
    with_incidents(&store, 5).await;
    for number in 1..=5 {
        publish(&store, number).await;
    }
    let all: Vec<_> = store.broadcasts_page(None, 100).await.unwrap().into_iter().map(|it| it.id).collect();
    let mut walked: Vec<BroadcastId> = Vec::new();
    loop {
        let page = store.broadcasts_page(walked.last(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        walked.extend(page.into_iter().map(|broadcast| broadcast.id));
    }
    assert_eq!((walked.len(), &walked), (5, &all));
}

async fn subscribers_who_have_not_left_are_read_a_page_at_a_time(store: Store) {
    with_components(&store, 2).await;
    let people: Vec<_> = (1..=5)
        .map(|id| Subscriber {
            state: if id == 3 { SubscriberState::Unsubscribed } else { SubscriberState::Active },
            ..subscriber(id, follows(&[1, 2], &[]))
        })
        .collect();
    put_subscribers(&store, &people).await;
    let first = store.subscribers_page(None, 2).await.unwrap();
    assert_eq!(first, [people[4].clone(), people[3].clone()]);
    let second = store.subscribers_page(Some(SubscriberId(4)), 10).await.unwrap();
    assert_eq!(second, [people[1].clone(), people[0].clone()]);
    assert!(store.subscribers_page(Some(SubscriberId(1)), 10).await.unwrap().is_empty());
}
