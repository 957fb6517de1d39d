use std::collections::HashMap;

use domain::{
    component::Group,
    ids::{GroupId, IncidentId, UpdateId},
    incident::Update,
    status::{ComponentStatus::*, Impact, IncidentStatus::*},
};
use jiff::civil::date;
use server::store::{
    Store,
    component_records::{ComponentRecord, GroupRecord},
    imports::{Kind, Said, Told},
};

use super::{AWKWARD, at, component, incident, put_incident, update, with_components};
use crate::support::db::on_both;

on_both!(
    a_record_keeps_everything_of_a_component_and_its_group,
    a_component_from_the_console_has_a_record_too,
    what_was_brought_in_is_known_by_its_digest,
    only_what_another_page_said_is_read_back,
    an_incident_brought_in_again_keeps_what_was_added_here,
    every_update_has_its_incident,
);

async fn a_record_keeps_everything_of_a_component_and_its_group(store: Store) {
    let mut group = GroupRecord {
        group: Group { id: GroupId::from_random(1), name: AWKWARD.into(), position: 4 },
        description: AWKWARD.into(),
        created_at: at(1),
        updated_at: at(2),
    };
    let mut record = ComponentRecord {
        component: domain::component::Component { group: Some(group.group.id.clone()), ..component(1) },
        showcase: false,
        start_date: Some(date(2021, 2, 28)),
        only_show_if_degraded: true,
        created_at: at(3),
        updated_at: at(4),
        deleted_at: Some(at(5)),
    };
    for turn in 0..3 {
        let mut write = store.write().await.unwrap();
        write.put_group_record(&group).await.unwrap();
        write.put_component_record(&record).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(store.group_records().await.unwrap(), [group.clone()]);
        assert_eq!(store.component_records().await.unwrap(), [record.clone()]);
        let is_shown = record.deleted_at.is_none();
        assert_eq!(store.components().await.unwrap().len(), usize::from(is_shown));
        (group.description, group.group.position, group.created_at) = (String::new(), turn, at(turn));
        (record.deleted_at, record.start_date, record.component.group) = (None, None, None);
        (record.showcase, record.only_show_if_degraded, record.created_at) = (true, false, at(7));
    }
}

async fn a_component_from_the_console_has_a_record_too(store: Store) {
    with_components(&store, 1).await;
    let mut write = store.write().await.unwrap();
    write.delete_component(&component(1).id, at(9)).await.unwrap();
    write.commit().await.unwrap();
    let record = ComponentRecord {
        component: component(1),
        showcase: true,
        start_date: None,
        only_show_if_degraded: false,
        created_at: at(0),
        updated_at: at(9),
        deleted_at: Some(at(9)),
    };
    assert_eq!(store.component_records().await.unwrap(), [record]);
}

async fn what_was_brought_in_is_known_by_its_digest(store: Store) {
    let mut write = store.write().await.unwrap();
    write.note_import(Kind::Component, "a", "one", None, at(0)).await.unwrap();
    write.note_import(Kind::Component, "a", "two", None, at(1)).await.unwrap();
    write.note_import(Kind::Group, "a", "three", None, at(1)).await.unwrap();
    write.note_import(Kind::Page, "b", "four", None, at(1)).await.unwrap();
    write.commit().await.unwrap();
    let known = |id: &str, digest: &str| HashMap::from([(id.to_owned(), digest.to_owned())]);
    assert_eq!(store.imports(Kind::Component).await.unwrap(), known("a", "two"));
    assert_eq!(store.imports(Kind::Group).await.unwrap(), known("a", "three"));
    assert_eq!(store.imports(Kind::Page).await.unwrap(), known("b", "four"));
    assert_eq!(store.imports(Kind::Incident).await.unwrap(), HashMap::new());
}

async fn only_what_another_page_said_is_read_back(store: Store) {
    let ids: Vec<_> = (1..=3).map(IncidentId::from_random).collect();
    let said = Said {
        started_at: Some(Told { derived: Some(at(0)), said: Some(at(1)) }),
        monitoring_at: Some(Told { derived: None, said: Some(at(2)) }),
        resolved_at: None,
        components: vec![component(1).id],
    };
    let mut write = store.write().await.unwrap();
    write.note_import(Kind::Incident, ids[0].as_str(), "x", Some(&said), at(0)).await.unwrap();
    write.note_import(Kind::Incident, ids[1].as_str(), "x", None, at(0)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.said_of(&ids).await.unwrap(), HashMap::from([(ids[0].clone(), said)]));
    assert_eq!(store.said_of(&ids[1..]).await.unwrap(), HashMap::new());
    assert_eq!(store.said_of([]).await.unwrap(), HashMap::new());
}

async fn an_incident_brought_in_again_keeps_what_was_added_here(store: Store) {
    with_components(&store, 2).await;
    let mut first = incident(1, vec![update(0, Investigating, &[(1, MajorOutage)]), update(10, Monitoring, &[])]);
    let put = async |incident: &domain::incident::Incident| {
        let mut write = store.write().await.unwrap();
        write.put_incident(incident).await.unwrap();
        write.commit().await.unwrap();
    };
    put(&first).await;
    assert_eq!(store.incident(&first.id).await.unwrap().as_ref(), Some(&first));

    let ours = Update { id: UpdateId::from_random(77), ..update(20, Identified, &[(2, PartialOutage)]) };
    let mut write = store.write().await.unwrap();
    assert!(write.insert_update(&first.id, &ours, None).await.unwrap());
    write.commit().await.unwrap();

    // There, meanwhile: a new title, other words, another component, one more update, all of it older than ours.
    first.name = AWKWARD.into();
    first.impact_override = Some(Impact::Minor);
    (first.created_at, first.updated_at) = (at(-5), at(60));
    first.updates[1].body = AWKWARD.into();
    first.updates[1].components[0].new = DegradedPerformance;
    first.updates[0].status = Resolved;
    first.updates.insert(1, Update { id: UpdateId::from_random(78), ..update(5, Identified, &[(2, MajorOutage)]) });
    put(&first).await;
    first.updates.insert(0, ours);
    assert_eq!(store.incident(&first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.open_incidents().await.unwrap(), [first]);
}

async fn every_update_has_its_incident(store: Store) {
    let one = incident(1, vec![update(0, Investigating, &[]), update(1, Resolved, &[])]);
    let two = incident(2, vec![update(0, Investigating, &[])]);
    put_incident(&store, &one).await;
    put_incident(&store, &two).await;
    let owners = store.update_owners().await.unwrap();
    let expected = [(&one, 0), (&one, 1), (&two, 0)];
    let expected = expected.map(|(incident, index): (&domain::incident::Incident, usize)| {
        (incident.updates[index].id.clone(), incident.id.clone())
    });
    assert_eq!(owners, HashMap::from(expected));
}
