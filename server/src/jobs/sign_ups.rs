//! Watches over sign-ups.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    actions::sign_ups::{ROUND, round},
    state::AppState,
};

/// Ends surges, and writes to those who were put off.
pub async fn watch_sign_ups(state: AppState, shutdown: CancellationToken) {
    let pause = Duration::try_from(ROUND).unwrap_or(Duration::from_secs(5));
    loop {
        if let Err(error) = round(&state).await {
            tracing::warn!("Sign-ups that were put off wait on: {error}");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
