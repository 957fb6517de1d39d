//! `/admin/welcome/{token}`: the one-time link with which someone chooses a password.

use app::pages::admin::password::{self, ChoosePassword};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use tower_sessions::Session;

use crate::{
    actions::accounts,
    error::{Error, Result},
    http::{auth, client::Client, forms::Posted},
    state::AppState,
    store::users::LinkPurpose,
};

/// Shows the form; the link is not used up by looking.
pub(crate) async fn show(State(state): State<AppState>, Path(token): Path<String>) -> Result<Html<String>> {
    let user = accounts::linked(&state, LinkPurpose::Password, &token).await?.ok_or(Error::NotFound)?;
    let page = ChoosePassword { site: state.site().await?, token, email: user.email.to_string(), error: None };
    Ok(Html(password::page(&page)))
}

/// Sets the password, uses the link up and signs in.
pub(crate) async fn submit(
    State(state): State<AppState>,
    session: Session,
    client: Client,
    Path(token): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let user = accounts::linked(&state, LinkPurpose::Password, &token).await?.ok_or(Error::NotFound)?;
    let password = fields.get("password");
    if let Err(errors) = accounts::check_password(&password, &fields.get("password_again")) {
        let error = errors.iter().map(|(_, message)| message.to_owned()).next();
        let page = ChoosePassword { site: state.site().await?, token, email: user.email.to_string(), error };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(password::page(&page))).into_response());
    }
    let user = accounts::choose_password(&state, &client, &token, password).await?;
    auth::start(&session, &user).await?;
    Ok(Redirect::to("/admin").into_response())
}
