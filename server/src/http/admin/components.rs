//! `/admin/components`

use app::pages::admin::{
    component_form::{self, ComponentPage},
    components::{self, Components},
};
use axum::{
    extract::{Path, State},
    response::{Html, Response},
};
use domain::{
    component::{Component, sections},
    forms::{ComponentForm, FieldErrors},
    ids::ComponentId,
};
use tower_sessions::Session;

use super::{console, done, form_page};
use crate::{
    actions,
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    state::AppState,
};

/// All components in their groups.
pub(crate) async fn list(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Html<String>> {
    let all_groups = state.store.groups().await?;
    let page = Components {
        console: console(&state, &actor, &session, "/admin/components").await?,
        sections: sections(all_groups.clone(), state.store.components().await?),
        all_groups,
    };
    Ok(Html(components::page(&page)))
}

/// An empty form, placed last.
pub(crate) async fn new(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    let last = state.store.components().await?.iter().map(|component| component.position).max().unwrap_or(0);
    let form = ComponentForm { position: (last + 1).to_string(), ..ComponentForm::default() };
    draw(&state, &actor, &session, None, form, FieldErrors::default()).await
}

/// Adds a component.
pub(crate) async fn create(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    save(&state, &actor, &session, None, ComponentForm::from_fields(&fields)).await
}

/// A component's form as it stands.
pub(crate) async fn edit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let component = find(&state, &id).await?;
    let form = ComponentForm {
        name: component.name,
        description: component.description,
        status: component.status.as_str().to_owned(),
        was: component.status.as_str().to_owned(),
        group: component.group.map(|group| group.to_string()).unwrap_or_default(),
        position: component.position.to_string(),
    };
    draw(&state, &actor, &session, Some(component.id), form, FieldErrors::default()).await
}

/// Changes a component.
pub(crate) async fn update(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let component = find(&state, &id).await?;
    save(&state, &actor, &session, Some(component.id), ComponentForm::from_fields(&fields)).await
}

/// Takes a component off the page.
pub(crate) async fn delete(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let component = find(&state, &id).await?;
    actions::components::delete(&state, &actor, &component.id).await?;
    done(&session, &format!("{} was removed.", component.name), "/admin/components").await
}

async fn find(state: &AppState, id: &str) -> Result<Component> {
    let components = state.store.components().await?;
    components.into_iter().find(|component| component.id.as_str() == id).ok_or(Error::NotFound)
}

async fn save(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    id: Option<ComponentId>,
    form: ComponentForm,
) -> Result<Response> {
    let groups = state.store.groups().await?.into_iter().map(|group| group.id).collect();
    match form.parse(&groups) {
        Ok(command) => {
            let words = format!("{} was saved.", command.name);
            actions::components::save(state, actor, id, command).await?;
            done(session, &words, "/admin/components").await
        }
        Err(errors) => draw(state, actor, session, id, form, errors).await,
    }
}

async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    id: Option<ComponentId>,
    form: ComponentForm,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let console = console(state, actor, session, "/admin/components").await?;
    let page = ComponentPage { console, id, form, groups: state.store.groups().await?, errors };
    Ok(form_page(component_form::page(&page), has_errors))
}
