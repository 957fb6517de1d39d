//! From a closed port to a session that may send.

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::delivery::{Outcome, Stage};
use tokio::{
    net::{TcpStream, lookup_host},
    time::Instant,
};

use super::{
    Conversation, Deadlines, Session,
    wire::{Reply, Wire, within},
};
use crate::mail::transport::{Credentials, Tls, Transport};

impl Session {
    /// Opens a connection and does all that comes before the first mail. `hello` is the name of this machine.
    ///
    /// The error is an outcome of a stage before `MAIL`: no recipient is concerned.
    pub async fn connect(transport: &Transport, deadlines: &Deadlines, hello: &str) -> Result<Self, Outcome> {
        Self::open(transport, deadlines, hello, None).await
    }

    /// As [`Session::connect`], keeping what is said from now on in `conversation`.
    pub async fn connect_recorded(
        transport: &Transport,
        deadlines: &Deadlines,
        hello: &str,
        conversation: &Conversation,
    ) -> Result<Self, Outcome> {
        Self::open(transport, deadlines, hello, Some(conversation.clone())).await
    }

    async fn open(
        transport: &Transport,
        deadlines: &Deadlines,
        hello: &str,
        conversation: Option<Conversation>,
    ) -> Result<Self, Outcome> {
        let stream = reach(transport, deadlines).await.map_err(|reason| Outcome::Lost(Stage::Connect, reason))?;
        let mut wire = Wire::new(stream, conversation);
        if transport.tls() == Tls::Implicit {
            wire = encrypt(wire, transport, deadlines).await?;
        }
        expect(&mut wire, Stage::Greeting, 220, deadlines).await?;
        let mut extensions = greet(&mut wire, hello, deadlines).await?;
        if transport.tls() == Tls::Required {
            if !extensions.starttls {
                let reason = "the server does not offer STARTTLS, and without encryption nothing is sent";
                return Err(Outcome::Lost(Stage::StartTls, reason.to_owned()));
            }
            write(&mut wire, Stage::StartTls, "STARTTLS", deadlines).await?;
            expect(&mut wire, Stage::StartTls, 220, deadlines).await?;
            wire = encrypt(wire, transport, deadlines).await?;
            // What was offered in clear may have been forged (RFC 3207, 4.2).
            extensions = greet(&mut wire, hello, deadlines).await?;
        }
        if let Some(credentials) = transport.credentials() {
            sign_in(&mut wire, &extensions, credentials, deadlines).await?;
        }
        Ok(Self {
            is_dirty: wire.has_unread(),
            wire,
            deadlines: *deadlines,
            pipelines: extensions.pipelining,
            mails_sent: 0,
            opened_at: Instant::now(),
        })
    }
}

/// Connects to the first address of the server that answers. Each gets its share of the time, or a network with broken
/// IPv6 would never be tried over IPv4.
async fn reach(transport: &Transport, deadlines: &Deadlines) -> Result<TcpStream, String> {
    let (host, port) = (transport.host(), transport.port());
    let addresses: Vec<_> = within(deadlines.connect, lookup_host((host, port))).await?.collect();
    let share = deadlines.connect / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut failure = format!("the name {host} has no address");
    for address in addresses {
        let connecting = within(share, async {
            let stream = TcpStream::connect(address).await?;
            // Without it each mail waits for the delayed acknowledgement of the last: 40 ms.
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        match connecting.await {
            Ok(stream) => return Ok(stream),
            Err(reason) => failure = reason,
        }
    }
    Err(failure)
}

/// What a server offers that concerns us.
#[derive(Debug, Default, PartialEq, Eq)]
struct Extensions {
    pipelining: bool,
    starttls: bool,
    /// The best of the ways to sign in.
    mechanism: Option<Mechanism>,
}

/// A way to sign in, the better one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mechanism {
    /// Two questions and two answers; never standardised, but all that some providers offer.
    Login,
    /// RFC 4616.
    Plain,
}

impl Extensions {
    fn of(reply: &Reply) -> Self {
        let mut extensions = Self::default();
        // The first line is the server's name.
        for line in reply.lines.iter().skip(1) {
            // Old servers write `AUTH=LOGIN`.
            let line = line.to_ascii_uppercase().replace('=', " ");
            let mut words = line.split_whitespace();
            match words.next() {
                Some("PIPELINING") => extensions.pipelining = true,
                Some("STARTTLS") => extensions.starttls = true,
                Some("AUTH") => {
                    let known = words.filter_map(|word| match word {
                        "PLAIN" => Some(Mechanism::Plain),
                        "LOGIN" => Some(Mechanism::Login),
                        _ => None,
                    });
                    extensions.mechanism = known.chain(extensions.mechanism).max();
                }
                _ => {}
            }
        }
        extensions
    }
}

async fn greet(wire: &mut Wire, hello: &str, deadlines: &Deadlines) -> Result<Extensions, Outcome> {
    write(wire, Stage::Hello, &format!("EHLO {hello}"), deadlines).await?;
    let reply = expect(wire, Stage::Hello, 250, deadlines).await?;
    Ok(Extensions::of(&reply))
}

async fn encrypt(wire: Wire, transport: &Transport, deadlines: &Deadlines) -> Result<Wire, Outcome> {
    let lost = |reason| Outcome::Lost(Stage::StartTls, reason);
    let config = transport.client_config().map_err(|error| lost(error.to_string()))?;
    wire.encrypt(config, transport.host(), deadlines.connect).await.map_err(lost)
}

/// `AUTH` (RFC 4954).
async fn sign_in(
    wire: &mut Wire,
    extensions: &Extensions,
    credentials: &Credentials,
    deadlines: &Deadlines,
) -> Result<(), Outcome> {
    let Credentials { user, password } = credentials;
    let lost = |reason| Outcome::Lost(Stage::Auth, reason);
    match extensions.mechanism {
        Some(Mechanism::Plain) => {
            let line = format!("AUTH PLAIN {}", BASE64_STANDARD.encode(format!("\0{user}\0{password}")));
            wire.write_secret(&line, "AUTH PLAIN …", deadlines.hello).await.map_err(lost)?;
        }
        Some(Mechanism::Login) => {
            write(wire, Stage::Auth, "AUTH LOGIN", deadlines).await?;
            for answer in [user, password] {
                expect(wire, Stage::Auth, 334, deadlines).await?;
                wire.write_secret(&BASE64_STANDARD.encode(answer), "…", deadlines.hello).await.map_err(lost)?;
            }
        }
        None => {
            let reason = "the server offers neither AUTH PLAIN nor AUTH LOGIN, but a user is configured";
            return Err(lost(reason.to_owned()));
        }
    }
    expect(wire, Stage::Auth, 235, deadlines).await?;
    Ok(())
}

async fn write(wire: &mut Wire, stage: Stage, line: &str, deadlines: &Deadlines) -> Result<(), Outcome> {
    wire.write_lines(&[line], deadlines.hello).await.map_err(|reason| Outcome::Lost(stage, reason))
}

/// Reads a reply that must have exactly this code.
async fn expect(wire: &mut Wire, stage: Stage, code: u16, deadlines: &Deadlines) -> Result<Reply, Outcome> {
    let reply = wire.read_reply(deadlines.hello).await.map_err(|reason| Outcome::Lost(stage, reason))?;
    if reply.code == code { Ok(reply) } else { Err(Outcome::Answered(stage, reply.into_answer())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lines: &[&str]) -> Extensions {
        Extensions::of(&Reply { code: 250, lines: lines.iter().map(|line| (*line).to_owned()).collect() })
    }

    #[test]
    fn what_a_server_offers_is_read_in_any_case() {
        let all = Extensions { pipelining: true, starttls: true, mechanism: Some(Mechanism::Plain) };
        assert_eq!(offered(&["mail.example", "Pipelining", "STARTTLS", "auth CRAM-MD5 login Plain"]), all);
        assert_eq!(offered(&["x", "AUTH PLAIN", "AUTH=LOGIN"]).mechanism, Some(Mechanism::Plain));
        assert_eq!(offered(&["x", "AUTH=LOGIN"]).mechanism, Some(Mechanism::Login));
    }

    #[test]
    fn the_servers_name_offers_nothing() {
        assert_eq!(offered(&["PIPELINING", "SIZE 10000", "XPIPELINING", "AUTH"]), Extensions::default());
    }
}
