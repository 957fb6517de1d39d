//! Time zones by the names of the IANA database, such as `Europe/Paris`.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// No zone of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone of this name: write a place such as “Europe/Paris”, or “UTC”")]
pub struct UnknownZone;

/// The parts of the world that zones are named by. Others in the database are old names, or no places.
const REGIONS: &[&str] =
    &["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
/// The longest name that is looked for; the longest there is has 32 letters.
const MAX: usize = 64;

/// The clock of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The time that everyone shares.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Whether it is UTC, by that name or one of those that the database has for it beside places.
    pub fn is_utc(&self) -> bool {
        matches!(self.as_str(), "UTC" | "Etc/UTC" | "Etc/UCT" | "Etc/Universal" | "Etc/Zulu")
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What the clock there shows.
    pub fn clock(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.0.clone())
    }

    /// As it was stored. A zone that the database of this machine does not know is as good as none chosen.
    pub fn from_stored(name: Option<&str>) -> Option<Self> {
        name.and_then(|name| name.parse().ok())
    }

    /// All names there are to choose from but UTC, by region, in the order of the alphabet.
    pub fn regions() -> BTreeMap<&'static str, Vec<String>> {
        let mut regions: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for name in jiff::tz::db().available() {
            let region = name.as_str().split_once('/').map(|(region, _)| region);
            if let Some(region) = REGIONS.iter().find(|known| region == Some(**known)) {
                regions.entry(*region).or_default().push(name.as_str().to_owned());
            }
        }
        for names in regions.values_mut() {
            names.sort_unstable();
            names.dedup();
        }
        regions
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("utc") {
            return Ok(Self::utc());
        }
        let is_place =
            text.len() <= MAX && text.contains('/') && !text.starts_with("posix/") && !text.starts_with("right/");
        let zone = if is_place { TimeZone::get(text).map_err(|_| UnknownZone)? } else { return Err(UnknownZone) };
        if zone.iana_name().is_some() { Ok(Self(zone)) } else { Err(UnknownZone) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_their_names() {
        for (typed, name) in [("Asia/Taipei", "Asia/Taipei"), (" europe/paris ", "Europe/Paris"), ("utc", "UTC")] {
            assert_eq!(typed.parse::<Zone>().unwrap().as_str(), name);
        }
        for typed in ["", "Mars/Base", "CST", "EST5EDT", "../../etc/passwd", "right/Europe/Paris", "Etc/Unknown", "/"] {
            assert_eq!(typed.parse::<Zone>(), Err(UnknownZone), "{typed}");
        }
        assert_eq!(&format!("Asia/{}", "x".repeat(3000)).parse::<Zone>(), &Err(UnknownZone));
    }

    #[test]
    fn a_zone_that_is_no_longer_known_is_none() {
        assert_eq!(Zone::from_stored(Some("Mars/Base")), None);
        assert_eq!(Zone::from_stored(None), None);
        assert_eq!(Zone::from_stored(Some("Asia/Taipei")), "Asia/Taipei".parse().ok());
    }

    #[test]
    fn the_choice_is_grouped_by_region_and_every_name_in_it_is_good() {
        let regions = Zone::regions();
        assert_eq!(regions.keys().copied().collect::<Vec<_>>(), REGIONS);
        assert!(regions["Europe"].contains(&"Europe/Berlin".to_owned()));
        assert!(regions["America"].contains(&"America/Argentina/Buenos_Aires".to_owned()));
        for name in regions.values().flatten() {
            assert_eq!(name.parse::<Zone>().as_ref().map(Zone::as_str), Ok(name.as_str()));
        }
    }
}
