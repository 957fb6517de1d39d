//! What needs a person: the first thing on the dashboard, and nothing when all is well.

use domain::{
    health::Condition,
    ids::{BroadcastId, IncidentId},
};
use jiff::{SignedDuration, Timestamp};
use leptos::prelude::*;

use super::subscribers::address;
use crate::{
    components::timestamp,
    islands::{Countdown, thousands},
};

/// How long before it is due a promised update needs attention.
const SOON: SignedDuration = SignedDuration::from_mins(10);
/// A broadcast of which more than one mail in this many failed needs attention.
const FAILING: i64 = 20;
/// More addresses than this that became unreachable within a day need attention …
const SUPPRESSED: i64 = 20;
/// … if they are more than one in this many of those who are told.
const SUPPRESSED_PART: i64 = 50;

/// One thing that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attention {
    /// An update was promised and is nearly due, or late.
    Promise {
        /// Of which incident.
        incident: IncidentId,
        /// What it is called.
        name: String,
        /// When it is due.
        at: Timestamp,
    },
    /// A person stopped all mail.
    Held {
        /// Since when.
        since: Timestamp,
    },
    /// A mail server takes nothing at the moment.
    Transport {
        /// Whether it is the second one, for alerts and confirmations.
        is_second: bool,
        /// What is the matter.
        condition: Condition,
        /// In its words.
        reason: String,
        /// Since when.
        since: Timestamp,
    },
    /// Mails wait for longer than promised.
    Late {
        /// Updates, or single letters such as confirmations.
        is_update: bool,
        /// Since when the oldest does.
        since: Timestamp,
    },
    /// Many addresses turned out not to take mail.
    Suppressions {
        /// How many within a day.
        count: i64,
    },
    /// A mail server said of somebody who runs the page that they take no mail.
    Unreached {
        /// Their address.
        email: String,
    },
    /// Nobody who runs the page has shown that mail reaches them.
    NobodyConfirmed,
    /// A broadcast waits for somebody to resume it.
    Paused {
        /// Which.
        broadcast: BroadcastId,
        /// What the incident is called.
        name: String,
        /// How many people wait for it.
        waiting: i64,
    },
    /// Many mails of a broadcast failed.
    Failing {
        /// Which.
        broadcast: BroadcastId,
        /// What the incident is called.
        name: String,
        /// How many failed.
        failed: i64,
        /// Of how many that have an outcome.
        done: i64,
    },
    /// Sign-ups come in numbers that are not people's.
    SignUps {
        /// Since when.
        since: Timestamp,
    },
    /// A program's key ends soon.
    Key {
        /// What it is for.
        name: String,
        /// When it ends.
        at: Timestamp,
    },
    /// Somebody may sign in by link only, for they never chose a password.
    NoPassword {
        /// How many.
        count: i64,
    },
}

impl Attention {
    /// What is promised of an incident, when that is nearly due or late.
    pub fn promised(incident: &domain::incident::Incident, now: Timestamp) -> Option<Self> {
        let at = incident.promised()?;
        let soon = now.checked_add(SOON).unwrap_or(now);
        (at <= soon).then(|| Self::Promise { incident: incident.id.clone(), name: incident.name.clone(), at })
    }

    /// Addresses that became unreachable within a day, when they are many for so many who are told.
    pub fn suppressions(count: i64, active: i64) -> Option<Self> {
        (count > SUPPRESSED && count * SUPPRESSED_PART > active).then_some(Self::Suppressions { count })
    }

    /// A broadcast that is paused, or of which more than one mail in twenty failed.
    pub fn broadcast(name: &str, progress: &domain::broadcast::Progress) -> Option<Self> {
        use domain::broadcast::BroadcastState;
        let (broadcast, name) = (progress.id.clone(), name.to_owned());
        let done = progress.sent + progress.failed;
        if progress.state == BroadcastState::Paused {
            return Some(Self::Paused { broadcast, name, waiting: progress.waiting });
        }
        (progress.failed * FAILING > done).then_some(Self::Failing { broadcast, name, failed: progress.failed, done })
    }
}

/// Draws the list; nothing when nothing needs anybody.
pub(super) fn attention(list: &[Attention], now: Timestamp) -> Option<impl IntoView + use<>> {
    let lines: Vec<_> = list.iter().map(|one| view! { <li>{line(one, now)}</li> }).collect();
    (!lines.is_empty()).then(|| {
        view! {
            <section class="attention" aria-labelledby="attention">
                <h2 id="attention">"Needs attention"</h2>
                <ul>{lines}</ul>
            </section>
        }
    })
}

fn line(one: &Attention, now: Timestamp) -> AnyView {
    match one {
        Attention::Promise { incident, name, at } => view! {
            <a href=format!("/admin/incidents/{incident}#post") dir="auto">{name.clone()}</a>
            <span>{if *at > now { ": the next update was promised by " } else { ": the next update was due " }}</span>
            {timestamp(*at, now)}
            <Countdown due=at.as_second() now=now.as_second()/>
        }
        .into_any(),
        Attention::Held { since } => view! {
            <a href="/admin/mail">"All mail is held"</a>
            <span>" since "</span>
            {timestamp(*since, now)}
            <span>": no updates, no confirmations, no alerts."</span>
        }
        .into_any(),
        Attention::Transport { is_second, condition, reason, since } => {
            let server = if *is_second { "The second mail server" } else { "The mail server" };
            view! {
                <a href="/admin/mail">{server}</a>
                <span dir="auto">{format!(": {} ({reason}), since ", condition.label().to_lowercase())}</span>
                {timestamp(*since, now)}
            }
            .into_any()
        }
        Attention::Late { is_update, since } => {
            let what = if *is_update { "An update" } else { "A confirmation or sign-in link" };
            let words =
                if *is_update { " has not reached everyone: published " } else { " was not sent yet: waiting since " };
            view! {
                <a href="/admin/mail">{what}</a>
                <span>{words}</span>
                {timestamp(*since, now)}
            }
            .into_any()
        }
        Attention::Suppressions { count } => view! {
            <a href="/admin/suppressions">{format!("{} addresses", thousands(*count))}</a>
            <span>" turned out not to take mail within a day. Is the list in good order?"</span>
        }
        .into_any(),
        Attention::Unreached { email } => view! {
            <a href=address("/admin/suppressions", &[("q", email.to_lowercase())]) dir="auto">{email.clone()}</a>
            <span>": a mail server said that this address takes no mail. Alerts are tried all the same; do they arrive?"</span>
        }
        .into_any(),
        Attention::NobodyConfirmed => view! {
            <a href="/admin/account">"Confirm your address"</a>
            <span>": nobody who runs this page has shown that alerts reach them."</span>
        }
        .into_any(),
        Attention::Paused { broadcast, name, waiting } => view! {
            <a href=format!("/admin/broadcasts/{broadcast}") dir="auto">{format!("The mails of {name}")}</a>
            <span>{format!(" are paused; {} wait.", crate::islands::people(*waiting))}</span>
        }
        .into_any(),
        Attention::Failing { broadcast, name, failed, done } => view! {
            <a href=format!("/admin/broadcasts/{broadcast}") dir="auto">{format!("The mails of {name}")}</a>
            <span>{format!(": {} of {} failed.", thousands(*failed), thousands(*done))}</span>
        }
        .into_any(),
        Attention::SignUps { since } => view! {
            <a href="/admin/mail#sign-ups">"Sign-ups are checked"</a>
            <span>" since "</span>
            {timestamp(*since, now)}
            <span>": far more than usual come, or many confirmations did not arrive."</span>
        }
        .into_any(),
        Attention::Key { name, at } => view! {
            <a href="/admin/keys" dir="auto">{format!("The key “{name}”")}</a>
            <span>" ends "</span>
            {timestamp(*at, now)}
        }
        .into_any(),
        Attention::NoPassword { count } => {
            let words = match count {
                1 => "One person who may sign in never chose a password.".to_owned(),
                count => format!("{count} people who may sign in never chose a password."),
            };
            view! { <span>{words}</span> }.into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::broadcast::{BroadcastState, Progress};

    use super::*;

    fn progress(state: BroadcastState, sent: i64, failed: i64) -> Progress {
        let at: Timestamp = "2026-02-05T13:52:00Z".parse().unwrap();
        Progress {
            id: BroadcastId::from_random(1),
            state,
            reason: String::new(),
            total: 100,
            sent,
            waiting: 100 - sent - failed,
            failed,
            skipped: 0,
            expired: 0,
            uncertain: 0,
            created_at: at,
            finished_at: None,
            eta: None,
        }
    }

    #[test]
    fn only_many_lost_addresses_for_so_many_readers_need_someone() {
        assert_eq!(Attention::suppressions(20, 100), None);
        assert_eq!(Attention::suppressions(21, 1_050), None);
        assert_eq!(Attention::suppressions(21, 1_049), Some(Attention::Suppressions { count: 21 }));
    }

    #[test]
    fn a_broadcast_needs_someone_when_it_is_paused_or_fails_often() {
        assert_eq!(Attention::broadcast("API", &progress(BroadcastState::Sending, 19, 1)), None);
        assert_eq!(Attention::broadcast("API", &progress(BroadcastState::Done, 0, 0)), None);
        let failing = Attention::broadcast("API", &progress(BroadcastState::Done, 18, 1));
        assert!(matches!(failing, Some(Attention::Failing { failed: 1, done: 19, .. })));
        let paused = Attention::broadcast("API", &progress(BroadcastState::Paused, 19, 1));
        assert!(matches!(paused, Some(Attention::Paused { waiting: 80, .. })));
    }
}
