//! This node's share of rate and quota.
//!
//! ```text
//! store::mail_rates ── a slice, booked ──▶ Tokens ── one each ──▶ a mail ── sent ──▶ used up
//!                                            │ too old              └── not sent ─┐
//!        store::mail_usage ◀── given back ── Unsent ◀────────────────────────────┘
//! ```

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{
    health::Permission,
    quota::bucket,
    rate::{Grant, Share},
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{
    alerts::{self, Alarm},
    limits::in_time,
    route::Route,
};
use crate::store::{Result, Store, StoreError, mail_rates::Allowance};

/// Tokens that lay about for longer are thrown away.
const TOKEN_LIFETIME: Duration = Duration::from_millis(900);
/// The store is asked no more often; a little less than a slice lasts, so that a late question loses nothing.
const SLICE: Duration = Duration::from_millis(200);
/// The longest wait before the store is asked again when nothing may be sent.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// One mail's worth of the rate and of the quota.
#[derive(Debug)]
pub(super) struct Token {
    share: Share,
    /// When it was booked.
    at: Timestamp,
    /// It is for one mail that shows whether the transport works again.
    pub(super) is_try: bool,
}

/// Tokens that were booked and not used, to be given back to the quota.
#[derive(Debug)]
pub(super) struct Unsent {
    has_quota: bool,
    tokens: Mutex<HashMap<(Share, Timestamp), u64>>,
}

impl Unsent {
    pub(super) fn new(allowance: Allowance) -> Self {
        Self { has_quota: allowance.quota.is_some(), tokens: Mutex::default() }
    }

    /// Nothing was sent for this token.
    pub(super) fn add(&self, token: &Token) {
        self.add_many(token.share, token.at, 1);
    }

    fn add_many(&self, share: Share, at: Timestamp, mails: u64) {
        if self.has_quota && mails > 0 {
            let mut unsent = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            *unsent.entry((share, bucket(at))).or_insert(0) += mails;
        }
    }

    /// Gives all of them back. What cannot be written is kept for the next time.
    pub(super) async fn give_back(&self, store: &Store, transport: &str) -> Result<()> {
        let unsent = std::mem::take(&mut *self.tokens.lock().unwrap_or_else(PoisonError::into_inner));
        if unsent.is_empty() {
            return Ok(());
        }
        let given_back = async {
            let mut write = store.write().await?;
            for ((share, at), mails) in &unsent {
                write.give_back(transport, *share, *mails, *at).await?;
            }
            write.commit().await
        };
        let outcome = in_time(given_back).await;
        // Late ones may have been given back: rather book them twice than send more than is allowed.
        if matches!(outcome, Err(ref error) if !matches!(error, StoreError::Late)) {
            for ((share, at), mails) in unsent {
                self.add_many(share, at, mails);
            }
        }
        outcome
    }
}

/// This node's share of rate and quota: slices from the store, spent one by one. Owned by the selector.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    store: &'a Store,
    route: &'a Route,
    held: [Slice; 3],
}

#[derive(Clone, Copy, Debug)]
struct Slice {
    left: u64,
    is_try: bool,
    /// By the clock of quotas.
    booked_at: Timestamp,
    taken_at: Instant,
    /// Asking earlier is no use.
    ask_at: Instant,
}

const SHARES: [Share; 3] = [Share::All, Share::Account, Share::Bulk];

impl<'a> Tokens<'a> {
    pub(super) fn new(store: &'a Store, route: &'a Route) -> Self {
        let now = Instant::now();
        let none = Slice { left: 0, is_try: false, booked_at: Timestamp::UNIX_EPOCH, taken_at: now, ask_at: now };
        Self { store, route, held: [none; 3] }
    }

    fn slice(&mut self, share: Share) -> &mut Slice {
        &mut self.held[match share {
            Share::All => 0,
            Share::Account => 1,
            Share::Bulk => 2,
        }]
    }

    /// Makes sure that there is a token, or says when to ask again. For a test it is not waited until the next try is due.
    pub(super) async fn fill(
        &mut self,
        share: Share,
        is_test: bool,
        now: Timestamp,
    ) -> Result<std::result::Result<(), Instant>> {
        let slice = *self.slice(share);
        let is_fresh = slice.left > 0 && slice.taken_at.elapsed() < TOKEN_LIFETIME;
        if is_fresh && (slice.is_try || !self.route.is_shut(now)) {
            return Ok(Ok(()));
        }
        self.throw_away(share);
        self.throw_away_old();
        if slice.ask_at > Instant::now() {
            return Ok(Err(slice.ask_at));
        }
        self.route.unsent.give_back(self.store, self.route.name).await?;
        let (grant, is_try) = in_time(self.ask(share, is_test, now)).await?;
        let Grant { permits, wait, .. } = grant;
        let taken_at = Instant::now();
        let is_unlimited = self.route.allowance.rate.is_unlimited() && permits > 1;
        let wait = if is_unlimited { Duration::ZERO } else { pause_of(wait) };
        let slice = Slice { left: permits, is_try, booked_at: now, taken_at, ask_at: taken_at + wait };
        *self.slice(share) = slice;
        Ok(if permits == 0 { Err(slice.ask_at) } else { Ok(()) })
    }

    /// Asks the store, which knows how the transport fares, how fast and how much all nodes have sent, and whether mail is
    /// held; says also whether it is for one try.
    async fn ask(&self, share: Share, is_test: bool, now: Timestamp) -> Result<(Grant, bool)> {
        let Route { name, allowance, .. } = *self.route;
        let mut write = self.store.write().await?;
        let health = write.transport(name, now).await?;
        let none = |wait| Grant { permits: 0, next_at: 0, wait };
        let permission = match health.permission(now) {
            Permission::NotBefore(_) if is_test => Permission::Once,
            permission => permission,
        };
        let grant = match permission {
            _ if write.is_mail_held().await? => none(SignedDuration::ZERO),
            Permission::NotBefore(at) => none(at.duration_since(now)),
            Permission::Freely | Permission::Once => {
                let allowance = Allowance { rate: health.paced(allowance.rate, now), ..allowance };
                let most = if permission == Permission::Once { 1 } else { u64::MAX };
                write.take_permits(name, allowance, share, most, now).await?
            }
        };
        let is_try = permission == Permission::Once && grant.permits > 0;
        let health = if is_try { health.tried(now, rand::random()) } else { health };
        if is_try {
            write.put_transport(name, &health).await?;
        }
        if let Some(quota) = allowance.quota {
            let used = if grant.permits == 0 { Some(write.used(name, quota, now).await?) } else { None };
            let is_spent = |share| used.is_some_and(|used| quota.left(used, share) == 0);
            if share != Share::Bulk {
                // Sign-ups that have used up their part go no other way: what they leave over is not for them there either.
                self.route.note_spent(is_spent(Share::All));
            } else if is_spent(share) {
                alerts::raise(&mut write, &Alarm::Quota { name, quota }, now).await?;
            }
        }
        write.commit().await?;
        self.route.heard(health, now);
        Ok((grant, is_try))
    }

    /// Spends one of those that [`Self::fill`] made sure of.
    pub(super) fn spend(&mut self, share: Share) -> Token {
        let slice = self.slice(share);
        slice.left = slice.left.saturating_sub(1);
        Token { share, at: slice.booked_at, is_try: slice.is_try }
    }

    /// Throws away what has lain about for too long, and says when there will be more of that.
    pub(super) fn throw_away_old(&mut self) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for share in SHARES {
            let slice = *self.slice(share);
            let end = slice.taken_at + TOKEN_LIFETIME;
            if slice.left > 0 && end <= Instant::now() {
                self.throw_away(share);
            } else if slice.left > 0 {
                next = Some(next.map_or(end, |next| next.min(end)));
            }
        }
        next
    }

    fn throw_away(&mut self, share: Share) {
        let slice = self.slice(share);
        let (left, at) = (std::mem::take(&mut slice.left), slice.booked_at);
        self.route.unsent.add_many(share, at, left);
    }
}

impl Drop for Tokens<'_> {
    fn drop(&mut self) {
        for share in SHARES {
            self.throw_away(share);
        }
    }
}

/// How long to wait before asking for more. Never long: what is waited for may come earlier, such as a larger quota.
fn pause_of(wait: SignedDuration) -> Duration {
    Duration::try_from(wait).unwrap_or_default().clamp(SLICE, LONGEST_WAIT)
}
