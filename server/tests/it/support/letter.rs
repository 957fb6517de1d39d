//! Captured mails, as their readers see them.

use mail_parser::MessageParser;

/// One mail.
#[derive(Debug)]
pub(crate) struct Letter {
    /// As it would go over the wire.
    pub(crate) raw: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl Letter {
    pub(crate) fn read(raw: String) -> Self {
        let mail = MessageParser::default().parse(raw.as_bytes()).unwrap();
        let to = mail.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap().to_owned();
        let subject = mail.subject().unwrap().to_owned();
        let text = mail.body_text(0).unwrap().into_owned();
        let html = mail.body_html(0).unwrap().into_owned();
        Self { raw, to, subject, text, html }
    }

    /// The path of its link to a page: `/confirm/TOKEN`.
    #[track_caller]
    pub(crate) fn path(&self, page: &str) -> String {
        let start = self.text.find(&format!("/{page}/")).unwrap_or_else(|| panic!("no /{page}/ in: {}", self.text));
        self.text[start..].split_whitespace().next().unwrap().to_owned()
    }

    /// The path of the header a mail program's own "unsubscribe" uses.
    #[track_caller]
    pub(crate) fn one_click(&self) -> String {
        let line = self.raw.lines().find(|line| line.starts_with("List-Unsubscribe:")).unwrap();
        let start = line.find("/unsubscribe/").unwrap();
        line[start..].trim_end_matches('>').to_owned()
    }
}
