//! `/events`: tells open pages that there is something new (server-sent events, WHATWG HTML, section 9.2).
//!
//! ```text
//! publish ─ saw_version ─▶ page cache ─ watch ─▶ every open stream ─▶ public.js compares, fetches the page, takes it over
//!              ▲ another node's, by the poll of the version
//! ```
//! An event is the mark of the page as it is now, see [`app::site::mark`]. The first one comes at once, so whoever was away
//! catches up.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::site::mark;
use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{client::Client, page_cache::News};
use crate::state::AppState;

/// How often a stream says that it is still there, so that no proxy takes it for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many streams may be open at once, if the system allows as many connections.
const MOST: usize = 10_000;
/// Where the system does not say how many files may be open.
const FEW: usize = 128;
/// One client network may have the tenth part of all places, so that nobody keeps everyone else out.
const SHARE: usize = 10;
/// But so many in any case: a company reads by one address.
const FAIR: usize = 50;

/// The open streams of this process.
#[derive(Debug)]
pub struct Streams {
    places: Arc<Semaphore>,
    /// How many of them a network may have.
    share: usize,
    /// How many each has, while it has any.
    networks: Arc<Networks>,
    closing: CancellationToken,
}

type Networks = Mutex<HashMap<String, usize>>;

/// One place, taken until this is dropped.
struct Place {
    networks: Arc<Networks>,
    network: String,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = networks.get_mut(&self.network) {
            *taken -= 1;
            if *taken == 0 {
                networks.remove(&self.network);
            }
        }
    }
}

impl Streams {
    fn with_places(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            share: (places / SHARE).max(FAIR),
            networks: Arc::default(),
            closing: CancellationToken::new(),
        }
    }

    fn take_place(&self, network: String) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = networks.entry(network.clone()).or_default();
        if *taken >= self.share {
            return None;
        }
        *taken += 1;
        drop(networks);
        Some(Place { networks: Arc::clone(&self.networks), network, _permit: permit })
    }

    /// Ends all of them, and every new one at once: the process is about to stop.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    fn open(&self, news: watch::Receiver<News>, network: String) -> Response {
        let Some(place) = self.take_place(network) else {
            let words =
                "Too many pages are listening just now. This one is as good as any other, but reload it for news.\n";
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")], words).into_response();
        };
        let stream = stream::unfold(Listener::new(news, self.closing.clone(), place), Listener::next);
        let mut response = Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // nginx would hold events back until a buffer is full.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        response
    }
}

impl Default for Streams {
    /// With as many places as leave half of the connections to those who load a page.
    fn default() -> Self {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Self::with_places(open_files(&limits).map_or(FEW, |files| (files / 2).min(MOST)))
    }
}

/// The soft limit in what Linux says of a process: `Max open files  1024  524288  files`.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        soft => soft.parse().ok(),
    }
}

/// One stream, and its place as long as it is open.
struct Listener {
    news: watch::Receiver<News>,
    closing: CancellationToken,
    _place: Place,
}

impl Listener {
    fn new(mut news: watch::Receiver<News>, closing: CancellationToken, place: Place) -> Self {
        // How things are is the first news.
        news.mark_changed();
        Self { news, closing, _place: place }
    }

    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let closing = self.closing.clone();
        closing.run_until_cancelled(self.news.changed()).await?.ok()?;
        let news = *self.news.borrow_and_update();
        Some((Ok(Event::default().data(mark(news.version, news.is_lost))), self))
    }
}

/// Says when the page changes, until the reader or this process goes.
pub(super) async fn stream(State(state): State<AppState>, client: Client) -> Response {
    state.streams().open(state.pages().news(), client.network())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn there_are_so_many_places_and_one_that_is_left_is_free_again() {
        let (streams, news) = (Streams::with_places(2), watch::Sender::new(News::default()));
        let open = || streams.open(news.subscribe(), "203.0.113.0/24".into());
        let (first, second) = (open(), open());
        assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::OK));
        let refused = open();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "60");
        let words = to_bytes(refused.into_body(), usize::MAX).await.unwrap();
        assert!(words.starts_with(b"Too many pages are listening"));
        drop(first);
        assert_eq!(open().status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn one_network_has_its_share_and_leaves_the_rest_to_others() {
        let (streams, news) = (Streams::with_places(1_000), watch::Sender::new(News::default()));
        let open = |network: &str| streams.open(news.subscribe(), network.to_owned());
        let mut many: Vec<_> = (0..100).map(|_| open("203.0.113.0/24")).collect();
        assert!(many.iter().all(|response| response.status() == StatusCode::OK));
        assert_eq!(open("203.0.113.0/24").status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(open("198.51.100.0/24").status(), StatusCode::OK);
        many.pop();
        many.push(open("203.0.113.0/24"));
        assert_eq!(many[99].status(), StatusCode::OK);
        drop(many);
        assert_eq!(streams.places.available_permits(), 1_000);
        assert!(streams.networks.lock().unwrap().is_empty(), "nobody is remembered");
    }

    #[tokio::test]
    async fn a_stream_says_how_things_are_then_what_is_new_and_ends_with_the_process() {
        let (streams, news) = (Streams::with_places(1), watch::Sender::new(News { version: 7, is_lost: false }));
        let response = streams.open(news.subscribe(), "203.0.113.0/24".into());
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut body = response.into_body().into_data_stream();
        assert_eq!(body.next().await.unwrap().unwrap(), "data: 7\n\n");
        news.send_replace(News { version: 8, is_lost: false });
        // Whoever is slow hears the newest only.
        news.send_replace(News { version: 8, is_lost: true });
        assert_eq!(body.next().await.unwrap().unwrap(), "data: 8-stale\n\n");
        streams.close();
        assert!(body.next().await.is_none());
    }

    #[test]
    fn half_of_what_may_be_open_is_left_to_others() {
        let limits = "Limit   Soft Limit   Hard Limit   Units\nMax open files            1024      524288    files\n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files("Max open files unlimited unlimited files"), Some(usize::MAX));
        assert_eq!(open_files(""), None);
    }
}
