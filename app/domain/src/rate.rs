//! How fast mail may leave: the generic cell rate algorithm (ITU-T I.371, annex A) as a pure function.
//!
//! One number is remembered: when the next mail would be due if mails left evenly. It may run ahead of now by half
//! a second and never falls behind now, so what was not used in time is lost and no pause earns a flood. By a clock that
//! is somewhat behind the one that wrote it, it is simply due later: nothing of it is forgotten.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};

const SECOND: u64 = 1_000_000;
/// How much one node takes at once: a quarter of a second's worth.
const SLICE: u64 = SECOND / 4;
/// The same when nothing limits it.
const UNLIMITED_SLICE: u64 = 5_000;
/// What is further ahead than mails may run and this on top was written by a clock that has been put back since.
const LEEWAY: u64 = SECOND;
/// The fewest and most mails of which the outcome may be unknown at once.
const OUTSTANDING: (u64, u64) = (4, 256);

/// In a second, a minute and an hour: what one mail of each is worth in a [`Rate`].
const PER_SECOND: u64 = 60 * PER_MINUTE;
const PER_MINUTE: u64 = 60 * PER_HOUR;
const PER_HOUR: u64 = 1000;

/// Mails in a thousand hours: whatever can be typed is exact, and so is a share of it, without floating point. Zero means:
/// as fast as it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(u64);

/// What a permit to send may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Share {
    /// Alerts: up to 95 % of the provider's figure.
    All,
    /// Confirmations and links to sign in: up to 20 % of it, out of the 95 %, so that a flood of sign-ups holds up no
    /// incident mail.
    Account,
    /// Broadcasts: up to 85 % of it, and out of the 95 %, so that the others always find room.
    Bulk,
}

impl Share {
    /// The most it may use of the provider's rate.
    pub fn of(self, rate: Rate) -> Rate {
        match self {
            Self::All => rate.share(95),
            Self::Account => rate.share(20),
            Self::Bulk => rate.share(85),
        }
    }

    /// Its name in the store.
    pub fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Account => "account",
            Self::Bulk => "bulk",
        }
    }
}

/// The text names no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a rate as “10/s”, “90/min” or “500/h”, or 0 for as fast as it goes")]
pub struct InvalidRate;

/// What may leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// How many mails; at most as many as were wanted.
    pub permits: u64,
    /// When the next mail would be due, in unix microseconds: what to remember.
    pub next_at: i64,
    /// How long until one more mail is free.
    pub wait: SignedDuration,
}

impl Rate {
    /// As fast as it goes.
    pub const UNLIMITED: Self = Self(0);

    /// So many mails a second.
    pub const fn per_second(mails: u64) -> Self {
        Self(mails.saturating_mul(PER_SECOND))
    }

    /// What so many mails in this time come to; the slowest there is at least.
    pub fn measured(mails: u64, time: SignedDuration) -> Self {
        let micros = u128::try_from(time.as_micros()).unwrap_or(0).max(1);
        let rate = u128::from(mails) * u128::from(PER_SECOND * SECOND) / micros;
        Self(u64::try_from(rate).unwrap_or(u64::MAX).max(1))
    }

    /// The slower of the two.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        match (self.is_unlimited(), other.is_unlimited()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self(self.0.min(other.0)),
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.is_unlimited() || other.is_unlimited() { Self::UNLIMITED } else { Self(self.0.saturating_add(other.0)) }
    }

    /// Whether there is no limit.
    pub const fn is_unlimited(self) -> bool {
        self.0 == 0
    }

    /// To be read, not typed: `11.9/s`, `42/min`, `5.7/h`, `no limit`.
    pub fn in_words(self) -> String {
        let (one, unit) = match self.0 {
            0 => return "no limit".to_owned(),
            PER_SECOND.. => (PER_SECOND, "s"),
            PER_MINUTE.. => (PER_MINUTE, "min"),
            _ => (PER_HOUR, "h"),
        };
        match (self.0 / one, self.0 % one * 10 / one) {
            (whole, 0) => format!("{whole}/{unit}"),
            (whole, tenths) => format!("{whole}.{tenths}/{unit}"),
        }
    }

    /// A part of it, in percent. What is limited stays limited.
    #[must_use]
    pub fn share(self, percent: u64) -> Self {
        if self.is_unlimited() { self } else { Self((self.0.saturating_mul(percent) / 100).max(1)) }
    }

    /// How many mails one node takes at once; at least one. Rounded up, for the store is asked no more often than that.
    pub fn slice(self) -> u64 {
        if self.is_unlimited() { UNLIMITED_SLICE } else { self.begun_in(SLICE).max(1) }
    }

    /// How many mails leave in this time.
    pub fn mails_in(self, time: SignedDuration) -> u64 {
        let micros = u64::try_from(time.as_micros()).unwrap_or(0);
        if self.is_unlimited() { u64::MAX } else { self.permits_in(micros) }
    }

    /// How many mails may be under way, their outcome not yet stored, when one takes so long from `MAIL` to the commit.
    ///
    /// This bounds the duplicates after a crash, so it is no more than the rate needs.
    pub fn outstanding(self, each: SignedDuration) -> u64 {
        let (least, most) = OUTSTANDING;
        if self.is_unlimited() {
            return most;
        }
        let micros = u64::try_from(each.as_micros()).unwrap_or(0);
        self.begun_in(micros.saturating_mul(3) / 2).clamp(least, most)
    }

    /// How long so many mails take; nothing when there is no limit.
    pub fn time_for(self, mails: u64) -> SignedDuration {
        SignedDuration::from_micros(i64::try_from(self.span(mails)).unwrap_or(i64::MAX))
    }

    /// How far ahead of the even pace mails may run, in microseconds: half a second, or one mail at slow rates.
    fn tolerance(self) -> u64 {
        self.span(1).max(SECOND / 2)
    }

    /// Rounded up, so that rounding never makes it faster.
    fn span(self, mails: u64) -> u64 {
        if self.is_unlimited() {
            return 0;
        }
        let span = (u128::from(mails) * u128::from(PER_SECOND * SECOND)).div_ceil(u128::from(self.0));
        u64::try_from(span).unwrap_or(u64::MAX)
    }

    fn permits_in(self, micros: u64) -> u64 {
        let permits = u128::from(micros) * u128::from(self.0) / u128::from(PER_SECOND * SECOND);
        u64::try_from(permits).unwrap_or(u64::MAX)
    }

    /// … the last of which need not be complete.
    fn begun_in(self, micros: u64) -> u64 {
        let permits = (u128::from(micros) * u128::from(self.0)).div_ceil(u128::from(PER_SECOND * SECOND));
        u64::try_from(permits).unwrap_or(u64::MAX)
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (number, unit) = text.trim().split_once('/').unwrap_or((text.trim(), "s"));
        let number: u64 = number.trim().parse().map_err(|_| InvalidRate)?;
        let one = match unit.trim() {
            "s" => PER_SECOND,
            "min" => PER_MINUTE,
            "h" => PER_HOUR,
            _ => return Err(InvalidRate),
        };
        Ok(Self(number.saturating_mul(one)))
    }
}

impl fmt::Display for Rate {
    /// As it can be typed: `10/s`, `90/min`, `0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0 (as fast as it goes)"),
            rate if rate % PER_SECOND == 0 => write!(f, "{}/s", rate / PER_SECOND),
            rate if rate % PER_MINUTE == 0 => write!(f, "{}/min", rate / PER_MINUTE),
            rate => write!(f, "{}/h", rate / PER_HOUR),
        }
    }
}

/// Takes up to `wanted` permits, given what [`Grant::next_at`] said last (0 at first).
///
/// In any window of length T at most `rate × T` plus one tolerance's worth is granted, and as much more as the clocks of
/// those who ask differ, up to a second. When a clock jumps, at most one tolerance's worth is granted anew.
pub fn take(next_at: i64, now: Timestamp, rate: Rate, wanted: u64) -> Grant {
    let now = now.as_microsecond();
    if rate.is_unlimited() {
        return Grant { permits: wanted, next_at: now, wait: SignedDuration::ZERO };
    }
    let tolerance = rate.tolerance();
    let ahead = match u64::try_from(next_at.saturating_sub(now)).unwrap_or(0) {
        ahead if ahead > tolerance.saturating_add(LEEWAY) => tolerance,
        ahead => ahead,
    };
    let permits = rate.permits_in(tolerance.saturating_sub(ahead)).min(wanted);
    let ahead = ahead + rate.span(permits);
    let wait = (ahead + rate.span(1)).saturating_sub(tolerance);
    let signed = |micros| i64::try_from(micros).unwrap_or(i64::MAX);
    Grant { permits, next_at: now.saturating_add(signed(ahead)), wait: SignedDuration::from_micros(signed(wait)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(1_700_000_000_000_000 + micros).unwrap()
    }

    #[test]
    fn rates_are_written_as_people_write_them() {
        assert_eq!("10/s".parse(), Ok(Rate::per_second(10)));
        assert_eq!(" 90 / min ".parse(), Ok(Rate(5_400 * PER_HOUR)));
        assert_eq!("1/h".parse(), Ok(Rate(PER_HOUR)));
        let words = [0, 11_900, 14_000, 1_050, 700].map(|rate| Rate(rate * PER_SECOND / 1000).in_words());
        assert_eq!(words, ["no limit", "11.9/s", "14/s", "1/s", "42/min"]);
        assert_eq!("0".parse(), Ok(Rate::UNLIMITED));
        for wrong in ["", "fast", "-1/s", "1/day", "1.5/s"] {
            assert_eq!(wrong.parse::<Rate>(), Err(InvalidRate));
        }
    }

    #[test]
    fn a_slow_rate_is_as_exact_as_a_fast_one() {
        for text in ["6/h", "7/h", "90/min", "1001/h", "14/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        let six: Rate = "6/h".parse().unwrap();
        assert_eq!(six.time_for(6), SignedDuration::from_hours(1));
        assert_eq!(six.mails_in(SignedDuration::from_hours(24)), 144);
        assert_eq!(six.share(95).in_words(), "5.7/h");
        assert_eq!("120/min".parse::<Rate>().unwrap().to_string(), "2/s");
    }

    #[test]
    fn a_long_pause_earns_no_flood() {
        let rate = Rate::per_second(100);
        assert_eq!(take(0, at(0), rate, 1_000_000).permits, 50);
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_stall() {
        let rate = Rate::per_second(10);
        let before = take(0, at(0), rate, 100);
        let hour = 3_600_000_000;
        let after = take(before.next_at, at(-hour), rate, 1);
        assert!(after.wait <= SignedDuration::from_millis(100), "{after:?}");
        let second = take(before.next_at, at(-1_000_000), rate, 1);
        assert!(second.wait <= SignedDuration::from_millis(1_100), "{second:?}");
    }

    #[test]
    fn whoever_is_behind_forgets_nothing_of_what_others_took() {
        let rate = Rate::per_second(10);
        let taken = take(0, at(0), rate, 5);
        let behind = take(taken.next_at, at(-500_000), rate, 5);
        assert_eq!((behind.permits, behind.next_at), (0, taken.next_at));
    }

    #[test]
    fn duplicates_after_a_crash_are_bounded_by_what_the_rate_needs() {
        let second = SignedDuration::from_secs(1);
        assert_eq!(Rate::per_second(1).outstanding(second), 4);
        assert_eq!(Rate::per_second(10).outstanding(second), 15);
        assert_eq!(Rate::per_second(10_000).outstanding(second), 256);
        assert_eq!(Rate::UNLIMITED.outstanding(second), 256);
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_one_burst_in_any_window(
            milli in 100_u64..20_000_000, steps in prop::collection::vec((0_i64..2_000_000, 0_u64..5_000), 1..60)
        ) {
            let rate = Rate(milli * PER_SECOND / 1000);
            let (mut now, mut next_at, mut grants) = (0, 0, Vec::new());
            for (pause, wanted) in steps {
                now += pause;
                let grant = take(next_at, at(now), rate, wanted);
                prop_assert!(grant.permits <= wanted);
                next_at = grant.next_at;
                grants.push((now, grant.permits));
            }
            for (first, (from, _)) in grants.iter().enumerate() {
                let mut sum = 0;
                for (until, permits) in &grants[first..] {
                    sum += permits;
                    let window = (until - from).unsigned_abs() + rate.tolerance();
                    prop_assert!(sum <= rate.permits_in(window), "{sum} in {window} µs at {milli}/1000 a second");
                }
            }
        }

        #[test]
        fn clocks_that_differ_cost_no_more_than_they_differ(
            milli in 100_u64..2_000_000, apart in 0_i64..1_000_000,
            steps in prop::collection::vec((0_i64..500_000, 0_u64..500, any::<bool>()), 1..60)
        ) {
            let rate = Rate(milli * PER_SECOND / 1000);
            let (mut now, mut next_at, mut sum) = (0, 0, 0);
            for (pause, wanted, is_behind) in steps {
                now += pause;
                let grant = take(next_at, at(if is_behind { now - apart } else { now }), rate, wanted);
                (next_at, sum) = (grant.next_at, sum + grant.permits);
                let window = (now + apart).unsigned_abs() + rate.tolerance();
                prop_assert!(sum <= rate.permits_in(window), "{sum} in {window} µs at {milli}/1000 a second");
            }
        }

        #[test]
        fn whoever_waits_as_told_gets_one(milli in 100_u64..20_000_000, taken in 1_u64..5_000) {
            let rate = Rate(milli * PER_SECOND / 1000);
            let first = take(0, at(0), rate, taken);
            let wait = i64::try_from(first.wait.as_micros()).unwrap();
            prop_assert_eq!(take(first.next_at, at(wait), rate, 1).permits, 1);
        }
    }
}
