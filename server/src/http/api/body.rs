//! What programs send: a JSON object, read field by field so that all that is wrong is said at once.

use std::collections::BTreeMap;

use axum::{
    RequestExt,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{HeaderMap, header, request::Parts},
};
use domain::{forms::FieldErrors, key::ApiKey, token};
use serde_json::{Map, Value};

use super::client_of;
use crate::{
    error::{Error, Result},
    http::{
        auth::{Actor, By, Caller, NamedRequest},
        client::Client,
    },
    state::AppState,
};

/// The longest `Idempotency-Key`.
const NAME_MAX: usize = 255;
const TOO_LARGE: &str = "The body is larger than 2 MiB: shorten it and send it again.";

/// A request that acts: who sent it, and what it says.
pub(crate) struct Sent {
    /// Who acts, with the name of the request if it has one.
    pub(super) actor: Actor,
    /// Where it came from.
    pub(super) client: Client,
    /// What it says.
    pub(super) body: Body,
}

/// A program that asks for something without a body.
pub(crate) struct Program(pub(super) Actor);

impl FromRequestParts<AppState> for Program {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let client = client_of(parts, state).await;
        let key = parts.extensions.get::<ApiKey>().cloned();
        // The guard puts it there; without one nobody gets here.
        let key = key.ok_or(Error::Unauthorized("Send a key: `Authorization: Bearer tdg_…`."))?;
        Ok(Self(Actor { by: By::Key(Caller { key, request: None }), address: client.address.to_string() }))
    }
}

impl FromRequest<AppState> for Sent {
    type Rejection = Error;

    async fn from_request(mut request: Request, state: &AppState) -> Result<Self> {
        let Program(mut actor) = request.extract_parts_with_state(state).await?;
        let Ok(client) = request.extract_parts_with_state::<Client, _>(state).await;
        let name = name(request.headers())?;
        let is_json = is_json(request.headers());
        let place = format!("{} {}", request.method(), request.uri().path());
        let bytes = Bytes::from_request(request, state).await.map_err(|error| match error {
            BytesRejection::FailedToBufferBody(error) if error.status().as_u16() == 413 => Error::TooLarge(TOO_LARGE),
            other => Error::Malformed(format!("The body could not be read: {other}.")),
        })?;
        if !bytes.is_empty() && !is_json {
            return Err(Error::Unsupported("Send JSON, with `Content-Type: application/json`."));
        }
        if let By::Key(caller) = &mut actor.by {
            let hash = || token::hash(&format!("{place}\n{}", token::hash(&String::from_utf8_lossy(&bytes))));
            caller.request = name.map(|name| NamedRequest { name, hash: hash() });
        }
        Ok(Self { actor, client, body: Body::read(&bytes)? })
    }
}

/// The `Idempotency-Key`.
fn name(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let name = value.to_str().unwrap_or_default();
    let is_good = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_good {
        return Ok(Some(name.to_owned()));
    }
    let problem = format!("write 1 to {NAME_MAX} ASCII characters, such as a UUID");
    Err(FieldErrors::one("Idempotency-Key", problem).into())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// A JSON object of which each field is taken once. What is left at the end was not expected.
#[derive(Debug, Default)]
pub(super) struct Body {
    fields: Map<String, Value>,
    errors: FieldErrors,
    is_missing: bool,
}

impl Body {
    fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Ok(Self { is_missing: true, ..Self::default() });
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self { fields, ..Self::default() }),
            Ok(_) => Err(Error::Malformed("The body is not a JSON object: write `{…}`.".to_owned())),
            Err(error) => Err(Error::Malformed(format!("The body is not JSON: {error}."))),
        }
    }

    /// Whether a field is there, `null` or not.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Takes a field; `null` counts as left out.
    fn take<T>(&mut self, field: &str, wanted: &str, read: impl FnOnce(Value) -> Option<T>) -> Option<T> {
        match self.fields.remove(field) {
            None | Some(Value::Null) => None,
            Some(value) => {
                let read = read(value);
                if read.is_none() {
                    self.errors.add(field, wanted);
                }
                read
            }
        }
    }

    /// A string.
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        self.take(field, "write a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// A string that may be left out, but not empty.
    pub(super) fn word(&mut self, field: &str) -> Option<String> {
        let word = self.text(field);
        if word.as_ref().is_some_and(String::is_empty) {
            self.errors.add(field, "write something here, or leave it out");
        }
        word
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, field: &str) -> Option<bool> {
        self.take(field, "write true or false", |value| value.as_bool())
    }

    /// A whole number.
    pub(super) fn number(&mut self, field: &str) -> Option<i64> {
        self.take(field, "write a whole number", |value| value.as_i64())
    }

    /// A list of strings.
    pub(super) fn texts(&mut self, field: &str) -> Option<Vec<String>> {
        self.take(field, "write a list of strings", |value| serde_json::from_value(value).ok())
    }

    /// An object whose values are strings.
    pub(super) fn texts_by_name(&mut self, field: &str) -> Option<BTreeMap<String, String>> {
        self.take(field, "write an object of strings", |value| serde_json::from_value(value).ok())
    }

    /// Notes that a field is wrong.
    pub(super) fn refuse(&mut self, field: &str, message: &str) {
        self.errors.add(field, message);
    }

    /// The command, or all that is wrong: what could not be read, what was not expected, what breaks a rule.
    pub(super) fn finish<T>(self, parsed: std::result::Result<T, FieldErrors>) -> Result<T> {
        if self.is_missing {
            return Err(Error::Malformed("There is no body: send a JSON object.".to_owned()));
        }
        self.checked(parsed)
    }

    /// Where nothing needs to be said, nothing else may be.
    pub(super) fn nothing(self) -> Result<()> {
        self.checked(Ok(()))
    }

    fn checked<T>(mut self, parsed: std::result::Result<T, FieldErrors>) -> Result<T> {
        for field in self.fields.keys() {
            self.errors.add(field, "there is no such field here");
        }
        if let Err(broken) = &parsed {
            for (field, message) in broken.iter() {
                self.errors.add(field, message);
            }
        }
        match parsed {
            Ok(command) if self.errors.is_empty() => Ok(command),
            _ => Err(self.errors.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_in_form_and_in_meaning_is_said_together() {
        let mut body = Body::read(br#"{"name": 7, "notify": "yes", "noitfy": true, "group": null}"#).unwrap();
        assert_eq!((body.text("name"), body.flag("notify"), body.text("group")), (None, None, None));
        let broken: std::result::Result<(), _> = Err(FieldErrors::one("notify", "choose"));
        let Err(Error::Invalid(errors)) = body.finish(broken) else { panic!("it was accepted") };
        let said: Vec<_> = errors.iter().collect();
        assert_eq!(
            said,
            [("name", "write a string"), ("noitfy", "there is no such field here"), ("notify", "write true or false")]
        );
    }

    #[test]
    fn what_is_no_object_is_malformed() {
        for text in ["[]", "7", "nonsense", "{", "\u{0}"] {
            assert!(matches!(Body::read(text.as_bytes()), Err(Error::Malformed(_))), "{text}");
        }
        assert!(Body::read(b"").is_ok());
    }
}
