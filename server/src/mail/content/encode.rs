//! Writing words into headers and text into bodies, in ASCII and in short lines.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::message::{
    Body,
    header::{ContentTransferEncoding, HeaderName, HeaderValue},
};

/// How long a line of an encoded body gets: RFC 2045, section 6.7, rule 5.
const MAX_BODY_LINE: usize = 76;
/// How many bytes go into one encoded word, so that it fits into 76 characters behind `Subject: `.
const WORD_BYTES: usize = 39;
/// Longer words cannot be folded into a line of 78.
const MAX_WORD: usize = 60;

/// A header whose value is words for people, such as `Subject`.
///
/// Plain ASCII stands as it is. Everything else, and what only looks like an encoded word, becomes encoded words
/// (RFC 2047), so that readers see exactly this text and nothing in it can end the header.
pub(super) fn unstructured(name: &'static str, text: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    if is_plain(text) {
        HeaderValue::new(name, text.to_owned())
    } else {
        HeaderValue::dangerous_new_pre_encoded(name, text.to_owned(), encoded_words(text))
    }
}

/// A header of the form `Name <address>`, such as `From` or `List-Id` (RFC 2919), the name as a quoted string or as
/// encoded words. (lettre's own `From` panics on a name with a line break.)
pub(super) fn named(header: &'static str, name: &str, address: &str) -> HeaderValue {
    let phrase = if name.is_empty() {
        String::new()
    } else if is_plain(name) && name.len() <= MAX_WORD {
        format!("\"{}\" ", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("{}\r\n ", encoded_words(name))
    };
    let header = HeaderName::new_from_ascii_str(header);
    HeaderValue::dangerous_new_pre_encoded(header, name.to_owned(), format!("{phrase}<{address}>"))
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && !text.contains("=?")
        && text.split(' ').all(|word| (1..=MAX_WORD).contains(&word.len()))
}

fn encoded_words(text: &str) -> String {
    let mut words = vec![String::new()];
    for letter in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + letter.len_utf8() <= WORD_BYTES => word.push(letter),
            _ => words.push(letter.into()),
        }
    }
    let words: Vec<_> = words.iter().map(|word| format!("=?utf-8?b?{}?=", STANDARD.encode(word))).collect();
    words.join("\r\n ")
}

/// Ends a line on the wire without ending the line that is read.
pub(super) const SOFT_BREAK: &str = "=\r\n";

/// Encodes a text as quoted-printable in which each of `slots` stands unbroken, on a line of its own.
///
/// What is put in a slot's place later may have any characters but `=` and must leave the line below 76.
pub(super) fn quoted_printable(text: &str, slots: &[&str]) -> Body {
    let mut encoded = Vec::with_capacity(text.len() * 5 / 4);
    let mut rest = text;
    for (slot, ()) in in_order(text, slots.iter().map(|slot| (*slot, ()))) {
        let (before, from_slot) = rest.split_once(slot).unwrap_or((rest, ""));
        encoded.extend(encode(before));
        end_softly(&mut encoded);
        encoded.extend_from_slice(slot.as_bytes());
        encoded.extend_from_slice(SOFT_BREAK.as_bytes());
        rest = from_slot;
    }
    encoded.extend(encode(rest));
    Body::dangerous_pre_encoded(encoded, ContentTransferEncoding::QuotedPrintable)
}

/// A part of a line of text, encoded: it begins on a new line and the text behind it does too. Nothing for nothing.
pub(super) fn unfinished_line(text: &str) -> Vec<u8> {
    let mut encoded = encode(text);
    if !encoded.is_empty() {
        end_softly(&mut encoded);
    }
    encoded
}

/// Every occurrence of these words in a text, in the order in which they stand there. No two may overlap.
pub(super) fn in_order<'a, T>(text: &str, words: impl Iterator<Item = (&'a str, T)>) -> Vec<(&'a str, T)>
where
    T: Copy,
{
    let mut found: Vec<_> = words
        .flat_map(|(word, meaning)| text.match_indices(word).map(move |(start, _)| (start, word, meaning)))
        .collect();
    found.sort_unstable_by_key(|(start, ..)| *start);
    found.into_iter().map(|(_, word, meaning)| (word, meaning)).collect()
}

fn encode(text: &str) -> Vec<u8> {
    let body = Body::new_with_encoding(text.replace('\n', "\r\n"), ContentTransferEncoding::QuotedPrintable);
    // Every text can be written as quoted-printable; an error would give the text back.
    body.map_or_else(|text| text, Body::into_vec)
}

/// Ends a line without ending the line that is read. A full line has no room for the mark: its last character moves on.
fn end_softly(encoded: &mut Vec<u8>) {
    let line = encoded.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if encoded.len() - line >= MAX_BODY_LINE {
        let is_escaped = encoded.get(encoded.len() - 3) == Some(&b'=');
        let last = encoded.split_off(encoded.len() - if is_escaped { 3 } else { 1 });
        encoded.extend_from_slice(SOFT_BREAK.as_bytes());
        encoded.extend(last);
    }
    encoded.extend_from_slice(SOFT_BREAK.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SLOT: &str = "AQIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    proptest! {
        #[test]
        fn a_slot_stands_unbroken_and_lines_stay_short(
            before in "[ -~\n\té🔥]{0,200}", between in "[ -~\né]{0,100}", after in "[ -~\né🔥]{0,200}"
        ) {
            let text = format!("{before}{SLOT}{between}{SLOT}{after}");
            let encoded = String::from_utf8(quoted_printable(&text, &[SLOT]).into_vec()).unwrap();
            prop_assert_eq!(encoded.matches(SLOT).count(), 2);
            for line in encoded.split("\r\n") {
                prop_assert!(line.len() <= MAX_BODY_LINE, "{} in {}", line, encoded);
                prop_assert!(line.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')), "{:?}", line);
            }
            prop_assert_eq!(decoded(&encoded), text.replace('\n', "\r\n"));
        }
    }

    /// Reads it back with the other library.
    fn decoded(encoded: &str) -> String {
        let mail = format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}"
        );
        let mail = mail_parser::MessageParser::default().parse(mail.as_bytes()).unwrap();
        mail.text_bodies().next().unwrap().text_contents().unwrap().to_owned()
    }
}
