//! One JSON object of somebody else's file, read field by field: what is missing may have a default, what is there must make
//! sense. Errors name the field.

use std::str::FromStr;

use domain::forms::NAME_MAX;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// An object and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Record<'a> {
    /// A JSON pointer (RFC 6901).
    pub(super) place: String,
    fields: &'a Map<String, Value>,
}

/// Why a record was not taken, and where in the file the reason stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) place: String,
    pub(super) reason: String,
}

impl<'a> Record<'a> {
    /// The object at a place, if it is one.
    pub(super) fn at(place: String, value: &'a Value) -> Result<Self, Refusal> {
        match value {
            Value::Object(fields) => Ok(Self { place, fields }),
            _ => Err(Refusal { place, reason: "this is not an object".to_owned() }),
        }
    }

    /// Refuses it for what is wrong with a field.
    pub(super) fn refuse<T>(&self, field: &str, reason: impl Into<String>) -> Result<T, Refusal> {
        Err(Refusal { place: format!("{}/{field}", self.place), reason: reason.into() })
    }

    /// A field that is neither missing nor `null`.
    fn some(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// Whether there is anything in a field.
    pub(super) fn has(&self, field: &str) -> bool {
        self.some(field).is_some()
    }

    /// Text, if there is any.
    pub(super) fn text(&self, field: &str) -> Result<Option<&'a str>, Refusal> {
        match self.some(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => self.refuse(field, "this is not text"),
        }
    }

    /// Text that must be there.
    pub(super) fn needed(&self, field: &str) -> Result<&'a str, Refusal> {
        match self.text(field)? {
            Some(text) => Ok(text),
            None => self.refuse(field, "this is missing"),
        }
    }

    /// A name: some text, on the page of no more than so many characters.
    pub(super) fn name(&self, field: &str) -> Result<&'a str, Refusal> {
        let name = self.needed(field)?;
        match name.chars().count() {
            _ if name.trim().is_empty() => self.refuse(field, "this is empty"),
            count if count > NAME_MAX => self.refuse(field, format!("this is longer than {NAME_MAX} characters")),
            _ => Ok(name),
        }
    }

    /// A word out of a known list, or a date, if there is one.
    pub(super) fn word<T: FromStr<Err: ToString>>(&self, field: &str) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        text.parse().map(Some).or_else(|error: T::Err| self.refuse(field, error.to_string()))
    }

    /// An instant to the millisecond, if there is one.
    pub(super) fn time(&self, field: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let time =
            text.parse().ok().and_then(|time: Timestamp| Timestamp::from_millisecond(time.as_millisecond()).ok());
        time.map_or_else(|| self.refuse(field, format!("“{text}” is not a time with a zone")), |time| Ok(Some(time)))
    }

    /// `true` or `false`, if it says so.
    pub(super) fn flag(&self, field: &str) -> Result<Option<bool>, Refusal> {
        match self.some(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => self.refuse(field, "this is neither true nor false"),
        }
    }

    /// A whole number, if there is one.
    pub(super) fn number(&self, field: &str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.some(field) else { return Ok(None) };
        value.as_i64().map_or_else(|| self.refuse(field, "this is not a whole number"), |number| Ok(Some(number)))
    }

    /// Whether it says `true`; anything else counts as no.
    pub(super) fn is_set(&self, field: &str) -> bool {
        matches!(self.some(field), Some(Value::Bool(true)))
    }

    /// The object in a field, if there is one.
    pub(super) fn record(&self, field: &str) -> Result<Option<Record<'a>>, Refusal> {
        self.some(field).map(|value| Record::at(format!("{}/{field}", self.place), value)).transpose()
    }

    /// The names in a list, which may be missing, or a single one.
    pub(super) fn names(&self, field: &str) -> Result<Vec<&'a str>, Refusal> {
        let list = match self.some(field) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list.iter().collect(),
            Some(value @ Value::String(_)) => vec![value],
            Some(_) => return self.refuse(field, "this is not a list"),
        };
        let name = |value: &'a Value| match value.as_str().filter(|name| !name.trim().is_empty()) {
            None => self.refuse(field, "this holds something that is not text"),
            Some(name) if name.chars().count() > NAME_MAX => {
                self.refuse(field, format!("this holds a name longer than {NAME_MAX} characters"))
            }
            Some(name) => Ok(name),
        };
        list.into_iter().map(name).collect()
    }

    /// The objects of a list, which may be missing.
    pub(super) fn list(&self, field: &str) -> Result<Vec<Record<'a>>, Refusal> {
        match self.some(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => {
                let at = |(index, value)| Record::at(format!("{}/{field}/{index}", self.place), value);
                list.iter().enumerate().map(at).collect()
            }
            Some(_) => self.refuse(field, "this is not a list"),
        }
    }
}
