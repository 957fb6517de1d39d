//! All incidents.

use domain::incident::Incident;
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    incident::promised,
    shell::{Console, document},
};
use crate::components::{duration, impact_mark, timestamp};

/// What the list of incidents shows.
#[derive(Clone, Debug)]
pub struct Incidents {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// Newest first.
    pub incidents: Vec<Incident>,
}

/// Draws the page.
pub fn page(model: &Incidents) -> String {
    let (open, over): (Vec<_>, Vec<_>) = model.incidents.iter().partition(|incident| is_open(incident));
    document(&model.console, "Incidents", || {
        let nothing = view! {
            <p class="nothing">
                "Nothing was ever reported. When something breaks, report it here: the page, the feeds and the mails follow."
            </p>
        };
        view! {
            <div class="title-row">
                <h1>"Incidents"</h1>
                <a class="button" href="/admin/incidents/new">"Report an incident"</a>
            </div>
            {model.incidents.is_empty().then_some(nothing)}
            {list("Open", &open, model.now)}
            {list("Over", &over, model.now)}
        }
    })
}

fn is_open(incident: &Incident) -> bool {
    incident.standing().is_some_and(|standing| !standing.status.is_over())
}

fn list(title: &'static str, incidents: &[&Incident], now: Timestamp) -> Option<impl IntoView + use<>> {
    let rows: Vec<_> = incidents.iter().map(|incident| row(incident, now)).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section>
                <h2>{title}</h2>
                <ul class="rows">{rows}</ul>
            </section>
        }
    })
}

/// An incident in a list: open ones with the button for the next word.
pub(super) fn row(incident: &Incident, now: Timestamp) -> AnyView {
    let address = format!("/admin/incidents/{}", incident.id);
    let standing = incident.standing();
    let facts = standing.map(|standing| {
        view! {
            <span>{standing.status.label()}</span>
            <span class="since">
                <span>"since "</span>
                {timestamp(standing.started_at, now)}
            </span>
            <span>{duration(standing.started_at, standing.resolved_at, now)}</span>
        }
    });
    let post = is_open(incident).then(|| {
        view! {
            <a class="button quiet" href=format!("{address}#post")>
                <span>"Post update"</span>
                <span class="visually-hidden">{format!(" on {}", incident.name)}</span>
            </a>
        }
    });
    view! {
        <li>
            <div class="what">
                <p class="title"><a href=address dir="auto">{incident.name.clone()}</a></p>
                <p class="facts">
                    {impact_mark(incident.impact())}
                    {facts}
                </p>
                {incident.promised().map(|at| promised(at, now))}
            </div>
            {post}
        </li>
    }
    .into_any()
}
