//! Holding, continuing and stopping a broadcast.

use domain::{broadcast::BroadcastState, ids::BroadcastId};

use super::note;
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
};

/// What a person may do to a broadcast on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steer {
    /// Nobody more is mailed until it is resumed.
    Pause,
    /// On it goes.
    Resume,
    /// Nobody more is mailed, ever.
    Cancel,
}

/// Pauses, resumes or cancels; takes effect within a second, plus what is in flight.
pub async fn steer(state: &AppState, actor: &Actor, id: &BroadcastId, act: Steer) -> Result<()> {
    let now = state.clock.now();
    let (to, reason, action) = match act {
        Steer::Pause => (BroadcastState::Paused, "paused by hand", "broadcast.pause"),
        Steer::Resume => (BroadcastState::Sending, "", "broadcast.resume"),
        Steer::Cancel => (BroadcastState::Cancelled, "cancelled by hand", "broadcast.cancel"),
    };
    if state.store.broadcast(id).await?.is_none() {
        return Err(Error::NotFound);
    }
    let mut write = state.store.write().await?;
    if !write.set_broadcast_state(id, to, reason, now).await? {
        return Err(Error::Conflict("This broadcast is over already, or was in that state before."));
    }
    note(&mut write, actor, action, id, "", now).await?;
    write.commit().await?;
    state.wake_mail();
    Ok(())
}
