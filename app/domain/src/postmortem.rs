//! The document about an incident that is over: what happened, why, and what is done so that it does not happen again.
//!
//! ```text
//! incident resolved ─ template ─▶ draft ─ published ─▶ an update of status `postmortem`, edited ever after
//! ```

use std::iter;

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    ids::{FollowUpId, IncidentId, UpdateId},
    incident::{Incident, Step, Update, step},
    markdown,
    status::IncidentStatus,
    time,
};

/// A postmortem, draft or published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postmortem {
    /// The incident it is about; an incident has one.
    pub incident: IncidentId,
    /// Who signs it; may be empty.
    pub author: String,
    /// Markdown.
    pub body: String,
    /// The key figures.
    pub figures: Figures,
    /// What is done about it, in the author's order.
    pub follow_ups: Vec<FollowUp>,
    /// Grows with every change: nobody saves over what a colleague has just written.
    pub version: i64,
    /// Which link for reviewers is good: each new one ends the one before. 0 while there is none.
    pub preview: i64,
    /// When the draft was begun.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When everyone could read it, and as which update of the incident; `None` while it is a draft.
    pub published: Option<Published>,
    /// When its text was last changed after that.
    pub edited_at: Option<Timestamp>,
}

/// A publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// When.
    pub at: Timestamp,
    /// The update of the incident that carries it to feeds, programs and mails.
    pub update: UpdateId,
}

/// The instants that tell how an incident went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// When it broke.
    pub started_at: Timestamp,
    /// When somebody who could do something about it noticed.
    pub detected_at: Timestamp,
    /// When customers no longer felt it, if that was before its end.
    pub mitigated_at: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Timestamp,
}

/// Something done, or to be done, so that it does not happen again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Never changes.
    pub id: FollowUpId,
    /// What, on one line.
    pub text: String,
    /// Where it can be followed, `http` or `https`; may be empty.
    pub link: String,
    /// By when.
    pub due: Option<Date>,
    /// When it was done.
    pub done_at: Option<Timestamp>,
}

impl Figures {
    /// What the timeline says; `None` while the incident goes on.
    ///
    /// An update may say later what was true earlier: what was first written down before the end is when it was noticed.
    pub fn of(incident: &Incident) -> Option<Self> {
        let standing = incident.standing()?;
        let (started_at, resolved_at) = (standing.started_at, standing.resolved_at?);
        let written = incident.updates.iter().filter(|update| update.is_kept()).map(|update| update.created_at).min();
        let detected_at = written.filter(|at| (started_at..=resolved_at).contains(at)).unwrap_or(started_at);
        let mitigated_at = standing.monitoring_at.filter(|at| (detected_at..resolved_at).contains(at));
        Some(Self { started_at, detected_at, mitigated_at, resolved_at })
    }

    /// How long nobody noticed, in words; `None` when it was noticed at once.
    pub fn time_to_detect(&self) -> Option<String> {
        let is_late = self.detected_at.duration_since(self.started_at) >= SignedDuration::from_mins(1);
        is_late.then(|| time::duration(self.started_at, self.detected_at))
    }

    /// How long it took from noticing to the end, in words.
    pub fn time_to_fix(&self) -> String {
        time::duration(self.detected_at, self.resolved_at)
    }

    /// How long it lasted, in words.
    pub fn lasted(&self) -> String {
        time::duration(self.started_at, self.resolved_at)
    }
}

/// A kind of text in which one paragraph is a question to the author; each must be answered before all can read it.
struct Chapter {
    title: &'static str,
    prompt: &'static str,
}

/// What every draft asks first.
const BEFORE: [Chapter; 2] = [
    Chapter { title: "Summary", prompt: "_In three sentences: what broke, for whom, and what ended it?_" },
    Chapter { title: "Impact", prompt: "_Who was affected, how much, and what did they see? Was anything lost?_" },
];
/// What it asks after the timeline.
const AFTER: [Chapter; 3] = [
    Chapter { title: "Root cause", prompt: "_Why could it happen, and why was it not noticed or stopped earlier?_" },
    Chapter {
        title: "What we are doing",
        prompt: "_What has changed already, and what will? Add follow-up actions below._",
    },
    Chapter {
        title: "FAQ",
        prompt: "_What do customers ask: was I affected, do I have to do anything? One heading a question._",
    },
];

/// A first draft with what is known: headings, questions to answer, and the timeline with a row for each step.
pub fn template(incident: &Incident) -> String {
    let chapters = |chapters: &[Chapter]| {
        let texts = chapters.iter().map(|chapter| format!("## {}\n\n{}\n", chapter.title, chapter.prompt));
        texts.collect::<Vec<_>>().join("\n")
    };
    let head = "## Timeline\n\n| When | What happened |\n|---|---|".to_owned();
    let rows = steps(incident).into_iter().map(|(at, what)| format!("| {} | {what} |", mark(at)));
    let timeline = iter::once(head).chain(rows).chain([String::new()]).collect::<Vec<_>>().join("\n");
    [chapters(&BEFORE), timeline, chapters(&AFTER)].join("\n")
}

/// The questions of a fresh draft that nobody has answered yet, as they stand in the text.
pub fn unanswered(body: &str) -> Vec<&'static str> {
    BEFORE.iter().chain(&AFTER).map(|chapter| chapter.prompt).filter(|prompt| body.contains(prompt)).collect()
}

/// An instant as authors type it in a text: `{time 2024-02-05 10:12 UTC}`.
fn mark(at: Timestamp) -> String {
    format!("{{time {}}}", time::editable(at))
}

/// Each update that changed where the incident stood, oldest first, in a few words fit for a table.
fn steps(incident: &Incident) -> Vec<(Timestamp, String)> {
    let mut before: Option<IncidentStatus> = None;
    let mut steps = Vec::new();
    let told = |update: &&Update| update.is_kept() && update.status != IncidentStatus::Postmortem;
    for update in incident.updates.iter().rev().filter(told) {
        let name = match step(before, update.status) {
            Step::Opened => "Opened".to_owned(),
            Step::Reopened => format!("Reopened, {}", update.status.label().to_lowercase()),
            Step::Resolved | Step::Continued => update.status.label().to_owned(),
        };
        if before != Some(update.status) {
            let said = markdown::from_text(&markdown::excerpt(&update.body, 140));
            steps.push((update.display_at, format!("**{name}.** {said}").trim_end().to_owned()));
        }
        before = Some(update.status);
    }
    steps
}

impl Postmortem {
    /// The draft that an incident which is over begins with; `None` while it goes on.
    ///
    /// An update that says `postmortem` was brought along from elsewhere, so what it says is published already.
    pub fn begin(incident: &Incident, now: Timestamp) -> Option<Self> {
        let figures = Figures::of(incident)?;
        let brought = incident.postmortem();
        Some(Self {
            incident: incident.id.clone(),
            author: String::new(),
            body: brought.map_or_else(|| template(incident), |update| update.body.clone()),
            figures,
            follow_ups: Vec::new(),
            version: 0,
            preview: 0,
            created_at: brought.map_or(now, |update| update.created_at),
            updated_at: brought.map_or(now, |update| update.updated_at),
            published: brought.map(|update| Published { at: update.display_at, update: update.id.clone() }),
            edited_at: brought.and_then(|update| update.edited_at),
        })
    }

    /// As it stands with its incident: a draft again once the update that carried it was taken back.
    #[must_use]
    pub fn standing_with(self, incident: &Incident) -> Self {
        let carrier = incident.postmortem().map(|update| &update.id);
        match &self.published {
            Some(published) if carrier != Some(&published.update) => Self { published: None, edited_at: None, ..self },
            _ => self,
        }
    }

    /// How many years ago it was published, once that is one or more: readers are told that they read something old.
    pub fn age_in_years(&self, now: Timestamp) -> Option<i16> {
        let (then, now) = (time::utc_date(self.published.as_ref()?.at), time::utc_date(now));
        let years = now.year() - then.year();
        let is_before = (now.month(), now.day()) < (then.month(), then.day());
        Some(years - i16::from(is_before)).filter(|years| *years > 0)
    }
}

/// How much is done: `2 of 5 done`.
pub fn progress(follow_ups: &[FollowUp]) -> String {
    let done = follow_ups.iter().filter(|follow_up| follow_up.done_at.is_some()).count();
    format!("{done} of {} done", follow_ups.len())
}

/// An incident that is over, in a list, and how far its postmortem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The incident.
    pub incident: IncidentId,
    /// Its title.
    pub name: String,
    /// When it was over.
    pub resolved_at: Timestamp,
    /// When its postmortem was last changed; `None` when there is none.
    pub updated_at: Option<Timestamp>,
    /// When that was published.
    pub published_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::{
        IncidentStatus::{Identified, Investigating, Monitoring, Resolved},
        *,
    };

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(1_707_127_920 + minute * 60).unwrap()
    }

    fn update(at: i64, status: IncidentStatus, body: &str) -> Update {
        Update {
            id: UpdateId::from_random(at.unsigned_abs()),
            status,
            body: body.into(),
            display_at: minute(at),
            created_at: minute(at),
            updated_at: minute(at),
            next_update_by: None,
            edited_at: None,
            removed_at: None,
            notify: true,
            components: Vec::new(),
        }
    }

    fn incident(mut updates: Vec<Update>) -> Incident {
        updates.sort_by(|a, b| b.order().cmp(&a.order()));
        Incident {
            id: IncidentId::from_random(1),
            name: "Under load".into(),
            impact_override: None,
            created_at: minute(0),
            updated_at: minute(0),
            updates,
        }
    }

    fn over() -> Incident {
        incident(vec![
            update(0, Investigating, "Requests *fail* | some."),
            update(10, Investigating, "Still looking."),
            update(20, Identified, "A bad deploy."),
            update(30, Resolved, "Rolled back."),
            update(40, Investigating, "It is back."),
            update(50, Monitoring, "A fix is out since {time 2024-02-05 12:00 +01:00}."),
            update(60, Resolved, ""),
        ])
    }

    #[test]
    fn a_draft_has_a_row_for_each_step_of_the_timeline() {
        let text = template(&over());
        let (_, rows) = text.split_once("|---|---|\n").unwrap();
        let rows: Vec<_> = rows.lines().take_while(|line| line.starts_with('|')).collect();
        assert_eq!(
            rows,
            [
                r"| {time 2024-02-05 10:12 UTC} | **Opened.** Requests fail \| some. |",
                "| {time 2024-02-05 10:32 UTC} | **Identified.** A bad deploy. |",
                "| {time 2024-02-05 10:42 UTC} | **Resolved.** Rolled back. |",
                "| {time 2024-02-05 10:52 UTC} | **Reopened, investigating.** It is back. |",
                "| {time 2024-02-05 11:02 UTC} | **Monitoring.** A fix is out since 5 Feb 2024, 11:00 UTC. |",
                "| {time 2024-02-05 11:12 UTC} | **Resolved.** |",
            ]
        );
        let html = markdown::to_html(&text);
        assert_eq!((html.matches("<tr>").count(), html.matches("<time ").count()), (7, 6), "{html}");
        for title in ["Summary", "Impact", "Timeline", "Root cause", "What we are doing", "FAQ"] {
            assert!(html.contains(&format!(">{title}</h4>")), "{title}: {html}");
        }
    }

    #[test]
    fn a_question_stays_until_it_is_answered() {
        let text = template(&over());
        assert_eq!(unanswered(&text).len(), 5);
        assert_eq!(unanswered(&text.replace(BEFORE[0].prompt, "A deploy broke it.")).len(), 4);
        assert_eq!(unanswered("Words."), [""; 0]);
    }

    #[test]
    fn figures_follow_from_the_timeline() {
        let mut incident = over();
        let figures = Figures::of(&incident).unwrap();
        assert_eq!((figures.started_at, figures.detected_at), (minute(0), minute(0)));
        assert_eq!((figures.mitigated_at, figures.resolved_at), (Some(minute(50)), minute(60)));
        assert_eq!((figures.time_to_detect(), figures.lasted()), (None, "1 h".into()));
        // Written down at once, but true since long before.
        incident.updates.last_mut().unwrap().display_at = minute(-204);
        let figures = Figures::of(&incident).unwrap();
        assert_eq!((figures.started_at, figures.detected_at), (minute(-204), minute(0)));
        assert_eq!(figures.time_to_detect().as_deref(), Some("3 h 24 min"));
        assert_eq!((figures.time_to_fix(), figures.lasted()), ("1 h".into(), "4 h 24 min".into()));
        // All of it written down long afterwards: nobody knows when it was noticed.
        for update in &mut incident.updates {
            update.created_at = minute(10_000);
        }
        assert_eq!(Figures::of(&incident).unwrap().detected_at, minute(-204));
        incident.updates.remove(0);
        assert_eq!(Figures::of(&incident), None);
    }

    #[test]
    fn what_was_brought_along_is_published_already() {
        let mut incident = over();
        assert_eq!(Postmortem::begin(&incident, minute(70)).unwrap().published, None);
        incident.updates.insert(0, update(90, IncidentStatus::Postmortem, "What happened."));
        let found = Postmortem::begin(&incident, minute(100)).unwrap();
        assert_eq!(found.body, "What happened.");
        assert_eq!(found.published.as_ref().map(|published| published.at), Some(minute(90)));
        assert_eq!(found.figures.resolved_at, minute(60));
        // Taken back, it is a draft again.
        assert_eq!(found.clone().standing_with(&incident), found);
        incident.updates[0].removed_at = Some(minute(100));
        assert_eq!(found.standing_with(&incident).published, None);
    }

    #[test]
    fn old_ones_say_how_old_they_are() {
        let published = |text: &str| {
            let published = Published { at: text.parse().unwrap(), update: UpdateId::from_random(1) };
            Postmortem { published: Some(published), ..Postmortem::begin(&over(), minute(70)).unwrap() }
        };
        let now = "2026-11-22T05:00:00Z".parse().unwrap();
        for (at, years) in [
            ("2026-11-21T00:00:00Z", None),
            ("2025-11-23T00:00:00Z", None),
            ("2025-11-22T23:00:00Z", Some(1)),
            ("2018-08-31T06:41:00Z", Some(8)),
            ("2027-11-22T05:00:00Z", None),
        ] {
            assert_eq!(published(at).age_in_years(now), years, "{at}");
        }
    }
}
