//! Components with how they fare.

use domain::{
    component::Component,
    incident::{Affected, ComponentChange},
    status::ComponentStatus,
};
use leptos::prelude::*;

use super::{
    mark,
    status_mark::{UNKNOWN, status_mark},
};

/// Rows of a section. While the present cannot be confirmed, nothing is shown as operational.
pub fn component_list(components: &[Component], is_stale: bool) -> impl IntoView + use<> {
    let rows = components.iter().map(|component| row(component, is_stale)).collect_view();
    view! { <ul class="components">{rows}</ul> }
}

fn row(component: &Component, is_stale: bool) -> impl IntoView + use<> {
    let description = (!component.description.is_empty()).then(|| component.description.clone());
    view! {
        <li>
            <div class="what">
                <div class="name" dir="auto">
                    <a href=format!("/components/{}", component.id)>{component.name.clone()}</a>
                </div>
                {description.map(|text| view! { <div class="description" dir="auto">{text}</div> })}
            </div>
            {present(component.status, is_stale)}
        </li>
    }
}

/// What may be said of the present: good news only while it is known.
pub fn present(status: ComponentStatus, is_stale: bool) -> impl IntoView {
    let is_unknown = is_stale && status == ComponentStatus::Operational;
    is_unknown.then(unconfirmed).map_or_else(|| status_mark(status).into_any(), IntoAny::into_any)
}

fn unconfirmed() -> impl IntoView {
    view! {
        <span class="status" data-status=UNKNOWN>
            {mark(UNKNOWN)}
            <span>"Not confirmed"</span>
        </span>
    }
}

/// What an incident says of its components at the moment.
pub fn standing_list(affected: Vec<Affected>, is_stale: bool) -> impl IntoView {
    let rows = affected.into_iter().map(move |affected| {
        view! {
            <li>
                <span class="name" dir="auto">{affected.name}</span>
                {present(affected.status, is_stale)}
            </li>
        }
    });
    view! { <ul class="standings">{rows.collect_view()}</ul> }
}

/// What an update changed: `API ■ Major outage → ● Operational`.
pub fn changes(changes: Vec<ComponentChange>) -> impl IntoView {
    let rows = changes.into_iter().map(|change| {
        let before = (change.old != change.new).then(|| status_mark(change.old));
        let arrow = before.is_some().then(|| view! { <span class="arrow" role="img" aria-label="became">"→"</span> });
        view! {
            <li>
                <span class="name" dir="auto">{change.name}</span>
                {before}
                <span class="after">
                    {arrow}
                    {status_mark(change.new)}
                </span>
            </li>
        }
    });
    view! { <ul class="changes">{rows.collect_view()}</ul> }
}
