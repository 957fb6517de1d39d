//! `/manage`: the link to one's own subscription, sent once more.

use app::pages::manage_link::{self, ManageLink};
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use domain::{email_address::EmailAddress, forms::FieldErrors};

use crate::{
    actions::subscriptions,
    error::Result,
    http::{client::Client, forms::Posted},
    state::AppState,
};

/// Asks where to send it.
pub(crate) async fn show(State(state): State<AppState>) -> Result<Html<String>> {
    draw(&state, String::new(), false, FieldErrors::default()).await
}

/// Sends it, if there is anyone to send it to; the answer does not tell.
pub(crate) async fn submit(State(state): State<AppState>, client: Client, Posted(fields): Posted) -> Result<Response> {
    let typed = fields.get("email");
    match typed.parse::<EmailAddress>() {
        Ok(email) => {
            subscriptions::send_manage_link(&state, &client, &email).await?;
            Ok(draw(&state, email.to_string(), true, FieldErrors::default()).await?.into_response())
        }
        Err(error) => {
            let page = draw(&state, typed, false, FieldErrors::one("email", error.to_string())).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

async fn draw(state: &AppState, email: String, is_sent: bool, errors: FieldErrors) -> Result<Html<String>> {
    Ok(Html(manage_link::page(&ManageLink { site: state.site().await?, email, is_sent, errors })))
}
