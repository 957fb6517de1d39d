//! Taking back an update that is being mailed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::collections::BTreeSet;

use domain::{
    broadcast::BroadcastState,
    rate::Rate,
    status::IncidentStatus::{Investigating, Resolved},
    subscriber::Follows,
};
use server::store::{Store, broadcasts::Broadcast};

use super::stage::{Stage, holds, told};
use crate::support::{db::on_both, smtp::SmtpServer};

on_both!(when_an_update_is_taken_back_everyone_was_told_something_and_once);

async fn set(stage: &Stage, broadcast: &Broadcast, to: BroadcastState) {
    let mut write = stage.company.store.write().await.unwrap();
    assert!(write.set_broadcast_state(&broadcast.id, to, "", stage.now()).await.unwrap());
    write.commit().await.unwrap();
}

async fn when_an_update_is_taken_back_everyone_was_told_something_and_once(store: Store) {
    let server = SmtpServer::start().await;
    let stage = Stage::new(&store, Some(&server)).await.at(Rate::per_second(20));
    stage.company.subscribe("p", 60, Follows::everything(), stage.now()).await;
    let running = stage.start();
    let older = stage.company.post(Investigating, stage.now()).await;
    server.wait_for(5).await;
    set(&stage, &older, BroadcastState::Paused).await;
    let newer = stage.company.post(Resolved, stage.now()).await;
    let first = stage.until_over(&older).await.sent;
    set(&stage, &newer, BroadcastState::Sending).await;
    server.wait_for(usize::try_from(first).unwrap() + 5).await;
    let mut write = store.write().await.unwrap();
    write.cancel_broadcasts_of_update(&newer.update, "the update was removed", stage.now()).await.unwrap();
    write.revive_broadcast(&older.id, None, stage.now()).await.unwrap();
    write.commit().await.unwrap();

    let done = stage.until_over(&older).await;
    let removed = stage.until_over(&newer).await;
    assert_eq!((done.state, removed.state), (BroadcastState::Done, BroadcastState::Cancelled));
    assert_eq!((done.sent + done.skipped, done.total), (60, 60));
    let mails = server.accepted();
    let (told_older, told_newer) = (told(&mails, older.id.as_str()), told(&mails, newer.id.as_str()));
    assert!(told_older.values().chain(told_newer.values()).all(|times| *times == 1), "each was told each once");
    let everyone: BTreeSet<_> = told_older.keys().chain(told_newer.keys()).collect();
    assert_eq!(everyone.len(), 60, "everyone was told something");
    assert!(told_newer.len() < 60 && first < done.sent, "{} {first} {}", told_newer.len(), done.sent);
    // Whoever was told both was told the older one first: nobody goes back to it.
    for to in told_newer.keys().filter(|to| told_older.contains_key(*to)) {
        let of = |broadcast: &Broadcast| {
            mails.iter().position(|mail| mail.to[0] == *to && holds(mail, broadcast.id.as_str())).unwrap()
        };
        assert!(of(&older) < of(&newer), "{to}");
    }
    running.stop().await;
}
