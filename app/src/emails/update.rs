//! One update of an incident, as its followers get it by mail.

use domain::{
    ids::UpdateId,
    incident::{Incident, Step, Update, step},
    markdown,
    status::{ComponentStatus, Impact},
    time,
};
use leptos::prelude::*;

use super::{FOOTER, Mail, QUIET, TITLE, button, document, one_line, section, subject};

/// How many earlier updates a mail repeats, so that whoever missed one loses nothing.
const EARLIER: usize = 5;

/// What the mail is made of.
#[derive(Clone, Debug)]
pub struct UpdateMail<'a> {
    /// The page's name.
    pub page_name: &'a str,
    /// Its public address, without a slash at the end.
    pub page_url: &'a str,
    /// The incident with all its updates.
    pub incident: &'a Incident,
    /// The one that is sent. Those before it are repeated, those after it are left out.
    pub update: &'a UpdateId,
    /// Where the recipient leads to.
    pub links: &'a Links,
}

/// The links that belong to one recipient, or stand-ins for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// Where the subscription is changed.
    pub manage: String,
    /// Where it is ended.
    pub unsubscribe: String,
}

/// Draws it; `None` when the incident holds no such update.
pub fn mail(mail: &UpdateMail) -> Option<Mail> {
    let position = mail.incident.updates.iter().position(|update| update.id == *mail.update)?;
    // The incident as it stood when this was the newest word.
    let then = Incident { updates: mail.incident.updates.get(position..)?.to_vec(), ..mail.incident.clone() };
    let (update, earlier) = then.updates.split_first()?;
    let content = Content {
        page_name: one_line(mail.page_name),
        title: one_line(&then.name),
        state: state(&then, update, earlier),
        lasted: lasted(&then),
        affected: affected(&then, update),
        update,
        earlier: earlier.iter().take(EARLIER).collect(),
        older: earlier.len().saturating_sub(EARLIER),
        tone: tone(&then, update),
        url: format!("{}/incidents/{}", mail.page_url, then.id),
        links: mail.links,
    };
    let subject = subject(mail.page_name, &then.name);
    let html = content.html(&subject);
    Some(Mail { subject, text: content.text(), html })
}

/// `Identified · Major · 5 Feb 2024, 10:12 UTC`
fn state(then: &Incident, update: &Update, earlier: &[Update]) -> String {
    let is_reopened = step(earlier.first().map(|before| before.status), update.status) == Step::Reopened;
    let impact = Some(then.impact()).filter(|impact| *impact != Impact::None).map(Impact::label);
    let parts = [is_reopened.then_some("Reopened"), Some(update.status.label()), impact];
    let mut words: Vec<_> = parts.into_iter().flatten().map(str::to_owned).collect();
    words.push(time::full(update.display_at));
    words.join(" · ")
}

/// `Lasted 1 h 27 min.`, once it is over.
fn lasted(then: &Incident) -> Option<String> {
    let standing = then.standing()?;
    Some(format!("Lasted {}.", time::duration(standing.started_at, standing.resolved_at?)))
}

/// One affected component in words.
struct Line {
    name: String,
    /// How it fared before, when this update changed that.
    old: Option<ComponentStatus>,
    status: ComponentStatus,
}

impl Line {
    /// `Operational → Major outage`
    fn words(&self) -> String {
        match self.old {
            Some(old) => format!("{} → {}", old.label(), self.status.label()),
            None => self.status.label().to_owned(),
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
    page_name: String,
    title: String,
    state: String,
    lasted: Option<String>,
    affected: Vec<Line>,
    update: &'a Update,
    earlier: Vec<&'a Update>,
    /// How many updates are too old to be repeated.
    older: usize,
    tone: ComponentStatus,
    url: String,
    links: &'a Links,
}

impl Content<'_> {
    fn why(&self) -> String {
        format!(
            "You get this mail because you subscribed to {}: to everything, to a part that this incident affects, \
             or to this incident.",
            self.page_name
        )
    }

    fn older(&self) -> Option<String> {
        match self.older {
            0 => None,
            1 => Some("One older update is on the page.".to_owned()),
            count => Some(format!("{count} older updates are on the page.")),
        }
    }

    fn text(&self) -> String {
        let mut blocks = vec![format!("{}\n{}", self.state, self.title), markdown::to_text(&self.update.body)];
        blocks.extend(self.lasted.clone());
        if !self.affected.is_empty() {
            let lines: Vec<_> = self.affected.iter().map(|line| format!("- {}: {}", line.name, line.words())).collect();
            blocks.push(format!("Affected\n{}", lines.join("\n")));
        }
        if !self.earlier.is_empty() {
            blocks.push("Earlier updates".to_owned());
        }
        blocks.extend(self.earlier.iter().map(|update| {
            let body = indented(&markdown::to_text(&update.body));
            format!("{} · {}\n{body}", update.status.label(), time::full(update.display_at))
        }));
        blocks.extend(self.older());
        blocks.push(format!("On the status page, always up to date:\n{}", self.url));
        blocks.push(format!(
            "--\n{}\n\nChoose what you hear about:\n{}\n\nUnsubscribe:\n{}\n",
            self.why(),
            self.links.manage,
            self.links.unsubscribe
        ));
        blocks.retain(|block| !block.trim().is_empty());
        blocks.join("\n\n")
    }

    fn html(&self, subject: &str) -> String {
        document(subject, || {
            view! {
                <p style="margin:0;font-size:14px;font-weight:600">
                    <span class=self.tone.as_str() style=colour(self.tone)>{self.state.clone()}</span>
                </p>
                <h1 style=TITLE>{self.title.clone()}</h1>
                {body(self.update)}
                {self.lasted.clone().map(|lasted| view! { <p class="quiet" style=QUIET_LASTED>{lasted}</p> })}
                {self.affected_html()}
                {button(self.url.clone(), "Open the status page")}
                {self.earlier_html()}
                <div class="footer" style=FOOTER>
                    <p style="margin:0 0 8px">{self.why()}</p>
                    <p style="margin:0">
                        <a href=self.links.manage.clone()>"Choose what you hear about"</a>
                        " · "
                        <a href=self.links.unsubscribe.clone()>"Unsubscribe"</a>
                    </p>
                </div>
            }
        })
    }

    fn affected_html(&self) -> Option<impl IntoView> {
        let rows = self.affected.iter().map(|line| {
            view! {
                <li class="row" style=ROW>
                    <span>{format!("{}: ", line.name)}</span>
                    {line.old.map(|old| view! { <span class="quiet" style=OLD>{format!("{} → ", old.label())}</span> })}
                    <strong class=line.status.as_str() style=colour(line.status)>
                        {format!("{}\u{a0}{}", shape(line.status), line.status.label())}
                    </strong>
                </li>
            }
        });
        let rows: Vec<_> = rows.collect();
        (!rows.is_empty())
            .then(|| view! { {section("Affected")} <ul style="margin:0;padding:0;list-style:none">{rows}</ul> })
    }

    fn earlier_html(&self) -> Option<impl IntoView> {
        let earlier = self.earlier.iter().map(|update| {
            let state = format!("{} · {}", update.status.label(), time::full(update.display_at));
            view! {
                <div class="earlier" style=EARLIER_STYLE>
                    <h3 style=SECTION_STATE>{state}</h3>
                    {body(update)}
                </div>
            }
        });
        let earlier: Vec<_> = earlier.collect();
        (!earlier.is_empty()).then(|| {
            view! {
                {section("Earlier updates")}
                {earlier}
                {self.older().map(|older| view! { <p class="quiet" style=QUIET>{older}</p> })}
            }
        })
    }
}

/// What people wrote, drawn; ids are prefixed so that the footnotes of several updates keep apart.
fn body(update: &Update) -> impl IntoView {
    view! { <div class="update" inner_html=markdown::to_html_in(&update.body, &format!("u{}", update.id))></div> }
}

fn indented(text: &str) -> String {
    let lines: Vec<_> =
        text.lines().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") }).collect();
    lines.join("\n")
}

const ROW: &str = "margin:0;padding:6px 0;border-bottom:1px solid #dde2e8";
const OLD: &str = "color:#566273";
const QUIET_LASTED: &str = "margin:12px 0 0;font-size:14px;color:#566273";
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
