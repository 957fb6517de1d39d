//! Everything that was mailed to many, in one place.

use domain::broadcast::{BroadcastState, Progress};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    broadcast::{kind_words, watched},
    shell::{Console, document},
};
use crate::components::timestamp;

/// One broadcast in the list.
#[derive(Clone, Debug)]
pub struct BroadcastRow {
    /// What the incident is called.
    pub incident_name: String,
    /// What it carries.
    pub kind: String,
    /// How far it is.
    pub progress: Progress,
}

/// What the list shows.
#[derive(Clone, Debug)]
pub struct Broadcasts {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// Newest first.
    pub rows: Vec<BroadcastRow>,
    /// Which page of the list, from one.
    pub page: i64,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// Draws the page.
pub fn page(model: &Broadcasts) -> String {
    document(&model.console, "Broadcasts", || {
        let rows: Vec<_> = model.rows.iter().map(|row| entry(row, model.now)).collect();
        let list = if rows.is_empty() {
            view! {
                <p class="nothing">"Nothing was mailed yet. An update that mails its readers appears here with its progress."</p>
            }
            .into_any()
        } else {
            view! { <ul class="broadcasts">{rows}</ul> }.into_any()
        };
        view! {
            <h1>"Broadcasts"</h1>
            {search_form("")}
            {list}
            {pager("/admin/broadcasts?", model.page, model.has_more)}
        }
    })
}

fn entry(row: &BroadcastRow, now: Timestamp) -> AnyView {
    let address = format!("/admin/broadcasts/{}", row.progress.id);
    view! {
        <li>
            <p class="title">
                <a href=address.clone() dir="auto">{row.incident_name.clone()}</a>
                <span class="hint">
                    <span>{format!("{} ", kind_words(&row.kind))}</span>
                    {timestamp(row.progress.created_at, now)}
                </span>
            </p>
            {watched(&row.progress)}
            {row.progress.state.is_open().then(|| steer(&row.progress, &row.incident_name))}
        </li>
    }
    .into_any()
}

/// Pausing and resuming at once; cancelling, which cannot be undone, on the broadcast's own page.
fn steer(progress: &Progress, name: &str) -> impl IntoView + use<> {
    let address = format!("/admin/broadcasts/{}", progress.id);
    let (step, word) = if progress.state == BroadcastState::Paused { ("resume", "Resume") } else { ("pause", "Pause") };
    let name = format!(" the mails of {name}");
    view! {
        <div class="controls">
            <form method="post" action=format!("{address}/{step}")>
                <button class="button quiet">
                    <span>{word}</span>
                    <span class="visually-hidden">{name.clone()}</span>
                </button>
            </form>
            <a class="button quiet" href=address>
                <span>"Cancel…"</span>
                <span class="visually-hidden">{name}</span>
            </a>
        </div>
    }
}

/// Looking up one address among all mails.
pub(super) fn search_form(address: &str) -> impl IntoView + use<> {
    view! {
        <form class="search" method="get" action="/admin/deliveries" role="search">
            <label for="address">"What became of the mails to"</label>
            <input type="search" id="address" name="address" value=address.to_owned() autocomplete="off" placeholder="name@example.com"/>
            <button class="button quiet">"Look up"</button>
        </form>
    }
}

/// Newer and older pages; `address` ends where `page=2` belongs.
pub(super) fn pager(address: &str, page: i64, has_more: bool) -> Option<impl IntoView + use<>> {
    let newer = (page > 1).then(|| view! { <a href=format!("{address}page={}", page - 1)>"Newer"</a> });
    let older = has_more.then(|| view! { <a href=format!("{address}page={}", page + 1)>"Older"</a> });
    (page > 1 || has_more).then(|| {
        view! {
            <nav class="pager" aria-label="Pages">
                {newer}
                <span>{format!("Page {page}")}</span>
                {older}
            </nav>
        }
    })
}
