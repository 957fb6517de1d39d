use domain::{
    component::{Component, Group},
    ids::{ComponentId, GroupId},
    status::ComponentStatus,
};
use server::store::Store;

use super::{
    AWKWARD, at, component, follows, incident, put_incident, put_subscribers, subscriber, update, with_components,
};
use crate::support::db::on_both;

on_both!(
    components_and_groups_come_back_in_their_order,
    changing_a_component_changes_every_field,
    a_component_may_have_no_group,
    a_group_that_does_not_exist_is_refused,
    deleting_a_group_keeps_its_components,
    a_deleted_component_leaves_the_page_but_not_the_past,
    who_followed_a_deleted_component_is_forgotten_bit_by_bit,
    a_transaction_sees_what_it_did,
);

fn group(number: u64, position: i64) -> Group {
    Group { id: GroupId::from_random(number), name: format!("Group {number}"), position }
}

async fn components_and_groups_come_back_in_their_order(store: Store) {
    let groups = [group(1, 5), group(2, 5), group(3, -1)];
    let components = [
        Component { position: 2, ..component(1) },
        Component { position: 1, group: Some(groups[0].id.clone()), ..component(2) },
        Component { position: 1, name: AWKWARD.into(), description: AWKWARD.into(), ..component(3) },
    ];
    let mut write = store.write().await.unwrap();
    for group in &groups {
        write.put_group(group, at(0)).await.unwrap();
    }
    for component in &components {
        write.put_component(component, at(0)).await.unwrap();
    }
    write.commit().await.unwrap();
    let [first, second, third] = groups;
    assert_eq!(store.groups().await.unwrap(), [third, first, second]);
    let [first, second, third] = components;
    assert_eq!(store.components().await.unwrap(), [second, third, first]);
}

async fn changing_a_component_changes_every_field(store: Store) {
    let mut write = store.write().await.unwrap();
    write.put_group(&group(1, 1), at(0)).await.unwrap();
    write.put_component(&component(1), at(0)).await.unwrap();
    let changed = Component {
        id: component(1).id,
        name: "New".into(),
        description: "New too".into(),
        status: ComponentStatus::UnderMaintenance,
        group: Some(group(1, 1).id),
        position: i64::MAX,
    };
    write.put_component(&changed, at(1)).await.unwrap();
    let renamed = Group { name: "Renamed".into(), position: 9, ..group(1, 1) };
    write.put_group(&renamed, at(1)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.components().await.unwrap(), [changed]);
    assert_eq!(store.groups().await.unwrap(), [renamed]);
}

async fn a_component_may_have_no_group(store: Store) {
    let mut write = store.write().await.unwrap();
    write.put_group(&group(1, 1), at(0)).await.unwrap();
    // The same statement with and without a group: what it was prepared for first must not stick.
    for turn in 0..4 {
        let group = (turn % 2 == 0).then(|| group(1, 1).id);
        let component = Component { group, ..component(1) };
        write.put_component(&component, at(turn)).await.unwrap();
        assert_eq!(write.components().await.unwrap(), [component]);
    }
}

async fn a_group_that_does_not_exist_is_refused(store: Store) {
    let mut write = store.write().await.unwrap();
    let component = Component { group: Some(GroupId::from_random(404)), ..component(1) };
    assert!(write.put_component(&component, at(0)).await.is_err());
}

async fn deleting_a_group_keeps_its_components(store: Store) {
    let mut write = store.write().await.unwrap();
    write.put_group(&group(1, 1), at(0)).await.unwrap();
    write.put_component(&Component { group: Some(group(1, 1).id), ..component(1) }, at(0)).await.unwrap();
    write.delete_group(&group(1, 1).id).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.groups().await.unwrap(), []);
    assert_eq!(store.components().await.unwrap(), [component(1)]);
}

async fn a_deleted_component_leaves_the_page_but_not_the_past(store: Store) {
    with_components(&store, 2).await;
    let past =
        incident(1, vec![update(0, domain::status::IncidentStatus::Resolved, &[(1, ComponentStatus::MajorOutage)])]);
    put_incident(&store, &past).await;
    let mut write = store.write().await.unwrap();
    write.delete_component(&ComponentId::from_random(1), at(1)).await.unwrap();
    write.delete_component(&ComponentId::from_random(1), at(2)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.components().await.unwrap(), [component(2)]);
    assert_eq!(store.incident(&past.id).await.unwrap(), Some(past));
}

async fn who_followed_a_deleted_component_is_forgotten_bit_by_bit(store: Store) {
    with_components(&store, 2).await;
    let people: Vec<_> = (1..=3).map(|number| subscriber(number, follows(&[1, 2], &[]))).collect();
    put_subscribers(&store, &people).await;
    let mut write = store.write().await.unwrap();
    write.delete_component(&ComponentId::from_random(1), at(1)).await.unwrap();
    assert_eq!(write.delete_follows_of_deleted(2).await.unwrap(), 2);
    assert_eq!(write.delete_follows_of_deleted(2).await.unwrap(), 1);
    assert_eq!(write.delete_follows_of_deleted(2).await.unwrap(), 0);
    write.commit().await.unwrap();
    for number in 1..=3 {
        let person = store.subscriber(domain::ids::SubscriberId(number)).await.unwrap().unwrap();
        assert_eq!(person.follows, follows(&[2], &[]));
    }
}

async fn a_transaction_sees_what_it_did(store: Store) {
    with_components(&store, 2).await;
    let mut write = store.write().await.unwrap();
    write.set_component_status(&component(2).id, ComponentStatus::PartialOutage, at(1)).await.unwrap();
    write.put_group(&group(1, 1), at(1)).await.unwrap();
    let seen = write.components().await.unwrap();
    assert_eq!(seen[0].status, ComponentStatus::Operational);
    assert_eq!(seen[1].status, ComponentStatus::PartialOutage);
    assert_eq!(write.groups().await.unwrap(), [group(1, 1)]);
    // Others do not, until it is committed.
    assert_eq!(store.components().await.unwrap()[1].status, ComponentStatus::Operational);
    write.commit().await.unwrap();
    assert_eq!(store.components().await.unwrap(), seen);
}
