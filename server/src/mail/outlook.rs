//! When mails will be out and what holds them up, for those who publish and those who watch.

use app::{
    islands::thousands,
    pages::admin::mail::{QuotaView, TransportView},
};
use domain::{
    broadcast::{BroadcastState, Lane, MOST_CLAIMED, Progress, lane, lifetime, mails_until},
    forecast::{Forecast, Usage, forecast},
    health::{Condition, Health, Permission},
    ids::DeliveryId,
    quota::{Quota, Used},
    rate::{Rate, Share},
    time,
};
use jiff::{SignedDuration, Timestamp};

use super::{
    route::{ALERT, MAIN, test_setting},
    transport::Transport,
};
use crate::{
    config::{Limits, Origin},
    error::Result,
    state::AppState,
    store::broadcasts::Broadcast,
};

/// What rate, quota and the mail server's own speed say at one moment.
#[derive(Clone, Debug)]
pub struct Outlook {
    now: Timestamp,
    /// What may leave, and once a tenth of a broadcast is out no more than what does.
    rate: Rate,
    quota: Option<(Quota, Vec<Usage>)>,
    /// The broadcasts that go on.
    open: Vec<Broadcast>,
    health: Health,
    is_held: bool,
}

impl Outlook {
    /// Reads it.
    pub async fn read(state: &AppState) -> Result<Self> {
        let now = state.clock.now();
        let config = state.config();
        let quota = match config.mail_limits.quota.value {
            Some(quota) => Some((quota, state.store.mail_usage(MAIN, quota.since(now)).await?)),
            None => None,
        };
        let health = state.store.transport(MAIN).await?.unwrap_or_else(|| Health::new(now));
        let is_held = state.store.mail_held_since().await?.is_some();
        let allowed = Share::Bulk.of(health.paced(config.mail_limits.rate.value, now));
        let mut open = state.store.open_broadcasts().await?;
        open.retain(|broadcast| broadcast.state != BroadcastState::Paused);
        let is_well_under_way = |broadcast: &Broadcast| broadcast.mailed() * 10 >= broadcast.total.max(1);
        let measured = if open.iter().any(is_well_under_way) { state.store.mail_speed().await? } else { None };
        let rate = measured.map_or(allowed, |measured| allowed.at_most(measured));
        Ok(Self { now, rate, quota, open, health, is_held })
    }

    /// How many mails leave before and among `own` of a broadcast in this lane, published at `at`.
    fn mails_until(&self, lane: Lane, own: u64, at: (Timestamp, &str)) -> u64 {
        let waiting = |is_meant: &dyn Fn(&Broadcast) -> bool| {
            let meant = self.open.iter().filter(|broadcast| is_meant(broadcast));
            meant.map(|broadcast| u64::try_from(broadcast.waiting()).unwrap_or(0)).sum()
        };
        let before = |other: &Broadcast| other.lane == lane && (other.created_at, other.id.as_str()) < at;
        mails_until(lane, own, waiting(&before), waiting(&|other| other.lane != lane))
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

    /// When so many more people will have what is published now, and what makes some of them wait:
    /// `about 13:57 UTC · 41,000 mails left in 24 hours`.
    pub fn finish(&self, kind: &str, recipients: i64) -> String {
        let recipients = u64::try_from(recipients).unwrap_or(0);
        let deadline = self.now.checked_add(lifetime(kind)).unwrap_or(self.now);
        // What waits already goes first.
        let all = self.mails_until(lane(kind), recipients, (Timestamp::MAX, ""));
        let found = self.forecast(all, deadline);
        let new = |mails: u64| count((mails + recipients).saturating_sub(all).min(recipients));
        let clock = |at| time::short(at, self.now);
        match (found.finish, found.waits_until, &self.quota) {
            (None, _, quota) => {
                let why = if quota.is_some() { "the mail quota holds" } else { "the rate holds" };
                let in_time = new(found.in_time);
                format!("by {} for {in_time} of them only: {why} up the others until it is too late", clock(deadline))
            }
            (Some(finish), Some(until), _) => {
                let waiting = count(all.saturating_sub(found.at_once).min(recipients));
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
        if let Some(reason) = self.standstill() {
            return Progress { eta: None, reason, ..progress };
        }
        let mails = u64::try_from(broadcast.waiting()).unwrap_or(0);
        let all = self.mails_until(broadcast.lane, mails, (broadcast.created_at, broadcast.id.as_str()));
        let found = self.forecast(all, broadcast.expires_at);
        let reason = match found.waits_until {
            _ if broadcast.claimed() >= MOST_CLAIMED => {
                let claimed = thousands(broadcast.claimed());
                format!("the servers of {claimed} people told us to come again later; the others follow")
            }
            _ if self.health.pace(self.now) < 100 && self.left() != Some(0) => {
                format!("slowed down to {} % because the mail server asked for it", self.health.pace(self.now))
            }
            _ if self.left() != Some(0) || mails == 0 => progress.reason,
            Some(until) => format!("waits for the mail quota until {}", time::short(until, self.now)),
            None => "the mail quota is used up".to_owned(),
        };
        // At an unlimited rate nobody knows before it was measured.
        let eta =
            found.finish.filter(|at| !self.rate.is_unlimited() || at.duration_since(self.now) > SignedDuration::ZERO);
        Progress { eta, reason, ..progress }
    }

    /// Why nothing is sent at all, if so.
    fn standstill(&self) -> Option<String> {
        if self.is_held {
            return Some("all mail is held".to_owned());
        }
        let what = match self.health.condition {
            Condition::Fine => return None,
            Condition::Throttled => "the mail server asked us to slow down",
            Condition::PuttingOff => "the mail server puts everyone off until later",
            Condition::Unreachable => "the mail server cannot be reached",
            Condition::QuotaReached => "the mail server says that the quota is used up",
            Condition::Refused => "the mail server refuses much of our mail",
            Condition::Broken => "the mail server refuses our credentials or settings",
        };
        match self.health.permission(self.now) {
            Permission::Freely => None,
            Permission::Once => Some(format!("{what} ({}); it is tried now", self.health.reason)),
            Permission::NotBefore(at) => {
                Some(format!("{what} ({}); next try {}", self.health.reason, time::short(at, self.now)))
            }
        }
    }

    /// The same for whoever is about to publish: `nothing goes out until mail is released: all mail is held`.
    pub fn held(&self) -> Option<String> {
        let why = self.standstill()?;
        let until = if self.is_held { "until mail is released" } else { "for now" };
        Some(format!("nothing goes out {until}: {why}"))
    }

    /// The ways out and their limits, for the console.
    pub async fn transports(&self, state: &AppState) -> Result<Vec<TransportView>> {
        let config = state.config();
        let mut views = vec![self.view(state, MAIN, config.smtp.as_ref(), &config.mail_limits).await?];
        if let Some(second) = &config.smtp_alert {
            views.push(self.view(state, ALERT, Some(second), &config.alert_limits).await?);
        }
        Ok(views)
    }

    async fn view(
        &self,
        state: &AppState,
        name: &'static str,
        transport: Option<&Transport>,
        limits: &Limits,
    ) -> Result<TransportView> {
        let health = match name {
            MAIN => self.health.clone(),
            _ => state.store.transport(name).await?.unwrap_or_else(|| Health::new(self.now)),
        };
        let next_try = match health.permission(self.now) {
            Permission::Freely => None,
            Permission::Once => Some(self.now),
            Permission::NotBefore(at) => Some(at),
        };
        // What has recovered by itself is fine.
        let pace = health.pace(self.now);
        let has_recovered = health.condition == Condition::Throttled && pace == 100 && next_try.is_none();
        let test = match state.store.setting(&test_setting(name)).await? {
            Some(id) => state.store.delivery_outcome(&DeliveryId::from_stored(id)).await?,
            None => None,
        };
        Ok(TransportView {
            name,
            address: transport.map(ToString::to_string).unwrap_or_default(),
            condition: if has_recovered { Condition::Fine } else { health.condition },
            reason: health.reason,
            since: health.since,
            next_try,
            pace,
            rate: limits.rate.value.in_words(),
            rate_from: from(limits.rate.origin),
            bulk_rate: Share::Bulk.of(limits.rate.value).in_words(),
            connections: limits.connections.value,
            connections_from: from(limits.connections.origin),
            cap: health.cap,
            quota: self.quota_view(state, name, limits).await?,
            quota_from: from(limits.quota.origin),
            signer: state.config().dkim.as_ref().map(|dkim| (dkim.domain().to_owned(), dkim.to_string())),
            provider: limits.provider,
            test: test.map(|test| (test.state, test.reason, test.at)),
        })
    }

    async fn quota_view(&self, state: &AppState, name: &str, limits: &Limits) -> Result<Option<QuotaView>> {
        let Some(quota) = limits.quota.value else { return Ok(None) };
        let usage = state.store.mail_usage(name, quota.since(self.now)).await?;
        let used = usage.iter().map(|usage| usage.mails).sum();
        let share = if name == MAIN { Share::Bulk } else { Share::All };
        let number = |mails: u64| i64::try_from(mails).unwrap_or(i64::MAX);
        Ok(Some(QuotaView {
            mails: number(quota.mails()),
            used: number(used),
            left: number(quota.left(Used { all: used, account: 0 }, share)),
            window: quota.window_words(),
        }))
    }
}

/// Who says that a limit is this.
fn from(origin: Origin) -> &'static str {
    match origin {
        Origin::Set => "as set",
        Origin::Provider(_) => "as its provider documents",
        Origin::Default => "by default",
    }
}

fn count(mails: u64) -> String {
    thousands(i64::try_from(mails).unwrap_or(i64::MAX))
}
