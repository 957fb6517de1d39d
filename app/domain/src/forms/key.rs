//! The form of a new API key.

use std::collections::BTreeSet;

use super::{FieldErrors, Fields, NAME_MAX, line};
use crate::key::{DAYS_MAX, Scope};

/// A new key as typed.
#[derive(Clone, Debug, Default)]
pub struct KeyForm {
    /// What it is for.
    pub name: String,
    /// The words of its scopes.
    pub scopes: BTreeSet<String>,
    /// How many days it lives: `90`, or `90d` as on the command line.
    pub days: String,
}

/// What a [`KeyForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateKey {
    /// What it is for.
    pub name: String,
    /// What it may be used for; never empty.
    pub scopes: BTreeSet<Scope>,
    /// How many days it lives.
    pub days: i64,
}

impl KeyForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self {
            name: fields.get("name"),
            scopes: fields.all("scope").map(str::to_owned).collect(),
            days: fields.get("days"),
        }
    }

    /// The command, or all that is wrong.
    pub fn parse(&self) -> Result<CreateKey, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", line(&self.name, NAME_MAX));
        let mut scopes = BTreeSet::new();
        for word in &self.scopes {
            scopes.extend(errors.take("scopes", word.parse::<Scope>().map_err(|_| unknown(word))));
        }
        if self.scopes.is_empty() {
            errors.add("scopes", "choose at least one thing that the key may do");
        }
        let days = self.days.trim();
        let days = days.strip_suffix('d').unwrap_or(days).parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
        if days.is_none() {
            errors.add("days", format!("write a number of days from 1 to {DAYS_MAX}"));
        }
        match (name, days) {
            (Some(name), Some(days)) if errors.is_empty() => Ok(CreateKey { name, scopes, days }),
            _ => Err(errors),
        }
    }
}

fn unknown(word: &str) -> String {
    let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    format!("there is no scope “{word}”: choose from {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(days: &str) -> KeyForm {
        KeyForm { name: " Monitor ".into(), scopes: ["incidents".into()].into(), days: days.into() }
    }

    #[test]
    fn a_key_has_a_name_a_purpose_and_an_end() {
        let command = CreateKey { name: "Monitor".into(), scopes: [Scope::Incidents].into(), days: 90 };
        assert_eq!(form("90").parse(), Ok(command.clone()));
        assert_eq!(form(" 90d ").parse(), Ok(command));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let errors = KeyForm::default().parse().unwrap_err();
        assert_eq!(errors.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["days", "name", "scopes"]);
        for days in ["0", "366", "-1", "soon", "1y", ""] {
            assert!(form(days).parse().is_err(), "{days}");
        }
        let wrong = KeyForm { scopes: ["root".into()].into(), ..form("1") };
        assert!(wrong.parse().unwrap_err().get("scopes").unwrap().contains("components, incidents"));
    }
}
