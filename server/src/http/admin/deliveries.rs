//! `/admin/deliveries` and `/admin/broadcasts/{id}/recipients`: who was mailed, and what became of it.

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
};

use app::pages::admin::recipients::{self, Deliveries, MailLine, Recipients};
use axum::{
    extract::{Path, Query, State},
    response::Html,
};
use domain::{
    delivery::DeliveryState,
    email_address::EmailAddress,
    forms::Fields,
    ids::{BroadcastId, DeliveryId, SubscriberId},
    time,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower_sessions::Session;

use super::{broadcasts::find, console};
use crate::{
    error::Result,
    http::auth::Actor,
    state::AppState,
    store::{bounces::Bounce, recipients::Recipient},
};

/// How many mails a page lists.
const LISTED: i64 = 100;

/// The people of one broadcast: all, those in a state, or the one with an address.
pub(crate) async fn of_broadcast(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>> {
    let broadcast = find(&state, &id).await?;
    let query = Fields(query);
    let (address, wanted) = (query.get("address"), query.get("state").parse::<DeliveryState>().ok());
    let after = SubscriberId(query.get("after").parse().unwrap_or(0));
    let mut found = if address.trim().is_empty() {
        state.store.recipients(&broadcast.id, wanted, after, LISTED + 1).await?
    } else {
        match subscriber(&state, &address).await? {
            Some(subscriber) => state.store.mails_to(subscriber, Some(&broadcast.id), 1, 0).await?,
            None => Vec::new(),
        }
    };
    let has_more = found.len() > usize::try_from(LISTED).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(LISTED).unwrap_or(usize::MAX));
    let state_word = wanted.map_or("", DeliveryState::as_str);
    let next = found.last().filter(|_| has_more).map(|last| format!("state={state_word}&after={}", last.subscriber));
    let incident = state.store.incident(&broadcast.incident).await?;
    let page = Recipients {
        console: console(&state, &actor, &session, "/admin/broadcasts").await?,
        now: state.clock.now(),
        broadcast: broadcast.id.clone(),
        incident_name: incident.map(|incident| incident.name).unwrap_or_default(),
        address,
        state: state_word.to_owned(),
        lines: lines(&state, found, &HashMap::new()).await?,
        next,
        is_open: broadcast.state.is_open(),
    };
    Ok(Html(recipients::page(&page)))
}

/// `?address=`: all mails to one address that are still remembered.
pub(crate) async fn to_address(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>> {
    let query = Fields(query);
    let address = query.get("address").trim().to_owned();
    let page = query.get("page").parse().unwrap_or(1).clamp(1, 1_000_000);
    let (mut found, mut error) = (Vec::new(), None);
    if !address.is_empty() {
        match address.parse::<EmailAddress>() {
            Err(_) => error = Some("Write a whole address, such as name@example.com.".to_owned()),
            Ok(parsed) => {
                let skip = (page - 1) * LISTED;
                found = match subscriber(&state, &address).await? {
                    Some(subscriber) => state.store.mails_to(subscriber, None, LISTED + 1, skip).await?,
                    None => Vec::new(),
                };
                if page == 1 && found.len() < usize::try_from(LISTED).unwrap_or(0) {
                    found.extend(state.store.letters_to(parsed.as_str(), LISTED).await?);
                    found.sort_by_key(|mail| Reverse(mail.created_at));
                }
            }
        }
    }
    let has_more = found.len() > usize::try_from(LISTED).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(LISTED).unwrap_or(usize::MAX));
    let mut names = HashMap::new();
    for broadcast in found.iter().filter_map(|mail| mail.broadcast.clone()) {
        if let Entry::Vacant(vacant) = names.entry(broadcast) {
            let name = name_of(&state, vacant.key()).await?;
            vacant.insert(name);
        }
    }
    let page = Deliveries {
        console: console(&state, &actor, &session, "/admin/broadcasts").await?,
        now: state.clock.now(),
        encoded: utf8_percent_encode(&address, NON_ALPHANUMERIC).to_string(),
        address,
        error,
        lines: lines(&state, found, &names).await?,
        page,
        has_more,
    };
    Ok(Html(recipients::deliveries(&page)))
}

/// What the incident of a broadcast is called.
async fn name_of(state: &AppState, broadcast: &BroadcastId) -> Result<String> {
    let Some(broadcast) = state.store.broadcast(broadcast).await? else { return Ok(String::new()) };
    Ok(state.store.incident(&broadcast.incident).await?.map(|incident| incident.name).unwrap_or_default())
}

async fn subscriber(state: &AppState, address: &str) -> Result<Option<SubscriberId>> {
    match address.trim().parse::<EmailAddress>() {
        Ok(address) => Ok(state.store.subscriber_with(&address.canonical()).await?),
        Err(_) => Ok(None),
    }
}

async fn lines(state: &AppState, found: Vec<Recipient>, names: &HashMap<BroadcastId, String>) -> Result<Vec<MailLine>> {
    let bounces = state.store.bounces_of(found.iter().map(|mail| &mail.id)).await?;
    Ok(found.into_iter().map(|mail| line(mail, names, &bounces)).collect())
}

fn line(mail: Recipient, names: &HashMap<BroadcastId, String>, bounces: &HashMap<DeliveryId, Bounce>) -> MailLine {
    let reason = bounces.get(&mail.id).map_or(mail.reason, came_back);
    let broadcast = mail.broadcast.map(|id| {
        let name = names.get(&id).cloned().unwrap_or_default();
        (id, name)
    });
    MailLine {
        broadcast,
        kind: mail.kind,
        address: mail.address,
        state: mail.state,
        reason,
        attempts: mail.attempts,
        due_at: mail.due_at,
        updated_at: mail.updated_at,
    }
}

/// What was reported of a mail after it was sent.
pub(super) fn came_back(bounce: &Bounce) -> String {
    let words = if bounce.diagnostic.is_empty() { String::new() } else { format!(": {}", bounce.diagnostic) };
    format!("{}, {}{words}", bounce.kind.label(), time::full(bounce.at))
}
