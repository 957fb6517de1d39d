//! Writing an update and seeing it as readers will.

#![expect(missing_docs, reason = "the macro makes a struct without a comment beside each island")]

use domain::markdown;
use leptos::{html, prelude::*};

use super::text_area::{TextArea, text_area};
use crate::zones::offset_at;

/// A Markdown field beside what it will look like.
///
/// Browser and server call the same function, so what is previewed is what is published.
#[island]
pub fn MarkdownPreview(
    /// Name and id of the field.
    name: String,
    /// What it is for.
    label: String,
    /// What it holds at first.
    value: String,
    /// How to write in it.
    hint: String,
    /// What is wrong with it.
    error: Option<String>,
    /// Whether it may stay empty.
    is_optional: bool,
    /// Whether it is a document of its own, not one text among others.
    is_document: bool,
) -> impl IntoView {
    let (text, set_text) = signal(value.clone());
    let field = NodeRef::<html::Textarea>::new();
    // Whoever typed before the script arrived sees that too.
    Effect::new(move || {
        if let Some(field) = field.get() {
            set_text.set(field.value());
        }
    });
    let (hint_id, error_id) = (format!("{name}-hint"), format!("{name}-error"));
    let described_by = if error.is_some() { format!("{error_id} {hint_id}") } else { hint_id.clone() };
    let is_invalid = error.is_some();
    let area =
        TextArea { name: name.clone(), value, described_by, is_invalid, is_optional, typed: set_text, node_ref: field };
    view! {
        <div class="writing">
            <div class="field">
                <label for=name>{label}</label>
                {error.map(|error| view! { <p class="field-error" id=error_id>{error}</p> })}
                {text_area(area)}
                <p class="hint" id=hint_id>{hint}</p>
            </div>
            <section class="preview" aria-label="As readers see it">
                <p class="preview-title" aria-hidden="true">"As readers see it"</p>
                <div class="prose" inner_html=move || drawn(&text.read(), is_document)></div>
            </section>
        </div>
    }
}

/// The text as published, or what to do while there is none.
fn drawn(text: &str, is_document: bool) -> String {
    if text.trim().is_empty() {
        "<p class=\"nothing-yet\">Appears here as you write, or when you choose Review.</p>".to_owned()
    } else if is_document {
        markdown::to_article_by(text, "preview", offset_at).html
    } else {
        markdown::to_html_by(text, "preview", offset_at)
    }
}
