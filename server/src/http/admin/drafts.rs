//! `/admin/drafts/{subject}`: what somebody is typing. A subject is an incident's id, or `new`.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::header,
    response::{Html, IntoResponse, Response},
};
use domain::{
    forms::{Fields, IncidentForm},
    ids::{IncidentId, TemplateId},
    time,
};
use serde::Serialize;
use tower_sessions::Session;

use super::{component_ids, done, incident::find, outbox::MAIL_POLICY, writing};
use crate::{
    actions::{drafts as actions, preview},
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    state::AppState,
};

/// What the form's island is told.
#[derive(Serialize)]
pub(crate) struct Kept {
    /// "13:47 UTC", or nothing.
    saved: String,
    /// The newest update's id, or nothing.
    newest: String,
    /// "maria@example.com posted Identified, 13:20 UTC"
    words: String,
}

/// Whether somebody posted meanwhile.
pub(crate) async fn look(State(state): State<AppState>, Path(subject): Path<String>) -> Result<Json<Kept>> {
    Ok(Json(news(&state, &subject, String::new()).await?))
}

/// Keeps what is typed.
pub(crate) async fn keep(
    State(state): State<AppState>,
    actor: Actor,
    Path(subject): Path<String>,
    Posted(fields): Posted,
) -> Result<Json<Kept>> {
    let now = state.clock.now();
    let kept = news(&state, &subject, String::new()).await?;
    let is_kept = actions::save(&state, &actor, &subject, &fields).await?;
    let saved = if is_kept { time::clock(now) } else { String::new() };
    Ok(Json(Kept { saved, ..kept }))
}

/// Throws it away, and goes on to the form with the template that was asked for, if any.
pub(crate) async fn discard(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(subject): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    news(&state, &subject, String::new()).await?;
    actions::discard(&state, &actor, &subject).await?;
    let template = fields.get("template");
    let is_id = template.parse::<TemplateId>().is_ok();
    let query = if is_id { format!("?template={template}") } else { String::new() };
    done(&session, "The draft is thrown away.", &format!("/admin/incidents/{subject}{query}")).await
}

/// The mail that a draft would be, as HTML for a sandboxed frame.
///
/// `?locale=de&time_zone=Europe/Berlin`: as that reader gets it.
pub(crate) async fn mail(
    State(state): State<AppState>,
    actor: Actor,
    Path(subject): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let (_, reader) = writing::reader(&Fields(query));
    let draft = state.store.draft(&actor.user()?.id, &subject).await?.ok_or(Error::NotFound)?;
    let (components, now) = (component_ids(&state).await?, state.clock.now());
    let form = IncidentForm::from_fields(&draft.fields);
    let mail = if subject == actions::NEW {
        let command = form.parse(&components, now).map_err(|_| Error::NotFound)?;
        preview::mail(&state, None, Some((command.name, command.impact)), command.update, &reader).await?
    } else {
        let command = form.update.parse(&components, now).map_err(|_| Error::NotFound)?;
        preview::mail(&state, Some(find(&state, &subject).await?), None, command, &reader).await?
    };
    let html = mail.ok_or(Error::NotFound)?.html;
    Ok(([(header::CONTENT_SECURITY_POLICY, MAIL_POLICY)], Html(html)).into_response())
}

/// Keeps what is typed where no script can, and shows the form again.
pub(super) async fn keep_by_hand(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    subject: &str,
    fields: &Fields,
) -> Result<Response> {
    actions::save(state, actor, subject, fields).await?;
    done(session, "The draft is kept. Only you see it.", &format!("/admin/incidents/{subject}")).await
}

async fn news(state: &AppState, subject: &str, saved: String) -> Result<Kept> {
    if subject == actions::NEW {
        return Ok(Kept { saved, newest: String::new(), words: String::new() });
    }
    let id: IncidentId = subject.parse().map_err(|_| Error::NotFound)?;
    let incident = find(state, id.as_str()).await?;
    let Some(newest) = incident.newest() else { return Err(Error::NotFound) };
    let author = state.store.update_authors(&id).await?.remove(&newest.id);
    let author = author.unwrap_or_else(|| "Somebody".to_owned());
    let words = format!("{author} posted {}, {}", newest.status.label(), time::clock(newest.created_at));
    Ok(Kept { saved, newest: newest.id.to_string(), words })
}
