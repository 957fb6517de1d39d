//! `/admin/groups`

use app::pages::admin::group_form::{self, GroupPage};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    component::Group,
    forms::{FieldErrors, GroupForm},
    ids::GroupId,
};
use tower_sessions::Session;

use super::{console, done, form_page};
use crate::{
    actions,
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    state::AppState,
};

/// An empty form, placed last.
pub(crate) async fn new(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    let last = state.store.groups().await?.iter().map(|group| group.position).max().unwrap_or(0);
    let form = GroupForm { position: (last + 1).to_string(), ..GroupForm::default() };
    draw(&state, &actor, &session, None, form, FieldErrors::default()).await
}

/// Adds a group.
pub(crate) async fn create(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    save(&state, &actor, &session, None, GroupForm::from_fields(&fields)).await
}

/// A group's form as it stands.
pub(crate) async fn edit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let group = find(&state, &id).await?;
    let form = GroupForm { name: group.name, position: group.position.to_string() };
    draw(&state, &actor, &session, Some(group.id), form, FieldErrors::default()).await
}

/// Changes a group.
pub(crate) async fn update(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let group = find(&state, &id).await?;
    save(&state, &actor, &session, Some(group.id), GroupForm::from_fields(&fields)).await
}

/// Removes a group; its components stay.
pub(crate) async fn delete(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let group = find(&state, &id).await?;
    actions::components::delete_group(&state, &actor, &group.id).await?;
    done(&session, &format!("{} was removed; its components stay.", group.name), "/admin/components").await
}

async fn find(state: &AppState, id: &str) -> Result<Group> {
    state.store.groups().await?.into_iter().find(|group| group.id.as_str() == id).ok_or(Error::NotFound)
}

async fn save(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    id: Option<GroupId>,
    form: GroupForm,
) -> Result<Response> {
    match form.parse() {
        Ok(command) => {
            let words = format!("{} was saved.", command.name);
            actions::components::save_group(state, actor, id, command).await?;
            done(session, &words, "/admin/components").await
        }
        Err(errors) => draw(state, actor, session, id, form, errors).await,
    }
}

async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    id: Option<GroupId>,
    form: GroupForm,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let page = GroupPage { console: console(state, actor, session, "/admin/groups").await?, id, form, errors };
    Ok(form_page(group_form::page(&page), has_errors))
}
