use proptest::prelude::*;

use super::*;

/// `550 5.1.1 No such user` as the answer it is.
fn answer(reply: &str) -> Answer {
    let (code, text) = reply.split_once(' ').unwrap();
    Answer::new(code.parse().unwrap(), [text])
}

fn of(stage: Stage, reply: &str) -> Meaning {
    meaning(&Outcome::Answered(stage, answer(reply)))
}

#[test]
fn every_reply_means_what_the_table_says() {
    use Recipient::{Failed, MailboxFull, RetryLater, Sent, StillWaiting, Uncertain};
    use Stage::{Auth, Connect, Data, Dot, Greeting, Hello, Mail, Rcpt, StartTls};
    use Transport::{Backoff, Broken, Fine, PolicyRefused, PutOff, QuotaReached, Reconnect, SlowDown};
    let gone = Failed { suppress: true };
    let failed = Failed { suppress: false };
    for (stage, reply, recipient, transport) in [
        (Dot, "250 2.0.0 Ok: queued as 4F1", Sent, Fine),
        (Dot, "250 spam filter passed, mailbox full of rate limits", Sent, Fine),
        // Out of place.
        (Mail, "250 Ok", StillWaiting, Backoff),
        (Rcpt, "354 Go on", StillWaiting, Backoff),
        (Data, "250 Ok", StillWaiting, Backoff),
        (Dot, "354 Go on", Uncertain, Reconnect),
        (Dot, "251 Elsewhere", Uncertain, Reconnect),
        // The server goes away.
        (Greeting, "421 4.3.2 Too many concurrent connections", StillWaiting, Reconnect),
        (Mail, "421 4.4.2 Idle too long", StillWaiting, Reconnect),
        (Rcpt, "421 Too many messages on this connection", StillWaiting, Reconnect),
        (Dot, "421 4.3.2 Shutting down", RetryLater, Reconnect),
        (Mail, "421 4.7.28 Our system has detected an unusual amount of mail", StillWaiting, SlowDown),
        (Mail, "421 4.7.0 Try again later, sending rate too high", StillWaiting, SlowDown),
        // Too fast.
        (Dot, "454 Throttling failure: Maximum sending rate exceeded.", StillWaiting, SlowDown),
        (Mail, "450 4.7.0 Please wait", StillWaiting, SlowDown),
        (Rcpt, "451 4.7.28 Unusual", StillWaiting, SlowDown),
        (Rcpt, "452 4.5.3 Too many recipients", StillWaiting, SlowDown),
        (Auth, "454 4.7.0 Too many login attempts", StillWaiting, SlowDown),
        (Rcpt, "451 Could not generate an answer", RetryLater, PutOff),
        // The day's allowance.
        (Dot, "454 Throttling failure: Daily message quota exceeded.", StillWaiting, QuotaReached),
        (Mail, "454 4.7.0 Quota exceeded", StillWaiting, QuotaReached),
        (Rcpt, "550 5.4.5 Daily user sending limit exceeded", StillWaiting, QuotaReached),
        (Mail, "421 4.7.0 Daily limit reached", StillWaiting, QuotaReached),
        // Greylisting and mailboxes that are busy.
        (Rcpt, "450 4.2.0 Greylisted, see http://postgrey.example", RetryLater, Fine),
        (Rcpt, "451 4.7.1 Greylisting in action, please come back later", RetryLater, Fine),
        (Rcpt, "451 4.7.0 Graylisted", RetryLater, Fine),
        (Rcpt, "450 4.2.1 The user you contact is receiving mail at a rate that prevents this", RetryLater, Fine),
        (Rcpt, "450 Mailbox busy", RetryLater, PutOff),
        (Dot, "451 4.7.1 Service unavailable - try again later", RetryLater, PutOff),
        (Dot, "451 4.3.0 Queue file write error", RetryLater, Backoff),
        (Mail, "452 4.3.1 Insufficient system storage", RetryLater, Backoff),
        // Full.
        (Rcpt, "452 4.2.2 The recipient's inbox is out of storage space", MailboxFull, Fine),
        (Dot, "552 5.2.2 Over quota", MailboxFull, Fine),
        (Rcpt, "552 Storage exceeded", MailboxFull, Fine),
        (Rcpt, "452 Mailbox full", MailboxFull, Fine),
        (Rcpt, "550 Quota exceeded", MailboxFull, Fine),
        // Nobody there.
        (Rcpt, "550 5.1.1 No such user", gone, Fine),
        (Rcpt, "550 5.1.2 Bad domain", gone, Fine),
        (Rcpt, "550 5.1.10 Recipient not found", gone, Fine),
        (Rcpt, "553 5.1.3 Bad address syntax", gone, Fine),
        (Dot, "550 5.1.1 No such user", gone, Fine),
        (Rcpt, "550 5.1.1 Blocked as spam", gone, Fine),
        (Rcpt, "550 User unknown in virtual mailbox table", gone, Fine),
        (Rcpt, "550 5.2.1 Mailbox disabled", failed, Fine),
        (Rcpt, "550 No thanks", failed, Fine),
        // About us: never the recipient's fault.
        (Rcpt, "550 5.7.1 Service unavailable; client host is on a list", RetryLater, PolicyRefused),
        (Dot, "554 5.7.1 Message scored too high", RetryLater, PolicyRefused),
        (Dot, "550 Looks like spam", RetryLater, PolicyRefused),
        (Rcpt, "554 Your address is blocked", RetryLater, PolicyRefused),
        (Rcpt, "554 Relay access denied", RetryLater, PolicyRefused),
        (Mail, "550 5.1.1 Sender unknown", RetryLater, PolicyRefused),
        (Mail, "553 Sender not allowed", RetryLater, PolicyRefused),
        // Our settings.
        (Mail, "530 5.7.0 Must issue a STARTTLS command first", StillWaiting, Broken),
        (Auth, "535 5.7.8 Wrong password", StillWaiting, Broken),
        (Auth, "538 5.7.11 Encryption required", StillWaiting, Broken),
        (Auth, "504 5.5.4 Unknown mechanism", StillWaiting, Broken),
        (Greeting, "554 5.7.1 Go away", StillWaiting, Broken),
        (Hello, "502 Unknown command", StillWaiting, Broken),
        // The way there.
        (StartTls, "454 TLS not available due to temporary reason", StillWaiting, Backoff),
        (Auth, "454 4.7.0 Temporary authentication failure", StillWaiting, Backoff),
        (Connect, "450 Not now", StillWaiting, Backoff),
        (Data, "503 5.5.1 Need RCPT", RetryLater, Reconnect),
    ] {
        let found = of(stage, reply);
        assert_eq!((found.recipient, found.transport), (recipient, transport), "{stage:?} {reply}");
        assert!(!found.is_about_the_message, "{stage:?} {reply}");
    }
}

#[test]
fn a_message_refused_for_what_it_is_fails_without_blaming_the_recipient() {
    for (stage, reply) in [
        (Stage::Dot, "552 5.3.4 Message too big"),
        (Stage::Mail, "552 5.3.4 Message size exceeds fixed limit"),
        (Stage::Data, "552 Too much mail data"),
        (Stage::Dot, "552 5.7.0 This attachment was refused"),
        (Stage::Dot, "554 Transaction failed"),
        (Stage::Dot, "554 5.6.0 Malformed message"),
    ] {
        let found = of(stage, reply);
        assert_eq!(found.recipient, Recipient::Failed { suppress: false }, "{stage:?} {reply}");
        assert!(found.is_about_the_message, "{stage:?} {reply}");
    }
}

#[test]
fn a_broken_connection_is_uncertain_only_after_the_dot() {
    for stage in Stage::ALL {
        let found = meaning(&Outcome::Lost(*stage, "closed".into())).recipient;
        let expected = if *stage == Stage::Dot { Recipient::Uncertain } else { Recipient::StillWaiting };
        assert_eq!(found, expected, "{stage:?}");
    }
}

fn any_stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(Stage::ALL)
}

fn is_failed(found: Meaning) -> bool {
    matches!(found.recipient, Recipient::Failed { .. })
}

/// Words that steer the reading, in any mixture.
fn any_text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "4.7.0", "5.7.1", "5.1.1", "4.2.2", "2.0.0", "greylist", "quota", "daily", "rate", "spam", "too many",
        "mailbox", "full", "no such", "limit", "ok",
    ]);
    prop::collection::vec(word, 0..5).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn only_250_to_the_dot_means_sent(stage in any_stage(), code in 0_u16..1000, text in any_text()) {
        let found = meaning(&Outcome::Answered(stage, Answer::new(code, [text.as_str()])));
        prop_assert_eq!(found.recipient == Recipient::Sent, code == 250 && stage == Stage::Dot);
    }

    #[test]
    fn an_answer_out_of_place_decides_nothing(stage in any_stage(), code in 0_u16..400, text in any_text()) {
        let found = meaning(&Outcome::Answered(stage, Answer::new(code, [text.as_str()])));
        match (stage, code) {
            (Stage::Dot, 250) => {}
            (Stage::Dot, _) => prop_assert_eq!(found.recipient, Recipient::Uncertain),
            _ => prop_assert_eq!(found.recipient, Recipient::StillWaiting),
        }
        prop_assert_eq!(found.transport == Transport::Fine, stage == Stage::Dot && code == 250);
    }

    #[test]
    fn nobody_is_failed_before_their_address_was_named(stage in any_stage(), code in 200_u16..600, text in any_text()) {
        let found = meaning(&Outcome::Answered(stage, Answer::new(code, [text.as_str()])));
        if stage.is_opening() {
            prop_assert_eq!(found.recipient, Recipient::StillWaiting);
            prop_assert_ne!(found.transport, Transport::Fine);
        }
        if let Recipient::Failed { suppress: true } = found.recipient {
            prop_assert!(matches!(stage, Stage::Rcpt | Stage::Dot));
        }
    }

    #[test]
    fn what_does_not_count_makes_the_transport_wait(stage in any_stage(), code in 0_u16..1000, text in any_text()) {
        let found = meaning(&Outcome::Answered(stage, Answer::new(code, [text.as_str()])));
        prop_assert!(found.counts() || found.transport != Transport::Fine);
    }

    #[test]
    fn a_temporary_answer_fails_nobody(stage in any_stage(), code in 400_u16..500, text in any_text()) {
        let found = meaning(&Outcome::Answered(stage, Answer::new(code, [text.as_str()])));
        prop_assert!(!is_failed(found));
    }

    #[test]
    fn policy_never_suppresses(stage in any_stage(), code in prop::sample::select(vec![550_u16, 554]), detail in 0_u16..30) {
        let found = meaning(&Outcome::Answered(stage, Answer::new(code, [format!("5.7.{detail} no").as_str()])));
        prop_assert!(!is_failed(found));
    }
}
