//! What the page is called, by which clock it goes, and how it looks.

use domain::{
    colour::Accent,
    forms::{FieldErrors, LINKS_MAX, SettingsForm},
};
use leptos::prelude::*;

use super::{
    fields::Field,
    shell::{Console, document, form_title, summary},
};
use crate::components::zones;

/// What the settings show.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The frame.
    pub console: Console,
    /// As typed.
    pub form: SettingsForm,
    /// Who mails come from, which is set where Tidings is started.
    pub mail_from: String,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

/// Names and labels in their order, for the summary of what is wrong.
const FIELDS: [(&str, &str); 5] = [
    ("name", "Name of the page"),
    ("time_zone", "Time zone"),
    ("accent", "Accent colour"),
    ("links", "Links at the foot of the page"),
    ("support", "Where people get help"),
];

/// Draws the page.
pub fn page(model: &Settings) -> String {
    let (form, errors) = (&model.form, &model.errors);
    document(&model.console, &form_title("Settings", errors), || {
        let field = |name, label, hint| Field { name, label, hint, errors };
        let links = format!(
            "One a line, at most {LINKS_MAX}: a label, a space, and an https: or mailto: address. \
             “Terms https://example.com/terms”"
        );
        view! {
            <h1>"Settings"</h1>
            {summary(errors, &FIELDS)}
            <form class="box" method="post" action="/admin/settings">
                {field(
                    "name",
                    "Name of the page",
                    "At the top of every page, in every feed and in the subject of every mail: “Acme Status”",
                )
                    .line(&form.name, true)}
                {field("time_zone", "Time zone", "Beside UTC in mails of those who chose no other, and in /api/v2")
                    .select(vec![zones(&form.time_zone, None).into_any()])}
                {field("accent", "Accent colour", "For buttons and links, as #1d5fc4; empty for none")
                    .line(&form.accent, false)}
                {derived(form)}
                {field("links", "Links at the foot of the page", &links)
                    .lines(&form.links, 4)}
                {field("support", "Where people get help", "An https: or mailto: address; empty for none")
                    .line(&form.support, false)}
                <div class="actions"><button class="button">"Save"</button></div>
            </form>
            <p class="hint">
                <span>"Mails come from "</span>
                <span dir="auto">{model.mail_from.clone()}</span>
                <span>". That, addresses, limits and the mail server are set where Tidings is started: "</span>
                <code>"tidings check-config"</code>
                <span>" explains each."</span>
            </p>
        }
    })
}

/// What becomes of a colour that cannot be read everywhere.
fn derived(form: &SettingsForm) -> Option<impl IntoView + use<>> {
    let accent = Accent::of(form.accent.parse().ok()?);
    let words = format!(
        "Used as {} in the light and {} in the dark, so that text in it has a contrast of at least 4.5 to 1.",
        accent.light, accent.dark
    );
    Some(view! { <p class="hint">{words}</p> })
}
