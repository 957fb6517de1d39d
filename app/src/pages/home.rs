//! The front page: what is broken, since when, what is being done.

use domain::{
    component::{Component, Section},
    incident::Incident,
    status::{ComponentStatus, overall},
    time::clock,
};
use jiff::Timestamp;
use leptos::prelude::*;

use crate::{
    components::{
        Banner, UNKNOWN, all_components, as_of, banner, component_list, day_list, impact_tone, last_days, names,
        open_incidents, present,
    },
    layout::{Head, public_page},
    site::{Freshness, Site},
};

/// Above so many components, groups in which all is well are folded.
const FOLD_ABOVE: usize = 40;
/// How many days the page looks back on, today included.
pub const DAYS: usize = 14;

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
    /// Incidents that began in the last [`DAYS`] days, over or not, newest first.
    pub past: Vec<Incident>,
}

/// Draws the front page.
pub fn page(model: &Home) -> String {
    let summary = summary(&model.sections, &model.open, model.freshness);
    let is_stale = model.freshness.is_stale();
    let title = if is_stale { String::new() } else { summary.headline.clone() };
    let description = match (is_stale, summary.detail.as_str()) {
        (true, _) => "What works, what does not, and what is being done about it.".to_owned(),
        (false, "") => format!("{} as of {}.", summary.headline, clock(model.freshness.as_of())),
        (false, detail) => format!("{}: {detail}, as of {}.", summary.headline, clock(model.freshness.as_of())),
    };
    let head = Head { live: Some(model.freshness), ..Head::public(&title, &description, "/") };
    public_page(&model.site, head, || {
        view! {
            {banner(summary, as_of(model.freshness, model.now))}
            {open_incidents(&model.open, is_stale, model.now)}
            {components(&model.sections, is_stale)}
            {past_incidents(model)}
        }
    })
}

/// The answer in words; green only if every component works and no incident is open.
pub fn summary(sections: &[Section], open: &[Incident], freshness: Freshness) -> Banner {
    if freshness.is_stale() {
        return Banner {
            tone: UNKNOWN,
            headline: "Current state not known".to_owned(),
            detail: "What you see below is the last we know.".to_owned(),
        };
    }
    let overall = overall(all_components(sections).map(|component| component.status));
    let troubled: Vec<_> =
        all_components(sections).filter(|component| component.status != ComponentStatus::Operational).collect();
    let worst_incident = open.iter().map(Incident::impact).max();
    match (overall.worst, worst_incident) {
        (ComponentStatus::Operational, Some(impact)) => Banner {
            tone: impact_tone(impact),
            headline: match open.len() {
                1 => "We are working on an incident".to_owned(),
                count => format!("We are working on {count} incidents"),
            },
            detail: String::new(),
        },
        (ComponentStatus::Operational, None) if sections.is_empty() => Banner {
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
        <details class="panel" id=format!("group-{}", group.id) open=is_open>
            <summary>
                <h3 class="name" dir="auto">{group.name.clone()}</h3>
                {present(section.status(), is_stale)}
            </summary>
            {list}
        </details>
    }
    .into_any()
}

/// Day by day up to when the page was true: a day that could not be asked about is not one without incidents.
fn past_incidents(model: &Home) -> impl IntoView + use<> {
    let days = last_days(&model.past, model.freshness.as_of(), DAYS);
    view! {
        <section class="past" aria-labelledby="past-incidents">
            <h2 id="past-incidents">"Past incidents"</h2>
            {day_list(days, model.now)}
            <p class="more">
                <a href="/history">"All incidents by month"</a>
            </p>
        </section>
    }
}
