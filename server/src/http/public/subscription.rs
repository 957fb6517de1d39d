//! `/confirm/{token}`, `/manage/{token}`, `/unsubscribe/{token}`: GET shows, POST acts.
//!
//! Mail scanners follow every link, so that a GET that confirmed or unsubscribed would act for the wrong reader.

use app::pages::{
    confirm::{self, Confirm, ConfirmState},
    manage::{self, Manage},
    unsubscribe::{self, Unsubscribe},
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use domain::{
    component::sections,
    forms::{FieldErrors, FollowsForm},
    ids::{ComponentId, IncidentId},
    subscriber::{Follows, SubscriberState},
    token::Purpose,
};

use crate::{
    actions::subscriptions,
    error::{Error, Result},
    http::{client::Client, forms::Posted},
    state::AppState,
    store::subscribers::Subscriber,
};

/// Asks whether to start sending.
pub(crate) async fn show_confirm(State(state): State<AppState>, Path(token): Path<String>) -> Result<Response> {
    let known = subscriptions::linked(&state, Purpose::Confirm, &token).await?;
    let asked = match known {
        Some(subscriber) if subscriber.state == SubscriberState::Active => ConfirmState::Done,
        Some(_) => ConfirmState::Ask,
        None => ConfirmState::Invalid,
    };
    confirm_page(&state, token, asked, None).await
}

/// Starts sending.
pub(crate) async fn confirm(
    State(state): State<AppState>,
    client: Client,
    Path(token): Path<String>,
) -> Result<Response> {
    let confirmed = subscriptions::confirm(&state, &client, &token).await?;
    let manage_token = confirmed.as_ref().map(|subscriber| subscriptions::link(&state, Purpose::Manage, subscriber));
    let done = if confirmed.is_some() { ConfirmState::Done } else { ConfirmState::Invalid };
    confirm_page(&state, token, done, manage_token).await
}

async fn confirm_page(
    state: &AppState,
    token: String,
    asked: ConfirmState,
    manage_token: Option<String>,
) -> Result<Response> {
    let status = if asked == ConfirmState::Invalid { StatusCode::GONE } else { StatusCode::OK };
    let page = Confirm { site: state.site().await?, token, state: asked, manage_token };
    Ok((status, Html(confirm::page(&page))).into_response())
}

/// Shows what someone hears of.
pub(crate) async fn show_manage(State(state): State<AppState>, Path(token): Path<String>) -> Result<Response> {
    let subscriber = subscriptions::linked(&state, Purpose::Manage, &token).await?.ok_or(Error::NotFound)?;
    let follows = subscriber.follows.clone();
    manage_page(&state, token, &subscriber, follows, false, FieldErrors::default()).await
}

/// Changes what someone hears of.
pub(crate) async fn manage(
    State(state): State<AppState>,
    client: Client,
    Path(token): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let subscriber = subscriptions::linked(&state, Purpose::Manage, &token).await?.ok_or(Error::NotFound)?;
    if subscriber.state != SubscriberState::Active {
        let follows = subscriber.follows.clone();
        let page = manage_page(&state, token, &subscriber, follows, false, FieldErrors::default()).await?;
        return Ok((StatusCode::CONFLICT, page).into_response());
    }
    let components: Vec<ComponentId> =
        state.store.components().await?.into_iter().map(|component| component.id).collect();
    let incidents: Vec<IncidentId> = subscriber.follows.incidents.iter().cloned().collect();
    match FollowsForm::from_fields(&fields).parse(&components, &incidents) {
        Ok(follows) => {
            let changed = subscriptions::change(&state, &client, &token, follows).await?.ok_or(Error::NotFound)?;
            let follows = changed.follows.clone();
            manage_page(&state, token, &changed, follows, true, FieldErrors::default()).await
        }
        Err(errors) => {
            let page = manage_page(&state, token, &subscriber, Follows::default(), false, errors).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

async fn manage_page(
    state: &AppState,
    token: String,
    subscriber: &Subscriber,
    follows: Follows,
    saved: bool,
    errors: FieldErrors,
) -> Result<Response> {
    let mut incidents = Vec::new();
    for id in &subscriber.follows.incidents {
        if let Some(incident) = state.store.incident(id).await? {
            incidents.push((incident.id, incident.name));
        }
    }
    let page = Manage {
        site: state.site().await?,
        token,
        email: subscriber.email.to_string(),
        is_active: subscriber.state == SubscriberState::Active,
        sections: sections(state.store.groups().await?, state.store.components().await?),
        follows,
        incidents,
        saved,
        errors,
    };
    Ok(Html(manage::page(&page)).into_response())
}

/// Asks whether to stop.
pub(crate) async fn show_unsubscribe(State(state): State<AppState>, Path(token): Path<String>) -> Result<Response> {
    let known = match subscriptions::linked(&state, Purpose::Unsubscribe, &token).await? {
        Some(known) => Some(known),
        None => subscriptions::linked(&state, Purpose::Manage, &token).await?,
    };
    let done = known.as_ref().is_some_and(|known| known.state == SubscriberState::Unsubscribed);
    let manage_token = known.map(|known| subscriptions::link(&state, Purpose::Manage, &known));
    unsubscribe_page(&state, token, done, manage_token.is_none(), manage_token).await
}

/// Stops, at a person's click or a mail provider's (RFC 8058): without cookies, and harmless when repeated.
pub(crate) async fn unsubscribe(
    State(state): State<AppState>,
    client: Client,
    Path(token): Path<String>,
) -> Result<Response> {
    let done = subscriptions::unsubscribe(&state, &client, &token).await?;
    unsubscribe_page(&state, token, done, !done, None).await
}

async fn unsubscribe_page(
    state: &AppState,
    token: String,
    done: bool,
    invalid: bool,
    manage_token: Option<String>,
) -> Result<Response> {
    let status = if invalid { StatusCode::NOT_FOUND } else { StatusCode::OK };
    let page = Unsubscribe { site: state.site().await?, token, done, invalid, manage_token };
    Ok((status, Html(unsubscribe::page(&page))).into_response())
}
