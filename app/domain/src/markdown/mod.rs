//! Markdown as people on call write it, to safe HTML and to plain text.
//!
//! Page, mail, feed and preview all call these functions, so what is previewed is what is published.
//!
//! ```text
//! source ─ characters::clean ─ pulldown-cmark ─ time_mark ─┬─ html     pages, mails, feeds, preview
//!                                                          ├─ text     the text half of mails
//!                                                          └─ excerpt  titles, link previews
//! ```
//!
//! What is understood: [CommonMark](https://spec.commonmark.org/) plus tables, footnotes, strikethrough and task lists
//! as on GitHub, with these differences:
//!
//! - A line break that was typed is a line break that is read.
//! - `{time 2024-02-05 18:12 +08:00}` is an instant, in any zone that [`crate::time::parse_instant`] understands (UTC
//!   without one). Readers see it in UTC, and pages add their own time. What cannot be read as one, such as a zone
//!   abbreviation that several places use, stays as it was typed; so does a time within `code`, and one after a
//!   backslash: `\{time …}`.
//! - HTML is text: it is shown as it was typed and never interpreted.
//! - Links lead to `http`, `https` or `mailto` or are only their text; bare URLs become links.
//! - Images become links, because mails load nothing from elsewhere and pages may not.
//! - Headings start at `<h3>`: `<h1>` and `<h2>` belong to the page around. In a document of its own, drawn by
//!   [`to_article`], they start at `<h2>`, skip no level and have ids.
//! - There are no `style` attributes (they would need a weaker Content-Security-Policy), only a few classes:
//!   `table`, `align-left`, `align-center`, `align-right`, `task`, `footnote`, `footnotes`, `language-…`.
//!
//! However hostile the source, time and output grow in proportion to its length and the stack does not grow: containers
//! nest at most [`MAX_NESTING`] deep, and what lies deeper is drawn at that depth.

mod characters;
mod excerpt;
mod footnotes;
mod headings;
mod html;
mod link;
mod literal;
mod text;
mod text_table;
mod time_mark;

pub use headings::Heading;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod pathological_tests;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream};

use crate::time::{OffsetAt, TimeError, offset_at};

/// How deep quotes and lists, and separately emphasis, nest before further levels are drawn flat.
///
/// Nobody writes sixteen levels; `>` fifty thousand times is an attack on whoever reads the page, not a quotation.
pub const MAX_NESTING: usize = 16;

/// Draws a text as safe HTML, to be embedded as it is.
///
/// The result is block elements only, each of which runs as its words do, and needs no further cleaning. Where several texts stand
/// on one page, use [`to_html_in`] so that their footnotes keep apart.
pub fn to_html(source: &str) -> String {
    to_html_in(source, "")
}

/// Draws a text as safe HTML whose ids begin with `prefix`, for pages that show several texts.
///
/// Of the prefix only `A-Z a-z 0-9 _ -` are used, at most 64 of them; `to_html_in(source, "u7")` gives `u7-fn-1` and
/// `u7-fnref-1`.
pub fn to_html_in(source: &str, prefix: &str) -> String {
    to_html_by(source, prefix, offset_at)
}

/// As [`to_html_in`], where somebody else knows the time zones: a browser has no other database than its own.
pub fn to_html_by(source: &str, prefix: &str, offset_at: OffsetAt) -> String {
    html::draw(parts(&characters::clean(source), offset_at), prefix)
}

/// A text that is a document of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// Safe HTML, as of [`to_html`], with headings from `<h2>`.
    pub html: String,
    /// Its headings, for a table of contents.
    pub headings: Vec<Heading>,
}

/// Draws a document. Ids begin with `prefix` as in [`to_html_in`]: `to_article(source, "")` gives `section-root-cause`.
pub fn to_article(source: &str, prefix: &str) -> Article {
    to_article_by(source, prefix, offset_at)
}

/// As [`to_article`], where somebody else knows the time zones.
pub fn to_article_by(source: &str, prefix: &str, offset_at: OffsetAt) -> Article {
    let clean = characters::clean(source);
    let headings = headings::Headings::of(parts(&clean, offset_at));
    html::draw_article(parts(&clean, offset_at), prefix, headings)
}

/// Writes a text as plain text for mails: complete, readable as it stands, and without any HTML of ours.
///
/// Lines are not wrapped and are separated by `\n`; there is no `\n` at the end.
pub fn to_text(source: &str) -> String {
    text::write(parts(&characters::clean(source), offset_at))
}

/// Writes plain text as Markdown that says exactly this text: [`to_text`] gives it back.
///
/// But for what Markdown cannot hold: control characters, blanks at the ends of lines, and empty lines at either end.
pub fn from_text(text: &str) -> String {
    literal::escape(text)
}

/// Shortens a text to one plain line of at most `max_chars` characters, for titles and previews.
///
/// It tells what is said in paragraphs and lists, each item a sentence; headings, tables and code only where nothing else
/// is there. It is cut between words, with `…` at the end, which counts. Footnotes and link targets are left out, and so are
/// the characters that change the direction of text, because a title stands in lines that are not its own.
pub fn excerpt(source: &str, max_chars: usize) -> String {
    excerpt::cut(parts(&characters::clean(source), offset_at), max_chars)
}

/// What in a text was meant as a time but cannot be read as one, as it was typed, and what to do about it.
pub fn unread_times(source: &str) -> Vec<(String, TimeError)> {
    let clean = characters::clean(source);
    let texts = texts(&clean).filter_map(|(event, is_code)| match event {
        Event::Text(text) if !is_code => Some(text),
        _ => None,
    });
    texts.flat_map(|text| time_mark::unread(&text).collect::<Vec<_>>()).collect()
}

/// What is drawn: an event of the parser, or a time.
enum Part<'a> {
    Event(Event<'a>),
    Time(Timestamp),
}

/// The events of a clean source, and the times in its texts but for those in code.
fn parts(clean: &str, offset_at: OffsetAt) -> impl Iterator<Item = Part<'_>> {
    texts(clean).flat_map(move |(event, is_code)| match event {
        Event::Text(text) if !is_code && time_mark::may_hold(&text) => {
            let part = |piece| match piece {
                time_mark::Piece::Words(words) => Part::Event(Event::Text(words.into())),
                time_mark::Piece::Time(at) => Part::Time(at),
            };
            time_mark::pieces(&text, offset_at).into_iter().map(part).collect()
        }
        event => vec![Part::Event(event)],
    })
}

/// Parses a clean source; text comes in one piece, without control characters except `\t` and, in code blocks, `\n`, which
/// the second half of a pair tells. Where a brace was escaped, [`time_mark::ESCAPE`] stands before it.
fn texts(clean: &str) -> impl Iterator<Item = (Event<'_>, bool)> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut is_code = false;
    let events = Parser::new_ext(clean, options).into_offset_iter().map(move |(event, place)| {
        is_code = is_code_block(&event, is_code);
        match event {
            Event::Text(text) if !is_code => {
                // Character references (`&#10;`, `&#x1b;`) bring back what was cleaned away.
                let text = characters::single_line(text);
                let is_escaped = text.starts_with('{') && clean[..place.start].ends_with('\\');
                Event::Text(if is_escaped { format!("{}{text}", time_mark::ESCAPE).into() } else { text })
            }
            event => event,
        }
    });
    let mut is_code = false;
    TextMergeStream::new(events).map(move |event| {
        is_code = is_code_block(&event, is_code);
        (event, is_code)
    })
}

/// Whether what comes after an event is in a block of code, given whether the event is.
fn is_code_block(event: &Event, is_code: bool) -> bool {
    match event {
        Event::Start(Tag::CodeBlock(_)) => true,
        Event::End(TagEnd::CodeBlock) => false,
        _ => is_code,
    }
}
