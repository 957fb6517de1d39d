//! Who was mailed, and what became of it.

use domain::{delivery::DeliveryState, ids::BroadcastId};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    broadcast::kind_words,
    broadcasts::{pager, search_form},
    fields::option,
    shell::{Console, document},
};
use crate::components::timestamp;

/// One mail and what became of it.
#[derive(Clone, Debug)]
pub struct MailLine {
    /// The broadcast it is part of, and what that is about; `None` for a letter.
    pub broadcast: Option<(BroadcastId, String)>,
    /// `update`, `confirmation` and so on.
    pub kind: String,
    /// Where it goes.
    pub address: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why; empty when there is nothing to say.
    pub reason: String,
    /// Attempts that counted.
    pub attempts: i64,
    /// When it is tried again, if it waits.
    pub due_at: Timestamp,
    /// When it came to stand so.
    pub updated_at: Timestamp,
}

/// What the list of a broadcast's people shows.
#[derive(Clone, Debug)]
pub struct Recipients {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// The broadcast.
    pub broadcast: BroadcastId,
    /// What the incident is called.
    pub incident_name: String,
    /// The address that is looked for; may be empty.
    pub address: String,
    /// The state that is looked for; may be empty.
    pub state: String,
    /// In the order in which they are reached.
    pub lines: Vec<MailLine>,
    /// The query of the next page.
    pub next: Option<String>,
    /// Whether people are still to be reached.
    pub is_open: bool,
}

/// What the mails to one address show.
#[derive(Clone, Debug)]
pub struct Deliveries {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// The address that is looked for; may be empty.
    pub address: String,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Newest first.
    pub lines: Vec<MailLine>,
    /// Which page, from one.
    pub page: i64,
    /// Whether there are older ones.
    pub has_more: bool,
    /// The address as it stands in a link.
    pub encoded: String,
}

/// Draws a broadcast's people.
pub fn page(model: &Recipients) -> String {
    let address = format!("/admin/broadcasts/{}", model.broadcast);
    document(&model.console, &format!("Who: {}", model.incident_name), || {
        let states = DeliveryState::ALL.iter().map(|state| option(state.as_str(), state.label(), &model.state));
        let states: Vec<_> = std::iter::once(option("", "Any state", &model.state)).chain(states).collect();
        let nothing = match (model.address.is_empty(), model.is_open) {
            (false, true) => "Not reached yet, or not among its recipients.",
            (false, false) => "Not among its recipients.",
            (true, true) => "Nobody was reached yet.",
            (true, false) => "Nobody.",
        };
        let next = model.next.clone().map(|query| {
            view! {
                <nav class="pager" aria-label="Pages">
                    <a href=format!("{address}/recipients?{query}")>"Next"</a>
                </nav>
            }
        });
        view! {
            <p class="back"><a href=address.clone() dir="auto">{model.incident_name.clone()}</a></p>
            <h1>"Who was mailed"</h1>
            <form class="search" method="get" action=format!("{address}/recipients") role="search">
                <label for="address">"Address"</label>
                <input type="search" id="address" name="address" value=model.address.clone() autocomplete="off"/>
                <label for="state">"State"</label>
                <select id="state" name="state">{states}</select>
                <button class="button quiet">"Look up"</button>
            </form>
            {table(&model.lines, nothing, false, model.now)}
            {next}
        }
    })
}

/// Draws the mails to one address.
pub fn deliveries(model: &Deliveries) -> String {
    document(&model.console, "Mails to an address", || {
        let error = model.error.clone().map(|error| view! { <p class="field-error" role="alert">{error}</p> });
        let lines = (!model.address.is_empty() && model.error.is_none())
            .then(|| table(&model.lines, "Nothing was mailed to this address in the last 90 days.", true, model.now));
        view! {
            <p class="back"><a href="/admin/broadcasts">"Broadcasts"</a></p>
            <h1>"Mails to an address"</h1>
            {search_form(&model.address)}
            {error}
            {lines}
            {pager(&format!("/admin/deliveries?address={}&", model.encoded), model.page, model.has_more)}
        }
    })
}

fn table(lines: &[MailLine], nothing: &'static str, names_what: bool, now: Timestamp) -> AnyView {
    if lines.is_empty() {
        return view! { <p class="nothing">{nothing}</p> }.into_any();
    }
    let rows: Vec<_> = lines.iter().map(|line| row(line, names_what, now)).collect();
    let first = if names_what { "What" } else { "Address" };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Mails">
            <table class="listing">
                <thead>
                    <tr>
                        <th scope="col">{first}</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"When"</th>
                        <th scope="col">"Why"</th>
                        <th scope="col">"Attempts"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(line: &MailLine, names_what: bool, now: Timestamp) -> AnyView {
    let what = match (&line.broadcast, names_what) {
        (Some((id, name)), true) => view! {
            <a href=format!("/admin/broadcasts/{id}") dir="auto">{name.clone()}</a>
            <span class="hint">{kind_words(&line.kind)}</span>
        }
        .into_any(),
        (None, true) => view! { <span>{kind_words(&line.kind)}</span> }.into_any(),
        (_, false) => view! { <span dir="auto">{line.address.clone()}</span> }.into_any(),
    };
    let waits = line.state == DeliveryState::Waiting;
    let when = if waits { line.due_at } else { line.updated_at };
    view! {
        <tr>
            <td>{what}</td>
            <td>{line.state.label()}</td>
            <td>
                {waits.then(|| view! { <span>"due "</span> })}
                {timestamp(when, now)}
            </td>
            <td dir="auto">{line.reason.clone()}</td>
            <td>{line.attempts.to_string()}</td>
        </tr>
    }
    .into_any()
}
