//! When to try again, and when to stop.

use jiff::{SignedDuration, Timestamp};

use super::{DeliveryState, Outcome, Recipient, meaning};

/// The pauses that greylisting servers expect; the last one repeats until the message expires.
const PAUSES: [SignedDuration; 5] = [
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
    SignedDuration::from_mins(45),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(4),
];

/// How long a full mailbox is left alone.
const MAILBOX_FULL_PAUSE: SignedDuration = SignedDuration::from_hours(2);

/// A mailbox that was full when it was to hear of so many different incidents …
pub const FULL_MAILBOX_INCIDENTS: i64 = 3;
/// … within this time …
pub const FULL_MAILBOX_WINDOW: SignedDuration = SignedDuration::from_hours(14 * 24);
/// … belongs to nobody who reads it, and is left alone for so long.
pub const FULL_MAILBOX_REST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long a server that may have the message is left alone.
const UNCERTAIN_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a delivery when an attempt at it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Attempts before this one that counted ([`super::Meaning::counts`]).
    pub counted_before: u32,
    /// An earlier attempt ended uncertain: this one was the second and last chance.
    pub was_uncertain: bool,
    /// Whether to send again what the server may already have. Not so for confirmations: the person asks again.
    pub may_repeat: bool,
    /// When the message stops being worth sending.
    pub expires_at: Timestamp,
}

/// What to do with a delivery after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The recipient was told.
    Done,
    /// Again at this time, which is before the message expires, with the same Message-ID and sender.
    RetryAt(Timestamp),
    /// Never again: the state to store, and why.
    GiveUp(DeliveryState, String),
}

/// Decides what follows from an outcome. `jitter` is any random number: it spreads retries by ±20 %.
pub fn after(attempt: &Attempt, outcome: &Outcome, now: Timestamp, jitter: u64) -> Next {
    let pause = match meaning(outcome).recipient {
        Recipient::Sent => return Next::Done,
        Recipient::Failed { .. } => return Next::GiveUp(DeliveryState::Failed, outcome.to_string()),
        Recipient::Uncertain if attempt.was_uncertain || !attempt.may_repeat => {
            return Next::GiveUp(DeliveryState::Uncertain, outcome.to_string());
        }
        Recipient::Uncertain => UNCERTAIN_PAUSE,
        // At once, behind those already due: the transport knows how long it must wait.
        Recipient::StillWaiting => SignedDuration::ZERO,
        Recipient::MailboxFull => spread(MAILBOX_FULL_PAUSE, jitter),
        Recipient::RetryLater => {
            let step = usize::try_from(attempt.counted_before).unwrap_or(usize::MAX);
            spread(PAUSES[step.min(PAUSES.len() - 1)], jitter)
        }
    };
    match now.checked_add(pause) {
        Ok(at) if at < attempt.expires_at => Next::RetryAt(at),
        _ => {
            let may_have_it = attempt.was_uncertain || meaning(outcome).recipient == Recipient::Uncertain;
            let state = if may_have_it { DeliveryState::Uncertain } else { DeliveryState::Expired };
            Next::GiveUp(state, outcome.to_string())
        }
    }
}

/// From 80 % to 120 % of a pause.
fn spread(pause: SignedDuration, jitter: u64) -> SignedDuration {
    let fifth = pause / 5;
    let share = i32::try_from(jitter % 1001).unwrap_or(0);
    pause - fifth + fifth * 2 * share / 1000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::delivery::{Answer, Stage};

    const MIDDLE: u64 = 500;

    fn now() -> Timestamp {
        "2024-02-05T10:12:00Z".parse().unwrap()
    }

    fn attempt(counted_before: u32) -> Attempt {
        let expires_at = now() + SignedDuration::from_hours(12);
        Attempt { counted_before, was_uncertain: false, may_repeat: true, expires_at }
    }

    fn answered(stage: Stage, code: u16, text: &str) -> Outcome {
        Outcome::Answered(stage, Answer::new(code, [text]))
    }

    fn greylisted() -> Outcome {
        answered(Stage::Rcpt, 450, "4.2.0 Greylisted")
    }

    fn dropped_after_the_dot() -> Outcome {
        Outcome::Lost(Stage::Dot, "the server closed the connection".into())
    }

    #[test]
    fn greylisting_is_met_with_growing_patience() {
        for (counted, minutes) in [(0, 5), (1, 15), (2, 45), (3, 120), (4, 240), (5, 240), (u32::MAX, 240)] {
            let at = now() + SignedDuration::from_mins(minutes);
            assert_eq!(after(&attempt(counted), &greylisted(), now(), MIDDLE), Next::RetryAt(at), "{counted}");
        }
    }

    #[test]
    fn pauses_are_spread_by_a_fifth_either_way() {
        for (jitter, minutes) in [(0, 4), (500, 5), (1000, 6)] {
            let at = now() + SignedDuration::from_mins(minutes);
            assert_eq!(after(&attempt(0), &greylisted(), now(), jitter), Next::RetryAt(at));
        }
    }

    #[test]
    fn a_full_mailbox_is_left_alone_for_two_hours() {
        let full = answered(Stage::Rcpt, 452, "4.2.2 Full");
        let at = now() + SignedDuration::from_hours(2);
        assert_eq!(after(&attempt(0), &full, now(), MIDDLE), Next::RetryAt(at));
    }

    #[test]
    fn a_fault_of_the_transport_costs_the_recipient_nothing() {
        let shutting_down = answered(Stage::Mail, 421, "4.3.2 Shutting down");
        assert_eq!(after(&attempt(3), &shutting_down, now(), MIDDLE), Next::RetryAt(now()));
        assert!(!meaning(&shutting_down).counts());
    }

    #[test]
    fn what_the_server_may_have_is_sent_once_more() {
        let at = now() + SignedDuration::from_mins(10);
        assert_eq!(after(&attempt(2), &dropped_after_the_dot(), now(), 7), Next::RetryAt(at));
        let second = Attempt { was_uncertain: true, ..attempt(3) };
        let reason = "Final dot: the server closed the connection".to_owned();
        let gave_up = Next::GiveUp(DeliveryState::Uncertain, reason);
        assert_eq!(after(&second, &dropped_after_the_dot(), now(), 7), gave_up);
        let confirmation = Attempt { may_repeat: false, ..attempt(0) };
        assert_eq!(after(&confirmation, &dropped_after_the_dot(), now(), 7), gave_up);
    }

    #[test]
    fn a_refusal_ends_it_with_the_servers_words() {
        let refused = answered(Stage::Rcpt, 550, "5.1.1 No such user");
        let gave_up = Next::GiveUp(DeliveryState::Failed, "RCPT: 550 5.1.1 No such user".into());
        assert_eq!(after(&attempt(0), &refused, now(), MIDDLE), gave_up);
    }

    #[test]
    fn what_would_come_too_late_expires_and_says_why() {
        let late = Attempt { expires_at: now() + SignedDuration::from_mins(5), ..attempt(0) };
        let reason = "RCPT: 450 4.2.0 Greylisted".to_owned();
        assert_eq!(after(&late, &greylisted(), now(), MIDDLE), Next::GiveUp(DeliveryState::Expired, reason.clone()));
        let second = Attempt { was_uncertain: true, ..late };
        assert_eq!(after(&second, &greylisted(), now(), MIDDLE), Next::GiveUp(DeliveryState::Uncertain, reason));
    }

    proptest! {
        #[test]
        fn a_retry_lies_between_now_and_the_end(
            code in 200_u16..600, stage in prop::sample::select(Stage::ALL), is_lost: bool, counted: u32, was_uncertain: bool,
            may_repeat: bool, left in -100_000_i64..100_000, jitter: u64
        ) {
            let outcome = if is_lost { Outcome::Lost(stage, "closed".into()) } else { answered(stage, code, "") };
            let expires_at = now() + SignedDuration::from_secs(left);
            let attempt = Attempt { counted_before: counted, was_uncertain, may_repeat, expires_at };
            match after(&attempt, &outcome, now(), jitter) {
                Next::Done => prop_assert!(code == 250 && stage == Stage::Dot && !is_lost),
                Next::RetryAt(at) => prop_assert!(at >= now() && at < expires_at),
                Next::GiveUp(state, reason) => {
                    prop_assert!(matches!(state, DeliveryState::Failed | DeliveryState::Expired | DeliveryState::Uncertain));
                    prop_assert!(!reason.is_empty());
                }
            }
        }

        #[test]
        fn nothing_is_repeated_forever_when_it_may_have_arrived(counted: u32, left in 0_i64..1_000_000, jitter: u64) {
            let expires_at = now() + SignedDuration::from_secs(left);
            let attempt = Attempt { counted_before: counted, was_uncertain: true, may_repeat: true, expires_at };
            prop_assert!(matches!(
                after(&attempt, &dropped_after_the_dot(), now(), jitter),
                Next::GiveUp(DeliveryState::Uncertain, _)
            ));
        }
    }
}
