//! Finds out for how many people broadcasts are: beside everything else, for it takes longer the more people there are.
//! Without that they go out all the same, and their end shows how many.

use std::{collections::HashSet, sync::Arc, time::Duration};

use domain::ids::BroadcastId;
use jiff::SignedDuration;
use tokio::time::sleep;

use super::{life::Life, limits::in_time};
use crate::store::{Result, broadcasts::Broadcast};

/// Between two looks at what there is to count.
const LOOKS: Duration = Duration::from_secs(1);
/// After a look that failed, lest a store that has enough to do is asked again and again.
const PAUSE: Duration = Duration::from_secs(30);
/// What has not begun by then waits for something else, and those who look at it want to know how much waits.
const START: SignedDuration = SignedDuration::from_secs(3);

/// Counts each broadcast once, one after the other, when its first mails are on their way or do not leave.
pub(super) async fn count(life: Arc<Life>) {
    let mut counted = HashSet::new();
    loop {
        sleep(LOOKS).await;
        if let Err(error) = look(&life, &mut counted).await {
            tracing::warn!(%error, "It could not be counted for how many people a broadcast is; it is tried again.");
            sleep(PAUSE).await;
        }
    }
}

async fn look(life: &Life, counted: &mut HashSet<BroadcastId>) -> Result<()> {
    let open = in_time(life.store.open_broadcasts()).await?;
    counted.retain(|id| open.iter().any(|broadcast| broadcast.id == *id));
    let is_due = |broadcast: &&Broadcast| {
        let waited = life.clock.now().duration_since(broadcast.created_at);
        let is_late = !(SignedDuration::ZERO..START).contains(&waited);
        !broadcast.cursor.is_done() && (broadcast.started_at.is_some() || is_late) && !counted.contains(&broadcast.id)
    };
    let Some(broadcast) = open.iter().find(is_due) else { return Ok(()) };
    let counting = async {
        let total = life.store.count_audience(&broadcast.audience, life.clock.now()).await?;
        let mut write = life.store.write().await?;
        write.estimate_total(&broadcast.id, total).await?;
        write.commit().await
    };
    in_time(counting).await?;
    counted.insert(broadcast.id.clone());
    Ok(())
}
