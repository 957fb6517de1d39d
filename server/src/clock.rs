//! The present moment, in one place, so that tests can move it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};

/// Where the program reads the time. Clones share one clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// How far ahead of the machine's clock, in milliseconds; 0 outside tests.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// Now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.ahead.load(Ordering::Relaxed));
        let now = Timestamp::now();
        now.checked_add(ahead).unwrap_or(now)
    }

    /// Moves this clock, for tests: forwards, or backwards when negative.
    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead.fetch_add(by, Ordering::Relaxed);
    }
}
