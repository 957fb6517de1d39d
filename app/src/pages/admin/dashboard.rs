//! What is going on, at a glance, and the button for when something breaks.

use domain::{
    broadcast::{Lane, Progress},
    incident::Incident,
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    attention::{Attention, attention},
    broadcast::watched,
    incidents::row,
    shell::{Console, document},
};
use crate::{
    components::timestamp,
    islands::{people, thousands},
};

/// What the dashboard shows.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// Whether the page has a component yet.
    pub has_components: bool,
    /// What somebody should look at, most urgent first.
    pub attention: Vec<Attention>,
    /// How fast mails may leave: "14/s".
    pub rate: String,
    /// How many left in the last hour.
    pub sent_lately: i64,
    /// How many wait because a broadcast is paused.
    pub held_by_pauses: i64,
    /// What is broken, newest first.
    pub open: Vec<Incident>,
    /// The newest broadcasts with the names of their incidents, newest first.
    pub recent_broadcasts: Vec<(String, Progress)>,
    /// How many people confirmed that they want to be told.
    pub active_subscribers: i64,
    /// How many have not confirmed yet.
    pub pending_subscribers: i64,
    /// How many mails wait in each lane.
    pub queue: Vec<(Lane, i64)>,
    /// Whether mail is kept on disk because no mail server is configured.
    pub mail_captured: bool,
}

/// Draws the page.
pub fn page(model: &Dashboard) -> String {
    document(&model.console, "Dashboard", || {
        view! {
            <div class="title-row">
                <h1>"Dashboard"</h1>
                <a class="button" href="/admin/incidents/new">"Report an incident"</a>
            </div>
            {model.mail_captured.then(captured)}
            {attention(&model.attention, model.now)}
            {(!model.has_components).then(first_component)}
            <section aria-labelledby="open">
                <h2 id="open">"Open incidents"</h2>
                {open(model)}
            </section>
            <section aria-labelledby="mails">
                <div class="title-row">
                    <h2 id="mails">"Latest broadcasts"</h2>
                    <a href="/admin/broadcasts">"All broadcasts"</a>
                </div>
                {broadcasts(model)}
            </section>
            <div class="side-by-side">
                <section aria-labelledby="queue">
                    <div class="title-row">
                        <h2 id="queue">"Mail queue"</h2>
                        <a href="/admin/mail">"All about it"</a>
                    </div>
                    {queue(&model.queue)}
                    <p class="hint">{pace(model)}</p>
                </section>
                <section aria-labelledby="subscribers">
                    <h2 id="subscribers">"Subscribers"</h2>
                    {subscribers(model)}
                </section>
            </div>
        }
    })
}

/// No mail leaves this machine: said first, because everything else looks as if it did.
pub(super) fn captured() -> impl IntoView {
    view! {
        <div class="notice" data-status="under_maintenance">
            <p>
                <strong>"No mail leaves this machine. "</strong>
                <span>"No mail server is configured, so every mail is kept in the "</span>
                <a href="/admin/outbox">"outbox"</a>
                <span>". Set "</span>
                <code>"TIDINGS_SMTP_URL"</code>
                <span>" to send for real."</span>
            </p>
        </div>
    }
}

fn first_component() -> impl IntoView {
    view! {
        <section class="box first" aria-labelledby="first">
            <h2 id="first">"Begin with what your customers use"</h2>
            <p>
                "Components are the parts of your service that customers know by name: an API, a website, a dashboard. The page shows how each fares, and people subscribe to those they rely on."
            </p>
            <p><a class="button" href="/admin/components/new">"Add your first component"</a></p>
        </section>
    }
}

fn open(model: &Dashboard) -> AnyView {
    if model.open.is_empty() {
        return view! { <p class="nothing">"Nothing is open."</p> }.into_any();
    }
    let rows: Vec<_> = model.open.iter().map(|incident| row(incident, model.now)).collect();
    view! { <ul class="rows">{rows}</ul> }.into_any()
}

fn broadcasts(model: &Dashboard) -> AnyView {
    if model.recent_broadcasts.is_empty() {
        return view! {
            <p class="nothing">"Nothing was mailed yet. An update that mails its readers appears here with its progress."</p>
        }
        .into_any();
    }
    let rows: Vec<_> = model
        .recent_broadcasts
        .iter()
        .map(|(name, progress)| {
            view! {
                <li>
                    <p class="title">
                        <a href=format!("/admin/broadcasts/{}", progress.id) dir="auto">{name.clone()}</a>
                        <span class="hint">{timestamp(progress.created_at, model.now)}</span>
                    </p>
                    {watched(progress)}
                </li>
            }
        })
        .collect();
    view! { <ul class="broadcasts">{rows}</ul> }.into_any()
}

fn queue(lanes: &[(Lane, i64)]) -> AnyView {
    if lanes.iter().all(|(_, waiting)| *waiting == 0) {
        return view! { <p class="nothing">"Nothing waits: every mail is out."</p> }.into_any();
    }
    let rows: Vec<_> = lanes
        .iter()
        .map(|(lane, waiting)| {
            view! {
                <tr>
                    <th scope="row">{lane.label()}</th>
                    <td>{thousands(*waiting)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <table class="figures">
            <caption class="visually-hidden">"Mails waiting in each lane, most urgent first"</caption>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// `412 sent in the last hour · up to 14/s · 588 held by a pause`
fn pace(model: &Dashboard) -> String {
    let rate = if model.rate == "0" { "as fast as it goes".to_owned() } else { format!("up to {}", model.rate) };
    let words = format!("{} sent in the last hour · {rate}", thousands(model.sent_lately));
    match model.held_by_pauses {
        0 => words,
        held => format!("{words} · {} held by a pause", thousands(held)),
    }
}

fn subscribers(model: &Dashboard) -> AnyView {
    if model.active_subscribers + model.pending_subscribers == 0 {
        return view! {
            <p class="nothing">
                <span>"Nobody subscribed yet. People do so on the "</span>
                <a href="/subscribe">"subscribe page"</a>
                <span>"; link to it from your own."</span>
            </p>
        }
        .into_any();
    }
    let pending = (model.pending_subscribers > 0)
        .then(|| format!("{} more asked to be and have not confirmed yet.", people(model.pending_subscribers)));
    view! {
        <p class="figure">{thousands(model.active_subscribers)}</p>
        <p class="hint">"asked to be told and confirmed it."</p>
        {pending.map(|words| view! { <p class="hint">{words}</p> })}
    }
    .into_any()
}
