//! The form for services without one of their own here: JSON, signed with a secret that both sides know.
//!
//! ```text
//! Tidings-Signature: t=1732264869,v1=5257a869…       HMAC-SHA-256 of `1732264869.` and the body, in hexadecimal
//!
//! {"id": "evt_1", "kind": "bounce", "permanence": "permanent", "recipient": "jo@example.org",
//!  "message_id": "<…>", "at": "2024-11-22T08:41:09Z", "diagnostic": "smtp; 550 5.1.1 user unknown"}   or a list of these
//! ```

use domain::{
    bounce::{BounceKind, Permanence, Report},
    forms::FieldErrors,
};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// The header with the signature.
pub const SIGNATURE: &str = "tidings-signature";
/// How far the two clocks may be apart, and how long a request may be under way: later it is taken for a repetition.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// The most events in one request.
const MOST: usize = 1_000;
/// The longest `id`.
const ID_LENGTH: usize = 200;
/// What is kept of a diagnostic, in characters.
const DIAGNOSTIC_LENGTH: usize = 500;

/// An event as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventBody {
    id: String,
    kind: BounceKind,
    permanence: Option<Permanence>,
    recipient: String,
    message_id: Option<String>,
    at: Timestamp,
    #[serde(default)]
    diagnostic: String,
}

/// Whether a body was signed with the secret just now.
///
/// # Errors
/// [`Error::Forbidden`] with what is wrong.
pub fn verify(secret: &str, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<()> {
    let signature = signature.ok_or(Error::Forbidden("Sign the request: `Tidings-Signature: t=…,v1=…`."))?;
    let parts: Vec<_> = signature.split(',').filter_map(|part| part.trim().split_once('=')).collect();
    let time = parts.iter().find(|(name, _)| *name == "t").map(|(_, time)| *time);
    let at = time.and_then(|time| Timestamp::from_second(time.parse().ok()?).ok());
    let (Some(time), Some(at)) = (time, at) else {
        return Err(Error::Forbidden("The signature has no time: write `t=` and the seconds since 1970."));
    };
    if now.duration_since(at).abs() > TOLERANCE {
        return Err(Error::Forbidden(
            "The signature is older or newer than five minutes: set the clock, and sign anew.",
        ));
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [time.as_bytes(), b".", body].concat();
    // In constant time. Several are allowed, so that a secret can be changed.
    let is_ours = |mac: &str| from_hexadecimal(mac).is_some_and(|mac| hmac::verify(&key, &signed, &mac).is_ok());
    if parts.iter().any(|(name, mac)| *name == "v1" && is_ours(mac)) {
        Ok(())
    } else {
        Err(Error::Forbidden("The signature is not that of this body with our secret."))
    }
}

/// The reports in a body that was signed.
///
/// # Errors
/// [`Error::Malformed`] for what is no JSON, [`Error::Invalid`] with every event that cannot be read: then none counts.
pub fn reports(body: &[u8]) -> Result<Vec<Report>> {
    let value =
        serde_json::from_slice(body).map_err(|error| Error::Malformed(format!("The body is not JSON: {error}.")))?;
    let events = match value {
        Value::Array(events) => events,
        event => vec![event],
    };
    if events.len() > MOST {
        return Err(FieldErrors::one("events", format!("send {MOST} at most at once")).into());
    }
    let (mut reports, mut errors) = (Vec::with_capacity(events.len()), FieldErrors::default());
    for (number, event) in events.into_iter().enumerate() {
        let read = serde_json::from_value(event).map_err(|error| error.to_string()).and_then(report);
        reports.extend(errors.take(&format!("events[{number}]"), read));
    }
    if errors.is_empty() { Ok(reports) } else { Err(errors.into()) }
}

fn report(event: EventBody) -> std::result::Result<Report, String> {
    if !(1..=ID_LENGTH).contains(&event.id.len()) {
        return Err(format!("`id` must have 1 to {ID_LENGTH} bytes"));
    }
    let permanence = match (event.kind, event.permanence) {
        (_, Some(permanence)) => permanence,
        (BounceKind::Complaint, None) => Permanence::Undetermined,
        (BounceKind::Bounce, None) => return Err("a bounce needs a `permanence`".to_owned()),
    };
    Ok(Report {
        id: event.id,
        kind: event.kind,
        permanence,
        recipient: event.recipient.parse().map_err(|error| format!("`recipient`: {error}"))?,
        message_id: event.message_id,
        sent_by: event.at,
        at: event.at,
        diagnostic: plain(&event.diagnostic),
        is_about_us: false,
    })
}

/// A server's words on one line, cut to what a person reads.
pub(super) fn plain(diagnostic: &str) -> String {
    app::emails::one_line(diagnostic).chars().take(DIAGNOSTIC_LENGTH).collect()
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = text.as_bytes();
    let is_even = bytes.len().is_multiple_of(2);
    bytes
        .chunks(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?))
        .collect::<Option<_>>()
        .filter(|_| is_even)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const BODY: &[u8] = b"{\"id\": \"evt_1\"}";
    /// Of 1707129669, by `openssl dgst -sha256 -hmac`.
    const MAC: &str = "56c179ce6903f42f321315af3ebd6a6a98f844967430886a69f3df35f08cf439";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_707_129_669 + second).unwrap()
    }

    fn signed(signature: &str) -> std::result::Result<(), String> {
        verify(SECRET, Some(signature), BODY, at(0)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_openssl_signed_is_believed_for_five_minutes() {
        let signature = format!("t=1707129669,v1={MAC}");
        for (second, is_believed) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            assert_eq!(verify(SECRET, Some(&signature), BODY, at(second)).is_ok(), is_believed, "{second}");
        }
        assert!(signed(&format!("t=1707129669,v1={},v1={MAC}", "0".repeat(64))).is_ok(), "one of two secrets");
        assert!(signed(&format!("t=1707129669, v1={}", MAC.to_uppercase())).is_ok());
    }

    #[test]
    fn what_is_forged_is_not() {
        let signature = format!("t=1707129669,v1={MAC}");
        assert!(verify("another secret", Some(&signature), BODY, at(0)).is_err());
        assert!(verify(SECRET, Some(&signature), b"{\"id\": \"evt_2\"}", at(0)).is_err());
        assert!(verify(SECRET, None, BODY, at(0)).is_err());
        for forged in [
            "",
            "nonsense",
            "t=1707129669",
            &format!("v1={MAC}"),
            &format!("t=,v1={MAC}"),
            &format!("t=99999999999999999999,v1={MAC}"),
            &format!("t=-9223372036854775808,v1={MAC}"),
            &format!("t=1707129670,v1={MAC}"),
            &format!("t=1707129669,v0={MAC}"),
            &format!("t=1707129669,v1={}", &MAC[..63]),
            &format!("t=1707129669,v1={}", &MAC[..62]),
            &format!("t=1707129669,v1=é{}", &MAC[..62]),
            "t=1707129669,v1=",
        ] {
            assert!(signed(forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn one_event_or_many_are_read() {
        let event = r#"{"id": "1", "kind": "bounce", "permanence": "permanent", "recipient": "Jo@example.org",
            "message_id": "<1.2@example.com>", "at": "2024-02-05T10:41:09Z", "diagnostic": "550\r\n5.1.1"}"#;
        let complaint =
            r#"{"id": "2", "kind": "complaint", "recipient": "ann@example.org", "at": "2024-02-05T10:41:09+01:00"}"#;
        let one = reports(event.as_bytes()).unwrap();
        let many = reports(format!("[{event}, {complaint}]").as_bytes()).unwrap();
        assert_eq!(one[0], many[0]);
        assert_eq!((one[0].recipient.as_str(), one[0].diagnostic.as_str()), ("Jo@example.org", "550 5.1.1"));
        assert_eq!((many[1].kind, many[1].message_id.as_deref()), (BounceKind::Complaint, None));
        assert!(reports(b"[]").unwrap().is_empty());
    }

    #[test]
    fn every_event_that_is_wrong_is_named_and_none_counts() {
        let good = r#"{"id": "1", "kind": "complaint", "recipient": "jo@example.org", "at": "2024-02-05T10:41:09Z"}"#;
        let wrong = [
            "7",
            "{}",
            r#"{"id": "", "kind": "complaint", "recipient": "jo@example.org", "at": "2024-02-05T10:41:09Z"}"#,
            r#"{"id": "1", "kind": "bounce", "recipient": "jo@example.org", "at": "2024-02-05T10:41:09Z"}"#,
            r#"{"id": "1", "kind": "delivery", "recipient": "jo@example.org", "at": "2024-02-05T10:41:09Z"}"#,
            r#"{"id": "1", "kind": "complaint", "recipient": "jo", "at": "2024-02-05T10:41:09Z"}"#,
            r#"{"id": "1", "kind": "complaint", "recipient": "jo@example.org", "at": "yesterday"}"#,
            r#"{"id": "1", "kind": "complaint", "recipient": "jo@example.org", "at": "2024-02-05T10:41:09Z", "x": 1}"#,
        ];
        let body = format!("[{good}, {}]", wrong.join(", "));
        let Err(Error::Invalid(errors)) = reports(body.as_bytes()) else { panic!("it was accepted") };
        let named: Vec<_> = errors.iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(named, (1..=wrong.len()).map(|number| format!("events[{number}]")).collect::<Vec<_>>());
        assert!(matches!(reports(b"{"), Err(Error::Malformed(_))));
        let many = format!("[{}]", vec![good; MOST + 1].join(","));
        assert!(matches!(reports(many.as_bytes()), Err(Error::Invalid(_))));
    }
}
