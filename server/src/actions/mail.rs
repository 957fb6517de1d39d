//! Holding all mail, and trying whether it leaves.

use std::time::Duration;

use domain::rate::Share;
use tokio::time::timeout;

use super::note;
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    mail::{
        check,
        route::{ALERT, MAIN},
    },
    state::AppState,
};

/// A person waits for the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Holds all mail, or lets it go on; effective within a second, plus what is in flight.
pub async fn hold(state: &AppState, actor: &Actor, is_held: bool) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    if !write.hold_mail(is_held, now).await? {
        return Err(Error::Conflict("Someone else did that just before you."));
    }
    note(&mut write, actor, if is_held { "mail.hold" } else { "mail.release" }, "mail", "", now).await?;
    write.commit().await?;
    state.wake_mail();
    Ok(())
}

/// Sends a test mail to whoever asks, past the queue, and says how it went; `Err` holds the conversation when it failed.
pub async fn test(state: &AppState, actor: &Actor, transport: &str) -> Result<std::result::Result<String, String>> {
    let config = state.config();
    let server = match transport {
        MAIN => config.smtp.as_ref(),
        ALERT => Some(config.smtp_alert.as_ref().ok_or(Error::NotFound)?),
        _ => return Err(Error::NotFound),
    };
    if state.store.mail_held_since().await?.is_some() {
        return Err(Error::Conflict("All mail is held: let it go on first."));
    }
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    if let Some(quota) = config.mail_quota.filter(|_| transport == MAIN) {
        if quota.left(write.used(MAIN, quota, now).await?, Share::All) == 0 {
            return Err(Error::Conflict("The mail quota is used up to the last mail."));
        }
        write.book(MAIN, Share::All, 1, now).await?;
    }
    note(&mut write, actor, "mail.test", transport, "", now).await?;
    write.commit().await?;
    let sending = check::send_through(server, config, &state.store, &state.clock, &actor.user()?.email);
    let late = || Err("The mail server did not answer within 30 seconds.".to_owned());
    Ok(timeout(PATIENCE, sending).await.unwrap_or_else(|_| late()))
}
