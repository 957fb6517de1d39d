//! One connection of the server.

use std::io;

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, BufReader},
    net::TcpStream,
    time::Instant,
};

use super::{Accepted, Act, Encryption, Refused, State, Step};

/// The longest command line and the longest message, so that a broken client cannot fill the memory.
const LINE_LIMIT: u64 = 64 * 1024;
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Talks until one side has enough.
pub(super) async fn hold(stream: TcpStream, state: &State, number: usize) -> io::Result<()> {
    let is_encrypted = state.script.encryption == Encryption::Implicit;
    let stream: Box<dyn Stream> =
        if is_encrypted { Box::new(state.acceptor.accept(stream).await?) } else { Box::new(stream) };
    let stream = BufReader::new(stream);
    let mut conversation =
        Conversation { stream, state, number, is_encrypted, is_signed_in: false, from: None, to: Vec::new() };
    conversation.answer(Step::Greeting, "", "220 test.example ESMTP").await?;
    loop {
        let line = conversation.read_line().await?;
        conversation.obey(&line).await?;
    }
}

struct Conversation<'a> {
    stream: BufReader<Box<dyn Stream>>,
    state: &'a State,
    number: usize,
    is_encrypted: bool,
    is_signed_in: bool,
    from: Option<String>,
    to: Vec<String>,
}

impl Conversation<'_> {
    async fn obey(&mut self, line: &str) -> io::Result<()> {
        let upper = line.to_ascii_uppercase();
        match upper.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => {
                let offer = self.offer();
                self.forget();
                self.answer(Step::Ehlo, line, &offer).await.map(drop)
            }
            "STARTTLS" => self.start_tls(line).await,
            "AUTH" => self.sign_in(line).await,
            "MAIL" => {
                let must_sign_in = self.state.script.sign_in.is_some() && !self.is_signed_in;
                let usual = match () {
                    () if must_sign_in => "530 5.7.0 Sign in first",
                    () if self.from.is_some() => "503 5.5.1 Nested MAIL",
                    () => "250 2.1.0 Sender ok",
                };
                if self.answer(Step::Mail, line, usual).await?.starts_with(b"2") {
                    self.from = Some(address_in(line));
                }
                Ok(())
            }
            "RCPT" => {
                let usual = if self.from.is_some() { "250 2.1.5 Recipient ok" } else { "503 5.5.1 Need MAIL" };
                if self.answer(Step::Rcpt, line, usual).await?.starts_with(b"2") {
                    self.to.push(address_in(line));
                }
                Ok(())
            }
            "DATA" => {
                let usual = if self.to.is_empty() { "503 5.5.1 Need RCPT" } else { "354 End with a dot" };
                if self.answer(Step::Data, line, usual).await?.starts_with(b"3") { self.take().await } else { Ok(()) }
            }
            "RSET" => {
                self.forget();
                self.answer(Step::Rset, line, "250 2.0.0 Forgotten").await.map(drop)
            }
            "QUIT" => {
                self.answer(Step::Quit, line, "221 2.0.0 Bye").await?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            _ => self.answer(Step::Unknown, line, "502 5.5.2 Unknown command").await.map(drop),
        }
    }

    fn offer(&self) -> String {
        let script = &self.state.script;
        let mut offer = "250-test.example".to_owned();
        if script.pipelining {
            offer.push_str("\r\n250-PIPELINING");
        }
        if script.encryption == Encryption::StartTls && !self.is_encrypted {
            offer.push_str("\r\n250-STARTTLS");
        }
        if let Some((_, _, mechanisms)) = &script.sign_in {
            offer.push_str("\r\n250-AUTH ");
            offer.push_str(mechanisms);
        }
        offer + "\r\n250 ENHANCEDSTATUSCODES"
    }

    async fn start_tls(&mut self, line: &str) -> io::Result<()> {
        if !self.answer(Step::StartTls, line, "220 2.0.0 Go on").await?.starts_with(b"2") {
            return Ok(());
        }
        let plain = std::mem::replace(&mut self.stream, BufReader::new(Box::new(tokio::io::empty())));
        let encrypted = self.state.acceptor.accept(plain.into_inner()).await?;
        self.stream = BufReader::new(Box::new(encrypted));
        self.is_encrypted = true;
        Ok(())
    }

    async fn sign_in(&mut self, line: &str) -> io::Result<()> {
        let given = if let Some(plain) = line.strip_prefix("AUTH PLAIN ") {
            plain.to_owned()
        } else {
            let mut given = Vec::from([0]);
            for question in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                self.answer(Step::Auth, line, question).await?;
                given.extend(BASE64_STANDARD.decode(self.read_line().await?).unwrap_or_default());
                given.push(0);
            }
            given.pop();
            // What AUTH LOGIN tells in two lines is what AUTH PLAIN tells in one: NUL user NUL password.
            BASE64_STANDARD.encode(given)
        };
        let wanted = self.state.script.sign_in.as_ref().map(|(user, password, _)| format!("\0{user}\0{password}"));
        let is_right = wanted.is_some_and(|wanted| BASE64_STANDARD.encode(wanted) == given);
        let usual = if is_right { "235 2.7.0 Welcome" } else { "535 5.7.8 Wrong user or password" };
        self.is_signed_in = self.answer(Step::Auth, line, usual).await?.starts_with(b"2");
        Ok(())
    }

    /// Reads a message and takes it or not.
    async fn take(&mut self) -> io::Result<()> {
        let message = self.read_message().await?;
        let usual = if self.to.is_empty() { "554 5.5.1 No valid recipients" } else { "250 2.0.0 Taken" };
        let (from, to) = (self.from.take().unwrap_or_default(), std::mem::take(&mut self.to));
        let act = self.act(Step::Dot, &to.join(" "));
        let (bytes, at) = (message.len(), Instant::now());
        let (reply, takes_the_mail) = act.prepare(usual).await;
        if takes_the_mail {
            self.state.take(Accepted { from, to, message, connection: self.number, at: Instant::now() });
        } else {
            self.state.refused.lock().unwrap().push(Refused { bytes, at });
        }
        self.perform(&act, &reply).await
    }

    /// Answers; whoever was told to wait for that and did not is told so instead, and left.
    async fn perform(&mut self, act: &Act, reply: &[u8]) -> io::Result<()> {
        let is_hurried = !self.state.script.pipelining && !self.stream.buffer().is_empty();
        let hurried = (&Act::close(), &b"503 5.5.0 One command after the other\r\n"[..]);
        let (act, reply) = if is_hurried { hurried } else { (act, reply) };
        act.perform(reply, &mut self.stream, &self.state.written).await
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// Answers as told, or as usual, and returns the answer.
    async fn answer(&mut self, step: Step, line: &str, usual: &str) -> io::Result<Vec<u8>> {
        let act = self.act(step, line);
        let (reply, _) = act.prepare(usual).await;
        self.perform(&act, &reply).await?;
        Ok(reply)
    }

    fn act(&self, step: Step, line: &str) -> Act {
        // Every rule counts its step, also those behind the one that decides.
        let nth = self.state.count(self.number, step);
        let due: Vec<_> = self.state.script.rules.iter().filter_map(|rule| rule.act(step, line, nth)).collect();
        due.first().map_or_else(Act::usual, |act| (*act).clone())
    }

    async fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_LIMIT).read_until(b'\n', &mut line).await?;
        if line.pop() != Some(b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
        self.state.commands.lock().unwrap().push((self.number, line.clone()));
        Ok(line)
    }

    /// Reads up to the line that holds a dot alone and undoes the doubling of dots.
    async fn read_message(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let line = self.read_message_line().await?;
            match line.strip_prefix(b".") {
                Some(b"\r\n" | b"\n" | b"\r") => return Ok(message),
                Some(rest) => message.extend_from_slice(rest),
                None => message.extend_from_slice(&line),
            }
            if message.len() > MESSAGE_LIMIT {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
        }
    }

    /// A line with its end: CRLF, or also a lone CR or LF when the server is told to be loose.
    async fn read_message_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        if !self.state.script.loose_line_ends {
            while !line.ends_with(b"\r\n") && line.len() <= MESSAGE_LIMIT {
                if (&mut self.stream).take(LINE_LIMIT).read_until(b'\n', &mut line).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok(line);
        }
        while line.len() <= MESSAGE_LIMIT {
            line.push(self.stream.read_u8().await?);
            let is_end = match line.as_slice() {
                [.., b'\n'] => true,
                [.., b'\r'] => self.stream.fill_buf().await?.first() != Some(&b'\n'),
                _ => false,
            };
            if is_end {
                break;
            }
        }
        Ok(line)
    }
}

/// What stands between the angle brackets.
fn address_in(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(address, _)| address.to_owned()).unwrap_or_default()
}
