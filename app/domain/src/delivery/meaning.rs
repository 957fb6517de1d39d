//! What an outcome says of the recipient, of the transport and of the message.
//!
//! Codes are hints, not law: large providers use the same `550` for "nobody of this name" and for "we do not like
//! you". So the enhanced code decides before the code, and words only where both leave it open.

use super::{Answer, Outcome, Stage};

/// What becomes of the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// Told: `250` after the final dot, and nothing else.
    Sent,
    /// Not reached, for a reason that has nothing to do with this person: the attempt does not count.
    StillWaiting,
    /// Later, on the schedule that greylisting servers expect.
    RetryLater,
    /// Their mailbox is full: a few hours may help.
    MailboxFull,
    /// Refused for good.
    Failed {
        /// The address does not exist: never write to it again.
        suppress: bool,
    },
    /// The server may have it or not.
    Uncertain,
}

/// What the transport should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Go on.
    Fine,
    /// Open a new connection, with patience if that happens often.
    Reconnect,
    /// "Later", for no reason that is the recipient's: go on, unless nearly everyone is told so.
    PutOff,
    /// Too fast: halve the rate and pause.
    SlowDown,
    /// The day's allowance is used up: wait and probe.
    QuotaReached,
    /// Our credentials or settings are refused: stop, tell the owner, probe every few minutes.
    Broken,
    /// The server dislikes us, not the recipient: stop and tell the owner when it happens often.
    PolicyRefused,
    /// The server or the way to it is out of order: try again with growing pauses.
    Backoff,
}

/// What one outcome says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Of the recipient.
    pub recipient: Recipient,
    /// Of the transport.
    pub transport: Transport,
    /// The server refused what the message says or its size: if it refuses it for several people, pause the broadcast.
    pub is_about_the_message: bool,
}

impl Meaning {
    fn new(recipient: Recipient, transport: Transport) -> Self {
        Self { recipient, transport, is_about_the_message: false }
    }

    /// Whether this attempt moves the recipient along the schedule of retries.
    pub fn counts(&self) -> bool {
        self.recipient != Recipient::StillWaiting
    }
}

/// Reads an outcome. Nothing but `250` to the final dot means sent.
pub fn meaning(outcome: &Outcome) -> Meaning {
    let (stage, answer) = match outcome {
        Outcome::Lost(Stage::Dot, _) => return Meaning::new(Recipient::Uncertain, Transport::Reconnect),
        Outcome::Lost(..) => return Meaning::new(Recipient::StillWaiting, Transport::Backoff),
        Outcome::Answered(stage, answer) => (*stage, answer),
    };
    match answer.code {
        250 if stage == Stage::Dot => Meaning::new(Recipient::Sent, Transport::Fine),
        421 => closing(stage, answer),
        // Credentials missing, weak or wrong, or encryption missing (RFC 4954), at whatever stage the server notices.
        530 | 534 | 535 | 538 => Meaning::new(Recipient::StillWaiting, Transport::Broken),
        400..500 => not_now(stage, answer),
        500..600 => refused(stage, answer),
        // A reply that cannot stand here: the two sides no longer talk about the same command.
        _ if stage == Stage::Dot => Meaning::new(Recipient::Uncertain, Transport::Reconnect),
        _ => Meaning::new(Recipient::StillWaiting, Transport::Backoff),
    }
}

/// `421`: the server closes the connection.
fn closing(stage: Stage, answer: &Answer) -> Meaning {
    let words = Words::of(answer);
    if words.speak_of_quota(answer.code) {
        Meaning::new(Recipient::StillWaiting, Transport::QuotaReached)
    } else if stage == Stage::Dot {
        // A reply, so the message was not taken (RFC 5321, 3.8): as 451, and counted, or one message could loop.
        Meaning::new(Recipient::RetryLater, Transport::Reconnect)
    } else if answer.enhanced == Some((4, 7, 28)) || words.speak_of_rate() {
        Meaning::new(Recipient::StillWaiting, Transport::SlowDown)
    } else {
        Meaning::new(Recipient::StillWaiting, Transport::Reconnect)
    }
}

/// `4yz`.
fn not_now(stage: Stage, answer: &Answer) -> Meaning {
    use Recipient::{MailboxFull, RetryLater, StillWaiting};
    let words = Words::of(answer);
    let is_rate = words.speak_of_rate() || words.have("too many");
    if stage.is_opening() {
        let transport = match () {
            () if words.speak_of_quota(answer.code) => Transport::QuotaReached,
            () if is_rate => Transport::SlowDown,
            () => Transport::Backoff,
        };
        return Meaning::new(StillWaiting, transport);
    }
    match answer.enhanced {
        Some((_, 2, 2)) => Meaning::new(MailboxFull, Transport::Fine),
        _ if words.have("greylist") || words.have("graylist") => Meaning::new(RetryLater, Transport::Fine),
        _ if words.speak_of_quota(answer.code) => Meaning::new(StillWaiting, Transport::QuotaReached),
        // About this mailbox, whatever the words: "this user receives mail at too high a rate" is not about ours.
        Some((_, 2, _)) => Meaning::new(RetryLater, Transport::Fine),
        None if words.speak_of_a_full_mailbox() => Meaning::new(MailboxFull, Transport::Fine),
        Some((_, 7, 0 | 28)) => Meaning::new(StillWaiting, Transport::SlowDown),
        _ if is_rate => Meaning::new(StillWaiting, Transport::SlowDown),
        // The server is short of something. Counted, because one message may be what it chokes on.
        Some((_, 3, _)) => Meaning::new(RetryLater, Transport::Backoff),
        _ => Meaning::new(RetryLater, Transport::PutOff),
    }
}

/// `5yz`.
fn refused(stage: Stage, answer: &Answer) -> Meaning {
    use Recipient::{Failed, MailboxFull, RetryLater, StillWaiting};
    let words = Words::of(answer);
    let is_about_us = Meaning::new(RetryLater, Transport::PolicyRefused);
    if stage.is_opening() {
        return Meaning::new(StillWaiting, Transport::Broken);
    }
    if words.speak_of_quota(answer.code) {
        return Meaning::new(StillWaiting, Transport::QuotaReached);
    }
    let is_at_recipient = matches!(stage, Stage::Rcpt | Stage::Dot);
    match (answer.enhanced, answer.code) {
        (Some((_, 2, 2)), _) => Meaning::new(MailboxFull, Transport::Fine),
        (Some((_, 1, 1 | 2 | 3 | 10)), _) if is_at_recipient => {
            Meaning::new(Failed { suppress: true }, Transport::Fine)
        }
        (Some((_, 3, 4)), _) => about_the_message(),
        (Some((_, 7, _)), code) if code != 552 => is_about_us,
        _ if words.speak_of_policy() => is_about_us,
        (None, _) if stage == Stage::Rcpt && words.speak_of_a_full_mailbox() => {
            Meaning::new(MailboxFull, Transport::Fine)
        }
        (None, 552) if stage == Stage::Rcpt => Meaning::new(MailboxFull, Transport::Fine),
        (_, 552) if stage == Stage::Data => about_the_message(),
        (_, 552 | 554) if stage == Stage::Dot => about_the_message(),
        // "Unknown command" or "wrong order": a misunderstanding between two programs, no verdict on a person.
        (_, 500 | 502..=504) => Meaning::new(RetryLater, Transport::Reconnect),
        // The sender, or sending at all.
        _ if !is_at_recipient => is_about_us,
        (None, 550 | 551 | 553) if words.speak_of_nobody() => Meaning::new(Failed { suppress: true }, Transport::Fine),
        _ => Meaning::new(Failed { suppress: false }, Transport::Fine),
    }
}

fn about_the_message() -> Meaning {
    Meaning { is_about_the_message: true, ..Meaning::new(Recipient::Failed { suppress: false }, Transport::Fine) }
}

/// A reply's words in small letters.
struct Words(String);

impl Words {
    fn of(answer: &Answer) -> Self {
        Self(answer.text.to_ascii_lowercase())
    }

    fn have(&self, phrase: &str) -> bool {
        self.0.contains(phrase)
    }

    fn have_any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.have(phrase))
    }

    /// A whole word, for those that hide in others: there is a "rate" in "generate".
    fn have_word(&self, word: &str) -> bool {
        self.0.split(|letter: char| !letter.is_alphanumeric()).any(|found| found == word)
    }

    /// Amazon SES answers `454 Throttling failure` to both: only the rest tells a day's quota from a second's rate.
    fn speak_of_quota(&self, code: u16) -> bool {
        let daily = self.have_word("daily");
        (code == 454 && (daily || self.have("quota"))) || (daily && self.have_any(&["limit", "quota"]))
    }

    fn speak_of_rate(&self) -> bool {
        self.have_word("rate") || self.have_any(&["throttl", "ratelimit"])
    }

    fn speak_of_a_full_mailbox(&self) -> bool {
        (self.have("mailbox") && self.have_word("full"))
            || self.have_any(&["over quota", "overquota", "quota exceeded"])
    }

    fn speak_of_policy(&self) -> bool {
        self.have_any(&["spam", "blocked", "blocklist", "block list", "blacklist", "reputation", "policy", "relay"])
    }

    fn speak_of_nobody(&self) -> bool {
        const PHRASES: &[&str] = &[
            "user unknown",
            "unknown user",
            "unknown recipient",
            "recipient unknown",
            "unknown mailbox",
            "no such",
            "does not exist",
            "doesn't exist",
            "not found",
            "no mailbox",
            "invalid recipient",
            "invalid mailbox",
        ];
        self.have_any(PHRASES)
    }
}

#[cfg(test)]
#[path = "meaning_tests.rs"]
mod tests;
