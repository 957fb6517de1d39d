//! How many forms of people without an account are worked off at once.
//!
//! SQLite has one writer, who serves in the order in which they ask. Without a bound, whoever publishes while thousands sign
//! up, or are made to, would stand behind all of them.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::forms::FieldErrors;
use tokio::{sync::Semaphore, time::timeout};

use super::{BODY_LIMIT, forms::TOO_LARGE};
use crate::{error::Error, state::AppState};

/// How many at once.
const MOST: usize = 4;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// The places of this process.
#[derive(Debug)]
pub struct Crowd(Semaphore);

impl Default for Crowd {
    fn default() -> Self {
        Self(Semaphore::new(MOST))
    }
}

impl Crowd {
    /// Whether everyone else waits.
    pub fn is_full(&self) -> bool {
        self.0.available_permits() == 0
    }
}

/// Lets whatever may change something wait for its turn.
pub(super) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // Services that report have their own limits, and a secret.
    if request.method().is_safe() || request.uri().path().starts_with("/hooks/") {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    // Before it has a place: whoever sends slowly holds up nobody.
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Error::Invalid(FieldErrors::one("form", TOO_LARGE)).into_response();
    };
    let Ok(Ok(_place)) = timeout(PATIENCE, state.crowd().0.acquire()).await else {
        return Error::TooMany { retry_after: 60 }.into_response();
    };
    next.run(Request::from_parts(parts, Body::from(body))).await
}
