//! Instants: how people type them, how pages and mails show them.
//!
//! Everything is stored in UTC. A page shows UTC and, where a script may run, the reader's own time beside it.

mod typed;

pub use typed::{OffsetAt, TimeError, offset_at, parse_future, parse_instant, parse_instant_by, parse_past};

use jiff::{
    SignedDuration, Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};

/// As in `5 Feb 2024`.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `14:32 UTC`
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}

/// `5 Feb 2024, 10:12 UTC`
pub fn full(at: Timestamp) -> String {
    // Written out, here and in `rfc3339`: browsers draw times too, and a formatter for everything is a long download.
    let utc = Offset::UTC.to_datetime(at);
    let month = usize::try_from(utc.month() - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"");
    format!("{} {month} {:04}, {:02}:{:02} UTC", utc.day(), utc.year(), utc.hour(), utc.minute())
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
    let utc = Offset::UTC.to_datetime(at);
    let date = format!("{:04}-{:02}-{:02}", utc.year(), utc.month(), utc.day());
    format!("{date}T{:02}:{:02}:{:02}.{:03}Z", utc.hour(), utc.minute(), utc.second(), utc.millisecond())
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
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
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
        assert_eq!(full(at("0987-12-31T23:59:59Z")), "31 Dec 0987, 23:59 UTC");
        assert_eq!(rfc5322(instant), "Mon, 05 Feb 2024 10:12:00 +0000");
        assert_eq!(short(instant, at("2024-02-05T23:00:00Z")), "10:12 UTC");
        assert_eq!(short(instant, at("2024-02-06T01:00:00Z")), "5 Feb 2024, 10:12 UTC");
    }
}
