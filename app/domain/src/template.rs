//! Templates: words prepared in quiet times for when there is no time for them.

use crate::{
    forms::{IncidentForm, Listed, UpdateForm},
    ids::TemplateId,
    status::IncidentStatus,
};

/// A prepared update. What is empty leaves the form as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Never changes.
    pub id: TemplateId,
    /// What it is called in the console.
    pub name: String,
    /// The title of an incident opened with it.
    pub title: String,
    /// Where the incident stands.
    pub status: Option<IncidentStatus>,
    /// Markdown.
    pub body: String,
    /// The components it lists, with the status each is to have.
    pub components: Listed,
}

impl Template {
    /// Whether filling the form would replace words that somebody typed.
    pub fn would_replace(&self, form: &IncidentForm) -> bool {
        let is_lost =
            |typed: &str, own: &str| !typed.trim().is_empty() && !own.is_empty() && typed.trim() != own.trim();
        is_lost(&form.update.body, &self.body) || is_lost(&form.name, &self.title)
    }

    /// Fills in a new incident.
    pub fn fill(&self, form: &mut IncidentForm) {
        if !self.title.is_empty() {
            form.name.clone_from(&self.title);
        }
        self.fill_update(&mut form.update);
    }

    /// Fills in an update.
    pub fn fill_update(&self, form: &mut UpdateForm) {
        if let Some(status) = self.status {
            status.as_str().clone_into(&mut form.status);
        }
        if !self.body.is_empty() {
            form.body.clone_from(&self.body);
        }
        for (component, status) in &self.components {
            form.components.insert(component.to_string(), status.as_str().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::ComponentId, status::ComponentStatus};

    fn template() -> Template {
        Template {
            id: TemplateId::from_random(1),
            name: "Database".into(),
            title: "Slow database".into(),
            status: Some(IncidentStatus::Identified),
            body: "The database is slow.".into(),
            components: [(ComponentId::from_random(1), ComponentStatus::MajorOutage)].into(),
        }
    }

    #[test]
    fn a_template_fills_what_is_empty_and_asks_before_it_replaces_words() {
        let mut form = IncidentForm::default();
        assert!(!template().would_replace(&form));
        template().fill(&mut form);
        assert_eq!((form.name.as_str(), form.update.status.as_str()), ("Slow database", "identified"));
        assert_eq!(form.update.components.values().collect::<Vec<_>>(), ["major_outage"]);
        // Once more changes nothing, so there is nothing to ask.
        assert!(!template().would_replace(&form));
        form.update.body.push_str(" Since noon.");
        assert!(template().would_replace(&form));
        let words = Template { title: String::new(), body: String::new(), ..template() };
        assert!(!words.would_replace(&form));
    }
}
