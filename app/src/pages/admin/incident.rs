//! One incident: what was said, and the next word about it.

use std::collections::BTreeMap;

use domain::{
    broadcast::Progress,
    component::Section,
    forms::{FieldErrors, UpdateForm},
    ids::UpdateId,
    incident::Incident,
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    aids::{Aids, chooser, draft_notice},
    broadcast::watched,
    review::Review,
    said::{Correction, FormerText, said},
    shell::{Console, document, form_title, summary},
    update_fields::{FIELDS, UpdateFields},
};
use crate::{
    components::{duration, impact_mark, timestamp},
    islands::Countdown,
};

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
    /// What helps with it.
    pub aids: Aids,
    /// What is wrong with it.
    pub errors: FieldErrors,
    /// All components.
    pub sections: Vec<Section>,
    /// How many people would be mailed with the components as chosen.
    pub recipients: i64,
    /// When they would all have it: "done about 13:57 UTC"; or why nothing goes out for now. Empty when it cannot be said.
    pub finish: String,
    /// What a review found, if one was asked for.
    pub review: Option<Review>,
    /// What its updates said before, the last replaced first.
    pub former: Vec<FormerText>,
    /// Who wrote each of its updates.
    pub authors: BTreeMap<UpdateId, String>,
    /// Whom a correction of the newest update would reach, when there is something to correct.
    pub correction: Option<Correction>,
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
            {incident.is_removed().then(|| view! { <p class="nothing">"All that was said of this incident was removed."</p> })}
            {(!incident.is_removed()).then(|| post(model, update, is_over))}
            {mailed(&model.broadcasts, model.now)}
            {said(incident, &model.former, &model.authors, model.correction.as_ref(), model.now)}
        }
    })
}

fn post(model: &IncidentAdmin, update: UpdateFields, is_over: bool) -> AnyView {
    view! {
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
            {draft_notice(&model.aids, model.incident.id.as_str(), model.now)}
            <form method="post" action=format!("/admin/incidents/{}", model.incident.id)>
                {chooser(&model.aids)}
                {update.draw()}
            </form>
        </section>
    }
    .into_any()
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
            {standing
                .filter(|standing| standing.status.is_over())
                .map(|_| view! { <a href=format!("/admin/incidents/{}/postmortem", incident.id)>"Postmortem"</a> })}
            <a href=format!("/admin/incidents/{}/details", incident.id)>"Title and impact"</a>
            <a href=format!("/admin/incidents/{}/remove", incident.id)>"Remove"</a>
        </p>
        {incident.promised().map(|at| promised(at, now))}
    }
}

/// `Next update promised by 13:50 UTC, in 12 min`
pub(super) fn promised(at: Timestamp, now: Timestamp) -> impl IntoView {
    view! {
        <p class="promise">
            <span>"Next update promised by "</span>
            {timestamp(at, now)}
            <Countdown due=at.as_second() now=now.as_second()/>
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
