//! A broadcast's progress as a browser needs it, and the words for it.

use domain::broadcast::{BroadcastState, Progress};
use serde::{Deserialize, Serialize};

use super::words::thousands;

/// The JSON of a [`Progress`] with its times left as text: reading them would make every browser download a calendar,
/// a quarter of all that the console sends it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Glance {
    id: String,
    pub(super) state: BroadcastState,
    reason: String,
    total: i64,
    sent: i64,
    waiting: i64,
    failed: i64,
    skipped: i64,
    expired: i64,
    uncertain: i64,
    finished_at: Option<String>,
    eta: Option<String>,
}

impl Glance {
    /// What a page says at first.
    pub fn of(progress: &Progress) -> Self {
        Self {
            id: progress.id.to_string(),
            state: progress.state,
            reason: progress.reason.clone(),
            total: progress.total,
            sent: progress.sent,
            waiting: progress.waiting,
            failed: progress.failed,
            skipped: progress.skipped,
            expired: progress.expired,
            uncertain: progress.uncertain,
            finished_at: progress.finished_at.map(|at| at.to_string()),
            eta: progress.eta.map(|at| at.to_string()),
        }
    }

    /// Where the newest figures are.
    pub(super) fn address(&self) -> String {
        format!("/admin/broadcasts/{}/progress", self.id)
    }

    /// How much is dealt with, of how much; nothing at all counts as everything.
    pub(super) fn share(&self) -> (i64, i64) {
        if self.total > 0 { (self.total - self.waiting, self.total) } else { (1, 1) }
    }

    /// `412 of 1,000 sent · 588 waiting · 0 failed`, and whatever else happened to any.
    pub(super) fn counts(&self) -> String {
        let of = format!("{} of {} sent", thousands(self.sent), thousands(self.total));
        let common = [(self.waiting, "waiting"), (self.failed, "failed")];
        let rare = [(self.skipped, "left meanwhile"), (self.expired, "too late"), (self.uncertain, "sent perhaps")];
        let rest = common.into_iter().chain(rare.into_iter().filter(|(count, _)| *count > 0));
        let rest = rest.map(|(count, word)| format!("{} {word}", thousands(count)));
        std::iter::once(of).chain(rest).collect::<Vec<_>>().join(" · ")
    }

    /// `Sending · done about 13:57 UTC · the provider asks us to slow down`
    pub(super) fn standing(&self) -> String {
        let time = match (&self.finished_at, &self.eta) {
            (Some(at), _) => clock(at),
            (None, Some(at)) if self.state != BroadcastState::Paused => format!("done about {}", clock(at)),
            _ => String::new(),
        };
        let parts = [self.state.label(), &time, &self.reason];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// What a reader's software hears: each quarter, not each mail.
    pub(super) fn announcement(&self) -> String {
        let state = self.state.label();
        if !self.state.is_open() {
            return format!("{state}: {} of {} sent", thousands(self.sent), thousands(self.total));
        }
        let (handled, total) = self.share();
        match handled * 4 / total {
            0 => format!("{state}: begun"),
            quarters => format!("{state}: {} % done", quarters * 25),
        }
    }
}

/// `13:57 UTC` of `2026-02-05T13:57:00Z`; anything else stays as it is.
fn clock(instant: &str) -> String {
    instant.get(11..16).map_or_else(|| instant.to_owned(), |clock| format!("{clock} UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        serde_json::from_str(
            r#"{"id": "0123456789ab", "state": "sending", "reason": "", "total": 1000, "sent": 410, "waiting": 588,
                "failed": 0, "skipped": 2, "expired": 0, "uncertain": 0, "created_at": "2026-02-05T13:52:00Z",
                "finished_at": null, "eta": "2026-02-05T13:57:30.25Z"}"#,
        )
        .unwrap()
    }

    #[test]
    fn what_the_server_answers_is_what_the_page_said_at_first() {
        let progress = progress();
        let answered: Glance = serde_json::from_str(&serde_json::to_string(&progress).unwrap()).unwrap();
        let drawn = Glance::of(&progress);
        assert_eq!((answered.counts(), answered.standing()), (drawn.counts(), drawn.standing()));
        assert_eq!(drawn.counts(), "410 of 1,000 sent · 588 waiting · 0 failed · 2 left meanwhile");
        assert_eq!(drawn.standing(), "Sending · done about 13:57 UTC");
        assert_eq!(drawn.announcement(), "Sending: 25 % done");
    }

    #[test]
    fn a_pause_promises_no_end_and_an_empty_audience_is_done() {
        let paused = Progress { state: BroadcastState::Paused, reason: "paused by Ada".into(), ..progress() };
        assert_eq!(Glance::of(&paused).standing(), "Paused · paused by Ada");
        assert_eq!(Glance::of(&Progress { total: 0, waiting: 0, ..progress() }).share(), (1, 1));
    }
}
