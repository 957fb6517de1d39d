//! What an SMTP server said, and how one attempt at a delivery ended.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::status::{UnknownStatus, words};

words! {
    /// The step of an SMTP conversation in which something happened. The same code means different things in each.
    Stage {
        /// Finding the server and opening the connection.
        Connect = "connect", "Connecting";
        /// Waiting for its first line.
        Greeting = "greeting", "Greeting";
        /// `EHLO`.
        Hello = "hello", "EHLO";
        /// Turning encryption on, by `STARTTLS` or from the first byte.
        StartTls = "starttls", "Encryption";
        /// `AUTH`.
        Auth = "auth", "Signing in";
        /// `MAIL FROM`: the sender.
        Mail = "mail", "MAIL";
        /// `RCPT TO`: the recipient.
        Rcpt = "rcpt", "RCPT";
        /// `DATA`, and the message up to its final dot.
        Data = "data", "DATA";
        /// The final dot was sent: from here on the server may have the message.
        Dot = "dot", "Final dot";
    }
}

impl Stage {
    /// Whether no message was begun yet, so that nothing here is about a recipient.
    pub fn is_opening(self) -> bool {
        self < Self::Mail
    }
}

/// What is kept of a reply's words, in bytes. Servers may send 50 kB; a person reads a line.
const TEXT_LIMIT: usize = 500;

/// A server's reply to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The three digits of RFC 5321.
    pub code: u16,
    /// The class, subject and detail of RFC 3463 (`5.1.1`), when the server gave one of the same class as the code.
    pub enhanced: Option<(u8, u16, u16)>,
    /// The words, on one line, without the codes; at most 500 bytes.
    pub text: String,
}

impl Answer {
    /// From a code and what stands behind it on each line of the reply.
    pub fn new<'a>(code: u16, lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut enhanced = None;
        let mut text = String::new();
        for line in lines {
            // Servers repeat the enhanced code on every line (RFC 2034).
            let (found, words) = split_enhanced(code, line.trim());
            enhanced = enhanced.or(found);
            for word in words.split_whitespace() {
                let gap = usize::from(!text.is_empty());
                if text.len() + gap + word.len() > TEXT_LIMIT {
                    return Self { code, enhanced, text };
                }
                if gap == 1 {
                    text.push(' ');
                }
                text.extend(word.chars().filter(|letter| !letter.is_control()));
            }
        }
        Self { code, enhanced, text }
    }

    /// Whether the server did what it was asked to (`2yz`).
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(out, " {class}.{subject}.{detail}")?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(out, " {}", self.text) }
    }
}

/// Takes `5.1.1 ` off the front, provided that its class is that of `code`.
fn split_enhanced(code: u16, line: &str) -> (Option<(u8, u16, u16)>, &str) {
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut parts = first.split('.');
    let mut next = || -> Option<u16> {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        part.parse().ok()
    };
    let (Some(class), Some(subject), Some(detail)) = (next(), next(), next()) else { return (None, line) };
    match u8::try_from(class) {
        Ok(class) if parts.next().is_none() && u16::from(class) == code / 100 => {
            (Some((class, subject, detail)), rest.trim_start())
        }
        _ => (None, line),
    }
}

/// How one attempt at a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server's reply decided it.
    Answered(Stage, Answer),
    /// No reply that can be trusted came: the connection failed, fell silent or made no sense. The words say why.
    Lost(Stage, String),
}

impl Outcome {
    /// Where it was decided.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Answered(stage, _) | Self::Lost(stage, _) => *stage,
        }
    }

    /// For logs: the stage and the codes, or our own words. The server's may name the recipient.
    pub fn without_their_words(&self) -> String {
        match self {
            Self::Answered(stage, answer) => {
                let answer = Answer { text: String::new(), ..*answer };
                format!("{}: {answer}", stage.label())
            }
            Self::Lost(..) => self.to_string(),
        }
    }
}

impl fmt::Display for Outcome {
    /// For people and for the store: the server's own words, or ours.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(stage, answer) => write!(out, "{}: {answer}", stage.label()),
            Self::Lost(stage, reason) => write!(out, "{}: {reason}", stage.label()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn logs_name_nobody() {
        let answer = Answer::new(550, ["5.1.1 <ann@example.com> does not exist"]);
        assert_eq!(Outcome::Answered(Stage::Rcpt, answer).without_their_words(), "RCPT: 550 5.1.1");
        let lost = Outcome::Lost(Stage::Dot, "the connection broke".into());
        assert_eq!(lost.without_their_words(), "Final dot: the connection broke");
    }

    #[test]
    fn enhanced_codes_are_taken_off_every_line() {
        let answer = Answer::new(550, ["5.1.1 The account does not exist.", "5.1.1 Please try", "5.1.1  again"]);
        assert_eq!(answer.enhanced, Some((5, 1, 1)));
        assert_eq!(answer.text, "The account does not exist. Please try again");
        assert_eq!(answer.to_string(), "550 5.1.1 The account does not exist. Please try again");
    }

    #[test]
    fn what_only_resembles_an_enhanced_code_stays_text() {
        for line in ["10.0.0.1 is blocked", "4.2.1 class differs", "5.1 short", "5..1 gap", "5.1.1.1 long", "5.1.1: no"]
        {
            let answer = Answer::new(550, [line]);
            assert_eq!((answer.enhanced, answer.text.as_str()), (None, line));
        }
    }

    #[test]
    fn an_answer_may_have_no_words() {
        assert_eq!(Answer::new(250, [""]).to_string(), "250");
        assert_eq!(Answer::new(250, ["2.0.0"]).to_string(), "250 2.0.0");
    }

    proptest! {
        #[test]
        fn an_answer_is_short_and_on_one_line(code in 0_u16..1000, lines in prop::collection::vec(any::<String>(), 0..40)) {
            let shown = Answer::new(code, lines.iter().map(String::as_str)).to_string();
            prop_assert!(shown.len() <= TEXT_LIMIT + 20);
            prop_assert!(!shown.contains(char::is_control));
        }
    }
}
