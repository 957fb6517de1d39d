//! Identities, as they stand in addresses, feeds and the public API.
//!
//! Statuspage's form: twelve lower-case base-36 characters. Randomness is passed in, so this crate stays pure.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How many characters an id has.
const LENGTH: usize = 12;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The text is not an id: it needs twelve characters of `0-9a-z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has twelve characters, digits and lower-case letters")]
pub struct InvalidId;

fn encode(mut random: u64) -> String {
    let mut text = [0_u8; LENGTH];
    for place in &mut text {
        // The remainder is below 36, so the cast loses nothing.
        *place = DIGITS[usize::try_from(random % 36).unwrap_or_default()];
        random /= 36;
    }
    text.iter().map(|byte| char::from(*byte)).collect()
}

fn check(text: &str) -> Result<(), InvalidId> {
    if text.len() == LENGTH && text.bytes().all(|byte| DIGITS.contains(&byte)) { Ok(()) } else { Err(InvalidId) }
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new id from 64 random bits.
            pub fn from_random(random: u64) -> Self {
                Self(encode(random))
            }

            /// The twelve characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

text_id! {
    /// The page itself, as the public API names it.
    PageId
    /// A component.
    ComponentId
    /// A group of components.
    GroupId
    /// An incident.
    IncidentId
    /// One update of an incident.
    UpdateId
    /// A person who may sign in to the console.
    UserId
    /// One published thing on its way to many.
    BroadcastId
    /// What a program may act with.
    KeyId
    /// Prepared words.
    TemplateId
    /// A follow-up action of a postmortem.
    FollowUpId
}

/// A subscriber: a number that only grows, so that the highest one at publish fixes a broadcast's audience
/// and a cursor can walk the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubscriberId(pub i64);

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One message to one recipient.
///
/// Derived, not drawn: the same broadcast and subscriber always give the same id, hence the same Message-ID,
/// even when the row was lost in a crash and made again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(String);

impl DeliveryId {
    /// The message of a broadcast to one of its subscribers.
    pub fn of_broadcast(broadcast: &BroadcastId, subscriber: SubscriberId) -> Self {
        Self(format!("{broadcast}.{subscriber}"))
    }

    /// What it was made of: the broadcast's id and the subscriber's number. Empty and 0 for a letter, and for what is no id.
    pub fn parts(&self) -> (&str, i64) {
        let parts = self.0.split_once('.').and_then(|(broadcast, number)| Some((broadcast, number.parse().ok()?)));
        parts.unwrap_or_default()
    }

    /// A single letter, from 64 random bits.
    pub fn from_random(random: u64) -> Self {
        Self(encode(random))
    }

    /// An id read back from the store.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// As it stands in the Message-ID, left of the `@`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_random_number_gives_a_valid_id(random: u64) {
            let id = IncidentId::from_random(random);
            prop_assert_eq!(id.as_str().parse::<IncidentId>(), Ok(id.clone()));
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in ["", "short", "UPPERCASE123", "twelve chars", "0123456789ab0", "../../passwd"] {
            assert_eq!(text.parse::<IncidentId>(), Err(InvalidId), "{text}");
        }
    }

    #[test]
    fn a_delivery_of_a_broadcast_always_has_the_same_id() {
        let broadcast = BroadcastId::from_random(7);
        let first = DeliveryId::of_broadcast(&broadcast, SubscriberId(12));
        assert_eq!(first, DeliveryId::of_broadcast(&broadcast, SubscriberId(12)));
        assert_ne!(first, DeliveryId::of_broadcast(&broadcast, SubscriberId(13)));
        assert_eq!(first.parts(), (broadcast.as_str(), 12));
        assert_eq!(DeliveryId::from_random(7).parts(), ("", 0));
        assert_eq!(DeliveryId::from_stored("someone.else's".into()).parts(), ("", 0));
    }
}
