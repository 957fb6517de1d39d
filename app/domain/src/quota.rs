//! How many mails a provider allows in a day or a month, and what is kept back for those that matter most.
//!
//! Mails are counted in buckets of five minutes. A bucket counts as long as any moment of it does, so that no window of
//! the provider's, wherever it begins, holds more than was allowed.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{rate::Share, time::utc_date};

/// How long mails are counted together.
pub const BUCKET: SignedDuration = SignedDuration::from_mins(5);
/// The smallest quota: below it the reserves would leave next to nothing for broadcasts.
const SMALLEST: u64 = 100;
/// What is kept for alerts and for account mails: percent of the quota, at least, at most.
const ALERT_RESERVE: (u64, u64, u64) = (2, 20, 1000);
const ACCOUNT_RESERVE: (u64, u64, u64) = (5, 50, 5000);
/// The most of the quota that account mails may use, in percent: sign-ups must not exhaust it.
const ACCOUNT_SHARE: u64 = 20;

/// Over what time a provider counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Any 24 hours, as Amazon SES does.
    Rolling,
    /// From midnight to midnight, UTC.
    UtcDay,
    /// A calendar month, UTC.
    Month,
}

/// So many mails in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    mails: u64,
    window: Window,
}

/// The text names no quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a quota as “50000/day” (any 24 hours), “50000/utcday” (midnight to midnight UTC) or “1000000/month” (calendar \
     month UTC), of at least 100 mails"
)]
pub struct InvalidQuota;

/// What was sent in a window, or booked to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// By everyone.
    pub all: u64,
    /// Of these, by account mails.
    pub account: u64,
}

impl Quota {
    /// How many mails.
    pub fn mails(self) -> u64 {
        self.mails
    }

    /// What must be left over after a mail of this kind.
    pub fn reserve(self, share: Share) -> u64 {
        let part = |(percent, least, most): (u64, u64, u64)| (self.mails / 100 * percent).clamp(least, most);
        match share {
            Share::All => 0,
            Share::Account => part(ALERT_RESERVE),
            Share::Bulk => part(ALERT_RESERVE) + part(ACCOUNT_RESERVE),
        }
    }

    /// How many more mails of a kind may be sent now.
    pub fn left(self, used: Used, share: Share) -> u64 {
        let left = self.mails.saturating_sub(used.all).saturating_sub(self.reserve(share));
        match share {
            Share::Account => {
                let most = (self.mails / 100 * ACCOUNT_SHARE).max(ACCOUNT_RESERVE.1);
                left.min(most.saturating_sub(used.account))
            }
            Share::All | Share::Bulk => left,
        }
    }

    /// The first bucket that counts.
    pub fn since(self, now: Timestamp) -> Timestamp {
        let today = utc_date(now);
        match self.window {
            // One that ended just now counts no more; one of which a moment is younger than a day does.
            Window::Rolling => {
                let day_ago = now.checked_sub(24.hours()).unwrap_or(Timestamp::MIN);
                bucket(day_ago)
            }
            Window::UtcDay => midnight(today),
            Window::Month => midnight(today.first_of_month()),
        }
    }

    /// The next moment at which something may stop to count.
    pub fn next_change(self, now: Timestamp) -> Timestamp {
        let today = utc_date(now);
        match self.window {
            Window::Rolling => next_bucket(now),
            Window::UtcDay => midnight(today.tomorrow().unwrap_or(today)),
            Window::Month => {
                let last = today.last_of_month();
                midnight(last.tomorrow().unwrap_or(last))
            }
        }
    }

    /// `in 24 hours`, `today (UTC)`, `this month (UTC)`
    pub fn window_words(self) -> &'static str {
        match self.window {
            Window::Rolling => "in 24 hours",
            Window::UtcDay => "today (UTC)",
            Window::Month => "this month (UTC)",
        }
    }
}

/// The bucket of an instant, by its beginning.
pub fn bucket(at: Timestamp) -> Timestamp {
    let length = BUCKET.as_secs();
    Timestamp::from_second(at.as_second().div_euclid(length) * length).unwrap_or(Timestamp::MIN)
}

/// When the next bucket begins.
pub fn next_bucket(at: Timestamp) -> Timestamp {
    bucket(at).checked_add(BUCKET).unwrap_or(Timestamp::MAX)
}

fn midnight(date: Date) -> Timestamp {
    date.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |at| at.timestamp())
}

impl FromStr for Quota {
    type Err = InvalidQuota;

    fn from_str(text: &str) -> Result<Self, InvalidQuota> {
        let (number, unit) = text.trim().split_once('/').unwrap_or((text.trim(), "day"));
        let window = match unit.trim() {
            "day" => Window::Rolling,
            "utcday" => Window::UtcDay,
            "month" => Window::Month,
            _ => return Err(InvalidQuota),
        };
        let mails = number.trim().parse().ok().filter(|mails| *mails >= SMALLEST).ok_or(InvalidQuota)?;
        Ok(Self { mails, window })
    }
}

impl fmt::Display for Quota {
    /// As it can be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.window {
            Window::Rolling => "day",
            Window::UtcDay => "utcday",
            Window::Month => "month",
        };
        write!(f, "{}/{unit}", self.mails)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quota(text: &str) -> Quota {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn quotas_are_written_as_people_write_them() {
        assert_eq!(quota("50000/day"), Quota { mails: 50_000, window: Window::Rolling });
        assert_eq!(quota(" 50000 "), quota("50000/day"));
        assert_eq!(quota("50000/utcday").window, Window::UtcDay);
        assert_eq!(quota("1000000 / month").window, Window::Month);
        for wrong in ["", "many", "50000/week", "-5/day", "99/day", "0", "50,000/day"] {
            assert_eq!(wrong.parse::<Quota>(), Err(InvalidQuota), "{wrong}");
        }
        for text in ["50000/day", "100/utcday", "1000000/month"] {
            assert_eq!(quota(text).to_string(), text);
        }
    }

    #[test]
    fn something_is_always_kept_for_alerts_and_for_those_who_sign_up() {
        for (text, alert, account) in
            [("100/day", 20, 50), ("1000/day", 20, 50), ("50000/day", 1000, 2500), ("1000000/month", 1000, 5000)]
        {
            let quota = quota(text);
            let reserves = [Share::All, Share::Account, Share::Bulk].map(|share| quota.reserve(share));
            assert_eq!(reserves, [0, alert, alert + account], "{text}");
        }
    }

    #[test]
    fn broadcasts_stop_at_the_reserve_and_sign_ups_at_a_fifth() {
        let quota = quota("10000/day");
        let used = |all, account| Used { all, account };
        assert_eq!(quota.left(used(0, 0), Share::Bulk), 9_300);
        assert_eq!(quota.left(used(9_300, 0), Share::Bulk), 0);
        assert_eq!(quota.left(used(9_300, 0), Share::Account), 500);
        assert_eq!(quota.left(used(2_000, 2_000), Share::Account), 0);
        assert_eq!(quota.left(used(9_900, 600), Share::Account), 0);
        assert_eq!(quota.left(used(9_900, 600), Share::All), 100);
        assert_eq!(quota.left(used(20_000, 0), Share::All), 0);
    }

    #[test]
    fn windows_begin_where_providers_begin_them() {
        let now = at("2024-02-29T10:12:34Z");
        assert_eq!(quota("100/day").since(now), at("2024-02-28T10:10:00Z"));
        assert_eq!(quota("100/day").next_change(now), at("2024-02-29T10:15:00Z"));
        assert_eq!(quota("100/utcday").since(now), at("2024-02-29T00:00:00Z"));
        assert_eq!(quota("100/utcday").next_change(now), at("2024-03-01T00:00:00Z"));
        assert_eq!(quota("100/month").since(now), at("2024-02-01T00:00:00Z"));
        assert_eq!(quota("100/month").next_change(now), at("2024-03-01T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn no_day_holds_more_than_the_quota(
            steps in prop::collection::vec((0_i64..20_000, 0_u64..300), 1..300), share in prop::sample::select(vec![Share::All, Share::Bulk])
        ) {
            let quota = quota("500/day");
            let start = at("2024-02-29T10:12:34Z");
            let (mut now, mut booked, mut sent) = (start, std::collections::BTreeMap::new(), Vec::new());
            for (pause, wanted) in steps {
                now += SignedDuration::from_secs(pause);
                let all = booked.range(quota.since(now)..).map(|(_, mails)| *mails).sum();
                let count = wanted.min(quota.left(Used { all, account: 0 }, share));
                *booked.entry(bucket(now)).or_insert(0) += count;
                sent.push((now, count));
                let day_ago = now - SignedDuration::from_hours(24);
                let in_a_day: u64 = sent.iter().filter(|(at, _)| *at > day_ago).map(|(_, mails)| mails).sum();
                prop_assert!(in_a_day <= 500 - quota.reserve(share));
            }
        }

        #[test]
        fn a_quota_that_is_shown_can_be_typed(mails in 100_u64.., unit in prop::sample::select(vec!["day", "utcday", "month"])) {
            let text = format!("{mails}/{unit}");
            prop_assert_eq!(quota(&text).to_string(), text);
        }
    }
}
