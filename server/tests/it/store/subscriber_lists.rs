//! Lists of subscribers on their way in.

use domain::subscriber::{ListCounts, ListState, RefusedLine};
use server::store::{
    Store,
    subscriber_lists::{ListChunk, SubscriberList},
};

use super::{AWKWARD, at};
use crate::support::db::on_both;

on_both!(
    a_list_goes_its_way_and_each_chunk_is_counted_once,
    a_list_that_is_thrown_away_takes_its_lines_along,
    old_lists_are_thrown_away_but_not_while_they_go_in,
);

fn chunk(number: i64) -> ListChunk {
    ListChunk { first_line: number * 10, content: format!("{number},{AWKWARD}\n") }
}

async fn arrived(store: &Store, id: &str, millis: i64) -> SubscriberList {
    let mut write = store.write().await.unwrap();
    write.insert_list(id, "user:1", at(millis), at(millis + 1_000)).await.unwrap();
    for number in 0..2 {
        write.insert_list_chunk(id, number, &chunk(number)).await.unwrap();
    }
    write.commit().await.unwrap();
    let list = store.subscriber_list(id).await.unwrap().unwrap();
    assert_eq!((list.state, list.actor.as_str(), list.created_at), (ListState::Uploading, "user:1", at(millis)));
    assert_eq!(store.next_subscriber_list().await.unwrap().filter(|next| next.id == id), None);
    let list = SubscriberList {
        name: "people.csv".into(),
        consent: AWKWARD.into(),
        heading: "email,components".into(),
        lines: 20,
        chunks: 2,
        state: ListState::Checking,
        ..list
    };
    let mut write = store.write().await.unwrap();
    write.finish_list(&list).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.subscriber_list(id).await.unwrap(), Some(list.clone()));
    list
}

async fn a_list_goes_its_way_and_each_chunk_is_counted_once(store: Store) {
    let list = arrived(&store, "a", 0).await;
    assert_eq!(store.next_subscriber_list().await.unwrap(), Some(list));
    assert_eq!(store.list_chunk("a", 1).await.unwrap(), Some(chunk(1)));
    assert_eq!(store.list_chunk("a", 2).await.unwrap(), None);

    let counts = ListCounts { created: 7, refused: 1, ..ListCounts::default() };
    let refused = [RefusedLine { line: 3, reason: AWKWARD.into() }];
    let mut write = store.write().await.unwrap();
    assert!(!write.begin_list("a", &counts).await.unwrap(), "nobody has seen yet what will happen");
    write.set_list_checked("a", &counts, &refused).await.unwrap();
    write.set_list_checked("a", &ListCounts::default(), &[]).await.unwrap();
    write.commit().await.unwrap();
    let ready = store.subscriber_list("a").await.unwrap().unwrap();
    assert_eq!((ready.state, ready.counts, ready.refused.as_slice()), (ListState::Ready, counts, refused.as_slice()));
    assert_eq!(store.next_subscriber_list().await.unwrap(), None, "it waits for someone");

    let mut write = store.write().await.unwrap();
    assert!(write.begin_list("a", &ListCounts::default()).await.unwrap());
    assert!(!write.begin_list("a", &ListCounts::default()).await.unwrap(), "twice is once");
    write.commit().await.unwrap();
    let going = store.next_subscriber_list().await.unwrap().unwrap();
    for (so_far, state) in [(3, ListState::Importing), (5, ListState::Done)] {
        let list = store.subscriber_list("a").await.unwrap().unwrap();
        let counts = ListCounts { created: so_far, ..ListCounts::default() };
        let mut write = store.write().await.unwrap();
        assert!(write.advance_list(&list, &counts).await.unwrap());
        write.commit().await.unwrap();
        let mut write = store.write().await.unwrap();
        assert!(!write.advance_list(&going, &ListCounts::default()).await.unwrap(), "another was faster");
        drop(write);
        let list = store.subscriber_list("a").await.unwrap().unwrap();
        assert_eq!((list.state, list.counts), (state, counts));
    }
    assert_eq!(store.next_subscriber_list().await.unwrap(), None);
    assert_eq!(store.list_chunk("a", 0).await.unwrap(), None, "what is in is not kept as a list as well");
    assert_eq!(store.list_chunk("a", 1).await.unwrap(), None);
}

async fn a_list_that_is_thrown_away_takes_its_lines_along(store: Store) {
    arrived(&store, "a", 0).await;
    arrived(&store, "b", 1).await;
    let mut write = store.write().await.unwrap();
    assert!(write.delete_list("a").await.unwrap());
    assert!(!write.delete_list("a").await.unwrap());
    write.commit().await.unwrap();
    assert_eq!(store.subscriber_list("a").await.unwrap(), None);
    assert_eq!(store.list_chunk("a", 0).await.unwrap(), None);
    assert_eq!(store.list_chunk("b", 0).await.unwrap(), Some(chunk(0)));
}

async fn old_lists_are_thrown_away_but_not_while_they_go_in(store: Store) {
    for id in ["a", "b"] {
        arrived(&store, id, 0).await;
    }
    let mut write = store.write().await.unwrap();
    write.set_list_checked("b", &ListCounts::default(), &[]).await.unwrap();
    write.begin_list("b", &ListCounts::default()).await.unwrap();
    assert_eq!(write.delete_expired_lists(at(999)).await.unwrap(), 0);
    assert_eq!(write.delete_expired_lists(at(1_000)).await.unwrap(), 1);
    assert!(!write.delete_list("b").await.unwrap(), "it is on its way in");
    write.commit().await.unwrap();
    assert_eq!(store.subscriber_list("a").await.unwrap(), None);
    assert!(store.subscriber_list("b").await.unwrap().is_some());
}
