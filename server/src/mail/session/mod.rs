//! One SMTP connection, owned by whoever sends over it.
//!
//! ```text
//! connect ─▶ greeting ─▶ EHLO ─▶ [STARTTLS ─▶ EHLO] ─▶ [AUTH] ─▶ send ─▶ send ─▶ … ─▶ quit
//!                                                                 │
//!                       MAIL RCPT DATA (one write where the server pipelines) ─▶ message and dot (one write)
//! ```
//!
//! Why not a library's connection: what became of a recipient depends on the command that was answered, on the exact
//! class of the answer, and on never mistaking one mail's answer for another's. So every outcome names its [`Stage`],
//! every step has a deadline, and a connection is dirty from the first byte of a mail until all its answers are read.
//! A dirty one is never used again: dropping a `send` half-way costs the connection and nothing else.

mod conversation;
mod message;
mod opening;
mod transaction;
mod wire;

use std::time::Duration;

use domain::delivery::{Answer, Outcome, Stage};
use tokio::time::Instant;

pub use self::conversation::Conversation;
use self::{transaction::Footing, wire::Wire};

/// How long each step may take, from its first byte to its last. RFC 5321, 4.5.3.2, but for opening a connection, where
/// another attempt is better than patience.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// Name lookup and TCP, then again for the TLS handshake.
    pub connect: Duration,
    /// Each of the greeting, `EHLO`, `STARTTLS` and the steps of `AUTH`.
    pub hello: Duration,
    /// Each of `MAIL`, `RCPT`, `DATA`, `RSET` and writing the message.
    pub command: Duration,
    /// The answer to the final dot. Long: giving up too early turns a sent mail into an uncertain one.
    pub dot: Duration,
    /// `QUIT`, and last words of a server that broke off.
    pub quit: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            hello: Duration::from_mins(1),
            command: Duration::from_mins(2),
            dot: Duration::from_mins(10),
            quit: Duration::from_secs(5),
        }
    }
}

/// Who sends to whom. Not what the headers say: bounces go to `from`.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The sender; empty for mail that must never bounce.
    pub from: &'a str,
    /// The one recipient.
    pub to: &'a str,
}

impl Envelope<'_> {
    /// The answer that an address deserves which would end its command early, or smuggle in another.
    fn refusal(&self) -> Option<Outcome> {
        let is_safe = |address: &str| address.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte));
        let refused = |stage| Outcome::Answered(stage, Answer::new(553, ["5.1.3 SMTP cannot carry this address"]));
        if !is_safe(self.from) {
            Some(refused(Stage::Mail))
        } else if self.to.is_empty() || !is_safe(self.to) {
            Some(refused(Stage::Rcpt))
        } else {
            None
        }
    }
}

/// An open connection, greeted, encrypted and signed in as the transport demands.
#[derive(Debug)]
pub struct Session {
    wire: Wire,
    deadlines: Deadlines,
    pipelines: bool,
    is_dirty: bool,
    mails_sent: u32,
    opened_at: Instant,
}

impl Session {
    /// Whether another mail may be sent.
    pub fn is_usable(&self) -> bool {
        !self.is_dirty
    }

    /// How many mails the server accepted here. Some servers close after a number of them.
    pub fn mails_sent(&self) -> u32 {
        self.mails_sent
    }

    /// When the connection was ready for its first mail.
    pub fn opened_at(&self) -> Instant {
        self.opened_at
    }

    /// Sends one complete message and says how that ended and whether another may follow.
    ///
    /// Line ends become CRLF and leading dots are doubled here. A refusal is cleared up with `RSET` before this
    /// returns. When the future is dropped before it is done the session is unusable; the server may have the mail.
    pub async fn send(&mut self, envelope: &Envelope<'_>, message: &[u8]) -> (Outcome, bool) {
        if self.is_dirty {
            return (Outcome::Lost(Stage::Mail, "this connection was left in the middle of a mail".to_owned()), false);
        }
        if let Some(refusal) = envelope.refusal() {
            return (refusal, true);
        }
        self.is_dirty = true;
        match self.transact(envelope, message).await {
            Ok((outcome, Footing::Clean)) => {
                self.is_dirty = self.wire.has_unread();
                if matches!(&outcome, Outcome::Answered(Stage::Dot, answer) if answer.code == 250) {
                    self.mails_sent += 1;
                }
                (outcome, self.is_usable())
            }
            Ok((outcome, Footing::NeedsReset)) => {
                let is_usable = self.reset().await;
                (outcome, is_usable)
            }
            Err(outcome) => (outcome, false),
        }
    }

    /// Takes leave. What the server answers changes nothing.
    pub async fn quit(mut self) {
        if self.is_usable() && self.wire.write_lines(&["QUIT"], self.deadlines.quit).await.is_ok() {
            let _ = self.wire.read_reply(self.deadlines.quit).await;
        }
        self.wire.close(self.deadlines.quit).await;
    }

    /// Makes the server forget a refused mail and says whether another may follow. Only for a connection whose answers are
    /// all read: one that is owed an answer would take it for the answer to this.
    async fn reset(&mut self) -> bool {
        let deadline = self.deadlines.command;
        if self.wire.write_lines(&["RSET"], deadline).await.is_ok()
            && let Ok(reply) = self.wire.read_reply(deadline).await
        {
            self.is_dirty = reply.code != 250 || self.wire.has_unread();
        }
        self.is_usable()
    }
}
