//! The form of a template.

use std::collections::BTreeMap;

use super::{BODY_MAX, FieldErrors, Fields, Listed, NAME_MAX, line, optional, paragraphs};
use crate::{ids::ComponentId, status::IncidentStatus, template::Template};

/// A template as typed.
#[derive(Clone, Debug, Default)]
pub struct TemplateForm {
    /// What it is called in the console.
    pub name: String,
    /// The title of an incident opened with it.
    pub title: String,
    /// An [`IncidentStatus`]'s word, or empty.
    pub status: String,
    /// Markdown.
    pub body: String,
    /// For each component's id the status it is to have; empty when it is not listed.
    pub components: BTreeMap<String, String>,
}

/// What a [`TemplateForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveTemplate {
    /// What it is called in the console.
    pub name: String,
    /// May be empty.
    pub title: String,
    /// Where the incident stands, if it says so.
    pub status: Option<IncidentStatus>,
    /// Markdown; may be empty.
    pub body: String,
    /// The components it lists.
    pub components: Listed,
}

impl TemplateForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self {
            name: fields.get("name"),
            title: fields.get("title"),
            status: fields.get("status"),
            body: fields.get("body"),
            components: fields.under("component.").map(|(id, word)| (id.to_owned(), word.to_owned())).collect(),
        }
    }

    /// A template as it stands.
    pub fn of(template: &Template) -> Self {
        let listed = template.components.iter();
        Self {
            name: template.name.clone(),
            title: template.title.clone(),
            status: template.status.map_or("", IncidentStatus::as_str).to_owned(),
            body: template.body.clone(),
            components: listed.map(|(id, status)| (id.to_string(), status.as_str().to_owned())).collect(),
        }
    }

    /// The command, or all that is wrong. `known` are the components that may be listed; those that are gone are left out.
    pub fn parse(&self, known: &[ComponentId]) -> Result<SaveTemplate, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", line(&self.name, NAME_MAX));
        let title = errors.take("title", optional(line(&self.title, NAME_MAX)));
        let status = match self.status.as_str() {
            "" => Some(None),
            word => {
                let known = word.parse().ok().filter(|status| IncidentStatus::POSTABLE.contains(status));
                errors.take("status", known.ok_or("choose where the incident stands")).map(Some)
            }
        };
        let body = errors.take("body", optional(paragraphs(&self.body, BODY_MAX)));
        let listed = known.iter().filter_map(|id| Some((id.clone(), self.components.get(id.as_str())?)));
        let components = listed.filter_map(|(id, word)| Some((id, word.parse().ok()?))).collect();
        match (name, title, status, body) {
            (Some(name), Some(title), Some(status), Some(body)) => {
                Ok(SaveTemplate { name, title, status, body, components })
            }
            _ => Err(errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::ComponentStatus;

    #[test]
    fn a_template_needs_nothing_but_a_name() {
        let known = [ComponentId::from_random(1)];
        let form = TemplateForm { name: " Database ".into(), ..TemplateForm::default() };
        assert_eq!(form.parse(&known).unwrap().name, "Database");
        let wrong = TemplateForm { status: "postmortem".into(), ..TemplateForm::default() };
        let errors = wrong.parse(&known).unwrap_err();
        assert_eq!(errors.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["name", "status"]);
    }

    #[test]
    fn components_that_are_gone_are_left_out() {
        let known = ComponentId::from_random(1);
        let form = TemplateForm {
            name: "Database".into(),
            components: [
                (known.to_string(), "major_outage".to_owned()),
                ("gone".to_owned(), "major_outage".to_owned()),
            ]
            .into(),
            ..TemplateForm::default()
        };
        let saved = form.parse(std::slice::from_ref(&known)).unwrap();
        assert_eq!(saved.components, [(known, ComponentStatus::MajorOutage)].into());
    }
}
