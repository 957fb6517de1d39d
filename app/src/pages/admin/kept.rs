//! What was typed is kept when it could not be saved: it comes back in this page, to be sent again.

use leptos::prelude::*;

use super::{
    shell::entrance,
    signed_out::{enctype, file_not_kept},
};
use crate::site::Site;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The status page.
    pub site: Site,
    /// What went wrong.
    pub title: String,
    /// What to do about it.
    pub detail: String,
    /// Where the form was sent, and is sent again: a path of the console.
    pub path: String,
    /// Whether it may bring a file along.
    pub is_multipart: bool,
    /// What was sent, but for passwords and files.
    pub fields: Vec<(String, String)>,
    /// Under which the log knows it.
    pub id: Option<String>,
}

/// Fields that nobody typed.
const UNSEEN: [&str; 4] = ["key", "seen", "intent", "template"];

/// Draws the page.
pub fn page(model: &Kept) -> String {
    entrance(&model.site, &model.title, || {
        let hidden = model
            .fields
            .iter()
            .map(|(name, value)| view! { <input type="hidden" name=name.clone() value=value.clone()/> })
            .collect_view();
        let typed = model.fields.iter().filter(|(name, value)| !value.is_empty() && !UNSEEN.contains(&name.as_str()));
        let typed = typed
            .map(|(name, value)| {
                view! {
                    <dt>{name.replace('_', " ")}</dt>
                    <dd dir="auto">{value.clone()}</dd>
                }
            })
            .collect_view();
        view! {
            <h1>{model.title.clone()}</h1>
            <p>{model.detail.clone()}</p>
            <p>"Nothing you typed is lost: it is kept in this page. Leave it open and send it again; sending twice publishes once."</p>
            {model.id.clone().map(|id| view! { <p class="hint">{format!("The log knows this as {id}.")}</p> })}
            {model.is_multipart.then(file_not_kept)}
            <form class="box" method="post" action=model.path.clone() enctype=enctype(model.is_multipart)>
                {hidden}
                <div class="actions"><button class="button">"Send again"</button></div>
                <dl class="kept">{typed}</dl>
            </form>
        }
    })
}
