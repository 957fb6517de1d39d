//! Whole messages, ready for the wire: headers and both bodies, CRLF, ASCII only, short lines (RFC 5322, RFC 2045).
//!
//! ```text
//! incident + update ─ draw once, encode once a language ─▶ Prepared: bytes ▪ slot ▪ bytes ▪ slot ▪ bytes
//!                                                                      │ message(recipient)
//!          Message-ID, Date, To, List-Unsubscribe ─────────────────────┴──▶ headers + bytes, slots filled
//! ```
//! Only what belongs to one recipient is written per recipient: their links, and each time as their own clock shows it,
//! so that a thousand zones cost no more memory than one. A slot is found by a stand-in that has exactly the length of a
//! link token and that nobody can guess: a real token, signed for a subscriber who cannot exist.

use std::{cell::RefCell, sync::Arc};

use app::emails::{self, Links, Mail, Reader};
use domain::{
    email_address::EmailAddress,
    i18n::{Locale, Preferences, Zone},
    ids::{DeliveryId, SubscriberId, UpdateId},
    incident::Incident,
    postmortem::Postmortem,
    time,
    token::{LinkToken, Purpose, Secret},
};
use jiff::Timestamp;
use lettre::{
    Address,
    message::{
        Mailbox, MultiPart, MultiPartKind, SinglePart,
        header::{ContentType, HeaderName, HeaderValue, Headers, MIME_VERSION_1_0},
    },
};

use super::dkim::Signer;

mod encode;
#[cfg(test)]
mod tests;

/// Nobody's number: subscribers count from one.
const NOBODY: SubscriberId = SubscriberId(-1);
/// Separates the two bodies. `=_` never occurs in quoted-printable, so no body can hold it (RFC 2045, section 6.7).
const BOUNDARY: &str = "=_tidings_text_and_html";
/// The longest part before an `@` (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// Whose mails these are.
#[derive(Clone, Debug)]
pub struct MailIdentity {
    /// What the page is called.
    pub page_name: String,
    /// Where it is reached, without a slash at the end.
    pub public_url: String,
    /// The sender; its domain, in ASCII, also stands in Message-IDs and in the List-Id.
    pub from: Mailbox,
    /// Signs links and return paths.
    pub secret: Secret,
    /// Signs every mail, if there is a key.
    pub dkim: Option<Arc<Signer>>,
    /// The page's own time zone: for those who chose none.
    pub zone: Option<Zone>,
}

impl MailIdentity {
    /// The link in a mail to a subscriber: `https://status.example.com/confirm/TOKEN`.
    pub fn link(&self, purpose: Purpose, subscriber: SubscriberId, generation: i64) -> String {
        let token = LinkToken { purpose, subscriber: subscriber.0, generation }.sign(&self.secret);
        let page = match purpose {
            Purpose::Confirm => "confirm",
            Purpose::Manage => "manage",
            Purpose::Unsubscribe => "unsubscribe",
        };
        format!("{}/{page}/{token}", self.public_url)
    }

    /// Where bounces of mails to a subscriber go: `status+12.0123456789abcdef@example.com`.
    ///
    /// Always the same for one subscriber, because greylisting servers remember the sender, and with a MAC, so that a
    /// forged bounce is told from a real one. The plain sender when its part before the `@` has no room for it.
    pub fn envelope_from(&self, subscriber: SubscriberId) -> Address {
        let sender = &self.from.email;
        let local = format!("{}+{subscriber}.{}", sender.user(), self.secret.return_path_tag(subscriber.0));
        if local.len() > MAX_LOCAL {
            return sender.clone();
        }
        Address::new(local, sender.domain()).unwrap_or_else(|_| sender.clone())
    }

    /// The headers that every mail has and that do not depend on the recipient.
    fn headers(&self, subject: &str) -> Headers {
        let mut headers = Headers::new();
        let name = self.from.name.as_deref().map(emails::one_line).unwrap_or_default();
        headers.insert_raw(encode::named("From", &name, self.from.email.as_ref()));
        headers.insert_raw(encode::unstructured("Subject", subject));
        headers.insert_raw(ascii("Auto-Submitted", "auto-generated"));
        headers.insert_raw(ascii("X-Auto-Response-Suppress", "All"));
        headers.set(MIME_VERSION_1_0);
        headers
    }

    /// The message with our signatures, if we have keys.
    fn signed(&self, message: Vec<u8>, now: Timestamp) -> Vec<u8> {
        match &self.dkim {
            Some(signer) => signer.sign(&message, now),
            None => message,
        }
    }

    fn message_id(&self, left: &str) -> String {
        format!("<{left}@{}>", self.from.email.domain())
    }
}

/// The update to be sent is not one of this incident's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("update {0} is not part of the incident that it is sent for")]
pub struct UnknownUpdate(pub UpdateId);

/// The mail of one broadcast, drawn and encoded, waiting for recipients.
#[derive(Clone, Debug)]
pub struct Prepared {
    identity: MailIdentity,
    /// One for each language, in the order of [`Locale::ALL`].
    drawn: Vec<Drawn>,
}

/// A mail in one language.
#[derive(Clone, Debug)]
struct Drawn {
    locale: Locale,
    pieces: Vec<Piece>,
    /// The instants that are also shown by the recipient's clock.
    times: Vec<Timestamp>,
    /// How long a message gets, nearly.
    size: usize,
}

/// A part of a prepared mail.
#[derive(Clone, Debug)]
enum Piece {
    /// The same for everyone.
    Bytes(Vec<u8>),
    /// Where something of the recipient's goes.
    Slot(Slot),
}

/// What belongs to one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    /// The token of the link to manage the subscription.
    Manage,
    /// The token of the link to leave.
    Unsubscribe,
    /// One of [`Drawn::times`] by their own clock.
    LocalTime(usize),
}

impl Prepared {
    /// Draws and encodes the mail of an update, once for all who read the same language.
    pub fn new(
        identity: &MailIdentity,
        incident: &Incident,
        update: &UpdateId,
        is_correction: bool,
    ) -> Result<Self, UnknownUpdate> {
        // All mails of an incident answer one message that never existed, so mail programs show them as one thread.
        let drawn = Self::draw(identity, &format!("incident-{}", incident.id), |reader| {
            emails::update::mail(&emails::update::UpdateMail {
                page_name: &identity.page_name,
                page_url: &identity.public_url,
                incident,
                update,
                is_correction,
                reader,
            })
        });
        drawn.ok_or_else(|| UnknownUpdate(update.clone()))
    }

    /// Draws and encodes the mail of a postmortem, in the thread of its incident.
    pub fn postmortem(identity: &MailIdentity, incident: &Incident, postmortem: &Postmortem) -> Option<Self> {
        Self::draw(identity, &format!("incident-{}", incident.id), |reader| {
            Some(emails::postmortem::mail(&emails::postmortem::PostmortemMail {
                page_name: &identity.page_name,
                page_url: &identity.public_url,
                incident,
                postmortem,
                reader,
            }))
        })
    }

    /// Draws and encodes a broadcast's mail in every language; `None` as soon as there is none to draw. Mails with the
    /// same `thread` are shown together.
    pub fn draw(identity: &MailIdentity, thread: &str, mail: impl Fn(&Reader) -> Option<Mail>) -> Option<Self> {
        let thread = identity.message_id(thread);
        let drawn = Locale::ALL.iter().map(|locale| Drawn::new(identity, *locale, &thread, &mail));
        Some(Self { identity: identity.clone(), drawn: drawn.collect::<Option<_>>()? })
    }

    /// The message to one subscriber. Every attempt at the same delivery has the same Message-ID.
    pub fn message(
        &self,
        delivery: &DeliveryId,
        to: &EmailAddress,
        (subscriber, generation): (SubscriberId, i64),
        preferences: &Preferences,
        now: Timestamp,
    ) -> Vec<u8> {
        let drawn = &self.drawn[preferences.locale as usize];
        let manage = token(&self.identity, Purpose::Manage, subscriber, generation);
        let unsubscribe = token(&self.identity, Purpose::Unsubscribe, subscriber, generation);
        let local_times = drawn.local_times(preferences.zone.as_ref(), self.identity.zone.as_ref());
        let mut message = Vec::with_capacity(drawn.size);
        message.extend_from_slice(recipient_headers(&self.identity, delivery, to, now).as_bytes());
        // One line: some providers do not read it otherwise (RFC 8058).
        let header = format!("List-Unsubscribe: <{}/unsubscribe/{unsubscribe}>\r\n", self.identity.public_url);
        message.extend_from_slice(header.as_bytes());
        for piece in &drawn.pieces {
            message.extend_from_slice(match piece {
                Piece::Bytes(bytes) => bytes,
                Piece::Slot(Slot::Manage) => manage.as_bytes(),
                Piece::Slot(Slot::Unsubscribe) => unsubscribe.as_bytes(),
                Piece::Slot(Slot::LocalTime(index)) => &local_times[*index],
            });
        }
        self.identity.signed(message, now)
    }

    /// As [`MailIdentity::envelope_from`].
    pub fn envelope_from(&self, subscriber: SubscriberId) -> Address {
        self.identity.envelope_from(subscriber)
    }
}

impl Drawn {
    fn new(
        identity: &MailIdentity,
        locale: Locale,
        thread: &str,
        mail: impl Fn(&Reader) -> Option<Mail>,
    ) -> Option<Self> {
        let links = Links {
            manage: identity.link(Purpose::Manage, NOBODY, 0),
            unsubscribe: identity.link(Purpose::Unsubscribe, NOBODY, 0),
        };
        let times = RefCell::new(Vec::new());
        let local_time = |at| {
            let mut times = times.borrow_mut();
            let index = times.iter().position(|known| *known == at).unwrap_or_else(|| {
                times.push(at);
                times.len() - 1
            });
            stand_in(identity, Slot::LocalTime(index))
        };
        let mail = mail(&Reader { locale, local_time: &local_time, links: &links })?;
        let times = times.into_inner();

        let mut headers = identity.headers(&mail.subject);
        headers.insert_raw(ascii("References", thread));
        headers.insert_raw(ascii("In-Reply-To", thread));
        headers.insert_raw(encode::named(
            "List-Id",
            &emails::one_line(&identity.page_name),
            &format!("updates.{}", identity.from.email.domain()),
        ));
        headers.insert_raw(ascii("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        headers.insert_raw(ascii("Precedence", "bulk"));

        let mut slots = vec![Slot::Manage, Slot::Unsubscribe];
        slots.extend((0..times.len()).map(Slot::LocalTime));
        let slots: Vec<_> = slots.into_iter().map(|slot| (stand_in(identity, slot), slot)).collect();
        let stand_ins: Vec<_> = slots.iter().map(|(stand_in, _)| stand_in.as_str()).collect();
        let message = assemble(&headers, &mail, &stand_ins);
        let size = message.len() + 1024;
        Some(Self { locale, pieces: split(&message, &slots), times, size })
    }

    /// Each of the times by the recipient's clock, encoded as it goes into its slots.
    fn local_times(&self, own: Option<&Zone>, page: Option<&Zone>) -> Vec<Vec<u8>> {
        let encoded = |at: &Timestamp| encode::unfinished_line(&self.locale.local_time(*at, own, page));
        self.times.iter().map(encoded).collect()
    }
}

/// What stands in a slot until there is a recipient: as long as a token, and not to be guessed.
fn stand_in(identity: &MailIdentity, slot: Slot) -> String {
    match slot {
        Slot::Manage => token(identity, Purpose::Manage, NOBODY, 0),
        Slot::Unsubscribe => token(identity, Purpose::Unsubscribe, NOBODY, 0),
        Slot::LocalTime(index) => {
            token(identity, Purpose::Manage, NOBODY, i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1))
        }
    }
}

/// A single letter (a confirmation, a sign-in link, a test): not a list's mail, so it has none of a list's headers.
pub fn letter(
    identity: &MailIdentity,
    delivery: &DeliveryId,
    to: &EmailAddress,
    mail: &Mail,
    now: Timestamp,
) -> Vec<u8> {
    let mut message = recipient_headers(identity, delivery, to, now).into_bytes();
    // A mail read back from the store is trusted no more than when it was drawn.
    message.extend(assemble(&identity.headers(&emails::one_line(&mail.subject)), mail, &[]));
    identity.signed(message, now)
}

fn recipient_headers(identity: &MailIdentity, delivery: &DeliveryId, to: &EmailAddress, now: Timestamp) -> String {
    let message_id = identity.message_id(delivery.as_str());
    let date = time::rfc5322(now);
    format!("Message-ID: {message_id}\r\nDate: {date}\r\nTo: {to}\r\n")
}

/// The headers and both bodies, in which each slot stands unbroken.
fn assemble(headers: &Headers, mail: &Mail, slots: &[&str]) -> Vec<u8> {
    let part = |content_type, text: &str| {
        SinglePart::builder().header(content_type).body(encode::quoted_printable(text, slots))
    };
    // Programs show the last part that they understand, so the plainer one comes first (RFC 2046, section 5.1.4).
    let bodies = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(BOUNDARY)
        .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
        .singlepart(part(ContentType::TEXT_HTML, &mail.html));
    let mut message = headers.to_string().into_bytes();
    message.extend(bodies.formatted());
    message
}

/// Cuts a message at its slots.
fn split(message: &[u8], slots: &[(String, Slot)]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // Encoded, it is ASCII.
    let mut rest = str::from_utf8(message).unwrap_or_default();
    for (stand_in, slot) in encode::in_order(rest, slots.iter().map(|(stand_in, slot)| (stand_in.as_str(), *slot))) {
        let (before, from_slot) = rest.split_once(stand_in).unwrap_or((rest, ""));
        pieces.push(Piece::Bytes(before.as_bytes().to_vec()));
        pieces.push(Piece::Slot(slot));
        // A local time may be nothing, or several lines: it brings the end of its line along.
        rest = match slot {
            Slot::LocalTime(_) => from_slot.strip_prefix(encode::SOFT_BREAK).unwrap_or(from_slot),
            Slot::Manage | Slot::Unsubscribe => from_slot,
        };
    }
    pieces.push(Piece::Bytes(rest.as_bytes().to_vec()));
    pieces
}

fn token(identity: &MailIdentity, purpose: Purpose, subscriber: SubscriberId, generation: i64) -> String {
    LinkToken { purpose, subscriber: subscriber.0, generation }.sign(&identity.secret)
}

fn ascii(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
