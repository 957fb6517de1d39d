//! What someone wants to hear of: everything, some components, some incidents.

use domain::{
    component::{Component, Section},
    forms::{FieldErrors, FollowsForm},
    ids::IncidentId,
};
use leptos::prelude::*;

use super::field_error;

/// The check boxes `everything`, `incident` and `component`, ticked as `form` says, under a legend for whoever ticks.
///
/// While "everything" is ticked the style sheet hides the components, which would add nothing; a browser too old for
/// `:has()` shows them, and no script is involved.
pub fn follows_fields(
    legend: &'static str,
    form: &FollowsForm,
    sections: &[Section],
    incidents: &[(IncidentId, String)],
    errors: &FieldErrors,
) -> impl IntoView + use<> {
    let error = errors.get("follows");
    let incidents: Vec<_> = incidents
        .iter()
        .map(|(id, name)| {
            check_box(
                "incident",
                id.as_str(),
                name,
                "Every update of this incident",
                form.incidents.contains(id.as_str()),
            )
        })
        .collect();
    let sections: Vec<_> = sections.iter().map(|section| components_of(section, form)).collect();
    let has_components = !sections.is_empty();
    view! {
        <fieldset class="follows" id="follows" tabindex="-1" aria-describedby=error.map(|_| "follows-error")>
            <legend>{legend}</legend>
            {field_error("follows-error".to_owned(), error)}
            {(!incidents.is_empty()).then(|| view! { <div class="checks">{incidents}</div> })}
            <label class="check" for="everything">
                <input type="checkbox" id="everything" name="everything" value="1" checked=form.everything/>
                <span>
                    <span class="name">"Everything"</span>
                    <span class="description">"Every incident, whatever it touches"</span>
                </span>
            </label>
            {has_components
                .then(|| {
                    view! {
                        <p class="hint when-everything">"Untick to choose single components."</p>
                        <div class="choices">{sections}</div>
                    }
                })}
        </fieldset>
    }
}

fn components_of(section: &Section, form: &FollowsForm) -> AnyView {
    let ticked = |component: &Component| form.components.contains(component.id.as_str());
    let boxes: Vec<_> = section
        .components
        .iter()
        .map(|component| {
            check_box("component", component.id.as_str(), &component.name, &component.description, ticked(component))
        })
        .collect();
    let legend = section.group.as_ref().map_or_else(|| "Components".to_owned(), |group| group.name.clone());
    view! {
        <fieldset class="checks">
            <legend dir="auto">{legend}</legend>
            {boxes}
        </fieldset>
    }
    .into_any()
}

fn check_box(field: &'static str, id: &str, name: &str, description: &str, is_ticked: bool) -> impl IntoView + use<> {
    let place = format!("{field}-{id}");
    let description = (!description.is_empty()).then(|| description.to_owned());
    view! {
        <label class="check" for=place.clone()>
            <input type="checkbox" id=place.clone() name=field value=id.to_owned() checked=is_ticked/>
            <span>
                <span class="name" dir="auto">{name.to_owned()}</span>
                {description.map(|text| view! { <span class="description" dir="auto">{text}</span> })}
            </span>
        </label>
    }
}
