//! What the server is told to do, and when.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::Semaphore,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// What a client just did, so that the server must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Connected.
    Greeting,
    Ehlo,
    StartTls,
    /// `AUTH`, and each line of credentials that it asks for.
    Auth,
    Mail,
    Rcpt,
    Data,
    /// Ended the message.
    Dot,
    Rset,
    Quit,
    /// Anything else.
    Unknown,
}

/// At which of the same steps.
#[derive(Clone, Debug)]
pub(crate) enum When {
    Always,
    /// The nth, counted from 1 over all connections.
    Nth(usize),
    /// All after the first n.
    After(usize),
    /// All after the first n of each connection.
    AfterOnConnection(usize),
    /// Those above so many within the last second, which do not count themselves. The test may change its mind.
    MoreThanInASecond(Arc<AtomicUsize>),
    /// Every nth.
    Every(usize),
    /// Those whose command holds this text, such as an address.
    Holding(String),
}

/// What to do instead of the usual.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    reply: Reply,
    delay: Duration,
    gate: Option<CancellationToken>,
    turnstile: Option<Arc<Semaphore>>,
    byte_by_byte: bool,
    /// Between two bytes.
    pause: Duration,
    then_close: bool,
    takes_the_mail: bool,
}

#[derive(Clone, Debug)]
enum Reply {
    Usual,
    Bytes(Vec<u8>),
    /// These again and again until the client has enough.
    Endless(Vec<u8>),
    Nothing,
}

impl Act {
    fn new(reply: Reply) -> Self {
        Self {
            reply,
            delay: Duration::ZERO,
            gate: None,
            turnstile: None,
            byte_by_byte: false,
            pause: Duration::ZERO,
            then_close: false,
            takes_the_mail: false,
        }
    }

    /// Answers as it would anyway; for those that follow.
    pub(crate) fn usual() -> Self {
        Self::new(Reply::Usual)
    }

    /// Answers with these lines, each without its CRLF, in one write.
    pub(crate) fn reply(lines: &str) -> Self {
        Self::raw(lines.lines().fold(String::new(), |all, line| all + line + "\r\n").as_bytes())
    }

    /// Answers with exactly these bytes.
    pub(crate) fn raw(bytes: &[u8]) -> Self {
        Self::new(Reply::Bytes(bytes.to_vec()))
    }

    /// Answers with these bytes without end.
    pub(crate) fn endless(bytes: &[u8]) -> Self {
        Self::new(Reply::Endless(bytes.to_vec()))
    }

    /// Never answers; the connection stays open.
    pub(crate) fn silence() -> Self {
        Self::new(Reply::Nothing)
    }

    /// Closes the connection without an answer.
    pub(crate) fn close() -> Self {
        Self { then_close: true, ..Self::new(Reply::Nothing) }
    }

    /// … after the answer.
    pub(crate) fn and_close(self) -> Self {
        Self { then_close: true, ..self }
    }

    /// … this much later. Use [`Act::held_by`] where the test can say when.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// … once `gate` is cancelled.
    pub(crate) fn held_by(self, gate: &CancellationToken) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }

    /// … once `turnstile` lets one more pass.
    pub(crate) fn through(self, turnstile: &Arc<Semaphore>) -> Self {
        Self { turnstile: Some(Arc::clone(turnstile)), ..self }
    }

    /// … in one write a byte.
    pub(crate) fn byte_by_byte(self) -> Self {
        Self { byte_by_byte: true, ..self }
    }

    /// … a byte at a time with this pause in between.
    pub(crate) fn dripping(self, pause: Duration) -> Self {
        Self { byte_by_byte: true, pause, ..self }
    }

    /// … having taken the mail, though the client may never learn of it. For [`Step::Dot`].
    pub(crate) fn taking_the_mail(self) -> Self {
        Self { takes_the_mail: true, ..self }
    }

    /// Waits as told, and says what the answer will be and whether it takes a mail.
    pub(super) async fn prepare(&self, usual: &str) -> (Vec<u8>, bool) {
        tokio::time::sleep(self.delay).await;
        if let Some(gate) = &self.gate {
            gate.cancelled().await;
        }
        if let Some(turnstile) = &self.turnstile {
            turnstile.acquire().await.unwrap().forget();
        }
        let reply = match &self.reply {
            Reply::Usual => format!("{usual}\r\n").into_bytes(),
            Reply::Bytes(bytes) | Reply::Endless(bytes) => bytes.clone(),
            Reply::Nothing => Vec::new(),
        };
        let takes_the_mail = self.takes_the_mail || reply.starts_with(b"2");
        (reply, takes_the_mail)
    }

    /// Writes the answer. An error ends the connection.
    pub(super) async fn perform(
        &self,
        reply: &[u8],
        stream: &mut (impl AsyncWrite + Unpin),
        written: &AtomicUsize,
    ) -> io::Result<()> {
        let size = if self.byte_by_byte { 1 } else { reply.len().max(1) };
        loop {
            for piece in reply.chunks(size) {
                stream.write_all(piece).await?;
                stream.flush().await?;
                written.fetch_add(piece.len(), Ordering::Relaxed);
                if self.pause > Duration::ZERO {
                    tokio::time::sleep(self.pause).await;
                }
            }
            if !matches!(self.reply, Reply::Endless(_)) {
                break;
            }
        }
        if self.then_close {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if matches!(self.reply, Reply::Nothing) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// An act, the step it belongs to and how often that step came.
pub(super) struct Rule {
    step: Step,
    when: When,
    act: Act,
    seen: AtomicUsize,
    /// When those of the last second were that were not too many.
    latest: Mutex<Vec<Instant>>,
}

impl Rule {
    pub(super) fn new(step: Step, when: When, act: Act) -> Self {
        Self { step, when, act, seen: AtomicUsize::new(0), latest: Mutex::default() }
    }

    fn is_too_fast(&self, most: usize) -> bool {
        let (mut latest, now) = (self.latest.lock().unwrap(), Instant::now());
        latest.retain(|at| now - *at < Duration::from_secs(1));
        let is_so = latest.len() >= most;
        if !is_so {
            latest.push(now);
        }
        is_so
    }

    /// The act, when this is its step and its turn; it is the `nth` such step of its connection.
    pub(super) fn act(&self, step: Step, line: &str, nth: usize) -> Option<&Act> {
        if step != self.step {
            return None;
        }
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let is_due = match &self.when {
            When::Always => true,
            When::Nth(wanted) => seen == *wanted,
            When::After(count) => seen > *count,
            When::AfterOnConnection(count) => nth > *count,
            When::MoreThanInASecond(most) => self.is_too_fast(most.load(Ordering::Relaxed)),
            When::Every(wanted) => seen.is_multiple_of(*wanted),
            When::Holding(text) => line.contains(text.as_str()),
        };
        is_due.then_some(&self.act)
    }
}
