//! What somebody asks of the audit log.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::{FieldErrors, Fields};

/// A question as typed; what is empty asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditForm {
    /// Who, as the log names them; `subscriber` is any of them.
    pub actor: String,
    /// What.
    pub action: String,
    /// Words in what it was done to, in the details or in the address.
    pub text: String,
    /// The first day, in UTC.
    pub from: String,
    /// The last day, in UTC.
    pub to: String,
}

/// What an [`AuditForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuestion {
    /// How the actor's name begins.
    pub actor: String,
    /// What, or empty for anything.
    pub action: String,
    /// What is contained, in any case of letters.
    pub text: String,
    /// From this instant on.
    pub from: Timestamp,
    /// Before this one.
    pub to: Timestamp,
}

impl AuditForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self {
            actor: fields.get("actor"),
            action: fields.get("action"),
            text: fields.get("text"),
            from: fields.get("from"),
            to: fields.get("to"),
        }
    }

    /// Whether nothing is asked: everything is shown.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The question, or what is wrong with it.
    pub fn parse(&self) -> Result<AuditQuestion, FieldErrors> {
        let mut errors = FieldErrors::default();
        let from = errors.take("from", day(&self.from)).flatten();
        let to = errors.take("to", day(&self.to)).flatten();
        let start = |day: Option<Date>| {
            day.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|midnight| midnight.timestamp())
        };
        if !errors.is_empty() {
            return Err(errors);
        }
        let plain = |text: &str| text.trim().chars().filter(|letter| !letter.is_control()).collect::<String>();
        Ok(AuditQuestion {
            actor: plain(&self.actor),
            action: plain(&self.action),
            text: plain(&self.text).to_lowercase(),
            from: start(from).unwrap_or(Timestamp::UNIX_EPOCH),
            to: start(to.and_then(|day| day.checked_add(1.day()).ok())).unwrap_or(Timestamp::MAX),
        })
    }
}

fn day(text: &str) -> Result<Option<Date>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| "write a day as 2024-02-05"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_day_is_asked_for_to_its_end() {
        let form = AuditForm { from: "2024-02-05".into(), to: " 2024-02-05 ".into(), ..AuditForm::default() };
        let question = form.parse().unwrap();
        assert_eq!(question.from.to_string(), "2024-02-05T00:00:00Z");
        assert_eq!(question.to.to_string(), "2024-02-06T00:00:00Z");
    }

    #[test]
    fn nothing_asked_is_everything() {
        let question = AuditForm::default().parse().unwrap();
        assert_eq!((question.from, question.to), (Timestamp::UNIX_EPOCH, Timestamp::MAX));
        assert!(AuditForm::default().is_empty());
    }

    #[test]
    fn a_day_that_is_none_is_refused() {
        let form = AuditForm { from: "yesterday".into(), to: "9999-12-31".into(), ..AuditForm::default() };
        assert_eq!(form.parse().unwrap_err().iter().map(|(field, _)| field).collect::<Vec<_>>(), ["from"]);
    }
}
