//! Adding or changing a group of components.

use domain::{
    forms::{FieldErrors, GroupForm},
    ids::GroupId,
};
use leptos::prelude::*;

use super::{
    fields::{Field, danger},
    shell::{Console, document, form_title, summary},
};

/// What the form of a group shows.
#[derive(Clone, Debug)]
pub struct GroupPage {
    /// The frame.
    pub console: Console,
    /// `None` for one that is not there yet.
    pub id: Option<GroupId>,
    /// As typed.
    pub form: GroupForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

/// Draws the page.
pub fn page(model: &GroupPage) -> String {
    let (form, errors) = (&model.form, &model.errors);
    let title = if model.id.is_some() { "Edit group" } else { "Add a group" };
    let address = model.id.as_ref().map_or_else(|| "/admin/groups/new".into(), |id| format!("/admin/groups/{id}"));
    document(&model.console, &form_title(title, errors), || {
        let field = |name, label, hint| Field { name, label, hint, errors };
        let deletion = model.id.as_ref().map(|_| {
            danger(
                "Delete this group",
                "Its components stay on the page, without a group.".into(),
                format!("{address}/delete"),
                "Delete for good",
            )
        });
        view! {
            <p class="back"><a href="/admin/components">"Components"</a></p>
            <h1>{title}</h1>
            {summary(errors, &[("name", "Name"), ("position", "Position")])}
            <form class="box" method="post" action=address.clone()>
                {field("name", "Name", "A heading on the page, such as “Platform”").line(&form.name, true)}
                {field("position", "Position", "A number: smaller stands first").number(&form.position)}
                <div class="actions"><button class="button">"Save"</button></div>
            </form>
            {deletion}
        }
    })
}
