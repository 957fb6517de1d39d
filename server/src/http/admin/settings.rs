//! `/admin/settings`

use app::pages::admin::settings::{self, Settings};
use axum::{extract::State, response::Response};
use domain::forms::{FieldErrors, SettingsForm};
use tower_sessions::Session;

use super::{console, done, form_page};
use crate::{
    actions,
    error::Result,
    http::{auth::Actor, forms::Posted},
    state::AppState,
};

/// What the page is called.
pub(crate) async fn show(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    let form = SettingsForm { name: state.site().await?.name };
    draw(&state, &actor, &session, form, FieldErrors::default()).await
}

/// Gives it another name.
pub(crate) async fn submit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let form = SettingsForm { name: fields.get("name") };
    match form.parse() {
        Ok(name) => {
            actions::settings::rename(&state, &actor, &name).await?;
            done(&session, "The settings were saved.", "/admin/settings").await
        }
        Err(errors) => draw(&state, &actor, &session, form, errors).await,
    }
}

async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    form: SettingsForm,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let page = Settings { console: console(state, actor, session, "/admin/settings").await?, form, errors };
    Ok(form_page(settings::page(&page), has_errors))
}
