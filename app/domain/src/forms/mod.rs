//! What forms carry, parsed once: text cleaned, limits checked, all errors together.
//!
//! A struct whose name ends in `Form` holds what was typed, word for word, so that a form that failed comes back with
//! every field; its `parse` gives the command it stands for, or all its errors.

mod audit;
mod component;
mod incident;
mod key;
mod postmortem;
mod revision;
mod settings;
mod subscribe;
mod subscriber;
mod template;

pub use audit::{AuditForm, AuditQuestion};
pub use component::{ComponentForm, GroupForm, SaveComponent, SaveGroup};
pub use incident::{IncidentForm, Listed, OpenIncident, PROMISES, PostUpdate, UpdateForm};
pub use key::{CreateKey, KeyForm};
pub use postmortem::{FOLLOW_UPS_MAX, FollowUpForm, PostmortemForm, PublishPostmortem, SaveFollowUp, SavePostmortem};
pub use revision::{ChangeIncident, DetailsForm, EditForm, EditUpdate};
pub use settings::{FooterLink, LINKS_MAX, SaveSettings, SettingsForm};
pub use subscribe::{FollowsForm, PreferencesForm, Subscribe, SubscribeForm};
pub use subscriber::{
    AddSubscriber, AddSubscriberForm, CONSENT_MAX, ImportForm, STATES, SubscriberSearch, everything_ticked,
};
pub use template::{SaveTemplate, TemplateForm};

use std::collections::BTreeMap;

use serde::Serialize;

/// The longest title or name, in characters.
pub const NAME_MAX: usize = 300;
/// The longest update, in characters.
pub const BODY_MAX: usize = 100_000;
/// The shortest password, in characters.
pub const PASSWORD_MIN: usize = 12;
/// The longest description of a component, in characters.
pub const DESCRIPTION_MAX: usize = 1_000;

/// What is wrong with a form: for each field, what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FieldErrors(BTreeMap<String, String>);

impl FieldErrors {
    /// Notes that `field` is wrong. The first word on a field stands.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.entry(field.to_owned()).or_insert_with(|| message.into());
    }

    /// One field, one message.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// What to do about `field`.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// The value, unless something is wrong; then all of that.
    fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every field with its message.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }

    /// Keeps the value, or notes the error and gives nothing.
    pub fn take<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// Keeps what a part of the form stands for, or notes all its errors and gives nothing.
    pub fn take_all<T>(&mut self, result: Result<T, Self>) -> Option<T> {
        result.map_err(|errors| errors.iter().for_each(|(field, message)| self.add(field, message))).ok()
    }
}

/// The fields of a form as they arrived, in their order; a name may come several times.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value of a field, or nothing.
    pub fn get(&self, name: &str) -> String {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Whether a check box was ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// Every value of a field.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The fields whose names begin with `prefix`, without it.
    pub fn under(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(move |(field, value)| Some((field.strip_prefix(prefix)?, value.as_str())))
    }
}

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("write something here")]
    Empty,
    /// Over the limit.
    #[error("{length} characters are too many: at most {max}")]
    TooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        max: usize,
    },
}

/// One line: line breaks and tabs become spaces, other control characters go, ends are trimmed.
pub fn line(text: &str, max: usize) -> Result<String, TextError> {
    let spaced: String = text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect();
    let clean: String = spaced.chars().filter(|letter| !letter.is_control()).collect();
    limited(clean.trim(), max)
}

/// Many lines: every line break becomes LF, other control characters than tab go, empty lines at both ends too.
/// The first line keeps its indentation, which means something in Markdown.
pub fn paragraphs(text: &str, max: usize) -> Result<String, TextError> {
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    let clean: String = unix.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect();
    let start = clean.find(|letter: char| !letter.is_whitespace()).unwrap_or(0);
    let start = clean[..start].rfind('\n').map_or(0, |newline| newline + 1);
    limited(clean[start..].trim_end(), max)
}

/// As [`line()`] and [`paragraphs`], but nothing at all is fine too.
pub fn optional(result: Result<String, TextError>) -> Result<String, TextError> {
    match result {
        Err(TextError::Empty) => Ok(String::new()),
        other => other,
    }
}

fn limited(text: &str, max: usize) -> Result<String, TextError> {
    let length = text.chars().count();
    if text.is_empty() {
        Err(TextError::Empty)
    } else if length > max {
        Err(TextError::TooLong { length, max })
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(line(" Elevated\r\nBcc: x\0\tAPI errors ", 100), Ok("Elevated  Bcc: x API errors".into()));
        assert_eq!(line("\0\r\n", 100), Err(TextError::Empty));
        assert_eq!(line("four", 3), Err(TextError::TooLong { length: 4, max: 3 }));
    }

    #[test]
    fn paragraphs_keep_their_lines() {
        assert_eq!(paragraphs("one\r\ntwo\rthree\0\n", 100), Ok("one\ntwo\nthree".into()));
        assert_eq!(optional(paragraphs("", 100)), Ok(String::new()));
    }

    #[test]
    fn all_errors_come_together_and_the_first_on_a_field_stands() {
        let mut errors = FieldErrors::default();
        errors.add("name", "first");
        errors.add("name", "second");
        assert_eq!(errors.take("body", line("", 3)), None);
        assert_eq!(errors.iter().collect::<Vec<_>>(), [("body", "write something here"), ("name", "first")]);
    }

    proptest! {
        #[test]
        fn what_was_cleaned_needs_no_more_cleaning(text in "(?s).{0,80}") {
            if let Ok(clean) = line(&text, 80) {
                prop_assert!(!clean.chars().any(char::is_control));
                prop_assert_eq!(line(&clean, 80), Ok(clean));
            }
            if let Ok(clean) = paragraphs(&text, 80) {
                prop_assert_eq!(paragraphs(&clean, 80), Ok(clean));
            }
        }
    }
}
