//! The headings of a document: at which level each is drawn, and under which id it is found.

use std::collections::{BTreeSet, HashMap, HashSet};

use pulldown_cmark::{Event, HeadingLevel, Tag};

use super::Part;

/// The level of the document's own first headings: `<h1>` is its title.
const FIRST: usize = 2;
/// The longest id made of a heading's words, in characters.
const LONGEST_ID: usize = 60;

/// One heading of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// From 2, for `<h2>`, to 6.
    pub level: u8,
    /// Its id, to link to.
    pub id: String,
    /// What it says, as plain text.
    pub text: String,
}

/// Gives headings their levels and ids while a document is drawn.
#[derive(Debug, Default)]
pub(super) struct Headings {
    /// The levels that the author used, highest first: the first of them becomes `<h2>`, and so on.
    used: Vec<HeadingLevel>,
    found: Vec<Heading>,
    ids: HashSet<String>,
    /// How often each id was wanted.
    wanted: HashMap<String, usize>,
    last: usize,
    /// The one that is open: where its words begin, and what it says so far.
    open: Option<(usize, String)>,
}

impl Headings {
    /// Looks through a document to see which levels it uses.
    pub(super) fn of<'a>(parts: impl Iterator<Item = Part<'a>>) -> Self {
        let levels = parts.filter_map(|part| match part {
            Part::Event(Event::Start(Tag::Heading { level, .. })) => Some(level),
            _ => None,
        });
        let used: BTreeSet<_> = levels.collect();
        Self { used: used.into_iter().collect(), last: FIRST - 1, ..Self::default() }
    }

    /// Opens a heading whose words begin at `start`, never more than one level below the one before; says how it ends.
    pub(super) fn open(&mut self, level: HeadingLevel, start: usize) -> &'static str {
        let rank = self.used.iter().position(|used| *used == level).unwrap_or_default();
        self.last = (FIRST + rank).min(self.last + 1).min(6);
        self.open = Some((start, String::new()));
        match self.last {
            2 => "</h2>\n",
            3 => "</h3>\n",
            4 => "</h4>\n",
            5 => "</h5>\n",
            _ => "</h6>\n",
        }
    }

    /// Adds to what the open heading says, if there is one.
    pub(super) fn say(&mut self, words: &str) {
        if let Some((_, text)) = &mut self.open {
            text.push_str(words);
        }
    }

    /// Ends the open heading: its level, its id, which begins with `prefix` and is nobody else's, and where its words began.
    pub(super) fn close(&mut self, prefix: &str) -> Option<(usize, String, usize)> {
        let (start, text) = self.open.take()?;
        let id = self.id(&text, prefix);
        let level = u8::try_from(self.last).unwrap_or(6);
        self.found.push(Heading { level, id: id.clone(), text: text.trim().to_owned() });
        Some((self.last, id, start))
    }

    fn id(&mut self, text: &str, prefix: &str) -> String {
        let words: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        let words = words.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-");
        let words: String = words.chars().take(LONGEST_ID).collect();
        let wanted = match words.trim_matches('-') {
            "" => format!("{prefix}section-{}", self.found.len() + 1),
            words => format!("{prefix}section-{words}"),
        };
        let count = self.wanted.entry(wanted.clone()).or_default();
        let mut id = wanted.clone();
        loop {
            *count += 1;
            if *count > 1 {
                id = format!("{wanted}-{count}");
            }
            if self.ids.insert(id.clone()) {
                break;
            }
        }
        id
    }

    /// All of them, in their order.
    pub(super) fn finish(self) -> Vec<Heading> {
        self.found
    }
}
