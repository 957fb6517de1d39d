//! How many people an update will reach, kept true while components are chosen.

#![expect(missing_docs, reason = "the macro makes a struct without a comment beside each island")]

use leptos::{html, prelude::*, task::spawn_local};
use serde::Deserialize;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{HtmlFormElement, HtmlSelectElement};

use super::{ask::ask, words::people};

/// What the server says of an audience.
#[derive(Clone, Deserialize)]
struct Reach {
    /// How many people.
    recipients: i64,
    /// "done about 13:57 UTC".
    finish: String,
}

/// "Mail 9,874 people, done about 13:57 UTC", for the form around it.
#[island]
pub fn AudienceCount(
    /// The incident's id; empty for a new one.
    incident: String,
    /// How many people the choice that was sent reaches.
    recipients: i64,
    /// When they will all have it, or why nothing goes out for now; may be empty.
    finish: String,
) -> impl IntoView {
    let (reach, set_reach) = signal(Some(Reach { recipients, finish }));
    let place = NodeRef::<html::Span>::new();
    // Only the answer to the newest question counts, and what was answered is not asked again at once.
    let asked = StoredValue::new(String::new());
    Effect::new(move || {
        let Some(form) = place.get().and_then(|place| place.closest("form").ok().flatten()) else { return };
        let Ok(form) = form.dyn_into::<HtmlFormElement>() else { return };
        let (incident, listening) = (incident.clone(), form.clone());
        on_change(&listening, move || {
            let address = format!("/admin/audience?incident={incident}{}", listed(&form));
            if asked.get_value() == address {
                return;
            }
            asked.set_value(address.clone());
            spawn_local(async move {
                let answer = ask(&address).await;
                if asked.get_value() == address {
                    if answer.is_none() {
                        asked.set_value(String::new());
                    }
                    set_reach.set(answer);
                }
            });
        });
    });
    view! { <span node_ref=place>{move || sentence(reach.get())}</span> }
}

/// Calls back whenever a choice in the form changes.
fn on_change(form: &HtmlFormElement, changed: impl Fn() + 'static) {
    let listener = Closure::<dyn Fn()>::new(changed).into_js_value();
    // It fails only for what is no function.
    let _ = form.add_event_listener_with_callback("change", listener.unchecked_ref());
}

/// `&component=ID` for every component that the form lists.
fn listed(form: &HtmlFormElement) -> String {
    let Ok(choices) = form.query_selector_all("select[name^='component.']") else { return String::new() };
    let choices = (0..choices.length()).filter_map(|place| choices.get(place)?.dyn_into::<HtmlSelectElement>().ok());
    let chosen = choices.filter(|choice| !choice.value().is_empty());
    chosen.map(|choice| choice.name().replacen("component.", "&component=", 1)).collect()
}

fn sentence(reach: Option<Reach>) -> String {
    match reach {
        None => "Mail everyone who follows this (how many could not be asked just now)".to_owned(),
        Some(Reach { recipients: 0, .. }) => "Mail subscribers: nobody follows this yet".to_owned(),
        Some(Reach { recipients, finish }) if finish.is_empty() => format!("Mail {}", people(recipients)),
        Some(Reach { recipients, finish }) => format!("Mail {}, {finish}", people(recipients)),
    }
}
