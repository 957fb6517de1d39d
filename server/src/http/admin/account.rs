//! `/admin/account`

use app::pages::admin::account::{self, Account};
use axum::{extract::State, response::Response};
use domain::forms::FieldErrors;
use tower_sessions::Session;

use super::{console, done, form_page};
use crate::{
    actions::accounts,
    error::{Error, Result},
    http::{
        auth::{self, Actor},
        forms::Posted,
    },
    state::AppState,
};

/// One's own account.
pub(crate) async fn show(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    draw(&state, &actor, &session, FieldErrors::default()).await
}

/// Mails the person a link that shows that mail reaches them.
pub(crate) async fn ask_confirmation(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
) -> Result<Response> {
    accounts::ask_confirmation(&state, &actor).await?;
    let words = format!("A link is on its way to {}. It works once, within 24 hours.", actor.label());
    done(&session, &words, "/admin/account").await
}

/// Changes the password: every other session of this person ends.
pub(crate) async fn change_password(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let password = fields.get("password");
    if let Err(errors) = accounts::check_password(&password, &fields.get("password_again")) {
        return draw(&state, &actor, &session, errors).await;
    }
    match accounts::change_password(&state, &actor, fields.get("current"), password).await {
        Ok(user) => {
            // The session just ended with the others: this is a new one.
            session.clear().await;
            auth::start(&session, &user).await?;
            done(&session, "Your password was changed. Everywhere else you are signed out.", "/admin/account").await
        }
        Err(Error::Invalid(errors)) => draw(&state, &actor, &session, errors).await,
        Err(error) => Err(error),
    }
}

async fn draw(state: &AppState, actor: &Actor, session: &Session, errors: FieldErrors) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let page = Account {
        console: console(state, actor, session, "/admin/account").await?,
        now: state.clock.now(),
        confirmed_at: actor.user()?.confirmed_at,
        errors,
    };
    Ok(form_page(account::page(&page), has_errors))
}
