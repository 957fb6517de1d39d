//! `/admin/suppressions`: addresses that must not be written to.

use app::{
    islands::thousands,
    pages::admin::suppressions::{self, ReleaseMany, Suppressions},
};
use axum::{
    extract::{Query, State},
    response::{Html, Response},
};
use domain::{
    email_address::EmailAddress,
    forms::{FieldErrors, Fields},
    time,
};
use jiff::Timestamp;
use tower_sessions::Session;

use super::{console, done, form_page};
use crate::{
    actions,
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    state::AppState,
};

/// How many are listed on a page.
const PAGE: usize = 50;

/// Which, by address.
pub(crate) async fn list(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>> {
    let fields = Fields(query);
    let (text, now) = (fields.get("q").trim().to_lowercase(), state.clock.now());
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut rows = state.store.suppressions(&text, &fields.get("after"), limit, now).await?;
    let has_more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let page = Suppressions {
        console: console(&state, &actor, &session, "/admin/suppressions").await?,
        count: state.store.count_suppressions(now).await?,
        text,
        next: rows.last().filter(|_| has_more).map(|last| last.email.clone()),
        rows,
    };
    Ok(Html(suppressions::page(&page)))
}

/// Allows mail to an address again.
pub(crate) async fn release(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let email: EmailAddress = fields.get("email").parse().map_err(|_| Error::NotFound)?;
    let lifted = actions::subscribers::release(&state, &actor, &email).await?;
    let words =
        if lifted { format!("Mail to {email} is allowed again.") } else { format!("{email} was allowed already.") };
    done(&session, &words, "/admin/suppressions").await
}

/// Asks from when on a mail server was wrong, and whether to allow mail to so many again.
pub(crate) async fn ask_many(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let typed = Fields(query).get("since");
    match typed.trim() {
        "" => draw_many(&state, &actor, &session, typed, Ok(None)).await,
        text => {
            let since = since(&state, text).map(Some);
            draw_many(&state, &actor, &session, typed, since).await
        }
    }
}

/// Allows mail to all of them again.
pub(crate) async fn release_many(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let typed = fields.get("since");
    let since = match since(&state, &typed) {
        Ok(since) => since,
        Err(errors) => return draw_many(&state, &actor, &session, typed, Err(errors)).await,
    };
    let words = match actions::subscribers::release_many(&state, &actor, since).await? {
        0 => "They were allowed already.".to_owned(),
        1 => "Mail to 1 address is allowed again.".to_owned(),
        lifted => {
            format!("Mail to {} addresses is allowed again.", thousands(i64::try_from(lifted).unwrap_or(i64::MAX)))
        }
    };
    done(&session, &words, "/admin/suppressions").await
}

fn since(state: &AppState, typed: &str) -> std::result::Result<Timestamp, FieldErrors> {
    time::parse_past(typed, state.clock.now()).map_err(|error| FieldErrors::one("since", error.to_string()))
}

async fn draw_many(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    typed: String,
    since: std::result::Result<Option<Timestamp>, FieldErrors>,
) -> Result<Response> {
    let (since, errors) = match since {
        Ok(since) => (since, FieldErrors::default()),
        Err(errors) => (None, errors),
    };
    let found = match since {
        Some(since) => Some((since, state.store.count_nobody_since(since).await?)),
        None => None,
    };
    let has_errors = !errors.is_empty();
    let page = ReleaseMany {
        console: console(state, actor, session, "/admin/suppressions/release-many").await?,
        typed,
        errors,
        found,
    };
    Ok(form_page(suppressions::release_many_page(&page), has_errors))
}
