//! For those who lost the mails that lead to their subscription: the link once more.

use domain::forms::FieldErrors;
use leptos::prelude::*;

use super::sent::{Lead, check_inbox};
use crate::{
    components::{TextField, error_summary, text_field},
    layout::{Head, public_page},
    site::Site,
};

/// What the form shows.
#[derive(Clone, Debug)]
pub struct ManageLink {
    /// The page itself.
    pub site: Site,
    /// The address, as it was typed.
    pub email: String,
    /// Whether it was asked for just now.
    pub is_sent: bool,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

/// Draws the form, or what happens next: the same words whether the address is known or not.
pub fn page(model: &ManageLink) -> String {
    let title = match (model.is_sent, model.errors.is_empty()) {
        (true, _) => "Check your inbox",
        (_, true) => "Change your subscription",
        (_, false) => "Not saved yet: Change your subscription",
    };
    public_page(&model.site, Head::private(title), || {
        view! { <div class="sheet">{if model.is_sent { sent(model) } else { form(model) }}</div> }
    })
}

fn form(model: &ManageLink) -> AnyView {
    let email = text_field(TextField {
        name: "email",
        label: "Your e-mail address",
        kind: "email",
        value: &model.email,
        autocomplete: "email",
        is_required: true,
        error: model.errors.get("email"),
        ..TextField::default()
    });
    view! {
        {error_summary(&model.errors, &[("email", "")])}
        <h1>"Change your subscription"</h1>
        <p class="lead">
            "Every mail from us has a link to your subscription. If you have none at hand, we send you one."
        </p>
        <form method="post" action="/manage">
            {email}
            <button type="submit">"Send me the link"</button>
        </form>
        <p class="back"><a href="/subscribe">"Not subscribed yet?"</a></p>
    }
    .into_any()
}

fn sent(model: &ManageLink) -> AnyView {
    let lead = Lead {
        before: "If ",
        email: &model.email,
        after: " gets mail from us, the link is on its way there. We send it once an hour at most.",
    };
    let more = view! {
        <li>
            <span>"Perhaps it is not subscribed: "</span>
            <a href="/subscribe">"subscribe"</a>
            <span>"."</span>
        </li>
    };
    check_inbox(&lead, "/manage", Some(more.into_any()))
}
