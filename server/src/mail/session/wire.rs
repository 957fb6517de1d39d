//! Bytes in both directions: commands out, replies in, each within a deadline and a bound.

use std::{fmt, io, sync::Arc, time::Duration};

use domain::delivery::Answer;
use futures_util::FutureExt;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::Conversation;

/// The longest line of a reply. RFC 5321 allows 512 bytes; some servers are chatty.
const LINE_LIMIT: usize = 4096;

/// The most lines of a reply.
const REPLY_LIMIT: usize = 100;

/// Why nothing usable came, in words for the person who runs the server.
type Reason = String;

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// A reply as it was sent.
pub(super) struct Reply {
    /// Three digits, 200 to 599.
    pub(super) code: u16,
    /// What stands behind the code on each line.
    pub(super) lines: Vec<String>,
}

impl Reply {
    pub(super) fn into_answer(self) -> Answer {
        Answer::new(self.code, self.lines.iter().map(String::as_str))
    }
}

/// One side of a conversation.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    /// Read, but not understood yet.
    unread: Vec<u8>,
    conversation: Option<Conversation>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Wire").field("unread", &self.unread.len()).finish_non_exhaustive()
    }
}

impl Wire {
    pub(super) fn new(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static,
        conversation: Option<Conversation>,
    ) -> Self {
        Self { stream: Box::new(stream), unread: Vec::with_capacity(LINE_LIMIT), conversation }
    }

    /// Whether the server said something that nobody asked for yet.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Turns encryption on and verifies the server's certificate.
    ///
    /// What was said before must not be taken for something said under encryption (CVE-2011-0411), so unread bytes are
    /// an error.
    pub(super) async fn encrypt(
        self,
        config: Arc<ClientConfig>,
        host: &str,
        deadline: Duration,
    ) -> Result<Self, Reason> {
        if self.has_unread() {
            return Err("the server, or someone in between, spoke on before encryption began".to_owned());
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| format!("{host} is no name of a server"))?;
        let handshake = TlsConnector::from(config).connect(name, self.stream);
        let stream = within(deadline, handshake).await.map_err(|reason| format!("no encryption: {reason}"))?;
        if let Some(conversation) = &self.conversation {
            conversation.ours("(encryption begins)");
        }
        Ok(Self::new(stream, self.conversation))
    }

    /// Writes commands, all in one go.
    pub(super) async fn write_lines(&mut self, lines: &[&str], deadline: Duration) -> Result<(), Reason> {
        if let Some(conversation) = &self.conversation {
            for line in lines {
                conversation.ours(line);
            }
        }
        let mut bytes = lines.join("\r\n");
        bytes.push_str("\r\n");
        self.write(bytes.as_bytes(), deadline).await
    }

    /// Writes a line that nobody else may see; `shown` stands for it.
    pub(super) async fn write_secret(&mut self, line: &str, shown: &str, deadline: Duration) -> Result<(), Reason> {
        if let Some(conversation) = &self.conversation {
            conversation.ours(shown);
        }
        self.write(format!("{line}\r\n").as_bytes(), deadline).await
    }

    /// Writes an encoded message.
    pub(super) async fn write_message(&mut self, message: &[u8], deadline: Duration) -> Result<(), Reason> {
        if let Some(conversation) = &self.conversation {
            conversation.ours(&format!("(the message, {} bytes)", message.len()));
            conversation.ours(".");
        }
        self.write(message, deadline).await
    }

    async fn write(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), Reason> {
        let writing = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        within(deadline, writing).await
    }

    /// Takes in what is here already though nobody asked for it. Never waits. An error: the server hung up.
    pub(super) fn take_in(&mut self) -> Result<(), Reason> {
        match self.stream.read_buf(&mut self.unread).now_or_never() {
            Some(Ok(0)) => Err(in_words(&io::ErrorKind::UnexpectedEof.into())),
            Some(Err(error)) => Err(in_words(&error)),
            None | Some(Ok(_)) => Ok(()),
        }
    }

    /// Reads one whole reply. The deadline covers all of it, however slowly it drips.
    pub(super) async fn read_reply(&mut self, deadline: Duration) -> Result<Reply, Reason> {
        within(deadline, self.read_lines()).await
    }

    async fn read_lines(&mut self) -> io::Result<Reply> {
        let mut lines = Vec::new();
        let mut code = None;
        loop {
            let line = self.read_line().await?;
            if let Some(conversation) = &self.conversation {
                conversation.theirs(&line);
            }
            let (found, is_last, text) = split_line(&line).ok_or_else(|| invalid("its answer is no SMTP reply"))?;
            if *code.get_or_insert(found) != found {
                return Err(invalid("its answer has different codes on different lines"));
            }
            lines.push(text.to_owned());
            if is_last {
                return Ok(Reply { code: found, lines });
            }
            if lines.len() == REPLY_LIMIT {
                return Err(invalid("its answer does not end"));
            }
        }
    }

    /// The next line without its end. Bytes that are not UTF-8 are read as Latin-1.
    async fn read_line(&mut self) -> io::Result<String> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.unread[searched..].iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.unread.drain(..=searched + end).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(String::from_utf8(line)
                    .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect()));
            }
            searched = self.unread.len();
            if searched >= LINE_LIMIT {
                return Err(invalid("a line of its answer is too long"));
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Closes politely.
    pub(super) async fn close(mut self, deadline: Duration) {
        let _ = timeout(deadline, self.stream.shutdown()).await;
    }
}

/// `250-text` as its code, whether it is the reply's last line, and the text.
fn split_line(line: &str) -> Option<(u16, bool, &str)> {
    let code = line.get(..3)?;
    if !code.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(code.as_bytes()[0], b'2'..=b'5') {
        return None;
    }
    let rest = &line[3..];
    let (is_last, text) = match rest.as_bytes().first() {
        None => (true, ""),
        Some(b' ') => (true, &rest[1..]),
        Some(b'-') => (false, &rest[1..]),
        Some(_) => return None,
    };
    Some((code.parse().ok()?, is_last, text))
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Runs one step, and says in words what went wrong with it.
pub(super) async fn within<T>(deadline: Duration, step: impl Future<Output = io::Result<T>>) -> Result<T, Reason> {
    match timeout(deadline, step).await {
        Err(_) => Err(format!("the server did not answer within {} seconds", deadline.as_secs_f32())),
        Ok(Err(error)) => Err(in_words(&error)),
        Ok(Ok(done)) => Ok(done),
    }
}

fn in_words(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        _ => format!("the connection failed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_line_is_three_digits_and_what_follows() {
        assert_eq!(split_line("250-PIPELINING"), Some((250, false, "PIPELINING")));
        assert_eq!(split_line("354 Go on"), Some((354, true, "Go on")));
        assert_eq!(split_line("250"), Some((250, true, "")));
        assert_eq!(split_line("250-"), Some((250, false, "")));
        for line in ["", "25", "2500", "250_x", "199 x", "600 x", "abc x", "é50 x", "25é x", " 250 x"] {
            assert_eq!(split_line(line), None, "{line}");
        }
    }

    #[tokio::test]
    async fn what_is_here_already_is_taken_in_without_waiting() {
        let (mut theirs, ours) = tokio::io::duplex(LINE_LIMIT);
        let mut wire = Wire::new(ours, None);
        assert_eq!(wire.take_in(), Ok(()));
        theirs.write_all(b"354 Go on\r\n").await.unwrap();
        assert_eq!(wire.read_reply(Duration::from_secs(20)).await.unwrap().code, 354);
        assert_eq!(wire.take_in(), Ok(()));
        assert!(!wire.has_unread());
        theirs.write_all(b"250 2.0.0 Taken\r\n").await.unwrap();
        assert_eq!(wire.take_in(), Ok(()));
        assert!(wire.has_unread());
        drop(theirs);
        assert_eq!(wire.take_in(), Err("the server closed the connection".to_owned()));
    }
}
