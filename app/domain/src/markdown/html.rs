//! Draws parsed Markdown as safe HTML.
//!
//! Everything that reaches the output is either written here or has passed `push_escaped`, and every element that is
//! opened is closed in the right order, so the result can stand inside any page.

use std::fmt::Write as _;

use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Tag, TagEnd};

use super::characters::push_escaped;
use super::footnotes::Footnotes;
use super::headings::Headings;
use super::link::{self, Piece};
use super::{Article, MAX_NESTING, Part};
use crate::time;

/// Draws all parts; ids begin with what is usable of `prefix`.
pub(super) fn draw<'a>(parts: impl Iterator<Item = Part<'a>>, prefix: &str) -> String {
    let mut page = Page { prefix: id_prefix(prefix), ..Page::default() };
    page.draw(parts);
    page.finish()
}

/// As [`draw`], with headings that have levels of their own and ids.
pub(super) fn draw_article<'a>(parts: impl Iterator<Item = Part<'a>>, prefix: &str, headings: Headings) -> Article {
    let mut page = Page { prefix: id_prefix(prefix), headings: Some(headings), ..Page::default() };
    page.draw(parts);
    let headings = page.headings.take().map(Headings::finish).unwrap_or_default();
    Article { html: page.finish(), headings }
}

fn id_prefix(prefix: &str) -> String {
    let mut usable: String =
        prefix.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(64).collect();
    if !usable.is_empty() {
        usable.push('-');
    }
    usable
}

#[derive(Default)]
struct Page<'a> {
    out: String,
    prefix: String,
    /// How to close what is open, innermost last; empty for elements that were too deep to be drawn.
    closing: Vec<&'static str>,
    containers: usize,
    /// Whether the next block is the first of its container.
    leads: bool,
    spans: usize,
    links: Vec<Link<'a>>,
    is_in_anchor: bool,
    table: Table,
    raw_html: String,
    notes: Footnotes,
    /// In a document of its own.
    headings: Option<Headings>,
    /// The texts around the footnotes that are being drawn, with the labels of those.
    outer: Vec<(String, CowStr<'a>)>,
}

/// A link or image that is open.
struct Link<'a> {
    target: CowStr<'a>,
    is_anchor: bool,
    text_start: usize,
}

#[derive(Default)]
struct Table {
    alignments: Vec<Alignment>,
    column: usize,
    is_head: bool,
    has_body: bool,
    cell_start: usize,
    text_start: usize,
}

impl<'a> Page<'a> {
    fn draw(&mut self, parts: impl Iterator<Item = Part<'a>>) {
        for part in parts {
            match part {
                Part::Event(event) => self.event(event),
                Part::Time(at) => {
                    let (datetime, words) = (time::rfc3339(at), time::full(at));
                    self.heading_says(&words);
                    let _ = write!(self.out, "<time datetime=\"{datetime}\" dir=\"ltr\">{words}</time>");
                }
            }
        }
    }

    fn event(&mut self, event: Event<'a>) {
        if let Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) = &event {
            self.heading_says(text);
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            // The parser is not asked for mathematics.
            Event::Text(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.leads = false;
                self.text(&text);
            }
            Event::Code(code) => {
                self.out.push_str("<code>");
                push_escaped(&mut self.out, &code);
                self.out.push_str("</code>");
            }
            Event::Html(html) => self.raw_html.push_str(&html),
            Event::InlineHtml(html) => self.lines(&html),
            Event::SoftBreak | Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::FootnoteReference(label) => self.footnote_reference(&label),
            Event::TaskListMarker(is_done) => {
                let (label, mark) = if is_done { ("Done", '☑') } else { ("To do", '☐') };
                let _ = write!(self.out, "<span class=\"task\" role=\"img\" aria-label=\"{label}\">{mark}</span> ");
            }
        }
    }

    fn text(&mut self, text: &str) {
        let is_code_block = self.closing.last() == Some(&CODE_BLOCK_END);
        if self.is_in_anchor || is_code_block {
            return push_escaped(&mut self.out, text);
        }
        for piece in link::pieces(text) {
            match piece {
                Piece::Words(words) => push_escaped(&mut self.out, words),
                Piece::Url(url) => match link::href(LinkType::Autolink, url) {
                    Some(href) => {
                        self.open_anchor(&href);
                        push_escaped(&mut self.out, url);
                        self.out.push_str("</a>");
                    }
                    None => push_escaped(&mut self.out, url),
                },
            }
        }
    }

    /// Writes text as it was typed, with its line breaks.
    fn lines(&mut self, text: &str) {
        for (number, line) in text.lines().enumerate() {
            if number > 0 {
                self.out.push_str("<br>\n");
            }
            push_escaped(&mut self.out, line);
        }
    }

    fn open(&mut self, opening: &str, closing: &'static str) {
        self.out.push_str(opening);
        self.closing.push(closing);
    }

    /// Opens a block that runs as its own words do.
    ///
    /// A container finds them in its first block, which for that has no `dir`: one with `dir="auto"` would be looked past.
    fn open_block(&mut self, name: &str, closing: &'static str) {
        let dir = if std::mem::take(&mut self.leads) { "" } else { " dir=\"auto\"" };
        self.open(&format!("<{name}{dir}>"), closing);
    }

    fn open_container(&mut self, name: &str, closing: &'static str) {
        self.containers += 1;
        if self.containers <= MAX_NESTING {
            self.open_block(name, closing);
            self.out.push('\n');
            self.leads = true;
        } else {
            self.closing.push("");
        }
    }

    fn open_span(&mut self, opening: &str, closing: &'static str) {
        self.spans += 1;
        if self.spans <= MAX_NESTING {
            self.open(opening, closing);
        } else {
            self.closing.push("");
        }
    }

    fn open_anchor(&mut self, href: &str) {
        self.out.push_str("<a href=\"");
        push_escaped(&mut self.out, href);
        self.out.push_str("\" rel=\"nofollow noopener noreferrer\">");
    }

    fn close(&mut self) {
        self.out.push_str(self.closing.pop().unwrap_or_default());
    }

    fn start(&mut self, tag: Tag<'a>) {
        match tag {
            Tag::Paragraph => self.open_block("p", "</p>\n"),
            Tag::Heading { level, .. } if self.headings.is_some() => self.open_heading(level),
            Tag::Heading { level, .. } => match level {
                HeadingLevel::H1 => self.open_block("h3", "</h3>\n"),
                HeadingLevel::H2 => self.open_block("h4", "</h4>\n"),
                HeadingLevel::H3 => self.open_block("h5", "</h5>\n"),
                _ => self.open_block("h6", "</h6>\n"),
            },
            Tag::BlockQuote(_) => self.open_container("blockquote", "</blockquote>\n"),
            Tag::CodeBlock(kind) => self.start_code_block(&kind),
            Tag::HtmlBlock => self.raw_html.clear(),
            Tag::List(None) => self.open_container("ul", "</ul>\n"),
            Tag::List(Some(1)) => self.open_container("ol", "</ol>\n"),
            Tag::List(Some(first)) => self.open_container(&format!("ol start=\"{first}\""), "</ol>\n"),
            Tag::Item if self.closing.last() == Some(&"") => self.open("<br>\n", ""),
            Tag::Item => {
                self.open_block("li", "</li>\n");
                self.leads = true;
            }
            Tag::FootnoteDefinition(label) => {
                self.outer.push((std::mem::take(&mut self.out), label));
                self.leads = true;
            }
            Tag::Table(alignments) => {
                self.table = Table { alignments, ..Table::default() };
                // A group and not a region: several landmarks of one name would confuse those who jump between them.
                // It runs as its head does, whose cells say nothing of their own, so that it is found there.
                let group = "role=\"group\" tabindex=\"0\" aria-label=\"Table\" dir=\"auto\"";
                let _ = writeln!(self.out, "<div class=\"table\" {group}><table>");
            }
            Tag::TableHead => {
                self.table.is_head = true;
                self.out.push_str("<thead><tr>");
            }
            Tag::TableRow => {
                if !std::mem::replace(&mut self.table.has_body, true) {
                    self.out.push_str("<tbody>\n");
                }
                self.table.column = 0;
                self.out.push_str("<tr>");
            }
            Tag::TableCell => self.start_cell(),
            Tag::Emphasis => self.open_span("<em>", "</em>"),
            Tag::Strong => self.open_span("<strong>", "</strong>"),
            Tag::Strikethrough => self.open_span("<del>", "</del>"),
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => {
                self.start_link(link_type, dest_url);
            }
            // The parser was not asked for the others.
            _ => self.closing.push(""),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        self.leads = false;
        match tag {
            TagEnd::BlockQuote(_) | TagEnd::List(_) => {
                self.containers -= 1;
                self.close();
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.spans -= 1;
                self.close();
            }
            TagEnd::HtmlBlock => {
                let html = std::mem::take(&mut self.raw_html);
                self.open_block("p", "</p>\n");
                self.lines(html.trim_end());
                self.close();
            }
            TagEnd::FootnoteDefinition => {
                if let Some((outer, label)) = self.outer.pop() {
                    let body = std::mem::replace(&mut self.out, outer);
                    self.notes.define(&label, body);
                }
            }
            TagEnd::Table => {
                let end = if self.table.has_body { "</tbody></table></div>\n" } else { "</table></div>\n" };
                self.out.push_str(end);
            }
            TagEnd::TableHead => {
                self.table.is_head = false;
                self.out.push_str("</tr></thead>\n");
            }
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Link | TagEnd::Image => self.end_link(),
            TagEnd::Heading(_) => self.close_heading(),
            _ => self.close(),
        }
    }

    fn open_heading(&mut self, level: HeadingLevel) {
        if let Some(headings) = &mut self.headings {
            self.closing.push(headings.open(level, self.out.len()));
        }
    }

    fn heading_says(&mut self, words: &str) {
        if let Some(headings) = &mut self.headings {
            headings.say(words);
        }
    }

    /// Opens a heading of a document behind its back: its id is made of its words.
    fn close_heading(&mut self) {
        if let Some((level, id, start)) = self.headings.as_mut().and_then(|headings| headings.close(&self.prefix)) {
            self.out.insert_str(start, &format!("<h{level} id=\"{id}\" dir=\"auto\">"));
        }
        self.close();
    }

    fn start_code_block(&mut self, kind: &CodeBlockKind<'_>) {
        // Whoever scrolls by keyboard must be able to reach what is wider than the screen.
        self.out.push_str("<pre dir=\"auto\" tabindex=\"0\"><code");
        if let CodeBlockKind::Fenced(info) = kind
            && let Some(language) = info.split_whitespace().next()
            && language.len() <= 32
            && language.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-'))
        {
            let _ = write!(self.out, " class=\"language-{language}\"");
        }
        self.open(">", CODE_BLOCK_END);
    }

    fn start_cell(&mut self) {
        self.table.cell_start = self.out.len();
        self.out.push_str(if self.table.is_head { "<th scope=\"col\"" } else { "<td" });
        let class = match self.table.alignments.get(self.table.column) {
            Some(Alignment::Left) => " class=\"align-left\"",
            Some(Alignment::Center) => " class=\"align-center\"",
            Some(Alignment::Right) => " class=\"align-right\"",
            Some(Alignment::None) | None => "",
        };
        self.out.push_str(class);
        self.out.push_str(if self.table.is_head { ">" } else { " dir=\"auto\">" });
        self.table.column += 1;
        self.table.text_start = self.out.len();
    }

    fn end_cell(&mut self) {
        let is_empty = self.out.len() == self.table.text_start;
        if is_empty {
            // An empty cell heads nothing, and a short row of a wide table has many.
            self.out.truncate(self.table.cell_start);
            self.out.push_str("<td></td>");
        } else {
            self.out.push_str(if self.table.is_head { "</th>" } else { "</td>" });
        }
    }

    fn start_link(&mut self, link_type: LinkType, target: CowStr<'a>) {
        let href = link::href(link_type, &target).filter(|_| !self.is_in_anchor);
        if let Some(href) = &href {
            self.open_anchor(href);
            self.is_in_anchor = true;
        }
        self.links.push(Link { target, is_anchor: href.is_some(), text_start: self.out.len() });
    }

    fn end_link(&mut self) {
        let Some(link) = self.links.pop() else { return };
        if self.out.len() == link.text_start {
            // A link without words still has to be seen.
            push_escaped(&mut self.out, &super::characters::single_line(link.target));
        }
        if link.is_anchor {
            self.out.push_str("</a>");
            self.is_in_anchor = false;
        }
    }

    fn footnote_reference(&mut self, label: &str) {
        let (number, is_first) = self.notes.refer(label);
        if self.is_in_anchor {
            let _ = write!(self.out, "<sup>[{number}]</sup>");
            return;
        }
        let prefix = &self.prefix;
        let id = if is_first { format!(" id=\"{prefix}fnref-{number}\"") } else { String::new() };
        let _ = write!(self.out, "<sup class=\"footnote\"><a href=\"#{prefix}fn-{number}\"{id}>[{number}]</a></sup>");
    }

    fn finish(self) -> String {
        let Self { mut out, prefix, notes, .. } = self;
        let notes = notes.finish();
        if !notes.is_empty() {
            out.push_str("<ol class=\"footnotes\" dir=\"auto\">\n");
            for (number, note) in (1..).zip(&notes) {
                let _ = write!(out, "<li id=\"{prefix}fn-{number}\" dir=\"auto\">{}", note.body);
                if note.is_referenced {
                    let _ = write!(out, "<a href=\"#{prefix}fnref-{number}\" aria-label=\"Back to the text\">↩</a>");
                }
                out.push_str("</li>\n");
            }
            out.push_str("</ol>\n");
        }
        out
    }
}

const CODE_BLOCK_END: &str = "</code></pre>\n";
