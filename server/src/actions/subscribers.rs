//! What those who run the page do for its subscribers: add, change, remove, forget, write again.

use domain::{
    email_address::EmailAddress,
    forms::{AddSubscriber, FieldErrors},
    i18n::Preferences,
    ids::SubscriberId,
    subscriber::{Consent, Follows, SubscriberFilter, SubscriberState},
    time,
};
use jiff::{SignedDuration, Timestamp};

use super::{claim, note, subscriptions};
use crate::{
    error::{Error, Result},
    http::auth::{Actor, By},
    state::AppState,
    store::{Write, subscribers::Subscriber},
};

/// So many people may one person have asked.
const ASKED_AN_HOUR: i64 = 60;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What became of someone who was to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// Is told from now on.
    Active(Subscriber),
    /// Was sent a mail to confirm.
    Asked(Subscriber),
    /// Had been added before; nothing was changed.
    Known(Subscriber),
}

impl Added {
    /// Whoever it is.
    pub fn subscriber(&self) -> &Subscriber {
        match self {
            Self::Active(subscriber) | Self::Asked(subscriber) | Self::Known(subscriber) => subscriber,
        }
    }
}

/// Adds someone: at once if it is said how they agreed, else they are asked by mail.
///
/// Whoever left comes back only so, one by one: that a person states they want it again is on record. An active
/// subscriber keeps what they chose. Someone who has not confirmed is asked again only as often as the page itself would.
///
/// # Errors
/// [`Error::Invalid`] when the address was asked too often, or too many were by the same person.
/// [`Error::Conflict`] when a program states it of someone who left: it may only repeat what it knew before they did.
pub async fn add(state: &AppState, actor: &Actor, command: AddSubscriber) -> Result<Added> {
    let now = state.clock.now();
    let site = state.site().await?;
    let AddSubscriber { email, follows, preferences, consent } = command;
    let mut write = state.store.write().await?;
    // Holding the counter, nobody else can add this address between looking and adding.
    write.last_subscriber_id().await?;
    let known = write.subscriber_by_email(&email).await?;
    if let Some(active) = known.as_ref().filter(|known| known.state == SubscriberState::Active) {
        return unchanged(write, actor, active.clone(), now).await;
    }
    let has_left = known.as_ref().is_some_and(|known| known.state == SubscriberState::Unsubscribed);
    if has_left && consent != Consent::Ask && matches!(actor.by, By::Key(_)) {
        return Err(Error::Conflict(
            "This person left. They can subscribe again on the page, or somebody adds them in the console.",
        ));
    }
    if consent == Consent::Ask {
        let is_due = match &known {
            Some(known) => subscriptions::may_ask_again(&mut write, known, now).await?,
            None => true,
        };
        match known.as_ref().filter(|_| !is_due) {
            Some(known) => return unchanged(write, actor, known.clone(), now).await,
            None => may_ask(&mut write, actor, &email, now).await?,
        }
    }
    let mut subscriber = match known {
        Some(known) => known,
        None => subscriptions::newcomer(write.next_subscriber_id().await?, &email, now),
    };
    subscriber.follows = follows;
    subscriber.preferences = preferences.unwrap_or(subscriber.preferences);
    subscriber.updated_at = now;
    subscriber.owed = None;
    // Links that were sent before the person left, or to confirm, are worthless now.
    subscriber.generation += 1;
    let added = match consent {
        Consent::Stated(reason) => {
            subscriber.state = SubscriberState::Active;
            subscriber.confirmed_at = Some(now);
            subscriber.consent = format!("{reason} (added by {})", actor.name());
            write.forget_erasure(&state.secret().erased_tag(&subscriber.email.canonical())).await?;
            write.put_subscriber(&subscriber).await?;
            Added::Active(subscriber)
        }
        Consent::Ask => {
            subscriber.state = SubscriberState::Pending;
            subscriber.consent = format!("asked by {}", actor.name());
            subscriber.confirmation_sent_at = Some(now);
            write.put_subscriber(&subscriber).await?;
            subscriptions::send_confirmation(&mut write, state, &site, &subscriber, now).await?;
            Added::Asked(subscriber)
        }
    };
    let how = if matches!(added, Added::Active(_)) { "stated consent" } else { "confirmation sent" };
    note(&mut write, actor, "subscriber.add", added.subscriber().id, how, now).await?;
    write.commit().await?;
    state.wake_mail();
    Ok(added)
}

/// Makes sure that nobody is asked too often, and that nobody asks too many.
async fn may_ask(write: &mut Write, actor: &Actor, email: &EmailAddress, now: Timestamp) -> Result<()> {
    if !subscriptions::is_within_limit(write, email, now).await? {
        return Err(FieldErrors::one("email", "this address was asked often enough today: ask again tomorrow").into());
    }
    if write.count_attempt("ask subscribers", &actor.name(), HOUR, now).await? > ASKED_AN_HOUR {
        let words =
            format!("you had {ASKED_AN_HOUR} people asked within the hour: go on in the next, or import a list");
        return Err(FieldErrors::one("consent", words).into());
    }
    Ok(())
}

/// Leaves someone as they are; a program's request has acted nevertheless.
async fn unchanged(mut write: Write, actor: &Actor, known: Subscriber, now: Timestamp) -> Result<Added> {
    claim(&mut write, actor, &known.id.to_string(), now).await?;
    write.commit().await?;
    Ok(Added::Known(known))
}

/// A page of those whom a filter finds, newest first, and the number before which the next one begins.
pub async fn list(
    state: &AppState,
    filter: &SubscriberFilter,
    before: Option<SubscriberId>,
    limit: i64,
) -> Result<(Vec<Subscriber>, Option<SubscriberId>)> {
    let before = before.unwrap_or(SubscriberId(i64::MAX));
    let mut ids = state.store.find_subscribers(filter, before, limit.saturating_add(1)).await?;
    let has_more = i64::try_from(ids.len()).is_ok_and(|count| count > limit);
    ids.truncate(usize::try_from(limit).unwrap_or(0));
    let next = ids.last().copied().filter(|_| has_more);
    Ok((state.store.subscribers(&ids).await?, next))
}

/// Changes what someone hears of, and how.
///
/// # Errors
/// [`Error::Conflict`] for those who left: they come back by being added.
pub async fn change(
    state: &AppState,
    actor: &Actor,
    id: SubscriberId,
    follows: Follows,
    preferences: Preferences,
) -> Result<Subscriber> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let mut subscriber = write.subscriber(id).await?.ok_or(Error::NotFound)?;
    if subscriber.state == SubscriberState::Unsubscribed {
        return Err(Error::Conflict("They left meanwhile, so nothing was changed."));
    }
    subscriber.follows = follows;
    subscriber.preferences = preferences;
    subscriber.updated_at = now;
    write.put_subscriber(&subscriber).await?;
    note(&mut write, actor, "subscriber.change", id, "", now).await?;
    write.commit().await?;
    Ok(subscriber)
}

/// Ends someone's subscription; doing it twice changes nothing.
pub async fn remove(state: &AppState, actor: &Actor, id: SubscriberId) -> Result<Subscriber> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let mut subscriber = write.subscriber(id).await?.ok_or(Error::NotFound)?;
    if subscriptions::end(&mut write, &mut subscriber, now).await? {
        note(&mut write, actor, "subscriber.remove", id, "", now).await?;
        write.commit().await?;
    }
    Ok(subscriber)
}

/// Forgets someone: their address is gone from everything that is kept, what was counted stays, and imports leave them
/// out from now on. They may subscribe again themselves.
pub async fn erase(state: &AppState, actor: &Actor, id: SubscriberId) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let subscriber = write.subscriber(id).await?.ok_or(Error::NotFound)?;
    let tag = state.secret().erased_tag(&subscriber.email.canonical());
    write.erase_subscriber(&subscriber, &tag, now).await?;
    note(&mut write, actor, "subscriber.erase", id, "", now).await?;
    write.commit().await?;
    Ok(())
}

/// Allows mail to an address again; false when nothing forbade it.
pub async fn release(state: &AppState, actor: &Actor, email: &EmailAddress) -> Result<bool> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let lifted = write.lift_suppression(&email.canonical()).await?;
    if lifted {
        // The log must not hold what may have to be forgotten.
        let subscriber = write.subscriber_by_email(email).await?;
        let subject = subscriber.map_or_else(|| "an address".to_owned(), |subscriber| subscriber.id.to_string());
        note(&mut write, actor, "suppression.release", subject, "", now).await?;
        write.commit().await?;
    }
    Ok(lifted)
}

/// Allows mail again to all of whom a mail server said at `since` or later that they do not exist, because it was wrong; says
/// how many. What they missed is not sent again.
pub async fn release_many(state: &AppState, actor: &Actor, since: Timestamp) -> Result<u64> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let lifted = write.lift_nobody_since(since).await?;
    if lifted > 0 {
        let detail = format!("{lifted} addresses, suppressed since {}", time::rfc3339(since));
        note(&mut write, actor, "suppression.release_many", "", detail, now).await?;
        write.commit().await?;
    }
    Ok(lifted)
}

/// Notes that someone took the whole list, or a part of it, along.
pub async fn note_export(state: &AppState, actor: &Actor) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    note(&mut write, actor, "subscribers.export", "", "", now).await?;
    write.commit().await?;
    Ok(())
}
