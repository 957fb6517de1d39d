//! Addresses that must not be written to.

use domain::{forms::FieldErrors, subscriber::Suppression};
use leptos::prelude::*;

use super::{
    fields::Field,
    shell::{Console, document},
    subscribers::address,
};
use crate::{components::dated, islands::thousands};

/// What the list shows.
#[derive(Clone, Debug)]
pub struct Suppressions {
    /// The frame.
    pub console: Console,
    /// How many there are.
    pub count: i64,
    /// Part of an address that was looked for.
    pub text: String,
    /// By address.
    pub rows: Vec<Suppression>,
    /// The address behind which the next page begins.
    pub next: Option<String>,
}

/// Draws the list.
pub fn page(model: &Suppressions) -> String {
    let rows: Vec<_> = model.rows.iter().map(row).collect();
    let nothing = rows.is_empty().then(|| {
        let words = if model.count == 0 { "Every address may be written to." } else { "None was found." };
        view! { <p class="nothing">{words}</p> }
    });
    let next = model.next.as_ref().map(|after| {
        let fields = [("q", model.text.clone()), ("after", after.clone())];
        view! {
            <nav class="pages" aria-label="Pages">
                <a class="button quiet" rel="next" href=address("/admin/suppressions", &fields)>"Further"</a>
            </nav>
        }
    });
    document(&model.console, "Suppressed addresses", || {
        view! {
            <p class="back"><a href="/admin/subscribers">"Subscribers"</a></p>
            <h1>"Suppressed addresses"</h1>
            {(model.count > 0).then(|| search(model))}
            {nothing}
            {(!rows.is_empty()).then(|| view! { <ul class="rows">{rows}</ul> })}
            {next}
        }
    })
}

/// How many there are, and the way to one of them.
fn search(model: &Suppressions) -> impl IntoView + use<> {
    let errors = FieldErrors::default();
    let text = Field { name: "q", label: "Part of the address", hint: "", errors: &errors };
    let words = match model.count {
        1 => "1 address gets no mail, because a mail server said that it does not exist or has no room.".to_owned(),
        count => format!(
            "{} addresses get no mail, because a mail server said that they do not exist or have no room.",
            thousands(count)
        ),
    };
    view! {
        <p class="hint">{words}</p>
        <form class="search" method="get" action="/admin/suppressions" role="search">
            {text.input("search", &model.text, "off", false)}
            <button class="button quiet">"Search"</button>
        </form>
    }
}

fn row(suppression: &Suppression) -> impl IntoView + use<> {
    view! {
        <li>
            <div class="what">
                <p class="title" dir="auto">{suppression.email.clone()}</p>
                <p class="hint" dir="auto">{suppression.reason.clone()}</p>
                <p class="hint">
                    <span>"Since "</span>
                    {dated(suppression.created_at)}
                    {suppression.expires_at.map(|until| view! { <span>", until "</span> {dated(until)} })}
                </p>
            </div>
            <form method="post" action="/admin/suppressions/release">
                <input type="hidden" name="email" value=suppression.email.clone()/>
                <button class="button quiet">
                    <span>"Allow mail again"</span>
                    <span class="visually-hidden">{format!(" to {}", suppression.email)}</span>
                </button>
            </form>
        </li>
    }
}
