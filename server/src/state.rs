//! What every handler and worker shares.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use app::site::{Brand, LogoView, Site};
use domain::{i18n::Zone, token};

use crate::{
    actions::settings::chosen,
    bounces::amazon::Amazon,
    clock::Clock,
    config::Config,
    error::Result,
    http::{assets, crowd::Crowd, events::Streams, logo::LogoCache, page_cache::PageCache},
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
    is_https: bool,
    secret: token::Secret,
    pages: PageCache,
    logo: LogoCache,
    streams: Streams,
    amazon: Amazon,
    crowd: Crowd,
    mail: OnceLock<mail::Handle>,
}

impl AppState {
    /// Puts the parts together; `listening` is the address that was bound.
    pub fn new(config: Config, store: Store, clock: Clock, secret: token::Secret, listening: SocketAddr) -> Self {
        let config = Config { listen: listening, ..config };
        let public_url = config.public_url();
        let is_https = public_url.starts_with("https://");
        let inner = Inner {
            pages: PageCache::new(is_https),
            config,
            public_url,
            is_https,
            secret,
            logo: LogoCache::default(),
            streams: Streams::default(),
            amazon: Amazon::default(),
            crowd: Crowd::default(),
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
        self.inner.is_https
    }

    /// Signs the links in mails.
    pub fn secret(&self) -> &token::Secret {
        &self.inner.secret
    }

    /// The rendered public pages.
    pub fn pages(&self) -> &PageCache {
        &self.inner.pages
    }

    /// The owner's picture as it was last read.
    pub fn logo(&self) -> &LogoCache {
        &self.inner.logo
    }

    /// The open pages that are told of news.
    pub fn streams(&self) -> &Streams {
        &self.inner.streams
    }

    /// Whom we ask whether reports are Amazon's.
    pub fn amazon(&self) -> &Amazon {
        &self.inner.amazon
    }

    /// The forms of people without an account that are worked off.
    pub fn crowd(&self) -> &Crowd {
        &self.inner.crowd
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
        let chosen = chosen(&self.store.settings().await?);
        let logo = self.store.logo().await?.map(|logo| LogoView {
            address: format!("/logo/{}", logo.hash),
            width: logo.width,
            height: logo.height,
            ground: chosen.ground,
        });
        let accent = chosen.accent.map(assets::accent_path);
        let brand = Brand { accent, links: chosen.links, support: chosen.support, logo };
        Ok(Site { version, brand, ..self.site_named(chosen.name) })
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
