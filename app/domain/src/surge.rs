//! When so many sign up at once that most of them are hardly people.

use std::str::FromStr;

use jiff::Timestamp;

/// So many sign-ups an hour surprise no page.
pub const USUAL_AT_MOST: i64 = 200;
/// How many times the usual number is a surge.
const TIMES: i64 = 10;
/// Fewer confirmations than this say nothing about how many come back.
const CONFIRMATIONS: i64 = 20;
/// The part of the confirmations that may come back, in percent: before it is a surge, and before it is none any more.
const BOUNCES: (i64, i64) = (20, 10);

/// What tells a surge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Many more sign up than usually.
    SignUps,
    /// Many confirmations come back: somebody enters addresses that are not theirs.
    Bounces,
}

impl Cause {
    /// Its name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignUps => "sign_ups",
            Self::Bounces => "bounces",
        }
    }
}

impl FromStr for Cause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::SignUps, Self::Bounces]
            .into_iter()
            .find(|cause| cause.as_str() == text)
            .ok_or_else(|| format!("no cause of a surge: {text}"))
    }
}

/// A surge that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surge {
    /// Since when.
    pub since: Timestamp,
    /// What told it.
    pub cause: Cause,
    /// How many sign-ups an hour were the limit when it began: what is usual must not be learnt from it.
    pub limit: i64,
}

/// How many sign up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Sign-ups in the last hour.
    pub last_hour: i64,
    /// The same in the mean hour of the two days before, surges left out.
    pub usual: i64,
    /// Confirmations of the last hour that have an outcome.
    pub confirmations: i64,
    /// How many of these did not arrive.
    pub bounced: i64,
}

impl Traffic {
    /// More sign-ups an hour than this are a surge.
    pub fn limit(&self) -> i64 {
        USUAL_AT_MOST.max(self.usual * TIMES)
    }

    /// Why this is a surge, if it is one.
    pub fn cause(&self) -> Option<Cause> {
        if self.last_hour > self.limit() {
            Some(Cause::SignUps)
        } else if self.do_bounce(BOUNCES.0) {
            Some(Cause::Bounces)
        } else {
            None
        }
    }

    /// Whether a surge is over: half of what began it, so that it does not come and go.
    pub fn has_calmed(&self, surge: &Surge) -> bool {
        self.last_hour * 2 <= surge.limit && !self.do_bounce(BOUNCES.1)
    }

    fn do_bounce(&self, percent: i64) -> bool {
        self.confirmations >= CONFIRMATIONS && self.bounced * 100 > self.confirmations * percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(last_hour: i64, usual: i64) -> Traffic {
        Traffic { last_hour, usual, ..Traffic::default() }
    }

    fn bounces(confirmations: i64, bounced: i64) -> Traffic {
        Traffic { confirmations, bounced, ..Traffic::default() }
    }

    #[test]
    fn a_surge_is_many_and_ten_times_as_many_as_usual() {
        assert_eq!(traffic(200, 0).cause(), None);
        assert_eq!(traffic(201, 0).cause(), Some(Cause::SignUps));
        assert_eq!(traffic(500, 50).cause(), None);
        assert_eq!(traffic(501, 50).cause(), Some(Cause::SignUps));
    }

    #[test]
    fn confirmations_that_come_back_are_a_surge_too() {
        assert_eq!(bounces(100, 20).cause(), None);
        assert_eq!(bounces(100, 21).cause(), Some(Cause::Bounces));
        assert_eq!(bounces(19, 19).cause(), None, "too few to tell");
    }

    #[test]
    fn it_ends_well_below_where_it_began() {
        let since = Timestamp::UNIX_EPOCH;
        let surge = Surge { since, cause: Cause::SignUps, limit: 500 };
        assert!(!traffic(251, 0).has_calmed(&surge));
        assert!(traffic(250, 0).has_calmed(&surge), "what was usual then counts");
        let surge = Surge { since, cause: Cause::Bounces, limit: 200 };
        assert!(!bounces(100, 11).has_calmed(&surge));
        assert!(bounces(100, 10).has_calmed(&surge));
        assert!(bounces(5, 5).has_calmed(&surge));
    }
}
