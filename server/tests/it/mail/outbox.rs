//! Mail that is captured on disk, and the locks that keep two workers apart.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::{fs, path::PathBuf};

use domain::{status::IncidentStatus::Investigating, subscriber::Follows};
use server::{
    lock::{LockError, lock, node_name},
    store::Store,
};

use super::stage::Stage;
use crate::support::db::on_both;

on_both!(without_a_mail_server_each_mail_is_a_file);

async fn without_a_mail_server_each_mail_is_a_file(store: Store) {
    let stage = Stage::new(&store, None).await;
    stage.company.subscribe("p", 20, Follows::everything(), stage.now()).await;
    let broadcast = stage.company.post(Investigating, stage.now()).await;
    let running = stage.start();
    assert_eq!(stage.until_over(&broadcast).await.sent, 20);
    running.stop().await;
    let outbox = &stage.settings.outbox;
    let mut recipients = Vec::new();
    for file in fs::read_dir(outbox).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (millis, rest) = name.split_once('-').unwrap();
        assert!(millis.parse::<i64>().unwrap() <= stage.now().as_millisecond());
        assert!(rest.starts_with(broadcast.id.as_str()) && path.extension() == Some("eml".as_ref()), "{name}");
        let mail = fs::read_to_string(&path).unwrap();
        recipients.extend(mail.lines().find_map(|line| line.strip_prefix("To: ").map(str::to_owned)));
        assert!(mail.contains("Update number 0."), "{mail}");
    }
    recipients.sort();
    recipients.dedup();
    assert_eq!(recipients.len(), 20);
    fs::remove_dir_all(outbox).unwrap();
}

fn folder() -> PathBuf {
    let name = format!("locks-{:016x}", rand::random::<u64>());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_second_process_is_refused_in_words() {
    let folder = folder();
    let path = folder.join("mail.lock");
    let held = lock(&path).unwrap();
    let refused = lock(&path).unwrap_err();
    assert!(matches!(refused, LockError::Taken(_)));
    assert!(refused.to_string().contains("another tidings process is using"), "{refused}");
    drop(held);
    lock(&path).unwrap();
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_node_finds_its_name_again_and_shares_it_with_nobody() {
    let folder = folder();
    let first = node_name(&folder, 1).unwrap();
    let second = node_name(&folder, 2).unwrap();
    assert_ne!(first.as_str(), second.as_str());
    let name = first.as_str().to_owned();
    drop(first);
    let again = node_name(&folder, 3).unwrap();
    assert_eq!(again.as_str(), name);
    // A name that was replaced is gone for good.
    let (replaced, name) = (again.replaced(4), format!("{:016x}", 4));
    drop(again);
    assert_eq!(replaced.as_str(), name);
    drop(replaced);
    assert_eq!(node_name(&folder, 5).unwrap().as_str(), name);
    fs::remove_dir_all(folder).unwrap();
}
