//! The console. Every handler here sits behind the guard of the URL table but those of `sign_in` and `password`.

pub(super) mod account;
pub(super) mod audit;
pub(super) mod broadcasts;
pub(super) mod components;
pub(super) mod confirm;
pub(super) mod dashboard;
pub(super) mod deliveries;
pub(super) mod drafts;
pub(super) mod groups;
pub(super) mod incident;
pub(super) mod incident_new;
pub(super) mod incidents;
pub(super) mod keys;
pub(super) mod mail;
mod names;
pub(super) mod outbox;
pub(super) mod password;
pub(super) mod postmortem;
pub(super) mod postmortems;
pub(super) mod settings;
pub(super) mod sign_in;
pub(super) mod subscriber_export;
pub(super) mod subscriber_import;
pub(super) mod subscribers;
pub(super) mod suppressions;
pub(super) mod templates;
pub(super) mod updates;
mod writing;

use std::sync::Arc;

use app::pages::admin::shell::Console;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use domain::ids::ComponentId;
use tower_sessions::{Expiry, Session};

use super::{SESSION_LIFE, auth::Actor};
use crate::{actions, error::Result, state::AppState, store::sessions::Sessions};

/// Under this key lies what was just done, to be said once on the next page.
const FLASH: &str = "flash";

/// The frame of a page at `path`, with what was just done.
async fn console(state: &AppState, actor: &Actor, session: &Session, path: &str) -> Result<Console> {
    let flash = said_once(state, session).await?;
    Ok(Console { site: state.site().await?, user_email: actor.label().to_owned(), path: path.to_owned(), flash })
}

/// What was just done. A page without it writes nothing, and one with it is shown even if that cannot be forgotten just
/// now: looking must not need the writer.
async fn said_once(state: &AppState, session: &Session) -> Result<Option<String>> {
    let flash = session.get::<String>(FLASH).await?;
    if flash.is_some() {
        // A handle of its own: changes to the request's are saved after the page is drawn, and fail it.
        let sessions = Sessions(state.store.clone(), state.clock.clone());
        let own = Session::new(session.id(), Arc::new(sessions), Some(Expiry::OnInactivity(SESSION_LIFE)));
        own.remove_value(FLASH).await?;
        if let Err(error) = own.save().await {
            tracing::warn!("What was just done is said once more, for the session could not be written: {error}");
        }
    }
    Ok(flash)
}

/// On to another page (303, so that reloading it posts nothing again), which says what was done.
async fn done(session: &Session, words: &str, to: &str) -> Result<Response> {
    session.insert(FLASH, words).await?;
    Ok(Redirect::to(to).into_response())
}

/// A form that came back: 422 when something in it is wrong.
fn form_page(html: String, has_errors: bool) -> Response {
    let status = if has_errors { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    (status, Html(html)).into_response()
}

/// The ids of all components, for forms that list some of them.
async fn component_ids(state: &AppState) -> Result<Vec<ComponentId>> {
    Ok(state.store.components().await?.into_iter().map(|component| component.id).collect())
}

/// A key for a form: sending the same form twice acts once.
fn form_key() -> String {
    format!("{:016x}", actions::random())
}
