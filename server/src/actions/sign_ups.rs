//! Sign-ups in numbers that are not people's: noticed, told from people by a puzzle, kept, and answered slowly.
//!
//! ```text
//! calm    ask ─▶ letter
//! surge   ask ─▶ kept (owed) ─┬─ puzzle solved ────────────────────────────▶ letter, at once
//!                             ├─ a few a minute, if no other waits ────────▶ letter
//!                             └─ last of more than can be kept, or 30 days ▶ forgotten
//! ```
//!
//! Those who wait stand in one line: the first of each network of that day, then the second of each, and so on. It is
//! worked off from its beginning and cut at its end, so that however many a flood sends from a network, people of other
//! networks wait for one letter to it.

use app::site::Site;
use domain::{
    broadcast::Lane,
    challenge::Challenge,
    email_address::EmailAddress,
    quota::Used,
    rate::Share,
    subscriber::SubscriberState,
    surge::{Surge, Traffic, USUAL_AT_MOST},
};
use jiff::{SignedDuration, Timestamp};

use super::{note_as, random, subscriptions};
use crate::{
    error::Result,
    http::client::Client,
    mail::{
        alerts::{self, Alarm},
        route::{ALERT, MAIN},
    },
    state::AppState,
    store::{
        self, Write,
        deliveries::LaneCount,
        subscribers::{Owed, Subscriber},
    },
};

/// How often it is looked whether a surge is over, and some of those who were put off are written to.
pub const ROUND: SignedDuration = SignedDuration::from_secs(5);
/// The most who wait for a letter that was put off.
pub const OWED_LIMIT: i64 = 250_000;
/// How long they wait for it at most.
pub const OWED_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many are forgotten in one transaction: others must get their turn to write.
const CHUNK: i64 = 1_000;
/// Over what time the letters that are put off are counted for each network.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The most who are written to in one round.
const ROUND_LIMIT: u64 = 10;
/// The part of the rate of account mails that those who were put off use: while a surge lasts, when hardly any of them is a
/// person, and after it. Half of it is no more than what broadcasts leave to all others.
const PART: (u64, u64) = (10, 2);

/// Counts a sign-up; says whether letters are put off.
pub(super) async fn count(write: &mut Write, now: Timestamp) -> Result<bool> {
    let surge = write.surge().await?;
    let last_hour = write.count_sign_up(surge.is_some(), now).await?;
    if surge.is_some() || last_hour <= USUAL_AT_MOST {
        return Ok(surge.is_some());
    }
    let traffic = write.traffic(now).await?;
    Ok(begin(write, &traffic, now).await?)
}

/// Begins a surge if this is one, and tells the owners.
async fn begin(write: &mut Write, traffic: &Traffic, now: Timestamp) -> store::Result<bool> {
    let Some(cause) = traffic.cause() else { return Ok(false) };
    let surge = Surge { since: now, cause, limit: traffic.limit() };
    write.begin_surge(&surge).await?;
    alerts::raise(write, &Alarm::Surge { surge: &surge, traffic }, now).await?;
    Ok(true)
}

/// Notes that someone is owed a letter; in a surge also where they stand in line. Who asks again does not lose their place.
pub(super) async fn owe(
    write: &mut Write,
    client: &Client,
    is_surge: bool,
    subscriber: &mut Subscriber,
    now: Timestamp,
) -> store::Result<()> {
    let turn = if is_surge { write.count_attempt("put off by", &client.network(), DAY, now).await? } else { 0 };
    let before = subscriber.owed.unwrap_or(Owed { since: now, turn });
    subscriber.owed = Some(Owed { turn: before.turn.min(turn), ..before });
    Ok(())
}

/// The puzzle for whoever typed an address, while a surge lasts: whether the address is known or not.
pub async fn challenge(state: &AppState, email: &EmailAddress) -> Result<Option<String>> {
    let is_surge = state.store.surge().await?.is_some();
    Ok(is_surge.then(|| new_challenge(state, email)))
}

/// Another puzzle, instead of one that was not solved.
pub fn new_challenge(state: &AppState, email: &EmailAddress) -> String {
    Challenge::new(random(), state.clock.now()).sign(state.secret(), email)
}

/// Takes the answer to a puzzle: what was put off goes out at once, if there is any. False when it is no answer, or was
/// given before.
pub async fn solve(
    state: &AppState,
    client: &Client,
    email: &EmailAddress,
    challenge: &str,
    answer: &str,
) -> Result<bool> {
    let now = state.clock.now();
    let Some(challenge) = Challenge::solved(state.secret(), email, challenge, answer, now) else { return Ok(false) };
    let site = state.site().await?;
    let mut write = state.store.write().await?;
    // By its own end, not by the present hour: else it would be new again in the next.
    let tries = write.count_attempt("challenge", &challenge.name(), subscriptions::HOUR, challenge.end()).await?;
    if tries > 1 {
        return Ok(false);
    }
    if let Some(mut subscriber) = write.subscriber_by_email(email).await?
        && send_owed(&mut write, state, &site, &mut subscriber, now).await?
    {
        note_as(&mut write, "anyone", "subscriber.ask", subscriber.id, &client.address.to_string(), now).await?;
        metrics::counter!("tidings_challenges_solved_total").increment(1);
    }
    write.commit().await?;
    state.wake_mail();
    Ok(true)
}

/// Writes the letter that someone is owed, as far as their address may get one, and changes them accordingly; says
/// whether it did. Who asked for something is asked whether it was them; an active subscriber who did not is sent the
/// link to what they have.
pub(super) async fn send_owed(
    write: &mut Write,
    state: &AppState,
    site: &Site,
    subscriber: &mut Subscriber,
    now: Timestamp,
) -> Result<bool> {
    let is_owed = subscriber.owed.take().is_some() && subscriber.state != SubscriberState::Unsubscribed;
    // A wish that they were asked about today is no new one.
    let has_asked = subscriber.state == SubscriberState::Pending
        || (write.wish(subscriber.id).await?.is_some() && subscriptions::may_ask_again(write, subscriber, now).await?);
    let may_write = if !is_owed {
        false
    } else if has_asked {
        subscriptions::is_within_limit(write, &subscriber.email, now).await?
    } else {
        subscriptions::may_get_link(write, &subscriber.email, now).await?
    };
    if may_write && has_asked {
        subscriber.generation += 1;
        subscriber.confirmation_sent_at = Some(now);
    }
    write.put_subscriber(subscriber).await?;
    if may_write && has_asked {
        subscriptions::send_confirmation(write, state, site, subscriber, now).await?;
    } else if may_write {
        let mail = subscriptions::manage_mail(state, site, subscriber);
        write.insert_letter(&subscriptions::letter("manage_link", subscriber, mail, now), now).await?;
    }
    Ok(may_write)
}

/// What happens by itself: a surge that bounces tell begins, one that is over ends, a few of those who were put off are
/// written to, and of too many the last are forgotten.
pub async fn round(state: &AppState) -> Result<()> {
    let now = state.clock.now();
    let traffic = state.store.traffic(now).await?;
    let surge = state.store.surge().await?;
    let is_over = surge.as_ref().is_some_and(|surge| traffic.has_calmed(surge));
    if is_over || (surge.is_none() && traffic.cause().is_some()) {
        let mut write = state.store.write().await?;
        match write.surge().await? {
            Some(_) if is_over => write.end_surge(now).await?,
            None if !is_over => drop(begin(&mut write, &traffic, now).await?),
            // Another node was faster.
            _ => {}
        }
        write.commit().await?;
    }
    let (owed, _) = state.store.owed_letters().await?;
    let is_surge = surge.is_some() && !is_over;
    metrics::gauge!("tidings_sign_up_surge").set(if is_surge { 1.0 } else { 0.0 });
    metrics::gauge!("tidings_sign_ups_put_off").set(f64::from(i32::try_from(owed).unwrap_or(i32::MAX)));
    if owed > OWED_LIMIT {
        forget_the_last(state).await?;
    }
    if owed > 0 { write_to_some(state, is_surge, now).await } else { Ok(()) }
}

/// Keeps the line of those who wait from filling the disk.
async fn forget_the_last(state: &AppState) -> Result<()> {
    let mut all = 0;
    loop {
        let mut write = state.store.write().await?;
        let forgotten = write.cap_owed(OWED_LIMIT, CHUNK).await?;
        write.commit().await?;
        all += forgotten;
        if forgotten < CHUNK.unsigned_abs() {
            break;
        }
    }
    tracing::warn!(
        forgotten = all,
        "Too many sign-ups are put off: the last of the networks that sent most are forgotten."
    );
    Ok(())
}

/// Writes to the first of those who were put off, from what other account mails leave over.
async fn write_to_some(state: &AppState, is_surge: bool, now: Timestamp) -> Result<()> {
    let account = Share::Account;
    // Those that are tried again later do not count.
    let is_due = |count: &LaneCount| count.lane == Lane::Account && count.due_since.is_some();
    let do_others_wait = state.store.queue_counts(now).await?.iter().any(is_due);
    if do_others_wait || state.store.mail_held_since().await?.is_some() {
        return Ok(());
    }
    let mut write = state.store.write().await?;
    // One node each round.
    if write.count_attempt("put off", "", ROUND, now).await? > 1 {
        return Ok(());
    }
    let config = state.config();
    let (transport, limits) =
        if config.smtp_alert.is_some() { (ALERT, config.alert_limits) } else { (MAIN, config.mail_limits) };
    if let Some(quota) = limits.quota.value {
        // At least half of it is for those who are no programs.
        let left = quota.left(write.used(transport, quota, now).await?, account);
        if left * 2 < quota.left(Used::default(), account) {
            return Ok(());
        }
    }
    let part = if is_surge { PART.0 } else { PART.1 };
    let most = (account.of(limits.rate.value).mails_in(ROUND) / part).clamp(1, ROUND_LIMIT);
    let next = write.next_owed(i64::try_from(most).unwrap_or(1)).await?;
    write.commit().await?;
    let site = state.site().await?;
    for id in next {
        let mut write = state.store.write().await?;
        if let Some(mut subscriber) = write.subscriber(id).await?
            && send_owed(&mut write, state, &site, &mut subscriber, now).await?
        {
            note_as(&mut write, "tidings", "subscriber.ask", subscriber.id, "", now).await?;
        }
        write.commit().await?;
    }
    state.wake_mail();
    Ok(())
}
