//! What a person can do. One function an act: check, then one transaction that writes the rows, the audit, the
//! broadcast and the page version.

pub mod accounts;
pub mod bounces;
pub mod broadcasts;
pub mod components;
pub mod drafts;
pub mod incidents;
pub mod keys;
pub mod mail;
pub mod postmortems;
pub mod preview;
pub mod settings;
pub mod sign_ups;
pub mod subscriber_lists;
pub mod subscribers;
pub mod subscriptions;
pub mod templates;
pub mod updates;

use domain::ids::UserId;
use jiff::Timestamp;

use crate::{
    error::{Error, Result},
    http::auth::{Actor, By, Caller},
    store::{Write, audit::AuditEntry},
};

/// Notes in the audit log who did what to what; a request that has a name acts no second time. Once an act.
async fn note(
    write: &mut Write,
    actor: &Actor,
    action: &'static str,
    subject: impl ToString,
    detail: impl ToString,
    now: Timestamp,
) -> Result<()> {
    let subject = subject.to_string();
    record(write, actor, action, &subject, detail, now).await?;
    claim(write, actor, &subject, now).await
}

/// Keeps a program's named request from acting again: see `store/repetitions.rs`.
///
/// # Errors
/// [`Error::Repeated`] when it has acted before, also at this very moment.
async fn claim(write: &mut Write, actor: &Actor, subject: &str, now: Timestamp) -> Result<()> {
    let By::Key(Caller { key, request: Some(request) }) = &actor.by else { return Ok(()) };
    let is_first = write.claim_repetition(&key.id, &request.name, &request.hash, subject, now).await?;
    if is_first { Ok(()) } else { Err(Error::Repeated) }
}

/// As [`note`], for an act that claims its request under another name.
async fn record(
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
