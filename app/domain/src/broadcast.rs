//! A broadcast: one published thing on its way to many, and the cursor that walks the list of subscribers.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use jiff::{SignedDuration, Timestamp};

use crate::{
    ids::{BroadcastId, SubscriberId},
    status::{UnknownStatus, words},
};

words! {
    /// Where a broadcast stands.
    BroadcastState {
        /// Nobody was reached yet.
        Queued = "queued", "Queued";
        /// On its way.
        Sending = "sending", "Sending";
        /// Held by a person.
        Paused = "paused", "Paused";
        /// Everyone was reached, or it is known why not.
        Done = "done", "Done";
        /// Stopped by a person.
        Cancelled = "cancelled", "Cancelled";
        /// A newer update of the same incident took its place.
        Superseded = "superseded", "Superseded";
        /// Too old to be worth sending.
        Expired = "expired", "Expired";
    }
}

impl BroadcastState {
    /// Whether more mails may come of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sending | Self::Paused)
    }
}

/// The kind of a broadcast that carries a postmortem; others carry an update, for the first time or put right.
pub const POSTMORTEM: &str = "postmortem";

/// How urgent a broadcast of this kind is. A postmortem can wait: the next outage's updates go first.
pub fn lane(kind: &str) -> Lane {
    if kind == POSTMORTEM { Lane::Digest } else { Lane::Incident }
}

/// While so many people of a broadcast wait to be tried again, nobody else is claimed: what is carried over to the next update
/// stays within bounds, and so does the queue.
pub const MOST_CLAIMED: i64 = 20_000;

/// How long a broadcast of this kind is worth sending.
pub fn lifetime(kind: &str) -> SignedDuration {
    SignedDuration::from_hours(if kind == POSTMORTEM { 7 * 24 } else { 12 })
}

words! {
    /// Priority class of a message, most urgent first.
    Lane {
        /// To the owner: something is wrong with us, or with an account.
        Alert = "alert", "Alerts";
        /// Confirmations and sign-in links.
        Account = "account", "Account";
        /// Updates of incidents.
        Incident = "incident", "Incidents";
        /// What can wait.
        Digest = "digest", "Digests";
    }
}

impl Lane {
    /// For sorting in the store: smaller goes first.
    pub fn rank(self) -> i64 {
        match self {
            Self::Alert => 0,
            Self::Account => 1,
            Self::Incident => 2,
            Self::Digest => 3,
        }
    }

    /// Whether this lane must keep to the bulk share of the rate.
    pub fn is_bulk(self) -> bool {
        matches!(self, Self::Incident | Self::Digest)
    }
}

/// So many urgent mails of broadcasts go before one of those that can wait, while there are both: they keep a twentieth.
pub const URGENT_BEFORE_ONE: u32 = 19;

/// How many mails of broadcasts leave until the last of `own` has, when `before` stand before them in their lane and `other`
/// in the other lane.
pub fn mails_until(lane: Lane, own: u64, before: u64, other: u64) -> u64 {
    let in_lane = own.saturating_add(before);
    let between = match lane {
        Lane::Digest => in_lane.saturating_mul(URGENT_BEFORE_ONE.into()),
        Lane::Alert | Lane::Account | Lane::Incident => in_lane / u64::from(URGENT_BEFORE_ONE),
    };
    if own == 0 { 0 } else { in_lane.saturating_add(other.min(between)) }
}

/// How far a broadcast has come, as people and programs see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which.
    pub id: BroadcastId,
    /// Where it stands.
    pub state: BroadcastState,
    /// Why it waits or stopped; empty when there is nothing to say.
    pub reason: String,
    /// How many people it is for.
    pub total: i64,
    /// How many the server took.
    pub sent: i64,
    /// How many have not had their turn, or are being tried again.
    pub waiting: i64,
    /// How many the server refused for good.
    pub failed: i64,
    /// How many no longer wanted it.
    pub skipped: i64,
    /// How many it was too late for.
    pub expired: i64,
    /// How many may or may not have got it.
    pub uncertain: i64,
    /// When it was published.
    pub created_at: Timestamp,
    /// When the last one was done.
    pub finished_at: Option<Timestamp>,
    /// When it will be done at the present rate.
    pub eta: Option<Timestamp>,
}

/// Where a broadcast has got to in the list of subscribers.
///
/// ```text
/// 1 ──────── wrap_until ──▶ next ──────────── until        first walk: next … until
/// next ────▶ wrap_until                                     then: 1 … wrap_until
/// ```
/// A broadcast that takes the place of another goes on where that one stood and wraps round. Behind the cursor it owes
/// nothing but a mail to those who were claimed and not told: they are carried over, each once, and go first. So frequent
/// updates cannot starve anyone: nobody is told twice before everyone had their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The next subscriber to look at.
    pub next: i64,
    /// The last one of this walk.
    pub until: i64,
    /// Where the second walk, from 1, ends; 0 when there is none.
    pub wrap_until: i64,
}

impl Cursor {
    /// Over everyone up to `last`, the highest subscriber at publish: who comes later has read the page.
    pub fn new(last: SubscriberId) -> Self {
        Self { next: 1, until: last.0, wrap_until: 0 }
    }

    /// Over everyone up to `last`, those first whom `former` had not reached; whom it had claimed come last.
    pub fn taking_over(former: Self, last: SubscriberId) -> Self {
        let start = former.next.clamp(1, last.0.saturating_add(1));
        Self { next: start, until: last.0, wrap_until: start - 1 }.settled()
    }

    /// Whether everyone was looked at.
    pub fn is_done(self) -> bool {
        let Self { next, until, wrap_until } = self.settled();
        next > until && wrap_until == 0
    }

    /// After looking at everyone up to and including `reached`.
    #[must_use]
    pub fn after(self, reached: SubscriberId) -> Self {
        Self { next: reached.0.saturating_add(1), ..self }.settled()
    }

    /// After finding nobody more in this walk.
    #[must_use]
    pub fn walk_ended(self) -> Self {
        Self { next: self.until.saturating_add(1), ..self }.settled()
    }

    /// Starts the second walk when the first is over.
    fn settled(self) -> Self {
        if self.next > self.until && self.wrap_until > 0 {
            Self { next: 1, until: self.wrap_until, wrap_until: 0 }
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, VecDeque};

    use proptest::prelude::*;

    use super::*;

    /// Walks a list in batches and says whom it visited.
    fn walk(mut cursor: Cursor, people: &[i64], batch: usize) -> Vec<i64> {
        let mut visited = Vec::new();
        while !cursor.is_done() {
            let found: Vec<_> =
                people.iter().copied().filter(|id| *id >= cursor.next && *id <= cursor.until).take(batch).collect();
            cursor = match found.last() {
                Some(last) if found.len() == batch => cursor.after(SubscriberId(*last)),
                _ => cursor.walk_ended(),
            };
            visited.extend(found);
        }
        visited
    }

    #[test]
    fn what_is_urgent_goes_first_and_what_can_wait_keeps_a_twentieth() {
        assert_eq!(mails_until(Lane::Incident, 100, 50, 0), 150);
        assert_eq!(mails_until(Lane::Incident, 190, 0, 1_000), 200);
        assert_eq!(mails_until(Lane::Digest, 10, 0, 1_000), 200);
        assert_eq!(mails_until(Lane::Digest, 10, 5, 100), 115);
        assert_eq!(mails_until(Lane::Digest, 0, 5, 100), 0);
    }

    #[test]
    fn an_empty_list_is_done_at_once() {
        assert!(Cursor::new(SubscriberId(0)).is_done());
    }

    /// Updates that take each other's place, each before everyone has had their turn.
    ///
    /// The queue is whoever was claimed and not told, in the order in which they were claimed. It is filled up to a batch,
    /// which is a part of the list, and carried over from each update to the next.
    struct Updates {
        people: i64,
        batch: usize,
        cursor: Cursor,
        queue: VecDeque<i64>,
        /// How often each was told.
        told: BTreeMap<i64, usize>,
    }

    impl Updates {
        fn new(people: i64, batch: usize) -> Self {
            let told = (1..=people).map(|id| (id, 0)).collect();
            Self { people, batch, cursor: Cursor::new(SubscriberId(people)), queue: VecDeque::new(), told }
        }

        /// So many are told until the next one is published.
        fn publish(&mut self, turns: usize) {
            self.cursor = Cursor::taking_over(self.cursor, SubscriberId(self.people));
            let mut reached: BTreeSet<_> = self.queue.iter().copied().collect();
            for _ in 0..turns {
                while self.queue.len() <= self.batch / 2 && !self.cursor.is_done() {
                    let (from, room) = (self.cursor.next, self.batch - self.queue.len());
                    let found: Vec<_> = (from..=self.cursor.until).take(room).collect();
                    self.cursor = match found.last() {
                        Some(last) if found.len() == room => self.cursor.after(SubscriberId(*last)),
                        _ => self.cursor.walk_ended(),
                    };
                    self.queue.extend(found.into_iter().filter(|id| reached.insert(*id)));
                }
                let Some(id) = self.queue.pop_front() else { return };
                *self.told.entry(id).or_default() += 1;
            }
        }
    }

    proptest! {
        #[test]
        fn nobody_is_told_twice_before_everyone_was_told_once(
            batch in 1_usize..30, others in 1_usize..80, updates in prop::collection::vec(0_usize..80, 1..60)
        ) {
            let mut company = Updates::new(i64::try_from(batch + others).unwrap(), batch);
            for turns in updates {
                company.publish(turns.min(others));
                let (least, most) = (company.told.values().min().unwrap(), company.told.values().max().unwrap());
                prop_assert!(most - least <= 1, "{:?}", company.told);
            }
        }

        #[test]
        fn everyone_is_visited_once_wherever_it_starts(
            count in 0_i64..200, gone in prop::collection::btree_set(1_i64..200, 0..50), reached in 0_i64..250, batch in 1_usize..40
        ) {
            let people: Vec<_> = (1..=count).filter(|id| !gone.contains(id)).collect();
            let former = Cursor { next: reached, ..Cursor::new(SubscriberId(count)) };
            let mut visited = walk(Cursor::taking_over(former, SubscriberId(count)), &people, batch);
            if let Some(first) = visited.first() {
                let expected = people.iter().find(|id| **id >= reached).or(people.first());
                prop_assert_eq!(Some(first), expected);
            }
            visited.sort_unstable();
            prop_assert_eq!(visited, people);
        }
    }
}
