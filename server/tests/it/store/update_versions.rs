use std::slice;

use domain::{
    broadcast::BroadcastState,
    ids::IncidentId,
    status::{
        ComponentStatus::PartialOutage,
        IncidentStatus::{Identified, Investigating},
    },
    subscriber::Follows,
};
use server::store::Store;

use super::{AWKWARD, at, follows, incident, put_incident, put_subscribers, subscriber, update, with_components};
use crate::support::{company::Company, db::on_both};

on_both!(
    what_an_update_said_before_is_kept_in_order,
    an_update_that_is_taken_back_keeps_its_text_and_names_no_component,
    what_is_deleted_leaves_nothing_behind,
    an_update_is_mailed_once_a_mail_may_have_arrived,
);

async fn what_an_update_said_before_is_kept_in_order(store: Store) {
    let mut whole = incident(1, vec![update(0, Investigating, &[])]);
    put_incident(&store, &whole).await;
    assert_eq!(store.update_versions(&whole.id).await.unwrap(), []);
    for (minute, body) in [(1, AWKWARD), (2, "Third.")] {
        let mut write = store.write().await.unwrap();
        assert_eq!(write.count_versions(&whole.updates[0].id).await.unwrap(), minute - 1);
        write.edit_update(&whole.updates[0], body, "ada@example.com", at(minute)).await.unwrap();
        body.clone_into(&mut whole.updates[0].body);
        write.commit().await.unwrap();
    }
    let versions = store.update_versions(&whole.id).await.unwrap();
    let told: Vec<_> = versions.iter().map(|it| (it.version, it.body.as_str(), it.replaced_at)).collect();
    assert_eq!(told, [(2, AWKWARD, at(2)), (1, "Minute 0.", at(1))]);
    assert!(
        versions.iter().all(|version| version.author == "ada@example.com" && version.update == whole.updates[0].id)
    );
    let stored = store.incident(&whole.id).await.unwrap().unwrap();
    assert_eq!((stored.updates[0].body.as_str(), stored.updates[0].edited_at), ("Third.", Some(at(2))));
    assert_eq!(stored.updates[0].updated_at, at(2));
    assert_eq!(store.incident_changed_at(&whole.id).await.unwrap(), Some(at(6)));
    assert_eq!(store.incident_changed_at(&IncidentId::from_random(404)).await.unwrap(), None);
}

async fn an_update_that_is_taken_back_keeps_its_text_and_names_no_component(store: Store) {
    with_components(&store, 1).await;
    let whole = incident(1, vec![update(0, Investigating, &[(1, PartialOutage)])]);
    put_incident(&store, &whole).await;
    let mut write = store.write().await.unwrap();
    write.take_back_update(&whole.updates[0], "Gone.", "ada@example.com", at(9)).await.unwrap();
    write.commit().await.unwrap();
    let stored = store.incident(&whole.id).await.unwrap().unwrap().updates.remove(0);
    assert_eq!((stored.body.as_str(), stored.removed_at, stored.components.len()), ("Gone.", Some(at(9)), 0));
    assert_eq!(store.update_versions(&whole.id).await.unwrap()[0].body, "Minute 0.");
}

async fn what_is_deleted_leaves_nothing_behind(store: Store) {
    with_components(&store, 1).await;
    let whole = incident(1, vec![update(0, Investigating, &[(1, PartialOutage)]), update(5, Identified, &[])]);
    put_incident(&store, &whole).await;
    put_subscribers(&store, &[subscriber(1, follows(&[], &[1]))]).await;
    let mut write = store.write().await.unwrap();
    write.edit_update(&whole.updates[0], "Other.", "ada@example.com", at(9)).await.unwrap();
    write.delete_update(&whole.updates[0].id).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.incident(&whole.id).await.unwrap().unwrap().updates.len(), 1);
    let mut write = store.write().await.unwrap();
    write.delete_update(&whole.updates[1].id).await.unwrap();
    write.delete_incident(&whole.id).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.incident(&whole.id).await.unwrap(), None);
    assert_eq!(store.update_versions(&whole.id).await.unwrap(), []);
}

async fn an_update_is_mailed_once_a_mail_may_have_arrived(store: Store) {
    let company = Company::new(&store, at(0)).await;
    company.subscribe("reader", 2, Follows::everything(), at(0)).await;
    let broadcast = company.post(Investigating, at(0)).await;
    assert_eq!(store.mailed_updates(&broadcast.incident).await.unwrap(), []);

    let mut write = store.write().await.unwrap();
    let (node, _) = write.start_epoch("one", at(0)).await.unwrap();
    let people = store.audience_batch(&broadcast.audience, 1, 2, 1, at(0)).await.unwrap();
    let cursor = broadcast.cursor.after(people[0].id);
    assert!(write.expand(&node, &broadcast, &people, cursor, at(0)).await.unwrap().is_some());
    write.commit().await.unwrap();
    assert_eq!(store.mailed_updates(&broadcast.incident).await.unwrap(), slice::from_ref(&broadcast.update));

    let mut write = store.write().await.unwrap();
    write.cancel_broadcasts_of_update(&broadcast.update, "the update was removed", at(1)).await.unwrap();
    assert_eq!(write.mailed_updates(&broadcast.incident).await.unwrap(), slice::from_ref(&broadcast.update));
    write.commit().await.unwrap();
    let found = company.look(&broadcast).await;
    assert_eq!((found.state, found.reason.as_str()), (BroadcastState::Cancelled, "the update was removed"));
}
