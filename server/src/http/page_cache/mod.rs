//! Rendered public pages, kept as bytes until something public changes.
//!
//! ```text
//! request ─▶ entry of the present version, drawn within a minute? ── yes ─▶ bytes (no SQL, no router: `front`)
//!                 │ no                       │ store unreachable
//!                 ▼ one at a time            ▼
//!            load + draw + compress      the last page, drawn as of then: neutral, never green
//! ```
//! A version row grows with every public change; `saw_version` hears of it at once in this process and by
//! polling from other nodes. Pages carry "as of" and durations, so they are drawn anew each minute all the same.

mod forms;
pub mod front;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use app::site::Freshness;
use axum::{http::HeaderMap, response::Response};
use forms::Forms;
use jiff::Timestamp;
use tokio::sync::watch;

use super::security;
use crate::error::{Error, Result};

/// How long a page may be served without being drawn anew, in milliseconds.
const MAX_AGE: i64 = 60_000;
/// How long a reader waits for the store before the last page has to do.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many pages are kept; beyond it those of which there are many are drawn anew when they are next asked for.
const MAX_PAGES: usize = 2_000;
/// Where they stand.
const MANY: [&str; 4] = ["/components/", "/history/", "/incidents/", "/postmortems/"];

/// What a page or feed is made of.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The text.
    pub(crate) body: String,
    /// Its `Content-Type`.
    pub(crate) media_type: &'static str,
    /// Its `Last-Modified`, where it has one.
    pub(crate) modified: Option<Timestamp>,
}

impl Document {
    /// A page.
    pub(crate) fn html(body: String) -> Self {
        Self { body, media_type: "text/html; charset=utf-8", modified: None }
    }
}

/// Draws a document from what was loaded, as of now or as of then.
pub(crate) type Draw = Arc<dyn Fn(Freshness) -> Document + Send + Sync>;

/// What is known of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Its page version, the newest that was heard of.
    pub(crate) version: i64,
    /// Whether it cannot be read at the moment.
    pub(crate) is_lost: bool,
}

/// The public pages of this process.
#[derive(Debug, Default)]
pub struct PageCache {
    /// Whether readers come over TLS.
    is_https: bool,
    news: watch::Sender<News>,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

#[derive(Debug)]
struct Slot {
    /// As it stands in the table of routes.
    route: &'static str,
    entry: Mutex<Option<Arc<Entry>>>,
    /// Held while one request draws, so that the others wait for its result.
    drawing: tokio::sync::Mutex<()>,
}

struct Entry {
    version: i64,
    drawn_at: Timestamp,
    live: Forms,
    /// Drawn when it is first needed.
    stale: OnceLock<Forms>,
    draw: Draw,
    /// The headers of every form.
    always: HeaderMap,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("version", &self.version)
            .field("drawn_at", &self.drawn_at)
            .finish_non_exhaustive()
    }
}

impl PageCache {
    /// Of a page that is, or is not, read over TLS.
    pub(crate) fn new(is_https: bool) -> Self {
        Self { is_https, ..Self::default() }
    }

    /// Notes the store's present version; older news is ignored.
    pub(crate) fn saw_version(&self, version: i64) {
        self.tell(|known| News { version: known.version.max(version), is_lost: false });
    }

    /// The newest version that was heard of.
    pub(crate) fn version(&self) -> i64 {
        self.news.borrow().version
    }

    /// Hears of every new version, of the store's loss and of its return.
    pub(crate) fn news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    /// Notes that the store cannot be read: until it can, pages are served as of when they were drawn.
    pub(crate) fn lost_store(&self) {
        self.tell(|known| News { is_lost: true, ..known });
    }

    fn tell(&self, news: impl FnOnce(News) -> News) {
        self.news.send_if_modified(|known| {
            let before = *known;
            *known = news(before);
            *known != before
        });
    }

    /// What is at `path` and good for another moment, with its route.
    fn kept(&self, path: &str, headers: &HeaderMap, now: Timestamp) -> Option<(&'static str, Response)> {
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()?;
        let entry = slot.get().filter(|entry| self.is_good(entry, now))?;
        Some((slot.route, entry.live.respond(headers)))
    }

    /// Answers with the document at `path`, which is one of `route`; `load` reads what it is made of and says how to draw it.
    pub(crate) async fn answer<F>(
        &self,
        route: &'static str,
        path: &str,
        headers: &HeaderMap,
        now: Timestamp,
        load: F,
    ) -> Result<Response>
    where
        F: Future<Output = Result<Draw>>,
    {
        let slot = self.slot(route, path);
        let known = slot.get();
        if let Some(entry) = known.as_ref().filter(|entry| self.is_good(entry, now)) {
            return Ok(entry.live.respond(headers));
        }
        let drawing = slot.drawing.lock().await;
        let known = slot.get();
        if let Some(entry) = known.as_ref().filter(|entry| self.is_good(entry, now)) {
            return Ok(entry.live.respond(headers));
        }
        // Asked after waiting: whoever stood in line while the store was lost need not find it out alone.
        if self.news.borrow().is_lost {
            drop(drawing);
            let Some(entry) = known else {
                self.forget(path);
                return Err(Error::Unavailable("the page was not drawn before the store was lost".to_owned()));
            };
            return Ok(entry.stale().respond(headers));
        }
        // Read before loading: a change meanwhile makes the page too old rather than wrongly new.
        let version = self.version();
        let loaded = tokio::time::timeout(PATIENCE, load).await;
        match loaded.unwrap_or_else(|_| Err(Error::Unavailable("the store does not answer".to_owned()))) {
            Ok(draw) => {
                let mut always = HeaderMap::new();
                security::add(&mut always, path, self.is_https);
                let live = Forms::of(draw(Freshness::Live(now)), &always);
                let entry = Arc::new(Entry { version, drawn_at: now, live, stale: OnceLock::new(), draw, always });
                slot.put(Some(Arc::clone(&entry)));
                Ok(entry.live.respond(headers))
            }
            // Whatever is wrong behind the page, its readers get the last they can have.
            Err(error) if error.status().is_server_error() => match known {
                Some(entry) => {
                    tracing::error!("A public page cannot be drawn, the last one is served: {error}");
                    Ok(entry.stale().respond(headers))
                }
                None => {
                    self.forget(path);
                    Err(error)
                }
            },
            Err(error) => {
                // What is not there takes no room.
                slot.put(None);
                self.forget(path);
                Err(error)
            }
        }
    }

    fn is_good(&self, entry: &Entry, now: Timestamp) -> bool {
        let age = now.as_millisecond().saturating_sub(entry.drawn_at.as_millisecond());
        (0..MAX_AGE).contains(&age) && *self.news.borrow() == News { version: entry.version, is_lost: false }
    }

    fn slot(&self, route: &'static str, path: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(path) {
            return Arc::clone(slot);
        }
        if slots.len() >= MAX_PAGES {
            // Anyone can ask for any incident; the home page and the feeds stay, whatever is asked for.
            let is_of_many = |path: &str| MANY.iter().any(|folder| path.starts_with(folder));
            slots.retain(|path, slot| slot.get().is_some() && !is_of_many(path));
        }
        let slot = Arc::new(Slot { route, entry: Mutex::default(), drawing: tokio::sync::Mutex::default() });
        slots.insert(path.to_owned(), Arc::clone(&slot));
        slot
    }

    fn forget(&self, path: &str) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }
}

impl Slot {
    fn get(&self) -> Option<Arc<Entry>> {
        self.entry.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, entry: Option<Arc<Entry>>) {
        *self.entry.lock().unwrap_or_else(PoisonError::into_inner) = entry;
    }
}

impl Entry {
    fn stale(&self) -> &Forms {
        self.stale.get_or_init(|| Forms::of((self.draw)(Freshness::Stale(self.drawn_at)), &self.always))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Reads after letting everyone else go first, and counts how often it had to.
    async fn load(times: &AtomicUsize, found: Result<&'static str>) -> Result<Draw> {
        tokio::task::yield_now().await;
        times.fetch_add(1, Ordering::SeqCst);
        let text = found?;
        Ok(Arc::new(move |freshness| {
            let is_stale = matches!(freshness, Freshness::Stale(_));
            Document::html(format!("{text}{}", if is_stale { ", as of then" } else { "" }))
        }))
    }

    async fn body(response: Response) -> String {
        String::from_utf8(axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    fn lost() -> Result<&'static str> {
        Err(Error::Unavailable("gone".into()))
    }

    #[tokio::test]
    async fn fifty_readers_at_once_cost_one_reading() {
        let (cache, times) = (PageCache::default(), AtomicUsize::new(0));
        let headers = HeaderMap::new();
        for version in 1..=3 {
            cache.saw_version(version);
            let now = Timestamp::UNIX_EPOCH;
            let readers = (0..50).map(|_| cache.answer("/", "/", &headers, now, load(&times, Ok("page"))));
            for answer in futures_util::future::join_all(readers).await {
                assert_eq!(body(answer.unwrap()).await, "page");
            }
            assert_eq!(times.load(Ordering::SeqCst), usize::try_from(version).unwrap());
        }
    }

    #[tokio::test]
    async fn once_the_store_is_known_to_be_lost_nobody_asks_it() {
        let (cache, times) = (PageCache::default(), AtomicUsize::new(0));
        let (headers, now) = (HeaderMap::new(), Timestamp::UNIX_EPOCH);
        cache.answer("/", "/", &headers, now, load(&times, Ok("page"))).await.unwrap();
        cache.saw_version(1);
        let stale = cache.answer("/", "/", &headers, now, load(&times, lost())).await.unwrap();
        assert_eq!(body(stale).await, "page, as of then");
        cache.lost_store();
        for path in ["/", "/never-seen"] {
            let answer = cache.answer(path, path, &headers, now, load(&times, lost())).await;
            assert_eq!(answer.is_ok(), path == "/");
        }
        assert_eq!(times.load(Ordering::SeqCst), 2);
        cache.saw_version(1);
        let back = cache.answer("/", "/", &headers, now, load(&times, Ok("new page"))).await.unwrap();
        assert_eq!(body(back).await, "new page");
    }
}
