//! Months of the history, in UTC.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::time::utc_date;

/// One month, written `2024-02` as in its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// Its first day.
    first: Date,
}

/// The text is not a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a month as “2024-02”")]
pub struct InvalidMonth;

impl Month {
    /// The month of an instant.
    pub fn of(at: Timestamp) -> Self {
        Self { first: utc_date(at).first_of_month() }
    }

    /// The one before it, unless there is none that could be written.
    pub fn previous(self) -> Option<Self> {
        self.first.checked_sub(1.month()).ok().filter(|first| first.year() > 0).map(|first| Self { first })
    }

    /// The one after it, unless there is none that could be written.
    pub fn next(self) -> Option<Self> {
        self.first.checked_add(1.month()).ok().map(|first| Self { first })
    }

    /// When it begins.
    pub fn start(self) -> Timestamp {
        // Every month that can be written begins within the range of a `Timestamp`.
        TimeZone::UTC.to_timestamp(self.first.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN)
    }

    /// When the next one begins.
    pub fn end(self) -> Timestamp {
        self.next().map_or(Timestamp::MAX, Self::start)
    }

    /// Its year.
    pub fn year(self) -> i16 {
        self.first.year()
    }

    /// `February 2024`
    pub fn title(self) -> String {
        self.first.strftime("%B %Y").to_string()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let is_written_so = |part: &str, length| part.len() == length && part.bytes().all(|it| it.is_ascii_digit());
        if !is_written_so(year, 4) || !is_written_so(month, 2) {
            return Err(InvalidMonth);
        }
        let (year, month) = (year.parse().map_err(|_| InvalidMonth)?, month.parse().map_err(|_| InvalidMonth)?);
        let first = Date::new(year, month, 1).ok().filter(|first| first.year() > 0).ok_or(InvalidMonth)?;
        Ok(Self { first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        for (text, title, start, end) in [
            ("2024-02", "February 2024", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("2023-12", "December 2023", "2023-12-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ] {
            let month = month(text);
            assert_eq!((month.to_string().as_str(), month.title().as_str()), (text, title));
            assert_eq!((month.start(), month.end()), (start.parse().unwrap(), end.parse().unwrap()));
            assert_eq!(Month::of(month.start()), month);
            assert_eq!(Some(Month::of(month.end())), month.next());
            assert_eq!(month.next().unwrap().previous(), Some(month));
        }
    }

    #[test]
    fn time_has_a_first_and_a_last_month() {
        assert_eq!(month("0001-01").previous(), None);
        assert_eq!(month("9999-12").next(), None);
        assert_eq!(month("9999-12").end(), Timestamp::MAX);
    }

    #[test]
    fn what_is_not_a_month_is_refused() {
        for text in ["", "2024", "2024-13", "2024-00", "0000-01", "2024-1", "24-01", "+024-01", "2024-02-01", "2024-0२"]
        {
            assert_eq!(text.parse::<Month>(), Err(InvalidMonth), "{text}");
        }
    }
}
