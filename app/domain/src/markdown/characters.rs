//! Which characters may pass, and how they are escaped.

use pulldown_cmark::CowStr;

/// Brings a source into the form that the parser gets: `\n` line ends, no control characters but `\n` and `\t`.
///
/// NUL becomes U+FFFD, as the specification says; U+FFFE and U+FFFF go because they may not stand in XML, and so not in feeds.
pub(super) fn clean(source: &str) -> String {
    let mut clean = String::with_capacity(source.len());
    let mut characters = source.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                characters.next_if_eq(&'\n');
                clean.push('\n');
            }
            '\n' | '\t' => clean.push(c),
            '\0' => clean.push('\u{fffd}'),
            c if is_forbidden(c) => {}
            c => clean.push(c),
        }
    }
    clean
}

/// Makes text fit for one line: line ends become spaces, other control characters go.
pub(super) fn single_line(text: CowStr<'_>) -> CowStr<'_> {
    let passes = |c: char| c == '\t' || !is_forbidden(c);
    if text.chars().all(passes) {
        return text;
    }
    let line: String =
        text.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }).filter(|&c| passes(c)).collect();
    line.into()
}

/// Whether a character never reaches the output, but for `\n` and `\t` where they have a place.
pub(super) fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Whether a character starts or ends an embedding, override or isolate of the bidirectional algorithm (UAX #9), and so
/// acts on the text after it.
pub(super) fn is_directional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Appends text to HTML, where elements or quoted attributes may stand.
pub(super) fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}
