//! Asking to be told, confirming, changing one's mind, leaving.

use std::collections::BTreeSet;

use app::{
    emails::{
        Mail,
        letter::{self, LetterMail},
    },
    site::Site,
};
use domain::{
    broadcast::Lane,
    email_address::EmailAddress,
    forms::Subscribe,
    i18n::{Locale, Preferences},
    ids::{DeliveryId, SubscriberId},
    subscriber::{Follows, SubscriberState},
    token::{self, LinkToken, Purpose},
};
use jiff::{SignedDuration, Timestamp};

use super::{note, note_as, random, sign_ups};
use crate::{
    error::{Error, Result},
    http::{auth::Actor, client::Client},
    state::AppState,
    store::{Write, deliveries::NewLetter, subscribers::Subscriber},
};

/// A confirmation is worth sending for this long: after that the person asks again.
const CONFIRMATION_LIFE: SignedDuration = SignedDuration::from_hours(2);
/// Its link is valid, and an unconfirmed row kept, for this long from when the letter was written.
pub const CONFIRMATION_VALID: SignedDuration = SignedDuration::from_hours(48);
/// One confirmation an address in this time, unless it was lost, was followed, or the person left since.
const CONFIRMATION_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// And never more than this in it.
const CONFIRMATION_LIMIT: i64 = 3;
/// Sign-ups, and links asked for, an hour from one network.
const NETWORK_LIMIT: i64 = 10;
pub(super) const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Takes a wish to be told. The answer is the same whether the address is known or not.
///
/// A new address is sent a link to confirm, in the language it was asked for in; a known one keeps what it has, and what
/// it adds waits for the link too, for whoever typed it may not be its owner.
pub async fn subscribe(state: &AppState, client: &Client, command: Subscribe, locale: Locale) -> Result<()> {
    ask(state, client, None, command, locale).await.map(drop)
}

/// As [`subscribe`], for a program that asks in someone's name: the same letter, the same limits.
pub async fn subscribe_by(
    state: &AppState,
    actor: &Actor,
    client: &Client,
    command: Subscribe,
) -> Result<SubscriberId> {
    ask(state, client, Some(actor), command, Locale::default()).await
}

async fn ask(
    state: &AppState,
    client: &Client,
    actor: Option<&Actor>,
    command: Subscribe,
    locale: Locale,
) -> Result<SubscriberId> {
    let now = state.clock.now();
    refuse_the_tireless(state, client, now).await?;
    // Asked before the transaction: one that waits for a second connection waits for ever when all do so at once.
    let site = state.site().await?;
    let mut write = state.store.write().await?;
    let tries = write.count_attempt("subscribe", &client.network(), HOUR, now).await?;
    if tries > NETWORK_LIMIT {
        write.commit().await?;
        return Err(Error::TooMany { retry_after: 3600 });
    }
    // Holding the counter, nobody else can add this address between looking and adding.
    write.last_subscriber_id().await?;
    let is_surge = sign_ups::count(&mut write, now).await?;
    let known = write.subscriber_by_email(&command.email).await?;
    let may_write = match &known {
        Some(known) => may_ask_again(&mut write, known, now).await?,
        None => true,
    };
    let mut subscriber = match known {
        Some(known) => known,
        None => newcomer(write.next_subscriber_id().await?, &command.email, now),
    };
    // An active subscriber's choices are theirs: whoever types an address can only have them asked.
    if subscriber.state == SubscriberState::Active {
        let wish = write.wish(subscriber.id).await?.unwrap_or_default().and(command.follows);
        write.put_wish(subscriber.id, &wish, now).await?;
    } else {
        subscriber.follows = match subscriber.state {
            SubscriberState::Pending => subscriber.follows.and(command.follows),
            _ => command.follows,
        };
        subscriber.state = SubscriberState::Pending;
        subscriber.preferences.locale = locale;
        subscriber.consent = match actor {
            Some(actor) => format!("asked by “{}”, {}", actor.label(), client.address),
            None => format!("form, {}", client.address),
        };
    }
    subscriber.updated_at = now;
    if may_write {
        sign_ups::owe(&mut write, client, is_surge, &mut subscriber, now).await?;
    }
    if is_surge {
        write.put_subscriber(&subscriber).await?;
    } else {
        sign_ups::send_owed(&mut write, state, &site, &mut subscriber, now).await?;
    }
    match actor {
        Some(actor) => note(&mut write, actor, "subscriber.ask", subscriber.id, "", now).await?,
        // Of what is only kept there is nothing to prove, and a flood would fill the log.
        None if is_surge => {}
        None => {
            note_as(&mut write, "anyone", "subscriber.ask", subscriber.id, &client.address.to_string(), now).await?;
        }
    }
    write.commit().await?;
    state.wake_mail();
    Ok(subscriber.id)
}

/// Refuses a network that is known to be over its limit: that takes no turn with those who write.
async fn refuse_the_tireless(state: &AppState, client: &Client, now: Timestamp) -> Result<()> {
    let tries = state.store.attempts("subscribe", &client.network(), HOUR, now).await?;
    if tries > NETWORK_LIMIT { Err(Error::TooMany { retry_after: 3600 }) } else { Ok(()) }
}

/// Someone who was not known before.
pub(super) fn newcomer(id: SubscriberId, email: &EmailAddress, now: Timestamp) -> Subscriber {
    Subscriber {
        id,
        email: email.clone(),
        state: SubscriberState::Pending,
        follows: Follows::default(),
        preferences: Preferences::default(),
        generation: 1,
        consent: String::new(),
        created_at: now,
        updated_at: now,
        confirmation_sent_at: None,
        confirmed_at: None,
        unsubscribed_at: None,
        owed: None,
    }
}

/// Sends the link to their subscription to an active subscriber, once an hour and three times a day at most. The answer is the same whether
/// there is one or not.
pub async fn send_manage_link(state: &AppState, client: &Client, email: &EmailAddress) -> Result<()> {
    let now = state.clock.now();
    refuse_the_tireless(state, client, now).await?;
    let site = state.site().await?;
    let mut write = state.store.write().await?;
    if write.count_attempt("subscribe", &client.network(), HOUR, now).await? > NETWORK_LIMIT {
        write.commit().await?;
        return Err(Error::TooMany { retry_after: 3600 });
    }
    write.last_subscriber_id().await?;
    let is_surge = sign_ups::count(&mut write, now).await?;
    let known = write.subscriber_by_email(email).await?.filter(|known| known.state == SubscriberState::Active);
    if let Some(mut subscriber) = known {
        sign_ups::owe(&mut write, client, is_surge, &mut subscriber, now).await?;
        if is_surge {
            write.put_subscriber(&subscriber).await?;
        } else if sign_ups::send_owed(&mut write, state, &site, &mut subscriber, now).await? {
            note_as(&mut write, "anyone", "subscriber.link", subscriber.id, &client.address.to_string(), now).await?;
        }
    }
    write.commit().await?;
    state.wake_mail();
    Ok(())
}

/// Asks whether it was them: who already gets mail, too, about what they would get more.
pub(super) async fn send_confirmation(
    write: &mut Write,
    state: &AppState,
    site: &Site,
    subscriber: &Subscriber,
    now: Timestamp,
) -> Result<()> {
    let locale = subscriber.preferences.locale;
    let mail = letter::mail(&LetterMail {
        words: &locale.mail_words().confirmation,
        locale,
        page_name: &site.name,
        page_url: &site.url,
        link: &format!("{}/confirm/{}", site.url, link(state, Purpose::Confirm, subscriber)),
    });
    write.insert_letter(&letter("confirmation", subscriber, mail, now), now).await?;
    Ok(())
}

pub(super) fn manage_mail(state: &AppState, site: &Site, subscriber: &Subscriber) -> Mail {
    let locale = subscriber.preferences.locale;
    letter::mail(&LetterMail {
        words: &locale.mail_words().manage,
        locale,
        page_name: &site.name,
        page_url: &site.url,
        link: &format!("{}/manage/{}", site.url, link(state, Purpose::Manage, subscriber)),
    })
}

pub(super) fn letter(kind: &'static str, subscriber: &Subscriber, message: Mail, now: Timestamp) -> NewLetter {
    NewLetter {
        id: DeliveryId::from_random(random()),
        kind,
        lane: Lane::Account,
        to: subscriber.email.clone(),
        subscriber: Some(subscriber.id),
        message,
        dedupe_key: None,
        expires_at: now.checked_add(CONFIRMATION_LIFE).unwrap_or(now),
    }
}

/// Whether the last letter is long ago, was followed, did not arrive, or is from before the person left.
pub(super) async fn may_ask_again(write: &mut Write, known: &Subscriber, now: Timestamp) -> Result<bool> {
    // Long ago, or by a clock far ahead of this one; not by whoever asked a moment later and was served first.
    let is_long_ago = |sent: Timestamp| now.duration_since(sent).abs() >= CONFIRMATION_PAUSE;
    let is_followed = |sent: Timestamp| known.confirmed_at.is_some_and(|confirmed| confirmed >= sent);
    Ok(known.state == SubscriberState::Unsubscribed
        || known.confirmation_sent_at.is_none_or(|sent| is_long_ago(sent) || is_followed(sent))
        || write.is_confirmation_lost(known.id).await?)
}

pub(super) async fn is_within_limit(write: &mut Write, email: &EmailAddress, now: Timestamp) -> Result<bool> {
    let address = token::hash(&email.canonical());
    Ok(write.count_attempt("confirmation", &address, CONFIRMATION_PAUSE, now).await? <= CONFIRMATION_LIMIT)
}

/// Whether an address may get the link to its subscription: once an hour, and a few times a day.
pub(super) async fn may_get_link(write: &mut Write, email: &EmailAddress, now: Timestamp) -> Result<bool> {
    let address = token::hash(&email.canonical());
    Ok(write.count_attempt("manage link", &address, HOUR, now).await? == 1
        && write.count_attempt("manage links", &address, CONFIRMATION_PAUSE, now).await? <= CONFIRMATION_LIMIT)
}

/// A signed link's token for this subscriber.
pub fn link(state: &AppState, purpose: Purpose, subscriber: &Subscriber) -> String {
    LinkToken { purpose, subscriber: subscriber.id.0, generation: subscriber.generation }.sign(state.secret())
}

/// The subscriber a link belongs to. A confirmation's link dies with the next one and when the person leaves; links to
/// manage and to leave live as long as the subscriber does, for they stand in old mails.
pub async fn linked(state: &AppState, purpose: Purpose, token: &str) -> Result<Option<Subscriber>> {
    let Ok(token) = LinkToken::parse(state.secret(), purpose, token) else { return Ok(None) };
    let subscriber = state.store.subscriber(SubscriberId(token.subscriber)).await?;
    let now = state.clock.now();
    let is_good = |it: &Subscriber| purpose != Purpose::Confirm || may_confirm(it, token.generation, now);
    Ok(subscriber.filter(is_good))
}

fn may_confirm(subscriber: &Subscriber, generation: i64, now: Timestamp) -> bool {
    let age = subscriber.confirmation_sent_at.map(|sent| now.duration_since(sent));
    subscriber.state != SubscriberState::Unsubscribed
        && subscriber.generation == generation
        && age.is_some_and(|age| age <= CONFIRMATION_VALID)
}

/// Whether the button behind a confirmation's link would change anything for its subscriber.
pub async fn is_awaited(state: &AppState, subscriber: &Subscriber) -> Result<bool> {
    Ok(subscriber.state == SubscriberState::Pending || state.store.wish(subscriber.id).await?.is_some())
}

/// Makes a pending subscriber active, or gives an active one what they asked for; doing it twice changes nothing.
pub async fn confirm(state: &AppState, client: &Client, token: &str) -> Result<Option<Subscriber>> {
    let Some(found) = linked(state, Purpose::Confirm, token).await? else { return Ok(None) };
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let subscriber = write.subscriber(found.id).await?;
    // Who asked anew or left meanwhile has not said yes to this.
    let Some(mut subscriber) = subscriber.filter(|it| may_confirm(it, found.generation, now)) else { return Ok(None) };
    let wish = write.wish(subscriber.id).await?;
    if subscriber.state == SubscriberState::Pending || wish.is_some() {
        if let Some(wish) = wish {
            subscriber.follows = subscriber.follows.and(what_is_left(&mut write, wish).await?);
            write.delete_wish(subscriber.id).await?;
        }
        subscriber.state = SubscriberState::Active;
        subscriber.confirmed_at = Some(now);
        subscriber.owed = None;
        subscriber.unsubscribed_at = None;
        subscriber.updated_at = now;
        subscriber.consent = format!("{}; confirmed by link, {}", subscriber.consent, client.address);
        write.put_subscriber(&subscriber).await?;
        // The link came by mail, so the address works.
        write.lift_suppression(&subscriber.email.canonical()).await?;
        write.forget_erasure(&state.secret().erased_tag(&subscriber.email.canonical())).await?;
        let actor = format!("subscriber:{}", subscriber.id);
        note_as(&mut write, &actor, "subscriber.confirm", subscriber.id, &client.address.to_string(), now).await?;
        write.commit().await?;
    }
    Ok(Some(subscriber))
}

/// A wish without what is gone since it was made.
async fn what_is_left(write: &mut Write, mut wish: Follows) -> Result<Follows> {
    let components = write.components().await?;
    wish.components.retain(|id| components.iter().any(|component| component.id == *id));
    let mut incidents = BTreeSet::new();
    for id in wish.incidents {
        if write.incident(&id).await?.is_some() {
            incidents.insert(id);
        }
    }
    Ok(Follows { incidents, ..wish })
}

/// Changes what a subscriber hears of, and how. Whoever left is not brought back by the link in an old mail.
///
/// # Errors
/// [`Error::Conflict`] for those who are not told of anything: they left, or have not confirmed yet.
pub async fn change(
    state: &AppState,
    client: &Client,
    token: &str,
    follows: Follows,
    preferences: Preferences,
) -> Result<Option<Subscriber>> {
    let Some(found) = linked(state, Purpose::Manage, token).await? else { return Ok(None) };
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let Some(mut subscriber) = write.subscriber(found.id).await? else { return Ok(None) };
    if subscriber.state != SubscriberState::Active {
        return Err(Error::Conflict("You get no mail from us any more. Subscribe again to choose what you hear of."));
    }
    subscriber.follows = follows;
    subscriber.preferences = preferences;
    subscriber.updated_at = now;
    write.put_subscriber(&subscriber).await?;
    let actor = format!("subscriber:{}", subscriber.id);
    note_as(&mut write, &actor, "subscriber.change", subscriber.id, &client.address.to_string(), now).await?;
    write.commit().await?;
    Ok(Some(subscriber))
}

/// Leaves; doing it twice changes nothing.
pub async fn unsubscribe(state: &AppState, client: &Client, token: &str) -> Result<bool> {
    let found = match linked(state, Purpose::Unsubscribe, token).await? {
        Some(found) => Some(found),
        // The manage page's button sends its own token.
        None => linked(state, Purpose::Manage, token).await?,
    };
    let Some(found) = found else { return Ok(false) };
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let Some(mut subscriber) = write.subscriber(found.id).await? else { return Ok(false) };
    if end(&mut write, &mut subscriber, now).await? {
        let actor = format!("subscriber:{}", subscriber.id);
        note_as(&mut write, &actor, "subscriber.leave", subscriber.id, &client.address.to_string(), now).await?;
        write.commit().await?;
    }
    Ok(true)
}

/// Ends a subscription; false when it was over.
pub(super) async fn end(write: &mut Write, subscriber: &mut Subscriber, now: Timestamp) -> Result<bool> {
    if subscriber.state == SubscriberState::Unsubscribed {
        return Ok(false);
    }
    subscriber.state = SubscriberState::Unsubscribed;
    subscriber.unsubscribed_at = Some(now);
    subscriber.owed = None;
    // A confirmation's link that is still about brings nobody back, nor what they asked for before.
    subscriber.generation += 1;
    subscriber.updated_at = now;
    write.delete_wish(subscriber.id).await?;
    write.put_subscriber(subscriber).await?;
    Ok(true)
}
