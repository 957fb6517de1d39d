//! Taking in what mail services report of mails after they were sent.

use domain::{
    bounce::{Report, Verdict, verdict},
    token,
};
use serde::Serialize;

use super::{note_as, subscriptions};
use crate::{error::Result, state::AppState, store::Write};

/// What became of reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// They were new.
    pub accepted: u64,
    /// They had come before, and did nothing.
    pub repeated: u64,
    /// They are about nobody we know, and did nothing.
    pub unknown: u64,
}

/// Takes reports in, each in a transaction of its own; what is reported twice acts once. `source` is the service,
/// `address` where it sent from.
pub async fn take(state: &AppState, source: &'static str, address: &str, reports: &[Report]) -> Result<Tally> {
    let mut tally = Tally::default();
    for report in reports {
        let outcome = match take_one(state, source, address, report).await? {
            Outcome::Accepted(verdict) => {
                tally.accepted += 1;
                verdict.as_str()
            }
            Outcome::Repeated => {
                tally.repeated += 1;
                "repeated"
            }
            Outcome::Unknown => {
                tally.unknown += 1;
                "unknown"
            }
        };
        let kind = report.kind.as_str();
        metrics::counter!("tidings_bounces_total", "source" => source, "kind" => kind, "outcome" => outcome)
            .increment(1);
    }
    Ok(tally)
}

/// What becomes of a report.
enum Outcome {
    /// It is new, and this follows.
    Accepted(Verdict),
    /// It came before.
    Repeated,
    /// It is about nobody we know.
    Unknown,
}

async fn take_one(state: &AppState, source: &'static str, address: &str, report: &Report) -> Result<Outcome> {
    let now = state.clock.now();
    let email = report.recipient.canonical();
    let mut write = state.store.write().await?;
    let about = match delivery_id(report) {
        Some(id) => write.delivery_to(id, &email).await?,
        None => None,
    };
    let about = match about {
        Some(about) => Some(about),
        // The service gave the mail another Message-ID, or did not pass ours on.
        None => write.last_delivery_to(&email, report.sent_by).await?,
    };
    let mut subscriber = write.subscriber_by_email(&report.recipient).await?;
    if about.is_none() && subscriber.is_none() {
        return Ok(Outcome::Unknown);
    }
    // Whoever has followed a link since has shown that mail arrives and is wanted.
    let is_outdated = subscriber.as_ref().is_some_and(|it| it.confirmed_at.is_some_and(|at| at > report.at));
    let verdict = if is_outdated { Verdict::Noted } else { verdict(report) };
    // What services call their reports is theirs; it may hold an address.
    let id = token::hash(&format!("{source} {}", report.id));
    if !write.insert_bounce(&id, report, verdict, about.as_ref(), now).await? {
        return Ok(Outcome::Repeated);
    }
    match verdict {
        Verdict::Suppressed => suppress(&mut write, &email, "a mail came back", report, state).await?,
        Verdict::Left => {
            suppress(&mut write, &email, "they called a mail spam", report, state).await?;
            if let Some(subscriber) = &mut subscriber
                && subscriptions::end(&mut write, subscriber, now).await?
            {
                let actor = format!("subscriber:{}", subscriber.id);
                note_as(&mut write, &actor, "subscriber.complain", subscriber.id, address, now).await?;
            }
        }
        Verdict::Noted | Verdict::AboutUs => {}
    }
    write.commit().await?;
    Ok(Outcome::Accepted(verdict))
}

async fn suppress(write: &mut Write, email: &str, why: &str, report: &Report, state: &AppState) -> Result<()> {
    let words = if report.diagnostic.is_empty() { String::new() } else { format!(": {}", report.diagnostic) };
    Ok(write.suppress(email, &format!("{why}{words}"), None, state.clock.now()).await?)
}

/// The delivery in `<DELIVERY@domain>`, which is how we name our mails.
fn delivery_id(report: &Report) -> Option<&str> {
    let message_id = report.message_id.as_deref()?.trim();
    let message_id = message_id.strip_prefix('<').unwrap_or(message_id);
    message_id.rsplit_once('@').map(|(id, _)| id)
}
