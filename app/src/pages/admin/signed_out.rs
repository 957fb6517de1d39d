//! What was typed is kept when the session ended meanwhile: it waits in this page until its writer is signed in again.

use leptos::prelude::*;

use super::shell::entrance;
use crate::site::Site;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct SignedOut {
    /// The status page.
    pub site: Site,
    /// Where the form was sent, and is sent again: a path of the console.
    pub path: String,
    /// What was sent, but for passwords.
    pub fields: Vec<(String, String)>,
}

/// Draws the page.
pub fn page(model: &SignedOut) -> String {
    entrance(&model.site, "You are signed out", || {
        let field = |(name, value): &(String, String)| {
            view! { <input type="hidden" name=name.clone() value=value.clone()/> }
        };
        view! {
            <h1>"You are signed out"</h1>
            <p>"Nothing was saved or sent, but what you typed is kept in this page. Leave it open."</p>
            <form class="box" method="post" action=model.path.clone()>
                <p>
                    <a href="/admin/sign-in" target="_blank" rel="noopener">"Sign in in another tab"</a>
                    <span>", then come back and send it again."</span>
                </p>
                {model.fields.iter().map(field).collect_view()}
                <div class="actions"><button class="button">"Send again"</button></div>
            </form>
        }
    })
}
