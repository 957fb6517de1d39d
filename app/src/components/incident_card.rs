//! Incidents that are not over, each as a card with its newest word.

use domain::{
    incident::{Incident, Update},
    markdown,
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{impact_mark, impact_tone, promise, prose, standing_list, timestamp};

/// Longer updates are cut in a card, and read on the incident's own page.
const LONG_UPDATE: usize = 1_200;

/// The section of the open incidents, unless there are none.
pub fn open_incidents(open: &[Incident], is_stale: bool, now: Timestamp) -> Option<impl IntoView + use<>> {
    let cards: Vec<_> = open.iter().filter_map(|incident| card(incident, is_stale, now)).collect();
    (!cards.is_empty()).then(|| {
        view! {
            <section class="open" aria-labelledby="open-incidents">
                <h2 id="open-incidents">"Open incidents"</h2>
                {cards}
            </section>
        }
    })
}

fn card(incident: &Incident, is_stale: bool, now: Timestamp) -> Option<impl IntoView + use<>> {
    let (standing, newest) = (incident.standing()?, incident.newest()?);
    let affected = incident.affected();
    let address = format!("/incidents/{}", incident.id);
    Some(view! {
        <article class="card" id=format!("incident-{}", incident.id) data-status=impact_tone(incident.impact())>
            <header>
                <h3 dir="auto">
                    <a href=address.clone()>{incident.name.clone()}</a>
                </h3>
                <p class="facts">
                    {impact_mark(incident.impact())}
                    <span>
                        <span>"since "</span>
                        {timestamp(standing.started_at, now)}
                    </span>
                </p>
            </header>
            <div class="newest">
                <p class="facts">
                    <strong>{newest.status.label()}</strong>
                    <span>{timestamp(newest.display_at, now)}</span>
                </p>
                {said(newest, &address)}
                {incident.promised().map(|at| promise(at, now))}
            </div>
            {(!affected.is_empty()).then(|| standing_list(affected, is_stale))}
            <p class="more">
                <a href=address.clone()>{all_updates(incident.updates.len())}</a>
            </p>
        </article>
    })
}

fn all_updates(count: usize) -> String {
    match count {
        1 => "Details".to_owned(),
        count => format!("All {count} updates"),
    }
}

/// The newest update, whole unless it is long.
fn said(update: &Update, address: &str) -> AnyView {
    if update.body.len() <= LONG_UPDATE {
        return prose(&update.body, &format!("u-{}", update.id)).into_any();
    }
    let target = format!("{address}#update-{}", update.id);
    view! {
        <div class="prose">
            <p dir="auto">{markdown::excerpt(&update.body, LONG_UPDATE / 2)}</p>
            <p>
                <a href=target>"Read the whole update"</a>
            </p>
        </div>
    }
    .into_any()
}
