//! One update of an incident, as its followers get it by mail.

use domain::{
    i18n::{Locale, mail::UpdateWords},
    ids::UpdateId,
    incident::{Incident, Step, Update, step},
    markdown,
    status::{ComponentStatus, Impact},
};
use leptos::prelude::*;

use super::{FOOTER, Mail, QUIET, Reader, TITLE, WHEN, button, document, one_line, section, subject};

/// How many earlier updates a mail repeats, so that whoever missed one loses nothing.
const EARLIER: usize = 5;

/// What the mail is made of.
#[derive(Clone, Copy)]
pub struct UpdateMail<'a> {
    /// The page's name.
    pub page_name: &'a str,
    /// Its public address, without a slash at the end.
    pub page_url: &'a str,
    /// The incident with all its updates.
    pub incident: &'a Incident,
    /// The one that is sent. Those before it are repeated, those after it are left out.
    pub update: &'a UpdateId,
    /// Whether it was mailed before and says something else since.
    pub is_correction: bool,
    /// Who reads it.
    pub reader: &'a Reader<'a>,
}

/// Draws it; `None` when the incident holds no such update.
pub fn mail(mail: &UpdateMail) -> Option<Mail> {
    let position = mail.incident.updates.iter().position(|update| update.id == *mail.update)?;
    // The incident as it stood when this was the newest word.
    let then = Incident { updates: mail.incident.updates.get(position..)?.to_vec(), ..mail.incident.clone() };
    let (update, earlier) = then.updates.split_first()?;
    let locale = mail.reader.locale;
    let words = &locale.mail_words().update;
    let content = Content {
        words,
        why: (words.why)(&one_line(mail.page_name)),
        title: one_line(&then.name),
        state: state(mail, &then, update, earlier),
        corrected: mail.is_correction.then_some(words.corrected),
        when: mail.reader.time(update.display_at),
        lasted: lasted(&then, locale),
        next: next_update(update, mail.reader),
        affected: affected(&then, update),
        update,
        earlier: earlier.iter().take(EARLIER).collect(),
        older: Some(earlier.len().saturating_sub(EARLIER)).filter(|count| *count > 0).map(words.older),
        tone: tone(&then, update),
        url: format!("{}/incidents/{}", mail.page_url, then.id),
        reader: mail.reader,
    };
    let subject = subject(mail.page_name, &then.name);
    let html = content.html(&subject);
    Some(Mail { subject, text: content.text(), html })
}

/// `Identified · Major`
fn state(mail: &UpdateMail, then: &Incident, update: &Update, earlier: &[Update]) -> String {
    let locale = mail.reader.locale;
    let words = &locale.mail_words().update;
    let before = earlier.iter().find(|before| before.is_kept()).map(|before| before.status);
    let is_reopened = step(before, update.status) == Step::Reopened;
    let impact = Some(then.impact()).filter(|impact| *impact != Impact::None).map(|impact| locale.impact(impact));
    let correction = mail.is_correction.then_some(words.correction);
    let parts =
        [correction, is_reopened.then_some(words.reopened), Some(locale.incident_status(update.status)), impact];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// `Lasted 1 h 27 min.`, once it is over.
fn lasted(then: &Incident, locale: Locale) -> Option<String> {
    let standing = then.standing()?;
    let duration = locale.duration(standing.started_at, standing.resolved_at?);
    Some((locale.mail_words().update.lasted)(&duration))
}

/// `Next update by 5 Feb 2024, 11:00 UTC`, where one was promised.
fn next_update(update: &Update, reader: &Reader) -> Option<String> {
    let by = update.next_update_by.filter(|_| !update.status.is_over())?;
    Some((reader.locale.mail_words().update.next_update)(&reader.time(by)))
}

/// One affected component.
struct Line {
    name: String,
    /// How it fared before, when this update changed that.
    old: Option<ComponentStatus>,
    status: ComponentStatus,
}

impl Line {
    /// `Operational → Major outage`
    fn words(&self, locale: Locale) -> String {
        let status = locale.component_status(self.status);
        match self.old {
            Some(old) => format!("{} → {status}", locale.component_status(old)),
            None => status.to_owned(),
        }
    }
}

fn affected(then: &Incident, update: &Update) -> Vec<Line> {
    let lines = then.affected().into_iter().map(|affected| {
        let change = update.components.iter().find(|change| change.component == affected.component);
        Line {
            old: change.filter(|change| change.old != change.new).map(|change| change.old),
            name: one_line(&affected.name),
            status: affected.status,
        }
    });
    lines.collect()
}

/// The colour that goes with the words.
fn tone(then: &Incident, update: &Update) -> ComponentStatus {
    match then.impact() {
        _ if update.status.is_over() => ComponentStatus::Operational,
        Impact::None => ComponentStatus::UnderMaintenance,
        Impact::Minor => ComponentStatus::DegradedPerformance,
        Impact::Major => ComponentStatus::PartialOutage,
        Impact::Critical => ComponentStatus::MajorOutage,
    }
}

/// Everything that both bodies say.
struct Content<'a> {
    words: &'static UpdateWords,
    why: String,
    title: String,
    state: String,
    corrected: Option<&'static str>,
    when: String,
    lasted: Option<String>,
    next: Option<String>,
    affected: Vec<Line>,
    update: &'a Update,
    earlier: Vec<&'a Update>,
    /// How many updates are too old to be repeated.
    older: Option<String>,
    tone: ComponentStatus,
    url: String,
    reader: &'a Reader<'a>,
}

impl Content<'_> {
    fn text(&self) -> String {
        let (words, locale) = (self.words, self.reader.locale);
        let mut blocks = vec![format!("{}\n{}\n{}", self.state, self.title, self.when)];
        blocks.extend(self.corrected.map(str::to_owned));
        blocks.push(markdown::to_text(&self.update.body));
        blocks.extend(self.lasted.clone());
        blocks.extend(self.next.clone());
        if !self.affected.is_empty() {
            let lines = self.affected.iter().map(|line| format!("- {}: {}", line.name, line.words(locale)));
            blocks.push(format!("{}\n{}", words.affected, lines.collect::<Vec<_>>().join("\n")));
        }
        if !self.earlier.is_empty() {
            blocks.push(words.earlier.to_owned());
        }
        blocks.extend(
            self.earlier
                .iter()
                .map(|update| format!("{}\n{}", self.heading(update), indented(&self.earlier_text(update)))),
        );
        blocks.extend(self.older.clone());
        blocks.push(format!("{}\n{}", words.on_the_page, self.url));
        let links = self.reader.links;
        blocks.push(format!(
            "--\n{}\n\n{}:\n{}\n\n{}:\n{}\n",
            self.why, words.choose, links.manage, words.unsubscribe, links.unsubscribe
        ));
        blocks.retain(|block| !block.trim().is_empty());
        blocks.join("\n\n")
    }

    fn html(&self, subject: &str) -> String {
        let (words, links) = (self.words, self.reader.links);
        document(self.reader.locale, subject, || {
            view! {
                <p style="margin:0;font-size:14px;font-weight:600">
                    <span class=self.tone.as_str() style=colour(self.tone)>{self.state.clone()}</span>
                </p>
                <h1 style=TITLE lang="" dir="auto">{self.title.clone()}</h1>
                <p class="quiet" style=WHEN>{self.when.clone()}</p>
                {self.corrected.map(|words| view! { <p style=NEXT><strong>{words}</strong></p> })}
                {body(self.update)}
                {self.lasted.clone().map(|lasted| view! { <p class="quiet" style=QUIET_LASTED>{lasted}</p> })}
                {self.next.clone().map(|next| view! { <p style=NEXT>{next}</p> })}
                {self.affected_html()}
                {button(self.url.clone(), words.open_the_page)}
                {self.earlier_html()}
                <div class="footer" style=FOOTER>
                    <p style="margin:0 0 8px">{self.why.clone()}</p>
                    <p style="margin:0">
                        <a href=links.manage.clone()>{words.choose}</a>
                        " · "
                        <a href=links.unsubscribe.clone()>{words.unsubscribe}</a>
                    </p>
                </div>
            }
        })
    }

    fn affected_html(&self) -> Option<impl IntoView> {
        let locale = self.reader.locale;
        let rows = self.affected.iter().map(|line| {
            let old = line.old.map(|old| format!("{} → ", locale.component_status(old)));
            view! {
                <li class="row" style=ROW>
                    <span lang="" dir="auto">{format!("{}: ", line.name)}</span>
                    {old.map(|old| view! { <span class="quiet" style=OLD>{old}</span> })}
                    <strong class=line.status.as_str() style=colour(line.status)>
                        {format!("{}\u{a0}{}", shape(line.status), locale.component_status(line.status))}
                    </strong>
                </li>
            }
        });
        let rows: Vec<_> = rows.collect();
        (!rows.is_empty()).then(
            || view! { {section(self.words.affected)} <ul style="margin:0;padding:0;list-style:none">{rows}</ul> },
        )
    }

    fn earlier_html(&self) -> Option<impl IntoView> {
        let earlier = self.earlier.iter().map(|update| {
            view! {
                <div class="earlier" style=EARLIER_STYLE>
                    <h3 style=SECTION_STATE>{self.heading(update)}</h3>
                    {match update.removed_at {
                        Some(_) => view! { <p class="quiet" style=QUIET>{self.words.removed}</p> }.into_any(),
                        None => body(update).into_any(),
                    }}
                </div>
            }
        });
        let earlier: Vec<_> = earlier.collect();
        (!earlier.is_empty()).then(|| {
            view! {
                {section(self.words.earlier)}
                {earlier}
                {self.older.clone().map(|older| view! { <p class="quiet" style=QUIET>{older}</p> })}
            }
        })
    }

    fn earlier_text(&self, update: &Update) -> String {
        match update.removed_at {
            Some(_) => self.words.removed.to_owned(),
            None => markdown::to_text(&update.body),
        }
    }

    /// `Investigating · 5 Feb 2024, 10:12 UTC`
    fn heading(&self, update: &Update) -> String {
        format!("{} · {}", self.reader.locale.incident_status(update.status), self.reader.time(update.display_at))
    }
}

/// What people wrote, drawn; ids are prefixed so that the footnotes of several updates keep apart.
fn body(update: &Update) -> impl IntoView {
    view! { <div class="update" lang="" dir="auto" inner_html=markdown::to_html_in(&update.body, &format!("u{}", update.id))></div> }
}

fn indented(text: &str) -> String {
    let lines: Vec<_> =
        text.lines().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") }).collect();
    lines.join("\n")
}

const ROW: &str = "margin:0;padding:6px 0;border-bottom:1px solid #dde2e8";
const OLD: &str = "color:#566273";
const QUIET_LASTED: &str = "margin:12px 0 0;font-size:14px;color:#566273";
const NEXT: &str = "margin:12px 0 0;font-weight:600";
const EARLIER_STYLE: &str = "margin:0 0 16px;padding:0 0 0 14px;border-left:2px solid #dde2e8";
const SECTION_STATE: &str = "margin:0 0 4px;font-size:14px;line-height:1.4;font-weight:600";

/// On white; each has at least 4.5 : 1 contrast.
fn colour(status: ComponentStatus) -> &'static str {
    match status {
        ComponentStatus::Operational => "color:#16703c",
        ComponentStatus::UnderMaintenance => "color:#1f4fbf",
        ComponentStatus::DegradedPerformance => "color:#8a5a00",
        ComponentStatus::PartialOutage => "color:#a8440c",
        ComponentStatus::MajorOutage => "color:#b3261e",
    }
}

/// The shape that stands beside the word, for eyes that tell colours badly apart.
fn shape(status: ComponentStatus) -> char {
    match status {
        ComponentStatus::Operational => '●',
        ComponentStatus::UnderMaintenance => '◆',
        ComponentStatus::DegradedPerformance => '▲',
        ComponentStatus::PartialOutage => '◐',
        ComponentStatus::MajorOutage => '■',
    }
}

#[cfg(test)]
mod tests;
