//! How many forms of people without an account are worked off at once, and how many wait for that.
//!
//! SQLite has one writer, who serves in the order in which they ask. Without a bound, whoever publishes while thousands sign
//! up, or are made to, would stand behind all of them. Those who hold a link from a mail have places of their own: however
//! many sign up, whoever wants to leave can.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{error::Error, state::AppState};

/// How many at once.
const STRANGERS: usize = 4;
/// How many of those with a link.
const LINK_HOLDERS: usize = 2;
/// How many more of each kind are read or wait: their forms are in memory.
const LINE: usize = 256;
/// The largest form, in bytes.
const FORM_LIMIT: usize = 64 * 1024;
/// How long a form may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);
/// After how many seconds to try again.
const LATER: i64 = 60;

/// The places of this process.
#[derive(Debug)]
pub struct Crowd {
    strangers: Places,
    link_holders: Places,
}

#[derive(Debug)]
struct Places {
    free: Semaphore,
    /// For those who have one as well.
    line: Semaphore,
}

impl Places {
    fn new(places: usize) -> Self {
        Self { free: Semaphore::new(places), line: Semaphore::new(places + LINE) }
    }
}

impl Default for Crowd {
    fn default() -> Self {
        Self { strangers: Places::new(STRANGERS), link_holders: Places::new(LINK_HOLDERS) }
    }
}

impl Crowd {
    /// Whether everyone else without a link waits.
    pub fn is_full(&self) -> bool {
        self.strangers.free.available_permits() == 0
    }

    /// Whether someone with a link has a place.
    pub fn has_a_link_holder(&self) -> bool {
        self.link_holders.free.available_permits() < LINK_HOLDERS
    }

    /// Whether everyone else without a link is turned away.
    pub fn is_overcrowded(&self) -> bool {
        self.strangers.line.available_permits() == 0
    }
}

/// Lets whatever may change something wait for its turn.
pub(super) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // Services that report have their own limits, and a secret.
    if request.method().is_safe() || request.uri().path().starts_with("/hooks/") {
        return next.run(request).await;
    }
    let places = if has_link(&request) { &state.crowd().link_holders } else { &state.crowd().strangers };
    match turn(places, request).await {
        Ok((request, _place)) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Whether its address holds what only its addressee has.
fn has_link(request: &Request) -> bool {
    request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str().ends_with("/{token}"))
}

/// A place, and before it one in the line.
type Held<'a> = (SemaphorePermit<'a>, SemaphorePermit<'a>);

/// Reads a form and waits until it is its turn.
async fn turn(places: &Places, request: Request) -> Result<(Request, Held<'_>), Error> {
    let busy = Error::Busy { retry_after: LATER };
    let Ok(in_line) = places.line.try_acquire() else { return Err(busy) };
    let (parts, body) = request.into_parts();
    // Before it has a place: whoever sends slowly holds up nobody for long.
    let body = match timeout(ARRIVAL, to_bytes(body, FORM_LIMIT)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(Error::TooLarge("A form may have 64 KiB. Go back, shorten it and send it again.")),
        Err(_) => return Err(Error::TooSlow("It did not arrive within ten seconds. Go back and send it again.")),
    };
    let Ok(Ok(place)) = timeout(PATIENCE, places.free.acquire()).await else { return Err(busy) };
    Ok((Request::from_parts(parts, Body::from(body)), (place, in_line)))
}
