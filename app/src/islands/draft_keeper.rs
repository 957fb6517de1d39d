//! Keeping what is typed, and saying at once when a colleague was faster.

#![expect(missing_docs, reason = "the macro makes a struct without a comment beside each island")]

use std::time::Duration;

use leptos::{html, leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use serde::Deserialize;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{FormData, HtmlFormElement, UrlSearchParams};

use super::ask::{ask, tell};

/// How long after the last letter a draft is kept.
const PAUSE: Duration = Duration::from_millis(800);
/// How often it is asked whether somebody else posted.
const LOOK: Duration = Duration::from_secs(8);

/// What the server says of a draft and of its incident.
#[derive(Clone, Default, Deserialize)]
struct Kept {
    /// When it was kept: "13:47 UTC"; empty when it was not.
    saved: String,
    /// The newest update's id; empty for a new incident.
    newest: String,
    /// "Maria posted Identified, 13:20 UTC".
    words: String,
    /// Whether the server could not be told.
    #[serde(skip)]
    is_lost: bool,
}

/// Keeps the form around it on the server while it is typed, and says when the incident has a newer update than its
/// author has seen. Asleep, "Save draft" does the first and publishing the second.
#[island]
pub fn DraftKeeper(
    /// The incident's id, or `new`.
    subject: String,
    /// The newest update its author has seen; empty for a new incident.
    seen: String,
) -> impl IntoView {
    let (kept, set_kept) = signal(Kept::default());
    let place = NodeRef::<html::Div>::new();
    let address = StoredValue::new(format!("/admin/drafts/{subject}"));
    let is_over = StoredValue::new(false);
    Effect::new(move || {
        let Some(form) = place.get().and_then(|place| place.closest("form").ok().flatten()) else { return };
        let Ok(form) = form.dyn_into::<HtmlFormElement>() else { return };
        let pending = StoredValue::new(None::<TimeoutHandle>);
        let typed = form.clone();
        let save = move || {
            let form = typed.clone();
            if let Some(pending) = pending.get_value() {
                pending.clear();
            }
            let later = move || {
                // What is being published is no draft any more.
                if is_over.get_value() {
                    return;
                }
                let Some(fields) = fields(&form) else { return };
                spawn_local(async move {
                    match tell(&address.get_value(), &fields).await {
                        Some(answer) => set_kept.set(answer),
                        None => set_kept.update(|kept| kept.is_lost = true),
                    }
                });
            };
            pending.set_value(set_timeout_with_handle(later, PAUSE).ok());
        };
        listen(&form, "input", save.clone());
        listen(&form, "change", save);
        listen(&form, "submit", move || is_over.set_value(true));
        // Back from the page that came after it: it is a draft again.
        listen(&form, "focusin", move || is_over.set_value(false));
        if address.with_value(|address| !address.ends_with("/new")) {
            let look = move || {
                spawn_local(async move {
                    if let Some(found) = ask::<Kept>(&address.get_value()).await {
                        set_kept.update(|kept| (kept.newest, kept.words) = (found.newest, found.words));
                    }
                });
            };
            set_interval(look, LOOK);
        }
    });
    let overtaken = move || Some(kept.get()).filter(|kept| !kept.newest.is_empty() && kept.newest != seen);
    view! {
        <div class="draft-keeper" node_ref=place>
            <p class="hint" role="status">{move || saved_words(&kept.read())}</p>
            <p class="overtaken" role="alert">{move || overtaken().map(|kept| overtaken_words(&kept.words))}</p>
        </div>
    }
}

/// The form as the browser would send it.
fn fields(form: &HtmlFormElement) -> Option<UrlSearchParams> {
    let data = FormData::new_with_form(form).ok()?;
    UrlSearchParams::new_with_str_sequence_sequence(&data).ok()
}

fn listen(form: &HtmlFormElement, event: &str, heard: impl Fn() + 'static) {
    let listener = Closure::<dyn Fn()>::new(heard).into_js_value();
    // It fails only for what is no function.
    let _ = form.add_event_listener_with_callback(event, listener.unchecked_ref());
}

fn saved_words(kept: &Kept) -> String {
    match kept.saved.as_str() {
        _ if kept.is_lost => "The draft cannot be kept just now: leave this page open.".to_owned(),
        "" => String::new(),
        saved => format!("Draft kept {saved}"),
    }
}

fn overtaken_words(words: &str) -> String {
    format!("{words}. Load this page again to see it: what you typed is kept.")
}
