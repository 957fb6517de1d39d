//! A delivery: one message to one recipient, and what becomes of it.
//!
//! ```text
//! a session talks ──▶ Outcome ──▶ meaning() ──▶ what it says of the recipient and of the transport
//!                        │
//!                        └──────▶ after() ────▶ done · try again at · give up because
//! ```

mod answer;
mod meaning;
mod retry;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::{
    answer::{Answer, Outcome, Stage},
    meaning::{Meaning, Recipient, Transport, meaning},
    retry::{Attempt, FULL_MAILBOX_INCIDENTS, FULL_MAILBOX_REST, FULL_MAILBOX_WINDOW, Next, after},
};
use crate::status::{UnknownStatus, words};

words! {
    /// Where one message stands. Stored state may lag behind what happened, never lead it.
    DeliveryState {
        /// To be sent when it is due.
        Waiting = "waiting", "Waiting";
        /// A node is sending it.
        Leased = "leased", "Being sent";
        /// The server took it: `250` after the final dot.
        Sent = "sent", "Sent";
        /// The server refused it for good.
        Failed = "failed", "Failed";
        /// No longer wanted when its turn came.
        Skipped = "skipped", "Skipped";
        /// Too old to be worth sending.
        Expired = "expired", "Expired";
        /// The connection broke after the dot: the server may have it.
        Uncertain = "uncertain", "Uncertain";
    }
}
