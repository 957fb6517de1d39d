//! Languages and time zones of those who are written to. What people wrote themselves stays as they wrote it.
//!
//! | what | module |
//! |---|---|
//! | which language | here |
//! | names of statuses and impacts | `words` |
//! | dates and durations | `dates` |
//! | places on earth and their clocks | [`zone`] |
//! | the sentences of mails, one table a language | [`mail`] |
//!
//! A language is complete or does not compile.

mod dates;
pub mod mail;
mod words;
pub mod zone;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::{mail::MailWords, zone::Zone};
use crate::status::{UnknownStatus, words};

words! {
    /// A language that mails are written in.
    #[derive(Default)]
    Locale {
        /// What everything else is in too.
        #[default]
        English = "en", "English";
        /// With “Sie”.
        German = "de", "Deutsch";
        /// With “vous”.
        French = "fr", "Français";
        /// With “usted”.
        Spanish = "es", "Español";
    }
}

impl Locale {
    /// The one a browser asks for first among those there are: the `Accept-Language` header (RFC 9110, section 12.5.4).
    pub fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let language = parts.next().and_then(|tag| tag.split('-').next()).unwrap_or_default();
            let Ok(locale) = language.to_ascii_lowercase().parse::<Self>() else { continue };
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse).unwrap_or(0.0);
            // Of two that are wanted as much, the first.
            if quality > 0.0 && best.is_none_or(|(_, so_far)| quality > so_far) {
                best = Some((locale, quality));
            }
        }
        best.map(|(locale, _)| locale)
    }
}

/// How someone wants to be written to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// In which language.
    pub locale: Locale,
    /// By which clock; without one, the page's own.
    pub zone: Option<Zone>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_language_it_likes_best_of_those_there_are() {
        for (header, locale) in [
            ("de", Some(Locale::German)),
            ("de-AT,en;q=0.5", Some(Locale::German)),
            ("nl,fr-CH;q=0.8,de;q=0.9", Some(Locale::German)),
            ("EN-us, es", Some(Locale::English)),
            ("es;q=0.3, en;q=0.3", Some(Locale::Spanish)),
            ("de;q=0, fr;q=0.1", Some(Locale::French)),
            ("de;q=much", None),
            ("zh-TW, *;q=0.1", None),
            ("", None),
            (";;,,=;q=", None),
        ] {
            assert_eq!(Locale::accepted(header), locale, "{header}");
        }
    }
}
