//! `/api/v1/subscribers`

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    forms::{AddSubscriber, FieldErrors, FollowsForm, Subscribe, SubscribeForm},
    ids::{ComponentId, SubscriberId},
    subscriber::{Consent, SubscriberState},
    time::rfc3339,
};
use serde_json::{Value, json};

use super::{
    body::{Program, Sent},
    once::once,
    paging::{Page, not_there},
};
use crate::{
    actions::{subscribers, subscriptions},
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
    store::subscribers::Subscriber,
};

/// Everyone who has not left, newest first.
pub(crate) async fn list(State(state): State<AppState>, page: Page) -> Result<Response> {
    let before = page.before::<i64>()?.map(SubscriberId);
    if before.is_some_and(|id| id.0 < 1) {
        return Err(not_there());
    }
    let found = state.store.subscribers_page(before, page.wanted()).await?;
    Ok(page.answer(found, |subscriber| subscriber.id.to_string(), |subscriber| Some(shown(subscriber))))
}

/// One who has not left.
pub(crate) async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>> {
    Ok(Json(shown(&find(&state, &id).await?)))
}

/// Asks someone to confirm, or adds who has agreed elsewhere.
pub(crate) async fn create(State(state): State<AppState>, mut sent: Sent) -> Result<Response> {
    let is_confirmed = sent.body.flag("confirmed").unwrap_or(false);
    let command = command(&state, &mut sent).await;
    let command = sent.body.finish(command?)?;
    let (actor, client) = (&sent.actor, &sent.client);
    let act = async {
        let added = if is_confirmed {
            subscribers::add(&state, actor, agreed(actor, command)).await.map(|added| added.subscriber().id)
        } else {
            subscriptions::subscribe_by(&state, actor, client, command).await
        };
        added.map(|id| id.to_string())
    };
    once(&state, actor, StatusCode::CREATED, act, |id| shown_at(&state, id)).await
}

/// Takes someone off the list.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Program(actor): Program,
) -> Result<StatusCode> {
    let subscriber = find(&state, &id).await?;
    subscribers::remove(&state, &actor, subscriber.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Someone of whom a program says that they have agreed.
fn agreed(actor: &Actor, Subscribe { email, follows }: Subscribe) -> AddSubscriber {
    let reason = format!("confirmed by “{}”, {}", actor.label(), actor.address);
    AddSubscriber { email, follows, preferences: None, consent: Consent::Stated(reason) }
}

/// Whoever names no components hears of everything.
async fn command(state: &AppState, sent: &mut Sent) -> Result<std::result::Result<Subscribe, FieldErrors>> {
    let known: Vec<ComponentId> = state.store.components().await?.into_iter().map(|component| component.id).collect();
    let listed = sent.body.texts("components");
    if listed.as_ref().is_some_and(|listed| listed.iter().any(|id| known.iter().all(|known| known.as_str() != id))) {
        sent.body.refuse("components", "there is no such component: list ids of components on the page");
    }
    if listed.as_ref().is_some_and(Vec::is_empty) {
        sent.body.refuse("components", "list at least one, or leave it out to follow everything");
    }
    let follows = FollowsForm {
        everything: listed.is_none(),
        components: listed.unwrap_or_default().into_iter().collect(),
        ..FollowsForm::default()
    };
    let email = sent.body.text("email").unwrap_or_default();
    let parsed = SubscribeForm { email, follows, website: String::new() }.parse(&known, &[]);
    // What it says of `follows` was said of `components`.
    Ok(parsed.map_err(|errors| {
        let mut kept = FieldErrors::default();
        errors.iter().filter(|(field, _)| *field != "follows").for_each(|(field, message)| kept.add(field, message));
        kept
    }))
}

fn number(id: &str) -> Result<SubscriberId> {
    id.parse().map(SubscriberId).map_err(|_| Error::NotFound)
}

async fn find(state: &AppState, id: &str) -> Result<Subscriber> {
    let found = state.store.subscriber(number(id)?).await?;
    found.filter(|subscriber| subscriber.state != SubscriberState::Unsubscribed).ok_or(Error::NotFound)
}

async fn shown_at(state: &AppState, id: String) -> Result<Value> {
    Ok(shown(&find(state, &id).await?))
}

fn shown(subscriber: &Subscriber) -> Value {
    json!({
        "id": subscriber.id.to_string(),
        "email": subscriber.email.as_str(),
        "state": subscriber.state.as_str(),
        "everything": subscriber.follows.everything,
        "components": subscriber.follows.components,
        "incidents": subscriber.follows.incidents,
        "created_at": rfc3339(subscriber.created_at),
        "confirmed_at": subscriber.confirmed_at.map(rfc3339),
    })
}
