use domain::{
    i18n::{Locale, Preferences},
    ids::SubscriberId,
    status::IncidentStatus,
    subscriber::{Follows, SubscriberState},
};
use server::store::{
    Store,
    import::{ImportCounts, ImportRow},
    subscribers::Subscriber,
};

use super::{
    AWKWARD, at, email, follows, incident, put_incident, put_subscribers, subscriber, update, with_components,
};
use crate::support::db::on_both;

on_both!(
    whoever_is_imported_is_told_from_then_on,
    importing_twice_changes_nothing,
    importing_adds_to_what_someone_follows,
    whoever_is_imported_need_not_confirm,
    who_left_is_not_brought_back,
    an_address_that_is_listed_twice_is_one_person,
    a_long_list_goes_in_whole,
    an_unknown_component_imports_nothing,
    importing_while_people_subscribe_loses_nobody,
    counting_anew_changes_nobody,
    a_preview_says_what_will_happen,
    new_people_are_written_to_as_their_row_says,
);

async fn import(store: &Store, rows: &[ImportRow], millis: i64) -> ImportCounts {
    let mut write = store.write().await.unwrap();
    let counts = write.import_subscribers(rows, AWKWARD, at(millis)).await.unwrap();
    write.commit().await.unwrap();
    counts
}

fn row(address: &str, follows: Follows) -> ImportRow {
    ImportRow { email: email(address), follows, preferences: Preferences::default() }
}

async fn with_page(store: &Store) {
    with_components(store, 3).await;
    put_incident(store, &incident(1, vec![update(0, IncidentStatus::Identified, &[])])).await;
}

async fn person(store: &Store, id: i64) -> Subscriber {
    store.subscriber(SubscriberId(id)).await.unwrap().unwrap()
}

async fn whoever_is_imported_is_told_from_then_on(store: Store) {
    with_page(&store).await;
    put_subscribers(&store, &[subscriber(1, Follows::everything())]).await;
    let mut write = store.write().await.unwrap();
    write.reserve_subscriber_ids(1).await.unwrap();
    write.commit().await.unwrap();
    let follows = follows(&[1, 3], &[1]);
    let counts = import(&store, &[row("O'Neill+a@Example.com", follows.clone())], 3).await;
    assert_eq!(counts, ImportCounts { created: 1, ..ImportCounts::default() });
    let expected = Subscriber {
        email: email("O'Neill+a@Example.com"),
        consent: AWKWARD.into(),
        created_at: at(3),
        updated_at: at(3),
        confirmed_at: Some(at(3)),
        ..subscriber(2, follows)
    };
    assert_eq!(person(&store, 2).await, expected);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.next_subscriber_id().await.unwrap(), SubscriberId(3));
    assert_eq!(write.subscriber_by_email(&email("o'neill+A@example.com")).await.unwrap(), Some(expected));
}

async fn importing_twice_changes_nothing(store: Store) {
    with_page(&store).await;
    let rows = [row("a@example.com", Follows::everything()), row("b@example.com", follows(&[1, 2], &[1]))];
    import(&store, &rows, 0).await;
    let before = (person(&store, 1).await, person(&store, 2).await);
    let counts = import(&store, &rows, 1).await;
    assert_eq!(counts, ImportCounts { unchanged: 2, ..ImportCounts::default() });
    assert_eq!((person(&store, 1).await, person(&store, 2).await), before);
    assert_eq!(import(&store, &[], 2).await, ImportCounts::default());
}

async fn importing_adds_to_what_someone_follows(store: Store) {
    with_page(&store).await;
    let rows = |follows: &Follows| [1, 2, 3].map(|id| row(&format!("person{id}@example.com"), follows.clone()));
    let people =
        [subscriber(1, Follows::everything()), subscriber(2, follows(&[1], &[])), subscriber(3, follows(&[1, 2], &[]))];
    put_subscribers(&store, &people).await;
    let counts = import(&store, &rows(&follows(&[2], &[])), 1).await;
    assert_eq!(counts, ImportCounts { updated: 2, unchanged: 1, ..ImportCounts::default() });
    assert_eq!(person(&store, 1).await.follows, Follows { everything: true, ..follows(&[2], &[]) });
    let second = Subscriber { updated_at: at(1), follows: follows(&[1, 2], &[]), ..people[1].clone() };
    assert_eq!(person(&store, 2).await, second);
    assert_eq!(person(&store, 3).await, people[2]);

    let counts = import(&store, &rows(&Follows::everything()), 2).await;
    assert_eq!(counts, ImportCounts { updated: 2, unchanged: 1, ..ImportCounts::default() });
    assert_eq!(person(&store, 3).await.follows, Follows { everything: true, ..follows(&[1, 2], &[]) });
}

async fn whoever_is_imported_need_not_confirm(store: Store) {
    with_page(&store).await;
    let pending = Subscriber { state: SubscriberState::Pending, ..subscriber(1, follows(&[1], &[])) };
    put_subscribers(&store, std::slice::from_ref(&pending)).await;
    let counts = import(&store, &[row("PERSON1@example.com", follows(&[1], &[]))], 4).await;
    assert_eq!(counts, ImportCounts { updated: 1, ..ImportCounts::default() });
    let expected = Subscriber {
        state: SubscriberState::Active,
        consent: AWKWARD.into(),
        updated_at: at(4),
        confirmed_at: Some(at(4)),
        ..pending
    };
    assert_eq!(person(&store, 1).await, expected);
}

async fn who_left_is_not_brought_back(store: Store) {
    with_page(&store).await;
    let left = Subscriber {
        state: SubscriberState::Unsubscribed,
        unsubscribed_at: Some(at(0)),
        ..subscriber(1, follows(&[1], &[]))
    };
    put_subscribers(&store, std::slice::from_ref(&left)).await;
    let counts = import(&store, &[row("person1@example.com", Follows::everything())], 1).await;
    assert_eq!(counts, ImportCounts { refused: 1, ..ImportCounts::default() });
    assert_eq!(person(&store, 1).await, left);
}

async fn an_address_that_is_listed_twice_is_one_person(store: Store) {
    with_page(&store).await;
    let rows = [row("a@example.com", follows(&[1], &[])), row("A@Example.com", follows(&[2], &[1]))];
    let counts = import(&store, &rows, 0).await;
    assert_eq!(counts, ImportCounts { created: 1, unchanged: 1, ..ImportCounts::default() });
    assert_eq!(person(&store, 1).await.follows, follows(&[1, 2], &[1]));
}

async fn a_long_list_goes_in_whole(store: Store) {
    with_page(&store).await;
    let rows: Vec<_> = (0..1_201).map(|number| row(&format!("p{number}@example.com"), follows(&[2], &[]))).collect();
    let counts = import(&store, &rows, 0).await;
    assert_eq!(counts, ImportCounts { created: 1_201, ..ImportCounts::default() });
    assert_eq!(store.count_subscribers().await.unwrap().active, 1_201);
    let counts = import(&store, &rows, 1).await;
    assert_eq!(counts, ImportCounts { unchanged: 1_201, ..ImportCounts::default() });
    let mut write = store.write().await.unwrap();
    assert_eq!(write.last_subscriber_id().await.unwrap(), SubscriberId(1_201));
}

async fn an_unknown_component_imports_nothing(store: Store) {
    with_page(&store).await;
    let rows = [row("a@example.com", follows(&[1], &[])), row("b@example.com", follows(&[404], &[]))];
    let mut write = store.write().await.unwrap();
    assert!(write.import_subscribers(&rows, "", at(0)).await.is_err());
    drop(write);
    assert_eq!(store.count_subscribers().await.unwrap().active, 0);
}

async fn importing_while_people_subscribe_loses_nobody(store: Store) {
    with_page(&store).await;
    let rows: Vec<_> = (0..40).map(|number| row(&format!("p{number}@example.com"), follows(&[1], &[]))).collect();
    let subscribe = async |number: u64| {
        let mut write = store.write().await.unwrap();
        let id = write.next_subscriber_id().await.unwrap();
        let address = email(&format!("p{number}@example.com"));
        if write.subscriber_by_email(&address).await.unwrap().is_none() {
            let person = Subscriber { email: address, ..subscriber(id.0, follows(&[1], &[])) };
            write.put_subscriber(&person).await.unwrap();
        }
        write.commit().await.unwrap();
    };
    let import = || import(&store, &rows, 0);
    tokio::join!(subscribe(3), import(), subscribe(7), import(), subscribe(39));
    assert_eq!(store.count_subscribers().await.unwrap().active, 40);
}

async fn counting_anew_changes_nobody(store: Store) {
    with_page(&store).await;
    import(&store, &[row("reader@example.com", Follows::everything())], 0).await;
    let before = person(&store, 1).await;
    let mut write = store.write().await.unwrap();
    write.count_anew().await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(person(&store, 1).await, before);
}

async fn a_preview_says_what_will_happen(store: Store) {
    with_page(&store).await;
    let people = [
        subscriber(1, follows(&[1], &[])),
        subscriber(2, Follows::everything()),
        Subscriber { state: SubscriberState::Pending, ..subscriber(3, follows(&[1], &[])) },
        Subscriber { state: SubscriberState::Unsubscribed, ..subscriber(4, Follows::everything()) },
    ];
    put_subscribers(&store, &people).await;
    let mut write = store.write().await.unwrap();
    write.reserve_subscriber_ids(4).await.unwrap();
    write.commit().await.unwrap();
    let lists = [
        (
            vec![row("PERSON1@example.com", follows(&[1], &[])), row("person2@example.com", Follows::everything())],
            [0, 0, 2, 0],
        ),
        (
            vec![row("person1@example.com", follows(&[1, 2], &[])), row("person3@example.com", follows(&[1], &[]))],
            [0, 2, 0, 0],
        ),
        (
            vec![row("person4@example.com", Follows::everything()), row("new@example.com", follows(&[2], &[]))],
            [1, 0, 0, 1],
        ),
    ];
    for (rows, [created, updated, unchanged, refused]) in lists {
        let expected = ImportCounts { created, updated, unchanged, refused };
        assert_eq!(store.preview_import(&rows).await.unwrap(), expected);
        assert_eq!(import(&store, &rows, 9).await, expected, "as it then happens");
    }
}

async fn new_people_are_written_to_as_their_row_says(store: Store) {
    let french = Preferences { locale: Locale::French, zone: "Asia/Taipei".parse().ok() };
    let with = |preferences: &Preferences| ImportRow {
        preferences: preferences.clone(),
        ..row("a@example.com", Follows::everything())
    };
    import(&store, &[with(&french)], 0).await;
    assert_eq!(person(&store, 1).await.preferences, french);
    import(&store, &[with(&Preferences::default())], 1).await;
    assert_eq!(person(&store, 1).await.preferences, french, "who is known keeps what they chose");
}
