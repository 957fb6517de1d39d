//! What holds sending back beside rate, quota and trouble with a transport: permits for mails whose outcome is not
//! stored yet, and silence from the store.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{delivery::Transport as Word, rate::Rate};
use jiff::SignedDuration;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use crate::store::{Result, StoreError};

/// What one mail is taken to need from `MAIL` to the commit before anything was measured.
const FIRST_GUESS: Duration = Duration::from_secs(1);
/// Nothing is sent when the store has been silent for longer: another node may have taken over.
const SILENCE: Duration = Duration::from_secs(10);
/// A question to the store that takes longer is given up: its machine may be gone without a word.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// How many mails may be under way whose outcome is not stored: the bound of duplicates after a crash.
#[derive(Debug)]
pub(super) struct Permits {
    free: Arc<Semaphore>,
    /// Held over a change, so that two at once change it one after the other.
    size: Mutex<usize>,
    /// What one mail needs, in microseconds; a moving mean.
    each: AtomicU64,
    rate: Rate,
    /// Of the transport, for the gauge.
    name: &'static str,
}

impl Permits {
    pub(super) fn new(name: &'static str, rate: Rate) -> Self {
        let each = u64::try_from(FIRST_GUESS.as_micros()).unwrap_or(0);
        let (free, size) = (Arc::new(Semaphore::new(0)), Mutex::new(0));
        let permits = Self { free, size, each: each.into(), rate, name };
        permits.resize();
        permits
    }

    /// Waits until one more mail may be under way. `None`: it is over.
    pub(super) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// How many there are.
    pub(super) fn size(&self) -> usize {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns how long a mail took from `MAIL` to the commit.
    pub(super) fn learn(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let each = self.each.load(Ordering::Relaxed);
        self.each.store(each - each / 16 + took / 16, Ordering::Relaxed);
    }

    /// Follows what was learnt.
    pub(super) fn resize(&self) {
        let each = i64::try_from(self.each.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        let wanted = usize::try_from(self.rate.outstanding(SignedDuration::from_micros(each))).unwrap_or(usize::MAX);
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted >= *size {
            self.free.add_permits(wanted - *size);
            *size = wanted;
        } else {
            // Those in use are taken away another time.
            *size -= self.free.forget_permits(*size - wanted);
        }
        // At once: after a crash, the last that was shown bounds what is repeated.
        let shown = u32::try_from(*size).unwrap_or(u32::MAX);
        metrics::gauge!("tidings_mail_permits", "transport" => self.name).set(shown);
    }
}

/// Gives up on a question to the store after 15 seconds. What was to be written may have been.
pub(super) async fn in_time<T>(question: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(PATIENCE, question).await.unwrap_or(Err(StoreError::Late))
}

/// How long a recipient waits at least when the transport was the reason.
pub(super) fn least_pause(word: Word) -> SignedDuration {
    match word {
        // The same recipient would be refused again.
        Word::PolicyRefused => SignedDuration::from_mins(1),
        _ => SignedDuration::from_secs(1),
    }
}

/// When the store last confirmed that this node is alive.
#[derive(Debug)]
pub(super) struct Pulse(Mutex<Instant>);

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// A transaction that began at `began` confirmed it.
    pub(super) fn beat(&self, began: Instant) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(began);
    }

    /// Whether mail may be sent.
    pub(super) fn is_alive(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < SILENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_permits_as_they_say_however_many_resize_them() {
        let permits = Permits::new("main", Rate::per_second(100));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..5_000 {
                        permits.learn(Duration::from_secs(round % 7 * 10));
                        permits.resize();
                    }
                });
            }
        });
        assert_eq!(permits.free.available_permits(), permits.size());
    }

    #[test]
    fn nothing_is_sent_while_the_store_is_silent() {
        let pulse = Pulse::new();
        assert!(pulse.is_alive());
        let before = Instant::now() - SILENCE;
        *pulse.0.lock().unwrap() = before;
        assert!(!pulse.is_alive());
        // What was begun long ago and is answered only now says nothing about now.
        pulse.beat(before + Duration::from_nanos(1));
        assert!(!pulse.is_alive());
        pulse.beat(Instant::now());
        pulse.beat(before);
        assert!(pulse.is_alive());
    }
}
