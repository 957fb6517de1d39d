//! What mail services report after they have taken a mail: it bounced, or its reader called it spam.
//!
//! ```text
//! report ─ verdict ─▶ suppressed   the address does not work: nothing is sent there any more
//!                     left         the reader does not want it: as before, and they are unsubscribed
//!                     about_us     the mail or its sender is refused: nobody's address is blamed
//!                     noted        it may work next time
//! ```

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{Answer, Outcome, Recipient, Stage, Transport, meaning},
    email_address::EmailAddress,
    status::{UnknownStatus, words},
};

words! {
    /// What is reported.
    BounceKind {
        /// The mail did not arrive after all.
        Bounce = "bounce", "Bounced later";
        /// It arrived, and its reader called it spam.
        Complaint = "complaint", "Called spam by its reader";
    }
}

words! {
    /// Whether another mail may fare better, in the service's opinion.
    Permanence {
        /// It may.
        Transient = "transient", "For now";
        /// The service cannot tell.
        Undetermined = "undetermined", "Not known";
        /// It will not.
        Permanent = "permanent", "For good";
    }
}

words! {
    /// What follows from a report.
    Verdict {
        /// Nothing.
        Noted = "noted", "Noted";
        /// Nothing for the recipient: the mail or its sender was refused.
        AboutUs = "about_us", "Refused for what we are";
        /// Nothing is sent to the address any more.
        Suppressed = "suppressed", "The address does not work";
        /// The same, and they are unsubscribed.
        Left = "left", "Unsubscribed";
    }
}

/// One report about one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How the service names it: what comes again under this name is the same report.
    pub id: String,
    /// What is reported.
    pub kind: BounceKind,
    /// Of a bounce, whether another mail may fare better.
    pub permanence: Permanence,
    /// Whom the mail was for.
    pub recipient: EmailAddress,
    /// The mail's Message-ID, if the service passes it on.
    pub message_id: Option<String>,
    /// By when the mail had been sent.
    pub sent_by: Timestamp,
    /// When it happened.
    pub at: Timestamp,
    /// The receiving server's words, such as `smtp; 550 5.1.1 user unknown`; may be empty.
    pub diagnostic: String,
    /// The service says that the mail or its sender was refused, not the recipient.
    pub is_about_us: bool,
}

/// What follows from a report.
///
/// Services call a bounce permanent as soon as a server has said no for good, also when it said no to us: so what the
/// server said is read as an answer to ourselves would be, and an address is given up only if nothing speaks against it.
pub fn verdict(report: &Report) -> Verdict {
    match (report.kind, report.permanence) {
        (BounceKind::Complaint, _) if report.is_about_us => Verdict::Noted,
        (BounceKind::Complaint, _) => Verdict::Left,
        _ if report.is_about_us => Verdict::AboutUs,
        (BounceKind::Bounce, Permanence::Permanent) => of_words(&report.diagnostic),
        (BounceKind::Bounce, _) => Verdict::Noted,
    }
}

fn of_words(diagnostic: &str) -> Verdict {
    let meaning = meaning(&Outcome::Answered(Stage::Rcpt, answer(diagnostic)));
    match meaning.recipient {
        _ if meaning.is_about_the_message => Verdict::AboutUs,
        _ if !matches!(meaning.transport, Transport::Fine | Transport::PutOff) => Verdict::AboutUs,
        Recipient::Failed { .. } => Verdict::Suppressed,
        _ => Verdict::Noted,
    }
}

/// The answer in `smtp; 550 5.1.1 user unknown` (RFC 3464, section 2.3.6) or what of it there is.
fn answer(diagnostic: &str) -> Answer {
    let words = diagnostic.trim();
    let words =
        words.split_once(';').filter(|(kind, _)| kind.eq_ignore_ascii_case("smtp")).map_or(words, |(_, rest)| rest);
    let words = words.trim_start();
    let code = words.get(..3).filter(|code| code.starts_with(['4', '5'])).and_then(|code| code.parse().ok());
    match code {
        Some(code) => Answer::new(code, [words[3..].trim_start_matches(['-', ' '])]),
        // Permanent, says the service; some pass on the enhanced code alone.
        None => Answer::new(550, [words]),
    }
}

/// Fewer mails than this say nothing of a list.
const SAMPLE: i64 = 200;
/// More of a hundred than this is more than providers bear: Amazon warns at 5 and stops at 10.
const PERCENT: i64 = 8;

/// Whether so many bounces of so many mails endanger all mail.
pub fn is_alarming(sent: i64, bounced: i64) -> bool {
    sent >= SAMPLE && bounced.saturating_mul(100) > sent.saturating_mul(PERCENT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn report(kind: BounceKind, permanence: Permanence, diagnostic: &str) -> Report {
        let at = "2024-02-05T10:41:09Z".parse().unwrap();
        Report {
            id: "1".into(),
            kind,
            permanence,
            recipient: "jo@example.org".parse().unwrap(),
            message_id: None,
            sent_by: at,
            at,
            diagnostic: diagnostic.into(),
            is_about_us: false,
        }
    }

    fn permanent(diagnostic: &str) -> Verdict {
        verdict(&report(BounceKind::Bounce, Permanence::Permanent, diagnostic))
    }

    #[test]
    fn who_does_not_exist_is_given_up() {
        for words in [
            "",
            "smtp; 550 5.1.1 <jo@example.org>: user unknown",
            "smtp;550-5.1.1 The email account that you tried to reach does not exist.",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound",
            "5.1.1",
            "smtp; 550 no thanks",
            "The recipient's domain has no mail server",
            "x",
            "é",
        ] {
            assert_eq!(permanent(words), Verdict::Suppressed, "{words}");
        }
    }

    #[test]
    fn what_is_about_us_blames_nobody() {
        for words in [
            "smtp; 550 5.7.1 Message rejected as spam",
            "smtp; 554 5.7.26 Unauthenticated mail",
            "550 blocked using zen.example.org",
            "smtp; 552 5.3.4 Message too big",
            "5.7.1",
            "SMTP; 554-Your IP has a poor reputation",
        ] {
            assert_eq!(permanent(words), Verdict::AboutUs, "{words}");
        }
        let refused = Report { is_about_us: true, ..report(BounceKind::Bounce, Permanence::Permanent, "550 5.1.1") };
        assert_eq!(verdict(&refused), Verdict::AboutUs);
    }

    #[test]
    fn what_may_pass_is_noted() {
        assert_eq!(permanent("smtp; 552 5.2.2 mailbox full"), Verdict::Noted);
        for permanence in [Permanence::Transient, Permanence::Undetermined] {
            assert_eq!(verdict(&report(BounceKind::Bounce, permanence, "550 5.1.1 user unknown")), Verdict::Noted);
        }
    }

    #[test]
    fn who_complains_has_left() {
        for permanence in Permanence::ALL {
            assert_eq!(verdict(&report(BounceKind::Complaint, *permanence, "")), Verdict::Left);
        }
        let not_spam = Report { is_about_us: true, ..report(BounceKind::Complaint, Permanence::Transient, "") };
        assert_eq!(verdict(&not_spam), Verdict::Noted);
    }

    #[test]
    fn a_few_bounces_of_a_few_mails_are_no_alarm() {
        assert!(!is_alarming(199, 199));
        assert!(!is_alarming(200, 16));
        assert!(is_alarming(200, 17));
        assert!(!is_alarming(1_000_000, 80_000));
        assert!(is_alarming(1_000_000, 80_001));
    }

    proptest! {
        #[test]
        fn policy_never_suppresses(code in prop::sample::select(vec!["550", "554", "5.7.1 550", ""]), detail in 0_u16..30, words in "\\PC{0,40}") {
            prop_assume!(!code.starts_with("5.") || !words.is_empty());
            let diagnostic = if code.starts_with("5.") { format!("5.7.{detail} {words}") } else { format!("smtp; {code} 5.7.{detail} {words}") };
            prop_assert_ne!(permanent(&diagnostic), Verdict::Suppressed);
        }

        #[test]
        fn any_words_are_read(words in "\\PC{0,80}") {
            permanent(&words);
        }
    }
}
