//! What was said on a connection, for `tidings mail test`.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// How many lines are kept: a conversation is read by a person.
const LINE_LIMIT: usize = 500;

/// Keeps both sides of a conversation, without passwords and without the message. Clones share what they keep.
#[derive(Clone, Debug, Default)]
pub struct Conversation(Arc<Mutex<Vec<String>>>);

impl Conversation {
    /// What we said, or did.
    pub(super) fn ours(&self, line: &str) {
        self.push("→", line);
    }

    /// What the server said.
    pub(super) fn theirs(&self, line: &str) {
        self.push("←", line);
    }

    fn push(&self, arrow: &str, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINE_LIMIT {
            // A server's words must not move the reader's cursor.
            lines.push(format!("{arrow} {}", line.replace(char::is_control, " ")));
        }
    }
}

impl fmt::Display for Conversation {
    /// One line each: `→ EHLO status.example.com`, `← 250-PIPELINING`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_str(&lines.join("\n"))
    }
}
