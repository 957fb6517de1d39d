//! Footnotes: numbered in the order in which they are first referred to, drawn at the end.

use std::collections::HashMap;

/// The notes of one text while it is drawn.
#[derive(Default)]
pub(super) struct Footnotes {
    numbers: HashMap<String, usize>,
    definitions: Vec<(String, String)>,
}

/// One note, ready for the end of the text.
#[derive(Default)]
pub(super) struct Footnote {
    /// What the note says, drawn.
    pub(super) body: String,
    /// Whether the text refers to it; a note that nobody refers to is kept, because nothing written may be lost.
    pub(super) is_referenced: bool,
}

impl Footnotes {
    /// The number to show for a reference, from 1, and whether it is the first one to that note.
    pub(super) fn refer(&mut self, label: &str) -> (usize, bool) {
        let known = self.numbers.len();
        let number = *self.numbers.entry(key(label)).or_insert(known + 1);
        (number, number > known)
    }

    /// Keeps what a note says, drawn.
    pub(super) fn define(&mut self, label: &str, body: String) {
        self.definitions.push((key(label), body));
    }

    /// All notes; the first is number 1. A second definition of a label continues the first.
    pub(super) fn finish(mut self) -> Vec<Footnote> {
        let referenced = self.numbers.len();
        let mut notes: Vec<Footnote> = Vec::new();
        for (label, body) in self.definitions {
            let known = self.numbers.len();
            let number = *self.numbers.entry(label).or_insert(known + 1);
            if notes.len() < number {
                notes.resize_with(number, Footnote::default);
            }
            let note = &mut notes[number - 1];
            note.body.push_str(&body);
            note.is_referenced = number <= referenced;
        }
        notes
    }
}

/// Labels are the same whatever their case, as for links.
fn key(label: &str) -> String {
    label.to_lowercase()
}
