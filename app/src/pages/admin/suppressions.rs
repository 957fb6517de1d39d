//! Addresses that must not be written to.

use domain::{forms::FieldErrors, subscriber::Suppression, time};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    fields::Field,
    shell::{Console, document},
    subscribers::address,
};
use crate::{
    components::{dated, sentence},
    islands::thousands,
};

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

/// Many that are to be written to again.
#[derive(Clone, Debug)]
pub struct ReleaseMany {
    /// The frame.
    pub console: Console,
    /// Since when, as typed.
    pub typed: String,
    /// What is wrong with that.
    pub errors: FieldErrors,
    /// Since when, and how many were found from then on not to exist.
    pub found: Option<(Timestamp, i64)>,
}

/// Draws the question since when, and then the one whether.
pub fn release_many_page(model: &ReleaseMany) -> String {
    let since = Field {
        name: "since",
        label: "Since when was it wrong?",
        hint: "Such as “2024-02-05 10:12”, in UTC, or with a time zone behind it.",
        errors: &model.errors,
    };
    document(&model.console, "Allow mail to many again", || {
        view! {
            <p class="back"><a href="/admin/suppressions">"Suppressed addresses"</a></p>
            <h1>"Allow mail to many again"</h1>
            <p>
                "A mail server that has lost its list of people says of everyone that they do not exist. Once it is mended, those whom it named so are written to again."
            </p>
            <form class="search" method="get" action="/admin/suppressions/release-many">
                {since.line(&model.typed, true)}
                <button class="button quiet">"Count them"</button>
            </form>
            {model.found.map(|(since, count)| found(&model.typed, since, count))}
        }
    })
}

fn found(typed: &str, since: Timestamp, count: i64) -> AnyView {
    let when = time::full(since);
    if count == 0 {
        let words = format!("No address was suppressed so since {when}.");
        return view! { <p class="nothing">{words}</p> }.into_any();
    }
    let (addresses, them) =
        if count == 1 { ("1 address".to_owned(), "it") } else { (format!("{} addresses", thousands(count)), "them") };
    view! {
        <form class="box" method="post" action="/admin/suppressions/release-many">
            <input type="hidden" name="since" value=typed.to_owned()/>
            <p><strong>{addresses}</strong> <span>{format!(" were said not to exist since {when}.")}</span></p>
            <ul class="consequences-list">
                <li>"They hear of the next update. What they missed is not sent again."</li>
                <li>"Whoever does not exist is found out again by the next mail."</li>
                <li>"Full mailboxes, and what came back later or was called spam, stay suppressed."</li>
            </ul>
            <div class="actions">
                <button class="button">{format!("Allow mail to {them} again")}</button>
                <a class="button quiet" href="/admin/suppressions">"Leave it"</a>
            </div>
        </form>
    }
    .into_any()
}

/// How many there are, and the way to one of them.
fn search(model: &Suppressions) -> impl IntoView + use<> {
    let errors = FieldErrors::default();
    let text = Field { name: "q", label: "Part of the address", hint: "", errors: &errors };
    let words = match model.count {
        1 => {
            "1 address gets no mail, because a mail server said that it does not exist or has no room, or because its \
              reader called a mail spam."
                .to_owned()
        }
        count => format!(
            "{} addresses get no mail, because mail servers said that they do not exist or have no room, or because their \
             readers called a mail spam.",
            thousands(count)
        ),
    };
    view! {
        <p class="hint">{words}</p>
        <p class="hint">
            <span>"Did a mail server say by mistake that people do not exist? "</span>
            <a href="/admin/suppressions/release-many">"Allow mail to all of them again"</a>
        </p>
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
                <p class="hint" dir="auto">{sentence(&suppression.reason)}</p>
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
