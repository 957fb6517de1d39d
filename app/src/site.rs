//! What every page knows of the place it stands in.

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
    /// The instant that the page speaks of.
    pub fn as_of(self) -> Timestamp {
        match self {
            Self::Live(at) | Self::Stale(at) => at,
        }
    }
}
