//! Shortens parsed Markdown to one plain line.

use pulldown_cmark::{Event, Tag, TagEnd};

use super::Part;
use super::characters::is_directional;
use crate::time::full;

/// Collects words until there are more than `max_chars` characters, then cuts.
pub(super) fn cut<'a>(parts: impl Iterator<Item = Part<'a>>, max_chars: usize) -> String {
    let mut line = Line::default();
    let mut notes = 0_usize;
    for part in parts {
        let event = match part {
            Part::Event(event) => event,
            Part::Time(at) if notes == 0 => {
                line.push(&full(at));
                continue;
            }
            Part::Time(_) => continue,
        };
        match event {
            Event::Start(Tag::FootnoteDefinition(_)) => notes += 1,
            Event::End(TagEnd::FootnoteDefinition) => notes -= 1,
            _ if notes > 0 => {}
            Event::Text(text)
            | Event::Code(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => line.push(&text),
            Event::Start(Tag::Strikethrough) | Event::End(TagEnd::Strikethrough) => line.push("~~"),
            Event::TaskListMarker(is_done) => line.push(if is_done { "[x] " } else { "[ ] " }),
            Event::FootnoteReference(_)
            | Event::Start(Tag::Emphasis | Tag::Strong | Tag::Link { .. } | Tag::Image { .. })
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link | TagEnd::Image) => {}
            Event::Start(_) | Event::End(_) | Event::SoftBreak | Event::HardBreak | Event::Rule => {
                line.push(" ");
            }
        }
        if line.chars > max_chars {
            break;
        }
    }
    line.cut(max_chars)
}

/// Words with single spaces between them.
#[derive(Default)]
struct Line {
    text: String,
    chars: usize,
    is_space_due: bool,
}

impl Line {
    fn push(&mut self, text: &str) {
        for c in text.chars().filter(|&c| !is_directional(c)) {
            if c.is_whitespace() {
                self.is_space_due = !self.text.is_empty();
                continue;
            }
            if std::mem::take(&mut self.is_space_due) {
                self.text.push(' ');
                self.chars += 1;
            }
            self.text.push(c);
            self.chars += 1;
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
