//! Where links may lead, and where text holds a URL that nobody marked as one.

use std::fmt::Write as _;

use pulldown_cmark::LinkType;

/// The address for an `href`, or nothing if a link there is not allowed.
///
/// Only absolute `http`, `https` and `mailto` addresses pass, so there is no list of bad schemes to keep up with: relative
/// and protocol-relative addresses mean nothing in a mail, and whatever a browser might read as `javascript:` does not
/// begin with one of the three. Control characters, which browsers skip inside a scheme, are refused anywhere. The
/// result is ASCII: all else is percent-encoded (RFC 3986, section 2.1), and what was so encoded stays as it is.
pub(super) fn href(link_type: LinkType, target: &str) -> Option<String> {
    if link_type == LinkType::Email {
        return href(LinkType::Inline, &format!("mailto:{target}"));
    }
    if target.chars().any(char::is_control) {
        return None;
    }
    let (scheme, rest) = target.trim().split_once(':')?;
    let scheme = ["http", "https", "mailto"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    let names_someone = if scheme == "mailto" {
        !rest.is_empty()
    } else {
        let host = rest.strip_prefix("//")?;
        host.starts_with(|c: char| c.is_alphanumeric() || c == '[')
    };
    names_someone.then(|| encode(scheme, rest))
}

fn encode(scheme: &str, rest: &str) -> String {
    let mut encoded = format!("{scheme}:");
    for byte in rest.bytes() {
        match byte {
            b' ' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x7f.. => {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
            byte => encoded.push(char::from(byte)),
        }
    }
    encoded
}

/// A stretch of text: words, or a bare URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Words(&'a str),
    Url(&'a str),
}

/// Splits text into words and the `http` and `https` URLs among them.
///
/// The rules are those of GitHub's [extended autolinks](https://github.github.com/gfm/#autolinks-extension-): a URL
/// begins where a word could, ends before white space or `<`, and leaves out the punctuation of the sentence around it
/// and a closing bracket that it did not open.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut words_start = 0;
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let colon = from + found;
        from = colon + "://".len();
        let Some(start) = scheme_start(&text[words_start..colon]).map(|at| words_start + at) else {
            continue;
        };
        if !text[from..].starts_with(char::is_alphanumeric) {
            continue;
        }
        let end = from + url_length(&text[from..]);
        if words_start < start {
            pieces.push(Piece::Words(&text[words_start..start]));
        }
        pieces.push(Piece::Url(&text[start..end]));
        words_start = end;
        from = end;
    }
    if words_start < text.len() {
        pieces.push(Piece::Words(&text[words_start..]));
    }
    pieces
}

/// Where in `before`, which a `://` follows, its scheme begins.
fn scheme_start(before: &str) -> Option<usize> {
    let start = ["https", "http"].into_iter().find_map(|scheme| {
        let start = before.len().checked_sub(scheme.len())?;
        before.get(start..)?.eq_ignore_ascii_case(scheme).then_some(start)
    })?;
    (!before[..start].ends_with(char::is_alphanumeric)).then_some(start)
}

/// How many bytes of `rest` belong to the URL that it continues.
fn url_length(rest: &str) -> usize {
    let end = rest.find(|c: char| c.is_whitespace() || is_delimiter(c)).unwrap_or(rest.len());
    let mut url = &rest[..end];
    let mut opened = url.matches('(').count();
    let mut closed = url.matches(')').count();
    while let Some(last) = url.chars().next_back() {
        match last {
            ')' if closed > opened => closed -= 1,
            '(' => opened -= 1,
            '?' | '!' | '.' | ',' | ':' | ';' | '*' | '_' | '~' | '\'' | ']' | '…' => {}
            _ => break,
        }
        url = &url[..url.len() - last.len_utf8()];
    }
    url.len()
}

/// What ends a URL wherever it stands: never part of one unencoded, or punctuation of scripts without spaces.
fn is_delimiter(c: char) -> bool {
    matches!(
        c,
        '<' | '>'
            | '"'
            | '`'
            | '|'
            | '。'
            | '，'
            | '、'
            | '；'
            | '：'
            | '！'
            | '？'
            | '（'
            | '）'
            | '「'
            | '」'
            | '『'
            | '』'
            | '《'
            | '》'
            | '【'
            | '】'
            | '“'
            | '”'
            | '‘'
            | '’'
            | '«'
            | '»'
    ) || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_schemes_lead_anywhere() {
        for (target, expected) in [
            ("https://example.com", Some("https://example.com")),
            ("HTTPS://Example.com/A", Some("https://Example.com/A")),
            ("http://[::1]:8080/", Some("http://[::1]:8080/")),
            ("mailto:jo@example.com", Some("mailto:jo@example.com")),
            (" https://example.com ", Some("https://example.com")),
            ("https://example.com/a b\"<", Some("https://example.com/a%20b%22%3C")),
            ("https://example.com/%20ü", Some("https://example.com/%20%C3%BC")),
            ("https://bücher.example/", Some("https://b%C3%BCcher.example/")),
            ("https://a\\@b/", Some("https://a%5C@b/")),
            ("javascript:alert(1)", None),
            ("JaVaScRiPt:alert(1)", None),
            ("java\tscript:alert(1)", None),
            ("\u{1}javascript:alert(1)", None),
            ("https\n://example.com", None),
            ("data:text/html,x", None),
            ("vbscript:x", None),
            ("file:///etc/passwd", None),
            ("//example.com/", None),
            ("/relative", None),
            ("#fragment", None),
            ("https:", None),
            ("https:/example.com", None),
            ("https:///example.com", None),
            ("https://", None),
            ("https://?x", None),
            ("mailto:", None),
            ("", None),
        ] {
            assert_eq!(href(LinkType::Inline, target).as_deref(), expected, "{target:?}");
        }
    }

    #[test]
    fn bare_urls_end_where_the_sentence_goes_on() {
        for (text, url) in [
            ("see https://example.com.", "https://example.com"),
            ("(https://example.com/a)", "https://example.com/a"),
            ("(see https://en.example/wiki/A_(b))", "https://en.example/wiki/A_(b)"),
            ("https://example.com/a_b~c?d=e&f=g#h, then", "https://example.com/a_b~c?d=e&f=g#h"),
            ("<https://example.com>", "https://example.com"),
            ("“https://example.com”", "https://example.com"),
            ("见https://example.com/状态。谢谢", ""),
            ("见 https://example.com/状态。谢谢", "https://example.com/状态"),
            ("HTTP://EXAMPLE.COM!", "HTTP://EXAMPLE.COM"),
            ("http://localhost:3000/x?!?", "http://localhost:3000/x"),
            ("https://example.com/x)))).", "https://example.com/x"),
            ("xhttps://example.com", ""),
            ("ftp://example.com", ""),
            ("https://", ""),
            ("https://-", ""),
            ("://", ""),
            ("é://x", ""),
        ] {
            let urls: Vec<_> = pieces(text)
                .into_iter()
                .filter_map(|piece| match piece {
                    Piece::Url(url) => Some(url),
                    Piece::Words(_) => None,
                })
                .collect();
            assert_eq!(urls.concat(), url, "{text:?}");
        }
    }

    #[test]
    fn splitting_loses_nothing() {
        let text = "a https://b.c/, http://d. (https://e) :// f";
        let together: String = pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Words(part) | Piece::Url(part) => part,
            })
            .collect();
        assert_eq!(together, text);
    }
}
