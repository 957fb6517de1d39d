//! `/api/v1/incidents`

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    forms::{DetailsForm, EditForm, FieldErrors, IncidentForm, UpdateForm},
    ids::{ComponentId, IncidentId, UpdateId},
    incident::{ComponentChange, Incident, Update},
    status::Impact,
    time::rfc3339,
};
use serde_json::{Value, json};

use super::{
    body::{Body, Sent},
    once::once,
    paging::{Page, not_there},
};
use crate::{
    actions,
    error::{Error, Result},
    state::AppState,
};

/// Newest first.
pub(crate) async fn list(State(state): State<AppState>, page: Page) -> Result<Response> {
    let incidents = match page.before::<IncidentId>()? {
        None => state.store.recent_incidents(page.wanted()).await?,
        Some(before) if state.store.incident(&before).await?.is_none() => return Err(not_there()),
        Some(before) => state.store.incidents_before(&before, page.wanted()).await?,
    };
    // Those that were taken back count for the page, and are not shown.
    let kept = |incident: &Incident| (!incident.is_removed()).then(|| shown(&state, incident));
    Ok(page.answer(incidents, |incident| incident.id.to_string(), kept))
}

/// One with all its updates.
pub(crate) async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>> {
    Ok(Json(shown(&state, &find(&state, &id).await?)))
}

/// Opens one with its first update.
pub(crate) async fn create(State(state): State<AppState>, mut sent: Sent) -> Result<Response> {
    let body = &mut sent.body;
    let form = IncidentForm {
        name: body.text("name").unwrap_or_default(),
        impact: body.word("impact").unwrap_or_default(),
        update: update_form(body),
    };
    let parsed = form.parse(&component_ids(&state).await?, state.clock.now());
    let command = sent.body.finish(parsed.map_err(renamed))?;
    let actor = &sent.actor;
    let act = async { Ok(actions::incidents::open(&state, actor, command).await?.update.to_string()) };
    once(&state, actor, StatusCode::CREATED, act, |update| published(&state, update)).await
}

/// Gives one another title, or another word on its impact.
pub(crate) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    mut sent: Sent,
) -> Result<Json<Value>> {
    let incident = find(&state, &id).await?;
    let body = &mut sent.body;
    let mut form = DetailsForm {
        name: incident.name,
        impact: incident.impact_override.map(|impact| impact.as_str().to_owned()).unwrap_or_default(),
    };
    if body.has("name") {
        form.name = body.text("name").unwrap_or_default();
    }
    if body.has("impact") {
        form.impact = body.word("impact").unwrap_or_default();
    }
    let command = sent.body.finish(form.parse())?;
    actions::updates::change_incident(&state, &sent.actor, &incident.id, command).await?;
    Ok(Json(shown(&state, &find(&state, &id).await?)))
}

/// Posts the next update.
pub(crate) async fn post_update(
    State(state): State<AppState>,
    Path(id): Path<String>,
    mut sent: Sent,
) -> Result<Response> {
    let incident = find(&state, &id).await?;
    let form = update_form(&mut sent.body);
    let parsed = form.parse(&component_ids(&state).await?, state.clock.now());
    let command = sent.body.finish(parsed.map_err(renamed))?;
    let actor = &sent.actor;
    let act =
        async { Ok(actions::incidents::post_update(&state, actor, &incident.id, command).await?.update.to_string()) };
    once(&state, actor, StatusCode::CREATED, act, |update| published(&state, update)).await
}

/// Gives an update another text. Nobody is mailed; what it said before is kept.
pub(crate) async fn edit_update(
    State(state): State<AppState>,
    Path((id, update)): Path<(String, String)>,
    mut sent: Sent,
) -> Result<Json<Value>> {
    let incident = find(&state, &id).await?;
    let update: UpdateId = update.parse().map_err(|_| Error::NotFound)?;
    let form = EditForm { seen: String::new(), body: sent.body.text("body").unwrap_or_default() };
    let command = sent.body.finish(form.parse())?;
    actions::updates::edit_update(&state, &sent.actor, &incident.id, &update, command).await?;
    Ok(Json(shown(&state, &find(&state, &id).await?)))
}

/// What the body says of an update. Nothing is chosen for the author: not whether people are mailed.
fn update_form(body: &mut Body) -> UpdateForm {
    let notify = match body.flag("notify") {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    let components = body.texts_by_name("components").unwrap_or_default();
    if components.values().any(String::is_empty) {
        body.refuse("components", "choose a status for each component");
    }
    let next = body.word("next_update_by");
    UpdateForm {
        next_update: if next.is_some() { "at".to_owned() } else { String::new() },
        next_update_at: next.unwrap_or_default(),
        status: body.text("status").unwrap_or_default(),
        body: body.text("body").unwrap_or_default(),
        display_at: body.word("display_at").unwrap_or_default(),
        notify: notify.to_owned(),
        components,
        restore: body.flag("restore").unwrap_or(false),
        ..UpdateForm::default()
    }
}

/// The console asks for a promise in two fields, the API in one.
fn renamed(errors: FieldErrors) -> FieldErrors {
    let mut renamed = FieldErrors::default();
    for (field, message) in errors.iter() {
        renamed.add(if field == "next_update_at" { "next_update_by" } else { field }, message);
    }
    renamed
}

async fn component_ids(state: &AppState) -> Result<Vec<ComponentId>> {
    Ok(state.store.components().await?.into_iter().map(|component| component.id).collect())
}

async fn find(state: &AppState, id: &str) -> Result<Incident> {
    let id: IncidentId = id.parse().map_err(|_| Error::NotFound)?;
    let found = state.store.incident(&id).await?;
    found.filter(|incident| !incident.is_removed()).ok_or(Error::NotFound)
}

/// The incident of an update that was just posted, and who is mailed about it. Long lists are not counted here: publishing
/// takes as long for ten as for a million. The broadcast says it then.
async fn published(state: &AppState, update: String) -> Result<Value> {
    let update: UpdateId = update.parse().map_err(|_| Error::NotFound)?;
    let id = state.store.incident_of_update(&update).await?.ok_or(Error::NotFound)?;
    let incident = state.store.incident(&id).await?.ok_or(Error::NotFound)?;
    let broadcast = match state.store.broadcast_carrying(&update).await? {
        Some(broadcast) => {
            let recipients = state.store.count_small_audience(&broadcast.audience, state.clock.now()).await?;
            json!({ "id": broadcast.id, "recipients": recipients })
        }
        None => Value::Null,
    };
    let mut value = shown(state, &incident);
    value["broadcast"] = broadcast;
    Ok(value)
}

fn shown(state: &AppState, incident: &Incident) -> Value {
    let standing = incident.standing();
    let at = |read: fn(&domain::incident::Standing) -> Option<jiff::Timestamp>| {
        standing.as_ref().and_then(read).map(rfc3339)
    };
    json!({
        "id": incident.id,
        "name": incident.name,
        "status": standing.map(|standing| standing.status.as_str()),
        "impact": incident.impact().as_str(),
        "impact_override": incident.impact_override.map(Impact::as_str),
        "started_at": at(|standing| Some(standing.started_at)),
        "monitoring_at": at(|standing| standing.monitoring_at),
        "resolved_at": at(|standing| standing.resolved_at),
        "created_at": rfc3339(incident.created_at),
        "updated_at": rfc3339(incident.updated_at),
        "url": format!("{}/incidents/{}", state.public_url(), incident.id),
        "updates": incident.updates.iter().filter(|update| update.is_kept()).map(update).collect::<Vec<_>>(),
    })
}

fn update(update: &Update) -> Value {
    let component = |change: &ComponentChange| {
        json!({
            "id": change.component,
            "name": change.name,
            "old_status": change.old.as_str(),
            "new_status": change.new.as_str(),
        })
    };
    json!({
        "id": update.id,
        "status": update.status.as_str(),
        "body": update.body,
        "display_at": rfc3339(update.display_at),
        "created_at": rfc3339(update.created_at),
        "updated_at": rfc3339(update.updated_at),
        "notify": update.notify,
        "next_update_by": update.next_update_by.map(rfc3339),
        "edited_at": update.edited_at.map(rfc3339),
        "components": update.components.iter().map(component).collect::<Vec<_>>(),
    })
}
