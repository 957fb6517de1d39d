//! Everyone who asked to be told: how many, who, and the way to each of them.

use std::collections::BTreeMap;

use domain::{
    component::Section,
    forms::{FieldErrors, STATES, SubscriberSearch},
    ids::{ComponentId, SubscriberId},
    subscriber::{Follows, SubscriberState},
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    fields::{Field, option},
    shell::{Console, document},
};
use crate::{
    components::{all_components, dated, names},
    islands::thousands,
};

/// One line of the list.
#[derive(Clone, Debug)]
pub struct SubscriberRow {
    /// Whose.
    pub id: SubscriberId,
    /// Their address.
    pub email: String,
    /// Whether they are told.
    pub state: SubscriberState,
    /// Of what.
    pub follows: Follows,
    /// When they first asked.
    pub created_at: Timestamp,
}

/// What the list of subscribers shows.
#[derive(Clone, Debug)]
pub struct Subscribers {
    /// The frame.
    pub console: Console,
    /// How many there are in each state.
    pub counts: Vec<(SubscriberState, i64)>,
    /// How many addresses must not be written to.
    pub suppressed: i64,
    /// What was looked for.
    pub search: SubscriberSearch,
    /// All components, to choose from and for their names.
    pub sections: Vec<Section>,
    /// Who was found, newest first.
    pub rows: Vec<SubscriberRow>,
    /// Whether the list does not begin with the newest.
    pub is_further: bool,
    /// Where the next page begins.
    pub next: Option<SubscriberId>,
}

/// Draws the list.
pub fn page(model: &Subscribers) -> String {
    let wanted = model.search.fields().into_iter();
    let wanted = wanted.map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view();
    let names = component_names(&model.sections);
    let rows: Vec<_> = model.rows.iter().map(|subscriber| row(subscriber, &names)).collect();
    let nothing = rows.is_empty().then(|| nothing(model));
    document(&model.console, "Subscribers", || {
        view! {
            <div class="title-row">
                <h1>"Subscribers"</h1>
                <div class="actions">
                    <a class="button quiet" href="/admin/subscribers/import">"Import"</a>
                    <form method="post" action="/admin/subscribers/export">
                        {wanted}
                        <button class="button quiet">"Export"</button>
                    </form>
                    <a class="button" href="/admin/subscribers/new">"Add a subscriber"</a>
                </div>
            </div>
            {counts(model)}
            {search(model)}
            {nothing}
            {(!rows.is_empty()).then(|| view! { <ul class="rows">{rows}</ul> })}
            {pages(model)}
        }
    })
}

fn counts(model: &Subscribers) -> impl IntoView + use<> {
    let links = model.counts.iter().map(|(state, count)| {
        let fields = [("state", state.as_str().to_owned())];
        let words = format!("{} {}", thousands(*count), state.label().to_lowercase());
        view! { <li><a href=address("/admin/subscribers", &fields)>{words}</a></li> }
    });
    let suppressed = format!("{} suppressed", thousands(model.suppressed));
    view! {
        <ul class="facts links">
            {links.collect_view()}
            <li><a href="/admin/suppressions">{suppressed}</a></li>
        </ul>
    }
}

fn search(model: &Subscribers) -> impl IntoView + use<> {
    let (search, errors) = (&model.search, FieldErrors::default());
    let field = |name, label| Field { name, label, hint: "", errors: &errors };
    let states = std::iter::once(option("", "Any", &search.state))
        .chain(STATES.iter().map(|state| option(state.as_str(), state.label(), &search.state)));
    let follows = [option("", "Whatever", &search.follows), option("everything", "Everything", &search.follows)];
    let components = all_components(&model.sections)
        .map(|component| option(component.id.as_str(), &component.name, &search.follows));
    view! {
        <form class="search" method="get" action="/admin/subscribers" role="search">
            {field("q", "Part of the address").input("search", &search.text, "off", false)}
            {field("state", "State").select(states.collect())}
            {field("follows", "Follows").select(follows.into_iter().chain(components).collect())}
            <button class="button quiet">"Search"</button>
        </form>
    }
}

fn nothing(model: &Subscribers) -> AnyView {
    let has_anyone = model.counts.iter().any(|(_, count)| *count > 0);
    if has_anyone {
        view! {
            <p class="nothing">
                <span>"Nobody was found. "</span>
                <a href="/admin/subscribers">"Show everyone"</a>
            </p>
        }
        .into_any()
    } else {
        view! {
            <div class="box first">
                <p>"Nobody has subscribed yet. People do so on the status page; bring a list along if you have one."</p>
                <p><a class="button" href="/admin/subscribers/import">"Import a list"</a></p>
            </div>
        }
        .into_any()
    }
}

fn row(subscriber: &SubscriberRow, names: &BTreeMap<ComponentId, String>) -> AnyView {
    let href = format!("/admin/subscribers/{}", subscriber.id);
    view! {
        <li>
            <div class="what">
                <p class="title"><a href=href dir="auto">{subscriber.email.clone()}</a></p>
                <p class="facts">{follows_words(&subscriber.follows, names)}</p>
            </div>
            <p class="hint">{subscriber.state.label()}</p>
            <p class="hint">{dated(subscriber.created_at)}</p>
        </li>
    }
    .into_any()
}

fn pages(model: &Subscribers) -> impl IntoView + use<> {
    let newest = model.is_further.then(|| address("/admin/subscribers", &model.search.fields()));
    let older = model.next.map(|next| {
        let mut fields = model.search.fields();
        fields.push(("before", next.to_string()));
        address("/admin/subscribers", &fields)
    });
    (newest.is_some() || older.is_some()).then(|| {
        view! {
            <nav class="pages" aria-label="Pages">
                {newest.map(|href| view! { <a class="button quiet" href=href>"Newest"</a> })}
                {older.map(|href| view! { <a class="button quiet" href=href rel="next">"Older"</a> })}
            </nav>
        }
    })
}

/// What someone follows, in words.
pub(super) fn follows_words(follows: &Follows, known: &BTreeMap<ComponentId, String>) -> String {
    let mut words: Vec<String> = Vec::new();
    if follows.everything {
        words.push("Everything".to_owned());
    } else {
        let chosen: Vec<_> = follows.components.iter().filter_map(|id| known.get(id).cloned()).collect();
        words.extend((!chosen.is_empty()).then(|| names(&chosen)));
    }
    match follows.incidents.len() {
        0 => {}
        1 => words.push("one incident".to_owned()),
        count => words.push(format!("{count} incidents")),
    }
    if words.is_empty() { "Nothing".to_owned() } else { words.join(" · ") }
}

/// The names of all components.
pub(super) fn component_names(sections: &[Section]) -> BTreeMap<ComponentId, String> {
    all_components(sections).map(|component| (component.id.clone(), component.name.clone())).collect()
}

/// A path with fields behind it.
pub(super) fn address(path: &str, fields: &[(&str, String)]) -> String {
    let query: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// A value as it stands in a query (RFC 3986, section 2.1).
fn encoded(value: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    value.bytes().map(byte).collect()
}
