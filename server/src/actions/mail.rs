//! Holding all mail, and trying whether it leaves.

use std::time::Duration;

use app::emails::check::{self, CheckMail};
use domain::{broadcast::Lane, delivery::DeliveryState, ids::DeliveryId};
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::{note, random};
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    mail::route::{ALERT, MAIN, TEST_ALERT, TEST_MAIN, test_setting},
    state::AppState,
    store::deliveries::NewLetter,
};

/// A person waits for the answer, and most servers give it within a second.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);
/// A test that comes later tells nothing.
const TEST_LIFE: SignedDuration = SignedDuration::from_mins(10);

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

/// Puts a test mail to whoever asks into the queue, to leave through one of the servers as other mails do: in the first
/// lane, within the rate and the quota. Waits a little for what becomes of it; the page says it then and later.
pub async fn test(state: &AppState, actor: &Actor, transport: &str) -> Result<()> {
    let kind = match transport {
        MAIN => TEST_MAIN,
        ALERT if state.config().smtp_alert.is_some() => TEST_ALERT,
        _ => return Err(Error::NotFound),
    };
    if state.store.mail_held_since().await?.is_some() {
        return Err(Error::Conflict("All mail is held: let it go on first."));
    }
    let now = state.clock.now();
    let site = state.site().await?;
    let letter = NewLetter {
        id: DeliveryId::from_random(random()),
        kind,
        lane: Lane::Alert,
        to: actor.user()?.email.clone(),
        subscriber: None,
        message: check::mail(&CheckMail { page_name: &site.name, page_url: &site.url, at: now }),
        dedupe_key: None,
        expires_at: now.checked_add(TEST_LIFE).unwrap_or(now),
    };
    let mut write = state.store.write().await?;
    write.insert_letter(&letter, now).await?;
    write.put_setting(&test_setting(transport), letter.id.as_str(), now).await?;
    note(&mut write, actor, "mail.test", transport, "", now).await?;
    write.commit().await?;
    state.wake_mail();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline
        && let Some(found) = state.store.delivery_outcome(&letter.id).await?
        && matches!(found.state, DeliveryState::Waiting | DeliveryState::Leased)
        && found.reason.is_empty()
    {
        sleep(POLL).await;
    }
    Ok(())
}
