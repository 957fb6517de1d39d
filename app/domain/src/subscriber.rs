//! Subscribers: people who asked to be told, and proved that the address is theirs.
//!
//! ```text
//! asked → pending ─(confirmed by the link)→ active ─(one click)→ unsubscribed
//!            ▲_____________________________________________________│ asks again
//! ```

use std::{collections::BTreeSet, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ComponentId, IncidentId},
    status::{UnknownStatus, words},
};

words! {
    /// Whether someone is told.
    SubscriberState {
        /// Asked, has not followed the link yet. Is sent nothing else.
        Pending = "pending", "Waiting for confirmation";
        /// Is told.
        Active = "active", "Subscribed";
        /// Left. Is sent nothing.
        Unsubscribed = "unsubscribed", "Unsubscribed";
    }
}

/// Which subscribers are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriberFilter {
    /// Part of their address, in lower case; empty for any.
    pub text: String,
    /// Whether they are told.
    pub state: Option<SubscriberState>,
    /// What they follow.
    pub follows: Followed,
}

/// What the subscribers who are meant follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Followed {
    /// Whatever it is.
    #[default]
    Anything,
    /// Everything.
    Everything,
    /// This component, chosen by itself.
    Component(ComponentId),
}

words! {
    /// Where a list on its way in stands.
    ListState {
        /// It is still arriving.
        Uploading = "uploading", "Arriving";
        /// It is looked through; nothing is changed.
        Checking = "checking", "Being looked through";
        /// It waits for someone to say yes.
        Ready = "ready", "Ready";
        /// It is on its way in.
        Importing = "importing", "Being imported";
        /// It is in.
        Done = "done", "Imported";
    }
}

/// What becomes of the lines of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListCounts {
    /// New people.
    pub created: u64,
    /// Known people who follow more than before, or need not confirm any more.
    pub updated: u64,
    /// Nothing to do.
    pub unchanged: u64,
    /// Left before, and stay away.
    pub left: u64,
    /// Cannot be taken; why is said line by line.
    pub refused: u64,
}

/// A line that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// Its number, from one.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// How it is known that someone wants mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// It is not: they are asked.
    Ask,
    /// Whoever adds them says how.
    Stated(String),
}

/// An address that must not be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// In its canonical form.
    pub email: String,
    /// Why.
    pub reason: String,
    /// When that was last found.
    pub created_at: Timestamp,
    /// Until when; `None` for good.
    pub expires_at: Option<Timestamp>,
}

/// What someone wants to hear of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follows {
    /// Every incident, whatever it touches.
    pub everything: bool,
    /// Incidents that touch one of these.
    pub components: BTreeSet<ComponentId>,
    /// These incidents only.
    pub incidents: BTreeSet<IncidentId>,
}

impl Follows {
    /// Everything.
    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Whether there is nothing left that would be sent.
    pub fn is_empty(&self) -> bool {
        !self.everything && self.components.is_empty() && self.incidents.is_empty()
    }

    /// Adds what someone asks for to what they have: asking twice never takes anything away.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.everything |= more.everything;
        self.components.extend(more.components);
        self.incidents.extend(more.incidents);
        self
    }
}
