//! One component: how it fares, what is open, what was.

use domain::{
    component::{Component, Group},
    incident::Incident,
    status::ComponentStatus,
};
use jiff::Timestamp;
use leptos::prelude::*;

use crate::{
    components::{Banner, UNKNOWN, as_of, banner, day_list, days_of, impact_tone, open_incidents},
    layout::{Head, public_page},
    site::{Freshness, Site},
};

/// How many months the page looks back on, the present one included.
pub const MONTHS: usize = 12;

/// What a component's page shows.
#[derive(Clone, Debug)]
pub struct ComponentPage {
    /// The page itself.
    pub site: Site,
    /// When this was true, and whether it can be confirmed.
    pub freshness: Freshness,
    /// The present moment.
    pub now: Timestamp,
    /// The component.
    pub component: Component,
    /// The group it stands in.
    pub group: Option<Group>,
    /// Incidents that list it and are not over, newest first.
    pub open: Vec<Incident>,
    /// Incidents that list it and began in the last [`MONTHS`] months, over or not, newest first.
    pub past: Vec<Incident>,
}

/// Draws a component's page.
pub fn page(model: &ComponentPage) -> String {
    let component = &model.component;
    let address = format!("/components/{}", component.id);
    let is_stale = model.freshness.is_stale();
    let description = match (is_stale, component.description.as_str()) {
        (true, "") => format!("Whether {} works, and what was reported about it.", component.name),
        (true, said) => said.to_owned(),
        (false, "") => format!("{}: {}.", component.name, component.status.label()),
        (false, said) => format!("{}: {}. {said}", component.name, component.status.label()),
    };
    let feed_title = format!("Updates about {}", component.name);
    let head = Head {
        feed: Some((&feed_title, &address)),
        live: Some(model.freshness),
        ..Head::public(&component.name, &description, &address)
    };
    public_page(&model.site, head, || {
        view! {
            {banner(summary(model), as_of(model.freshness, model.now))}
            {about(model)}
            {open_incidents(&model.open, is_stale, model.now)}
            {past(model)}
        }
    })
}

/// Green only if it works and no open incident lists it.
fn summary(model: &ComponentPage) -> Banner {
    let component = &model.component;
    let label = component.status.label();
    let worst = model.open.iter().map(Incident::impact).max();
    let (tone, detail) = match (component.status, worst) {
        (ComponentStatus::Operational, _) if model.freshness.is_stale() => (UNKNOWN, "Not confirmed".to_owned()),
        (ComponentStatus::Operational, Some(impact)) => {
            (impact_tone(impact), format!("{label}, with an incident still open"))
        }
        (status, _) => (status.as_str(), label.to_owned()),
    };
    Banner { tone, headline: component.name.clone(), detail }
}

fn about(model: &ComponentPage) -> impl IntoView + use<> {
    let component = &model.component;
    let group = model.group.as_ref().map(|group| group.name.clone());
    let description = (!component.description.is_empty()).then(|| component.description.clone());
    let address = format!("/components/{}", component.id);
    view! {
        <section class="about" aria-label="About">
            {group
                .map(|name| {
                    view! {
                        <p class="description">
                            <span>"Part of "</span>
                            <span dir="auto">{name}</span>
                        </p>
                    }
                })}
            {description.map(|text| view! { <p class="lead" dir="auto">{text}</p> })}
            <ul class="actions">
                <li>
                    <a class="button" href=format!("/subscribe?component={}", component.id)>"Subscribe by mail"</a>
                </li>
                <li><a href=format!("{address}.atom")>"Atom"</a></li>
                <li><a href=format!("{address}.rss")>"RSS"</a></li>
                <li><a href=format!("{address}.json")>"JSON"</a></li>
            </ul>
        </section>
    }
}

fn past(model: &ComponentPage) -> impl IntoView + use<> {
    let list = if model.past.is_empty() {
        view! { <p class="none">"Nothing reported"</p> }.into_any()
    } else {
        day_list(days_of(&model.past), model.now).into_any()
    };
    view! {
        <section class="past" aria-labelledby="past-incidents">
            <h2 id="past-incidents">"Past twelve months"</h2>
            {list}
            <p class="more">
                <a href="/history">"All incidents by month"</a>
            </p>
        </section>
    }
}
