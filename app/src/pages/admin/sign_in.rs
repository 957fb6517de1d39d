//! The door.

use domain::forms::FieldErrors;
use leptos::prelude::*;

use super::{fields::Field, shell::entrance};
use crate::site::Site;

/// What the sign-in page shows.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The status page.
    pub site: Site,
    /// As typed.
    pub email: String,
    /// Where to go afterwards.
    pub next: String,
    /// Why it did not work.
    pub error: Option<String>,
}

/// Draws the page.
pub fn page(model: &SignIn) -> String {
    let title = if model.error.is_some() { "Error: Sign in" } else { "Sign in" };
    let errors = FieldErrors::default();
    entrance(&model.site, title, || {
        let field = |name, label| Field { name, label, hint: "", errors: &errors };
        view! {
            <h1>"Sign in"</h1>
            {refusal(model.error.as_deref())}
            <form class="box" method="post" action="/admin/sign-in">
                <input type="hidden" name="next" value=model.next.clone()/>
                {field("email", "E-mail address").input("email", &model.email, "username", true)}
                {field("password", "Password").password("current-password")}
                <div class="actions"><button class="button">"Sign in"</button></div>
            </form>
            <p class="hint">
                <span>"Locked out? Whoever runs the server can make a new link with "</span>
                <code>"tidings owner create"</code>
                <span>"."</span>
            </p>
        }
    })
}

/// Why something did not work, where the page begins to be read.
pub(super) fn refusal(error: Option<&str>) -> Option<impl IntoView + use<>> {
    error.map(str::to_owned).map(|error| {
        view! {
            <div class="notice" data-status="major_outage" role="alert" tabindex="-1" autofocus="autofocus">
                <p>{error}</p>
            </div>
        }
    })
}
