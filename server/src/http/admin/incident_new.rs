//! `/admin/incidents/new`

use app::pages::admin::{
    aids::Aids,
    incident_new::{self, IncidentNew},
    review::Review,
};
use axum::{
    extract::{Query, State},
    response::Response,
};
use domain::{
    component::sections,
    forms::{FieldErrors, IncidentForm, OpenIncident, UpdateForm},
    incident::step,
    markdown,
};
use tower_sessions::Session;

use super::{
    component_ids, console, done, drafts, form_key, form_page,
    incident::listed,
    writing::{self, Looked},
};
use crate::{
    actions::{self, drafts::NEW},
    error::Result,
    http::{auth::Actor, forms::Posted},
    mail::outlook::Outlook,
    state::AppState,
};

/// An empty form.
pub(crate) async fn show(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let fresh = IncidentForm { update: UpdateForm::opening(form_key()), ..IncidentForm::default() };
    let (form, aids) = writing::begin(&state, &actor, NEW, fresh, query).await?;
    draw(&state, &actor, &session, form, aids, FieldErrors::default(), None).await
}

/// Reviews or publishes; a form that is not complete comes back as it was.
pub(crate) async fn submit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let mut form = IncidentForm::from_fields(&fields);
    let intent = fields.get("intent");
    if intent == "draft" {
        return drafts::keep_by_hand(&state, &actor, &session, NEW, &fields).await;
    }
    if intent == "template" || intent == "replace" {
        let aids = writing::fill(&state, &mut form, &fields.get("template"), intent == "replace").await?;
        return draw(&state, &actor, &session, form, aids, FieldErrors::default(), None).await;
    }
    let aids = writing::aids(&state).await?;
    match form.parse(&component_ids(&state).await?, state.clock.now()) {
        Err(errors) => draw(&state, &actor, &session, form, aids, errors, None).await,
        Ok(command) if intent != "publish" => {
            let opened = Some((command.name, command.impact));
            let looked = writing::look(&state, &actor, NEW, &fields, None, opened, command.update).await?;
            draw(&state, &actor, &session, form, aids, FieldErrors::default(), Some(looked)).await
        }
        Ok(command) => publish(&state, &actor, &session, command, &form.update.key).await,
    }
}

async fn publish(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    command: OpenIncident,
    key: &str,
) -> Result<Response> {
    let published = actions::incidents::open(state, actor, command).await?;
    writing::end_draft(state, actor, NEW, key).await;
    match published.broadcast {
        Some(id) => done(session, "The incident is published.", &format!("/admin/broadcasts/{id}")).await,
        None => {
            let incident = published.incident;
            done(session, "The incident is published. Nobody is mailed.", &format!("/admin/incidents/{incident}")).await
        }
    }
}

async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    form: IncidentForm,
    aids: Aids,
    errors: FieldErrors,
    looked: Option<Looked>,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let recipients = actions::incidents::count_recipients(state, None, listed(&form.update)).await?;
    let going = writing::going(state, &Outlook::read(state).await?, None, "update", recipients).await?;
    let review = looked.map(|looked| Review {
        mail: looked.mail,
        reach: looked.reach,
        held: going.held.clone(),
        html: markdown::to_html_in(&form.update.body, "review"),
        unread_times: writing::unread_times(&form.update.body),
        recipients,
        finish: going.finish.clone(),
        step: step(None, form.update.status.parse().unwrap_or(domain::status::IncidentStatus::Investigating)),
    });
    let page = IncidentNew {
        console: console(state, actor, session, "/admin/incidents").await?,
        now: state.clock.now(),
        form,
        aids,
        errors,
        sections: sections(state.store.groups().await?, state.store.components().await?),
        recipients,
        finish: going.finish,
        review,
    };
    Ok(form_page(incident_new::page(&page), has_errors))
}
