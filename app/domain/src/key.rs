//! API keys: what a program may do, and for how long.
//!
//! A key names its purpose, can do only what it was made for, and ends by itself: one that everybody has forgotten is
//! worth nothing after a year.

use std::{collections::BTreeSet, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ids::KeyId,
    status::{UnknownStatus, words},
};

/// The longest a key may live, in days.
pub const DAYS_MAX: i64 = 365;
/// So long before its end a key is worth a warning.
pub const WARNING: SignedDuration = SignedDuration::from_hours(14 * 24);
/// What every token begins with, so that scanners find one that lies about.
pub const PREFIX: &str = "tdg";
/// The last use is noted at most once in this time.
pub const USE_NOTED: SignedDuration = SignedDuration::from_mins(1);

words! {
    /// What a key may be used for.
    Scope {
        /// Read, add, change and delete components.
        Components = "components", "Components";
        /// Read and open incidents, post updates.
        Incidents = "incidents", "Incidents";
        /// Read, add and remove subscribers.
        Subscribers = "subscribers", "Subscribers";
        /// Read, hold and stop broadcasts.
        Broadcasts = "broadcasts", "Broadcasts";
    }
}

/// A key as it is known after it was made: without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Never changes.
    pub id: KeyId,
    /// What it is for, in the owner's words.
    pub name: String,
    /// What it may be used for; never empty.
    pub scopes: BTreeSet<Scope>,
    /// Who made it, as the audit log names them.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// How a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Works.
    Active,
    /// Works, and ends in so many days, counting the one that has begun.
    Ending(i64),
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

impl ApiKey {
    /// How it stands at an instant.
    pub fn state(&self, now: Timestamp) -> KeyState {
        let left = self.expires_at.duration_since(now);
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if left <= SignedDuration::ZERO {
            KeyState::Expired
        } else if left <= WARNING {
            KeyState::Ending((left.as_secs() + 86_399) / 86_400)
        } else {
            KeyState::Active
        }
    }

    /// Whether its token opens anything.
    pub fn is_good(&self, now: Timestamp) -> bool {
        matches!(self.state(now), KeyState::Active | KeyState::Ending(_))
    }

    /// Whether the present use is worth noting.
    pub fn is_use_news(&self, now: Timestamp) -> bool {
        self.last_used_at.is_none_or(|last| now.duration_since(last).abs() >= USE_NOTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hours * 3600).unwrap()
    }

    fn key() -> ApiKey {
        ApiKey {
            id: KeyId::from_random(1),
            name: "Monitor".into(),
            scopes: [Scope::Incidents].into(),
            created_by: "user:1".into(),
            created_at: at(0),
            expires_at: at(30 * 24),
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_warns_before_it_ends() {
        let key = key();
        assert_eq!(key.state(at(0)), KeyState::Active);
        assert_eq!(key.state(at(16 * 24)), KeyState::Ending(14));
        assert_eq!(key.state(at(29 * 24 + 1)), KeyState::Ending(1));
        assert_eq!(key.state(at(30 * 24)), KeyState::Expired);
        assert!(key.is_good(at(30 * 24 - 1)) && !key.is_good(at(30 * 24)));
    }

    #[test]
    fn a_revoked_key_is_worth_nothing() {
        let key = ApiKey { revoked_at: Some(at(1)), ..key() };
        assert_eq!(key.state(at(2)), KeyState::Revoked);
        assert!(!key.is_good(at(2)));
    }

    #[test]
    fn its_use_is_news_once_a_minute() {
        let key = ApiKey { last_used_at: Some(at(1)), ..key() };
        let after = |seconds| at(1).checked_add(SignedDuration::from_secs(seconds)).unwrap();
        assert!(!key.is_use_news(after(59)) && key.is_use_news(after(60)));
    }
}
