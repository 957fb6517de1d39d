//! `/admin/templates`

use app::pages::admin::templates::{self, TemplatePage, Templates};
use axum::{
    extract::{Path, State},
    response::{Html, Response},
};
use domain::{
    component::sections,
    forms::{FieldErrors, TemplateForm},
    ids::TemplateId,
    template::Template,
};
use tower_sessions::Session;

use super::{component_ids, console, done, form_page};
use crate::{
    actions,
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    state::AppState,
};

/// All templates.
pub(crate) async fn list(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Html<String>> {
    let page = Templates {
        console: console(&state, &actor, &session, "/admin/templates").await?,
        templates: state.store.templates().await?,
    };
    Ok(Html(templates::page(&page)))
}

/// An empty form.
pub(crate) async fn new(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    draw(&state, &actor, &session, None, TemplateForm::default(), FieldErrors::default()).await
}

/// Adds a template.
pub(crate) async fn create(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    save(&state, &actor, &session, None, TemplateForm::from_fields(&fields)).await
}

/// A template as it stands.
pub(crate) async fn edit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let template = find(&state, &id).await?;
    let form = TemplateForm::of(&template);
    draw(&state, &actor, &session, Some(template.id), form, FieldErrors::default()).await
}

/// Changes a template.
pub(crate) async fn update(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let template = find(&state, &id).await?;
    save(&state, &actor, &session, Some(template.id), TemplateForm::from_fields(&fields)).await
}

/// Removes a template.
pub(crate) async fn delete(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let template = find(&state, &id).await?;
    actions::templates::delete(&state, &actor, &template.id).await?;
    done(&session, &format!("{} was deleted.", template.name), "/admin/templates").await
}

/// The template with this id.
pub(super) async fn find(state: &AppState, id: &str) -> Result<Template> {
    let id: TemplateId = id.parse().map_err(|_| Error::NotFound)?;
    state.store.template(&id).await?.ok_or(Error::NotFound)
}

async fn save(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    id: Option<TemplateId>,
    form: TemplateForm,
) -> Result<Response> {
    let saved = match form.parse(&component_ids(state).await?) {
        Ok(command) => actions::templates::save(state, actor, id.clone(), command).await,
        Err(errors) => Err(Error::Invalid(errors)),
    };
    match saved {
        Ok(_) => done(session, &format!("{} was saved.", form.name.trim()), "/admin/templates").await,
        Err(Error::Invalid(errors)) => draw(state, actor, session, id, form, errors).await,
        Err(error) => Err(error),
    }
}

async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    id: Option<TemplateId>,
    form: TemplateForm,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let page = TemplatePage {
        console: console(state, actor, session, "/admin/templates").await?,
        id,
        form,
        errors,
        sections: sections(state.store.groups().await?, state.store.components().await?),
    };
    Ok(form_page(templates::form(&page), has_errors))
}
