//! How a transport fares, and when it may be tried again: pure, so that all nodes decide alike.
//!
//! ```text
//! fine ──▶ throttled    half the rate after a pause; 5 % of the rate come back with each clean minute
//!      ──▶ putting off  a few tries after 1 s, 2 s, 4 s … 5 min: it says "later" to nearly everyone
//!      ──▶ unreachable  one try after 1 s, 2 s, 4 s … 5 min
//!      ──▶ quota        one try every 10 min
//!      ──▶ refused      one try every 5 min: the server dislikes us
//!      ──▶ broken       one try every 5 min: our credentials or settings
//! ```
//! A try that works makes it fine. What was begun before the last trouble was noted says nothing new.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::Transport as Word,
    rate::Rate,
    status::{UnknownStatus, words},
};

words! {
    /// What is the matter with a transport, the gravest last.
    Condition {
        /// Nothing.
        Fine = "fine", "Works";
        /// The server asked us to slow down.
        Throttled = "throttled", "Slowed down";
        /// It tells nearly everyone to come again later.
        PuttingOff = "putting_off", "Puts everyone off";
        /// It cannot be connected to, or breaks off.
        Unreachable = "unreachable", "Cannot be reached";
        /// The provider's allowance is used up.
        QuotaReached = "quota", "Out of quota";
        /// It refuses much of our mail for what we are.
        Refused = "refused", "Refuses our mail";
        /// It refuses our credentials or settings.
        Broken = "broken", "Turns us away";
    }
}

/// Of the rate, in percent, that comes back with each clean minute.
const RECOVERY: i64 = 5;
/// A connection that carried fewer mails than this met no cap when the server closed it.
const CAP_NOTICED: u32 = 50;

impl Condition {
    /// Whether nothing is sent but a try now and then until one works.
    pub fn is_shut(self) -> bool {
        self >= Self::Unreachable
    }

    /// Whether owners hear of it: people wait for a reason that need not pass by itself.
    pub fn is_alarming(self) -> bool {
        self == Self::PuttingOff || self > Self::Unreachable
    }

    /// How long to wait after so many failures before this one.
    fn pause(self, failures: u32) -> SignedDuration {
        let growing =
            |first: i64, most: i64| SignedDuration::from_secs(first.saturating_mul(1 << failures.min(12)).min(most));
        match self {
            Self::Fine => SignedDuration::ZERO,
            Self::Throttled => growing(5, 600),
            Self::PuttingOff | Self::Unreachable => growing(1, 300),
            Self::QuotaReached => SignedDuration::from_mins(10),
            Self::Refused | Self::Broken => SignedDuration::from_mins(5),
        }
    }
}

/// What is known of a transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// What is the matter.
    pub condition: Condition,
    /// In the server's words, without what names a recipient.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When the last trouble was noted.
    pub noted_at: Timestamp,
    /// Nothing is sent before.
    pub not_before: Timestamp,
    /// How often it failed in a row.
    pub failures: u32,
    /// How much of the rate was allowed at `not_before`, in percent.
    pub pace: u32,
    /// After how many mails a connection is renewed, if the server has shown that it closes after some.
    pub cap: Option<u32>,
}

/// Whether to send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// At the present pace.
    Freely,
    /// One mail, to see whether it works again.
    Once,
    /// Not before this.
    NotBefore(Timestamp),
}

impl Health {
    /// Nothing is known yet.
    pub fn new(now: Timestamp) -> Self {
        let (condition, reason) = (Condition::Fine, String::new());
        Self { condition, reason, since: now, noted_at: now, not_before: now, failures: 0, pace: 100, cap: None }
    }

    /// Whether to send now. A clock that was put back makes no pause longer than it was meant to be.
    pub fn permission(&self, now: Timestamp) -> Permission {
        // Jitter makes a pause longer by up to a fifth.
        let longest = self.condition.pause(u32::MAX) * 6 / 5;
        let wait = self.not_before.duration_since(now);
        match self.condition {
            Condition::Fine => Permission::Freely,
            _ if wait > SignedDuration::ZERO && wait <= longest => Permission::NotBefore(self.not_before),
            Condition::Throttled | Condition::PuttingOff => Permission::Freely,
            _ => Permission::Once,
        }
    }

    /// How much of the rate is allowed now, in percent.
    pub fn pace(&self, now: Timestamp) -> u32 {
        let minutes = now.duration_since(self.not_before).as_mins().clamp(0, 100);
        u32::try_from(i64::from(self.pace) + RECOVERY * minutes).unwrap_or(100).min(100)
    }

    /// What a rate has become.
    pub fn paced(&self, rate: Rate, now: Timestamp) -> Rate {
        match u64::from(self.pace(now)) {
            100.. => rate,
            // Nobody knows how fast "as fast as it goes" was.
            pace if rate.is_unlimited() => Rate::per_second(pace),
            pace => rate.share(pace),
        }
    }

    /// Someone was allowed to try once: until they know, nobody else is. `jitter` is any random number.
    #[must_use]
    pub fn tried(&self, now: Timestamp, jitter: u64) -> Self {
        Self { not_before: later(now, self.condition.pause(self.failures), jitter), ..self.clone() }
    }

    /// After something that was begun at `began` failed. `None`: that is nothing new.
    pub fn failed(
        &self,
        condition: Condition,
        reason: &str,
        began: Timestamp,
        now: Timestamp,
        jitter: u64,
    ) -> Option<Self> {
        // Those that failed together count once, and what cannot be reached now is no reason to try a broken one sooner.
        let is_late = self.condition != Condition::Fine && began <= self.noted_at && self.noted_at <= now;
        let is_lesser = self.condition > condition && self.condition.is_shut();
        if (is_late && condition <= self.condition) || (is_lesser && began <= self.noted_at) {
            return None;
        }
        let goes_on = self.condition == condition;
        let is_recent = now.duration_since(self.not_before) < SignedDuration::from_mins(1);
        let failures = if goes_on && (condition.is_shut() || is_recent) { self.failures } else { 0 };
        let pace = self.pace(now);
        Some(Self {
            condition,
            reason: reason.to_owned(),
            since: if goes_on { self.since } else { now },
            noted_at: now,
            not_before: later(now, condition.pause(failures), jitter),
            failures: failures.saturating_add(1),
            pace: if condition == Condition::Throttled { (pace / 2).max(1) } else { pace },
            cap: self.cap,
        })
    }

    /// After a mail that was begun at `began` was taken. `None`: nothing changes.
    pub fn worked(&self, began: Timestamp, now: Timestamp) -> Option<Self> {
        let is_over = match self.condition {
            Condition::Fine => false,
            Condition::Throttled => self.pace(now) == 100,
            _ => began > self.noted_at || self.noted_at > now,
        };
        is_over.then(|| Self { pace: self.pace(now), cap: self.cap, ..Self::new(now) })
    }

    /// After the server closed a connection that had carried so many mails. `None`: that teaches nothing.
    pub fn closed_after(&self, carried: u32) -> Option<Self> {
        let cap = carried * 4 / 5;
        let is_news = carried >= CAP_NOTICED && self.cap.is_none_or(|known| cap < known);
        is_news.then(|| Self { cap: Some(cap), ..self.clone() })
    }
}

/// After a pause and up to a fifth more.
fn later(now: Timestamp, pause: SignedDuration, jitter: u64) -> Timestamp {
    let share = i32::try_from(jitter % 1000).unwrap_or(0);
    now.checked_add(pause + pause / 5 * share / 1000).unwrap_or(now)
}

/// What an answer says of the transport: none when it may go on as before.
pub fn trouble(word: Word, carried: u32) -> Option<Condition> {
    match word {
        Word::Fine | Word::PutOff | Word::PolicyRefused => None,
        // Many servers close after so many mails.
        Word::Reconnect if carried >= CAP_NOTICED => None,
        Word::Reconnect | Word::Backoff => Some(Condition::Unreachable),
        Word::SlowDown => Some(Condition::Throttled),
        Word::QuotaReached => Some(Condition::QuotaReached),
        Word::Broken => Some(Condition::Broken),
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
