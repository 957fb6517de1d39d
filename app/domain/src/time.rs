//! Instants: how people type them, how pages and mails show them.
//!
//! Everything is stored in UTC. A page shows UTC and, where a script may run, the reader's own time beside it.

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, Offset, TimeZone},
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

/// Abbreviations that mean one thing wherever they are used.
const CLEAR: &[(&str, i8)] =
    &[("utc", 0), ("gmt", 0), ("z", 0), ("cet", 1), ("cest", 2), ("pdt", -7), ("mdt", -6), ("edt", -4)];
/// Abbreviations in use for different offsets.
const AMBIGUOUS: &[&str] =
    &["cst", "ist", "bst", "est", "pst", "mst", "cdt", "sst", "ast", "eet", "wet", "jst", "aest"];

/// An instant that someone typed: a date, a clock time and, optionally, a zone (UTC without one).
///
/// Understood: `2024-02-05 10:12`, seconds, a `T` between, and a zone as `UTC`, `Z`, `+01:00`, `-06`, or a name of the
/// IANA database such as `America/Chicago`.
pub fn parse_instant(text: &str) -> Result<Timestamp, TimeError> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let (clock, zone) = split_zone(text);
    let clock: DateTime = clock.parse().map_err(|_| TimeError::Unreadable)?;
    let ambiguous = zone_of(zone)?.into_ambiguous_zoned(clock);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(TimeError::Skipped);
    }
    // A time that came twice, when the clocks were put back, means the first.
    Ok(ambiguous.earlier().map_err(|_| TimeError::Unreadable)?.timestamp())
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
    let instant = match clock.parse::<Time>() {
        Ok(time) if !clock.contains(['-', 'T', 't']) => {
            let zone = zone_of(zone)?;
            let today = now.to_zoned(zone.clone()).date();
            let on = |date: Date| zone.to_ambiguous_zoned(date.to_datetime(time)).compatible().map(|it| it.timestamp());
            let first = on(today).map_err(|_| TimeError::Unreadable)?;
            if first > now { first } else { today.tomorrow().and_then(on).map_err(|_| TimeError::Unreadable)? }
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

fn zone_of(text: &str) -> Result<TimeZone, TimeError> {
    let lower = text.to_ascii_lowercase();
    if lower.is_empty() {
        return Ok(TimeZone::UTC);
    }
    if let Some((_, hours)) = CLEAR.iter().find(|(name, _)| *name == lower) {
        return Ok(TimeZone::fixed(Offset::constant(*hours)));
    }
    if AMBIGUOUS.contains(&lower.as_str()) {
        return Err(TimeError::AmbiguousZone(text.to_owned()));
    }
    if lower.starts_with(['+', '-']) {
        return offset_of(&lower).map(TimeZone::fixed).ok_or_else(|| TimeError::UnknownZone(text.to_owned()));
    }
    TimeZone::get(text).map_err(|_| TimeError::UnknownZone(text.to_owned()))
}

/// `+01:00`, `+0100` or `+1` as an offset.
fn offset_of(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at(1);
    let digits = digits.replace(':', "");
    let (hours, minutes) = if digits.len() <= 2 { (digits.as_str(), "0") } else { digits.split_at(digits.len() - 2) };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
}

/// `14:32 UTC`
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}

/// `5 Feb 2024, 10:12 UTC`
pub fn full(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// The time alone when it is today, date and time otherwise.
pub fn short(at: Timestamp, now: Timestamp) -> String {
    if utc_date(at) == utc_date(now) { clock(at) } else { full(at) }
}

/// `Monday 5 February 2024`
pub fn long_date(date: Date) -> String {
    date.strftime("%A %-d %B %Y").to_string()
}

/// The day in UTC.
pub fn utc_date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// `2024-02-05T10:12:00.000Z`, as the public API and `<time datetime>` want it: RFC 3339 with milliseconds.
pub fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `Mon, 05 Feb 2024 10:12:00 +0000`, as mails and RSS want it: RFC 5322, section 3.3.
pub fn rfc5322(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// What a form shows and takes back: `2024-02-05 10:12 UTC`.
pub fn editable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `1 h 27 min`, `3 d 2 h`, `less than a minute`: the two largest units, rounded down.
pub fn duration(from: Timestamp, to: Timestamp) -> String {
    let minutes = to.duration_since(from).max(SignedDuration::ZERO).as_mins();
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let parts = match (days, hours, rest) {
        (0, 0, 0) => return "less than a minute".to_owned(),
        (0, 0, minutes) => [(0, ""), (minutes, "min")],
        (0, hours, minutes) => [(hours, "h"), (minutes, "min")],
        (days, hours, _) => [(days, "d"), (hours, "h")],
    };
    let words: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            " 2024-02-05 10:12:00 gmt ",
            "2024-02-05 11:12 +01:00",
            "2024-02-05 11:12+0100",
            "2024-02-05 04:12-06",
            "2024-02-05 04:12 America/Chicago",
            "2024-02-05 11:12 Europe/Paris",
            "2024-02-05 11:12 CET",
        ] {
            assert_eq!(parse_instant(text), Ok(same), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_understood_says_what_to_write() {
        assert_eq!(parse_instant("yesterday"), Err(TimeError::Unreadable));
        assert_eq!(parse_instant(""), Err(TimeError::Unreadable));
        assert_eq!(parse_instant("2024-13-05 10:12"), Err(TimeError::Unreadable));
        assert_eq!(parse_instant("2024-02-05 04:12 CST"), Err(TimeError::AmbiguousZone("CST".into())));
        assert_eq!(parse_instant("2024-02-05 04:12 Mars/Base"), Err(TimeError::UnknownZone("Mars/Base".into())));
        assert_eq!(parse_instant("2024-03-31 02:30 Europe/Paris"), Err(TimeError::Skipped));
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

    #[test]
    fn durations_read_like_words() {
        let from = at("2024-02-05T10:12:00Z");
        for (to, words) in [
            ("2024-02-05T10:12:30Z", "less than a minute"),
            ("2024-02-05T10:13:00Z", "1 min"),
            ("2024-02-05T11:39:00Z", "1 h 27 min"),
            ("2024-02-05T12:12:00Z", "2 h"),
            ("2024-02-06T20:04:00Z", "1 d 9 h"),
            ("2024-02-04T00:00:00Z", "less than a minute"),
        ] {
            assert_eq!(duration(from, at(to)), words);
        }
    }

    #[test]
    fn instants_are_shown_in_utc() {
        let instant = at("2024-02-05T10:12:00.5Z");
        assert_eq!(clock(instant), "10:12 UTC");
        assert_eq!(full(instant), "5 Feb 2024, 10:12 UTC");
        assert_eq!(rfc3339(instant), "2024-02-05T10:12:00.500Z");
        assert_eq!(rfc5322(instant), "Mon, 05 Feb 2024 10:12:00 +0000");
        assert_eq!(short(instant, at("2024-02-05T23:00:00Z")), "10:12 UTC");
        assert_eq!(short(instant, at("2024-02-06T01:00:00Z")), "5 Feb 2024, 10:12 UTC");
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_it_panic(text in ".{0,60}") {
            let _ = parse_instant(&text);
        }

        #[test]
        fn what_a_form_shows_it_takes_back(minutes in 0_i64..40_000_000) {
            let instant = Timestamp::from_second(minutes * 60).unwrap();
            prop_assert_eq!(parse_instant(&editable(instant)), Ok(instant));
        }
    }
}
