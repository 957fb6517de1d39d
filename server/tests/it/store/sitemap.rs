use domain::{
    ids::{ComponentId, IncidentId},
    status::IncidentStatus::*,
};
use server::store::Store;

use super::{at, incident, put_incident, update, with_components};
use crate::support::db::on_both;

on_both!(every_page_is_listed_with_its_last_change);

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
