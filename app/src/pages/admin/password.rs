//! Choosing the first password, behind a link that works once.

use domain::forms::{FieldErrors, PASSWORD_MIN};
use leptos::prelude::*;

use super::{fields::Field, shell::entrance, sign_in::refusal};
use crate::site::Site;

/// What the page behind a one-time link shows.
#[derive(Clone, Debug)]
pub struct ChoosePassword {
    /// The status page.
    pub site: Site,
    /// The link's secret.
    pub token: String,
    /// Whose account it is.
    pub email: String,
    /// Why it did not work.
    pub error: Option<String>,
}

/// Draws the page.
pub fn page(model: &ChoosePassword) -> String {
    let title = if model.error.is_some() { "Error: Choose a password" } else { "Choose a password" };
    let errors = FieldErrors::default();
    entrance(&model.site, title, || {
        let field = |name, label, hint| Field { name, label, hint, errors: &errors };
        let rule = format!("At least {PASSWORD_MIN} characters. A few words that nobody else puts together are best.");
        view! {
            <h1>"Choose a password"</h1>
            <p class="facts"><span dir="auto">{format!("For {}", model.email)}</span></p>
            {refusal(model.error.as_deref())}
            <form class="box" method="post" action=format!("/admin/welcome/{}", model.token)>
                <input type="hidden" name="username" autocomplete="username" value=model.email.clone()/>
                {field("password", "Password", &rule).password("new-password")}
                {field("password_again", "Once more", "").password("new-password")}
                <div class="actions"><button class="button">"Set password and sign in"</button></div>
            </form>
        }
    })
}
