//! How fast mails of broadcasts really leave: a mail server may be slower than it allows.

use jiff::SignedDuration;

use crate::rate::Rate;

/// When for longer than this no mail was under way, something else was waited for: a pause, a quota, a server in trouble.
const LULL: SignedDuration = SignedDuration::from_secs(5);
/// After less than this it is too early to tell.
const LEAST: SignedDuration = SignedDuration::from_secs(1);
/// What was measured before this much time counts half, and so on: what a server did an hour ago says little.
const WINDOW: SignedDuration = SignedDuration::from_mins(2);

/// Mails, and the time in which they left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speed {
    /// How many.
    pub mails: u64,
    /// How long that took, lulls left out.
    pub time: SignedDuration,
}

impl Speed {
    /// After `mails` more, whose outcomes came `since` after those before them; for `idle` of that, none was under way.
    ///
    /// After a lull it is measured anew, from when the first of them began.
    #[must_use]
    pub fn after(self, mails: u64, since: SignedDuration, idle: SignedDuration) -> Self {
        if idle > LULL {
            return Self { mails, time: since - idle };
        }
        let Self { mails: before, time } = self;
        let (before, time) = if time > WINDOW { (before / 2, time / 2) } else { (before, time) };
        Self { mails: before.saturating_add(mails), time: time + since }
    }

    /// What that comes to, once it can be told.
    pub fn rate(self) -> Option<Rate> {
        (self.mails > 0 && self.time >= LEAST).then(|| Rate::measured(self.mails, self.time))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOT: SignedDuration = SignedDuration::ZERO;

    fn millis(millis: i64) -> SignedDuration {
        SignedDuration::from_millis(millis)
    }

    /// Eight connections to a server that takes 400 ms for each mail.
    fn twenty_a_second(groups: usize) -> Speed {
        (0..groups).fold(Speed::default(), |speed, _| speed.after(8, millis(400), NOT))
    }

    #[test]
    fn nothing_is_told_of_less_than_a_second() {
        assert_eq!(Speed::default().rate(), None);
        assert_eq!(twenty_a_second(2).rate(), None);
        assert_eq!(twenty_a_second(3).rate(), Some(Rate::per_second(20)));
        assert_eq!(Speed::default().after(0, millis(1_000), NOT).rate(), None);
    }

    #[test]
    fn after_a_pause_it_is_measured_anew() {
        let paused = twenty_a_second(10).after(4, millis(3_600_400), millis(3_600_000));
        assert_eq!(paused, Speed { mails: 4, time: millis(400) });
        // A server that takes its time is no pause.
        let slow = Speed::default().after(1, millis(30_000), NOT).after(1, millis(30_000), NOT);
        assert_eq!(slow.rate(), Some("2/min".parse().unwrap()));
        // Nor is what the rate leaves between two mails.
        let rated = Speed::default().after(1, millis(100), NOT).after(1, millis(4_000), millis(3_900));
        assert_eq!(rated, Speed { mails: 2, time: millis(4_100) });
    }

    #[test]
    fn what_was_long_ago_counts_little() {
        let slowed = (0..600).fold(twenty_a_second(900), |speed, _| speed.after(4, millis(400), NOT));
        let (rate, now) = (slowed.rate().unwrap(), Rate::per_second(10));
        assert!(rate.mails_in(millis(3_600_000)) <= now.share(125).mails_in(millis(3_600_000)), "{rate}");
    }

    proptest! {
        #[test]
        fn it_is_never_faster_than_the_fastest_nor_slower_than_the_slowest(
            groups in prop::collection::vec((1_u64..200, 50_i64..2_000), 1..400)
        ) {
            let speed =
                groups.iter().fold(Speed::default(), |speed, (mails, time)| speed.after(*mails, millis(*time), NOT));
            // What is halved is rounded down.
            let of = |(mails, time): &(u64, i64)| Rate::measured(*mails, millis(*time)).mails_in(millis(36_000_000));
            let (least, most) = (groups.iter().map(of).min().unwrap(), groups.iter().map(of).max().unwrap());
            if let Some(rate) = speed.rate() {
                let found = rate.mails_in(millis(36_000_000));
                prop_assert!(found <= most + 1 && found * 105 / 100 + 1 >= least, "{least} {found} {most}");
            }
        }
    }
}
