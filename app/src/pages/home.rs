//! The front page: what is broken, since when, what is being done.

use domain::{
    component::{Component, Section},
    incident::{Incident, Update},
    markdown,
    status::{ComponentStatus, overall},
    time::{clock, long_date, utc_date},
};
use jiff::Timestamp;
use leptos::prelude::*;

use crate::{
    components::{
        Banner, UNKNOWN, all_components, banner, component_list, duration, impact_mark, impact_tone, names, present,
        prose, standing_list, timestamp,
    },
    layout::{Head, public_page},
    site::{Freshness, Site},
};

/// Above so many components, groups in which all is well are folded.
const FOLD_ABOVE: usize = 40;
/// Longer updates are cut on this page, and read on the incident's own.
const LONG_UPDATE: usize = 1_200;

/// What the front page shows.
#[derive(Clone, Debug)]
pub struct Home {
    /// The page itself.
    pub site: Site,
    /// When this was true, and whether it can be confirmed.
    pub freshness: Freshness,
    /// The present moment.
    pub now: Timestamp,
    /// All components, in the page's order.
    pub sections: Vec<Section>,
    /// Incidents that are not over, newest first.
    pub open: Vec<Incident>,
    /// Incidents that are over, newest first.
    pub past: Vec<Incident>,
}

/// Draws the front page.
pub fn page(model: &Home) -> String {
    let summary = summary(model);
    let is_stale = matches!(model.freshness, Freshness::Stale(_));
    let title = if is_stale { String::new() } else { summary.headline.clone() };
    let description = match (is_stale, summary.detail.as_str()) {
        (true, _) => "What works, what does not, and what is being done about it.".to_owned(),
        (false, "") => format!("{} as of {}.", summary.headline, clock(model.freshness.as_of())),
        (false, detail) => format!("{}: {detail}, as of {}.", summary.headline, clock(model.freshness.as_of())),
    };
    public_page(&model.site, Head::public(&title, &description, "/"), || {
        view! {
            {banner(summary, as_of(model, is_stale))}
            {open_incidents(model)}
            {components(&model.sections, is_stale)}
            {past_incidents(model)}
        }
    })
}

/// The answer in words; green only if every component works and no incident is open.
fn summary(model: &Home) -> Banner {
    if matches!(model.freshness, Freshness::Stale(_)) {
        return Banner {
            tone: UNKNOWN,
            headline: "Current state not known".to_owned(),
            detail: "What you see below is the last we know.".to_owned(),
        };
    }
    let overall = overall(all_components(&model.sections).map(|component| component.status));
    let troubled: Vec<_> =
        all_components(&model.sections).filter(|component| component.status != ComponentStatus::Operational).collect();
    let worst_incident = model.open.iter().map(Incident::impact).max();
    match (overall.worst, worst_incident) {
        (ComponentStatus::Operational, Some(impact)) => Banner {
            tone: impact_tone(impact),
            headline: match model.open.len() {
                1 => "We are working on an incident".to_owned(),
                count => format!("We are working on {count} incidents"),
            },
            detail: String::new(),
        },
        (ComponentStatus::Operational, None) if model.sections.is_empty() => Banner {
            tone: UNKNOWN,
            headline: "Nothing is listed here yet".to_owned(),
            detail: "This page is being set up.".to_owned(),
        },
        (worst, _) => {
            Banner { tone: worst.as_str(), headline: overall.headline.to_owned(), detail: affected(worst, &troubled) }
        }
    }
}

/// `API and Webhooks are affected`, the worst first.
fn affected(worst: ComponentStatus, troubled: &[&Component]) -> String {
    let mut troubled = troubled.to_vec();
    troubled.sort_by_key(|component| std::cmp::Reverse(component.status));
    let list: Vec<_> = troubled.iter().map(|component| component.name.clone()).collect();
    match (list.len(), worst) {
        (0, _) => String::new(),
        (_, ComponentStatus::UnderMaintenance) => format!("Planned work on {}", names(&list)),
        (1, _) => format!("{} is affected", names(&list)),
        _ => format!("{} are affected", names(&list)),
    }
}

fn as_of(model: &Home, is_stale: bool) -> impl IntoView + use<> {
    let at = timestamp(model.freshness.as_of(), model.now);
    let warning = is_stale.then(|| view! { <span>"; we cannot confirm the present state right now"</span> });
    view! {
        <p class="as-of">
            <span>"As of "</span>
            {at}
            {warning}
        </p>
    }
}

fn open_incidents(model: &Home) -> Option<impl IntoView + use<>> {
    let cards: Vec<_> = model.open.iter().filter_map(|incident| card(incident, model)).collect();
    (!cards.is_empty()).then(|| {
        view! {
            <section class="open" aria-labelledby="open-incidents">
                <h2 id="open-incidents">"Open incidents"</h2>
                {cards}
            </section>
        }
    })
}

fn card(incident: &Incident, model: &Home) -> Option<impl IntoView + use<>> {
    let (standing, newest) = (incident.standing()?, incident.updates.first()?);
    let now = model.now;
    let is_stale = matches!(model.freshness, Freshness::Stale(_));
    let affected = incident.affected();
    let address = format!("/incidents/{}", incident.id);
    Some(view! {
        <article class="card" data-status=impact_tone(incident.impact())>
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

fn components(sections: &[Section], is_stale: bool) -> Option<impl IntoView + use<>> {
    let is_long = all_components(sections).count() > FOLD_ABOVE;
    let parts: Vec<_> = sections.iter().map(|section| part(section, is_long, is_stale)).collect();
    (!parts.is_empty()).then(|| {
        view! {
            <section aria-labelledby="components">
                <h2 id="components">"Components"</h2>
                {parts}
            </section>
        }
    })
}

fn part(section: &Section, is_long: bool, is_stale: bool) -> AnyView {
    let list = component_list(&section.components, is_stale);
    let Some(group) = &section.group else {
        return view! { <div class="panel">{list}</div> }.into_any();
    };
    let is_open = !is_long || section.status() != ComponentStatus::Operational;
    view! {
        <details class="panel" open=is_open>
            <summary>
                <h3 class="name" dir="auto">{group.name.clone()}</h3>
                {present(section.status(), is_stale)}
            </summary>
            {list}
        </details>
    }
    .into_any()
}

fn past_incidents(model: &Home) -> impl IntoView + use<> {
    let ended: Vec<_> = model.past.iter().filter_map(|incident| Some((incident.standing()?, incident))).collect();
    let days: Vec<_> = ended
        .chunk_by(|(a, _), (b, _)| utc_date(a.started_at) == utc_date(b.started_at))
        .filter_map(|day| {
            let date = utc_date(day.first()?.0.started_at);
            let entries: Vec<_> = day.iter().filter_map(|(_, incident)| past_incident(incident, model.now)).collect();
            Some(view! {
                <li class="day">
                    <h3>
                        <time datetime=date.to_string()>{long_date(date)}</time>
                    </h3>
                    <ul>{entries}</ul>
                </li>
            })
        })
        .collect();
    let none = if model.open.is_empty() {
        "No incidents have been reported."
    } else {
        "No earlier incidents have been reported."
    };
    let content = if days.is_empty() {
        view! { <p class="none">{none}</p> }.into_any()
    } else {
        view! { <ol class="days">{days}</ol> }.into_any()
    };
    view! {
        <section class="past" aria-labelledby="past-incidents">
            <h2 id="past-incidents">"Past incidents"</h2>
            {content}
        </section>
    }
}

fn past_incident(incident: &Incident, now: Timestamp) -> Option<impl IntoView + use<>> {
    let (standing, newest) = (incident.standing()?, incident.updates.first()?);
    let excerpt = markdown::excerpt(&newest.body, 200);
    Some(view! {
        <li>
            <h4 dir="auto">
                <a href=format!("/incidents/{}", incident.id)>{incident.name.clone()}</a>
            </h4>
            <p class="facts">
                {impact_mark(incident.impact())}
                <span>{duration(standing.started_at, standing.resolved_at, now)}</span>
            </p>
            {(!excerpt.is_empty()).then(|| view! { <p class="excerpt" dir="auto">{excerpt}</p> })}
        </li>
    })
}
