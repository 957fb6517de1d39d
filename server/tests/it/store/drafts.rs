use domain::{email_address::EmailAddress, forms::Fields, ids::UserId};
use server::store::{Store, users::User};

use super::{AWKWARD, at};
use crate::support::db::on_both;

on_both!(
    a_draft_comes_back_to_its_author_alone,
    what_was_published_or_thrown_away_does_not_come_back,
    a_draft_is_begun_where_there_is_none,
    old_drafts_are_removed,
);

async fn user(store: &Store, number: u64) -> UserId {
    let id = UserId::from_random(number);
    let email: EmailAddress = format!("person{number}@example.com").parse().unwrap();
    let mut write = store.write().await.unwrap();
    assert!(
        write
            .insert_user(&User { id: id.clone(), email, password_hash: None, confirmed_at: None }, at(0))
            .await
            .unwrap()
    );
    write.commit().await.unwrap();
    id
}

fn typed(body: &str) -> Fields {
    Fields(vec![("body".into(), body.into()), ("component.x".into(), String::new())])
}

async fn keep(store: &Store, user: &UserId, key: &str, body: &str, minute: i64) -> bool {
    let mut write = store.write().await.unwrap();
    let kept = write.save_draft(user, "new", key, &typed(body), at(minute)).await.unwrap();
    write.commit().await.unwrap();
    kept
}

async fn a_draft_comes_back_to_its_author_alone(store: Store) {
    let (ada, ben) = (user(&store, 1).await, user(&store, 2).await);
    assert!(store.draft(&ada, "new").await.unwrap().is_none());
    assert!(keep(&store, &ada, "a", "First.", 1).await && keep(&store, &ada, "b", AWKWARD, 2).await);
    let draft = store.draft(&ada, "new").await.unwrap().unwrap();
    assert_eq!((draft.fields.0, draft.saved_at), (typed(AWKWARD).0, at(2)));
    assert!(store.draft(&ben, "new").await.unwrap().is_none());
    assert!(store.draft(&ada, "other").await.unwrap().is_none());
}

async fn what_was_published_or_thrown_away_does_not_come_back(store: Store) {
    let ada = user(&store, 1).await;
    keep(&store, &ada, "a", "First.", 1).await;
    let mut write = store.write().await.unwrap();
    write.end_draft(&ada, "new", "a", at(2)).await.unwrap();
    write.commit().await.unwrap();
    assert!(store.draft(&ada, "new").await.unwrap().is_none());
    // A copy that was still on its way.
    assert!(!keep(&store, &ada, "a", "First.", 3).await);
    assert!(store.draft(&ada, "new").await.unwrap().is_none());
    // Another form is another draft.
    assert!(keep(&store, &ada, "b", "Second.", 4).await);
    let mut write = store.write().await.unwrap();
    assert!(write.discard_draft(&ada, "new", at(5)).await.unwrap());
    assert!(!write.discard_draft(&ada, "new", at(6)).await.unwrap());
    write.commit().await.unwrap();
    assert!(!keep(&store, &ada, "b", "Second.", 7).await);
    assert!(store.draft(&ada, "new").await.unwrap().is_none());
}

async fn a_draft_is_begun_where_there_is_none(store: Store) {
    let ada = user(&store, 1).await;
    let begin = async |key: &str, body: &str| {
        let mut write = store.write().await.unwrap();
        let begun = write.begin_draft(&ada, "new", key, &typed(body), at(1)).await.unwrap();
        write.commit().await.unwrap();
        begun
    };
    assert!(begin("a", AWKWARD).await);
    assert!(!begin("b", "Others.").await);
    assert_eq!(store.draft(&ada, "new").await.unwrap().unwrap().fields.0, typed(AWKWARD).0);
    let mut write = store.write().await.unwrap();
    write.discard_draft(&ada, "new", at(2)).await.unwrap();
    write.commit().await.unwrap();
    assert!(begin("c", "Again.").await);
    assert!(store.draft(&ada, "new").await.unwrap().is_some());
}

async fn old_drafts_are_removed(store: Store) {
    let ada = user(&store, 1).await;
    keep(&store, &ada, "a", "First.", 1).await;
    let mut write = store.write().await.unwrap();
    assert_eq!(write.delete_old_drafts(at(1)).await.unwrap(), 0);
    assert_eq!(write.delete_old_drafts(at(2)).await.unwrap(), 1);
    write.commit().await.unwrap();
    assert!(store.draft(&ada, "new").await.unwrap().is_none());
}
