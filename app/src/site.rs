//! What every page knows of the place it stands in.

use domain::{forms::FooterLink, logo::Ground};
use jiff::Timestamp;

/// The status page itself, as each document needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// What the owner calls it, such as "Acme Status".
    pub name: String,
    /// Where the public reaches it, without a slash at the end: `https://status.example.com`.
    pub url: String,
    /// The folder of the stylesheets and scripts, without a slash at the end: `/assets/abc`. It changes with their content.
    pub assets: String,
    /// The page's version before anything on it was read: an open page compares it with what it hears.
    pub version: i64,
    /// What the owner made of it.
    pub brand: Brand,
}

/// What makes the page the owner's own; each may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    /// Where the style sheet with their accent colour is.
    pub accent: Option<String>,
    /// At the foot of every public page.
    pub links: Vec<FooterLink>,
    /// Where people get help.
    pub support: Option<String>,
    /// Their picture.
    pub logo: Option<LogoView>,
}

/// The owner's picture, beside the page's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoView {
    /// Where it is.
    pub address: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// What it stands on.
    pub ground: Ground,
}

/// How far what a page says can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The store was read just now.
    Live(Timestamp),
    /// The store could not be read, so this is how things were then; never shown in green.
    Stale(Timestamp),
}

impl Freshness {
    /// Whether this may be out of date.
    pub fn is_stale(self) -> bool {
        matches!(self, Self::Stale(_))
    }

    /// How an open page tells what it shows from what there is by now: the version, and whether it can be confirmed.
    pub fn mark(self, version: i64) -> String {
        mark(version, self.is_stale())
    }

    /// The instant that the page speaks of.
    pub fn as_of(self) -> Timestamp {
        match self {
            Self::Live(at) | Self::Stale(at) => at,
        }
    }
}

/// See [`Freshness::mark`]; what `/events` says.
pub fn mark(version: i64, is_stale: bool) -> String {
    format!("{version}{}", if is_stale { "-stale" } else { "" })
}
