//! One incident: what was said, and the next word about it.

use domain::{
    broadcast::Progress,
    component::Section,
    forms::{FieldErrors, UpdateForm},
    incident::{Incident, Update},
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    broadcast::watched,
    review::Review,
    shell::{Console, document, form_title, summary},
    update_fields::{FIELDS, UpdateFields},
};
use crate::components::{changes, duration, impact_mark, prose, timestamp};

/// What the page of an incident shows. A fresh form comes from `UpdateForm::following`.
#[derive(Clone, Debug)]
pub struct IncidentAdmin {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// The incident.
    pub incident: Incident,
    /// The next update, as typed.
    pub form: UpdateForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
    /// All components.
    pub sections: Vec<Section>,
    /// How many people would be mailed with the components as chosen.
    pub recipients: i64,
    /// When they would all have it: "about 13:57 UTC". Empty when it cannot be said.
    pub finish: String,
    /// What a review found, if one was asked for.
    pub review: Option<Review>,
    /// What was mailed about it, newest first.
    pub broadcasts: Vec<Progress>,
}

/// Draws the page.
pub fn page(model: &IncidentAdmin) -> String {
    let (incident, errors) = (&model.incident, &model.errors);
    let is_over = incident.standing().is_some_and(|standing| standing.status.is_over());
    document(&model.console, &form_title(&incident.name, errors), || {
        let affected = incident.affected().into_iter().map(|affected| affected.component).collect();
        let update = UpdateFields {
            form: &model.form,
            errors,
            sections: &model.sections,
            affected: Some(affected),
            incident: incident.id.as_str(),
            recipients: model.recipients,
            finish: &model.finish,
            review: model.review.as_ref(),
            publish: "Publish update",
        };
        view! {
            {heading(model)}
            {summary(errors, &FIELDS)}
            <section class="box" aria-labelledby="post">
                <h2 id="post">{if is_over { "Reopen it, or add a word" } else { "Post an update" }}</h2>
                {is_over
                    .then(|| {
                        view! {
                            <p class="hint">
                                "This incident is resolved. Choosing any other status reopens it; Resolved adds a word to it."
                            </p>
                        }
                    })}
                <form method="post" action=format!("/admin/incidents/{}", incident.id)>
                    {update.draw()}
                </form>
            </section>
            {mailed(&model.broadcasts, model.now)}
            <section aria-labelledby="said">
                <h2 id="said">"What was said"</h2>
                <ol class="timeline">
                    {incident.updates.iter().map(|update| entry(update, model.now)).collect_view()}
                </ol>
            </section>
        }
    })
}

fn heading(model: &IncidentAdmin) -> impl IntoView + use<> {
    let (incident, now) = (&model.incident, model.now);
    let standing = incident.standing();
    let facts = standing.map(|standing| {
        view! {
            <span>{standing.status.label()}</span>
            <span>{duration(standing.started_at, standing.resolved_at, now)}</span>
            <span class="since">
                <span>"since "</span>
                {timestamp(standing.started_at, now)}
            </span>
        }
    });
    view! {
        <p class="back"><a href="/admin/incidents">"Incidents"</a></p>
        <h1 dir="auto">{incident.name.clone()}</h1>
        <p class="facts">
            {impact_mark(incident.impact())}
            {facts}
            <a href=format!("/incidents/{}", incident.id)>"As readers see it"</a>
        </p>
    }
}

fn mailed(broadcasts: &[Progress], now: Timestamp) -> Option<impl IntoView + use<>> {
    let rows: Vec<_> = broadcasts
        .iter()
        .map(|progress| {
            view! {
                <li>
                    <p class="title">
                        <a href=format!("/admin/broadcasts/{}", progress.id)>
                            {format!("Mails of {}", domain::time::short(progress.created_at, now))}
                        </a>
                    </p>
                    {watched(progress)}
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section aria-labelledby="mailed">
                <h2 id="mailed">"Mails"</h2>
                <ul class="broadcasts">{rows}</ul>
            </section>
        }
    })
}

/// One update as the author needs it: also when it was written, and whether it was mailed.
fn entry(update: &Update, now: Timestamp) -> impl IntoView + use<> {
    let is_backdated = update.created_at.duration_since(update.display_at).as_mins() > 0;
    let written = is_backdated.then(|| {
        view! {
            <p class="hint">
                <span>"written "</span>
                {timestamp(update.created_at, now)}
            </p>
        }
    });
    let listed = update.components.clone();
    view! {
        <li>
            <div class="when">
                <h3>{update.status.label()}</h3>
                <p>{timestamp(update.display_at, now)}</p>
                {written}
                <p class="hint">{if update.notify { "Mailed" } else { "Not mailed" }}</p>
            </div>
            <div class="said">
                {prose(&update.body, &format!("u-{}", update.id))}
                {(!listed.is_empty()).then(|| changes(listed))}
            </div>
        </li>
    }
}
