//! Bringing a list of subscribers along: choosing it, seeing what will become of it, letting it in.

use domain::{
    forms::{FieldErrors, ImportForm},
    subscriber::{ListCounts, ListState, RefusedLine},
};
use leptos::prelude::*;

use super::{
    fields::Field,
    shell::{Console, document, form_title, summary},
};
use crate::islands::thousands;

/// What the form shows.
#[derive(Clone, Debug)]
pub struct ImportNew {
    /// The frame.
    pub console: Console,
    /// As typed; a file cannot be kept.
    pub form: ImportForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

const FIELDS: [(&str, &str); 3] = [("file", "The list"), ("lines", "Lines"), ("reason", "How is it known?")];

/// Draws the form.
pub fn new_page(model: &ImportNew) -> String {
    let (form, errors) = (&model.form, &model.errors);
    document(&model.console, &form_title("Import subscribers", errors), || {
        let field = |name, label, hint| Field { name, label, hint, errors };
        let file = field(
            "file",
            "A CSV file",
            "At most 50 MiB and 1,000,000 lines. Choose it again when the form comes back.",
        )
        .around(|wiring| {
            view! {
                <input
                    type="file"
                    id=wiring.name.clone()
                    name=wiring.name
                    accept=".csv,.txt,text/csv,text/plain"
                    aria-describedby=wiring.described_by
                    aria-invalid=wiring.invalid
                />
            }
        });
        view! {
            <p class="back"><a href="/admin/subscribers">"Subscribers"</a></p>
            <h1>"Import subscribers"</h1>
            {summary(errors, &FIELDS)}
            <form class="box" method="post" action="/admin/subscribers/import" enctype="multipart/form-data">
                <p>
                    "One person a line: the address, then the components they follow, by name. Without any they follow everything. A list that was exported here is understood as it is."
                </p>
                <pre class="mail">"jo@example.com\nann@example.com,API,Platform - Webhooks"</pre>
                {field(
                    "reason",
                    "How is it known that they agree?",
                    "Kept with each of them as proof, such as “subscribers of our old status page until May”. Nobody is mailed to ask.",
                )
                    .line(&form.reason, true)}
                {file}
                {field("lines", "Or paste the lines", "").lines(&form.lines, 6)}
                <div class="actions"><button class="button">"See what will happen"</button></div>
            </form>
        }
    })
}

/// What the page of one list shows.
#[derive(Clone, Debug)]
pub struct ImportPage {
    /// The frame.
    pub console: Console,
    /// Which list.
    pub id: String,
    /// What the file was called.
    pub name: String,
    /// How it is known that they agree.
    pub consent: String,
    /// Where it stands.
    pub state: ListState,
    /// How many lines it has.
    pub lines: i64,
    /// What will become of them, or became of them so far.
    pub counts: ListCounts,
    /// The first of those that cannot be taken.
    pub refused: Vec<RefusedLine>,
}

/// Draws the page.
pub fn page(model: &ImportPage) -> String {
    let place = format!("/admin/subscribers/import/{}", model.id);
    let title = match model.state {
        ListState::Uploading => "The list did not arrive whole",
        ListState::Checking => "Looking through the list",
        ListState::Ready => "What will happen",
        ListState::Importing => "Importing",
        ListState::Done => "Imported",
    };
    let name = if model.name.is_empty() { "Pasted".to_owned() } else { model.name.clone() };
    let lines = if model.lines == 1 { "1 line".to_owned() } else { format!("{} lines", thousands(model.lines)) };
    let again = place.clone();
    document(&model.console, title, || {
        view! {
            <p class="back"><a href="/admin/subscribers">"Subscribers"</a></p>
            <h1>{title}</h1>
            <p class="facts">
                <span dir="auto">{name}</span>
                <span>{format!(" · {lines}")}</span>
            </p>
            {match model.state {
                ListState::Uploading => {
                    view! { <p><a href="/admin/subscribers/import">"Send it again"</a></p> }.into_any()
                }
                ListState::Checking => {
                    view! {
                        <p role="status">"Nothing is changed yet. This page shows the result by itself."</p>
                        <p><a href=again>"Look again"</a></p>
                    }
                        .into_any()
                }
                ListState::Ready => ready(model, &place),
                ListState::Importing => {
                    view! {
                        <p role="status">"It goes on by itself, also when you leave this page."</p>
                        {counts(model)}
                        <p><a href=again>"Look again"</a></p>
                    }
                        .into_any()
                }
                ListState::Done => {
                    view! {
                        {counts(model)}
                        <p><a class="button quiet" href="/admin/subscribers">"To the subscribers"</a></p>
                    }
                        .into_any()
                }
            }}
            {refused(model)}
        }
    })
}

fn ready(model: &ImportPage, place: &str) -> AnyView {
    let is_any = model.counts.created + model.counts.updated > 0;
    view! {
        {counts(model)}
        <p>
            <span>"Proof of consent: "</span>
            <span dir="auto">{model.consent.clone()}</span>
        </p>
        <p class="hint">"Nobody is mailed now. New people hear of the next incident that they follow."</p>
        <div class="actions">
            <form method="post" action=format!("{place}/discard")>
                <button class="button quiet">"Throw the list away"</button>
            </form>
            {is_any
                .then(|| {
                    view! {
                        <form method="post" action=place.to_owned()>
                            <button class="button">"Import"</button>
                        </form>
                    }
                })}
        </div>
    }
    .into_any()
}

fn counts(model: &ImportPage) -> impl IntoView + use<> {
    let ListCounts { created, updated, unchanged, left, refused } = model.counts;
    let lines = [
        ("New", created),
        ("Follow more, or need not confirm any more", updated),
        ("Unchanged, or listed twice", unchanged),
        ("Left before, and stay away", left),
        ("Refused", refused),
    ];
    let lines = lines.map(|(what, count)| {
        view! {
            <tr>
                <th scope="row">{what}</th>
                <td>{thousands(i64::try_from(count).unwrap_or(i64::MAX))}</td>
            </tr>
        }
    });
    view! { <table class="figures wide"><tbody>{lines.to_vec()}</tbody></table> }
}

fn refused(model: &ImportPage) -> Option<impl IntoView + use<>> {
    let lines: Vec<_> = model
        .refused
        .iter()
        .map(|refused| {
            view! {
                <tr>
                    <th scope="row">{format!("Line {}", refused.line)}</th>
                    <td dir="auto">{refused.reason.clone()}</td>
                </tr>
            }
        })
        .collect();
    let further = model.counts.refused.saturating_sub(u64::try_from(lines.len()).unwrap_or(0));
    let further = (further > 0).then(|| {
        let further = thousands(i64::try_from(further).unwrap_or(i64::MAX));
        view! { <p class="hint">{format!("And {further} more lines.")}</p> }
    });
    (!lines.is_empty()).then(|| {
        view! {
            <section aria-labelledby="refused">
                <h2 id="refused">"Refused lines"</h2>
                <table class="headers"><tbody>{lines}</tbody></table>
                {further}
            </section>
        }
    })
}
