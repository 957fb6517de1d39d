//! Adding or changing a component.

use domain::{
    component::Group,
    forms::{ComponentForm, FieldErrors},
    ids::ComponentId,
};
use leptos::prelude::*;

use super::{
    fields::{Field, danger, option, status_options},
    shell::{Console, document, form_title, summary},
};

/// What the form of a component shows.
#[derive(Clone, Debug)]
pub struct ComponentPage {
    /// The frame.
    pub console: Console,
    /// `None` for one that is not there yet.
    pub id: Option<ComponentId>,
    /// As typed.
    pub form: ComponentForm,
    /// What there is to choose from.
    pub groups: Vec<Group>,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

/// Names and labels in their order, for the summary of what is wrong.
const FIELDS: [(&str, &str); 5] = [
    ("name", "Name"),
    ("description", "Description"),
    ("status", "Status"),
    ("group", "Group"),
    ("position", "Position"),
];

/// Draws the page.
pub fn page(model: &ComponentPage) -> String {
    let (form, errors) = (&model.form, &model.errors);
    let title = if model.id.is_some() { "Edit component" } else { "Add a component" };
    let address =
        model.id.as_ref().map_or_else(|| "/admin/components/new".into(), |id| format!("/admin/components/{id}"));
    document(&model.console, &form_title(title, errors), || {
        let field = |name, label, hint| Field { name, label, hint, errors };
        let groups = std::iter::once(option("", "No group", &form.group));
        let groups = groups.chain(model.groups.iter().map(|group| option(group.id.as_str(), &group.name, &form.group)));
        let deletion = model.id.as_ref().map(|_| {
            danger(
                "Delete this component",
                "It leaves the page at once, and nobody is told of it any more. What past incidents say of it stays."
                    .into(),
                format!("{address}/delete"),
                "Delete for good",
            )
        });
        view! {
            <p class="back"><a href="/admin/components">"Components"</a></p>
            <h1>{title}</h1>
            {summary(errors, &FIELDS)}
            <form class="box" method="post" action=address.clone()>
                <input type="hidden" name="was" value=form.was.clone()/>
                {field("name", "Name", "What customers call it").line(&form.name, true)}
                {field("description", "Description", "A line below the name; may be empty").line(&form.description, false)}
                {field("status", "Status", "Nobody is mailed when you change it here: report an incident for that")
                    .select(status_options(&form.status))}
                {field("group", "Group", "").select(groups.collect())}
                {field("position", "Position", "A number: smaller stands first").number(&form.position)}
                <div class="actions"><button class="button">"Save"</button></div>
            </form>
            {deletion}
        }
    })
}
