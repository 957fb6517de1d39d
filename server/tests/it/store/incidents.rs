use domain::{
    ids::{ComponentId, IncidentId, UpdateId},
    incident::{Incident, Update},
    status::{ComponentStatus::*, Impact, IncidentStatus::*},
};
use server::store::Store;

use super::{AWKWARD, at, incident, put_incident, update, with_components};
use crate::support::db::on_both;

on_both!(
    an_incident_comes_back_as_it_was_written,
    text_and_times_are_kept_to_the_last_character_and_millisecond,
    an_incident_without_updates_is_refused,
    lists_are_newest_first_and_whole,
    an_incident_is_open_until_its_newest_update_says_it_is_over,
    the_newest_updates_come_with_their_incidents_name,
    a_component_has_the_incidents_that_list_it_and_all_their_updates,
    a_form_sent_twice_publishes_once,
    a_form_sent_twice_opens_one_incident,
    forms_without_a_key_are_all_published,
    two_who_post_at_once_see_each_other,
);

async fn an_incident_comes_back_as_it_was_written(store: Store) {
    with_components(&store, 3).await;
    let whole = incident(
        1,
        vec![
            update(0, Investigating, &[(1, PartialOutage), (3, DegradedPerformance)]),
            update(10, Monitoring, &[]),
            update(30, Resolved, &[(1, Operational), (2, Operational), (3, Operational)]),
        ],
    );
    put_incident(&store, &whole).await;
    assert_eq!(store.incident(&whole.id).await.unwrap(), Some(whole.clone()));
    assert_eq!(store.incident(&IncidentId::from_random(404)).await.unwrap(), None);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.incident(&whole.id).await.unwrap(), Some(whole));
    assert_eq!(write.incident(&IncidentId::from_random(404)).await.unwrap(), None);
}

async fn text_and_times_are_kept_to_the_last_character_and_millisecond(store: Store) {
    let long = format!("{AWKWARD}{}", "Ä🔥".repeat(50_000));
    let update = Update {
        body: long,
        display_at: at(-3_600_001),
        created_at: at(777),
        updated_at: at(i64::from(i32::MAX)),
        next_update_by: Some(at(1)),
        edited_at: Some(at(2)),
        removed_at: Some(at(3)),
        ..update(0, Identified, &[])
    };
    let mut whole = incident(1, vec![update]);
    whole.name = AWKWARD.repeat(4);
    whole.impact_override = Some(Impact::Critical);
    put_incident(&store, &whole).await;
    assert_eq!(store.incident(&whole.id).await.unwrap(), Some(whole));
}

async fn an_incident_without_updates_is_refused(store: Store) {
    let mut write = store.write().await.unwrap();
    assert!(write.insert_incident(&incident(1, Vec::new()), None).await.is_err());
    write.commit().await.unwrap();
    assert_eq!(store.recent_incidents(10).await.unwrap(), []);
}

async fn lists_are_newest_first_and_whole(store: Store) {
    with_components(&store, 2).await;
    assert_eq!(store.first_incident_at().await.unwrap(), None);
    let incidents: Vec<Incident> = (1..=4)
        .map(|number: u64| {
            let start = i64::try_from(number).unwrap() * 100;
            let updates = vec![
                update(start, Investigating, &[(1, MajorOutage), (2, PartialOutage)]),
                update(start + 5, Resolved, &[]),
            ];
            incident(number, updates)
        })
        .collect();
    for index in [2, 0, 3, 1] {
        put_incident(&store, &incidents[index]).await;
    }
    let newest_first: Vec<_> = incidents.iter().rev().cloned().collect();
    assert_eq!(store.recent_incidents(10).await.unwrap(), newest_first);
    assert_eq!(store.recent_incidents(2).await.unwrap(), newest_first[..2]);
    assert_eq!(store.recent_incidents(0).await.unwrap(), []);
    // From is part of it, to is not.
    let (from, to) = (at(200 * 60_000), at(400 * 60_000));
    assert_eq!(store.incidents_between(from, to).await.unwrap(), newest_first[1..3]);
    assert_eq!(store.incidents_between(to, from).await.unwrap(), []);
    assert_eq!(store.first_incident_at().await.unwrap(), Some(at(100 * 60_000)));
}

async fn an_incident_is_open_until_its_newest_update_says_it_is_over(store: Store) {
    let old = incident(1, vec![update(0, Investigating, &[])]);
    let new = incident(2, vec![update(60, Identified, &[])]);
    let over = incident(3, vec![update(30, Resolved, &[])]);
    for incident in [&old, &new, &over] {
        put_incident(&store, incident).await;
    }
    assert_eq!(store.open_incidents().await.unwrap(), [new.clone(), old.clone()]);

    let mut write = store.write().await.unwrap();
    let mut ended = write.incident(&new.id).await.unwrap().unwrap();
    let last = update(90, Resolved, &[]);
    assert!(write.insert_update(&new.id, &last, None).await.unwrap());
    ended.updates.insert(0, last);
    ended.name = "Another name".into();
    ended.impact_override = Some(Impact::Minor);
    write.refresh_incident(&ended, at(7)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.open_incidents().await.unwrap(), [old]);
    ended.updated_at = at(7);
    assert_eq!(store.incident(&new.id).await.unwrap(), Some(ended.clone()));

    // Reopened, and without an override again.
    let mut write = store.write().await.unwrap();
    let again = update(95, Investigating, &[]);
    assert!(write.insert_update(&new.id, &again, None).await.unwrap());
    ended.updates.insert(0, again);
    ended.impact_override = None;
    write.refresh_incident(&ended, at(8)).await.unwrap();
    write.commit().await.unwrap();
    ended.updated_at = at(8);
    assert_eq!(store.open_incidents().await.unwrap()[0], ended);
}

async fn the_newest_updates_come_with_their_incidents_name(store: Store) {
    with_components(&store, 1).await;
    let first = incident(1, vec![update(0, Investigating, &[(1, MajorOutage)]), update(20, Resolved, &[])]);
    let second = incident(2, vec![update(10, Investigating, &[(1, PartialOutage)])]);
    put_incident(&store, &first).await;
    put_incident(&store, &second).await;
    let expected = [
        (first.id.clone(), first.name.clone(), first.updates[0].clone()),
        (second.id.clone(), second.name.clone(), second.updates[0].clone()),
        (first.id.clone(), first.name.clone(), first.updates[1].clone()),
    ];
    assert_eq!(store.recent_updates(10).await.unwrap(), expected);
    assert_eq!(store.recent_updates(2).await.unwrap(), expected[..2]);
}

async fn a_component_has_the_incidents_that_list_it_and_all_their_updates(store: Store) {
    with_components(&store, 3).await;
    let [one, two, three] = [1, 2, 3].map(ComponentId::from_random);
    let first = incident(
        1,
        vec![
            update(0, Investigating, &[(1, MajorOutage)]),
            update(10, Identified, &[(1, PartialOutage), (2, PartialOutage)]),
            update(20, Resolved, &[]),
        ],
    );
    let second = incident(2, vec![update(100, Identified, &[(2, DegradedPerformance)])]);
    for incident in [&first, &second] {
        put_incident(&store, incident).await;
    }
    let since = at(0);
    assert_eq!(store.incidents_of_component(&one, since).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(store.incidents_of_component(&two, since).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(store.incidents_of_component(&two, at(1)).await.unwrap(), std::slice::from_ref(&second));
    assert_eq!(store.incidents_of_component(&three, since).await.unwrap(), []);

    let named = |incident: &Incident, update: usize| {
        (incident.id.clone(), incident.name.clone(), incident.updates[update].clone())
    };
    // With everything that they say of other components, too.
    let expected = [named(&second, 0), named(&first, 0), named(&first, 1), named(&first, 2)];
    assert_eq!(store.recent_updates_of(&two, 10).await.unwrap(), expected);
    assert_eq!(store.recent_updates_of(&two, 1).await.unwrap(), expected[..1]);
    assert_eq!(store.recent_updates_of(&one, 10).await.unwrap(), expected[1..]);
    assert_eq!(store.recent_updates_of(&three, 10).await.unwrap(), []);
}

async fn a_form_sent_twice_publishes_once(store: Store) {
    let whole = incident(1, vec![update(0, Investigating, &[])]);
    put_incident(&store, &whole).await;
    let mut write = store.write().await.unwrap();
    assert_eq!(write.update_by_dedupe_key("key").await.unwrap(), None);
    let first = update(10, Identified, &[]);
    assert!(write.insert_update(&whole.id, &first, Some("key")).await.unwrap());
    write.commit().await.unwrap();

    let mut write = store.write().await.unwrap();
    let again = Update { id: UpdateId::from_random(77), ..first.clone() };
    assert!(!write.insert_update(&whole.id, &again, Some("key")).await.unwrap());
    // The transaction can go on.
    assert_eq!(write.update_by_dedupe_key("key").await.unwrap(), Some((whole.id.clone(), first.id.clone())));
    assert!(write.insert_update(&whole.id, &again, Some("another key")).await.unwrap());
    write.commit().await.unwrap();
    assert_eq!(store.incident(&whole.id).await.unwrap().unwrap().updates.len(), 3);
}

async fn a_form_sent_twice_opens_one_incident(store: Store) {
    let first = incident(1, vec![update(0, Investigating, &[]), update(5, Identified, &[])]);
    let again = incident(2, vec![update(0, Investigating, &[]), update(5, Identified, &[])]);
    let mut write = store.write().await.unwrap();
    assert!(write.insert_incident(&first, Some("key")).await.unwrap());
    write.commit().await.unwrap();
    let mut write = store.write().await.unwrap();
    assert!(!write.insert_incident(&again, Some("key")).await.unwrap());
    let oldest = first.updates[1].id.clone();
    assert_eq!(write.update_by_dedupe_key("key").await.unwrap(), Some((first.id.clone(), oldest)));
    write.commit().await.unwrap();
    assert_eq!(store.recent_incidents(10).await.unwrap(), [first]);
}

async fn forms_without_a_key_are_all_published(store: Store) {
    let whole = incident(1, vec![update(0, Investigating, &[])]);
    put_incident(&store, &whole).await;
    let mut write = store.write().await.unwrap();
    for minute in 1..=3 {
        assert!(write.insert_update(&whole.id, &update(minute, Identified, &[]), None).await.unwrap());
    }
    write.commit().await.unwrap();
    assert_eq!(store.incident(&whole.id).await.unwrap().unwrap().updates.len(), 4);
}

async fn two_who_post_at_once_see_each_other(store: Store) {
    let whole = incident(1, vec![update(0, Investigating, &[])]);
    put_incident(&store, &whole).await;
    let post = async |minute: i64| {
        let mut write = store.write().await.unwrap();
        let mut incident = write.incident(&whole.id).await.unwrap().unwrap();
        let update = update(minute, Identified, &[]);
        // Long enough for the other to get in between, if it could.
        tokio::task::yield_now().await;
        assert!(write.insert_update(&incident.id, &update, None).await.unwrap());
        incident.updates.insert(0, update);
        write.refresh_incident(&incident, at(minute)).await.unwrap();
        write.commit().await.unwrap();
        incident.updates.len()
    };
    let mut seen: [usize; 3] = tokio::join!(post(1), post(2), post(3)).into();
    seen.sort_unstable();
    assert_eq!(seen, [2, 3, 4]);
}
