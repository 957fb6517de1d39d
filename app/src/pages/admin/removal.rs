//! Asking before something published is taken back.

use domain::{
    component::Component,
    incident::{Incident, Update},
    removal::Removal,
    status::IncidentStatus,
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::shell::{Console, document};
use crate::components::{prose, timestamp};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct RemovalPage {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// The incident.
    pub incident: Incident,
    /// The one update that is to go; `None` for all of them.
    pub update: Option<Update>,
    /// What removing comes to.
    pub removal: Removal,
    /// All components, for their names.
    pub components: Vec<Component>,
    /// How many people have not been mailed yet what is to go.
    pub waiting: i64,
    /// Whether they are mailed the update before it instead.
    pub goes_on: bool,
    /// Where the question is answered.
    pub action: String,
}

/// Draws the page.
pub fn page(model: &RemovalPage) -> String {
    let incident = &model.incident;
    let title = if model.update.is_some() { "Remove this update?" } else { "Remove this incident?" };
    let address = format!("/admin/incidents/{}", incident.id);
    document(&model.console, title, || {
        let update = model.update.as_ref().map(|update| {
            view! {
                <div class="as-published">
                    <p class="what">
                        <strong>{update.status.label()}</strong>
                        {timestamp(update.display_at, model.now)}
                    </p>
                    {prose(&update.body, "going")}
                </div>
            }
        });
        let consequences: Vec<_> = consequences(model).into_iter().map(|words| view! { <li>{words}</li> }).collect();
        // Nothing comes in its place by itself, but somebody may write it.
        let is_untold = model.update.is_some() && model.waiting > 0 && !model.goes_on;
        let instead = is_untold.then(|| {
            view! {
                <li>
                    <span>"Should they hear something? "</span>
                    <a href=format!("{address}?notify=yes#post")>"Post an update instead"</a>
                    <span>": it is mailed in place of this one."</span>
                </li>
            }
        });
        view! {
            <p class="back"><a href=address.clone() dir="auto">{incident.name.clone()}</a></p>
            <h1>{title}</h1>
            {update}
            <ul class="consequences-list">{consequences} {instead}</ul>
            <form method="post" action=model.action.clone()>
                <div class="actions">
                    <button class="button danger">"Remove"</button>
                    <a class="button quiet" href=address.clone()>"Keep it"</a>
                </div>
            </form>
        }
    })
}

/// What happens, in the order in which it matters.
fn consequences(model: &RemovalPage) -> Vec<String> {
    let removal = &model.removal;
    let taken_back = removal.taken_back.len();
    let mut words = Vec::new();
    if model.update.is_some() && removal.left.as_ref().is_none_or(Incident::is_removed) {
        words.push("It is all that was said of this incident: the incident goes with it.".to_owned());
    }
    if taken_back > 0 {
        let what = if taken_back == 1 { "One update was" } else { "Updates were" };
        words.push(format!(
            "{what} mailed: the page and the feeds will say “{}” in its place. What it said stays in the console.",
            domain::incident::REMOVED
        ));
    }
    match &removal.deleted[..] {
        [] => {}
        [update] if update.status == IncidentStatus::Postmortem => {
            words.push("Nobody was mailed it: it disappears wholly and is a draft again.".to_owned());
        }
        [_] if taken_back == 0 => words.push(
            "Nobody was mailed it: it disappears wholly. What it said is kept as your draft, unless you have one there."
                .to_owned(),
        ),
        _ => words.push("What nobody was mailed disappears wholly and cannot be brought back.".to_owned()),
    }
    let people = crate::islands::people(model.waiting);
    match (model.waiting, model.goes_on) {
        // They are not counted yet.
        (0, true) => words.push("Its mails stop. Whoever was not told before gets the update before it instead.".to_owned()),
        (0, false) => {}
        (_, true) => words.push(format!(
            "Its mails stop: {people} have not got it yet. Whoever of them was not told before gets the update before it \
             instead."
        )),
        (_, false) => words.push(format!("Its mails stop: {people} have not got it yet and never will.")),
    }
    if let Some(left) = removal.left.as_ref().filter(|left| !left.is_removed()) {
        let standing = |incident: &Incident| incident.standing().map(|standing| standing.status);
        if let (Some(before), Some(after)) = (standing(&model.incident), standing(left))
            && before != after
        {
            words.push(format!(
                "The incident is {} again, not {}.",
                after.label().to_lowercase(),
                before.label().to_lowercase()
            ));
        }
    }
    for component in &model.components {
        if let Some(status) = removal.statuses.get(&component.id) {
            words.push(format!("{}: {} → {}", component.name, component.status.label(), status.label()));
        }
    }
    words
}
