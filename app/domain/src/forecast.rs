//! When mails will be out: what the rate and the quota say of it, before anything is sent.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::{
    quota::{Quota, Used, bucket, next_bucket},
    rate::{Rate, Share},
};

/// Mails that were sent, or booked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The beginning of their bucket.
    pub bucket: Timestamp,
    /// How many.
    pub mails: u64,
}

/// What becomes of so many mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// When the last of them leaves; none when that is too late.
    pub finish: Option<Timestamp>,
    /// How many leave before they are too late.
    pub in_time: u64,
    /// How many leave before the quota first makes the others wait.
    pub at_once: u64,
    /// Until when those wait; none when nobody waits for the quota, or too long.
    pub waits_until: Option<Timestamp>,
}

/// What becomes of `mails` of a broadcast that begins now, at `rate`, when everything sent after `deadline` is too late.
///
/// `usage` holds the buckets that count, oldest first. It is assumed that nothing else is sent.
pub fn forecast(
    mails: u64,
    rate: Rate,
    quota: Option<(Quota, &[Usage])>,
    now: Timestamp,
    deadline: Timestamp,
) -> Forecast {
    let Some((quota, usage)) = quota else { return without_quota(mails, rate, now, deadline) };
    let mut usage: VecDeque<Usage> = usage.iter().copied().collect();
    let mut used: u64 = usage.iter().map(|usage| usage.mails).sum();
    let mut out = Forecast { finish: None, in_time: 0, at_once: 0, waits_until: None };
    let (mut at, mut is_waiting, mut unused) = (now, false, SignedDuration::ZERO);
    while at < deadline {
        let since = quota.since(at);
        while let Some(old) = usage.front().filter(|usage| usage.bucket < since) {
            used -= old.mails;
            usage.pop_front();
        }
        let end = next_bucket(at).min(deadline);
        let left = mails - out.in_time;
        let room = quota.left(Used { all: used, account: 0 }, Share::Bulk).min(left);
        if room > 0 && is_waiting {
            out.waits_until.get_or_insert(at);
        }
        // What remains of a slow rate's step is part of the next.
        let time = end.duration_since(at) + unused;
        let count = rate.mails_in(time).min(room);
        unused = if count < room { time - rate.time_for(count) } else { SignedDuration::ZERO };
        out.in_time += count;
        if count == left {
            out.finish = at.checked_add(rate.time_for(count).min(end.duration_since(at))).ok();
            break;
        }
        if !is_waiting {
            out.at_once = out.in_time;
            is_waiting = count == room;
        }
        used += count;
        usage.push_back(Usage { bucket: bucket(at), mails: count });
        at = end;
    }
    if out.waits_until.is_none() && out.finish.is_some() {
        out.at_once = mails;
    }
    out
}

fn without_quota(mails: u64, rate: Rate, now: Timestamp, deadline: Timestamp) -> Forecast {
    let finish = now.checked_add(rate.time_for(mails)).ok().filter(|at| *at <= deadline);
    let in_time = if finish.is_some() { mails } else { rate.mails_in(deadline.duration_since(now)) };
    Forecast { finish, in_time, at_once: in_time, waits_until: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rate::take;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn after(hours: i64) -> Timestamp {
        at(hours * 3600)
    }

    fn quota(text: &str) -> Quota {
        text.parse().unwrap()
    }

    fn used(hours_ago: i64, mails: u64) -> Usage {
        Usage { bucket: bucket(after(-hours_ago)), mails }
    }

    #[test]
    fn without_a_quota_only_the_rate_counts() {
        let done = forecast(1000, Rate::per_second(10), None, at(0), after(12));
        assert_eq!(done, Forecast { finish: Some(at(100)), in_time: 1000, at_once: 1000, waits_until: None });
        let late = forecast(1000, Rate::per_second(10), None, at(0), at(50));
        assert_eq!(late, Forecast { finish: None, in_time: 500, at_once: 500, waits_until: None });
    }

    #[test]
    fn what_fits_into_the_quota_does_not_wait() {
        let usage = [used(3, 400)];
        let done = forecast(530, Rate::per_second(10), Some((quota("1000/day"), &usage)), at(0), after(12));
        assert_eq!(done, Forecast { finish: Some(at(53)), in_time: 530, at_once: 530, waits_until: None });
    }

    #[test]
    fn the_rest_waits_until_the_window_has_moved() {
        // 600 are left but for the reserve of 70; the 400 of 22 hours ago count two hours longer.
        let usage = [used(22, 400)];
        let found = forecast(600, Rate::UNLIMITED, Some((quota("1000/day"), &usage)), at(0), after(12));
        assert_eq!((found.in_time, found.at_once), (600, 530));
        let waits_until = found.waits_until.unwrap();
        assert_eq!(found.finish, Some(waits_until));
        let hours = waits_until.duration_since(at(0)).as_mins();
        assert!((120..=125).contains(&hours), "{hours} minutes");
    }

    #[test]
    fn what_would_wait_too_long_is_said_to() {
        let usage = [used(3, 400)];
        let found = forecast(2000, Rate::UNLIMITED, Some((quota("1000/day"), &usage)), at(0), after(12));
        assert_eq!(found, Forecast { finish: None, in_time: 530, at_once: 530, waits_until: None });
        let nobody = forecast(10, Rate::UNLIMITED, Some((quota("1000/day"), &[used(3, 990)])), at(0), after(12));
        assert_eq!(nobody, Forecast { finish: None, in_time: 0, at_once: 0, waits_until: None });
    }

    #[test]
    fn a_rate_slower_than_a_step_still_comes_to_its_end() {
        let rate: Rate = "11/h".parse().unwrap();
        let found = forecast(12, rate, Some((quota("1000/day"), &[])), at(0), after(12));
        let minutes = found.finish.unwrap().duration_since(at(0)).as_mins();
        assert!((60..=72).contains(&minutes), "{minutes} minutes");
    }

    /// Sends as the worker does, slice by slice.
    fn sent(mut mails: u64, rate: Rate, quota: Quota, mut usage: Vec<Usage>, deadline: Timestamp) -> Option<Timestamp> {
        let (mut now, mut next_at) = (at(0), 0);
        while now < deadline {
            let all = usage.iter().filter(|usage| usage.bucket >= quota.since(now)).map(|usage| usage.mails).sum();
            let left = quota.left(Used { all, account: 0 }, Share::Bulk);
            if left == 0 {
                now = next_bucket(now);
                continue;
            }
            let grant = take(next_at, now, rate, left.min(rate.slice()).min(mails));
            next_at = grant.next_at;
            mails -= grant.permits;
            match usage.last_mut().filter(|last| last.bucket == bucket(now)) {
                Some(last) => last.mails += grant.permits,
                None => usage.push(Usage { bucket: bucket(now), mails: grant.permits }),
            }
            if mails == 0 {
                return Some(now);
            }
            now += grant.wait.max(SignedDuration::from_millis(200));
        }
        None
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_forecast_comes_true_within_two_percent(
            mails in 2000_u64..12_000, per_second in 5_u64..40, allowed in 2000_u64..20_000,
            hours in prop::collection::vec((12_i64..24, 0_u64..2000), 0..6)
        ) {
            let (rate, quota) = (Rate::per_second(per_second), quota(&format!("{allowed}/day")));
            let mut usage: Vec<_> = hours.iter().map(|(hours, mails)| used(*hours, *mails)).collect();
            usage.sort_by_key(|usage| usage.bucket);
            let found = forecast(mails, rate, Some((quota, &usage)), at(0), after(12));
            match (found.finish, sent(mails, rate, quota, usage, after(12))) {
                (Some(forecast), Some(real)) => {
                    let difference = forecast.duration_since(real).abs();
                    let allowance = real.duration_since(at(0)) / 50 + SignedDuration::from_secs(2);
                    prop_assert!(difference <= allowance, "forecast {forecast}, real {real}");
                }
                (None, None) => prop_assert!(found.in_time < mails),
                (forecast, real) => prop_assert!(false, "forecast {forecast:?}, real {real:?}"),
            }
        }

        #[test]
        fn it_never_promises_more_than_the_quota(mails in 0_u64..100_000, milli in 1_u64..100_000, hours in 1_i64..100) {
            let rate: Rate = format!("{milli}/h").parse().unwrap();
            let found = forecast(mails, rate, Some((quota("1000/utcday"), &[])), at(0), after(hours));
            let days = hours.unsigned_abs() / 24 + 2;
            prop_assert!(found.in_time <= mails.min(days * 930) && found.at_once <= found.in_time);
            prop_assert_eq!(found.finish.is_some(), found.in_time == mails);
        }
    }
}
