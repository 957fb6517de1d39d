//! What every handler and worker shares.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use app::site::{Brand, Site};
use domain::{colour::Colour, i18n::Zone, token};

use crate::{
    bounces::amazon::Amazon,
    clock::Clock,
    config::Config,
    error::Result,
    http::{assets, events::Streams, page_cache::PageCache},
    mail,
    store::Store,
};

/// The name of the page until the owner gives it one.
pub const DEFAULT_NAME: &str = "Status";

/// Cheap to clone; one for the whole process.
#[derive(Clone, Debug)]
pub struct AppState {
    /// Everything that is kept.
    pub store: Store,
    /// The present moment.
    pub clock: Clock,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    public_url: String,
    secret: token::Secret,
    pages: PageCache,
    streams: Streams,
    amazon: Amazon,
    mail: OnceLock<mail::Handle>,
}

impl AppState {
    /// Puts the parts together; `listening` is the address that was bound.
    pub fn new(config: Config, store: Store, clock: Clock, secret: token::Secret, listening: SocketAddr) -> Self {
        let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{listening}"));
        let inner = Inner {
            config,
            public_url,
            secret,
            pages: PageCache::default(),
            streams: Streams::default(),
            amazon: Amazon::default(),
            mail: OnceLock::new(),
        };
        Self { store, clock, inner: Arc::new(inner) }
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// How the public reaches the page, without a slash at the end.
    pub fn public_url(&self) -> &str {
        &self.inner.public_url
    }

    /// Whether browsers reach us over TLS.
    pub fn is_https(&self) -> bool {
        self.inner.public_url.starts_with("https://")
    }

    /// Signs the links in mails.
    pub fn secret(&self) -> &token::Secret {
        &self.inner.secret
    }

    /// The rendered public pages.
    pub fn pages(&self) -> &PageCache {
        &self.inner.pages
    }

    /// The open pages that are told of news.
    pub fn streams(&self) -> &Streams {
        &self.inner.streams
    }

    /// Whom we ask whether reports are Amazon's.
    pub fn amazon(&self) -> &Amazon {
        &self.inner.amazon
    }

    /// Where captured mail lies.
    pub fn outbox(&self) -> PathBuf {
        self.inner.config.data.join("outbox")
    }

    /// Notes whom to wake; the first word stands.
    pub(crate) fn set_mail(&self, handle: mail::Handle) {
        // Set once, by `Server::run`.
        drop(self.inner.mail.set(handle));
    }

    /// Wakes the mail worker: there is something new in the queue.
    pub fn wake_mail(&self) {
        if let Some(mail) = self.inner.mail.get() {
            mail.wake();
        }
    }

    /// Whether the mail worker goes its rounds.
    pub fn is_worker_ticking(&self) -> bool {
        self.inner.mail.get().is_some_and(|mail| mail.is_ticking(self.clock.now()))
    }

    /// After a public change was committed: pages are drawn anew, mails leave.
    pub fn published(&self, version: i64) {
        self.inner.pages.saw_version(version);
        self.wake_mail();
    }

    /// The page as every document needs it. Asked for before anything else that the document is drawn from.
    pub async fn site(&self) -> Result<Site> {
        // The version first: what is read after it is at least as new.
        let version = self.inner.pages.version();
        let mut settings = self.store.settings().await?;
        let name = settings.remove("name").unwrap_or_else(|| DEFAULT_NAME.to_owned());
        Ok(Site { version, brand: brand(&settings), ..self.site_named(name) })
    }

    /// The page's own time zone, if the owner chose one.
    pub async fn zone(&self) -> Result<Option<Zone>> {
        Ok(Zone::from_stored(self.store.setting("time_zone").await?.as_deref()))
    }

    /// As [`Self::site`], when its name is known or cannot be asked for.
    pub fn site_named(&self, name: String) -> Site {
        Site {
            name,
            url: self.inner.public_url.clone(),
            assets: assets::folder().to_owned(),
            version: 0,
            brand: Brand::default(),
        }
    }
}

/// What the owner made of the page. What cannot be read any more is as good as never chosen.
fn brand(settings: &BTreeMap<String, String>) -> Brand {
    let get = |name: &str| settings.get(name).filter(|value| !value.is_empty());
    let accent = get("accent").and_then(|text| text.parse::<Colour>().ok());
    Brand {
        accent: accent.map(assets::accent_path),
        links: get("footer_links").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        support: get("support").cloned(),
    }
}
