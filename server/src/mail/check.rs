//! `tidings mail test`: one message through the configured transport, outside the queue.

use app::emails::check::{self, CheckMail};
use domain::{
    delivery::{Outcome, Stage},
    email_address::EmailAddress,
    ids::DeliveryId,
};

use super::{
    content,
    identity::MailOrigin,
    session::{Conversation, Deadlines, Envelope, Session},
    wire::Wire,
};
use crate::{clock::Clock, config::Config, secret, store::Store};

/// Sends it and says where it went; on failure what both sides said, passwords left out.
pub async fn send(config: &Config, store: &Store, clock: &Clock, to: &EmailAddress) -> Result<String, String> {
    let now = clock.now();
    let origin = MailOrigin {
        from: config.mail_from.clone(),
        public_url: config.public_url(),
        secret: secret::load(config)?,
        dkim: config.dkim.clone(),
    };
    let identity = origin.identity(store).await.map_err(|error| error.to_string())?;
    let mail = check::mail(&CheckMail { page_name: &identity.page_name, page_url: &identity.public_url, at: now });
    let id = DeliveryId::from_random(rand::random());
    let message = content::letter(&identity, &id, to, &mail, now);
    let from = identity.from.email.to_string();
    let envelope = Envelope { from: &from, to: to.as_str() };
    let Some(transport) = &config.smtp else {
        let outbox = config.data.join("outbox");
        let (outcome, _) = Wire::Capture { outbox: outbox.clone() }.send(&id, &envelope, message, now).await;
        return match outcome {
            Outcome::Answered(..) => Ok(format!("SMTP is not configured: the mail lies in {}.", outbox.display())),
            Outcome::Lost(_, reason) => Err(reason),
        };
    };
    let conversation = Conversation::default();
    let failed = |outcome: &Outcome| format!("{}\nThe mail was not sent: {}", conversation, words(outcome));
    let hello = config.hello();
    let opened = Session::connect_recorded(transport, &Deadlines::default(), &hello, &conversation).await;
    let mut session = opened.map_err(|outcome| failed(&outcome))?;
    let (outcome, _) = session.send(&envelope, &message).await;
    session.quit().await;
    match &outcome {
        Outcome::Answered(Stage::Dot, answer) if answer.code == 250 => {
            Ok(format!("Sent to {to} through {transport}: {}", words(&outcome)))
        }
        other => Err(failed(other)),
    }
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(_, answer) => answer.to_string(),
        Outcome::Lost(_, reason) => reason.clone(),
    }
}
