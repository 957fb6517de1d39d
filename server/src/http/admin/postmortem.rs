//! `/admin/incidents/{id}/postmortem` and what is done from there.

use app::pages::admin::{
    postmortem::{self, PostmortemAdmin, PostmortemReview},
    review::Reach,
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{
    broadcast::POSTMORTEM,
    forms::{FieldErrors, PostmortemForm},
    ids::{FollowUpId, IncidentId},
    incident::Incident,
    markdown,
    postmortem::{Figures, Postmortem, unanswered},
};
use tower_sessions::Session;

use super::{console, done, form_key, form_page, writing};
use crate::{
    actions::{
        incidents::{Published, count_recipients},
        postmortems::{self, Outcome},
    },
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    mail::outlook::Outlook,
    state::AppState,
};

/// What is shown around the form.
#[derive(Default)]
struct Shown {
    errors: FieldErrors,
    is_overtaken: bool,
    is_review: bool,
}

/// The postmortem, or a first draft of it with what the timeline knows.
pub(crate) async fn show(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let (incident, postmortem) = find(&state, &id).await?;
    let form = PostmortemForm::of(&postmortem, form_key());
    draw(&state, &actor, &session, incident, postmortem, form, Shown::default()).await
}

/// Saves, reviews or publishes; whatever cannot be done comes back as it was typed.
pub(crate) async fn submit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let (incident, postmortem) = find(&state, &id).await?;
    let form = PostmortemForm::from_fields(&fields);
    let now = state.clock.now();
    let outcome = match fields.get("intent").as_str() {
        "publish" => match form.parse_publish(now) {
            Ok(command) => match postmortems::publish(&state, &actor, &incident.id, command).await {
                Ok(Outcome::Done(published)) => return after_publishing(&session, &published).await,
                Ok(Outcome::Overtaken(theirs)) => Ok(Some(*theirs)),
                Err(Error::Invalid(errors)) => Err(errors),
                Err(error) => return Err(error),
            },
            Err(errors) => Err(errors),
        },
        "save" => match form.parse(now) {
            Ok(command) => match postmortems::save(&state, &actor, &incident.id, command).await? {
                Outcome::Done(saved) => return after_saving(&session, &saved).await,
                Outcome::Overtaken(theirs) => Ok(Some(*theirs)),
            },
            Err(errors) => Err(errors),
        },
        _ => form.parse(now).map(|_| None),
    };
    match outcome {
        Ok(None) => {
            let shown = Shown { is_review: true, ..Shown::default() };
            draw(&state, &actor, &session, incident, postmortem, form, shown).await
        }
        Ok(Some(theirs)) => {
            // Saving once more replaces what they have now been shown.
            let form = PostmortemForm { version: theirs.version.to_string(), ..form };
            let shown = Shown { is_overtaken: true, ..Shown::default() };
            draw(&state, &actor, &session, incident, theirs, form, shown).await
        }
        Err(errors) => {
            draw(&state, &actor, &session, incident, postmortem, form, Shown { errors, ..Shown::default() }).await
        }
    }
}

async fn after_saving(session: &Session, saved: &Postmortem) -> Result<Response> {
    let words = if saved.published.is_some() { "The changes are published." } else { "The draft is saved." };
    done(session, words, &format!("/admin/incidents/{}/postmortem", saved.incident)).await
}

async fn after_publishing(session: &Session, published: &Published) -> Result<Response> {
    match &published.broadcast {
        Some(id) => done(session, "The postmortem is published.", &format!("/admin/broadcasts/{id}")).await,
        None => {
            let to = format!("/admin/incidents/{}/postmortem", published.incident);
            done(session, "The postmortem is published. Nobody is mailed.", &to).await
        }
    }
}

/// Makes a link for reviewers in place of the one before.
pub(crate) async fn new_preview(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let id: IncidentId = id.parse().map_err(|_| Error::NotFound)?;
    let postmortem = postmortems::new_preview(&state, &actor, &id).await?;
    let words = match postmortem.preview {
        1 => "There is a link for reviewers now.",
        _ => "There is a new link for reviewers. The old one opens nothing any more.",
    };
    done(&session, words, &format!("/admin/incidents/{id}/postmortem#reviewers")).await
}

/// A follow-up action is done, or not done after all.
pub(crate) async fn follow_up(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path((id, follow_up)): Path<(String, String)>,
    Posted(fields): Posted,
) -> Result<Response> {
    let id: IncidentId = id.parse().map_err(|_| Error::NotFound)?;
    let follow_up: FollowUpId = follow_up.parse().map_err(|_| Error::NotFound)?;
    let found = postmortems::follow_up(&state, &actor, &id, &follow_up, fields.is_ticked("done")).await?;
    let words = match found.done_at {
        Some(_) => format!("Done: {}", found.text),
        None => format!("To do again: {}", found.text),
    };
    done(&session, &words, "/admin/postmortems").await
}

async fn find(state: &AppState, id: &str) -> Result<(Incident, Postmortem)> {
    let id: IncidentId = id.parse().map_err(|_| Error::NotFound)?;
    let found = state.store.incident(&id).await?.filter(|incident| !incident.is_removed());
    let incident = found.ok_or(Error::NotFound)?;
    let postmortem = postmortems::of(state, &incident).await?;
    let postmortem = postmortem
        .ok_or(Error::Conflict("This incident goes on: its postmortem can be written once it is resolved."))?;
    Ok((incident, postmortem))
}

async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    incident: Incident,
    postmortem: Postmortem,
    form: PostmortemForm,
    shown: Shown,
) -> Result<Response> {
    let has_errors = !shown.errors.is_empty();
    let recipients = count_recipients(state, Some(&incident), []).await?;
    let going = writing::going(state, &Outlook::read(state).await?, Some(&incident), POSTMORTEM, recipients).await?;
    let link = (postmortem.preview > 0 && postmortem.published.is_none())
        .then(|| state.secret().preview_token(&incident.id, postmortem.preview));
    let page = PostmortemAdmin {
        console: console(state, actor, session, "/admin/postmortems").await?,
        now: state.clock.now(),
        derived: Figures::of(&incident),
        postmortem,
        review: if shown.is_review { Some(review(state, &incident, &form, going.held).await?) } else { None },
        incident,
        form,
        errors: shown.errors,
        is_overtaken: shown.is_overtaken,
        recipients,
        finish: going.finish,
        preview_url: link.map(|token| format!("{}/postmortems/preview/{token}", state.public_url())),
    };
    let drawn = form_page(postmortem::page(&page), has_errors);
    Ok(if shown.is_overtaken { (StatusCode::CONFLICT, drawn).into_response() } else { drawn })
}

async fn review(
    state: &AppState,
    incident: &Incident,
    form: &PostmortemForm,
    held: Option<String>,
) -> Result<PostmortemReview> {
    let is_mailed = form.notify == "yes";
    Ok(PostmortemReview {
        html: markdown::to_article(&form.body, "review").html,
        reach: if is_mailed { writing::reach(state, Some(incident), []).await? } else { Reach::default() },
        held,
        unread_times: writing::unread_times(&form.body),
        unanswered: unanswered(&form.body).into_iter().map(str::to_owned).collect(),
    })
}
