use domain::status::IncidentStatus;
use server::store::Store;

use super::{AWKWARD, at, incident, put_incident, update};
use crate::support::db::on_both;

on_both!(
    each_public_change_raises_the_version,
    a_setting_keeps_the_last_word,
    a_default_gives_way_to_what_is_set,
    the_last_change_of_any_incident_is_known,
    what_was_not_committed_never_happened,
    migrating_twice_is_harmless,
);

async fn each_public_change_raises_the_version(store: Store) {
    let (before, _) = store.page_version().await.unwrap();
    for step in 1..=2 {
        let mut write = store.write().await.unwrap();
        assert_eq!(write.bump_page_version(at(step)).await.unwrap(), before + step);
        write.commit().await.unwrap();
    }
    assert_eq!(store.page_version().await.unwrap(), (before + 2, at(2)));
}

async fn a_setting_keeps_the_last_word(store: Store) {
    assert_eq!(store.setting("name").await.unwrap(), None);
    for value in ["First", "", AWKWARD] {
        let mut write = store.write().await.unwrap();
        write.put_setting("name", value, at(0)).await.unwrap();
        write.put_setting("other", "Another", at(0)).await.unwrap();
        let seen = write.settings().await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(store.setting("name").await.unwrap().as_deref(), Some(value));
        let all = [("name".to_owned(), value.to_owned()), ("other".to_owned(), "Another".to_owned())];
        assert_eq!((store.settings().await.unwrap(), seen), (all.clone().into(), all.into()));
    }
}

async fn a_default_gives_way_to_what_is_set(store: Store) {
    for default in ["First", "Second"] {
        let mut write = store.write().await.unwrap();
        write.default_setting("page_id", default, at(0)).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(store.setting("page_id").await.unwrap().as_deref(), Some("First"));
    }
}

async fn the_last_change_of_any_incident_is_known(store: Store) {
    assert_eq!(store.incidents_changed_at().await.unwrap(), None);
    for (number, changed) in [(1, 9), (2, 7)] {
        let mut incident = incident(number, vec![update(0, IncidentStatus::Resolved, &[])]);
        incident.updated_at = at(changed);
        put_incident(&store, &incident).await;
        assert_eq!(store.incidents_changed_at().await.unwrap(), Some(at(9)));
    }
}

async fn what_was_not_committed_never_happened(store: Store) {
    let before = store.page_version().await.unwrap();
    let mut write = store.write().await.unwrap();
    write.put_setting("name", "Lost", at(0)).await.unwrap();
    write.bump_page_version(at(0)).await.unwrap();
    drop(write);
    assert_eq!(store.setting("name").await.unwrap(), None);
    assert_eq!(store.page_version().await.unwrap(), before);
    // And the next one goes on as if nothing had been.
    let mut write = store.write().await.unwrap();
    assert_eq!(write.bump_page_version(at(0)).await.unwrap(), before.0 + 1);
}

async fn migrating_twice_is_harmless(store: Store) {
    let mut write = store.write().await.unwrap();
    write.put_setting("name", "Kept", at(0)).await.unwrap();
    write.commit().await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.setting("name").await.unwrap().as_deref(), Some("Kept"));
}
