//! What a person can do. One function an act: check, then one transaction that writes the rows, the audit, the
//! broadcast and the page version.

pub mod accounts;
pub mod broadcasts;
pub mod components;
pub mod drafts;
pub mod incidents;
pub mod keys;
pub mod preview;
pub mod settings;
pub mod subscriptions;
pub mod templates;
pub mod updates;

use domain::ids::UserId;
use jiff::Timestamp;

use crate::{
    error::Result,
    http::auth::Actor,
    store::{Write, audit::AuditEntry},
};

/// Notes in the audit log who did what to what.
async fn note(
    write: &mut Write,
    actor: &Actor,
    action: &'static str,
    subject: impl ToString,
    detail: impl ToString,
    now: Timestamp,
) -> Result<()> {
    let entry = AuditEntry {
        actor: actor.name(),
        action,
        subject: subject.to_string(),
        detail: detail.to_string(),
        address: actor.address.clone(),
    };
    Ok(write.audit(&entry, now).await?)
}

/// As [`note`], for what nobody signed in for: a subscriber's act, or one on the command line.
async fn note_as(
    write: &mut Write,
    actor: &str,
    action: &'static str,
    subject: impl ToString,
    address: &str,
    now: Timestamp,
) -> Result<()> {
    let entry = AuditEntry {
        actor: actor.to_owned(),
        action,
        subject: subject.to_string(),
        detail: String::new(),
        address: address.to_owned(),
    };
    Ok(write.audit(&entry, now).await?)
}

/// 64 random bits, for a new id.
pub(crate) fn random() -> u64 {
    rand::random()
}

/// A new user's id.
fn new_user() -> UserId {
    UserId::from_random(random())
}
