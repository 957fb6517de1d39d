//! The JSON API: what the console does, for programs.
//!
//! ```text
//! request ─ guard: whose key? how often? ─ require: may it do that? ─ Sent: JSON, read once ─ once ─ action
//! ```
//! The actions are the console's own. Nothing here looks at a cookie.

mod body;
pub(super) mod broadcasts;
pub(super) mod components;
pub(super) mod incidents;
mod once;
pub(super) mod openapi;
mod paging;
pub(super) mod subscribers;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{
    key::{ApiKey, Scope},
    token,
};
use jiff::{SignedDuration, Timestamp};

use super::{client::Client, error_pages::RATE};
use crate::{
    error::{Error, Result},
    state::AppState,
};

/// Requests are counted in windows of this length.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// Under this kind they are counted.
const ATTEMPT: &str = "api";

/// How many requests a key may still send (draft-ietf-httpapi-ratelimit-headers, in the form most clients read).
struct Quota {
    limit: i64,
    remaining: i64,
    reset: i64,
}

impl Quota {
    fn mark(&self, headers: &mut HeaderMap) {
        for (name, value) in RATE.into_iter().zip([self.limit, self.remaining, self.reset]) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

/// Lets only those on who bring a key that works, and not too often.
pub(super) async fn guard(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let now = state.clock.now();
    let key = match authenticate(&state, request.headers(), now).await {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    let quota = match count(&state, &key, now).await {
        Ok(quota) => quota,
        Err(error) => return error.into_response(),
    };
    let mut response = match &quota {
        Some(quota) if quota.remaining < 0 => Error::TooMany { retry_after: quota.reset }.into_response(),
        _ => {
            request.extensions_mut().insert(key);
            next.run(request).await
        }
    };
    if let Some(quota) = quota {
        Quota { remaining: quota.remaining.max(0), ..quota }.mark(response.headers_mut());
    }
    response
}

/// Lets only keys on that were made for this.
pub(super) async fn require(scope: Scope, Extension(key): Extension<ApiKey>, request: Request, next: Next) -> Response {
    if key.scopes.contains(&scope) {
        return next.run(request).await;
    }
    Error::Forbidden(match scope {
        Scope::Components => "This key was not made for components: use one with the scope `components`.",
        Scope::Incidents => "This key was not made for incidents: use one with the scope `incidents`.",
        Scope::Subscribers => "This key was not made for subscribers: use one with the scope `subscribers`.",
        Scope::Broadcasts => "This key was not made for broadcasts: use one with the scope `broadcasts`.",
    })
    .into_response()
}

async fn authenticate(state: &AppState, headers: &HeaderMap, now: Timestamp) -> Result<ApiKey> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let token = token.ok_or(Error::Unauthorized("Send a key: `Authorization: Bearer tdg_…`."))?;
    let key = state.store.key_by_hash(&token::hash(token)).await?;
    let key = key.ok_or(Error::Unauthorized("There is no such key. Copy all of it, or make a new one."))?;
    if key.revoked_at.is_some() {
        return Err(Error::Unauthorized("This key was revoked. Ask whoever runs the page for a new one."));
    }
    if !key.is_good(now) {
        return Err(Error::Unauthorized("This key has expired. Ask whoever runs the page for a new one."));
    }
    Ok(key)
}

/// The token of `Bearer TOKEN`; the scheme in any case of letters (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Counts this request, for all nodes together, and notes now and then that the key is used. Whoever sends too many is
/// refused without writing anything.
async fn count(state: &AppState, key: &ApiKey, now: Timestamp) -> Result<Option<Quota>> {
    let is_news = key.is_use_news(now);
    let limit = state.config().api_rate;
    if limit.is_none() && !is_news {
        return Ok(None);
    }
    let window = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
    let left = window - now.as_millisecond().rem_euclid(window);
    let quota = |limit, tries| Quota { limit, remaining: limit - tries, reset: (left + 999) / 1000 };
    if let Some(limit) = limit {
        let tries = state.store.attempts(ATTEMPT, key.id.as_str(), WINDOW, now).await?;
        if tries >= limit {
            return Ok(Some(quota(limit, limit + 1)));
        }
    }
    let mut write = state.store.write().await?;
    let quota = match limit {
        Some(limit) => Some(quota(limit, write.count_attempt(ATTEMPT, key.id.as_str(), WINDOW, now).await?)),
        None => None,
    };
    if is_news {
        write.note_key_use(&key.id, now).await?;
    }
    write.commit().await?;
    Ok(quota)
}

/// Who sent a request, for what only reads or deletes.
async fn client_of(request: &mut axum::http::request::Parts, state: &AppState) -> Client {
    use axum::extract::FromRequestParts;
    let Ok(client) = Client::from_request_parts(request, state).await;
    client
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn only_a_bearers_token_counts() {
        assert_eq!(bearer("Bearer tdg_x"), Some("tdg_x"));
        assert_eq!(bearer("bearer  tdg_x "), Some("tdg_x"));
        for other in ["", "tdg_x", "Basic dGRnX3g=", "Bearertdg_x"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
