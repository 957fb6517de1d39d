//! One issue of a cState site.

use domain::{
    component::Component,
    forms::BODY_MAX,
    ids::IncidentId,
    incident::{ComponentChange, Incident, Update},
    status::{ComponentStatus, IncidentStatus},
    time,
};
use jiff::Timestamp;

use super::{
    front_matter::{self, Unreadable},
    intake::{Intake, bits},
    record::{Record, Refusal},
    statuspage_incident::update_id,
};
use crate::store::imports::{Said, Told};

/// An issue as it was understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Issue {
    slug: String,
    title: String,
    /// Names of systems, as they are written there.
    pub(super) affected: Vec<String>,
    /// How they fared meanwhile.
    pub(super) status: ComponentStatus,
    /// Whether it is resolved.
    pub(super) is_over: bool,
    resolved_at: Option<Timestamp>,
    /// Oldest first; never empty.
    entries: Vec<Entry>,
    /// What is odd, and in which line.
    pub(super) remarks: Vec<(usize, String)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    at: Timestamp,
    status: IncidentStatus,
    body: String,
}

impl Issue {
    /// Whether it lists a system.
    pub(super) fn lists(&self, system: &str) -> bool {
        self.affected.iter().any(|affected| affected.to_lowercase() == system.to_lowercase())
    }
}

/// Reads a file.
pub(super) fn read(slug: &str, text: &str, now: Timestamp) -> Result<Issue, Unreadable> {
    let page = front_matter::read(text)?;
    let unreadable = |Refusal { place, reason }| {
        let field = place.trim_start_matches('/');
        let field = field.split('/').next().unwrap_or_default();
        (front_matter::line_of(text, field), if field.is_empty() { reason } else { format!("{field}: {reason}") })
    };
    let mut issue = Record::at(String::new(), &page.head)
        .and_then(|head| understand(slug, &head, page.body.trim(), now))
        .map_err(unreadable)?;
    if page.lacks_fence {
        issue.remarks.push((1, "the `---` above the head of the file is missing: it was read all the same".to_owned()));
    }
    let began = issue.entries[0].at;
    if let Some(resolved_at) = issue.resolved_at.filter(|at| *at < began) {
        let (said, began) = (time::rfc3339(resolved_at), time::rfc3339(began));
        let remark =
            format!("resolvedWhen: {said} is before it began, {began}: the API repeats it, pages show the latter");
        issue.remarks.push((front_matter::line_of(text, "resolvedWhen"), remark));
    }
    Ok(issue)
}

fn understand(slug: &str, head: &Record, body: &str, now: Timestamp) -> Result<Issue, Refusal> {
    if head.text("section")?.is_some_and(|section| section != "issue") {
        return head.refuse("section", "only files of the section “issue” are issues");
    }
    if head.flag("draft")?.unwrap_or_default() {
        return head.refuse("draft", "it was never published");
    }
    let Some(date) = instant(head, "date")? else { return head.refuse("date", "this is missing") };
    let severity = head.text("severity")?.filter(|_| !head.is_set("informational"));
    let status = match severity.unwrap_or("notice") {
        "notice" => ComponentStatus::Operational,
        "disrupted" => ComponentStatus::PartialOutage,
        "down" => ComponentStatus::MajorOutage,
        other => return head.refuse("severity", format!("“{other}” is none of notice, disrupted and down")),
    };
    let mut affected: Vec<String> = Vec::new();
    for name in head.names("affected")? {
        if affected.iter().all(|known| known.to_lowercase() != name.to_lowercase()) {
            affected.push(name.to_owned());
        }
    }
    let is_over = head.flag("resolved")?.unwrap_or_default();
    let resolved_at = instant(head, "resolvedWhen")?.filter(|_| is_over);
    let mut entries = tracked(head, body, date)?;
    let newest = entries.last().map_or(date, |entry| entry.at);
    if is_over && !entries.iter().any(|entry| entry.status.is_over()) {
        let at = resolved_at.unwrap_or(newest).max(newest);
        entries.push(Entry { at, status: IncidentStatus::Resolved, body: String::new() });
    }
    if entries.iter().any(|entry| entry.at > now) {
        return head.refuse("date", "this is in the future: planned work has no place here yet");
    }
    if entries.iter().any(|entry| entry.body.chars().count() > BODY_MAX) {
        return head.refuse("", format!("it says more than {BODY_MAX} characters at once"));
    }
    let title = head.name("title")?.to_owned();
    Ok(Issue { slug: slug.to_owned(), title, affected, status, is_over, resolved_at, entries, remarks: Vec::new() })
}

/// A time as people write it in these files: also without a zone, which is UTC then, and with an hour of one or three digits.
fn instant(head: &Record, field: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = head.text(field)?.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let at = time_of(text);
    at.map_or_else(|| head.refuse(field, format!("“{text}” is not a time")), |at| Ok(Some(at)))
}

fn time_of(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (day, clock) = text.split_once(['T', ' ']).unwrap_or((text, "0:00"));
    let (hour, rest) = clock.split_once(':')?;
    let hour: u8 = hour.trim().parse().ok()?;
    let at = time::parse_instant(&format!("{day}T{hour:02}:{rest}")).ok()?;
    Timestamp::from_millisecond(at.as_millisecond()).ok()
}

/// The entries of a text, oldest first: one for each paragraph that ends in a `track`, with the paragraphs before it; what
/// follows the last is the first word on it, as such texts have the newest on top.
fn tracked(head: &Record, body: &str, date: Timestamp) -> Result<Vec<Entry>, Refusal> {
    let mut entries = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for paragraph in body.split("\n\n") {
        let Some((words, at)) = track(paragraph) else {
            open.push(paragraph.to_owned());
            continue;
        };
        let Some(at) = time_of(&at) else { return head.refuse("", format!("“{at}” in a track is not a time")) };
        open.push(words);
        let body = open.join("\n\n").trim().to_owned();
        entries.push((at, status_in(&body), body));
        open.clear();
    }
    let rest = open.join("\n\n").trim().to_owned();
    if !rest.is_empty() || entries.is_empty() {
        entries.push((date, None, rest));
    }
    // As they stand in the file, the newest is on top.
    entries.reverse();
    entries.sort_by_key(|(at, ..)| *at);
    let mut before = IncidentStatus::Investigating;
    let entries = entries.into_iter().map(|(at, status, body)| {
        before = status.unwrap_or(before);
        Entry { at, status: before, body }
    });
    Ok(entries.collect())
}

/// `Words. {{< track "2020-04-11 12:00" >}}` as its words and its time.
fn track(paragraph: &str) -> Option<(String, String)> {
    let start = paragraph.find("{{<")?;
    let end = start + paragraph[start..].find(">}}")?;
    let inside = paragraph[start + 3..end].trim().strip_prefix("track")?;
    let at = inside.trim().trim_matches(['"', '`']).to_owned();
    Some((format!("{}{}", paragraph[..start].trim_end(), &paragraph[end + 3..]), at))
}

/// The status that a text begins with, as in `**Identified** - …`.
fn status_in(body: &str) -> Option<IncidentStatus> {
    let word: String = body
        .trim_start_matches(|letter: char| !letter.is_alphabetic())
        .chars()
        .take_while(|letter| letter.is_alphabetic())
        .collect();
    let status = word.to_lowercase().parse().ok()?;
    IncidentStatus::POSTABLE.contains(&status).then_some(status)
}

/// Takes an issue; `systems` are the components that it lists.
pub(super) fn take(intake: &mut Intake, issue: Issue, systems: Vec<Component>, digest: String) -> Result<(), String> {
    let id = IncidentId::from_random(bits(&["cstate", &issue.slug]));
    let mut before = ComponentStatus::Operational;
    let mut updates = Vec::with_capacity(issue.entries.len());
    for (number, entry) in issue.entries.into_iter().enumerate() {
        let new = if entry.status.is_over() { ComponentStatus::Operational } else { issue.status };
        // The first word names them, and the one that changes them.
        let is_told = number == 0 || new != before;
        let change = |component: &Component| ComponentChange {
            component: component.id.clone(),
            name: intake.name_of(&component.id).unwrap_or_else(|| component.name.clone()),
            old: before,
            new,
        };
        let mut components: Vec<_> = systems.iter().filter(|_| is_told).map(change).collect();
        components.sort_by(|a, b| (&a.name, &a.component).cmp(&(&b.name, &b.component)));
        before = new;
        updates.push(Update {
            id: update_id(&id, None, number),
            status: entry.status,
            body: entry.body,
            display_at: entry.at,
            created_at: entry.at,
            updated_at: entry.at,
            next_update_by: None,
            edited_at: None,
            removed_at: None,
            notify: false,
            components,
        });
    }
    updates.reverse();
    let times = || updates.iter().map(|update| update.display_at);
    let (created_at, updated_at) = (times().min().unwrap_or(intake.now()), times().max().unwrap_or(intake.now()));
    let incident = Incident { id, name: issue.title, impact_override: None, created_at, updated_at, updates };
    let derived = incident.standing().and_then(|standing| standing.resolved_at);
    let told = Told { derived, said: issue.resolved_at };
    let said = Said {
        resolved_at: Some(told)
            .filter(|told| told.said.is_some() && told.derived.is_some() && told.said != told.derived),
        ..Said::default()
    };
    intake.take_incident(incident, said, digest, systems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn issue(head: &str, body: &str) -> Result<Issue, Unreadable> {
        read(
            "slug",
            &format!("---\ntitle: Down\ndate: 2020-04-11 10:00:00\n{head}\n---\n{body}"),
            at("2026-01-01T00:00:00Z"),
        )
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for text in [
            "2021-12-07 08:06:14",
            "2021-12-07T08:06:14Z",
            "2021-12-07T9:06:14+01:00",
            "2021-12-07T009:06:14+01:00",
            "2021-12-07 09:06:14+0100",
        ] {
            assert_eq!(time_of(text), Some(at("2021-12-07T08:06:14Z")), "{text}");
        }
        assert_eq!(time_of("2021-12-07"), Some(at("2021-12-07T00:00:00Z")));
        assert_eq!(time_of("2021-12-07T24:00:00Z"), None);
        assert_eq!(time_of("soon"), None);
    }

    #[test]
    fn a_text_without_tracks_is_the_first_word() {
        let issue = issue(
            "resolved: true\nresolvedWhen: 2020-04-11 12:30:00\nseverity: down\naffected: [API, api]",
            "It *is*.\n\n- 11:00: fixed\n",
        )
        .unwrap();
        assert_eq!((issue.affected.len(), issue.status), (1, ComponentStatus::MajorOutage));
        let told: Vec<_> = issue.entries.iter().map(|entry| (entry.at, entry.status, entry.body.as_str())).collect();
        let expected = [
            (at("2020-04-11T10:00:00Z"), IncidentStatus::Investigating, "It *is*.\n\n- 11:00: fixed"),
            (at("2020-04-11T12:30:00Z"), IncidentStatus::Resolved, ""),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn tracked_paragraphs_are_updates_of_their_own() {
        let body = "**Resolved** - All is well. {{< track \"2020-04-11 12:00:00\" >}}\n\nStill looking.\n\n\
                    Found it. {{< track \"2020-04-11 11:00:00\" >}}\n\n*Identified* - The disk. {{<track \"2020-04-11 10:30:00\">}}\n\nWe look.";
        let issue = issue("resolved: true\nresolvedWhen: 2020-04-11 12:01:00", body).unwrap();
        let told: Vec<_> = issue.entries.iter().map(|entry| (entry.at, entry.status, entry.body.as_str())).collect();
        let expected = [
            (at("2020-04-11T10:00:00Z"), IncidentStatus::Investigating, "We look."),
            (at("2020-04-11T10:30:00Z"), IncidentStatus::Identified, "*Identified* - The disk."),
            (at("2020-04-11T11:00:00Z"), IncidentStatus::Identified, "Still looking.\n\nFound it."),
            (at("2020-04-11T12:00:00Z"), IncidentStatus::Resolved, "**Resolved** - All is well."),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_damaged_is_named_with_its_line() {
        for (head, line, word) in [
            ("severity: awful", 4, "awful"),
            ("resolved: perhaps", 4, "neither"),
            ("resolved: true\nresolvedWhen: later", 5, "later"),
            ("section: page", 4, "section"),
            ("draft: true", 4, "published"),
            ("affected: {a: 1}", 4, "list"),
            ("affected:\n  - 7", 4, "text"),
        ] {
            let (found, reason) = issue(head, "").unwrap_err();
            assert_eq!(found, line, "{head}: {reason}");
            assert!(reason.contains(word), "{head}: {reason}");
        }
        assert!(read("slug", "---\ntitle: Down\n---\n", at("2026-01-01T00:00:00Z")).unwrap_err().1.contains("date"));
        let planned =
            read("slug", "---\ntitle: Down\ndate: 2030-01-01\n---\n", at("2026-01-01T00:00:00Z")).unwrap_err();
        assert_eq!((planned.0, planned.1.contains("future")), (3, true));
    }
}
