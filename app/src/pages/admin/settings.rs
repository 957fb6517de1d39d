//! What the page is called.

use domain::forms::{FieldErrors, SettingsForm};
use leptos::prelude::*;

use super::{
    fields::Field,
    shell::{Console, document, form_title, summary},
};

/// What the settings show.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The frame.
    pub console: Console,
    /// As typed.
    pub form: SettingsForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

/// Draws the page.
pub fn page(model: &Settings) -> String {
    let errors = &model.errors;
    document(&model.console, &form_title("Settings", errors), || {
        let name = Field {
            name: "name",
            label: "Name of the page",
            hint: "At the top of every page, in every feed and in the subject of every mail: “Acme Status”",
            errors,
        };
        view! {
            <h1>"Settings"</h1>
            {summary(errors, &[("name", "Name of the page")])}
            <form class="box" method="post" action="/admin/settings">
                {name.line(&model.form.name, true)}
                <div class="actions"><button class="button">"Save"</button></div>
            </form>
            <p class="hint">
                <span>"Addresses, limits and the mail server are set where Tidings is started: "</span>
                <code>"tidings check-config"</code>
                <span>" explains each."</span>
            </p>
        }
    })
}
