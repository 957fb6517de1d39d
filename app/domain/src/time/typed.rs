//! Instants as people type them, in whatever zone they think in.

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

/// Why a typed time was not understood. The words are for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// No date and clock time could be found.
    #[error("write a date and a time, such as “2024-02-05 10:12” or “2024-02-05 04:12 America/Chicago”")]
    Unreadable,
    /// A zone abbreviation that means different things in different places.
    #[error("“{0}” names several time zones: write a city, such as “America/Chicago”, or an offset, such as “-06:00”")]
    AmbiguousZone(String),
    /// No zone of this name.
    #[error("there is no time zone “{0}”: write a city, such as “Europe/Paris”, or an offset, such as “+01:00”")]
    UnknownZone(String),
    /// The clock of that place skipped this time.
    #[error("that clock time did not exist there: the clocks were put forward")]
    Skipped,
    /// It has not happened yet.
    #[error("this time is in the future")]
    Future,
    /// It has happened already.
    #[error("this time is over")]
    Past,
    /// Too far away to be a promise that anyone waits for.
    #[error("this is more than 30 days ahead")]
    TooFar,
}

/// How far ahead of UTC the clocks of a named zone are at an instant; `None` when there is no such zone.
///
/// The server asks the IANA database ([`offset_at`]), a browser its own copy.
pub type OffsetAt = fn(&str, Timestamp) -> Option<Offset>;

/// Asks the IANA database that this program was built with or found.
pub fn offset_at(zone: &str, at: Timestamp) -> Option<Offset> {
    TimeZone::get(zone).ok().map(|zone| zone.to_offset(at))
}

/// Abbreviations that mean one thing wherever they are used, with their hours.
const CLEAR: &[(&str, i8)] = &[
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("wet", 0),
    ("west", 1),
    ("cet", 1),
    ("cest", 2),
    ("eet", 2),
    ("eest", 3),
    ("hkt", 8),
    ("jst", 9),
    ("aest", 10),
    ("aedt", 11),
    ("nzst", 12),
    ("nzdt", 13),
    ("edt", -4),
    ("mdt", -6),
    ("pdt", -7),
];
/// Abbreviations in use for different offsets.
const AMBIGUOUS: &[&str] = &["cst", "ist", "bst", "est", "pst", "mst", "cdt", "sst", "ast"];

/// An instant that someone typed: a date, a clock time and, optionally, a zone (UTC without one).
///
/// Understood: `2024-02-05 10:12`, seconds, a `T` between, and a zone as `UTC`, `Z`, `+01:00`, `-06`, or a name of the
/// IANA database such as `America/Chicago`. A time that came twice, when the clocks were put back, means the first.
pub fn parse_instant(text: &str) -> Result<Timestamp, TimeError> {
    parse_instant_by(text, offset_at)
}

/// As [`parse_instant`], where somebody else knows the zones.
pub fn parse_instant_by(text: &str, offset_at: OffsetAt) -> Result<Timestamp, TimeError> {
    let (clock, zone) = split_zone(text.trim());
    let clock = clock_time(clock).ok_or(TimeError::Unreadable)?;
    at_zone(clock, zone, offset_at)
}

fn at_zone(clock: DateTime, zone: &str, offset_at: OffsetAt) -> Result<Timestamp, TimeError> {
    match fixed_offset(zone)? {
        Some(offset) => offset.to_timestamp(clock).map_err(|_| TimeError::Unreadable),
        None => in_zone(clock, zone, offset_at),
    }
}

/// As [`parse_instant`], refusing what has not happened yet. A minute of grace covers clocks that differ.
pub fn parse_past(text: &str, now: Timestamp) -> Result<Timestamp, TimeError> {
    let instant = parse_instant(text)?;
    let latest = now.checked_add(1.minute()).unwrap_or(now);
    if instant > latest { Err(TimeError::Future) } else { Ok(instant.min(now)) }
}

/// As [`parse_instant`], refusing what is over or more than 30 days ahead. A clock time alone, `15:30` or
/// `15:30 Europe/Paris`, means the next time that clock shows it.
pub fn parse_future(text: &str, now: Timestamp) -> Result<Timestamp, TimeError> {
    let text = text.trim();
    let (clock, zone) = split_zone(text);
    let instant = match day_time(clock) {
        Some(time) if clock.contains(':') => {
            let offset = fixed_offset(zone)?.or_else(|| offset_at(zone, now));
            let offset = offset.ok_or_else(|| TimeError::UnknownZone(zone.to_owned()))?;
            let today = offset.to_datetime(now).date();
            let on = |date: Date| at_zone(date.to_datetime(time), zone, offset_at);
            match on(today)? {
                first if first > now => first,
                _ => on(today.tomorrow().map_err(|_| TimeError::Unreadable)?)?,
            }
        }
        _ => parse_instant(text)?,
    };
    let latest = now.checked_add(SignedDuration::from_hours(30 * 24)).unwrap_or(instant);
    match instant {
        _ if instant <= now => Err(TimeError::Past),
        _ if instant > latest => Err(TimeError::TooFar),
        _ => Ok(instant),
    }
}

/// Splits `2024-02-05 10:12 Europe/Paris` or `…10:12+01:00` into the clock time and the zone.
fn split_zone(text: &str) -> (&str, &str) {
    // Dates hold dashes too, so an offset is looked for only behind the clock time's first colon.
    let Some(colon) = text.find(':') else { return (text, "") };
    let end = text[colon..]
        .find(|letter: char| !letter.is_ascii_digit() && letter != ':' && letter != '.')
        .map_or(text.len(), |offset| colon + offset);
    (text[..end].trim(), text[end..].trim())
}

/// `2024-02-05`, `2024-02-05 10:12`, `2024-02-05T10:12:30.25`.
fn clock_time(text: &str) -> Option<DateTime> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, time.trim_start()),
        None => (text, "00:00"),
    };
    let mut date = date.split('-');
    let (year, month, day) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
    if date.next().is_some() {
        return None;
    }
    let date = Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    Some(date.to_datetime(day_time(time)?))
}

/// `10:12`, `10:12:30.25`.
fn day_time(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?, parts.next().unwrap_or("0"));
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || !is_fraction {
        return None;
    }
    // As many digits as an instant can hold; what is finer does not matter to anyone.
    let nanosecond: i32 = format!("{:0<9}", fraction.get(..9).unwrap_or(fraction)).parse().ok()?;
    let (hour, minute, second) = (hour.try_into().ok()?, minute.try_into().ok()?, number(second, 2)?.try_into().ok()?);
    Time::new(hour, minute, second, nanosecond).ok()
}

/// At most so many digits, and nothing but digits.
fn number(text: &str, digits: usize) -> Option<i16> {
    let is_number = (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// The offset of a zone that is always the same, or nothing for one whose name must be looked up.
fn fixed_offset(zone: &str) -> Result<Option<Offset>, TimeError> {
    let lower = zone.to_ascii_lowercase();
    if lower.is_empty() {
        return Ok(Some(Offset::UTC));
    }
    if let Some((_, hours)) = CLEAR.iter().find(|(name, _)| *name == lower) {
        return Ok(Some(Offset::constant(*hours)));
    }
    if AMBIGUOUS.contains(&lower.as_str()) {
        return Err(TimeError::AmbiguousZone(zone.to_owned()));
    }
    if lower.starts_with(['+', '-']) {
        return numeric_offset(&lower).map(Some).ok_or_else(|| TimeError::UnknownZone(zone.to_owned()));
    }
    Ok(None)
}

/// `+01:00`, `+0100` or `+1` as an offset.
fn numeric_offset(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at(1);
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() <= 2 => (digits, "00"),
        None => digits.split_at_checked(digits.len() - 2)?,
    };
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
}

/// The first instant at which the clocks of a zone show this time.
///
/// Only the offsets a day before and a day after can be in force at it, for clocks are not changed twice in two days.
fn in_zone(clock: DateTime, zone: &str, offset_at: OffsetAt) -> Result<Timestamp, TimeError> {
    let as_if_utc = Offset::UTC.to_timestamp(clock).map_err(|_| TimeError::Unreadable)?;
    let mut known = false;
    let mut found: Option<Timestamp> = None;
    for hours in [-24, 24] {
        let near = as_if_utc.checked_add(SignedDuration::from_hours(hours)).map_err(|_| TimeError::Unreadable)?;
        let Some(offset) = offset_at(zone, near) else { continue };
        known = true;
        let Ok(instant) = offset.to_timestamp(clock) else { continue };
        if offset_at(zone, instant) == Some(offset) {
            found = Some(found.map_or(instant, |earlier| earlier.min(instant)));
        }
    }
    match found {
        Some(instant) => Ok(instant),
        None if known => Err(TimeError::Skipped),
        None => Err(TimeError::UnknownZone(zone.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::AmbiguousOffset;
    use proptest::prelude::*;

    use super::{super::editable, *};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_typed_time_is_understood_in_any_zone() {
        let same = at("2024-02-05T10:12:00Z");
        for text in [
            "2024-02-05 10:12",
            "2024-02-05 10:12 UTC",
            "2024-02-05T10:12:00Z",
            "2024-02-05t10:12:00.000000000000Z",
            " 2024-02-05  10:12:00 gmt ",
            "2024-2-5 10:12",
            "2024-02-05 11:12 +01:00",
            "2024-02-05 11:12+0100",
            "2024-02-05 04:12-06",
            "2024-02-05 15:42 +5:30",
            "2024-02-05 04:12 America/Chicago",
            "2024-02-05 11:12 Europe/Paris",
            "2024-02-05 11:12 europe/paris",
            "2024-02-05 11:12 CET",
            "2024-02-05 20:12 AEST",
        ] {
            assert_eq!(parse_instant(text), Ok(same), "{text}");
        }
        assert_eq!(parse_instant("2024-02-05 10:12:00.25"), Ok(at("2024-02-05T10:12:00.25Z")));
        assert_eq!(parse_instant("2024-02-05"), Ok(at("2024-02-05T00:00:00Z")));
    }

    #[test]
    fn what_cannot_be_understood_says_what_to_write() {
        for text in [
            "yesterday",
            "",
            "2024-13-05 10:12",
            "2024-02-30 10:12",
            "2024-02-05 25:12",
            "2024-02-05 10:12:60.5.5",
            "2024-02-05 10:12:00.",
            "2024-02-05 10:12:00.1x",
            "2024-02-05-06 10:12",
            "+2024-02-05 10:12",
            "2024-02-05 10:+2",
        ] {
            assert!(parse_instant(text).is_err(), "{text}");
        }
        assert_eq!(parse_instant("yesterday"), Err(TimeError::Unreadable));
        assert_eq!(parse_instant("2024-02-05 04:12 CST"), Err(TimeError::AmbiguousZone("CST".into())));
        for zone in ["Mars/Base", "+25", "+1:2:3:4", "--06"] {
            let unknown = TimeError::UnknownZone(zone.into());
            assert_eq!(parse_instant(&format!("2024-02-05 04:12 {zone}")), Err(unknown), "{zone}");
        }
    }

    #[test]
    fn a_time_that_was_skipped_is_refused_and_one_that_came_twice_is_the_first() {
        assert_eq!(parse_instant("2024-03-31 02:30 Europe/Paris"), Err(TimeError::Skipped));
        assert_eq!(parse_instant("2024-03-31 03:00 Europe/Paris"), Ok(at("2024-03-31T01:00:00Z")));
        assert_eq!(parse_instant("2024-10-27 02:30 Europe/Paris"), Ok(at("2024-10-27T00:30:00Z")));
        assert_eq!(parse_instant("2024-10-27 02:30 CET"), Ok(at("2024-10-27T01:30:00Z")));
    }

    #[test]
    fn the_future_is_refused_but_a_fast_clock_is_not() {
        let now = at("2024-02-05T10:12:00Z");
        assert_eq!(parse_past("2024-02-05 10:12:40", now), Ok(now));
        assert_eq!(parse_past("2024-02-05 10:14", now), Err(TimeError::Future));
    }

    #[test]
    fn a_clock_time_alone_is_the_next_time_it_comes() {
        let now = at("2024-02-05T10:12:00Z");
        assert_eq!(parse_future("10:30", now), Ok(at("2024-02-05T10:30:00Z")));
        assert_eq!(parse_future("10:10", now), Ok(at("2024-02-06T10:10:00Z")));
        assert_eq!(parse_future(" 04:30 America/Chicago ", now), Ok(at("2024-02-05T10:30:00Z")));
        assert_eq!(parse_future("2024-02-05 12:00 +01:00", now), Ok(at("2024-02-05T11:00:00Z")));
        assert_eq!(parse_future("2024-02-05 10:00", now), Err(TimeError::Past));
        assert_eq!(parse_future("2024-04-05 10:00", now), Err(TimeError::TooFar));
        assert_eq!(parse_future("10:30 CST", now), Err(TimeError::AmbiguousZone("CST".into())));
        assert_eq!(parse_future("soon", now), Err(TimeError::Unreadable));
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_it_panic(text in ".{0,60}|[0-9]{1,5}-[0-9]{1,2}-[0-9]{1,2} [0-9:.]{0,12} ?[+A-Za-z0-9/-]{0,9}") {
            let _ = parse_instant(&text);
        }

        #[test]
        fn what_a_form_shows_it_takes_back(minutes in 0_i64..40_000_000) {
            let instant = Timestamp::from_second(minutes * 60).unwrap();
            prop_assert_eq!(parse_instant(&editable(instant)), Ok(instant));
        }

        #[test]
        fn every_clock_is_read_as_the_zone_database_reads_it(
            minutes in 0_i64..35_000_000,
            zone in prop::sample::select(vec![
                "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca",
                "Pacific/Apia", "America/St_Johns", "Antarctica/Troll",
            ]),
        ) {
            let clock = Offset::UTC.to_datetime(Timestamp::from_second(minutes * 60).unwrap());
            let known = TimeZone::get(zone).unwrap().into_ambiguous_zoned(clock);
            let typed = parse_instant(&format!("{} {zone}", clock.strftime("%Y-%m-%d %H:%M")));
            match known.offset() {
                AmbiguousOffset::Gap { .. } => prop_assert_eq!(typed, Err(TimeError::Skipped)),
                _ => prop_assert_eq!(typed, Ok(known.earlier().unwrap().timestamp())),
            }
        }
    }
}
