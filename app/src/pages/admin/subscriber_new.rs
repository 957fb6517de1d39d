//! Adding a subscriber by hand.

use domain::{
    component::Section,
    forms::{AddSubscriberForm, FieldErrors},
    i18n::Zone,
};
use leptos::prelude::*;

use super::{
    fields::{Field, radio},
    shell::{Console, document, form_title, summary},
};
use crate::components::{follows_fields, preferences_fields};

/// What the form shows.
#[derive(Clone, Debug)]
pub struct SubscriberNew {
    /// The frame.
    pub console: Console,
    /// As typed.
    pub form: AddSubscriberForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
    /// All components.
    pub sections: Vec<Section>,
    /// The page's own time zone.
    pub page_zone: Option<Zone>,
}

const FIELDS: [(&str, &str); 6] = [
    ("email", "Address"),
    ("follows", ""),
    ("locale", "Language"),
    ("time_zone", "Time zone"),
    ("consent", "Do they agree?"),
    ("reason", "How is that known?"),
];

/// Draws the form.
pub fn page(model: &SubscriberNew) -> String {
    let (form, errors) = (&model.form, &model.errors);
    document(&model.console, &form_title("Add a subscriber", errors), || {
        let field = |name, label, hint| Field { name, label, hint, errors };
        let answers = view! {
            {radio("consent", "ask", form.consent == "ask", view! {
                <span>
                    <span class="name">"Ask them"</span>
                    <span class="description">"They get one mail with a link; until they follow it, nothing else"</span>
                </span>
            })}
            {radio("consent", "stated", form.consent == "stated", view! {
                <span>
                    <span class="name">"They have agreed"</span>
                    <span class="description">"They are told from now on, and are not asked"</span>
                </span>
            })}
        };
        view! {
            <p class="back"><a href="/admin/subscribers">"Subscribers"</a></p>
            <h1>"Add a subscriber"</h1>
            {summary(errors, &FIELDS)}
            <form class="box" method="post" action="/admin/subscribers/new">
                {field("email", "Address", "").input("email", &form.email, "off", true)}
                {follows_fields("What they hear of", &form.follows, &model.sections, &[], errors)}
                {preferences_fields(&form.preferences, model.page_zone.as_ref(), errors)}
                {field("consent", "Do they agree?", "").group("checks", answers)}
                {field(
                    "reason",
                    "How is that known?",
                    "Kept with them as proof, such as “asked on the telephone on 5 February”. Needed if they have agreed.",
                )
                    .line(&form.reason, false)}
                <div class="actions"><button class="button">"Add"</button></div>
            </form>
        }
    })
}
