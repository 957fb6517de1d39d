//! The present moment, in one place, so that tests can move it.
//!
//! Where several nodes share a database they go by its clock: each finds out how far its own is from that, and adds it.
//! Else the node whose clock is ahead would use up the rate of all of them, and what it puts into the queue would be due
//! to the others only later.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};

/// Differences that are smaller are not worth a step, in milliseconds.
const SLACK: i64 = 5;

/// Where the program reads the time. Clones share one clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// How far ahead of the machine's clock, in milliseconds; 0 outside tests.
    ahead: Arc<AtomicI64>,
    /// What the machine's clock lacks to the one that all nodes go by, in milliseconds.
    lacks: Arc<AtomicI64>,
    /// How wrong the machine's clock is, in milliseconds; 0 outside tests.
    wrong: i64,
}

impl Clock {
    /// The clock of a machine that is ahead of the others by so much, or behind when negative: for tests.
    pub fn wrong_by(by: SignedDuration) -> Self {
        Self { wrong: i64::try_from(by.as_millis()).unwrap_or(0), ..Self::default() }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        let by = self.ahead.load(Ordering::Relaxed).saturating_add(self.lacks.load(Ordering::Relaxed));
        later(self.machine(), by)
    }

    /// What this machine's own clock says.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn machine(&self) -> Timestamp {
        later(Timestamp::now(), self.wrong)
    }

    /// Goes by another clock from now on, which said `there` at some moment between `before` and `after` by
    /// [`Self::machine`]. Says how far the machine's clock is behind it when that is news: what may as well come from the
    /// time that asking took moves nothing.
    pub fn follow(&self, there: Timestamp, before: Timestamp, after: Timestamp) -> Option<SignedDuration> {
        let [there, before, after] = [there, before, after].map(Timestamp::as_millisecond);
        let (least, most) = (there - before.max(after), there - before.min(after));
        if (least - SLACK..=most + SLACK).contains(&self.lacks.load(Ordering::Relaxed)) {
            return None;
        }
        let lacks = i64::midpoint(least, most);
        self.lacks.store(lacks, Ordering::Relaxed);
        Some(SignedDuration::from_millis(lacks))
    }

    /// How far the machine's clock is behind the one that is followed; negative when it is ahead.
    pub fn lacks(&self) -> SignedDuration {
        SignedDuration::from_millis(self.lacks.load(Ordering::Relaxed))
    }

    /// Moves this clock, for tests: forwards, or backwards when negative.
    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead.fetch_add(by, Ordering::Relaxed);
    }
}

fn later(at: Timestamp, millis: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(millis)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    #[test]
    fn a_machine_that_is_wrong_goes_by_the_clock_that_it_follows() {
        let (wrong, right) = (Clock::wrong_by(SignedDuration::from_secs(-30)), Clock::default());
        let before = wrong.machine();
        let there = right.now();
        let news = wrong.follow(there, before, wrong.machine()).unwrap();
        assert_eq!(news, wrong.lacks());
        assert!((news - SignedDuration::from_secs(30)).abs() < SignedDuration::from_secs(1), "{news:?}");
        let differ = wrong.now().duration_since(right.now()).abs();
        assert!(differ < SignedDuration::from_secs(1), "{differ:?}");
        // Moved, it stays moved.
        wrong.advance(SignedDuration::from_hours(1));
        assert!(wrong.now().duration_since(right.now()) > SignedDuration::from_mins(59));
    }

    #[test]
    fn what_asking_took_moves_no_clock() {
        let clock = Clock::default();
        assert_eq!(clock.follow(at(0), at(-400), at(400)), None);
        assert_eq!(clock.follow(at(403), at(0), at(400)), None);
        assert_eq!(clock.follow(at(1_000), at(0), at(400)), Some(SignedDuration::from_millis(800)));
        assert_eq!(clock.follow(at(1_000), at(100), at(300)), None);
        // A step of the machine's own clock while it asked.
        assert_eq!(clock.follow(at(0), at(0), at(-2_000)), None);
        assert_eq!(clock.follow(at(0), at(0), at(0)), Some(SignedDuration::ZERO));
    }
}
