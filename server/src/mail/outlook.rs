//! When mails will be out and what holds them up, for those who publish and those who watch.

use app::islands::thousands;
use domain::{
    broadcast::{BroadcastState, Progress},
    forecast::{Forecast, Usage, forecast},
    quota::{Quota, Used},
    rate::{Rate, Share},
    time,
};
use jiff::{SignedDuration, Timestamp};

use super::tokens::TRANSPORT;
use crate::{
    error::Result,
    state::AppState,
    store::{broadcast_states::INCIDENT_LIFETIME, broadcasts::Broadcast},
};

/// What rate and quota say at one moment.
#[derive(Clone, Debug)]
pub struct Outlook {
    now: Timestamp,
    rate: Rate,
    quota: Option<(Quota, Vec<Usage>)>,
    /// How many mails wait already, in all lanes.
    queued: u64,
}

impl Outlook {
    /// Reads it.
    pub async fn read(state: &AppState) -> Result<Self> {
        let now = state.clock.now();
        let config = state.config();
        let quota = match config.mail_quota {
            Some(quota) => Some((quota, state.store.mail_usage(TRANSPORT, quota.since(now)).await?)),
            None => None,
        };
        let queued: i64 = state.store.queue_counts().await?.iter().map(|lane| lane.waiting).sum();
        Ok(Self { now, rate: Share::Bulk.of(config.mail_rate), quota, queued: u64::try_from(queued).unwrap_or(0) })
    }

    fn forecast(&self, mails: u64, deadline: Timestamp) -> Forecast {
        let quota = self.quota.as_ref().map(|(quota, usage)| (*quota, usage.as_slice()));
        forecast(mails, self.rate, quota, self.now, deadline)
    }

    /// How many mails broadcasts may still use of the quota now, if there is one.
    fn left(&self) -> Option<u64> {
        let (quota, usage) = self.quota.as_ref()?;
        let all = usage.iter().map(|usage| usage.mails).sum();
        Some(quota.left(Used { all, account: 0 }, Share::Bulk))
    }

    /// When so many more people will have an update that is published now, and what makes some of them wait:
    /// `about 13:57 UTC · 41,000 mails left in 24 hours`.
    pub fn finish(&self, recipients: i64) -> String {
        let recipients = u64::try_from(recipients).unwrap_or(0);
        let deadline = self.now.checked_add(INCIDENT_LIFETIME).unwrap_or(self.now);
        // What waits already goes first.
        let found = self.forecast(recipients.saturating_add(self.queued), deadline);
        let new = |mails: u64| count(mails.saturating_sub(self.queued).min(recipients));
        let clock = |at| time::short(at, self.now);
        match (found.finish, found.waits_until, &self.quota) {
            (None, _, quota) => {
                let why = if quota.is_some() { "the mail quota holds" } else { "the rate holds" };
                let in_time = new(found.in_time);
                format!("by {} for {in_time} of them only: {why} up the others until it is too late", clock(deadline))
            }
            (Some(finish), Some(until), _) => {
                let waiting = count((recipients + self.queued).saturating_sub(found.at_once).min(recipients));
                format!("about {} · {waiting} of them wait for the mail quota until {}", clock(finish), clock(until))
            }
            (Some(finish), None, Some((quota, _))) => {
                let left = count(self.left().unwrap_or(0));
                format!("about {} · {left} mails left {}", clock(finish), quota.window_words())
            }
            (Some(finish), None, None) => format!("about {}", clock(finish)),
        }
    }

    /// How far a broadcast has come, when it will be done, and what it waits for.
    pub fn progress(&self, broadcast: &Broadcast) -> Progress {
        let progress = broadcast.progress(self.rate, self.now);
        if !matches!(progress.state, BroadcastState::Queued | BroadcastState::Sending) {
            return progress;
        }
        let mails = u64::try_from(broadcast.waiting()).unwrap_or(0);
        let found = self.forecast(mails, broadcast.expires_at);
        let reason = match found.waits_until {
            _ if self.left() != Some(0) || mails == 0 => progress.reason,
            Some(until) => format!("waits for the mail quota until {}", time::short(until, self.now)),
            None => "the mail quota is used up".to_owned(),
        };
        // At an unlimited rate nobody knows.
        let eta =
            found.finish.filter(|at| !self.rate.is_unlimited() || at.duration_since(self.now) > SignedDuration::ZERO);
        Progress { eta, reason, ..progress }
    }
}

fn count(mails: u64) -> String {
    thousands(i64::try_from(mails).unwrap_or(i64::MAX))
}
