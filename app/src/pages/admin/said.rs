//! What was said of an incident, as its authors need it: when it was written, who was mailed, what it said before.

use std::collections::BTreeMap;

use domain::{
    ids::UpdateId,
    incident::{Incident, Update},
    status::IncidentStatus,
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::fields::danger;
use crate::{
    components::{changes, prose, timestamp},
    islands::people,
};

/// A text that was replaced.
#[derive(Clone, Debug)]
pub struct FormerText {
    /// The update that said it.
    pub update: UpdateId,
    /// Markdown.
    pub body: String,
    /// Who replaced it.
    pub author: String,
    /// When.
    pub replaced_at: Timestamp,
}

/// The newest update was mailed and says something else since: whom a correction would reach.
#[derive(Clone, Debug)]
pub struct Correction {
    /// How many people.
    pub recipients: i64,
    /// "done about 13:57 UTC", or why nothing goes out for now.
    pub finish: String,
}

/// Draws the timeline. `former` holds the replaced texts of all its updates, the last replaced first.
pub(super) fn said(
    incident: &Incident,
    former: &[FormerText],
    authors: &BTreeMap<UpdateId, String>,
    correction: Option<&Correction>,
    now: Timestamp,
) -> impl IntoView + use<> {
    let newest = incident.newest().map(|newest| newest.id.clone());
    let entries: Vec<_> = incident
        .updates
        .iter()
        .map(|update| {
            let former: Vec<_> = former.iter().filter(|text| text.update == update.id).collect();
            let correction = correction.filter(|_| newest.as_ref() == Some(&update.id));
            entry(incident, update, authors.get(&update.id), &former, correction, now)
        })
        .collect();
    view! {
        <section aria-labelledby="said">
            <h2 id="said">"What was said"</h2>
            <ol class="timeline">{entries}</ol>
        </section>
    }
}

fn entry(
    incident: &Incident,
    update: &Update,
    author: Option<&String>,
    former: &[&FormerText],
    correction: Option<&Correction>,
    now: Timestamp,
) -> AnyView {
    let address = format!("/admin/incidents/{}/updates/{}", incident.id, update.id);
    let listed = update.components.clone();
    let edit = match update.status {
        // Edited as a whole, with its figures.
        IncidentStatus::Postmortem => format!("/admin/incidents/{}/postmortem", incident.id),
        _ => address.clone(),
    };
    let actions = update.is_kept().then(|| {
        let what = format!(" the update of {}", domain::time::short(update.display_at, now));
        view! {
            <p class="entry-actions">
                <a href=edit>"Edit"<span class="visually-hidden">{what.clone()}</span></a>
                <a href=format!("{address}/remove")>"Remove"<span class="visually-hidden">{what}</span></a>
            </p>
        }
    });
    let correction = correction.map(|correction| {
        let consequence = format!(
            "{} get this update once more with the text it has now, marked as a correction, {}.",
            people(correction.recipients),
            correction.finish
        );
        danger("Mail a correction", consequence, format!("{address}/correct"), "Mail the correction")
    });
    view! {
        <li data-removed=(!update.is_kept()).then_some("")>
            <div class="when">
                <h3>{if update.is_kept() { update.status.label() } else { "Removed" }}</h3>
                <p>{timestamp(update.display_at, now)}</p>
                {dates(update, now)}
                {author.cloned().map(|author| view! { <p class="hint" dir="auto">{format!("by {author}")}</p> })}
                <p class="hint">{if update.notify { "Mailed" } else { "Not mailed" }}</p>
            </div>
            <div class="said">
                {prose(&update.body, &format!("u-{}", update.id))}
                {(!listed.is_empty()).then(|| changes(listed))}
                {actions}
                {correction}
                {former_texts(former, now)}
            </div>
        </li>
    }
    .into_any()
}

/// When it was written, if that was not when it was true; when it was edited or removed; what it promised.
fn dates(update: &Update, now: Timestamp) -> Vec<AnyView> {
    let is_backdated = update.created_at.duration_since(update.display_at).as_mins() > 0;
    let dates = [
        ("written ", is_backdated.then_some(update.created_at)),
        ("edited ", update.edited_at),
        ("removed ", update.removed_at),
        ("next update promised by ", update.next_update_by),
    ];
    let dates = dates.into_iter().filter_map(|(what, at)| Some((what, at?)));
    dates
        .map(|(what, at)| {
            view! {
                <p class="hint">
                    <span>{what}</span>
                    {timestamp(at, now)}
                </p>
            }
            .into_any()
        })
        .collect()
}

/// What an update said before, the last replaced first.
pub(super) fn former_texts(former: &[&FormerText], now: Timestamp) -> Option<impl IntoView + use<>> {
    let texts: Vec<_> = former
        .iter()
        .enumerate()
        .map(|(place, text)| {
            view! {
                <li>
                    <p class="hint">
                        <span>"Until "</span>
                        {timestamp(text.replaced_at, now)}
                        <span dir="auto">{format!(", replaced by {}", text.author)}</span>
                    </p>
                    {prose(&text.body, &format!("f-{}-{place}", text.update))}
                </li>
            }
        })
        .collect();
    let title = match texts.len() {
        0 => return None,
        1 => "What it said before".to_owned(),
        count => format!("What it said before ({count})"),
    };
    Some(view! {
        <details class="former">
            <summary>{title}</summary>
            <ol>{texts}</ol>
        </details>
    })
}
