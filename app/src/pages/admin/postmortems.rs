//! All postmortems: published, begun, and still to be written; and what was promised in them.

use domain::{
    ids::IncidentId,
    postmortem::{FollowUp, Listed},
    time::utc_date,
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::shell::{Console, document};
use crate::components::{dated, timestamp};

/// What the list shows.
#[derive(Clone, Debug)]
pub struct Postmortems {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// Incidents that are over, the one that ended last first.
    pub listed: Vec<Listed>,
    /// What is still to be done, soonest due first, with the incident it is about.
    pub open: Vec<(IncidentId, String, FollowUp)>,
}

/// Draws the page.
pub fn page(model: &Postmortems) -> String {
    let (published, rest): (Vec<_>, Vec<_>) = model.listed.iter().partition(|listed| listed.published_at.is_some());
    let (drafts, missing): (Vec<_>, Vec<_>) = rest.into_iter().partition(|listed| listed.updated_at.is_some());
    document(&model.console, "Postmortems", || {
        let nothing = view! {
            <p class="nothing">
                "Nothing to write about yet. Once an incident is resolved, its postmortem begins here with the timeline filled in."
            </p>
        };
        view! {
            <h1>"Postmortems"</h1>
            {model.listed.is_empty().then_some(nothing)}
            {open_follow_ups(&model.open, model.now)}
            {list("Drafts", &drafts, model.now)}
            {list("Incidents without one", &missing, model.now)}
            {list("Published", &published, model.now)}
        }
    })
}

fn list(title: &'static str, listed: &[&Listed], now: Timestamp) -> Option<impl IntoView + use<>> {
    let rows: Vec<_> = listed.iter().map(|listed| row(listed, now)).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section>
                <h2>{title}</h2>
                <ul class="rows">{rows}</ul>
            </section>
        }
    })
}

fn row(listed: &Listed, now: Timestamp) -> AnyView {
    let address = format!("/admin/incidents/{}/postmortem", listed.incident);
    let state = match (listed.published_at, listed.updated_at) {
        (Some(at), _) => view! { <span><span>"published "</span>{dated(at)}</span> }.into_any(),
        (None, Some(at)) => view! { <span><span>"saved "</span>{timestamp(at, now)}</span> }.into_any(),
        (None, None) => view! { <span><span>"resolved "</span>{timestamp(listed.resolved_at, now)}</span> }.into_any(),
    };
    let begin = listed.updated_at.is_none() && listed.published_at.is_none();
    let begin = begin.then(|| {
        view! {
            <a class="button quiet" href=address.clone()>
                <span>"Write one"</span>
                <span class="visually-hidden">{format!(" about {}", listed.name)}</span>
            </a>
        }
    });
    view! {
        <li>
            <div class="what">
                <p class="title"><a href=address.clone() dir="auto">{listed.name.clone()}</a></p>
                <p class="facts">{state}</p>
            </div>
            {begin}
        </li>
    }
    .into_any()
}

fn open_follow_ups(open: &[(IncidentId, String, FollowUp)], now: Timestamp) -> Option<impl IntoView + use<>> {
    let rows: Vec<_> = open.iter().map(|(incident, name, it)| open_follow_up(incident, name, it, now)).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section aria-labelledby="promised">
                <h2 id="promised">"Still to do"</h2>
                <ul class="rows">{rows}</ul>
            </section>
        }
    })
}

fn open_follow_up(incident: &IncidentId, name: &str, follow_up: &FollowUp, now: Timestamp) -> AnyView {
    let action = format!("/admin/incidents/{incident}/postmortem/follow-ups/{}", follow_up.id);
    let due = follow_up.due.map(|due| {
        let is_late = due < utc_date(now);
        let words = format!("{}{}", if is_late { "overdue since " } else { "by " }, due.strftime("%-d %b %Y"));
        view! { <span>{if is_late { view! { <strong>{words}</strong> }.into_any() } else { words.into_any() }}</span> }
    });
    view! {
        <li>
            <div class="what">
                <p class="title" dir="auto">{follow_up.text.clone()}</p>
                <p class="facts">
                    <a href=format!("/admin/incidents/{incident}/postmortem") dir="auto">{name.to_owned()}</a>
                    {due}
                </p>
            </div>
            <form method="post" action=action>
                <input type="hidden" name="done" value="1"/>
                <button class="button quiet">
                    <span>"Done"</span>
                    <span class="visually-hidden">{format!(": {}", follow_up.text)}</span>
                </button>
            </form>
        </li>
    }
    .into_any()
}
