//! The form for those who want to be told by mail.

use domain::{
    component::Section,
    forms::{FieldErrors, SubscribeForm},
    ids::IncidentId,
};
use leptos::prelude::*;

use crate::{
    components::{TextField, error_summary, follows_fields, text_field},
    layout::{Head, public_page},
    site::Site,
};

/// What the form shows.
#[derive(Clone, Debug)]
pub struct SubscribePage {
    /// The page itself.
    pub site: Site,
    /// All components, in the page's order.
    pub sections: Vec<Section>,
    /// What was typed so far; empty for a new form.
    pub form: SubscribeForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
    /// The incident the reader comes from, with its title.
    pub incident: Option<(IncidentId, String)>,
}

/// Draws the form.
pub fn page(model: &SubscribePage) -> String {
    let title = if model.errors.is_empty() { "Subscribe" } else { "Not saved yet: Subscribe" };
    let description = format!("Be told by mail when something breaks: {}", model.site.name);
    public_page(&model.site, Head::public(title, &description, "/subscribe"), || {
        view! {
            <div class="sheet">
                {error_summary(&model.errors, &[("email", ""), ("follows", "")])}
                <h1>"Subscribe by mail"</h1>
                <p class="lead">"We write when something breaks, when we know more, and when it works again."</p>
                {form(model)}
            </div>
        }
    })
}

fn form(model: &SubscribePage) -> impl IntoView + use<> {
    let email = text_field(TextField {
        name: "email",
        label: "Your e-mail address",
        kind: "email",
        value: &model.form.email,
        autocomplete: "email",
        is_required: true,
        error: model.errors.get("email"),
        ..TextField::default()
    });
    let incidents: Vec<_> = model.incident.iter().cloned().collect();
    view! {
        <form method="post" action="/subscribe">
            {email}
            {follows_fields(
                "What do you want to hear of?",
                &suggested(model),
                &model.sections,
                &incidents,
                &model.errors,
            )}
            <div class="website" aria-hidden="true">
                <label for="website">"Leave this empty"</label>
                <input type="text" id="website" name="website" tabindex="-1" autocomplete="off"/>
            </div>
            <button type="submit">"Subscribe"</button>
            <p class="hint">"We send you one mail to confirm. Every mail has a link to leave."</p>
            <p class="hint"><a href="/manage">"Subscribed already? Change what you hear of"</a></p>
        </form>
    }
}

/// A new form suggests the incident the reader comes from, else everything; one that came back stays as it was sent.
fn suggested(model: &SubscribePage) -> domain::forms::FollowsForm {
    let mut follows = model.form.follows.clone();
    let is_untouched = !follows.everything && follows.components.is_empty() && follows.incidents.is_empty();
    if is_untouched && model.errors.is_empty() {
        match &model.incident {
            Some((id, _)) => drop(follows.incidents.insert(id.to_string())),
            None => follows.everything = true,
        }
    }
    follows
}
