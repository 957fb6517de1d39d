//! One's own account.

use domain::forms::{FieldErrors, PASSWORD_MIN};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    fields::Field,
    shell::{Console, document, form_title, summary},
};
use crate::components::timestamp;

/// What the account's page shows.
#[derive(Clone, Debug)]
pub struct Account {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// When they showed that mail reaches them, if they did.
    pub confirmed_at: Option<Timestamp>,
    /// What is wrong: `current`, `password`, `password_again`.
    pub errors: FieldErrors,
}

/// Names and labels in their order, for the summary of what is wrong.
const FIELDS: [(&str, &str); 3] =
    [("current", "Present password"), ("password", "New password"), ("password_again", "New password once more")];

/// Draws the page.
pub fn page(model: &Account) -> String {
    let errors = &model.errors;
    document(&model.console, &form_title("Account", errors), || {
        let field = |name, label, hint| Field { name, label, hint, errors };
        let rule = format!("At least {PASSWORD_MIN} characters. A few words that nobody else puts together are best.");
        view! {
            <h1>"Account"</h1>
            {summary(errors, &FIELDS)}
            <p class="facts"><span dir="auto">{format!("You are signed in as {}", model.console.user_email)}</span></p>
            {address(model)}
            <section class="box" aria-labelledby="change">
                <h2 id="change">"Change your password"</h2>
                <p class="hint">"You stay signed in here and are signed out everywhere else."</p>
                <form method="post" action="/admin/account/password">
                    <input type="hidden" name="username" autocomplete="username" value=model.console.user_email.clone()/>
                    {field("current", "Present password", "").password("current-password")}
                    {field("password", "New password", &rule).password("new-password")}
                    {field("password_again", "New password once more", "").password("new-password")}
                    <div class="actions"><button class="button">"Change password"</button></div>
                </form>
            </section>
        }
    })
}

/// Whether alerts arrive.
fn address(model: &Account) -> AnyView {
    if let Some(at) = model.confirmed_at {
        return view! {
            <p class="facts">
                <span>
                    <span>"Mail reaches you there: confirmed "</span>
                    {timestamp(at, model.now)}
                </span>
            </p>
        }
        .into_any();
    }
    view! {
        <section class="box" aria-labelledby="address">
            <h2 id="address">"Does mail reach you?"</h2>
            <p class="hint">
                "When something is wrong with the page’s mail, alerts go to this address. Nobody knows yet whether they arrive: confirm it by a link that is mailed there."
            </p>
            <form method="post" action="/admin/account/confirm">
                <div class="actions"><button class="button quiet">"Confirm my address"</button></div>
            </form>
        </section>
    }
    .into_any()
}
