use domain::forms::{AuditForm, AuditQuestion};
use jiff::Timestamp;
use server::store::{
    Store,
    audit::{AuditEntry, AuditRow, audit_hash},
};

use super::{AWKWARD, at};
use crate::support::db::on_both;

on_both!(
    what_was_done_is_read_back_in_order,
    each_row_vouches_for_the_one_before,
    writers_at_the_same_moment_keep_one_chain,
    what_was_rolled_back_leaves_no_gap,
    the_log_is_searched_by_who_what_when_and_words,
    every_kind_of_act_is_named_once,
);

fn entry(subject: &str) -> AuditEntry {
    AuditEntry {
        actor: "owner".into(),
        action: "incident.opened",
        subject: subject.into(),
        detail: AWKWARD.into(),
        address: "2001:db8::1".into(),
    }
}

async fn record(store: &Store, subject: &str) {
    let mut write = store.write().await.unwrap();
    write.audit(&entry(subject), at(3)).await.unwrap();
    // Long enough for another to get in between, if it could.
    tokio::task::yield_now().await;
    write.commit().await.unwrap();
}

fn assert_chained(rows: &[AuditRow]) {
    let mut previous = String::new();
    for (row, seq) in rows.iter().zip(1..) {
        assert_eq!(row.seq, seq);
        assert_eq!(row.hash, audit_hash(&previous, row));
        previous.clone_from(&row.hash);
    }
}

async fn what_was_done_is_read_back_in_order(store: Store) {
    for subject in ["first", "second", "third"] {
        record(&store, subject).await;
    }
    let rows = store.audit_rows(1, 1).await.unwrap();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.seq, row.at, row.subject.as_str()), (2, at(3), "second"));
    assert_eq!((row.actor.as_str(), row.action.as_str()), ("owner", "incident.opened"));
    assert_eq!((row.detail.as_str(), row.address.as_str()), (AWKWARD, "2001:db8::1"));
    assert_eq!(store.audit_rows(0, 10).await.unwrap().len(), 3);
    assert_eq!(store.audit_rows(3, 10).await.unwrap(), []);
}

async fn each_row_vouches_for_the_one_before(store: Store) {
    for subject in ["first", "second", "third"] {
        record(&store, subject).await;
    }
    let mut rows = store.audit_rows(0, 10).await.unwrap();
    assert_chained(&rows);
    // Moving text from one field to the next does not go unnoticed.
    let row = rows.remove(1);
    let (actor, action) = (format!("{}i", row.actor), row.action[1..].to_owned());
    assert_ne!(audit_hash(&rows[0].hash, &AuditRow { actor, action, ..row.clone() }), row.hash);
    assert_ne!(audit_hash("", &row), row.hash);
}

async fn writers_at_the_same_moment_keep_one_chain(store: Store) {
    let one = |subject| record(&store, subject);
    tokio::join!(one("a"), one("b"), one("c"), one("d"), one("e"), one("f"));
    let rows = store.audit_rows(0, 10).await.unwrap();
    assert_eq!(rows.len(), 6);
    assert_chained(&rows);
}

async fn what_was_rolled_back_leaves_no_gap(store: Store) {
    record(&store, "first").await;
    let mut write = store.write().await.unwrap();
    write.audit(&entry("never"), at(0)).await.unwrap();
    drop(write);
    record(&store, "second").await;
    let rows = store.audit_rows(0, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.subject.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_chained(&rows);
}

async fn the_log_is_searched_by_who_what_when_and_words(store: Store) {
    let acts = [
        (0, "user:000000000001", "incident.open", "100 % of <requests>"),
        (1, "key:000000000002", "incident.update", "Nothing_special"),
        (2, "subscriber:7", "subscriber.leave", "ÄRGER"),
        (3, "user:000000000001", "incident.update", ""),
    ];
    for (millis, actor, action, detail) in acts {
        let mut write = store.write().await.unwrap();
        let entry = AuditEntry { actor: actor.into(), action, detail: detail.into(), ..entry("subject") };
        write.audit(&entry, at(millis)).await.unwrap();
        write.commit().await.unwrap();
    }
    assert_eq!(store.audit_count().await.unwrap(), 4);
    let all = AuditForm::default().parse().unwrap();
    let found = async |question: AuditQuestion, before: i64, limit: i64| {
        let rows = store.audit_page(&question, before, limit).await.unwrap();
        rows.into_iter().map(|row| row.seq).collect::<Vec<_>>()
    };
    assert_eq!(found(all.clone(), i64::MAX, 10).await, [4, 3, 2, 1]);
    assert_eq!(found(all.clone(), 4, 2).await, [3, 2]);
    let by = |actor: &str| AuditQuestion { actor: actor.into(), ..all.clone() };
    assert_eq!(found(by("user:000000000001"), i64::MAX, 10).await, [4, 1]);
    assert_eq!(found(by("subscriber"), i64::MAX, 10).await, [3]);
    let what = AuditQuestion { action: "incident.update".into(), ..all.clone() };
    assert_eq!(found(what, i64::MAX, 10).await, [4, 2]);
    let containing = |text: &str| AuditQuestion { text: text.into(), ..all.clone() };
    assert_eq!(found(containing("100 % of <"), i64::MAX, 10).await, [1]);
    assert_eq!(found(containing("%"), i64::MAX, 10).await, [1]);
    assert_eq!(found(containing("nothing_"), i64::MAX, 10).await, [2]);
    assert_eq!(found(containing("2001:db8"), i64::MAX, 10).await, [4, 3, 2, 1]);
    let between = AuditQuestion { from: at(1), to: at(3), ..all.clone() };
    assert_eq!(found(between, i64::MAX, 10).await, [3, 2]);
    assert_eq!(found(AuditQuestion { to: Timestamp::UNIX_EPOCH, ..all }, i64::MAX, 10).await, [0; 0]);
}

async fn every_kind_of_act_is_named_once(store: Store) {
    assert!(store.audit_actions().await.unwrap().is_empty());
    for action in ["user.sign_in", "incident.open", "user.sign_in", "key.create", "incident.open"] {
        let mut write = store.write().await.unwrap();
        write.audit(&AuditEntry { action, ..entry("subject") }, at(0)).await.unwrap();
        write.commit().await.unwrap();
    }
    assert_eq!(store.audit_actions().await.unwrap(), ["incident.open", "key.create", "user.sign_in"]);
}
