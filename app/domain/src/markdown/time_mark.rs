//! Times within a text, typed in whatever zone the author thinks in: `{time 2024-02-05 18:12 +08:00}`.

use jiff::Timestamp;

use crate::time::{OffsetAt, TimeError, parse_instant_by};

/// How a time begins.
pub(super) const OPENING: &str = "{time ";
/// Stands before a brace that was escaped, and so begins no time. No text holds it: see [`super::characters::clean`].
pub(super) const ESCAPE: char = '\u{fffe}';
/// The longest that is looked at, in bytes: the longest name of a zone has half as many.
const LONGEST: usize = 80;

/// A stretch of text: words, or a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Words(String),
    Time(Timestamp),
}

/// Splits text into words and the times among them. What cannot be read as a time is words, braces and all.
pub(super) fn pieces(text: &str, offset_at: OffsetAt) -> Vec<Piece> {
    let words = |words: &str| Piece::Words(words.replace(ESCAPE, ""));
    let mut pieces = Vec::new();
    let mut words_start = 0;
    for (start, mark) in marks(text) {
        // A time within what was no time may have begun before its end.
        if let (true, Ok(at)) = (start >= words_start, read(mark, offset_at)) {
            if words_start < start {
                pieces.push(words(&text[words_start..start]));
            }
            pieces.push(Piece::Time(at));
            words_start = start + mark.len();
        }
    }
    if words_start < text.len() {
        pieces.push(words(&text[words_start..]));
    }
    pieces
}

/// What looks like a time but cannot be read as one, and why.
pub(super) fn unread(text: &str) -> impl Iterator<Item = (String, TimeError)> {
    let unread = marks(text).filter_map(|(_, mark)| Some((mark, read(mark, crate::time::offset_at).err()?)));
    unread.map(|(mark, error)| (mark.to_owned(), error))
}

/// Whether there may be a time in a text, or one that was escaped.
pub(super) fn may_hold(text: &str) -> bool {
    text.contains(OPENING) || text.contains(ESCAPE)
}

/// `{time …}`, wherever it stands, and where that is.
fn marks(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let begun = text.match_indices(OPENING).filter(|(start, _)| !text[..*start].ends_with(ESCAPE));
    begun.filter_map(|(start, _)| {
        let bytes = text.as_bytes().get(start..)?;
        let length = bytes.iter().take(LONGEST).position(|byte| *byte == b'}')?;
        Some((start, text.get(start..=start + length)?))
    })
}

fn read(mark: &str, offset_at: OffsetAt) -> Result<Timestamp, TimeError> {
    let typed = mark.strip_prefix(OPENING).and_then(|mark| mark.strip_suffix('}')).unwrap_or_default();
    // A day alone is no time, and pages write years in four digits.
    let at = if typed.contains(':') { parse_instant_by(typed, offset_at)? } else { return Err(TimeError::Unreadable) };
    if (FIRST..LAST).contains(&at.as_second()) { Ok(at) } else { Err(TimeError::Unreadable) }
}

/// The years 1000 to 9999 in UTC, in seconds.
const FIRST: i64 = -30_610_224_000;
const LAST: i64 = 253_402_300_800;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{full, offset_at};

    /// Words as they are, times in brackets.
    fn shown(text: &str) -> String {
        let shown = |piece| match piece {
            Piece::Words(words) => words,
            Piece::Time(at) => format!("[{}]", full(at)),
        };
        pieces(text, offset_at).into_iter().map(shown).collect()
    }

    #[test]
    fn a_time_in_braces_is_read_in_any_zone() {
        for mark in [
            "{time 2024-02-05 10:12}",
            "{time 2024-02-05 10:12 UTC}",
            "{time 2024-02-05T10:12:00Z}",
            "{time  2024-02-05 18:12 +08:00 }",
            "{time 2024-02-05 04:12 America/Chicago}",
            "{time 2024-02-05 11:12 CET}",
        ] {
            assert_eq!(shown(&format!("At {mark}.")), "At [5 Feb 2024, 10:12 UTC].", "{mark}");
        }
        assert_eq!(
            shown("{time 2024-02-05 10:12}{time 2024-02-05 10:13}"),
            "[5 Feb 2024, 10:12 UTC][5 Feb 2024, 10:13 UTC]"
        );
    }

    #[test]
    fn what_is_no_time_stays_as_it_was_typed() {
        for text in [
            "{time 2024-02-05 18:12 CST}",
            "{time 2024-02-05 18:12 Mars/Base}",
            "{time 2024-03-31 02:30 Europe/Paris}",
            "{time 2024-02-05}",
            "{time 2024-02-30 10:12}",
            "{time 0000-01-01 00:00 +14}",
            "{time soon}",
            "{time }",
            "{time}",
            "{Time 2024-02-05 10:12}",
            "{times 2024-02-05 10:12}",
            "{time 2024-02-05 10:12",
            "{time é 10:12}",
            "a {time } b }",
        ] {
            assert_eq!(shown(text), text);
        }
        let long = format!("{{time {}2024-02-05 10:12}}", " ".repeat(100));
        assert_eq!(shown(&long), long);
    }

    #[test]
    fn a_time_whose_brace_was_escaped_is_words() {
        assert_eq!(
            shown("\u{fffe}{time 2024-02-05 10:12} {time 2024-02-05 10:12}"),
            "{time 2024-02-05 10:12} [5 Feb 2024, 10:12 UTC]"
        );
        assert_eq!(unread("\u{fffe}{time soon}").count(), 0);
    }

    #[test]
    fn a_time_within_what_is_none_is_found() {
        assert_eq!(shown("{time {time 2024-02-05 10:12} }"), "{time [5 Feb 2024, 10:12 UTC] }");
    }

    #[test]
    fn what_was_meant_as_a_time_is_told() {
        let found: Vec<_> = unread("{time 2024-02-05 18:12 CST} {time 2024-02-05 18:12 UTC} {time now}").collect();
        assert_eq!(
            found,
            [
                ("{time 2024-02-05 18:12 CST}".to_owned(), TimeError::AmbiguousZone("CST".into())),
                ("{time now}".to_owned(), TimeError::Unreadable)
            ]
        );
    }
}
