//! `/admin/settings`

use app::pages::admin::settings::{self, SenderView, Settings};
use axum::{extract::State, response::Response};
use domain::forms::{FieldErrors, SaveSettings, SettingsForm};
use tower_sessions::Session;

use super::{console, done, form_page};
use crate::{
    actions::settings as actions,
    error::Result,
    http::{auth::Actor, forms::PostedFile},
    mail::identity::DEFAULT_SENDER,
    state::AppState,
};

/// The largest upload that is read to its end, so that what else was typed comes back: a picture straight from a camera.
pub(crate) const UPLOAD: usize = 32 * 1024 * 1024;

/// What the page is called, its clock, how it looks and who writes.
pub(crate) async fn show(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    let chosen = actions::chosen(&state.store.settings().await?);
    let (sender_name, sender_email) =
        chosen.sender.map(|sender| (sender.name, sender.email.to_string())).unwrap_or_default();
    let form = SettingsForm {
        links: SaveSettings::typed_links(&chosen.links),
        name: chosen.name,
        time_zone: chosen.zone.map(|zone| zone.as_str().to_owned()).unwrap_or_default(),
        accent: chosen.accent.map(|colour| colour.to_string()).unwrap_or_default(),
        support: chosen.support.unwrap_or_default(),
        ground: chosen.ground.as_str().to_owned(),
        remove_logo: false,
        sender_name,
        sender_email,
    };
    draw(&state, &actor, &session, form, FieldErrors::default()).await
}

/// Changes any of it.
pub(crate) async fn submit(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    PostedFile { fields, file }: PostedFile,
) -> Result<Response> {
    let form = SettingsForm::from_fields(&fields);
    let mut errors = FieldErrors::default();
    let logo = errors.take_all(form.logo(file));
    match (errors.take_all(form.parse()), logo) {
        (Some(command), Some(logo)) => {
            actions::save(&state, &actor, command, logo).await?;
            done(&session, "The settings were saved.", "/admin/settings").await
        }
        _ => draw(&state, &actor, &session, form, errors).await,
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
    let sender = match &state.config().mail_from {
        Some(sender) => SenderView::Fixed(sender.to_string()),
        None if form.sender_email.trim().is_empty() => SenderView::Default(DEFAULT_SENDER.to_owned()),
        None => SenderView::Chosen,
    };
    let console = console(state, actor, session, "/admin/settings").await?;
    Ok(form_page(settings::page(&Settings { console, form, sender, errors }), has_errors))
}
