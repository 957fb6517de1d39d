//! The answer at the top of a page.

use leptos::prelude::*;

use super::mark;

/// A headline in a hue, and what explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// A component status, or `unknown` for neutral.
    pub tone: &'static str,
    /// The answer in words.
    pub headline: String,
    /// What it means; may be empty.
    pub detail: String,
}

/// Draws a banner; `note` is a last line, such as when this was true.
pub fn banner(banner: Banner, note: impl IntoView + 'static) -> impl IntoView {
    let detail = (!banner.detail.is_empty()).then_some(banner.detail);
    view! {
        <div class="banner" data-status=banner.tone>
            {mark(banner.tone)}
            <div>
                <h1 dir="auto">{banner.headline}</h1>
                {detail.map(|detail| view! { <p>{detail}</p> })}
                {note}
            </div>
        </div>
    }
}
