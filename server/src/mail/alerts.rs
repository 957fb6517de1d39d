//! Tells the owners what is the matter with their mail: on a page of the console, and by letters of the first lane, a few an
//! hour at most, through the second transport if there is one.

use app::emails::alert::{self, AlertMail};
use domain::{
    bounce,
    broadcast::Lane,
    health::{Condition, Health},
    ids::{BroadcastId, DeliveryId},
    quota::Quota,
    surge::{Cause, Surge, Traffic},
    time,
};
use jiff::{SignedDuration, Timestamp};

use super::life::Life;
use crate::{
    state::DEFAULT_NAME,
    store::{Result, Store, Write, deliveries::NewLetter},
};

/// The most letters to each owner in an hour; what else happened goes into the next.
const LETTERS_AN_HOUR: i64 = 4;
/// The most things that a letter tells of; how many more there are stands below.
const LINES: usize = 20;
/// How long an alert is worth sending.
const LIFETIME: SignedDuration = SignedDuration::from_hours(4);
/// How long those who wait are told they may have to: a letter.
pub const LETTER_PROMISE: SignedDuration = SignedDuration::from_mins(5);
/// … and a broadcast, until its list was walked to the end.
pub const BROADCAST_PROMISE: SignedDuration = SignedDuration::from_hours(1);

/// How far back refusals and bounces are counted.
const BOUNCES: SignedDuration = SignedDuration::from_hours(24);

/// What the owners should know.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alarm<'a> {
    /// A transport stopped to work in a way that does not pass by itself.
    Transport { name: &'a str, health: &'a Health },
    /// Our own count says that broadcasts must wait.
    Quota { name: &'a str, quota: Quota },
    /// Something waits longer than promised.
    Late { lane: Lane, since: Timestamp },
    /// Many mails were refused for good or came back.
    Bounces { sent: i64, bounced: i64 },
    /// A broadcast was paused, and not by a person.
    Paused { broadcast: &'a BroadcastId, reason: &'a str },
    /// Sign-ups come in numbers that are not people's.
    Surge { surge: &'a Surge, traffic: &'a Traffic },
}

impl Alarm<'_> {
    /// The same key for what needs to be said once.
    fn key(&self, now: Timestamp) -> String {
        match self {
            // As often as it takes a mail or two in between.
            Self::Transport { name, health } if health.condition == Condition::PuttingOff => {
                format!("transport:{name}:{}:{}", health.condition.as_str(), hour(now))
            }
            Self::Transport { name, health } => {
                format!("transport:{name}:{}:{}", health.condition.as_str(), health.since.as_millisecond())
            }
            Self::Quota { name, quota } => format!("quota:{name}:{quota}:{}", time::utc_date(now)),
            Self::Late { lane, since } if lane.is_bulk() => {
                format!("late:{}:{}", lane.as_str(), since.as_millisecond())
            }
            // Not by the oldest letter: while many leave one after the other, each is the oldest once.
            Self::Late { lane, .. } => format!("late:{}:{}", lane.as_str(), hour(now)),
            Self::Bounces { .. } => format!("bounces:{}", time::utc_date(now)),
            Self::Paused { broadcast, reason } => format!("paused:{broadcast}:{reason}"),
            Self::Surge { surge, .. } => format!("surge:{}", surge.since.as_millisecond()),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Transport { name, health } => {
                let way = if *name == super::route::ALERT { "The second mail server" } else { "The mail server" };
                let (what, next) = match health.condition {
                    Condition::QuotaReached => {
                        ("says that the quota is used up", "one mail is tried every ten minutes")
                    }
                    Condition::PuttingOff => (
                        "tells nearly everyone to come again later",
                        "a few are tried after pauses that grow to five minutes",
                    ),
                    Condition::Refused => (
                        "refuses much of our mail for what we are, not for whom it is for",
                        "one mail is tried every five minutes",
                    ),
                    _ => ("refuses our credentials or settings", "one mail is tried every five minutes"),
                };
                format!("{way} {what} ({}). Nothing is lost: mails wait, and {next} until one is taken.", health.reason)
            }
            Self::Quota { quota, .. } => format!(
                "The mail quota of {quota} is used up but for what is kept for alerts and confirmations. Broadcasts wait; the \
                 page of each says until when."
            ),
            Self::Late { lane, since } if lane.is_bulk() => {
                format!("An update published {} has not reached everyone after an hour.", time::full(*since))
            }
            Self::Late { since, .. } => {
                format!("A confirmation or sign-in link has waited since {} to be sent.", time::full(*since))
            }
            Self::Bounces { sent, bounced } => format!(
                "{bounced} of {sent} mails of the last 24 hours were refused or came back because their addresses do not work. \
                 Providers stop to take mail from whom that happens with more than 5 to 10 in a hundred: find out where these \
                 addresses come from before the next broadcast. Those that do not exist are written to no more."
            ),
            Self::Paused { reason, .. } => {
                format!(
                    "A broadcast was paused: {reason}. Resume it in the console when that is mended. Addresses that were \
                     refused by mistake are allowed again under Subscribers, Suppressed."
                )
            }
            Self::Surge { surge, traffic } => {
                let what = match surge.cause {
                    Cause::SignUps => {
                        let Traffic { last_hour, usual, .. } = traffic;
                        format!("{last_hour} people or programs signed up within an hour, usually it is {usual}.")
                    }
                    Cause::Bounces => {
                        let Traffic { confirmations, bounced, .. } = traffic;
                        format!("{bounced} of {confirmations} confirmations of the last hour did not arrive.")
                    }
                };
                format!(
                    "{what} Until that is over, confirmations go at once only to those whose browser solves a small puzzle; \
                     all others are kept and written to slowly. Updates and alerts do not wait for them."
                )
            }
        }
    }
}

fn hour(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H").to_string()
}

/// Notes something for the owners, once.
pub(crate) async fn raise(write: &mut Write, alarm: &Alarm<'_>, now: Timestamp) -> Result<()> {
    if write.raise_alert(&alarm.key(now), &alarm.message(), now).await? {
        tracing::error!(alarm = alarm.message(), "The owners are told.");
    }
    Ok(())
}

/// Which lanes wait longer than promised, and since when; nothing while a person holds all mail.
pub async fn late(store: &Store, now: Timestamp) -> Result<Vec<(Lane, Timestamp)>> {
    if store.mail_held_since().await?.is_some() {
        return Ok(Vec::new());
    }
    let before = |promise| now.checked_sub(promise).unwrap_or(now);
    let letters = store.queue_counts(now).await?;
    let letters = letters.iter().filter(|count| count.lane == Lane::Account);
    let due = letters.filter_map(|count| Some((count.lane, count.due_since?)));
    let mut late: Vec<_> = due.filter(|(_, since)| *since < before(LETTER_PROMISE)).collect();
    let unfinished = store.unfinished_broadcasts(before(BROADCAST_PROMISE)).await?;
    late.extend(unfinished.into_iter().map(|since| (Lane::Incident, since)));
    Ok(late)
}

/// Looks whether anything waits too long, and writes to the owners what they were not told yet.
pub(super) async fn round(life: &Life, now: Timestamp) -> Result<()> {
    let store = &life.store;
    let late = late(store, now).await?;
    let bounces = many_bounces(store, now).await?;
    if late.is_empty() && bounces.is_none() && !store.has_new_alerts().await? {
        return Ok(());
    }
    let users = store.users().await?;
    let page_name = store.setting("name").await?.unwrap_or_else(|| DEFAULT_NAME.to_owned());
    let mut write = store.write().await?;
    for (lane, since) in late {
        raise(&mut write, &Alarm::Late { lane, since }, now).await?;
    }
    if let Some(alarm) = &bounces {
        raise(&mut write, alarm, now).await?;
    }
    let alerts = write.take_new_alerts(LETTERS_AN_HOUR, now).await?;
    let has_news = !alerts.is_empty();
    if has_news {
        let more = alerts.len().saturating_sub(LINES);
        let lines = alerts.into_iter().take(LINES).map(|alert| (alert.raised_at, alert.message));
        let lines: Vec<_> = lines.collect();
        let address = format!("{}/admin/mail", life.settings.public_url);
        let message = alert::mail(&AlertMail { page_name: &page_name, console_url: &address, alerts: &lines, more });
        for user in users {
            let letter = NewLetter {
                id: DeliveryId::from_random(rand::random()),
                kind: "alert",
                lane: Lane::Alert,
                to: user.email.clone(),
                subscriber: None,
                message: message.clone(),
                dedupe_key: Some(format!("alert:{}:{}", now.as_millisecond(), user.id)),
                expires_at: now.checked_add(LIFETIME).unwrap_or(now),
            };
            write.insert_letter(&letter, now).await?;
        }
    }
    write.commit().await?;
    if has_news {
        life.handle.wake();
    }
    Ok(())
}

/// Whether more mails were refused or came back than providers bear.
async fn many_bounces(store: &Store, now: Timestamp) -> Result<Option<Alarm<'static>>> {
    let since = now.checked_sub(BOUNCES).unwrap_or(now);
    let (sent, refused) = store.count_broadcast_mails(since).await?;
    let bounced = refused + store.count_bounced(since).await?;
    Ok(bounce::is_alarming(sent, bounced).then_some(Alarm::Bounces { sent, bounced }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_a_backlog_drains_its_letters_raise_one_alarm_an_hour() {
        let at = |minutes: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let key = |lane, since, now| Alarm::Late { lane, since: at(since) }.key(at(now));
        assert_eq!(key(Lane::Account, 1, 60), key(Lane::Account, 54, 119));
        assert_ne!(key(Lane::Account, 1, 60), key(Lane::Account, 54, 120));
        // A broadcast is told of once, however long it takes, and each other one as well.
        assert_eq!(key(Lane::Incident, 1, 62), key(Lane::Incident, 1, 600));
        assert_ne!(key(Lane::Incident, 1, 70), key(Lane::Incident, 5, 70));
    }
}
