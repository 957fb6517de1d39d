//! What an incident is called and how bad it is, changed later.

use domain::{
    forms::{DetailsForm, FieldErrors},
    ids::IncidentId,
    status::Impact,
};
use leptos::prelude::*;

use super::{
    fields::{Field, option},
    shell::{Console, document, form_title, summary},
};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Details {
    /// The frame.
    pub console: Console,
    /// The incident.
    pub incident: IncidentId,
    /// As typed.
    pub form: DetailsForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

/// Draws the page.
pub fn page(model: &Details) -> String {
    let (form, errors) = (&model.form, &model.errors);
    let address = format!("/admin/incidents/{}", model.incident);
    document(&model.console, &form_title("Title and impact", errors), || {
        let name = Field { name: "name", label: "Title", hint: "Mails sent from now on carry the new one", errors };
        let impact = Field { name: "impact", label: "Impact", hint: "", errors };
        view! {
            <p class="back"><a href=address.clone()>"Back to the incident"</a></p>
            <h1>"Title and impact"</h1>
            {summary(errors, &[("name", "Title"), ("impact", "Impact")])}
            <form class="box" method="post" action=format!("{address}/details")>
                {name.line(&form.name, true)}
                {impact.select(impacts(&form.impact))}
                <div class="actions"><button class="button">"Save"</button></div>
            </form>
        }
    })
}

/// The impacts to choose from.
pub(super) fn impacts(chosen: &str) -> Vec<AnyView> {
    let follow = option("", "As the components say", chosen);
    let words = Impact::ALL.iter().map(|impact| option(impact.as_str(), impact.label(), chosen));
    std::iter::once(follow).chain(words).collect()
}
