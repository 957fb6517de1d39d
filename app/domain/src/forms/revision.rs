//! Forms that change what was published.

use super::{BODY_MAX, FieldErrors, Fields, NAME_MAX, line, paragraphs};
use crate::status::Impact;

/// The text of a published update as typed anew. Its status, components and time stay as they are.
#[derive(Clone, Debug, Default)]
pub struct EditForm {
    /// How often it had been edited when the form was shown.
    pub seen: String,
    /// Markdown.
    pub body: String,
}

/// What an [`EditForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditUpdate {
    /// How often it had been edited, as the author knew it: nobody overwrites a colleague's words. `None` asks nothing.
    pub seen: Option<i64>,
    /// Markdown.
    pub body: String,
}

/// What an incident is called and how bad it is, as typed anew.
#[derive(Clone, Debug, Default)]
pub struct DetailsForm {
    /// Its title.
    pub name: String,
    /// An [`Impact`]'s word, or empty to follow the components.
    pub impact: String,
}

/// What a [`DetailsForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeIncident {
    /// Its title.
    pub name: String,
    /// The author's word on how bad it is; `None` lets the components decide.
    pub impact: Option<Impact>,
}

impl EditForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self { seen: fields.get("seen"), body: fields.get("body") }
    }

    /// The command, or what is wrong.
    pub fn parse(&self) -> Result<EditUpdate, FieldErrors> {
        let body = paragraphs(&self.body, BODY_MAX).map_err(|error| FieldErrors::one("body", error.to_string()))?;
        Ok(EditUpdate { seen: self.seen.parse().ok(), body })
    }
}

impl DetailsForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self { name: fields.get("name"), impact: fields.get("impact") }
    }

    /// The command, or all that is wrong.
    pub fn parse(&self) -> Result<ChangeIncident, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", line(&self.name, NAME_MAX));
        let impact = match self.impact.as_str() {
            "" => Some(None),
            word => errors.take("impact", word.parse().map_err(|_| "choose one of the impacts")).map(Some),
        };
        match (name, impact) {
            (Some(name), Some(impact)) => Ok(ChangeIncident { name, impact }),
            _ => Err(errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_needed_and_all_errors_come_together() {
        assert!(EditForm::default().parse().unwrap_err().get("body").is_some());
        let errors = DetailsForm { name: String::new(), impact: "terrible".into() }.parse().unwrap_err();
        assert_eq!(errors.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["impact", "name"]);
        let form = DetailsForm { name: "Slow".into(), impact: String::new() };
        assert_eq!(form.parse(), Ok(ChangeIncident { name: "Slow".into(), impact: None }));
    }
}
