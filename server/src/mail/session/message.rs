//! A message as it crosses the wire.

/// Makes every line end CRLF, doubles leading dots and adds the final one (RFC 5321, 4.5.2).
///
/// A lone CR or LF becomes CRLF too: what some servers take for a line end and others do not is how a second mail is
/// smuggled behind the first.
pub(super) fn encode(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + message.len() / 32 + 8);
    let mut rest = message;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
        rest = match after {
            [b'\r', b'\n', after @ ..] | [_, after @ ..] => after,
            [] => after,
        };
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_end_in_crlf_and_dots_are_doubled() {
        for (message, wire) in [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".\r\n..\r\nx.\r\n", "..\r\n...\r\nx.\r\n.\r\n"),
            ("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\n\r\r\nb", "a\r\n\r\n\r\nb\r\n.\r\n"),
        ] {
            assert_eq!(String::from_utf8(encode(message.as_bytes())).unwrap(), wire, "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn only_the_end_looks_like_the_end(message in r"[\r\n.a]{0,40}") {
            let wire = String::from_utf8(encode(message.as_bytes())).unwrap();
            let body = wire.strip_suffix(".\r\n").unwrap();
            prop_assert!(body.is_empty() || body.ends_with("\r\n"));
            let bare = body.replace("\r\n", "");
            prop_assert!(!bare.contains(['\r', '\n']));
            prop_assert!(body.split("\r\n").all(|line| line != "."));
        }
    }
}
