//! `/admin/settings`

use app::pages::admin::settings::{self, Settings};
use axum::{extract::State, response::Response};
use domain::forms::{FieldErrors, SaveSettings, SettingsForm};
use tower_sessions::Session;

use super::{console, done, form_page};
use crate::{
    actions,
    error::Result,
    http::{auth::Actor, forms::Posted},
    state::AppState,
};

/// What the page is called, its clock and how it looks.
pub(crate) async fn show(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    let site = state.site().await?;
    let form = SettingsForm {
        name: site.name,
        time_zone: state.zone().await?.map(|zone| zone.as_str().to_owned()).unwrap_or_default(),
        accent: state.store.setting("accent").await?.unwrap_or_default(),
        links: SaveSettings::typed_links(&site.brand.links),
        support: site.brand.support.unwrap_or_default(),
    };
    draw(&state, &actor, &session, form, FieldErrors::default()).await
}

/// Changes any of it.
pub(crate) async fn submit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let form = SettingsForm::from_fields(&fields);
    match form.parse() {
        Ok(command) => {
            actions::settings::save(&state, &actor, command).await?;
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
    let console = console(state, actor, session, "/admin/settings").await?;
    let page = Settings { console, form, mail_from: state.config().mail_from.to_string(), errors };
    Ok(form_page(settings::page(&page), has_errors))
}
