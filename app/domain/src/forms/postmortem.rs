//! The form of a postmortem.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::{BODY_MAX, FieldErrors, Fields, NAME_MAX, incident::repetition, line, optional, paragraphs};
use crate::{
    ids::FollowUpId,
    postmortem::{Figures, FollowUp, Postmortem, unanswered},
    time::{editable, parse_past},
};

/// The most follow-up actions a postmortem has.
pub const FOLLOW_UPS_MAX: usize = 100;
/// The longest link, in characters.
const LINK_MAX: usize = 2_000;
/// How many empty rows a form offers for more follow-up actions.
const SPARE: usize = 3;

/// A postmortem as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostmortemForm {
    /// Drawn when the form was shown: sending the same form twice publishes once.
    pub key: String,
    /// The version that was shown; 0 for one that is not there yet.
    pub version: String,
    /// Who signs it.
    pub author: String,
    /// Markdown.
    pub body: String,
    /// When it broke, in any zone.
    pub started_at: String,
    /// When it was noticed.
    pub detected_at: String,
    /// When customers no longer felt it; may be empty.
    pub mitigated_at: String,
    /// When it was over.
    pub resolved_at: String,
    /// What is done about it; rows with nothing in them are left out.
    pub follow_ups: Vec<FollowUpForm>,
    /// `yes` or `no`; nothing is chosen beforehand.
    pub notify: String,
}

/// A follow-up action as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowUpForm {
    /// Its id; empty for a new one.
    pub id: String,
    /// What.
    pub text: String,
    /// Where it can be followed.
    pub link: String,
    /// By when, `2026-03-01`.
    pub due: String,
    /// Whether it is done.
    pub done: bool,
}

/// What a [`PostmortemForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavePostmortem {
    /// The version the author knew of.
    pub version: i64,
    /// Who signs it.
    pub author: String,
    /// Markdown.
    pub body: String,
    /// The key figures.
    pub figures: Figures,
    /// What is done about it.
    pub follow_ups: Vec<SaveFollowUp>,
}

/// A follow-up action to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveFollowUp {
    /// `None` for a new one.
    pub id: Option<FollowUpId>,
    /// What.
    pub text: String,
    /// Where it can be followed.
    pub link: String,
    /// By when.
    pub due: Option<Date>,
    /// Whether it is done.
    pub done: bool,
}

/// What publishing asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishPostmortem {
    /// What is published.
    pub save: SavePostmortem,
    /// Makes a repetition harmless.
    pub key: Option<String>,
    /// Whether subscribers are mailed.
    pub notify: bool,
}

impl PostmortemForm {
    /// A form that shows a postmortem.
    pub fn of(postmortem: &Postmortem, key: String) -> Self {
        let figures = postmortem.figures;
        Self {
            key,
            version: postmortem.version.to_string(),
            author: postmortem.author.clone(),
            body: postmortem.body.clone(),
            started_at: editable(figures.started_at),
            detected_at: editable(figures.detected_at),
            mitigated_at: figures.mitigated_at.map(editable).unwrap_or_default(),
            resolved_at: editable(figures.resolved_at),
            follow_ups: postmortem.follow_ups.iter().map(FollowUpForm::of).collect(),
            notify: String::new(),
        }
        .with_room()
    }

    /// From what the browser sent: `follow_up.0.text`, `follow_up.0.link` and so on.
    pub fn from_fields(fields: &Fields) -> Self {
        let mut follow_ups: BTreeMap<usize, FollowUpForm> = BTreeMap::new();
        for (name, value) in fields.under("follow_up.") {
            let Some((Ok(number), field)) = name.split_once('.').map(|(number, field)| (number.parse(), field)) else {
                continue;
            };
            let row = follow_ups.entry(number).or_default();
            match field {
                "id" => value.clone_into(&mut row.id),
                "text" => value.clone_into(&mut row.text),
                "link" => value.clone_into(&mut row.link),
                "due" => value.clone_into(&mut row.due),
                "done" => row.done = !value.is_empty(),
                _ => {}
            }
        }
        Self {
            key: fields.get("key"),
            version: fields.get("version"),
            author: fields.get("author"),
            body: fields.get("body"),
            started_at: fields.get("started_at"),
            detected_at: fields.get("detected_at"),
            mitigated_at: fields.get("mitigated_at"),
            resolved_at: fields.get("resolved_at"),
            follow_ups: follow_ups.into_values().filter(|row| !row.is_empty()).collect(),
            notify: fields.get("notify"),
        }
        .with_room()
    }

    /// With empty rows behind the others.
    fn with_room(mut self) -> Self {
        self.follow_ups.resize_with(self.follow_ups.len() + SPARE, FollowUpForm::default);
        self
    }

    /// The command, or all that is wrong.
    pub fn parse(&self, now: Timestamp) -> Result<SavePostmortem, FieldErrors> {
        let mut errors = FieldErrors::default();
        let author = errors.take("author", optional(line(&self.author, NAME_MAX)));
        let body = errors.take("body", paragraphs(&self.body, BODY_MAX));
        let figures = self.figures(now, &mut errors);
        let rows = self.follow_ups.iter().enumerate().filter(|(_, row)| !row.is_empty());
        let follow_ups: Vec<_> = rows.filter_map(|(number, row)| row.parse(number, &mut errors)).collect();
        if self.follow_ups.iter().filter(|row| !row.is_empty()).count() > FOLLOW_UPS_MAX {
            errors.add("follow_ups", format!("at most {FOLLOW_UPS_MAX} follow-up actions"));
        }
        let version = self.version.parse().unwrap_or_default();
        match (author, body, figures) {
            (Some(author), Some(body), Some(figures)) if errors.is_empty() => {
                Ok(SavePostmortem { version, author, body, figures, follow_ups })
            }
            _ => Err(errors),
        }
    }

    /// As [`Self::parse`], and whether people are mailed; a question of the first draft may not be left standing.
    pub fn parse_publish(&self, now: Timestamp) -> Result<PublishPostmortem, FieldErrors> {
        let save = self.parse(now);
        let mut errors = save.as_ref().err().cloned().unwrap_or_default();
        if let Some(question) = unanswered(&self.body.replace("\r\n", "\n")).first() {
            errors.add(
                "body",
                format!("“{}” still waits for an answer: write one or take it out", question.trim_matches('_')),
            );
        }
        let notify = match self.notify.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => {
                errors.add("notify", "choose whether to mail subscribers");
                None
            }
        };
        match (save, notify) {
            (Ok(save), Some(notify)) if errors.is_empty() => {
                Ok(PublishPostmortem { save, key: repetition(&self.key, self), notify })
            }
            _ => Err(errors),
        }
    }

    fn figures(&self, now: Timestamp, errors: &mut FieldErrors) -> Option<Figures> {
        let started_at = errors.take("started_at", parse_past(&self.started_at, now));
        let detected_at = errors.take("detected_at", parse_past(&self.detected_at, now));
        let mitigated_at = match self.mitigated_at.trim() {
            "" => Some(None),
            typed => errors.take("mitigated_at", parse_past(typed, now)).map(Some),
        };
        let resolved_at = errors.take("resolved_at", parse_past(&self.resolved_at, now));
        let (started_at, detected_at, mitigated_at, resolved_at) =
            (started_at?, detected_at?, mitigated_at?, resolved_at?);
        if detected_at < started_at {
            errors.add("detected_at", "this is before it started");
        }
        if mitigated_at.is_some_and(|at| at < started_at || at > resolved_at) {
            errors.add("mitigated_at", "this is not between the start and the end");
        }
        if resolved_at < detected_at {
            errors.add("resolved_at", "this is before it was noticed");
        }
        Some(Figures { started_at, detected_at, mitigated_at, resolved_at })
    }
}

impl FollowUpForm {
    fn of(follow_up: &FollowUp) -> Self {
        Self {
            id: follow_up.id.to_string(),
            text: follow_up.text.clone(),
            link: follow_up.link.clone(),
            due: follow_up.due.map(|due| due.to_string()).unwrap_or_default(),
            done: follow_up.done_at.is_some(),
        }
    }

    /// Whether there is nothing in it to keep: clearing a row takes its action away.
    pub fn is_empty(&self) -> bool {
        [&self.text, &self.link, &self.due].iter().all(|text| text.trim().is_empty())
    }

    fn parse(&self, number: usize, errors: &mut FieldErrors) -> Option<SaveFollowUp> {
        let field = |name: &str| format!("follow_up.{number}.{name}");
        let text = errors.take(&field("text"), line(&self.text, NAME_MAX));
        let link = errors.take(&field("link"), optional(line(&self.link, LINK_MAX)));
        if link.as_ref().is_some_and(|link| !is_web_address(link)) {
            errors.add(&field("link"), "write a whole address, such as https://example.com/issues/7");
        }
        let due = match self.due.trim() {
            "" => Some(None),
            typed => {
                errors.take(&field("due"), typed.parse().map_err(|_| "write a date, such as 2026-03-01")).map(Some)
            }
        };
        Some(SaveFollowUp { id: self.id.parse().ok(), text: text?, link: link?, due: due?, done: self.done })
    }
}

/// Whether a link may lead there: nothing, or a host of the web, without blanks.
fn is_web_address(link: &str) -> bool {
    let host = ["https://", "http://"].iter().find_map(|scheme| link.strip_prefix(scheme));
    let is_host = host.is_some_and(|host| host.starts_with(|letter: char| letter.is_alphanumeric() || letter == '['));
    link.is_empty() || (is_host && !link.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2024-02-08T20:04:00Z".parse().unwrap()
    }

    fn valid() -> PostmortemForm {
        PostmortemForm {
            key: "k".into(),
            version: "3".into(),
            body: "## Summary\r\n\r\nIt broke.".into(),
            started_at: "2024-02-05 00:30 -06:00".into(),
            detected_at: "2024-02-05 10:00 UTC".into(),
            resolved_at: "2024-02-06 20:04 UTC".into(),
            follow_ups: vec![
                FollowUpForm { text: "Page louder".into(), due: "2024-03-01".into(), ..FollowUpForm::default() },
                FollowUpForm::default(),
                FollowUpForm {
                    id: FollowUpId::from_random(7).to_string(),
                    text: "Buy a pager".into(),
                    link: "https://example.com/7".into(),
                    done: true,
                    ..FollowUpForm::default()
                },
            ],
            notify: "no".into(),
            ..PostmortemForm::default()
        }
    }

    #[test]
    fn a_full_form_becomes_a_command() {
        let command = valid().parse_publish(now()).unwrap();
        assert_eq!((command.save.version, command.notify), (3, false));
        assert_eq!(command.save.figures.time_to_detect().as_deref(), Some("3 h 30 min"));
        assert_eq!(command.save.body, "## Summary\n\nIt broke.");
        let rows: Vec<_> = command.save.follow_ups.iter().map(|row| (row.text.as_str(), row.done)).collect();
        assert_eq!(rows, [("Page louder", false), ("Buy a pager", true)]);
        assert_eq!(command.save.follow_ups[1].id, Some(FollowUpId::from_random(7)));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let mut form = valid();
        form.body = crate::postmortem::unanswered("").concat();
        form.detected_at = "2024-02-05 06:00 UTC".into();
        form.mitigated_at = "2024-02-07 06:00 UTC".into();
        form.notify = String::new();
        form.follow_ups[0].due = "soon".into();
        form.follow_ups[1].link = "javascript:alert(1)".into();
        let errors = form.parse_publish(now()).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(
            fields,
            [
                "body",
                "detected_at",
                "follow_up.0.due",
                "follow_up.1.link",
                "follow_up.1.text",
                "mitigated_at",
                "notify"
            ]
        );
    }

    #[test]
    fn a_question_of_the_draft_is_not_published() {
        let mut form = valid();
        form.body = "## Summary\r\n\r\n_In three sentences: what broke, for whom, and what ended it?_".into();
        assert!(form.parse(now()).is_ok());
        let errors = form.parse_publish(now()).unwrap_err();
        assert!(errors.get("body").unwrap().starts_with("“In three sentences"), "{errors:?}");
    }

    #[test]
    fn what_a_browser_sends_is_what_was_shown() {
        let fields = Fields(
            [
                ("follow_up.1.text", "B"),
                ("follow_up.0.text", "A"),
                ("follow_up.0.done", "1"),
                ("follow_up.x.text", "?"),
                ("follow_up.18446744073709551616.text", "?"),
                ("follow_up.7.due", ""),
                ("author", "Ada"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        );
        let form = PostmortemForm::from_fields(&fields);
        let rows: Vec<_> = form.follow_ups.iter().map(|row| (row.text.as_str(), row.done)).collect();
        assert_eq!(rows, [("A", true), ("B", false), ("", false), ("", false), ("", false)]);
        assert_eq!(form.author, "Ada");
    }

    #[test]
    fn links_lead_into_the_web_or_nowhere() {
        for (link, is_fine) in [
            ("", true),
            ("https://example.com/7?a=b", true),
            ("http://[::1]/", true),
            ("javascript:alert(1)", false),
            ("https:///x", false),
            ("//example.com", false),
            ("https://example.com/a b", false),
            ("/admin", false),
        ] {
            assert_eq!(is_web_address(link), is_fine, "{link}");
        }
    }
}
