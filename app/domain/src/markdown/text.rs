//! Writes parsed Markdown as plain text for mails.

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Tag, TagEnd};

use super::characters::single_line;
use super::footnotes::Footnotes;
use super::link;
use super::text_table::Table;
use super::{MAX_NESTING, Part};
use crate::time::full;

/// How wide underlines and rules get at most, in characters: what every mail program shows in one line.
const WIDTH: usize = 72;

/// Writes all parts.
pub(super) fn write<'a>(parts: impl Iterator<Item = Part<'a>>) -> String {
    let mut letter = Letter::default();
    for part in parts {
        match part {
            Part::Event(event) => letter.event(event),
            Part::Time(at) => letter.sheet.push(&full(at)),
        }
    }
    letter.finish()
}

#[derive(Default)]
struct Letter<'a> {
    sheet: Sheet,
    lists: Vec<Option<u64>>,
    links: Vec<Link<'a>>,
    /// Where the words of the open heading begin.
    heading_start: usize,
    is_code_block: bool,
    raw_html: String,
    table: Table,
    notes: Footnotes,
    /// The sheets around the footnotes and table cells that are being written.
    outer: Vec<Sheet>,
    labels: Vec<CowStr<'a>>,
}

/// A link or image that is open.
struct Link<'a> {
    kind: LinkType,
    target: CowStr<'a>,
    text_start: usize,
}

impl<'a> Letter<'a> {
    fn event(&mut self, event: Event<'a>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.is_code_block => self.sheet.push_lines(&text),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.sheet.push(&text);
            }
            Event::Html(html) => self.raw_html.push_str(&html),
            Event::InlineHtml(html) => self.sheet.push_lines(&html),
            Event::SoftBreak | Event::HardBreak => self.sheet.new_line(),
            Event::Rule => {
                self.sheet.start_block();
                self.sheet.push("---");
                self.sheet.end_block();
            }
            Event::FootnoteReference(label) => {
                let (number, _) = self.notes.refer(&label);
                self.sheet.push(&format!("[{number}]"));
            }
            Event::TaskListMarker(is_done) => {
                self.sheet.push(if is_done { "[x] " } else { "[ ] " });
            }
        }
    }

    fn start(&mut self, tag: Tag<'a>) {
        match tag {
            Tag::Paragraph => self.sheet.start_block(),
            Tag::Heading { .. } => {
                self.sheet.start_block();
                self.sheet.push("");
                self.heading_start = self.sheet.text.len();
            }
            Tag::BlockQuote(_) => {
                self.sheet.start_block();
                self.sheet.indent("> ".to_owned(), "> ".to_owned());
            }
            Tag::CodeBlock(_) => {
                self.sheet.start_block();
                self.sheet.indent("    ".to_owned(), "    ".to_owned());
                self.is_code_block = true;
            }
            Tag::HtmlBlock => self.raw_html.clear(),
            Tag::List(first) => {
                self.sheet.start_block();
                self.lists.push(first);
            }
            Tag::Item => {
                self.sheet.start_block();
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                    _ => "- ".to_owned(),
                };
                let rest = " ".repeat(marker.len());
                self.sheet.indent(marker, rest);
            }
            Tag::FootnoteDefinition(label) => {
                self.outer.push(std::mem::take(&mut self.sheet));
                self.labels.push(label);
            }
            Tag::Table(alignments) => self.table = Table::new(&alignments),
            Tag::TableHead | Tag::TableRow => self.table.start_row(),
            Tag::TableCell => self.outer.push(std::mem::take(&mut self.sheet)),
            // Losing this mark would turn a statement into its opposite.
            Tag::Strikethrough => self.sheet.push("~~"),
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => {
                self.sheet.push("");
                self.links.push(Link { kind: link_type, target: dest_url, text_start: self.sheet.text.len() });
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.sheet.end_block(),
            TagEnd::Heading(level) => self.end_heading(level),
            TagEnd::BlockQuote(_) => {
                self.sheet.end_block();
                self.sheet.outdent();
            }
            TagEnd::CodeBlock => {
                self.is_code_block = false;
                self.sheet.end_block();
                self.sheet.outdent();
            }
            TagEnd::HtmlBlock => {
                let html = std::mem::take(&mut self.raw_html);
                self.sheet.start_block();
                self.sheet.push_lines(html.trim_end());
                self.sheet.end_block();
            }
            TagEnd::Item => {
                self.sheet.end_item();
                self.sheet.outdent();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.sheet.end_block();
                }
            }
            TagEnd::FootnoteDefinition => {
                if let (Some(outer), Some(label)) = (self.outer.pop(), self.labels.pop()) {
                    let note = std::mem::replace(&mut self.sheet, outer);
                    self.notes.define(&label, note.text);
                }
            }
            TagEnd::TableCell => {
                let outer = self.outer.pop().unwrap_or_default();
                let cell = std::mem::replace(&mut self.sheet, outer);
                self.table.push_cell(cell.text);
            }
            TagEnd::Table => {
                self.sheet.start_block();
                let table = std::mem::take(&mut self.table);
                self.sheet.push_lines(table.write(WIDTH).trim_end());
                self.sheet.end_block();
            }
            TagEnd::Strikethrough => self.sheet.push("~~"),
            TagEnd::Link | TagEnd::Image => self.end_link(),
            _ => {}
        }
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let heading = self.sheet.text.get(self.heading_start..).unwrap_or_default();
        let width = heading.lines().map(|line| line.chars().count()).max().unwrap_or_default().min(WIDTH);
        let underline = match level {
            HeadingLevel::H1 => "=",
            HeadingLevel::H2 => "-",
            _ => "",
        };
        if width > 0 && !underline.is_empty() {
            self.sheet.new_line();
            self.sheet.push(&underline.repeat(width));
        }
        self.sheet.end_block();
    }

    fn end_link(&mut self) {
        let Some(Link { kind, target, text_start }) = self.links.pop() else {
            return;
        };
        let words = self.sheet.text.get(text_start..).unwrap_or_default();
        let is_said = *words == *target || (!words.is_empty() && target.strip_prefix("mailto:") == Some(words));
        let has_words = !words.is_empty();
        match link::href(kind, &target) {
            _ if is_said => {}
            Some(href) if has_words => self.sheet.push(&format!(" ({href})")),
            Some(href) => self.sheet.push(&href),
            None if has_words => {}
            None => self.sheet.push(&single_line(target)),
        }
    }

    fn finish(self) -> String {
        let Self { mut sheet, notes, .. } = self;
        let notes = notes.finish();
        for (number, note) in (1..).zip(&notes) {
            let marker = format!("[{number}] ");
            let rest = " ".repeat(marker.len());
            if number == 1 {
                sheet.start_block();
            }
            sheet.indent(marker, rest);
            sheet.push_lines(note.body.trim_end());
            sheet.end_item();
            sheet.outdent();
        }
        sheet.text.truncate(sheet.text.trim_end().len());
        sheet.text
    }
}

/// Text that is being written, line by line.
#[derive(Default)]
struct Sheet {
    text: String,
    /// Whether the current line has its indents and something may follow them.
    is_in_line: bool,
    is_gap_due: bool,
    indents: Vec<Indent>,
}

/// What every line within a container begins with.
struct Indent {
    /// For the first line, until that is written.
    first: Option<String>,
    rest: String,
}

impl Sheet {
    fn indent(&mut self, first: String, rest: String) {
        let (first, rest) = if self.indents.len() < MAX_NESTING { (Some(first), rest) } else { (None, String::new()) };
        self.indents.push(Indent { first, rest });
    }

    fn outdent(&mut self) {
        self.indents.pop();
    }

    fn begin_line(&mut self) {
        for indent in &mut self.indents {
            match indent.first.take() {
                Some(first) => self.text.push_str(&first),
                None => self.text.push_str(&indent.rest),
            }
        }
        self.is_in_line = true;
    }

    /// Appends to the current line.
    fn push(&mut self, text: &str) {
        if !self.is_in_line {
            self.begin_line();
        }
        self.text.push_str(text);
    }

    /// Appends text that has line ends of its own.
    fn push_lines(&mut self, text: &str) {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.new_line();
            }
            if !line.is_empty() {
                self.push(line);
            }
        }
    }

    fn new_line(&mut self) {
        if !self.is_in_line {
            self.begin_line();
        }
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
        self.is_in_line = false;
    }

    fn start_block(&mut self) {
        if self.is_in_line {
            self.new_line();
        }
        if std::mem::take(&mut self.is_gap_due) {
            self.new_line();
        }
    }

    fn end_block(&mut self) {
        if self.is_in_line {
            self.new_line();
        }
        self.is_gap_due = true;
    }

    /// Ends a list item; whether a blank line follows depends on what it ended with: words or a paragraph.
    fn end_item(&mut self) {
        let is_unwritten = self.indents.last().is_some_and(|indent| indent.first.is_some());
        if self.is_in_line || is_unwritten {
            self.new_line();
        }
    }
}
