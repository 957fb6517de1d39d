//! Reporting an incident.

use domain::{
    component::Section,
    forms::{FieldErrors, IncidentForm},
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    aids::{Aids, chooser, draft_notice},
    details::impacts,
    fields::Field,
    review::Review,
    shell::{Console, document, form_title, summary},
    update_fields::{FIELDS, UpdateFields},
};

/// What the page of a new incident shows. A fresh one holds `UpdateForm::opening`.
#[derive(Clone, Debug)]
pub struct IncidentNew {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// As typed.
    pub form: IncidentForm,
    /// What helps with it.
    pub aids: Aids,
    /// What is wrong with it.
    pub errors: FieldErrors,
    /// All components.
    pub sections: Vec<Section>,
    /// How many people would be mailed with the components as chosen.
    pub recipients: i64,
    /// When they would all have it: "done about 13:57 UTC"; or why nothing goes out for now. Empty when it cannot be said.
    pub finish: String,
    /// What a review found, if one was asked for.
    pub review: Option<Review>,
}

/// Draws the page.
pub fn page(model: &IncidentNew) -> String {
    let (form, errors) = (&model.form, &model.errors);
    let title = form_title("Report an incident", errors);
    let fields: Vec<_> = [("name", "Title"), ("impact", "Impact")].into_iter().chain(FIELDS).collect();
    document(&model.console, &title, || {
        let name = Field {
            name: "name",
            label: "Title",
            hint: "What readers notice, not what caused it: “Elevated API errors”",
            errors,
        };
        let impact = Field { name: "impact", label: "Impact", hint: "", errors };
        let update = UpdateFields {
            form: &form.update,
            errors,
            sections: &model.sections,
            affected: None,
            incident: "",
            recipients: model.recipients,
            finish: &model.finish,
            review: model.review.as_ref(),
            publish: "Publish incident",
        };
        view! {
            <p class="back"><a href="/admin/incidents">"Incidents"</a></p>
            <h1>"Report an incident"</h1>
            {summary(errors, &fields)}
            {draft_notice(&model.aids, "new", model.now)}
            <form class="box" method="post" action="/admin/incidents/new">
                {chooser(&model.aids)}
                {name.line(&form.name, true)}
                {impact.select(impacts(&form.impact))}
                {update.draw()}
            </form>
        }
    })
}
