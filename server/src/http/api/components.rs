//! `/api/v1/components`

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    component::Component,
    forms::ComponentForm,
    ids::{ComponentId, GroupId},
};
use serde_json::{Value, json};

use super::{
    body::{Program, Sent},
    once::once,
};
use crate::{
    actions,
    error::{Error, Result},
    state::AppState,
};

/// All of them, in the page's order: there are few.
pub(crate) async fn list(State(state): State<AppState>) -> Result<Json<Value>> {
    let components = state.store.components().await?;
    Ok(Json(components.iter().map(shown).collect()))
}

/// One.
pub(crate) async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>> {
    Ok(Json(shown(&find(&state, &id).await?)))
}

/// Adds one, last unless a position is given.
pub(crate) async fn create(State(state): State<AppState>, mut sent: Sent) -> Result<Response> {
    let last = state.store.components().await?.iter().map(|component| component.position).max().unwrap_or(0);
    let form = ComponentForm { position: (last + 1).to_string(), ..ComponentForm::default() };
    let form = filled(&mut sent, form);
    let command = sent.body.finish(form.parse(&groups(&state).await?))?;
    let actor = &sent.actor;
    let act = async { Ok(actions::components::save(&state, actor, None, command).await?.to_string()) };
    once(&state, actor, StatusCode::CREATED, act, |id| shown_at(&state, id)).await
}

/// Changes what is given; the rest stays.
pub(crate) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    mut sent: Sent,
) -> Result<Json<Value>> {
    let component = find(&state, &id).await?;
    let status = component.status.as_str().to_owned();
    let form = ComponentForm {
        name: component.name,
        description: component.description,
        was: if sent.body.has("status") { String::new() } else { status.clone() },
        status,
        group: component.group.map(|group| group.to_string()).unwrap_or_default(),
        position: component.position.to_string(),
    };
    let form = filled(&mut sent, form);
    let command = sent.body.finish(form.parse(&groups(&state).await?))?;
    actions::components::save(&state, &sent.actor, Some(component.id), command).await?;
    Ok(Json(shown(&find(&state, &id).await?)))
}

/// Takes one off the page.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Program(actor): Program,
) -> Result<StatusCode> {
    let id: ComponentId = id.parse().map_err(|_| Error::NotFound)?;
    actions::components::delete(&state, &actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The form with what the body says; `null` empties a field that may be empty.
fn filled(sent: &mut Sent, form: ComponentForm) -> ComponentForm {
    let body = &mut sent.body;
    let mut form = form;
    if body.has("name") {
        form.name = body.text("name").unwrap_or_default();
    }
    if body.has("description") {
        form.description = body.text("description").unwrap_or_default();
    }
    if body.has("group") {
        form.group = body.word("group").unwrap_or_default();
    }
    if let Some(status) = body.word("status") {
        form.status = status;
    }
    if let Some(position) = body.number("position") {
        form.position = position.to_string();
    }
    form
}

async fn groups(state: &AppState) -> Result<std::collections::BTreeSet<GroupId>> {
    Ok(state.store.groups().await?.into_iter().map(|group| group.id).collect())
}

async fn find(state: &AppState, id: &str) -> Result<Component> {
    let components = state.store.components().await?;
    components.into_iter().find(|component| component.id.as_str() == id).ok_or(Error::NotFound)
}

async fn shown_at(state: &AppState, id: String) -> Result<Value> {
    Ok(shown(&find(state, &id).await?))
}

fn shown(component: &Component) -> Value {
    json!({
        "id": component.id,
        "name": component.name,
        "description": component.description,
        "status": component.status.as_str(),
        "group": component.group,
        "position": component.position,
    })
}
