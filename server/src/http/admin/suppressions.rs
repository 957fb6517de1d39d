//! `/admin/suppressions`: addresses that must not be written to.

use app::pages::admin::suppressions::{self, Suppressions};
use axum::{
    extract::{Query, State},
    response::{Html, Response},
};
use domain::{email_address::EmailAddress, forms::Fields};
use tower_sessions::Session;

use super::{console, done};
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
