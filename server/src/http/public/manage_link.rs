//! `/manage`: the link to one's own subscription, sent once more.

use app::pages::{
    challenge::Asked,
    manage_link::{self, ManageLink},
};
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use domain::{email_address::EmailAddress, forms::FieldErrors};

use super::challenge;
use crate::{
    actions::subscriptions,
    error::Result,
    http::{client::Client, forms::Posted},
    state::AppState,
};

/// Asks where to send it.
pub(crate) async fn show(State(state): State<AppState>) -> Result<Html<String>> {
    draw(&state, String::new(), FieldErrors::default()).await
}

/// Sends it, if there is anyone to send it to; the answer does not tell.
pub(crate) async fn submit(State(state): State<AppState>, client: Client, Posted(fields): Posted) -> Result<Response> {
    let typed = fields.get("email");
    match typed.parse::<EmailAddress>() {
        Ok(email) => {
            subscriptions::send_manage_link(&state, &client, &email).await?;
            challenge::taken(&state, &email, email.to_string(), Asked::ManageLink).await
        }
        Err(error) => {
            let page = draw(&state, typed, FieldErrors::one("email", error.to_string())).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

async fn draw(state: &AppState, email: String, errors: FieldErrors) -> Result<Html<String>> {
    let page = ManageLink { site: state.site().await?, email, is_sent: false, errors };
    Ok(Html(manage_link::page(&page)))
}
