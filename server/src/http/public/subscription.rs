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
    forms::{FieldErrors, FollowsForm, PreferencesForm},
    ids::{ComponentId, IncidentId},
    subscriber::SubscriberState,
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
        Some(subscriber) if subscriptions::is_awaited(&state, &subscriber).await? => ConfirmState::Ask,
        Some(_) => ConfirmState::Done,
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
pub(crate) async fn show_manage(State(state): State<AppState>, Path(token): Path<String>) -> Result<Html<String>> {
    let subscriber = subscriptions::linked(&state, Purpose::Manage, &token).await?.ok_or(Error::NotFound)?;
    manage_page(&state, token, &subscriber, Choice::of(&subscriber)).await
}

/// Changes what someone hears of, and how.
pub(crate) async fn manage(
    State(state): State<AppState>,
    client: Client,
    Path(token): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let subscriber = subscriptions::linked(&state, Purpose::Manage, &token).await?.ok_or(Error::NotFound)?;
    if subscriber.state != SubscriberState::Active {
        let page = manage_page(&state, token, &subscriber, Choice::of(&subscriber)).await?;
        return Ok((StatusCode::CONFLICT, page).into_response());
    }
    let components: Vec<ComponentId> =
        state.store.components().await?.into_iter().map(|component| component.id).collect();
    let incidents: Vec<IncidentId> = subscriber.follows.incidents.iter().cloned().collect();
    let follows = FollowsForm::from_fields(&fields);
    let preferences = PreferencesForm::from_fields(&fields, &subscriber.preferences);
    match (follows.parse(&components, &incidents), preferences.parse()) {
        (Ok(follows), Ok(preferences)) => {
            let changed = subscriptions::change(&state, &client, &token, follows, preferences).await?;
            let changed = changed.ok_or(Error::NotFound)?;
            let choice = Choice { saved: true, ..Choice::of(&changed) };
            Ok(manage_page(&state, token, &changed, choice).await?.into_response())
        }
        (wrong_follows, wrong_preferences) => {
            let mut errors = wrong_follows.err().unwrap_or_default();
            for (field, message) in wrong_preferences.err().unwrap_or_default().iter() {
                errors.add(field, message);
            }
            let page = manage_page(&state, token, &subscriber, Choice { follows, preferences, saved: false, errors });
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page.await?).into_response())
        }
    }
}

/// What is ticked and chosen on the page.
struct Choice {
    follows: FollowsForm,
    preferences: PreferencesForm,
    saved: bool,
    errors: FieldErrors,
}

impl Choice {
    fn of(subscriber: &Subscriber) -> Self {
        Self {
            follows: (&subscriber.follows).into(),
            preferences: (&subscriber.preferences).into(),
            saved: false,
            errors: FieldErrors::default(),
        }
    }
}

async fn manage_page(
    state: &AppState,
    token: String,
    subscriber: &Subscriber,
    Choice { follows, preferences, saved, errors }: Choice,
) -> Result<Html<String>> {
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
        preferences,
        page_zone: state.zone().await?,
        incidents,
        saved,
        errors,
    };
    Ok(Html(manage::page(&page)))
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
