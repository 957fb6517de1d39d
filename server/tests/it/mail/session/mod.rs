//! One SMTP connection against servers that behave and servers that do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

mod faults;
mod opening;
mod sending;

use std::time::Duration;

use domain::delivery::{Outcome, Recipient, meaning};
use server::mail::{
    session::{Deadlines, Envelope, Session},
    transport::Transport,
};

use crate::support::smtp::SmtpServer;

/// Short enough to wait for, where a test is about a deadline.
const SOON: Duration = Duration::from_millis(300);

/// Long enough never to be reached by a server that answers.
fn deadlines() -> Deadlines {
    let patient = Duration::from_secs(20);
    Deadlines { connect: patient, hello: patient, command: patient, dot: patient, quit: patient }
}

fn transport(server: &SmtpServer) -> Transport {
    Transport::parse(&server.url()).unwrap().trusting(server.certificate())
}

async fn try_connect(server: &SmtpServer) -> Result<Session, Outcome> {
    Session::connect(&transport(server), &deadlines(), "client.example").await
}

async fn connect(server: &SmtpServer) -> Session {
    try_connect(server).await.unwrap()
}

/// Sends a small mail to `to`.
async fn send(session: &mut Session, to: &str) -> (Outcome, bool) {
    session.send(&Envelope { from: "status@example.com", to }, format!("To: {to}\r\n\r\nHello\r\n").as_bytes()).await
}

fn is_sent(outcome: &Outcome) -> bool {
    meaning(outcome).recipient == Recipient::Sent
}

/// Who got a mail, in order.
fn recipients(server: &SmtpServer) -> Vec<String> {
    server.accepted().into_iter().flat_map(|mail| mail.to).collect()
}
