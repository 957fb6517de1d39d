use domain::{
    ids::{FollowUpId, IncidentId},
    incident::Incident,
    postmortem::{Figures, FollowUp, Listed, Postmortem, Published},
    status::IncidentStatus::{Investigating, Resolved},
};
use server::store::Store;

use super::{AWKWARD, at, incident, put_incident, update};
use crate::support::db::on_both;

on_both!(
    a_postmortem_comes_back_as_it_was_written,
    writing_again_replaces_all_but_when_it_was_begun,
    the_list_tells_what_is_published_begun_and_missing,
    what_is_still_to_do_comes_soonest_first,
    without_its_update_a_postmortem_is_a_draft_and_without_its_incident_nothing,
);

/// Over after half an hour, in its own day.
fn over(number: u64) -> Incident {
    let start = i64::try_from(number).unwrap() * 1440;
    incident(number, vec![update(start, Investigating, &[]), update(start + 30, Resolved, &[])])
}

fn follow_up(number: u64, due: Option<&str>) -> FollowUp {
    FollowUp {
        id: FollowUpId::from_random(number),
        text: format!("{number} {AWKWARD}"),
        link: "https://example.com/7".into(),
        due: due.map(|due| due.parse().unwrap()),
        done_at: None,
    }
}

pub(super) fn draft(incident: &Incident) -> Postmortem {
    let standing = incident.standing().unwrap();
    Postmortem {
        incident: incident.id.clone(),
        author: AWKWARD.into(),
        body: AWKWARD.repeat(50),
        figures: Figures {
            started_at: standing.started_at,
            detected_at: at(-7),
            mitigated_at: Some(at(8)),
            resolved_at: standing.resolved_at.unwrap(),
        },
        follow_ups: vec![follow_up(2, None), FollowUp { done_at: Some(at(9)), ..follow_up(1, Some("2026-03-01")) }],
        version: 1,
        preview: 3,
        created_at: at(10),
        updated_at: at(11),
        published: None,
        edited_at: None,
    }
}

async fn put(store: &Store, postmortem: &Postmortem) {
    let mut write = store.write().await.unwrap();
    write.put_postmortem(postmortem).await.unwrap();
    write.commit().await.unwrap();
}

async fn a_postmortem_comes_back_as_it_was_written(store: Store) {
    let incident = over(1);
    put_incident(&store, &incident).await;
    assert_eq!(store.postmortem(&incident.id).await.unwrap(), None);
    let whole = draft(&incident);
    put(&store, &whole).await;
    assert_eq!(store.postmortem(&incident.id).await.unwrap(), Some(whole.clone()));
    assert_eq!(store.postmortem(&IncidentId::from_random(404)).await.unwrap(), None);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.postmortem(&incident.id).await.unwrap(), Some(whole));
    assert_eq!(write.postmortem(&IncidentId::from_random(404)).await.unwrap(), None);
}

async fn writing_again_replaces_all_but_when_it_was_begun(store: Store) {
    let incident = over(1);
    put_incident(&store, &incident).await;
    let first = draft(&incident);
    put(&store, &first).await;
    let mut next = Postmortem {
        author: String::new(),
        body: "Other words.".into(),
        figures: Figures { mitigated_at: None, ..first.figures },
        follow_ups: vec![first.follow_ups[1].clone(), follow_up(3, None)],
        version: 2,
        preview: 4,
        updated_at: at(20),
        published: Some(Published { at: at(19), update: incident.updates[0].id.clone() }),
        edited_at: Some(at(20)),
        ..first.clone()
    };
    put(&store, &Postmortem { created_at: at(999), ..next.clone() }).await;
    assert_eq!(store.postmortem(&incident.id).await.unwrap(), Some(next.clone()));
    next.follow_ups.clear();
    put(&store, &next).await;
    assert_eq!(store.postmortem(&incident.id).await.unwrap(), Some(next));
}

async fn the_list_tells_what_is_published_begun_and_missing(store: Store) {
    let (missing, begun, published) = (over(1), over(2), over(3));
    let open = incident(4, vec![update(9000, Investigating, &[])]);
    for incident in [&missing, &begun, &published, &open] {
        put_incident(&store, incident).await;
    }
    put(&store, &draft(&begun)).await;
    let done = Published { at: at(12), update: published.updates[0].id.clone() };
    let follow_ups = Vec::new();
    put(&store, &Postmortem { published: Some(done), follow_ups, ..draft(&published) }).await;
    let listed = |incident: &Incident, updated_at, published_at| Listed {
        incident: incident.id.clone(),
        name: incident.name.clone(),
        resolved_at: incident.standing().unwrap().resolved_at.unwrap(),
        updated_at,
        published_at,
    };
    let expected = [
        listed(&published, Some(at(11)), Some(at(12))),
        listed(&begun, Some(at(11)), None),
        listed(&missing, None, None),
    ];
    assert_eq!(store.listed_postmortems(10).await.unwrap(), expected);
    assert_eq!(store.listed_postmortems(1).await.unwrap(), expected[..1]);
}

async fn what_is_still_to_do_comes_soonest_first(store: Store) {
    let (first, second) = (over(1), over(2));
    put_incident(&store, &first).await;
    put_incident(&store, &second).await;
    let late = vec![follow_up(1, None), follow_up(2, Some("2026-05-01"))];
    put(&store, &Postmortem { follow_ups: late.clone(), ..draft(&first) }).await;
    let done = FollowUp { done_at: Some(at(1)), ..follow_up(3, Some("2026-01-01")) };
    let soon = vec![done, follow_up(4, Some("2026-04-01"))];
    put(&store, &Postmortem { follow_ups: soon.clone(), ..draft(&second) }).await;
    let expected = [
        (second.id.clone(), second.name.clone(), soon[1].clone()),
        (first.id.clone(), first.name.clone(), late[1].clone()),
        (first.id.clone(), first.name.clone(), late[0].clone()),
    ];
    assert_eq!(store.open_follow_ups(10).await.unwrap(), expected);
    assert_eq!(store.open_follow_ups(2).await.unwrap(), expected[..2]);
}

async fn without_its_update_a_postmortem_is_a_draft_and_without_its_incident_nothing(store: Store) {
    let (gone, other) = (over(1), over(2));
    put_incident(&store, &gone).await;
    put_incident(&store, &other).await;
    let begun = draft(&gone);
    let published = Some(Published { at: at(19), update: gone.updates[0].id.clone() });
    put(&store, &Postmortem { published, edited_at: Some(at(20)), ..begun.clone() }).await;
    let kept = Postmortem { follow_ups: vec![follow_up(3, None)], ..draft(&other) };
    put(&store, &kept).await;

    let mut write = store.write().await.unwrap();
    write.delete_update(&gone.updates[0].id).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.postmortem(&gone.id).await.unwrap(), Some(begun));

    let mut write = store.write().await.unwrap();
    write.delete_postmortem(&gone.id).await.unwrap();
    write.delete_update(&gone.updates[1].id).await.unwrap();
    write.delete_incident(&gone.id).await.unwrap();
    write.take_back_update(&other.updates[0], "Gone.", "ada@example.com", at(9)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.postmortem(&gone.id).await.unwrap(), None);
    assert_eq!(store.postmortem(&other.id).await.unwrap(), Some(kept));
    let listed =
        async || store.listed_postmortems(10).await.unwrap().into_iter().map(|it| it.incident).collect::<Vec<_>>();
    assert_eq!(listed().await, std::slice::from_ref(&other.id));
    let mut write = store.write().await.unwrap();
    write.take_back_update(&other.updates[1], "Gone.", "ada@example.com", at(9)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(listed().await, []);
}
