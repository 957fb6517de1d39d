//! Finds out for how many people broadcasts are: beside everything else, for it takes longer the more people there are.
//! Without that they go out all the same, and their end shows how many.

use std::{future::pending, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::time::sleep;

use super::{life::Life, limits::in_time};
use crate::store::{Result, broadcasts::Broadcast};

/// Between two looks at what there is to count.
const LOOKS: Duration = Duration::from_secs(1);
/// What has not begun by then waits for something else, and those who look at it want to know how much waits.
const START: SignedDuration = SignedDuration::from_secs(3);

/// Counts each broadcast once, on one of the nodes and one after the other, when its first mails are on their way or do not
/// leave. One that takes too long is not counted: it would be the next time.
pub(super) async fn count(life: Arc<Life>) {
    loop {
        tokio::select! {
            () = life.stopping.cancelled() => pending().await,
            () = sleep(LOOKS) => {}
        }
        let open = match in_time(life.store.open_broadcasts()).await {
            Ok(open) => open,
            Err(error) => {
                tracing::debug!(%error, "It cannot be seen what there is to count.");
                continue;
            }
        };
        if let Some(broadcast) = open.iter().find(|broadcast| is_due(&life, broadcast))
            && let Err(error) = in_time(find_out(&life, broadcast)).await
        {
            tracing::warn!(%error, broadcast = %broadcast.id, "It could not be counted for how many people a broadcast is.");
        }
    }
}

fn is_due(life: &Life, broadcast: &Broadcast) -> bool {
    let waited = life.clock.now().duration_since(broadcast.created_at);
    let is_late = !(SignedDuration::ZERO..START).contains(&waited);
    broadcast.counted_at.is_none() && !broadcast.cursor.is_done() && (broadcast.started_at.is_some() || is_late)
}

async fn find_out(life: &Life, broadcast: &Broadcast) -> Result<()> {
    let mut write = life.store.write().await?;
    let is_ours = write.begin_count(&broadcast.id, life.clock.now()).await?;
    write.commit().await?;
    if !is_ours {
        return Ok(());
    }
    let total = life.store.count_audience(&broadcast.audience, life.clock.now()).await?;
    let mut write = life.store.write().await?;
    write.estimate_total(&broadcast.id, total).await?;
    write.commit().await
}
