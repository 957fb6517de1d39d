//! A postmortem, as those who followed its incident get it by mail: the whole of it.

use domain::{
    i18n::{
        Locale,
        mail::{PostmortemWords, UpdateWords},
    },
    incident::Incident,
    markdown,
    postmortem::{FollowUp, Postmortem},
    status::IncidentStatus,
};
use leptos::prelude::*;

use super::{FOOTER, Mail, Reader, TITLE, button, document, one_line, section, subject};

/// What the mail is made of.
#[derive(Clone, Copy)]
pub struct PostmortemMail<'a> {
    /// The page's name.
    pub page_name: &'a str,
    /// Its public address, without a slash at the end.
    pub page_url: &'a str,
    /// What it is about.
    pub incident: &'a Incident,
    /// The postmortem.
    pub postmortem: &'a Postmortem,
    /// Who reads it.
    pub reader: &'a Reader<'a>,
}

/// Draws it. The subject is that of all mails about the incident, so that mail programs show them as one thread.
pub fn mail(mail: &PostmortemMail) -> Mail {
    let locale = mail.reader.locale;
    let words = locale.mail_words();
    let content = Content {
        words: &words.postmortem,
        common: &words.update,
        why: (words.update.why)(&one_line(mail.page_name)),
        title: one_line(&mail.incident.name),
        state: state(mail.postmortem, locale),
        figures: figures(mail.postmortem, mail.reader),
        postmortem: mail.postmortem,
        url: format!("{}/postmortems/{}", mail.page_url, mail.incident.id),
        reader: mail.reader,
    };
    let subject = subject(mail.page_name, &mail.incident.name);
    let html = content.html(&subject);
    Mail { subject, text: content.text(), html }
}

/// `Postmortem · by Ada`
fn state(postmortem: &Postmortem, locale: Locale) -> String {
    let author = one_line(&postmortem.author);
    let author = (!author.is_empty()).then(|| (locale.mail_words().postmortem.by)(&author));
    let name = locale.incident_status(IncidentStatus::Postmortem).to_owned();
    [Some(name), author].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// `Started: 5 Feb 2024, 10:12 UTC`, and so on.
fn figures(postmortem: &Postmortem, reader: &Reader) -> Vec<String> {
    let (words, figures) = (reader.locale.mail_words(), postmortem.figures);
    let span = |from, to| reader.locale.duration(from, to);
    let mut detected = (words.postmortem.detected)(&reader.time(figures.detected_at));
    if figures.time_to_detect().is_some() {
        let late = (words.postmortem.after)(&span(figures.started_at, figures.detected_at));
        detected = format!("{detected} ({late})");
    }
    let mut lines = vec![(words.postmortem.started)(&reader.time(figures.started_at)), detected];
    lines.extend(figures.mitigated_at.map(|at| (words.postmortem.mitigated)(&reader.time(at))));
    lines.push((words.postmortem.resolved)(&reader.time(figures.resolved_at)));
    lines.push((words.update.lasted)(&span(figures.started_at, figures.resolved_at)));
    lines
}

/// Everything that both bodies say.
struct Content<'a> {
    words: &'static PostmortemWords,
    common: &'static UpdateWords,
    why: String,
    title: String,
    state: String,
    figures: Vec<String>,
    postmortem: &'a Postmortem,
    url: String,
    reader: &'a Reader<'a>,
}

impl Content<'_> {
    /// `Page louder (to do by 1 Mar 2026)`
    fn follow_up(&self, follow_up: &FollowUp) -> String {
        let state = match (follow_up.done_at, follow_up.due) {
            (Some(_), _) => self.words.done.to_owned(),
            (None, Some(due)) => (self.words.to_do_by)(&self.reader.locale.date(due)),
            (None, None) => self.words.to_do.to_owned(),
        };
        format!("{} ({state})", one_line(&follow_up.text))
    }

    fn text(&self) -> String {
        let mut blocks = vec![
            format!("{}\n{}", self.state, self.title),
            self.figures.join("\n"),
            markdown::to_text(&self.postmortem.body),
        ];
        if !self.postmortem.follow_ups.is_empty() {
            let lines = self.postmortem.follow_ups.iter().map(|it| {
                let mark = if it.done_at.is_some() { "[x]" } else { "[ ]" };
                let link = if it.link.is_empty() { String::new() } else { format!("\n  {}", it.link) };
                format!("- {mark} {}{link}", self.follow_up(it))
            });
            blocks.push(format!("{}\n{}", self.words.follow_ups, lines.collect::<Vec<_>>().join("\n")));
        }
        blocks.push(format!("{}\n{}", self.words.on_the_page, self.url));
        let (words, links) = (self.common, self.reader.links);
        blocks.push(format!(
            "--\n{}\n\n{}:\n{}\n\n{}:\n{}\n",
            self.why, words.choose, links.manage, words.unsubscribe, links.unsubscribe
        ));
        blocks.retain(|block| !block.trim().is_empty());
        blocks.join("\n\n")
    }

    fn html(&self, subject: &str) -> String {
        let (words, links) = (self.common, self.reader.links);
        let figures = self.figures.iter().map(|line| view! { <li class="quiet" style=FIGURE>{line.clone()}</li> });
        let figures: Vec<_> = figures.collect();
        let body = markdown::to_html_in(&self.postmortem.body, "p");
        document(self.reader.locale, subject, || {
            view! {
                <p style="margin:0;font-size:14px;font-weight:600" dir="auto">{self.state.clone()}</p>
                <h1 style=TITLE lang="" dir="auto">{self.title.clone()}</h1>
                <ul style=FIGURES>{figures}</ul>
                <div class="update postmortem" lang="" dir="auto" inner_html=body></div>
                {self.follow_ups_html()}
                {button(self.url.clone(), words.open_the_page)}
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

    fn follow_ups_html(&self) -> Option<impl IntoView> {
        let rows = self.postmortem.follow_ups.iter().map(|it| {
            let mark = if it.done_at.is_some() { '☑' } else { '☐' };
            let words = format!("{mark}\u{a0}{}", self.follow_up(it));
            let words = if it.link.is_empty() {
                view! { <span lang="" dir="auto">{words}</span> }.into_any()
            } else {
                view! { <a href=it.link.clone() lang="" dir="auto">{words}</a> }.into_any()
            };
            view! { <li class="row" style=ROW>{words}</li> }
        });
        let rows: Vec<_> = rows.collect();
        (!rows.is_empty()).then(|| {
            view! { {section(self.words.follow_ups)} <ul style="margin:0;padding:0;list-style:none">{rows}</ul> }
        })
    }
}

const FIGURES: &str = "margin:0 0 24px;padding:0;list-style:none";
const FIGURE: &str = "margin:0;font-size:14px;color:#566273";
const ROW: &str = "margin:0;padding:6px 0;border-bottom:1px solid #dde2e8";

#[cfg(test)]
mod tests {
    use domain::{
        ids::{FollowUpId, IncidentId, UpdateId},
        incident::Update,
        postmortem::Published,
        status::IncidentStatus,
    };
    use jiff::Timestamp;

    use super::*;
    use crate::emails::Links;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn sample(body: &str, locale: Locale) -> Mail {
        let update = |number, time: &str, status| Update {
            id: UpdateId::from_random(number),
            status,
            body: "Words.".into(),
            display_at: at(time),
            created_at: at(time),
            updated_at: at(time),
            next_update_by: None,
            edited_at: None,
            removed_at: None,
            notify: true,
            components: Vec::new(),
        };
        let incident = Incident {
            id: IncidentId::from_random(1),
            name: "Under <load>".into(),
            impact_override: None,
            created_at: at("2024-02-05T10:12:00Z"),
            updated_at: at("2024-02-06T20:04:00Z"),
            updates: vec![
                update(2, "2024-02-06T20:04:00Z", IncidentStatus::Resolved),
                update(1, "2024-02-05T10:12:00Z", IncidentStatus::Investigating),
            ],
        };
        let follow_up = |number, text: &str| FollowUp {
            id: FollowUpId::from_random(number),
            text: text.into(),
            link: String::new(),
            due: None,
            done_at: None,
        };
        let draft = Postmortem::begin(&incident, at("2024-02-08T00:00:00Z")).unwrap();
        let mut figures = draft.figures;
        figures.started_at = at("2024-02-05T06:48:00Z");
        let postmortem = Postmortem {
            author: "Ada & Max".into(),
            body: body.into(),
            figures,
            follow_ups: vec![
                FollowUp { done_at: Some(at("2024-02-07T00:00:00Z")), ..follow_up(1, "Page louder") },
                FollowUp {
                    link: "https://example.com/7?a=1&b=2".into(),
                    due: Some("2024-03-01".parse().unwrap()),
                    ..follow_up(2, "Buy a <pager>")
                },
            ],
            published: Some(Published { at: at("2024-02-08T09:00:00Z"), update: UpdateId::from_random(3) }),
            ..draft
        };
        let links = Links {
            manage: "https://status.example.com/manage/M".into(),
            unsubscribe: "https://status.example.com/unsubscribe/U".into(),
        };
        mail(&PostmortemMail {
            page_name: "Acme Status",
            page_url: "https://status.example.com",
            incident: &incident,
            postmortem: &postmortem,
            reader: &Reader { locale, local_time: &|_| " · here".to_owned(), links: &links },
        })
    }

    const BODY: &str = "## Summary\n\nDown since {time 2024-02-05 00:48 America/Chicago}.[^1]\n\n\
                        | When | What |\n|---|---|\n| {time 2024-02-05 10:12} | Paged |\n\n[^1]: By the logs.";

    #[test]
    fn the_text_says_everything() {
        insta::assert_snapshot!(sample(BODY, Locale::English).text);
    }

    #[test]
    fn the_html_says_the_same() {
        let html = sample(BODY, Locale::English).html;
        for part in [
            "Postmortem · by Ada &amp; Max",
            "Under &lt;load&gt;</h1>",
            "Detected: 5 Feb 2024, 10:12 UTC · here (after 3 h 24 min)",
            "Lasted 1 d 13 h",
            ">Summary</h4>",
            "<time datetime=\"2024-02-05T06:48:00.000Z\" dir=\"ltr\">5 Feb 2024, 06:48 UTC</time>",
            "<td dir=\"auto\">Paged</td>",
            "id=\"p-fn-1\"",
            "☑\u{a0}Page louder (done)",
            "href=\"https://example.com/7?a=1&amp;b=2\"",
            ">☐\u{a0}Buy a &lt;pager&gt; (to do by 1 Mar 2024)</a>",
            "https://status.example.com/postmortems/100000000000",
            "https://status.example.com/unsubscribe/U",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(!html.contains("<!>") && !html.contains("<load>"));
    }

    #[test]
    fn what_is_ours_is_said_in_the_readers_language() {
        for (locale, parts) in [
            (Locale::German, ["von Ada & Max", "Bemerkt: ", "offen, bis 1. März 2024", "Was wir daraufhin tun"]),
            (Locale::French, ["par Ada & Max", "Détecté", "à faire avant le 1er mars 2024", "Actions de suivi"]),
            (Locale::Spanish, ["por Ada & Max", "Detectado: ", "pendiente hasta el 1 mar 2024", "Acciones de"]),
        ] {
            let text = sample(BODY, locale).text;
            for part in parts.into_iter().chain(["Page louder", "[1] By the logs."]) {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
    }

    #[test]
    fn the_subject_is_that_of_the_incident() {
        assert_eq!(sample(BODY, Locale::English).subject, "[Acme Status] Under <load>");
    }
}
