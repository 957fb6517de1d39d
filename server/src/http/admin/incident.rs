//! `/admin/incidents/{id}` and `/admin/audience`

use app::pages::admin::{
    aids::Aids,
    incident::{self, IncidentAdmin},
    review::Review,
    said::{Correction, FormerText},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use domain::{
    component::sections,
    forms::{FieldErrors, Fields, IncidentForm, UpdateForm},
    ids::{ComponentId, IncidentId},
    incident::{Incident, Step, is_newest, step},
    markdown,
    status::IncidentStatus,
    time,
};
use serde::Serialize;
use tower_sessions::Session;

use super::{
    component_ids, console, done, drafts, form_key, form_page,
    updates::former,
    writing::{self, Looked},
};
use crate::{
    actions,
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    mail::outlook::Outlook,
    state::AppState,
    store::broadcasts::Broadcast,
};

/// The incident and the form for its next update, with what is known filled in.
pub(crate) async fn show(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let incident = find(&state, &id).await?;
    let components = state.store.components().await?;
    let update = UpdateForm::following(&incident, &components, form_key());
    let fresh = IncidentForm { update, ..IncidentForm::default() };
    let (form, aids) = writing::begin(&state, &actor, incident.id.as_str(), fresh, query).await?;
    draw(&state, &actor, &session, incident, form.update, aids, FieldErrors::default(), None).await
}

/// Reviews or publishes; a form that is not complete comes back as it was.
pub(crate) async fn submit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let incident = find(&state, &id).await?;
    let form = UpdateForm::from_fields(&fields);
    let subject = incident.id.to_string();
    let intent = fields.get("intent");
    if intent == "draft" {
        return drafts::keep_by_hand(&state, &actor, &session, &subject, &fields).await;
    }
    if intent == "template" || intent == "replace" {
        let mut form = IncidentForm { update: form, ..IncidentForm::default() };
        let aids = writing::fill(&state, &mut form, &fields.get("template"), intent == "replace").await?;
        return draw(&state, &actor, &session, incident, form.update, aids, FieldErrors::default(), None).await;
    }
    let aids = writing::aids(&state).await?;
    match form.parse(&component_ids(&state).await?, state.clock.now()) {
        Err(errors) => draw(&state, &actor, &session, incident, form, aids, errors, None).await,
        Ok(command) if intent != "publish" => {
            let looked =
                writing::look(&state, &actor, &subject, &fields, Some(incident.clone()), None, command).await?;
            draw(&state, &actor, &session, incident, form, aids, FieldErrors::default(), Some(looked)).await
        }
        Ok(command) => {
            let published = match actions::incidents::post_update(&state, &actor, &incident.id, command).await {
                Ok(published) => published,
                Err(Error::Invalid(errors)) => return again(&state, &actor, &session, &id, form, errors).await,
                Err(error) => return Err(error),
            };
            writing::end_draft(&state, &actor, &subject, &form.key).await;
            match published.broadcast {
                Some(id) => done(&session, "The update is published.", &format!("/admin/broadcasts/{id}")).await,
                None => {
                    let to = format!("/admin/incidents/{}", incident.id);
                    done(&session, "The update is published. Nobody is mailed.", &to).await
                }
            }
        }
    }
}

/// The form once more with all that was typed, beside what the incident says by now.
async fn again(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    id: &str,
    form: UpdateForm,
    errors: FieldErrors,
) -> Result<Response> {
    let incident = find(state, id).await?;
    let seen = incident.newest().map(|update| update.id.to_string()).unwrap_or_default();
    let aids = writing::aids(state).await?;
    draw(state, actor, session, incident, UpdateForm { seen, ..form }, aids, errors, None).await
}

/// How many people an update would reach.
#[derive(Serialize)]
pub(crate) struct Reach {
    recipients: i64,
    finish: String,
}

/// `?incident=ID&component=ID&component=ID`: who would be mailed.
pub(crate) async fn audience(
    State(state): State<AppState>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Json<Reach>> {
    let fields = Fields(query);
    let incident = match fields.get("incident").as_str() {
        "" => None,
        id => Some(find(&state, id).await?),
    };
    let components: Vec<ComponentId> = fields.all("component").filter_map(|id| id.parse().ok()).collect();
    let recipients = actions::incidents::count_recipients(&state, incident.as_ref(), components).await?;
    let outlook = Outlook::read(&state).await?;
    let finish = writing::going(&state, &outlook, incident.as_ref(), "update", recipients).await?.finish;
    Ok(Json(Reach { recipients, finish }))
}

/// The components a form lists.
pub(super) fn listed(form: &UpdateForm) -> Vec<ComponentId> {
    let listed = form.components.iter().filter(|(_, word)| !word.is_empty());
    listed.filter_map(|(id, _)| id.parse().ok()).collect()
}

/// Whom a correction of the newest update would reach: when it was mailed, and not as it is now.
async fn correction(
    state: &AppState,
    outlook: &Outlook,
    incident: &Incident,
    former: &[FormerText],
    broadcasts: &[Broadcast],
) -> Result<Option<Correction>> {
    let Some(newest) = incident.newest() else { return Ok(None) };
    let mailed = state.store.mailed_updates(&incident.id).await?;
    let versions = former.iter().filter(|text| text.update == newest.id).count();
    let kind = format!("correction.{versions}");
    let is_sent = broadcasts.iter().any(|broadcast| broadcast.update == newest.id && broadcast.kind == kind);
    if is_sent || !actions::updates::can_be_corrected(incident, &mailed) {
        return Ok(None);
    }
    let recipients = actions::incidents::count_recipients(state, Some(incident), []).await?;
    let finish = writing::going(state, outlook, Some(incident), "correction", recipients).await?.finish;
    Ok(Some(Correction { recipients, finish }))
}

pub(super) async fn find(state: &AppState, id: &str) -> Result<Incident> {
    let id: IncidentId = id.parse().map_err(|_| Error::NotFound)?;
    state.store.incident(&id).await?.ok_or(Error::NotFound)
}

#[expect(clippy::too_many_arguments, reason = "each is a part of the page")]
async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    incident: Incident,
    form: UpdateForm,
    aids: Aids,
    errors: FieldErrors,
    looked: Option<Looked>,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let recipients = actions::incidents::count_recipients(state, Some(&incident), listed(&form)).await?;
    let outlook = Outlook::read(state).await?;
    let going = writing::going(state, &outlook, Some(&incident), "update", recipients).await?;
    let before = incident.standing().map(|standing| standing.status);
    let now = state.clock.now();
    let display_at = time::parse_past(&form.display_at, now).unwrap_or(now);
    let review = looked.map(|looked| Review {
        mail: looked.mail,
        reach: looked.reach,
        held: going.held.clone(),
        html: markdown::to_html_in(&form.body, "review"),
        unread_times: writing::unread_times(&form.body),
        recipients,
        finish: going.finish.clone(),
        // What is written down later about an earlier time changes nothing.
        step: if is_newest(display_at, &incident.updates) {
            step(before, form.status.parse().unwrap_or(IncidentStatus::Investigating))
        } else {
            Step::Continued
        },
    });
    let broadcasts = state.store.broadcasts_of(&incident.id).await?;
    let authors_of = incident.id.clone();
    let former = former(state, &incident.id, None).await?;
    let correction = correction(state, &outlook, &incident, &former, &broadcasts).await?;
    let page = IncidentAdmin {
        console: console(state, actor, session, "/admin/incidents").await?,
        now,
        incident,
        form,
        aids,
        errors,
        sections: sections(state.store.groups().await?, state.store.components().await?),
        recipients,
        finish: going.finish,
        review,
        former,
        authors: state.store.update_authors(&authors_of).await?,
        correction,
        broadcasts: broadcasts.iter().map(|broadcast| outlook.progress(broadcast)).collect(),
    };
    Ok(form_page(incident::page(&page), has_errors))
}
