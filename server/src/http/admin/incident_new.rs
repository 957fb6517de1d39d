//! `/admin/incidents/new`

use app::pages::admin::{
    incident_new::{self, IncidentNew},
    review::Review,
};
use axum::{extract::State, response::Response};
use domain::{
    component::sections,
    forms::{FieldErrors, IncidentForm, OpenIncident, UpdateForm},
    incident::step,
    markdown,
};
use tower_sessions::Session;

use super::{component_ids, console, done, finish, form_key, form_page, incident::listed};
use crate::{
    actions,
    error::Result,
    http::{auth::Actor, forms::Posted},
    state::AppState,
};

/// An empty form.
pub(crate) async fn show(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    let form = IncidentForm { update: UpdateForm::opening(form_key()), ..IncidentForm::default() };
    draw(&state, &actor, &session, form, FieldErrors::default(), false).await
}

/// Reviews or publishes; a form that is not complete comes back as it was.
pub(crate) async fn submit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let form = IncidentForm::from_fields(&fields);
    match form.parse(&component_ids(&state).await?, state.clock.now()) {
        Err(errors) => draw(&state, &actor, &session, form, errors, false).await,
        Ok(_) if fields.get("intent") != "publish" => {
            draw(&state, &actor, &session, form, FieldErrors::default(), true).await
        }
        Ok(command) => publish(&state, &actor, &session, command).await,
    }
}

async fn publish(state: &AppState, actor: &Actor, session: &Session, command: OpenIncident) -> Result<Response> {
    let published = actions::incidents::open(state, actor, command).await?;
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
    errors: FieldErrors,
    is_review: bool,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let recipients = actions::incidents::count_recipients(state, None, listed(&form.update)).await?;
    let finish = finish(state, recipients).await?;
    let review = is_review.then(|| Review {
        html: markdown::to_html_in(&form.update.body, "review"),
        recipients,
        finish: finish.clone(),
        step: step(None, form.update.status.parse().unwrap_or(domain::status::IncidentStatus::Investigating)),
    });
    let page = IncidentNew {
        console: console(state, actor, session, "/admin/incidents").await?,
        form,
        errors,
        sections: sections(state.store.groups().await?, state.store.components().await?),
        recipients,
        finish,
        review,
    };
    Ok(form_page(incident_new::page(&page), has_errors))
}
