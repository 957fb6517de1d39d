//! `/admin/incidents/{id}/updates/{update}`: changing what was published.

use app::pages::admin::{
    details::{self, Details},
    removal::{self, RemovalPage},
    said::FormerText,
    update_edit::{self, UpdateEdit},
};
use axum::{
    extract::{Path, State},
    response::{Html, Response},
};
use domain::{
    forms::{DetailsForm, EditForm, FieldErrors},
    ids::{IncidentId, UpdateId},
    incident::{Incident, Update},
    status::Impact,
};
use tower_sessions::Session;

use super::{console, done, form_page, incident::find};
use crate::{
    actions::updates::{self as actions, Removed},
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    state::AppState,
    store::{broadcasts::Broadcast, update_versions::UpdateVersion},
};

/// What an update says, to be put right.
pub(crate) async fn edit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path((id, update)): Path<(String, String)>,
) -> Result<Response> {
    let (incident, update) = find_kept(&state, &id, &update).await?;
    let former = former(&state, &incident.id, Some(&update.id)).await?;
    let form = EditForm { seen: former.len().to_string(), body: update.body.clone() };
    draw(&state, &actor, &session, (incident, update), former, form, FieldErrors::default()).await
}

/// Saves it; nobody is mailed.
pub(crate) async fn save(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path((id, update)): Path<(String, String)>,
    Posted(fields): Posted,
) -> Result<Response> {
    let (incident, update) = find_kept(&state, &id, &update).await?;
    let form = EditForm::from_fields(&fields);
    let saved = match form.parse() {
        Ok(command) => actions::edit_update(&state, &actor, &incident.id, &update.id, command).await,
        Err(errors) => Err(Error::Invalid(errors)),
    };
    match saved {
        Ok(()) => {
            let words = "Saved. The page says that it was edited; nobody was mailed.";
            done(&session, words, &format!("/admin/incidents/{}#said", incident.id)).await
        }
        Err(Error::Invalid(errors)) => {
            let (incident, update) = find_kept(&state, incident.id.as_str(), update.id.as_str()).await?;
            let former = former(&state, &incident.id, Some(&update.id)).await?;
            // Whoever saves again has seen the present text beside their own.
            let form = EditForm { seen: former.len().to_string(), ..form };
            draw(&state, &actor, &session, (incident, update), former, form, errors).await
        }
        Err(error) => Err(error),
    }
}

async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    (incident, update): (Incident, Update),
    former: Vec<FormerText>,
    form: EditForm,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let console = console(state, actor, session, "/admin/incidents").await?;
    let page = UpdateEdit { console, now: state.clock.now(), incident, update, former, form, errors };
    Ok(form_page(update_edit::page(&page), has_errors))
}

/// Mails the newest update once more, as a correction.
pub(crate) async fn correct(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path((id, update)): Path<(String, String)>,
) -> Result<Response> {
    let (incident, update) = find_kept(&state, &id, &update).await?;
    let broadcast = actions::correct(&state, &actor, &incident.id, &update.id).await?;
    done(&session, "The correction is on its way.", &format!("/admin/broadcasts/{broadcast}")).await
}

/// Asks whether an update is to go.
pub(crate) async fn ask_update(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path((id, update)): Path<(String, String)>,
) -> Result<Html<String>> {
    let (incident, update) = find_kept(&state, &id, &update).await?;
    ask(&state, &actor, &session, incident, Some(update)).await
}

/// Asks whether an incident is to go.
pub(crate) async fn ask_incident(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Html<String>> {
    let incident = find(&state, &id).await?;
    ask(&state, &actor, &session, incident, None).await
}

async fn ask(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    incident: Incident,
    update: Option<Update>,
) -> Result<Html<String>> {
    if incident.is_removed() {
        return Err(Error::NotFound);
    }
    let id = update.as_ref().map(|update| &update.id);
    let removal = actions::plan_removal(state, &incident, id).await?;
    let broadcasts = state.store.broadcasts_of(&incident.id).await?;
    let now = state.clock.now();
    let goes_on = actions::goes_on(&incident, id, &broadcasts, now).is_some();
    let open = broadcasts.iter().filter(|broadcast| broadcast.state.is_open());
    let going = open.filter(|broadcast| id.is_none_or(|id| *id == broadcast.update));
    let action = match id {
        Some(update) => format!("/admin/incidents/{}/updates/{update}/remove", incident.id),
        None => format!("/admin/incidents/{}/remove", incident.id),
    };
    let page = RemovalPage {
        console: console(state, actor, session, "/admin/incidents").await?,
        now,
        waiting: going.map(Broadcast::waiting).sum(),
        goes_on,
        components: state.store.components().await?,
        incident,
        update,
        removal,
        action,
    };
    Ok(Html(removal::page(&page)))
}

/// Takes an update back.
pub(crate) async fn remove_update(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path((id, update)): Path<(String, String)>,
) -> Result<Response> {
    let (incident, update) = find_kept(&state, &id, &update).await?;
    let removed = actions::remove_update(&state, &actor, &incident.id, &update.id).await?;
    answer(&session, &incident.id, &removed, "The update was removed.").await
}

/// Takes back all that was said of an incident.
pub(crate) async fn remove_incident(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let incident = find(&state, &id).await?;
    let removed = actions::remove_incident(&state, &actor, &incident.id).await?;
    answer(&session, &incident.id, &removed, "The incident was removed.").await
}

async fn answer(session: &Session, incident: &IncidentId, removed: &Removed, words: &str) -> Result<Response> {
    let kept = if removed.is_kept { " What it said is your draft." } else { "" };
    let words = format!("{words}{kept}");
    let (words, to) = match (&removed.goes_on, &removed.removal.left) {
        (Some(broadcast), _) => {
            let words = format!("{words} The one before it goes on to those who were not told.");
            (words, format!("/admin/broadcasts/{broadcast}"))
        }
        (None, Some(left)) if removed.is_stopped && !left.is_removed() => {
            let words = format!(
                "{words} Whoever was not mailed it yet hears nothing in its place: if they should, post an update."
            );
            (words, format!("/admin/incidents/{incident}?notify=yes"))
        }
        (None, Some(_)) => (words, format!("/admin/incidents/{incident}")),
        (None, None) if removed.is_kept => (words, "/admin/incidents/new".to_owned()),
        (None, None) => (words, "/admin/incidents".to_owned()),
    };
    done(session, &words, &to).await
}

/// Title and impact.
pub(crate) async fn details(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let incident = find(&state, &id).await?;
    let impact = incident.impact_override.map_or("", Impact::as_str).to_owned();
    let form = DetailsForm { name: incident.name.clone(), impact };
    draw_details(&state, &actor, &session, incident.id, form, FieldErrors::default()).await
}

/// Changes them.
pub(crate) async fn save_details(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let incident = find(&state, &id).await?;
    let form = DetailsForm::from_fields(&fields);
    match form.parse() {
        Ok(command) => {
            actions::change_incident(&state, &actor, &incident.id, command).await?;
            done(&session, "Saved. Nobody was mailed.", &format!("/admin/incidents/{}", incident.id)).await
        }
        Err(errors) => draw_details(&state, &actor, &session, incident.id, form, errors).await,
    }
}

async fn draw_details(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    incident: IncidentId,
    form: DetailsForm,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let page = Details { console: console(state, actor, session, "/admin/incidents").await?, incident, form, errors };
    Ok(form_page(details::page(&page), has_errors))
}

/// What the updates of an incident, or one of them, said before.
pub(super) async fn former(
    state: &AppState,
    incident: &IncidentId,
    update: Option<&UpdateId>,
) -> Result<Vec<FormerText>> {
    let versions = state.store.update_versions(incident).await?;
    let wanted = versions.into_iter().filter(|version| update.is_none_or(|id| *id == version.update));
    let text =
        |UpdateVersion { update, body, author, replaced_at, .. }| FormerText { update, body, author, replaced_at };
    Ok(wanted.map(text).collect())
}

/// An incident and one of its updates that was not taken back.
async fn find_kept(state: &AppState, id: &str, update: &str) -> Result<(Incident, Update)> {
    let incident = find(state, id).await?;
    let found = incident.updates.iter().find(|known| known.id.as_str() == update && known.is_kept()).cloned();
    Ok((incident, found.ok_or(Error::NotFound)?))
}
