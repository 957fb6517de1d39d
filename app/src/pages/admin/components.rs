//! All components and groups.

use domain::component::{Component, Group, Section};
use leptos::prelude::*;

use super::shell::{Console, document};
use crate::components::status_mark;

/// What the list of components shows.
#[derive(Clone, Debug)]
pub struct Components {
    /// The frame.
    pub console: Console,
    /// The page's order.
    pub sections: Vec<Section>,
    /// Every group, those without components too.
    pub all_groups: Vec<Group>,
}

/// Draws the page.
pub fn page(model: &Components) -> String {
    let filled = |group: &&Group| model.sections.iter().any(|section| section.group.as_ref() == Some(*group));
    let empty: Vec<_> = model.all_groups.iter().filter(|group| !filled(group)).collect();
    document(&model.console, "Components", || {
        view! {
            <div class="title-row">
                <h1>"Components"</h1>
                <div class="actions">
                    <a class="button quiet" href="/admin/groups/new">"Add a group"</a>
                    <a class="button" href="/admin/components/new">"Add a component"</a>
                </div>
            </div>
            {model.sections.is_empty().then(nothing)}
            {model.sections.iter().map(section).collect_view()}
            {empty.into_iter().map(empty_group).collect_view()}
        }
    })
}

fn nothing() -> impl IntoView {
    view! {
        <div class="box first">
            <p>
                "There are no components yet. Add the parts of your service that customers know by name: an API, a website, a dashboard."
            </p>
            <p><a class="button" href="/admin/components/new">"Add your first component"</a></p>
        </div>
    }
}

fn section(section: &Section) -> impl IntoView + use<> {
    let rows: Vec<_> = section.components.iter().map(row).collect();
    view! {
        <section>
            {section.group.as_ref().map(group_title)}
            <ul class="rows">{rows}</ul>
        </section>
    }
}

fn empty_group(group: &Group) -> impl IntoView + use<> {
    view! {
        <section>
            {group_title(group)}
            <p class="nothing">"Nothing in this group yet, so the page does not show it."</p>
        </section>
    }
}

fn group_title(group: &Group) -> impl IntoView + use<> {
    view! {
        <div class="title-row">
            <h2 dir="auto">{group.name.clone()}</h2>
            {edit(format!("/admin/groups/{}", group.id), &group.name)}
        </div>
    }
}

fn row(component: &Component) -> impl IntoView + use<> {
    let description = (!component.description.is_empty()).then(|| component.description.clone());
    view! {
        <li>
            <div class="what">
                <p class="title" dir="auto">{component.name.clone()}</p>
                {description.map(|text| view! { <p class="hint" dir="auto">{text}</p> })}
            </div>
            {status_mark(component.status)}
            {edit(format!("/admin/components/{}", component.id), &component.name)}
        </li>
    }
}

fn edit(address: String, name: &str) -> impl IntoView + use<> {
    view! {
        <a href=address>
            <span>"Edit"</span>
            <span class="visually-hidden">{format!(" {name}")}</span>
        </a>
    }
}
