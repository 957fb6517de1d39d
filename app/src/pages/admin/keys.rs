//! API keys: what there is, making one, its token shown once, ending one.

use domain::{
    forms::{FieldErrors, KeyForm},
    key::{ApiKey, DAYS_MAX, KeyState, Scope},
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    fields::{Field, danger},
    shell::{Console, document, form_title, summary},
};
use crate::components::{dated, timestamp};

/// A key and who made it, in words.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// The key.
    pub key: ApiKey,
    /// Who made it.
    pub created_by: String,
}

/// What the list of keys shows.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// Newest first.
    pub keys: Vec<KeyRow>,
}

/// What the form of a new key shows.
#[derive(Clone, Debug)]
pub struct KeyNew {
    /// The frame.
    pub console: Console,
    /// As typed.
    pub form: KeyForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

/// What is shown once, when a key was made.
#[derive(Clone, Debug)]
pub struct KeyMade {
    /// The frame.
    pub console: Console,
    /// The key.
    pub key: ApiKey,
    /// Its token.
    pub token: String,
}

/// What the page of one key shows.
#[derive(Clone, Debug)]
pub struct KeyPage {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// The key.
    pub row: KeyRow,
}

/// Draws the list.
pub fn page(model: &Keys) -> String {
    let (good, over): (Vec<_>, Vec<_>) = model.keys.iter().partition(|row| row.key.is_good(model.now));
    document(&model.console, "API keys", || {
        let nothing = view! {
            <p class="nothing">
                "There are no keys yet. A program needs one to report incidents or to add subscribers: give each its own, with no more than it needs."
            </p>
        };
        view! {
            <div class="title-row">
                <h1>"API keys"</h1>
                <a class="button" href="/admin/keys/new">"Make a key"</a>
            </div>
            <p class="hint">
                <span>"What programs can do with a key is described by "</span>
                <a href="/api/v1/openapi.json">"/api/v1/openapi.json"</a>
                <span>"."</span>
            </p>
            {model.keys.is_empty().then_some(nothing)}
            {list("In use", &good, model.now)}
            {list("Over", &over, model.now)}
        }
    })
}

fn list(title: &'static str, rows: &[&KeyRow], now: Timestamp) -> Option<impl IntoView + use<>> {
    let rows: Vec<_> = rows.iter().map(|row| line(row, now)).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section>
                <h2>{title}</h2>
                <ul class="rows">{rows}</ul>
            </section>
        }
    })
}

fn line(row: &KeyRow, now: Timestamp) -> AnyView {
    let key = &row.key;
    view! {
        <li>
            <div class="what">
                <p class="title"><a href=format!("/admin/keys/{}", key.id) dir="auto">{key.name.clone()}</a></p>
                <p class="facts">
                    {ends(key, now)}
                    <span>{scopes(key)}</span>
                    {used(key, now)}
                    <span dir="auto">{format!("by {}", row.created_by)}</span>
                </p>
            </div>
        </li>
    }
    .into_any()
}

/// `components, incidents`
fn scopes(key: &ApiKey) -> String {
    key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

/// When it ends; in bold what needs somebody soon.
fn ends(key: &ApiKey, now: Timestamp) -> AnyView {
    match key.state(now) {
        KeyState::Active => view! {
            <span>
                <span>"expires "</span>
                {dated(key.expires_at)}
            </span>
        }
        .into_any(),
        KeyState::Ending(days) => view! { <strong>{ends_in(days)}</strong> }.into_any(),
        KeyState::Expired => view! {
            <span>
                <span>"expired "</span>
                {dated(key.expires_at)}
            </span>
        }
        .into_any(),
        KeyState::Revoked => view! {
            <span>
                <span>"revoked "</span>
                {key.revoked_at.map(dated)}
            </span>
        }
        .into_any(),
    }
}

/// `expires in 6 days`
pub fn ends_in(days: i64) -> String {
    if days == 1 { "expires within a day".to_owned() } else { format!("expires in {days} days") }
}

fn used(key: &ApiKey, now: Timestamp) -> AnyView {
    match key.last_used_at {
        Some(at) => view! {
            <span>
                <span>"last used "</span>
                {timestamp(at, now)}
            </span>
        }
        .into_any(),
        None => view! { <span>"never used"</span> }.into_any(),
    }
}

/// Names and labels in their order, for the summary of what is wrong.
const FIELDS: [(&str, &str); 3] = [("name", "Name"), ("scopes", "What it may do"), ("days", "Days until it expires")];

/// Draws the form of a new key.
pub fn new(model: &KeyNew) -> String {
    let (form, errors) = (&model.form, &model.errors);
    document(&model.console, &form_title("Make a key", errors), || {
        let field = |name, label, hint| Field { name, label, hint, errors };
        let days = format!("From 1 to {DAYS_MAX}. You are warned two weeks before.");
        view! {
            <p class="back"><a href="/admin/keys">"API keys"</a></p>
            <h1>"Make a key"</h1>
            {summary(errors, &FIELDS)}
            <form class="box" method="post" action="/admin/keys/new">
                {field("name", "Name", "The program that uses it and where it runs: “Uptime monitor, eu-1”")
                    .line(&form.name, true)}
                {field("scopes", "What it may do", "No more than it needs").group("checks", scope_boxes(form))}
                {field("days", "Days until it expires", &days).number(&form.days)}
                <div class="actions"><button class="button">"Make the key"</button></div>
            </form>
        }
    })
}

fn scope_boxes(form: &KeyForm) -> Vec<AnyView> {
    let meaning = |scope| match scope {
        Scope::Components => "Read, add, change and delete components",
        Scope::Incidents => "Read and open incidents, post updates and mail subscribers",
        Scope::Subscribers => "Read, add and remove subscribers: people's addresses",
        Scope::Broadcasts => "See how mails go out, hold and stop them",
    };
    let boxes = Scope::ALL.iter().map(|scope| {
        let id = format!("scope-{}", scope.as_str());
        view! {
            <label class="check" for=id.clone()>
                <input
                    type="checkbox"
                    id=id.clone()
                    name="scope"
                    value=scope.as_str()
                    checked=form.scopes.contains(scope.as_str())
                />
                <span>
                    <span class="name">{scope.label()}</span>
                    <span class="description">{meaning(*scope)}</span>
                </span>
            </label>
        }
        .into_any()
    });
    boxes.collect()
}

/// Draws what is shown once.
pub fn made(model: &KeyMade) -> String {
    let site = &model.console.site;
    let example =
        format!("curl -H 'Authorization: Bearer {}' {}/api/v1/{}", model.token, site.url, example_of(&model.key));
    document(&model.console, "Your new key", || {
        view! {
            <p class="back"><a href="/admin/keys">"API keys"</a></p>
            <h1>"Your new key"</h1>
            <div class="notice" data-status="under_maintenance">
                <p>"Copy it now: it is shown this once, and kept only in a form that cannot be read back."</p>
            </div>
            <section class="box" aria-labelledby="token">
                <h2 id="token" dir="auto">{model.key.name.clone()}</h2>
                <pre class="mail secret" tabindex="0">{model.token.clone()}</pre>
                <p class="facts">
                    <span>{format!("May be used for {}", scopes(&model.key))}</span>
                    <span>
                        <span>"expires "</span>
                        {dated(model.key.expires_at)}
                    </span>
                </p>
            </section>
            <section aria-labelledby="try">
                <h2 id="try">"Try it"</h2>
                <pre class="mail" tabindex="0">{example}</pre>
            </section>
        }
    })
}

/// A list that this key may read.
fn example_of(key: &ApiKey) -> &'static str {
    key.scopes.first().map_or("components", |scope| scope.as_str())
}

/// Draws the page of one key.
pub fn one(model: &KeyPage) -> String {
    let key = &model.row.key;
    document(&model.console, &key.name, || {
        let revoke = key.is_good(model.now).then(|| {
            danger(
                "Revoke this key",
                "It stops working at once, for good. Whatever uses it is answered 401 from then on.".into(),
                format!("/admin/keys/{}/revoke", key.id),
                "Revoke for good",
            )
        });
        view! {
            <p class="back"><a href="/admin/keys">"API keys"</a></p>
            <h1 dir="auto">{key.name.clone()}</h1>
            <p class="facts">
                {ends(key, model.now)}
                <span>{scopes(key)}</span>
                {used(key, model.now)}
            </p>
            <p class="facts">
                <span dir="auto">{format!("Made by {}", model.row.created_by)}</span>
                {dated(key.created_at)}
                <a href=format!("/admin/audit?actor=key:{}", key.id)>"What was done with it"</a>
            </p>
            {revoke}
        }
    })
}
