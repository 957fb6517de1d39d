//! This node's share of rate and quota.
//!
//! ```text
//! store::mail_rates ── a slice, booked ──▶ Tokens ── one each ──▶ a mail ── sent ──▶ used up
//!                                            │ too old              └── not sent ─┐
//!        store::mail_usage ◀── given back ── Unsent ◀────────────────────────────┘
//! ```

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    quota::bucket,
    rate::{Grant, Rate, Share},
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::limits::in_time;
use crate::store::{Result, Store, StoreError, mail_rates::Allowance};

/// Tokens that lay about for longer are thrown away.
const TOKEN_LIFETIME: Duration = Duration::from_secs(1);
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
pub(super) struct Tokens {
    store: Store,
    allowance: Allowance,
    held: [Slice; 3],
    unsent: Arc<Unsent>,
}

#[derive(Clone, Copy, Debug)]
struct Slice {
    left: u64,
    /// By the clock of quotas.
    booked_at: Timestamp,
    taken_at: Instant,
    /// Asking earlier is no use.
    ask_at: Instant,
}

/// All mail of an installation leaves through one transport.
pub(super) const TRANSPORT: &str = "main";
const SHARES: [Share; 3] = [Share::All, Share::Account, Share::Bulk];

impl Tokens {
    pub(super) fn new(store: Store, allowance: Allowance, unsent: Arc<Unsent>) -> Self {
        let now = Instant::now();
        let none = Slice { left: 0, booked_at: Timestamp::UNIX_EPOCH, taken_at: now, ask_at: now };
        Self { store, allowance, held: [none; 3], unsent }
    }

    fn slice(&mut self, share: Share) -> &mut Slice {
        &mut self.held[match share {
            Share::All => 0,
            Share::Account => 1,
            Share::Bulk => 2,
        }]
    }

    /// Makes sure that there is a token, or says when to ask again.
    pub(super) async fn fill(&mut self, share: Share, now: Timestamp) -> Result<std::result::Result<(), Instant>> {
        if self.allowance == (Allowance { rate: Rate::UNLIMITED, quota: None }) {
            return Ok(Ok(()));
        }
        let slice = *self.slice(share);
        if slice.left > 0 && slice.taken_at.elapsed() < TOKEN_LIFETIME {
            return Ok(Ok(()));
        }
        self.throw_away_old();
        if slice.ask_at > Instant::now() {
            return Ok(Err(slice.ask_at));
        }
        self.unsent.give_back(&self.store, TRANSPORT).await?;
        let (store, allowance) = (&self.store, self.allowance);
        let asked = async {
            let mut write = store.write().await?;
            let grant = write.take_permits(TRANSPORT, allowance, share, now).await?;
            write.commit().await?;
            Ok(grant)
        };
        let Grant { permits, wait, .. } = in_time(asked).await?;
        let taken_at = Instant::now();
        let wait = if allowance.rate.is_unlimited() && permits > 0 { Duration::ZERO } else { pause_of(wait) };
        let slice = Slice { left: permits, booked_at: now, taken_at, ask_at: taken_at + wait };
        *self.slice(share) = slice;
        Ok(if permits == 0 { Err(slice.ask_at) } else { Ok(()) })
    }

    /// Spends one of those that [`Self::fill`] made sure of.
    pub(super) fn spend(&mut self, share: Share) -> Token {
        let slice = self.slice(share);
        slice.left = slice.left.saturating_sub(1);
        Token { share, at: slice.booked_at }
    }

    /// Throws away what has lain about for too long, and says when there will be more of that.
    pub(super) fn throw_away_old(&mut self) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for share in SHARES {
            let slice = *self.slice(share);
            let end = slice.taken_at + TOKEN_LIFETIME;
            if slice.left == 0 {
            } else if end <= Instant::now() {
                self.throw_away(share);
            } else {
                next = Some(next.map_or(end, |next| next.min(end)));
            }
        }
        next
    }

    fn throw_away(&mut self, share: Share) {
        let slice = self.slice(share);
        let (left, at) = (std::mem::take(&mut slice.left), slice.booked_at);
        self.unsent.add_many(share, at, left);
    }
}

impl Drop for Tokens {
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
