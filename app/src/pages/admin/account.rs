//! One's own account.

use domain::forms::{FieldErrors, PASSWORD_MIN};
use leptos::prelude::*;

use super::{
    fields::Field,
    shell::{Console, document, form_title, summary},
};

/// What the account's page shows.
#[derive(Clone, Debug)]
pub struct Account {
    /// The frame.
    pub console: Console,
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
