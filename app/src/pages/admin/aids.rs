//! What helps while writing: prepared words, and words that were kept.

use domain::{forms::UpdateForm, ids::TemplateId};
use jiff::Timestamp;
use leptos::prelude::*;

use super::fields::option;
use crate::{components::timestamp, islands::DraftKeeper};

/// What helps with one form.
#[derive(Clone, Debug, Default)]
pub struct Aids {
    /// Templates with their names.
    pub templates: Vec<(TemplateId, String)>,
    /// The chosen one, or nothing.
    pub chosen: String,
    /// The name of the chosen one when it would replace words that were typed: nothing is filled in yet.
    pub replacing: Option<String>,
    /// When the draft was kept that the form shows.
    pub draft: Option<Timestamp>,
}

/// Says that the form holds a draft, and how to be rid of it. Stands before the form, for it is one of its own.
pub(super) fn draft_notice(aids: &Aids, subject: &str, now: Timestamp) -> Option<impl IntoView + use<>> {
    let saved_at = aids.draft?;
    let replacing = aids.replacing.clone();
    let button = replacing.map_or_else(|| "Discard".to_owned(), |name| format!("Discard and use “{name}”"));
    let template =
        aids.replacing.is_some().then(|| view! { <input type="hidden" name="template" value=aids.chosen.clone()/> });
    Some(view! {
        <form class="draft" method="post" action=format!("/admin/drafts/{subject}/discard")>
            <p>
                <span>"Draft from "</span>
                {timestamp(saved_at, now)}
                <span>", restored. Only you see it."</span>
            </p>
            {template}
            <button class="button quiet">{button}</button>
        </form>
    })
}

/// The choice of a template, where there is one. Without a script its button fills the form in; typed words are replaced
/// only when that was confirmed.
pub(super) fn chooser(aids: &Aids) -> Option<impl IntoView + use<>> {
    if aids.templates.is_empty() {
        return None;
    }
    let templates = aids.templates.iter().map(|(id, name)| option(id.as_str(), name, &aids.chosen));
    let options: Vec<_> = std::iter::once(option("", "None", &aids.chosen)).chain(templates).collect();
    // With a draft the question is asked above, where the draft is discarded.
    let question = aids.replacing.clone().filter(|_| aids.draft.is_none()).map(|name| {
        view! {
            <p class="question" role="alert">
                <span>{format!("“{name}” would replace the words you typed. ")}</span>
                <button class="button quiet" name="intent" value="replace" formnovalidate>"Replace them"</button>
            </p>
        }
    });
    Some(view! {
        // What Enter in a field presses: the first button of a form. It must neither publish nor fill anything in.
        <button class="visually-hidden" name="intent" value="review" tabindex="-1" aria-hidden="true">"Review"</button>
        <div class="templates">
            <label for="template">"Template"</label>
            <select id="template" name="template">{options}</select>
            <button class="button quiet" name="intent" value="template" formnovalidate>"Use it"</button>
        </div>
        {question}
    })
}

/// Keeps what is typed: by itself where scripts run, with a button where they do not.
pub(super) fn keeper(form: &UpdateForm, incident: &str) -> impl IntoView + use<> {
    let subject = if incident.is_empty() { "new" } else { incident };
    view! { <DraftKeeper subject=subject.to_owned() seen=form.seen.clone()/> }
}
