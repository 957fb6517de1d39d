//! Shortens parsed Markdown to one plain line.

use pulldown_cmark::{Event, Tag, TagEnd};

use super::Part;
use super::characters::is_directional;
use crate::time::full;

/// Collects sentences until there are more than `max_chars` characters, then cuts.
///
/// What is said in paragraphs, quotes and lists makes the line. Only where nothing is, headings, tables and code do.
pub(super) fn cut<'a>(parts: impl Iterator<Item = Part<'a>>, max_chars: usize) -> String {
    let (mut prose, mut rest) = (Line::default(), Line::default());
    // How many of these are open.
    let (mut asides, mut notes) = (0_usize, 0_usize);
    for part in parts {
        let line = if asides > 0 { &mut rest } else { &mut prose };
        let event = match part {
            Part::Event(event) => event,
            Part::Time(at) if notes == 0 => {
                line.push(&full(at), max_chars);
                continue;
            }
            Part::Time(_) => continue,
        };
        match event {
            Event::Start(Tag::FootnoteDefinition(_)) => notes += 1,
            Event::End(TagEnd::FootnoteDefinition) => notes -= 1,
            _ if notes > 0 => {}
            Event::Start(Tag::Heading { .. } | Tag::Table(_) | Tag::CodeBlock(_)) => {
                asides += 1;
                rest.end(Some('.'));
            }
            Event::End(TagEnd::Heading(_) | TagEnd::Table | TagEnd::CodeBlock) => asides -= 1,
            Event::Text(text)
            | Event::Code(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => line.push(&text, max_chars),
            Event::Start(Tag::Strikethrough) | Event::End(TagEnd::Strikethrough) => line.push("~~", max_chars),
            Event::TaskListMarker(is_done) => line.push(if is_done { "[x] " } else { "[ ] " }, max_chars),
            Event::FootnoteReference(_)
            | Event::Start(Tag::Emphasis | Tag::Strong | Tag::Link { .. } | Tag::Image { .. })
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link | TagEnd::Image) => {}
            Event::SoftBreak | Event::HardBreak => line.end(None),
            Event::Start(Tag::TableCell) | Event::End(TagEnd::TableCell) => line.end(Some(',')),
            Event::Start(_) | Event::End(_) | Event::Rule => line.end(Some('.')),
        }
        if prose.chars > max_chars {
            break;
        }
    }
    if prose.text.is_empty() { rest.cut(max_chars) } else { prose.cut(max_chars) }
}

/// Words with single spaces between them, and marks between what belongs apart.
#[derive(Default)]
struct Line {
    text: String,
    chars: usize,
    is_space_due: bool,
    /// What follows the last word, if another does and no mark is there yet.
    mark_due: Option<char>,
}

impl Line {
    /// Ends a word, or with a mark a clause or a sentence.
    fn end(&mut self, mark: Option<char>) {
        self.is_space_due = !self.text.is_empty();
        // What ends a sentence ends its last clause as well.
        if self.mark_due != Some('.') {
            self.mark_due = mark.or(self.mark_due);
        }
    }

    /// Appends, unless the line is full.
    fn push(&mut self, text: &str, max_chars: usize) {
        for c in text.chars().filter(|&c| !is_directional(c)) {
            if self.chars > max_chars {
                return;
            }
            if c.is_whitespace() {
                self.is_space_due = !self.text.is_empty();
                continue;
            }
            let takes_mark =
                |c: char| c.is_alphanumeric() || matches!(c, ')' | ']' | '"' | '”' | '’' | '»' | '%' | '~');
            let mark = self.mark_due.take().filter(|_| self.text.chars().next_back().is_some_and(takes_mark));
            let space = std::mem::take(&mut self.is_space_due).then_some(' ');
            for c in mark.into_iter().chain(space).chain([c]) {
                self.text.push(c);
                self.chars += 1;
            }
        }
    }

    fn cut(mut self, max_chars: usize) -> String {
        if self.chars <= max_chars {
            return self.text;
        }
        let Some(room) = max_chars.checked_sub("…".chars().count()) else {
            return String::new();
        };
        let end = self.text.char_indices().nth(room).map_or(self.text.len(), |(at, _)| at);
        // The space after the last word that fits. Where that would cost half the line, because of a long URL or in a
        // script without spaces, the cut is within the word.
        let last_space = self.text.char_indices().take(room + 1).skip(room / 2).filter(|(_, c)| *c == ' ').last();
        let end = last_space.map_or(end, |(at, _)| at);
        self.text.truncate(end);
        let kept = self.text.trim_end_matches([',', ';', ':', '.', ' ', '-', '–', '—']).len();
        self.text.truncate(kept);
        self.text.push('…');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::markdown::excerpt;

    #[test]
    fn what_is_said_is_told_without_its_headings_tables_code_and_notes() {
        let source = "## Impact\n\nPayouts were *late*[^1].\n\n| Country | Payouts |\n|---|--:|\n| France | 1,200 |\n\n---\n\n\
                      ```\nselect 1\n```\n\n### Next\n\nAll were sent by 9:00\n\n[^1]: By a day.\n\n> Sorry!";
        assert_eq!(excerpt(source, 200), "Payouts were late. All were sent by 9:00. Sorry!");
    }

    #[test]
    fn each_item_of_a_list_is_a_sentence() {
        for (source, expected) in [
            (
                "Affected:\n\n- API\n- Webhooks in `eu-1`\n  - *all* of them!\n\nMore soon.",
                "Affected: API. Webhooks in eu-1. all of them! More soon.",
            ),
            ("1. Restart\n\n   Again\n2. Verify", "Restart. Again. Verify"),
            ("- [x] Restart\n- [ ] ~~Verify~~\n- Done", "[x] Restart. [ ] ~~Verify~~. Done"),
            ("我们正在调查。\n\n请稍候。", "我们正在调查。 请稍候。"),
            ("10:02 degraded\n10:07 worse", "10:02 degraded 10:07 worse"),
        ] {
            assert_eq!(excerpt(source, 200), expected, "{source}");
        }
    }

    #[test]
    fn where_nothing_is_said_the_rest_must_do() {
        for (source, expected) in [
            ("# Everything is down\n\n---", "Everything is down"),
            (
                "# Errors\n\n| Region | Errors |\n|-|-|\n| eu | 12 % |\n| ap ||\n| us | |",
                "Errors. Region, Errors. eu, 12 %. ap. us",
            ),
            ("    exit 1\n\n## Fixed", "exit 1. Fixed"),
            ("- # Down", "Down"),
            ("[^1]: No", ""),
        ] {
            assert_eq!(excerpt(source, 200), expected, "{source}");
        }
    }

    /// A block, and what an excerpt tells of it.
    fn block() -> impl Strategy<Value = (String, Option<String>)> {
        let words = "[a-m]{1,9}( [a-m]{1,9}){0,6}";
        let said = (words, 0..4_usize).prop_map(|(words, kind)| {
            let block = match kind {
                0 => format!("{words}."),
                1 => format!("> {words}"),
                2 => format!("- {words}"),
                _ => words.replacen(' ', "\n", 1),
            };
            (block, Some(words))
        });
        let beside = ("[n-z]{1,9}( [n-z]{1,9}){0,6}", 0..5_usize).prop_map(|(words, kind)| {
            let block = match kind {
                0 => format!("## {words}"),
                1 => format!("| {words} | {words} |\n|---|---|\n| {words} | |"),
                2 => format!("```\n{words}\n```"),
                3 => format!("[^n]: {words}"),
                _ => "---".to_owned(),
            };
            (block, None)
        });
        prop_oneof![said, beside]
    }

    proptest! {
        #[test]
        fn every_word_that_is_said_is_told_in_order_until_it_is_cut(
            blocks in prop::collection::vec(block(), 0..12), max_chars in 20..300_usize
        ) {
            prop_assume!(blocks.iter().any(|(_, said)| said.is_some()));
            let source: Vec<_> = blocks.iter().map(|(block, _)| block.as_str()).collect();
            let source = source.join("\n\n");
            let said: Vec<_> = blocks.iter().filter_map(|(_, said)| said.as_deref()).collect();
            let told = excerpt(&source, max_chars);
            prop_assert!(told.chars().count() <= max_chars);
            let whole = said.join(". ");
            match told.strip_suffix('…') {
                Some(start) => prop_assert!(whole.starts_with(start) && start.len() + 10 > max_chars.min(whole.len()) / 2, "{}", told),
                None => prop_assert_eq!(told.trim_end_matches('.'), whole, "{}", source),
            }
        }
    }
}
