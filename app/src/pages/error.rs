//! When a page cannot be shown: what happened and what to do next.

use leptos::prelude::*;

use crate::{
    layout::{Head, public_page},
    site::Site,
};

/// What went wrong.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// The page itself.
    pub site: Site,
    /// The HTTP status.
    pub status: u16,
    /// What happened, as a heading.
    pub title: String,
    /// What to do next.
    pub detail: String,
    /// Under what this stands in the log.
    pub id: Option<String>,
}

/// Draws the page.
pub fn page(model: &ErrorPage) -> String {
    public_page(&model.site, Head::private(&model.title), || {
        view! {
            <div class="sheet">
                <p class="facts">{format!("Error {}", model.status)}</p>
                <h1>{model.title.clone()}</h1>
                <p class="lead">{model.detail.clone()}</p>
                {model
                    .id
                    .clone()
                    .map(|id| {
                        view! {
                            <p class="hint">
                                <span>"If you write to us about this, mention "</span>
                                <code>{id}</code>
                            </p>
                        }
                    })}
                <p class="back"><a href="/">"Back to the current state"</a></p>
            </div>
        }
    })
}
