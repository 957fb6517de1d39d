//! What was superseded goes on when the update that took its place is taken back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use domain::{
    broadcast::{BroadcastState::*, Lane},
    delivery::DeliveryState,
    ids::SubscriberId,
    status::IncidentStatus::{Identified, Investigating},
};
use server::store::{Store, broadcasts::Broadcast};

use super::broadcasts::{add_up, company, estimate, expand, ids, later, now, set, settle, settlement};
use crate::support::{company::Company, db::on_both};

on_both!(a_broadcast_whose_successor_was_taken_back_goes_on, a_revived_broadcast_can_be_paused_or_done_at_once,);

pub(super) async fn revive(company: &Company, broadcast: &Broadcast, pause: Option<&str>) -> Broadcast {
    let mut write = company.store.write().await.unwrap();
    write.revive_broadcast(&broadcast.id, pause, later(2)).await.unwrap();
    let listed = write.broadcasts_of(&broadcast.incident).await.unwrap();
    write.commit().await.unwrap();
    add_up(company, broadcast).await;
    let found = company.look(broadcast).await;
    assert_eq!(listed.iter().find(|listed| listed.id == found.id).map(|listed| listed.state), Some(found.state));
    found
}

async fn a_broadcast_whose_successor_was_taken_back_goes_on(store: Store) {
    let (company, node) = company(&store, 10).await;
    let older = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &older, 4).await.unwrap();
    estimate(&company, &older, 10).await;
    settle(&company, &node, &claimed[..1], DeliveryState::Sent).await;
    settle(&company, &node, &claimed[1..2], DeliveryState::Waiting).await;
    let newer = company.post(Identified, later(1)).await;
    // One is under way, another was about to be dropped.
    settle(&company, &node, &claimed[2..3], DeliveryState::Sent).await;
    let claimed_of_newer = expand(&company, &node, &newer, 3).await.unwrap();
    settle(&company, &node, &claimed_of_newer[..2], DeliveryState::Sent).await;
    let everyone: Vec<_> = (1..=10).map(SubscriberId).collect();
    assert_eq!(store.told_since(&company.look(&newer).await, &everyone).await.unwrap(), []);
    assert!(set(&company, &newer, Cancelled).await);

    let found = revive(&company, &older, None).await;
    assert_eq!((found.state, found.sent, found.skipped, found.waiting()), (Sending, 2, 0, 8));
    assert_eq!((found.cursor, found.finished_at), (older.cursor.after(SubscriberId(4)), None));
    let told: Vec<_> = claimed_of_newer[..2].iter().filter_map(|delivery| delivery.subscriber).collect();
    let mut since = store.told_since(&found, &everyone).await.unwrap();
    since.sort_unstable();
    assert_eq!(since, told);
    assert_eq!(store.told_since(&found, &[SubscriberId(1)]).await.unwrap(), []);
    let mut busy = settlement(&claimed[3], DeliveryState::Skipped);
    busy.reason = "superseded".into();
    let mut write = store.write().await.unwrap();
    assert_eq!(write.settle(&node, &[busy], later(2)).await.unwrap(), Ok(1));
    let due = write.claim(&node, &(Lane::Alert..=Lane::Digest), 10, later(10)).await.unwrap();
    write.commit().await.unwrap();
    let mut again = ids(&due);
    again.sort_unstable();
    assert_eq!(again, [2, 4], "whose next try was dropped");
    let rest = expand(&company, &node, &company.look(&older).await, 500).await.unwrap();
    assert_eq!(ids(&rest), [5, 6, 7, 8, 9, 10]);
    settle(&company, &node, &due, DeliveryState::Sent).await;
    settle(&company, &node, &rest, DeliveryState::Sent).await;
    let found = company.look(&older).await;
    assert_eq!((found.state, found.sent, found.total), (Done, 10, 10));
    // Only what was superseded comes back.
    assert_eq!(revive(&company, &older, None).await.state, Done);
    assert_eq!(revive(&company, &newer, None).await.state, Cancelled);
}

async fn a_revived_broadcast_can_be_paused_or_done_at_once(store: Store) {
    let (company, node) = company(&store, 2).await;
    let older = company.post(Investigating, now()).await;
    let claimed = expand(&company, &node, &older, 500).await.unwrap();
    let newer = company.post(Identified, later(1)).await;
    set(&company, &newer, Cancelled).await;
    let found = revive(&company, &older, Some("a person said so")).await;
    assert_eq!((found.state, found.reason.as_str()), (Paused, "a person said so"));
    company.post(Identified, later(3)).await;
    settle(&company, &node, &claimed, DeliveryState::Sent).await;
    assert_eq!(company.look(&older).await.state, Superseded);
    assert_eq!(revive(&company, &older, None).await.state, Done, "everyone has it");
}
