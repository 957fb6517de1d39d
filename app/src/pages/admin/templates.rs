//! Words prepared for when there is no time for them.

use std::collections::BTreeMap;

use domain::{
    component::Section,
    forms::{FieldErrors, TemplateForm},
    ids::TemplateId,
    status::IncidentStatus,
    template::Template,
};
use leptos::prelude::*;

use super::{
    fields::{Field, danger, option},
    shell::{Console, document, form_title, summary},
    update_fields::{component_row, named},
};
use crate::{components::sentence, islands::MarkdownPreview};

/// What the list shows.
#[derive(Clone, Debug)]
pub struct Templates {
    /// The frame.
    pub console: Console,
    /// By name.
    pub templates: Vec<Template>,
}

/// What the form of a template shows.
#[derive(Clone, Debug)]
pub struct TemplatePage {
    /// The frame.
    pub console: Console,
    /// `None` for one that is not there yet.
    pub id: Option<TemplateId>,
    /// As typed.
    pub form: TemplateForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
    /// All components.
    pub sections: Vec<Section>,
}

/// Draws the list.
pub fn page(model: &Templates) -> String {
    document(&model.console, "Templates", || {
        let rows: Vec<_> = model.templates.iter().map(row).collect();
        let list = if rows.is_empty() {
            view! {
                <p class="nothing">
                    "There are no templates yet. Write down in quiet times what you would say in a bad hour: it is then chosen in the form of an incident or an update."
                </p>
            }
            .into_any()
        } else {
            view! { <ul class="rows">{rows}</ul> }.into_any()
        };
        view! {
            <div class="title-row">
                <h1>"Templates"</h1>
                <a class="button" href="/admin/templates/new">"Add a template"</a>
            </div>
            {list}
        }
    })
}

fn row(template: &Template) -> AnyView {
    let facts = template.status.map(|status| view! { <span>{status.label()}</span> });
    let title = (!template.title.is_empty()).then(|| view! { <span dir="auto">{template.title.clone()}</span> });
    view! {
        <li>
            <div class="what">
                <p class="title">
                    <a href=format!("/admin/templates/{}", template.id) dir="auto">{template.name.clone()}</a>
                </p>
                <p class="facts">
                    {facts}
                    {title}
                </p>
            </div>
            <a class="button quiet" href=format!("/admin/incidents/new?template={}", template.id)>
                <span>"Report an incident"</span>
                <span class="visually-hidden">{format!(" with {}", template.name)}</span>
            </a>
        </li>
    }
    .into_any()
}

/// Names and labels in their order, for the summary of what is wrong.
const FIELDS: [(&str, &str); 4] = [("name", "Name"), ("title", "Title"), ("status", "Status"), ("body", "Text")];

/// Draws the form.
pub fn form(model: &TemplatePage) -> String {
    let (form, errors) = (&model.form, &model.errors);
    let title = if model.id.is_some() { "Edit template" } else { "Add a template" };
    let address =
        model.id.as_ref().map_or_else(|| "/admin/templates/new".into(), |id| format!("/admin/templates/{id}"));
    document(&model.console, &form_title(title, errors), || {
        let field = |name, label, hint| Field { name, label, hint, errors };
        let statuses = IncidentStatus::POSTABLE.iter();
        let statuses = statuses.map(|status| option(status.as_str(), status.label(), &form.status));
        let statuses = std::iter::once(option("", "As it stands in the form", &form.status)).chain(statuses);
        let deletion = model.id.as_ref().map(|_| {
            let consequence = "What was published with it stays as it is.".into();
            danger("Delete this template", consequence, format!("{address}/delete"), "Delete for good")
        });
        view! {
            <p class="back"><a href="/admin/templates">"Templates"</a></p>
            <h1>{title}</h1>
            {summary(errors, &FIELDS)}
            <form class="box" method="post" action=address.clone()>
                {field("name", "Name", "What you look for in a hurry").line(&form.name, true)}
                {field("title", "Title", "Of an incident that is opened with it; may be empty").line(&form.title, false)}
                {field("status", "Status", "").select(statuses.collect())}
                <MarkdownPreview
                    name="body".to_owned()
                    label="Text".to_owned()
                    value=form.body.clone()
                    hint="Markdown. May be empty".to_owned()
                    error=errors.get("body").map(sentence)
                    is_optional=true
                    is_document=false
                />
                {components(&model.sections, &form.components, errors)}
                <div class="actions"><button class="button">"Save"</button></div>
            </form>
            {deletion}
        }
    })
}

fn components(
    sections: &[Section],
    chosen: &BTreeMap<String, String>,
    errors: &FieldErrors,
) -> Option<impl IntoView + use<>> {
    let rows: Vec<_> = named(sections)
        .into_iter()
        .map(|(component, name)| {
            component_row(component, name, chosen.get(component.id.as_str()).map_or("", String::as_str))
        })
        .collect();
    let field = Field { name: "components", label: "Affected components", hint: "", errors };
    (!rows.is_empty()).then(|| field.group("affected", view! { <ul class="component-choices">{rows}</ul> }))
}
