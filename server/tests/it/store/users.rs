use domain::{email_address::EmailAddress, ids::UserId};
use server::store::{
    Store,
    users::{
        LinkPurpose::{Address, Password},
        User,
    },
};

use super::{at, email};
use crate::support::db::on_both;

on_both!(
    a_user_is_found_however_the_address_is_written,
    an_address_belongs_to_one_user,
    a_one_time_link_works_once,
    a_one_time_link_expires,
    links_that_nobody_used_are_removed,
    of_two_who_follow_a_link_at_once_one_gets_in,
    a_new_password_makes_older_links_worthless,
    a_link_is_good_for_its_purpose_alone,
    the_first_confirmation_counts,
);

fn user(number: u64, address: &str) -> User {
    User { id: UserId::from_random(number), email: email(address), password_hash: None, confirmed_at: None }
}

async fn with_user(store: &Store) -> User {
    let user = user(1, "owner@example.com");
    let mut write = store.write().await.unwrap();
    assert!(write.insert_user(&user, at(0)).await.unwrap());
    write.commit().await.unwrap();
    user
}

async fn a_user_is_found_however_the_address_is_written(store: Store) {
    assert_eq!(store.count_users().await.unwrap(), 0);
    let owner = with_user(&store).await;
    let other = User { password_hash: Some("$argon2id$v=19$m=1".into()), ..user(2, "Other@Example.com") };
    let mut write = store.write().await.unwrap();
    assert!(write.insert_user(&other, at(0)).await.unwrap());
    write.commit().await.unwrap();
    let other = User { email: email("other@example.com"), ..other };
    assert_eq!(store.count_users().await.unwrap(), 2);
    assert_eq!(store.users().await.unwrap(), [other.clone(), owner.clone()]);
    assert_eq!(store.user(&owner.id).await.unwrap(), Some(owner.clone()));
    assert_eq!(store.user(&UserId::from_random(404)).await.unwrap(), None);
    assert_eq!(store.user_by_email(&email("OWNER@example.COM")).await.unwrap(), Some(owner));
    assert_eq!(store.user_by_email(&email("oTHER@example.com")).await.unwrap(), Some(other));
    assert_eq!(store.user_by_email(&email("nobody@example.com")).await.unwrap(), None::<User>);
}

async fn an_address_belongs_to_one_user(store: Store) {
    let owner = with_user(&store).await;
    let mut write = store.write().await.unwrap();
    assert!(!write.insert_user(&user(2, "Owner@Example.com"), at(1)).await.unwrap());
    // The transaction can go on.
    assert!(write.insert_user(&user(3, "third@example.com"), at(1)).await.unwrap());
    write.commit().await.unwrap();
    assert_eq!(store.user_by_email(&owner.email).await.unwrap().unwrap().id, owner.id);
    assert_eq!(store.user(&UserId::from_random(2)).await.unwrap(), None);
    let third: EmailAddress = email("third@example.com");
    assert_eq!(store.user(&UserId::from_random(3)).await.unwrap().unwrap().email, third);
}

async fn a_one_time_link_works_once(store: Store) {
    let owner = with_user(&store).await;
    let mut write = store.write().await.unwrap();
    write.insert_sign_in_link("hash", &owner.id, Password, at(1_000)).await.unwrap();
    write.commit().await.unwrap();
    // Looking does not use it up.
    for _ in 0..2 {
        assert_eq!(store.sign_in_link("hash", Password, at(1)).await.unwrap(), Some(owner.id.clone()));
    }
    let mut write = store.write().await.unwrap();
    assert_eq!(write.take_sign_in_link("another", Password, at(1)).await.unwrap(), None);
    assert_eq!(write.take_sign_in_link("hash", Password, at(1)).await.unwrap(), Some(owner.id));
    assert_eq!(write.take_sign_in_link("hash", Password, at(1)).await.unwrap(), None);
    write.commit().await.unwrap();
    assert_eq!(store.sign_in_link("hash", Password, at(1)).await.unwrap(), None);
}

async fn a_one_time_link_expires(store: Store) {
    let owner = with_user(&store).await;
    let mut write = store.write().await.unwrap();
    write.insert_sign_in_link("hash", &owner.id, Password, at(1_000)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.sign_in_link("hash", Password, at(999)).await.unwrap(), Some(owner.id.clone()));
    assert_eq!(store.sign_in_link("hash", Password, at(1_000)).await.unwrap(), None);
    let mut write = store.write().await.unwrap();
    assert_eq!(write.take_sign_in_link("hash", Password, at(1_000)).await.unwrap(), None);
}

async fn links_that_nobody_used_are_removed(store: Store) {
    let owner = with_user(&store).await;
    let mut write = store.write().await.unwrap();
    write.insert_sign_in_link("old", &owner.id, Password, at(1_000)).await.unwrap();
    write.insert_sign_in_link("good", &owner.id, Password, at(1_001)).await.unwrap();
    assert_eq!(write.delete_expired_sign_in_links(at(1_000)).await.unwrap(), 1);
    write.commit().await.unwrap();
    assert_eq!(store.sign_in_link("good", Password, at(1_000)).await.unwrap(), Some(owner.id));
    assert_eq!(store.sign_in_link("old", Password, at(0)).await.unwrap(), None);
}

async fn of_two_who_follow_a_link_at_once_one_gets_in(store: Store) {
    let owner = with_user(&store).await;
    let mut write = store.write().await.unwrap();
    write.insert_sign_in_link("hash", &owner.id, Password, at(1_000)).await.unwrap();
    write.commit().await.unwrap();
    let take = async || {
        let mut write = store.write().await.unwrap();
        let taken = write.take_sign_in_link("hash", Password, at(1)).await.unwrap();
        write.commit().await.unwrap();
        taken.is_some()
    };
    let (first, second) = tokio::join!(take(), take());
    assert!(first ^ second);
}

async fn a_new_password_makes_older_links_worthless(store: Store) {
    let owner = with_user(&store).await;
    let mut write = store.write().await.unwrap();
    write.insert_sign_in_link("hash", &owner.id, Password, at(1_000)).await.unwrap();
    write.set_password_hash(&owner.id, "$argon2id$new", at(1)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.user(&owner.id).await.unwrap().unwrap().password_hash.as_deref(), Some("$argon2id$new"));
    assert_eq!(store.sign_in_link("hash", Password, at(2)).await.unwrap(), None);
}

async fn a_link_is_good_for_its_purpose_alone(store: Store) {
    let owner = with_user(&store).await;
    let mut write = store.write().await.unwrap();
    write.insert_sign_in_link("hash", &owner.id, Address, at(1_000)).await.unwrap();
    assert_eq!(write.take_sign_in_link("hash", Password, at(1)).await.unwrap(), None);
    write.commit().await.unwrap();
    assert_eq!(store.sign_in_link("hash", Password, at(1)).await.unwrap(), None);
    assert_eq!(store.sign_in_link("hash", Address, at(1)).await.unwrap(), Some(owner.id.clone()));
    let mut write = store.write().await.unwrap();
    assert_eq!(write.take_sign_in_link("hash", Address, at(1)).await.unwrap(), Some(owner.id));
}

async fn the_first_confirmation_counts(store: Store) {
    let owner = with_user(&store).await;
    for moment in [7, 9] {
        let mut write = store.write().await.unwrap();
        write.confirm_user(&owner.id, at(moment)).await.unwrap();
        write.commit().await.unwrap();
    }
    assert_eq!(store.user(&owner.id).await.unwrap().unwrap().confirmed_at, Some(at(7)));
    assert_eq!(store.users().await.unwrap()[0].confirmed_at, Some(at(7)));
}
