//! The form of an update, as both the page of a new incident and that of a known one hold it.

use std::collections::BTreeSet;

use domain::{
    component::{Component, Section},
    forms::{FieldErrors, PROMISES, UpdateForm},
    ids::ComponentId,
    status::IncidentStatus,
};
use leptos::prelude::*;

use super::{
    aids::keeper,
    fields::{Field, option, radio, status_options},
    review::{Review, review},
};
use crate::{
    components::sentence,
    islands::{AudienceCount, MarkdownPreview},
};

/// How to write an update.
const HELP: &str = "Markdown: **bold**, `code`, [words](https://…), lists and tables. A time in any zone: \
                    {time 2024-02-05 18:12 +08:00}, {time 2024-02-05 04:12 America/Chicago}. \
                    A backslash keeps what follows as typed: \\{time …}, \\*.";

/// The fields of an update and their labels in their order, for the summary of what is wrong.
pub(super) const FIELDS: [(&str, &str); 7] = [
    ("status", "Status"),
    ("body", "What do readers need to know?"),
    ("components", "Affected components"),
    ("next_update", "Next update by"),
    ("next_update_at", "Time of the next update"),
    ("display_at", "When was this true?"),
    ("notify", "Who is mailed?"),
];

/// What the fields need.
pub(super) struct UpdateFields<'a> {
    /// As typed.
    pub(super) form: &'a UpdateForm,
    /// What is wrong with it.
    pub(super) errors: &'a FieldErrors,
    /// All components.
    pub(super) sections: &'a [Section],
    /// Those that the incident has listed already; `None` for an incident that is not there yet.
    pub(super) affected: Option<BTreeSet<ComponentId>>,
    /// The incident's id, or nothing.
    pub(super) incident: &'a str,
    /// How many people would be mailed.
    pub(super) recipients: i64,
    /// When they would all have it; may be empty.
    pub(super) finish: &'a str,
    /// What a review found, if one was asked for.
    pub(super) review: Option<&'a Review>,
    /// The words on the button that publishes.
    pub(super) publish: &'static str,
}

impl UpdateFields<'_> {
    /// Draws them all, buttons included.
    pub(super) fn draw(self) -> AnyView {
        let review = self.review.map(|found| review(found, self.form));
        let display_at = Field {
            name: "display_at",
            label: "When was this true?",
            hint: "Empty means now. Any time zone: 2024-02-05 04:12 America/Chicago",
            errors: self.errors,
        };
        view! {
            <input type="hidden" name="key" value=self.form.key.clone()/>
            <input type="hidden" name="seen" value=self.form.seen.clone()/>
            {self.status()}
            {self.body()}
            {self.components()}
            {self.promise()}
            {display_at.line(&self.form.display_at, false)}
            {self.notify()}
            {review}
            {keeper(self.form, self.incident)}
            // The first button is what Enter in a field presses, so it must not be the one that publishes.
            <div class="actions">
                <button class="button quiet" name="intent" value="review">"Review"</button>
                <button class="button" name="intent" value="publish">{self.publish}</button>
                <button class="button quiet save-draft" name="intent" value="draft" formnovalidate>"Save draft"</button>
            </div>
        }
        .into_any()
    }

    fn status(&self) -> AnyView {
        let choices: Vec<_> = IncidentStatus::POSTABLE
            .iter()
            .map(|status| {
                let is_chosen = self.form.status == status.as_str();
                radio("status", status.as_str(), is_chosen, view! { <span>{status.label()}</span> })
            })
            .collect();
        Field { name: "status", label: "Status", hint: "", errors: self.errors }.group("in-a-row", choices)
    }

    fn body(&self) -> AnyView {
        view! {
            <MarkdownPreview
                name="body".to_owned()
                label="What do readers need to know?".to_owned()
                value=self.form.body.clone()
                hint=HELP.to_owned()
                error=self.errors.get("body").map(sentence)
                is_optional=false
                is_document=false
            />
        }
        .into_any()
    }

    fn components(&self) -> AnyView {
        if self.sections.is_empty() {
            return view! {
                <p class="nothing">
                    <span>"There are no components to name yet. "</span>
                    <a href="/admin/components/new">"Add your first component"</a>
                </p>
            }
            .into_any();
        }
        let is_listed = |component: &Component| self.affected.as_ref().is_none_or(|ids| ids.contains(&component.id));
        let (listed, others): (Vec<_>, Vec<_>) =
            named(self.sections).into_iter().partition(|(component, _)| is_listed(component));
        let is_one_chosen = others.iter().any(|(component, _)| !self.chosen(component).is_empty());
        let count = others.len();
        let listed: Vec<_> = listed
            .into_iter()
            .map(|(component, name)| component_row(component, name, self.chosen(component)))
            .collect();
        let others: Vec<_> = others
            .into_iter()
            .map(|(component, name)| component_row(component, name, self.chosen(component)))
            .collect();
        let others = (count > 0).then(|| {
            view! {
                <details open=is_one_chosen>
                    <summary>{format!("Add a component ({count})")}</summary>
                    <ul class="component-choices">{others}</ul>
                </details>
            }
        });
        let field = Field {
            name: "components",
            label: "Affected components",
            hint: "Those you list change on the page when you publish, and whoever follows them is told until the end.",
            errors: self.errors,
        };
        let controls = view! {
            {(!listed.is_empty()).then(|| view! { <ul class="component-choices">{listed}</ul> })}
            {others}
            {self.restore()}
        };
        field.group("affected", controls)
    }

    fn chosen(&self, component: &Component) -> &str {
        self.form.components.get(component.id.as_str()).map_or("", String::as_str)
    }

    fn restore(&self) -> impl IntoView + use<> {
        view! {
            <label class="check restore" for="restore">
                <input type="checkbox" id="restore" name="restore" value="1" checked=self.form.restore/>
                <span>
                    <span class="name">"Put the affected components back to operational"</span>
                    <span class="description">"When the status is Resolved, whatever is chosen above"</span>
                </span>
            </label>
        }
    }

    fn promise(&self) -> AnyView {
        let chosen = self.form.next_update.as_str();
        let minutes = PROMISES.iter().map(|minutes| {
            let label =
                if *minutes < 120 { format!("In {minutes} minutes") } else { format!("In {} hours", minutes / 60) };
            option(&minutes.to_string(), &label, chosen)
        });
        let options = std::iter::once(option("", "No promise", chosen)).chain(minutes);
        let options = options.chain([option("at", "At the time given", chosen)]).collect();
        let by = Field {
            name: "next_update",
            label: "Next update by",
            hint: "Shown on the page until it comes. Not once it is resolved",
            errors: self.errors,
        };
        let at = Field {
            name: "next_update_at",
            label: "Time of the next update",
            hint: "Any time zone: 15:30, 15:30 Europe/Paris, 2024-02-05 04:12 America/Chicago",
            errors: self.errors,
        };
        view! { <div class="pair">{by.select(options)} {at.line(&self.form.next_update_at, false)}</div> }.into_any()
    }

    fn notify(&self) -> AnyView {
        let mail = view! {
            <AudienceCount incident=self.incident.to_owned() recipients=self.recipients finish=self.finish.to_owned()/>
        };
        let silent = view! {
            <span>
                <span class="name">"Don’t mail anyone"</span>
                <span class="description">"It still appears on the page and in the feeds"</span>
            </span>
        };
        let choices = view! {
            {radio("notify", "yes", self.form.notify == "yes", mail)}
            {radio("notify", "no", self.form.notify == "no", silent)}
        };
        Field { name: "notify", label: "Who is mailed?", hint: "", errors: self.errors }.group("choices", choices)
    }
}

/// Every component with its full name, in the page's order.
pub(super) fn named(sections: &[Section]) -> Vec<(&Component, String)> {
    let name = |section: &Section, component: &Component| match &section.group {
        Some(group) => format!("{} - {}", group.name, component.name),
        None => component.name.clone(),
    };
    let rows = sections.iter().map(|section| (section, &section.components));
    rows.flat_map(|(section, components)| components.iter().map(move |one| (one, name(section, one)))).collect()
}

/// A component and the status it is to have.
pub(super) fn component_row(component: &Component, name: String, chosen: &str) -> AnyView {
    let field = format!("component.{}", component.id);
    view! {
        <li>
            <label for=field.clone() dir="auto">{name}</label>
            <select id=field.clone() name=field>
                {option("", "Not listed", chosen)}
                {status_options(chosen)}
            </select>
        </li>
    }
    .into_any()
}
