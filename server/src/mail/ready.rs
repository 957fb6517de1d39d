//! What this node has leased and not begun, most urgent first, and what goes to the sessions next.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use domain::broadcast::{Lane, URGENT_BEFORE_ONE};
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::{deliver::Cleared, route::tested};
use crate::store::deliveries::Delivery;

/// So many urgent mails before one that can wait.
const URGENT: usize = URGENT_BEFORE_ONE as usize;
/// What can wait and was not there when its turn came catches up no more than this.
const MOST_OWED: usize = 10;

/// Leased deliveries, one queue a lane, and one for the tests of each route.
#[derive(Debug)]
pub(super) struct Ready {
    lanes: Mutex<[VecDeque<Delivery>; 6]>,
    /// Urgent parts of broadcasts that went since what can wait had its turn.
    urgent: AtomicUsize,
    /// Something was added: for the selector of each route.
    pub(super) filled: [Notify; 2],
    /// Something was taken: for the feeder.
    pub(super) drained: Notify,
}

impl Ready {
    pub(super) fn new() -> Self {
        Self {
            lanes: Mutex::default(),
            urgent: AtomicUsize::new(0),
            filled: [Notify::new(), Notify::new()],
            drained: Notify::new(),
        }
    }

    fn lanes(&self) -> MutexGuard<'_, [VecDeque<Delivery>; 6]> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what was claimed.
    pub(super) fn add(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        let mut lanes = self.lanes();
        for delivery in deliveries {
            lanes[place_of(&delivery)].push_back(delivery);
        }
        self.notify();
    }

    fn notify(&self) {
        for filled in &self.filled {
            filled.notify_one();
        }
    }

    /// Puts back what could not be sent now, before everything else of its lane.
    pub(super) fn put_back(&self, deliveries: impl IntoIterator<Item = Delivery, IntoIter: DoubleEndedIterator>) {
        let mut lanes = self.lanes();
        for delivery in deliveries.into_iter().rev() {
            lanes[place_of(&delivery)].push_front(delivery);
        }
        drop(lanes);
        self.notify();
    }

    /// Takes out what is no longer worth sending.
    pub(super) fn take_expired(&self, now: Timestamp) -> Vec<Delivery> {
        let mut expired = Vec::new();
        for lane in self.lanes().iter_mut() {
            let (late, rest): (VecDeque<_>, _) =
                std::mem::take(lane).into_iter().partition(|delivery| delivery.expires_at <= now);
            *lane = rest;
            expired.extend(late);
        }
        expired
    }

    /// Takes out whatever else there is of the same broadcast.
    pub(super) fn take_rest(&self, of: &Delivery) -> VecDeque<Delivery> {
        let mut lanes = self.lanes();
        let lane = &mut lanes[place_of(of)];
        let (rest, others) = std::mem::take(lane).into_iter().partition(|delivery| delivery.broadcast == of.broadcast);
        *lane = others;
        self.drained.notify_one();
        rest
    }

    /// How many there are in a lane.
    pub(super) fn count(&self, lane: Lane) -> usize {
        self.lanes()[place(lane)].len()
    }

    /// How many parts of broadcasts there are.
    pub(super) fn bulk(&self) -> usize {
        let lanes = self.lanes();
        Lane::ALL.iter().filter(|lane| lane.is_bulk()).map(|lane| lanes[place(*lane)].len()).sum()
    }

    /// The next letter of a lane.
    pub(super) fn take_letter(&self, lane: Lane) -> Option<Delivery> {
        let letter = self.lanes()[place(lane)].pop_front();
        if letter.is_some() {
            self.drained.notify_one();
        }
        letter
    }

    /// How many letters try a route.
    pub(super) fn tests(&self, route: usize) -> usize {
        self.lanes()[Lane::ALL.len() + route].len()
    }

    /// Whether one of them was not tried yet.
    pub(super) fn has_new_test(&self, route: usize) -> bool {
        self.lanes()[Lane::ALL.len() + route].iter().any(is_new)
    }

    /// The next letter that tries a route: one that was not tried yet, if there is any.
    pub(super) fn take_test(&self, route: usize) -> Option<Delivery> {
        let tests = &mut self.lanes()[Lane::ALL.len() + route];
        let next = tests.iter().position(is_new).unwrap_or(0);
        tests.remove(next)
    }

    /// The next of one broadcast, at most `limit`: of the most urgent, or of one that can wait when it has its turn.
    pub(super) fn take_group(&self, limit: usize) -> Vec<Delivery> {
        let mut lanes = self.lanes();
        let urgent = self.urgent.load(Ordering::Relaxed);
        let [has_urgent, has_digests] = [Lane::Incident, Lane::Digest].map(|lane| !lanes[place(lane)].is_empty());
        let turns = urgent / URGENT;
        let (lane, limit) = match (has_urgent, has_digests) {
            (true, true) if turns > 0 => (Lane::Digest, limit.min(turns)),
            (true, _) => (Lane::Incident, limit),
            (false, _) => (Lane::Digest, limit),
        };
        let queue = &mut lanes[place(lane)];
        let mut group: Vec<Delivery> = Vec::new();
        while let Some(next) = queue.front()
            && group.len() < limit
            && group.first().is_none_or(|first| first.broadcast == next.broadcast)
        {
            group.extend(queue.pop_front());
        }
        let urgent = match lane {
            Lane::Digest => urgent.saturating_sub(group.len() * URGENT),
            Lane::Alert | Lane::Account | Lane::Incident => (urgent + group.len()).min(MOST_OWED * URGENT),
        };
        self.urgent.store(urgent, Ordering::Relaxed);
        if !group.is_empty() {
            self.drained.notify_one();
        }
        group
    }
}

/// Behind the lanes come the tests: they go by one route only.
fn place_of(delivery: &Delivery) -> usize {
    tested(&delivery.kind).map_or_else(|| place(delivery.lane), |route| Lane::ALL.len() + route)
}

fn is_new(test: &Delivery) -> bool {
    test.due_at <= test.created_at
}

fn place(lane: Lane) -> usize {
    usize::try_from(lane.rank()).unwrap_or_default()
}

/// Hands mails that may be sent now to a session that is free: to the one that was busy last, so that when mails leave
/// slowly a few connections stay in use, and the others are closed. Letters first.
///
/// Short, because what is in here can neither be overtaken nor asked once more whether it is wanted.
#[derive(Debug)]
pub(super) struct Handover {
    inside: Mutex<Inside>,
    free: Semaphore,
}

#[derive(Debug, Default)]
struct Inside {
    queue: VecDeque<Cleared>,
    /// Those who wait: the last is called first.
    waiting: Vec<Arc<Notify>>,
}

impl Inside {
    fn call(&mut self) {
        if let Some(waiting) = self.waiting.pop() {
            waiting.notify_one();
        }
    }
}

impl Handover {
    pub(super) fn new(places: usize) -> Self {
        Self { inside: Mutex::default(), free: Semaphore::new(places) }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a free place. `None`: it is over.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.free.acquire().await.ok()
    }

    /// Fills a place.
    pub(super) fn put(&self, place: SemaphorePermit<'_>, cleared: Cleared) {
        place.forget();
        let mut inside = self.inside();
        if cleared.delivery.lane.is_bulk() {
            inside.queue.push_back(cleared);
        } else {
            inside.queue.push_front(cleared);
        }
        inside.call();
    }

    /// Waits for the next mail; whoever has no connection gets it when nobody else is free. Cancelling loses nothing.
    pub(super) async fn take(&self, is_connected: bool) -> Cleared {
        let waiting = Waiting { handover: self, call: Arc::default() };
        loop {
            if let Some(next) = waiting.take_or_wait(is_connected) {
                self.free.add_permits(1);
                return next;
            }
            waiting.call.notified().await;
        }
    }
}

/// A session that waits for a mail.
struct Waiting<'a> {
    handover: &'a Handover,
    call: Arc<Notify>,
}

impl Waiting<'_> {
    fn take_or_wait(&self, is_connected: bool) -> Option<Cleared> {
        let mut inside = self.handover.inside();
        let next = inside.queue.pop_front();
        if next.is_none() {
            let place = if is_connected { inside.waiting.len() } else { 0 };
            inside.waiting.insert(place, Arc::clone(&self.call));
        }
        next
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut inside = self.handover.inside();
        inside.waiting.retain(|call| !Arc::ptr_eq(call, &self.call));
        // It may have been called and not have come.
        if !inside.queue.is_empty() {
            inside.call();
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{BroadcastId, DeliveryId};

    use super::*;

    fn parts(lane: Lane, count: u64) -> impl Iterator<Item = Delivery> {
        (0..count).map(move |number| Delivery {
            id: DeliveryId::from_random(number),
            broadcast: Some(BroadcastId::from_random(lane.rank().unsigned_abs())),
            subscriber: None,
            generation: 0,
            preferences: domain::i18n::Preferences::default(),
            kind: "update".into(),
            lane,
            address: "p@example.com".parse().unwrap(),
            letter: None,
            attempts: 0,
            was_uncertain: false,
            created_at: Timestamp::UNIX_EPOCH,
            due_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::MAX,
        })
    }

    #[test]
    fn what_can_wait_keeps_a_twentieth_while_something_is_urgent() {
        let ready = Ready::new();
        ready.add(parts(Lane::Digest, 100));
        ready.add(parts(Lane::Incident, 950));
        let (mut urgent, mut digests) = (0, 0);
        while urgent < 950 {
            let group = ready.take_group(50);
            assert!(group.iter().all(|part| part.lane == group[0].lane));
            *if group[0].lane == Lane::Digest { &mut digests } else { &mut urgent } += group.len();
        }
        assert!((47..=50).contains(&digests), "{digests} of 950");
        assert_eq!(ready.take_group(50).len(), 50, "nothing is urgent any more");
    }

    #[test]
    fn what_was_not_there_for_long_does_not_hold_up_what_is_urgent() {
        let ready = Ready::new();
        ready.add(parts(Lane::Incident, 5_000));
        for _ in 0..80 {
            ready.take_group(50);
        }
        ready.add(parts(Lane::Digest, 100));
        assert_eq!(ready.take_group(50).len(), MOST_OWED);
        assert_eq!(ready.take_group(50)[0].lane, Lane::Incident);
    }

    #[test]
    fn what_has_stopped_is_taken_out_whole() {
        let ready = Ready::new();
        ready.add(parts(Lane::Incident, 70));
        let another = Some(BroadcastId::from_random(9));
        ready.add(parts(Lane::Incident, 5).map(|part| Delivery { broadcast: another.clone(), ..part }));
        ready.add(parts(Lane::Incident, 10));
        let group = ready.take_group(50);
        assert_eq!(ready.take_rest(&group[0]).len(), 30);
        let left = ready.take_group(50);
        assert!(left.len() == 5 && left.iter().all(|part| part.broadcast == another));
    }
}
