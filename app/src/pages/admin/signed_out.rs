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
    /// Whether it may bring a file along.
    pub is_multipart: bool,
    /// What was sent, but for passwords and files; `None` when that is more than a page can keep.
    pub fields: Option<Vec<(String, String)>>,
}

/// Draws the page.
pub fn page(model: &SignedOut) -> String {
    let path = model.path.clone();
    entrance(&model.site, "You are signed out", || {
        view! {
            <h1>"You are signed out"</h1>
            {match &model.fields {
                Some(fields) => kept(path, model.is_multipart, fields).into_any(),
                None => not_kept(path).into_any(),
            }}
        }
    })
}

fn kept(path: String, is_multipart: bool, fields: &[(String, String)]) -> impl IntoView + use<> {
    let field = |(name, value): &(String, String)| {
        view! { <input type="hidden" name=name.clone() value=value.clone()/> }
    };
    view! {
        <p>"Nothing was saved or sent, but what you typed is kept in this page. Leave it open."</p>
        {is_multipart.then(file_not_kept)}
        <form class="box" method="post" action=path enctype=enctype(is_multipart)>
            <p>
                <a href="/admin/sign-in" target="_blank" rel="noopener">"Sign in in another tab"</a>
                <span>", then come back and send it again."</span>
            </p>
            {fields.iter().map(field).collect_view()}
            <div class="actions"><button class="button">"Send again"</button></div>
        </form>
    }
}

/// How a form is sent.
pub(super) fn enctype(is_multipart: bool) -> Option<&'static str> {
    is_multipart.then_some("multipart/form-data")
}

/// What no page can keep.
pub(super) fn file_not_kept() -> impl IntoView {
    view! { <p>"A file is not kept in this page: choose it again afterwards."</p> }
}

/// Its form is where it was sent to: who asks for that is led by way of signing in.
fn not_kept(path: String) -> impl IntoView {
    view! {
        <p>"Nothing was saved or sent. Your file is not kept in this page: sign in, then choose it again."</p>
        <div class="actions"><a class="button" href=path>"Sign in"</a></div>
    }
}
