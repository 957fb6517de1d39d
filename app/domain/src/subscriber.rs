//! Subscribers: people who asked to be told, and proved that the address is theirs.
//!
//! ```text
//! asked → pending ─(confirmed by the link)→ active ─(one click)→ unsubscribed
//!            ▲_____________________________________________________│ asks again
//! ```

use std::{collections::BTreeSet, str::FromStr};

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
