//! `/admin/subscribers`: who is told, and everything that can be done for one of them.

use std::collections::HashMap;

use app::pages::admin::{
    subscriber::{self, EraseSubscriber, SentRow, SubscriberPage},
    subscriber_new::{self, SubscriberNew},
    subscribers::{self, SubscriberRow, Subscribers},
};
use axum::{
    extract::{Path, Query, State},
    response::{Html, Response},
};
use domain::{
    component::{Section, sections},
    delivery::DeliveryState,
    forms::{
        AddSubscriberForm, FieldErrors, Fields, FollowsForm, PreferencesForm, STATES, SubscriberSearch,
        everything_ticked,
    },
    ids::{DeliveryId, IncidentId, SubscriberId},
    subscriber::SubscriberState,
};
use jiff::Timestamp;
use tower_sessions::Session;

use super::{component_ids, console, deliveries::came_back, done, form_page};
use crate::{
    actions::subscribers::{self as actions, Added},
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    state::AppState,
    store::{bounces::Bounce, subscriber_list::SentMessage, subscribers::Subscriber},
};

/// How many are listed on a page.
const PAGE: i64 = 50;
/// How many messages are listed on a page.
const SENT: i64 = 25;

/// Who was found, newest first.
pub(crate) async fn list(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>> {
    let fields = Fields(query);
    let search = SubscriberSearch::from_fields(&fields);
    let before = fields.get("before").parse().ok().map(SubscriberId);
    let (found, next) = actions::list(&state, &search.filter(), before, PAGE).await?;
    let counts = state.store.count_subscribers().await?;
    let count = |state| match state {
        SubscriberState::Pending => counts.pending,
        SubscriberState::Active => counts.active,
        SubscriberState::Unsubscribed => counts.unsubscribed,
    };
    let page = Subscribers {
        console: console(&state, &actor, &session, "/admin/subscribers").await?,
        counts: STATES.iter().map(|state| (*state, count(*state))).collect(),
        suppressed: state.store.count_suppressions(state.clock.now()).await?,
        search,
        sections: all_sections(&state).await?,
        rows: found.into_iter().map(row).collect(),
        is_further: before.is_some(),
        next,
    };
    Ok(Html(subscribers::page(&page)))
}

fn row(subscriber: Subscriber) -> SubscriberRow {
    SubscriberRow {
        id: subscriber.id,
        email: subscriber.email.to_string(),
        state: subscriber.state,
        follows: subscriber.follows,
        created_at: subscriber.created_at,
    }
}

/// An empty form.
pub(crate) async fn new(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    let preferences = PreferencesForm { locale: "en".to_owned(), ..PreferencesForm::default() };
    let form = AddSubscriberForm { follows: everything_ticked(), preferences, ..AddSubscriberForm::default() };
    draw_new(&state, &actor, &session, form, FieldErrors::default()).await
}

/// Adds someone.
pub(crate) async fn create(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let form = AddSubscriberForm::from_fields(&fields);
    let command = match form.parse(&component_ids(&state).await?) {
        Ok(command) => command,
        Err(errors) => return draw_new(&state, &actor, &session, form, errors).await,
    };
    let added = match actions::add(&state, &actor, command).await {
        Err(Error::Invalid(errors)) => return draw_new(&state, &actor, &session, form, errors).await,
        added => added?,
    };
    let email = &added.subscriber().email;
    let words = match &added {
        Added::Active(_) => format!("{email} is subscribed."),
        Added::Asked(_) => format!("{email} was sent a mail to confirm."),
        Added::Known(known) if known.state == SubscriberState::Active => {
            format!("{email} is subscribed already; nothing was changed.")
        }
        Added::Known(_) => format!("{email} was asked to confirm a short while ago; nothing was changed."),
    };
    done(&session, &words, &format!("/admin/subscribers/{}", added.subscriber().id)).await
}

async fn draw_new(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    form: AddSubscriberForm,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let page = SubscriberNew {
        console: console(state, actor, session, "/admin/subscribers/new").await?,
        form,
        errors,
        sections: all_sections(state).await?,
        page_zone: state.zone().await?,
    };
    Ok(form_page(subscriber_new::page(&page), has_errors))
}

/// One of them.
pub(crate) async fn show(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let subscriber = find(&state, &id).await?;
    let choice = ((&subscriber.follows).into(), (&subscriber.preferences).into());
    draw(&state, &actor, &session, subscriber, choice, &Fields(query), FieldErrors::default()).await
}

/// Changes what they hear of, and how.
pub(crate) async fn update(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Result<Response> {
    let subscriber = find(&state, &id).await?;
    let incidents: Vec<IncidentId> = subscriber.follows.incidents.iter().cloned().collect();
    let follows = FollowsForm::from_fields(&fields);
    let preferences = PreferencesForm::from_fields(&fields, &subscriber.preferences);
    let mut errors = FieldErrors::default();
    let wanted = errors.take_all(follows.parse(&component_ids(&state).await?, &incidents));
    let how = errors.take_all(preferences.parse());
    match (wanted, how) {
        (Some(wanted), Some(how)) => {
            actions::change(&state, &actor, subscriber.id, wanted, how).await?;
            done(&session, "Saved.", &format!("/admin/subscribers/{}", subscriber.id)).await
        }
        _ => draw(&state, &actor, &session, subscriber, (follows, preferences), &Fields::default(), errors).await,
    }
}

/// Ends their subscription.
pub(crate) async fn remove(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let subscriber = find(&state, &id).await?;
    actions::remove(&state, &actor, subscriber.id).await?;
    let words = format!("{} is unsubscribed.", subscriber.email);
    done(&session, &words, &format!("/admin/subscribers/{}", subscriber.id)).await
}

/// Asks whether to erase them.
pub(crate) async fn ask_erase(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Html<String>> {
    let subscriber = find(&state, &id).await?;
    let console = console(&state, &actor, &session, "/admin/subscribers/erase").await?;
    let page = EraseSubscriber { console, id: subscriber.id, email: subscriber.email.to_string() };
    Ok(Html(subscriber::erase_page(&page)))
}

/// Erases them.
pub(crate) async fn erase(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let subscriber = find(&state, &id).await?;
    actions::erase(&state, &actor, subscriber.id).await?;
    done(&session, "The person was erased.", "/admin/subscribers").await
}

/// Allows mail to their address again.
pub(crate) async fn release(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let subscriber = find(&state, &id).await?;
    actions::release(&state, &actor, &subscriber.email).await?;
    let words = format!("Mail to {} is allowed again.", subscriber.email);
    done(&session, &words, &format!("/admin/subscribers/{}", subscriber.id)).await
}

async fn find(state: &AppState, id: &str) -> Result<Subscriber> {
    let id = SubscriberId(id.parse().map_err(|_| Error::NotFound)?);
    state.store.subscriber(id).await?.ok_or(Error::NotFound)
}

async fn all_sections(state: &AppState) -> Result<Vec<Section>> {
    Ok(sections(state.store.groups().await?, state.store.components().await?))
}

async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    subscriber: Subscriber,
    (follows, form): (FollowsForm, PreferencesForm),
    query: &Fields,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let at = query.get("before").parse().ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let before_id = query.get("id");
    let before = at.map_or((Timestamp::MAX, ""), |at| (at, before_id.as_str()));
    let mut sent = state.store.sent_to(subscriber.id, before, SENT + 1).await?;
    let has_more = i64::try_from(sent.len()).is_ok_and(|count| count > SENT);
    sent.truncate(usize::try_from(SENT).unwrap_or(0));
    let next = sent.last().filter(|_| has_more);
    let next = next.map(|last| (last.created_at.as_millisecond(), last.id.to_string()));
    let dates = [
        ("First asked", Some(subscriber.created_at)),
        ("Confirmed", subscriber.confirmed_at),
        ("Left", subscriber.unsubscribed_at),
    ];
    let mut incidents = Vec::new();
    for id in &subscriber.follows.incidents {
        incidents.extend(state.store.incident(id).await?.map(|incident| (incident.id, incident.name)));
    }
    let bounces = state.store.bounces_of(sent.iter().map(|message| &message.id)).await?;
    let page = SubscriberPage {
        console: console(state, actor, session, "/admin/subscribers/one").await?,
        id: subscriber.id,
        suppression: state.store.suppression(&subscriber.email.canonical(), state.clock.now()).await?,
        email: subscriber.email.to_string(),
        state: subscriber.state,
        preferences: subscriber.preferences,
        consent: subscriber.consent,
        dates: dates.into_iter().filter_map(|(what, at)| Some((what, at?))).collect(),
        follows,
        form,
        errors,
        sections: all_sections(state).await?,
        incidents,
        page_zone: state.zone().await?,
        sent: sent.into_iter().map(|message| sent_row(message, &bounces)).collect(),
        next,
    };
    Ok(form_page(subscriber::page(&page), has_errors))
}

fn sent_row(message: SentMessage, bounces: &HashMap<DeliveryId, Bounce>) -> SentRow {
    let (incident, name) = message.incident.unzip();
    let what = name.unwrap_or_else(|| match message.kind.as_str() {
        "confirmation" => "Request to confirm".to_owned(),
        "manage_link" => "Link to their subscription".to_owned(),
        kind => kind.replace('_', " "),
    });
    // What a server said stays with those who failed; nobody needs it of those who got their mail.
    let reason = match bounces.get(&message.id) {
        Some(bounce) => came_back(bounce),
        None if message.state == DeliveryState::Sent => String::new(),
        None => message.reason,
    };
    SentRow {
        id: message.id.to_string(),
        what,
        incident,
        state: message.state,
        reason,
        created_at: message.created_at,
        updated_at: message.updated_at,
    }
}
