//! What the page is called, by which clock it goes, how it looks, and who its mails come from.

use domain::{
    colour::Accent,
    forms::{FieldErrors, LINKS_MAX, SettingsForm},
    logo::{Ground, LOGO_MAX},
};
use leptos::prelude::*;

use super::{
    fields::{Field, option},
    shell::{Console, document, form_title, summary},
};
use crate::{components::zones, layout::logo, site::LogoView};

/// What the settings show.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The frame.
    pub console: Console,
    /// As typed; a file cannot be kept.
    pub form: SettingsForm,
    /// Whose word it is who mails come from.
    pub sender: SenderView,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

/// Whose word it is who mails come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderView {
    /// It is set where Tidings is started, and cannot be changed here.
    Fixed(String),
    /// The form says it.
    Chosen,
    /// Nobody said anything yet, so this has to do.
    Default(String),
}

/// Names and labels in their order, for the summary of what is wrong.
const FIELDS: [(&str, &str); 9] = [
    ("name", "Name of the page"),
    ("logo", "Logo"),
    ("ground", "What the logo stands on"),
    ("accent", "Accent colour"),
    ("time_zone", "Time zone"),
    ("links", "Links at the foot of the page"),
    ("support", "Where people get help"),
    ("sender_name", "Name of the sender"),
    ("sender_email", "Address of the sender"),
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
            <form class="box settings" method="post" action="/admin/settings" enctype="multipart/form-data">
                {field(
                    "name",
                    "Name of the page",
                    "At the top of every page, in every feed and in the subject of every mail: “Acme Status”",
                )
                    .line(&form.name, true)}
                {logo_fields(model)}
                {field("accent", "Accent colour", "For buttons and links, as #1d5fc4; empty for none")
                    .line(&form.accent, false)}
                {derived(form)}
                {field("time_zone", "Time zone", "Beside UTC in mails of those who chose no other, and in /api/v2")
                    .select(vec![zones(&form.time_zone, None).into_any()])}
                {field("links", "Links at the foot of the page", &links)
                    .lines(&form.links, 4)}
                {field("support", "Where people get help", "An https: or mailto: address; empty for none")
                    .line(&form.support, false)}
                {sender_fields(model)}
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

/// The picture as it stands on the page, by day and by night, and what to do about it.
fn logo_fields(model: &Settings) -> AnyView {
    let (form, errors, site) = (&model.form, &model.errors, &model.console.site);
    let hint = format!(
        "Beside the name, at most 40 pixels high. PNG, JPEG or WebP, at most {} kB and 2,000 pixels wide and high.",
        LOGO_MAX / 1000
    );
    let file = Field { name: "logo", label: "Logo", hint: &hint, errors };
    let file = file.around(|wiring| {
        view! {
            <input
                type="file"
                id=wiring.name.clone()
                name=wiring.name
                accept="image/png,image/jpeg,image/webp"
                aria-describedby=wiring.described_by
                aria-invalid=wiring.invalid
            />
        }
    });
    let ground = Field {
        name: "ground",
        label: "What the logo stands on",
        hint: "So that it can be made out in the light, in the dark and on paper",
        errors,
    };
    let grounds = Ground::ALL.iter().map(|ground| option(ground.as_str(), ground.label(), &form.ground)).collect();
    let present = site.brand.logo.clone().map(|picture| {
        view! {
            <div class="logo-preview">
                {tone(&picture, &site.name, "light", "In the light")}
                {tone(&picture, &site.name, "dark", "In the dark")}
            </div>
            <label class="check" for="remove_logo">
                <input type="checkbox" id="remove_logo" name="remove_logo" value="1" checked=form.remove_logo/>
                <span>"Remove the logo"</span>
            </label>
        }
    });
    view! {
        {file}
        {present}
        {ground.select(grounds)}
    }
    .into_any()
}

fn tone(picture: &LogoView, name: &str, tone: &'static str, words: &'static str) -> impl IntoView + use<> {
    view! {
        <figure class="tone" data-tone=tone>
            <div class="masthead">
                <span class="site-name" aria-current="page" dir="auto">
                    {logo(picture)}
                    <span>{name.to_owned()}</span>
                </span>
            </div>
            <figcaption>{words}</figcaption>
        </figure>
    }
}

fn sender_fields(model: &Settings) -> AnyView {
    let (form, errors) = (&model.form, &model.errors);
    let field = |name, label, hint| Field { name, label, hint, errors };
    if let SenderView::Fixed(sender) = &model.sender {
        let hint = "Set by TIDINGS_MAIL_FROM where Tidings is started, and can be changed only there.";
        return field("sender", "Sender of mails", hint).around(|wiring| {
            view! {
                <input
                    type="text"
                    id=wiring.name
                    value=sender.clone()
                    dir="auto"
                    readonly
                    aria-describedby=wiring.described_by
                />
            }
        });
    }
    let is_default = match &model.sender {
        SenderView::Default(sender) => Some(format!(
            "Nobody chose a sender yet: mails come from {sender}, a default that few servers take. Give an address of a \
             domain whose mail your mail server may send."
        )),
        _ => None,
    };
    view! {
        <fieldset class="pair sender">
            <legend>"Sender of mails"</legend>
            {is_default.map(|words| view! { <p class="hint">{words}</p> })}
            {field("sender_name", "Name of the sender", "Empty for the name of the page").line(&form.sender_name, false)}
            {field("sender_email", "Address of the sender", "As status@example.com; replies go there too")
                .input("email", &form.sender_email, "off", false)}
        </fieldset>
    }
    .into_any()
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
