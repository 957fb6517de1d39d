//! Writes plain text as Markdown.

use super::{characters, time_mark};

/// Escapes a text; see [`super::from_text`].
pub(super) fn escape(text: &str) -> String {
    let clean = characters::clean(text);
    let mut markdown = String::with_capacity(clean.len() + clean.len() / 16);
    let mut breaks = 0;
    for line in clean.trim_end().split('\n') {
        let line = line.trim_end_matches([' ', '\t']);
        if !line.is_empty() {
            if !markdown.is_empty() {
                push_breaks(&mut markdown, breaks);
            }
            push_line(&mut markdown, line);
            breaks = 0;
        }
        breaks += 1;
    }
    markdown
}

/// One break stays in the paragraph, two start the next; each further one is a line that holds nothing but a break.
fn push_breaks(markdown: &mut String, count: usize) {
    markdown.push_str(if count == 1 { "\n" } else { "\n\n" });
    for _ in 2..count {
        markdown.push_str("\\\n");
    }
}

fn push_line(markdown: &mut String, line: &str) {
    let words = line.trim_start_matches([' ', '\t']);
    // Blanks in front would be lost, or make it code.
    for blank in line[..line.len() - words.len()].chars() {
        markdown.push_str(if blank == '\t' { "&#9;" } else { "&#32;" });
    }
    let digits = words.bytes().take_while(u8::is_ascii_digit).count();
    let mut before = ' ';
    let mut letters = words.char_indices().peekable();
    while let Some((place, letter)) = letters.next() {
        let after = letters.peek().map_or(' ', |(_, after)| *after);
        let is_mark = match letter {
            '\\' | '`' | '*' | '[' | ']' | '<' | '&' | '~' | '|' => true,
            // Within a word it is a letter like any other.
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            '#' | '>' | '+' | '-' | '=' => place == 0,
            '.' | ')' => place > 0 && place == digits,
            '{' => words[place..].starts_with(time_mark::OPENING),
            _ => false,
        };
        if is_mark {
            markdown.push('\\');
        }
        markdown.push(letter);
        before = letter;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::markdown::{from_text, to_html, to_text};

    /// What Markdown can hold of a text.
    fn kept(text: &str) -> String {
        let lines: Vec<_> = text.split('\n').map(|line| line.trim_end_matches([' ', '\t'])).collect();
        lines.join("\n").trim_start_matches('\n').trim_end().to_owned()
    }

    #[test]
    fn what_looks_like_markdown_is_read_as_it_was_written() {
        for text in [
            "* Not a list. * Nor this.",
            "- one\n- two\n\n1. three\n2) four",
            "# no heading\nno heading\n=====\n---",
            "<1% of GITHUB_TOKEN _users_ [see](https://example.com/a_b) ~~not~~ ~1h &amp; C:\\temp\\",
            "  indented\n\tmore\n\n\n\nfar below",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "```\ncode\n```\n[^1]: note\n[a]: https://example.com",
            "\u{a0}blank that stays",
            "At {time 2024-02-05 18:12 +08:00}, \\{time 2024-02-05 10:12} and {time soon}",
        ] {
            assert_eq!(to_text(&from_text(text)), kept(text), "{}", from_text(text));
        }
    }

    #[test]
    fn what_needs_no_escape_gets_none() {
        let text = "ETA is 1.5 h - see https://example.com/a_b?c=d (or #status), it's 10% done!";
        assert_eq!(from_text(text), text);
        assert!(to_html(text).contains("<a href=\"https://example.com/a_b?c=d\""));
    }

    #[test]
    fn no_time_is_read_into_a_text() {
        let text = "{time 2024-02-05 10:12} and {ETA} {time";
        assert_eq!(from_text(text), format!("\\{text}"));
        assert!(!to_html(&from_text(text)).contains("<time"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_text_is_changed(text in "[ -~\n\té ]{0,40}") {
            prop_assert_eq!(to_text(&from_text(&text)), kept(&text), "{}", from_text(&text));
        }

        #[test]
        fn nor_is_one_full_of_times(text in r"(\{time 2024-02-05 10:12\}|\{|\\|time |`|\*|[|]|a| |\n){0,12}") {
            prop_assert_eq!(to_text(&from_text(&text)), kept(&text), "{}", from_text(&text));
        }

        #[test]
        fn nor_is_one_full_of_marks(text in "[a1 .)*_`#<>&|~\\[\\](!+=:\\\\\n-]{0,24}") {
            prop_assert_eq!(to_text(&from_text(&text)), kept(&text), "{}", from_text(&text));
        }
    }
}
