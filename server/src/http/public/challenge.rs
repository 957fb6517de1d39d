//! `/subscribe/challenge`: the puzzle that lets a request through while sign-ups surge.

use app::pages::{
    challenge::{self, Asked, ChallengePage},
    manage_link::{self, ManageLink},
    sent::{self, SubscribeSent},
};
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use domain::{challenge::Challenge, email_address::EmailAddress, forms::FieldErrors};

use crate::{
    actions::sign_ups,
    error::{Error, Result},
    http::{client::Client, forms::Posted},
    state::AppState,
};

/// Takes the answer; one that is none gets another puzzle.
pub(crate) async fn submit(State(state): State<AppState>, client: Client, Posted(fields): Posted) -> Result<Response> {
    let typed = fields.get("email").trim().to_owned();
    let email: EmailAddress =
        typed.parse().map_err(|error| Error::Invalid(FieldErrors::one("email", format!("{error}"))))?;
    let asked = if fields.get("asked") == Asked::ManageLink.as_str() { Asked::ManageLink } else { Asked::Subscription };
    if sign_ups::solve(&state, &client, &email, &fields.get("challenge"), &fields.get("answer")).await? {
        return answered(&state, typed, asked).await;
    }
    let challenge = sign_ups::new_challenge(&state, &email);
    let page = puzzle(&state, typed, asked, challenge, true).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// What a request is answered: the same for every address.
pub(super) async fn taken(state: &AppState, email: &EmailAddress, typed: String, asked: Asked) -> Result<Response> {
    match sign_ups::challenge(state, email).await? {
        Some(challenge) => Ok(puzzle(state, typed, asked, challenge, false).await?.into_response()),
        None => answered(state, typed, asked).await,
    }
}

async fn puzzle(
    state: &AppState,
    email: String,
    asked: Asked,
    challenge: String,
    has_failed: bool,
) -> Result<Html<String>> {
    let (site, difficulty) = (state.site().await?, Challenge::difficulty());
    Ok(Html(challenge::page(&ChallengePage { site, email, asked, challenge, difficulty, has_failed })))
}

async fn answered(state: &AppState, email: String, asked: Asked) -> Result<Response> {
    let site = state.site().await?;
    let page = match asked {
        Asked::Subscription => sent::page(&SubscribeSent { site, email }),
        Asked::ManageLink => {
            manage_link::page(&ManageLink { site, email, is_sent: true, errors: FieldErrors::default() })
        }
    };
    Ok(Html(page).into_response())
}
