use domain::{
    ids::{ComponentId, IncidentId},
    postmortem::{self, Published},
    status::IncidentStatus::*,
};
use server::store::Store;

use super::{at, incident, postmortems::draft, put_incident, update, with_components};
use crate::support::db::on_both;

on_both!(every_page_is_listed_with_its_last_change, a_postmortem_is_listed_once_it_is_published);

async fn every_page_is_listed_with_its_last_change(store: Store) {
    assert_eq!(store.incident_changes(10).await.unwrap(), []);
    with_components(&store, 3).await;
    let gone = ComponentId::from_random(2);
    let mut write = store.write().await.unwrap();
    write.delete_component(&gone, at(5)).await.unwrap();
    write.commit().await.unwrap();
    let listed: Vec<_> = store.component_changes().await.unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(listed, [1, 3].map(ComponentId::from_random));

    let first = incident(1, vec![update(0, Investigating, &[])]);
    let second = incident(2, vec![update(60, Identified, &[]), update(90, Resolved, &[])]);
    for incident in [&first, &second] {
        put_incident(&store, incident).await;
    }
    let expected = [
        (IncidentId::from_random(2), at(60 * 60_000), second.updated_at),
        (IncidentId::from_random(1), at(0), first.updated_at),
    ];
    assert_eq!(store.incident_changes(10).await.unwrap(), expected);
    assert_eq!(store.incident_changes(1).await.unwrap(), expected[..1]);
}

async fn a_postmortem_is_listed_once_it_is_published(store: Store) {
    let told =
        |number, minute| incident(number, vec![update(minute, Resolved, &[]), update(minute + 5, Postmortem, &[])]);
    let (brought, written, taken_back) = (told(1, 10), told(2, 20), told(3, 30));
    let begun = incident(4, vec![update(40, Resolved, &[])]);
    for incident in [&brought, &written, &taken_back, &begun] {
        put_incident(&store, incident).await;
    }
    let carrier = &written.updates[0];
    let published = Published { at: at(25), update: carrier.id.clone() };
    let done = at(99 * 60_000);
    let kept = postmortem::Postmortem { published: Some(published), updated_at: done, ..draft(&written) };
    let mut write = store.write().await.unwrap();
    write.put_postmortem(&kept).await.unwrap();
    let of_draft = postmortem::Postmortem { follow_ups: Vec::new(), ..draft(&begun) };
    write.put_postmortem(&of_draft).await.unwrap();
    write.take_back_update(&taken_back.updates[0], "Gone.", "ada@example.com", at(50)).await.unwrap();
    write.commit().await.unwrap();
    let expected = [(written.id.clone(), done), (brought.id.clone(), brought.updates[0].updated_at)];
    assert_eq!(store.postmortem_changes(10).await.unwrap(), expected);
    assert_eq!(store.postmortem_changes(1).await.unwrap(), expected[..1]);
}
