//! One update of an incident, as the timeline shows it.

use domain::{
    incident::{Step, Update},
    markdown,
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{changes, timestamp};

/// Markdown as HTML; `id` keeps its footnotes apart from those of other texts on the page.
pub fn prose(source: &str, id: &str) -> impl IntoView + use<> {
    view! { <div class="prose" inner_html=markdown::to_html_in(source, id)></div> }
}

/// An entry with its anchor `#update-ID`. `step` is what this update did to the incident.
pub fn update_entry(update: &Update, step: Step, now: Timestamp) -> impl IntoView + use<> {
    let anchor = format!("update-{}", update.id);
    let title = match step {
        _ if !update.is_kept() => "Removed".to_owned(),
        Step::Reopened => format!("Reopened: {}", update.status.label().to_lowercase()),
        _ => update.status.label().to_owned(),
    };
    let changed = update.removed_at.map(|at| ("removed ", at)).or(update.edited_at.map(|at| ("edited ", at)));
    let listed = update.components.clone();
    view! {
        <li class="update" id=anchor.clone() data-removed=(!update.is_kept()).then_some("")>
            <div class="when">
                <h2>{title}</h2>
                <a class="permalink" href=format!("#{anchor}")>{timestamp(update.display_at, now)}</a>
                {changed
                    .map(|(what, at)| {
                        view! {
                            <p class="edited">
                                <span>{what}</span>
                                {timestamp(at, now)}
                            </p>
                        }
                    })}
            </div>
            <div class="said">
                {prose(&update.body, &format!("u-{}", update.id))}
                {(!listed.is_empty()).then(|| changes(listed))}
            </div>
        </li>
    }
}
