//! `/subscribe`

use app::pages::{
    challenge::Asked,
    subscribe::{self, SubscribePage},
};
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use domain::{
    component::sections,
    forms::{FieldErrors, Fields, FollowsForm, SubscribeForm},
    ids::{ComponentId, IncidentId},
};

use super::challenge;
use crate::{
    actions::subscriptions,
    error::Result,
    http::{
        client::{Client, Language},
        forms::Posted,
    },
    state::AppState,
};

/// The form; `?incident=` offers to follow one incident, `?component=` ticks a component.
pub(crate) async fn show(
    State(state): State<AppState>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>> {
    let mut form = SubscribeForm::from_fields(&Fields(query));
    if offered_incident(&state, &form).await?.is_none() {
        form.follows.incidents.clear();
    }
    let is_bare = !form.follows.everything && form.follows.components.is_empty() && form.follows.incidents.is_empty();
    if is_bare {
        form.follows = FollowsForm { everything: true, ..FollowsForm::default() };
    }
    Ok(Html(draw(&state, form, FieldErrors::default()).await?))
}

/// Takes the wish, or shows the form again with all that was typed.
pub(crate) async fn submit(
    State(state): State<AppState>,
    client: Client,
    Language(locale): Language,
    Posted(fields): Posted,
) -> Result<Response> {
    let form = SubscribeForm::from_fields(&fields);
    let components: Vec<ComponentId> =
        state.store.components().await?.into_iter().map(|component| component.id).collect();
    let incident = offered_incident(&state, &form).await?;
    let incidents: Vec<IncidentId> = incident.into_iter().map(|(id, _)| id).collect();
    match form.parse(&components, &incidents) {
        Ok(command) => {
            // Whoever fills in a field that people do not see is told the same and written nothing.
            let email = command.email.clone();
            if form.website.is_empty() {
                subscriptions::subscribe(&state, &client, command, locale).await?;
            }
            challenge::taken(&state, &email, form.email.trim().to_owned(), Asked::Subscription).await
        }
        Err(errors) => Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(draw(&state, form, errors).await?)).into_response()),
    }
}

async fn offered_incident(state: &AppState, form: &SubscribeForm) -> Result<Option<(IncidentId, String)>> {
    let Some(Ok(id)) = form.follows.incidents.iter().next().map(|id| id.parse::<IncidentId>()) else { return Ok(None) };
    Ok(state.store.incident(&id).await?.map(|incident| (incident.id, incident.name)))
}

async fn draw(state: &AppState, form: SubscribeForm, errors: FieldErrors) -> Result<String> {
    let sections = sections(state.store.groups().await?, state.store.components().await?);
    let incident = offered_incident(state, &form).await?;
    Ok(subscribe::page(&SubscribePage { site: state.site().await?, sections, form, errors, incident }))
}
