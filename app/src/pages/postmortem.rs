//! A postmortem, for everyone once it is published, for reviewers before.

use domain::{
    incident::Incident,
    markdown::{self, Heading},
    postmortem::{FollowUp, Postmortem, progress},
    time::utc_date,
};
use jiff::{Timestamp, civil::Date};
use leptos::prelude::*;

use crate::{
    components::{dated, impact_mark},
    layout::{Head, public_page},
    site::Site,
};

/// From so many headings on there is a table of contents.
const LONG: usize = 4;

/// What the page of a postmortem shows.
#[derive(Clone, Debug)]
pub struct PostmortemPage {
    /// The page itself.
    pub site: Site,
    /// The present moment.
    pub now: Timestamp,
    /// What it is about.
    pub incident: Incident,
    /// The postmortem; a draft is shown as one.
    pub postmortem: Postmortem,
}

/// Draws the page.
pub fn page(model: &PostmortemPage) -> String {
    let (incident, postmortem) = (&model.incident, &model.postmortem);
    let title = format!("Postmortem: {}", incident.name);
    let address = format!("/postmortems/{}", incident.id);
    let description = markdown::excerpt(&postmortem.body, 200);
    let head = match &postmortem.published {
        Some(published) => Head {
            article: Some((published.at, postmortem.edited_at.unwrap_or(published.at))),
            ..Head::public(&title, &description, &address)
        },
        None => Head::private(&title),
    };
    public_page(&model.site, head, || {
        let article = markdown::to_article(&postmortem.body, "");
        view! {
            <article class="postmortem">
                {heading(model)}
                {contents(&article.headings)}
                <div class="prose" inner_html=article.html></div>
                {follow_ups(&postmortem.follow_ups, model.now)}
            </article>
        }
    })
}

fn heading(model: &PostmortemPage) -> impl IntoView + use<> {
    let (incident, postmortem) = (&model.incident, &model.postmortem);
    let author = (!postmortem.author.is_empty()).then(|| postmortem.author.clone());
    let signed = author.map(|author| {
        view! {
            <span dir="auto">{format!("by {author}")}</span>
        }
    });
    let published = postmortem.published.as_ref().map(|published| view! { <span>{dated(published.at)}</span> });
    let edited = postmortem.edited_at.map(|at| {
        view! {
            <span class="edited">
                <span>"edited "</span>
                {dated(at)}
            </span>
        }
    });
    view! {
        <header>
            {notice(model)}
            <p class="facts">
                <strong>"Postmortem"</strong>
                {impact_mark(incident.impact())}
                {signed}
                {published}
                {edited}
            </p>
            <h1 dir="auto">{incident.name.clone()}</h1>
            {figures(postmortem)}
            <ul class="actions">
                <li><a href=format!("/incidents/{}", incident.id)>"What was said during the incident"</a></li>
            </ul>
        </header>
    }
}

/// What a reader must know first: that nobody else reads this yet, or that it is old.
fn notice(model: &PostmortemPage) -> Option<impl IntoView + use<>> {
    let words = if model.postmortem.published.is_none() {
        "Draft, not published. Only people who were given this link can read it.".to_owned()
    } else {
        match model.postmortem.age_in_years(model.now)? {
            1 => "This is one year old: much of what it says may have changed since.".to_owned(),
            years => format!("This is {years} years old: much of what it says may have changed since."),
        }
    };
    Some(view! { <p class="notice" data-status="unknown">{words}</p> })
}

fn figures(postmortem: &Postmortem) -> impl IntoView + use<> {
    let figures = postmortem.figures;
    let late = figures.time_to_detect().map(|late| format!("after {late}"));
    let ended = format!("{} later, in all {}", figures.time_to_fix(), figures.lasted());
    let ended = if late.is_some() { ended } else { format!("lasted {}", figures.lasted()) };
    let mitigated = figures.mitigated_at.map(|at| figure("Mitigated", at, None));
    view! {
        <dl class="span">
            {figure("Started", figures.started_at, None)}
            {figure("Detected", figures.detected_at, late)}
            {mitigated}
            {figure("Resolved", figures.resolved_at, Some(ended))}
        </dl>
    }
}

fn figure(name: &'static str, at: Timestamp, note: Option<String>) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>
                {dated(at)}
                {note.map(|note| view! { <span class="hint">{note}</span> })}
            </dd>
        </div>
    }
}

/// Links to the chapters and what they are divided into, where there are several.
fn contents(headings: &[Heading]) -> Option<impl IntoView + use<>> {
    // A text under one title of its own is divided by the headings below that.
    let top = if headings.iter().filter(|heading| heading.level == 2).count() == 1 { 3 } else { 2 };
    let mut chapters: Vec<(&Heading, Vec<&Heading>)> = Vec::new();
    for heading in headings {
        if heading.level == top {
            chapters.push((heading, Vec::new()));
        } else if let (true, Some((_, parts))) = (heading.level == top + 1, chapters.last_mut()) {
            parts.push(heading);
        }
    }
    let link = |heading: &Heading| {
        view! { <a href=format!("#{}", heading.id) dir="auto">{heading.text.clone()}</a> }
    };
    let rows: Vec<_> = chapters
        .iter()
        .map(|(chapter, parts)| {
            let parts: Vec<_> = parts.iter().map(|part| view! { <li>{link(part)}</li> }).collect();
            view! {
                <li>
                    {link(chapter)}
                    {(!parts.is_empty()).then(|| view! { <ol>{parts}</ol> })}
                </li>
            }
        })
        .collect();
    (headings.len() >= LONG && chapters.len() > 1).then(|| {
        view! {
            <nav class="contents" aria-labelledby="contents">
                <p id="contents">"Contents"</p>
                <ol>{rows}</ol>
            </nav>
        }
    })
}

fn follow_ups(follow_ups: &[FollowUp], now: Timestamp) -> Option<impl IntoView + use<>> {
    let rows: Vec<_> = follow_ups.iter().map(|it| follow_up(it, now)).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="follow-ups" aria-labelledby="follow-ups">
                <h2 id="follow-ups">"Follow-up actions"</h2>
                <p class="hint">{progress(follow_ups)}</p>
                <ul>{rows}</ul>
            </section>
        }
    })
}

/// One action: a shape and a word say whether it is done.
fn follow_up(follow_up: &FollowUp, now: Timestamp) -> impl IntoView + use<> {
    let (shape, state) = match follow_up.done_at {
        Some(_) => ("☑", "Done"),
        None => ("☐", "To do"),
    };
    let when = follow_up.done_at.map(|at| day(utc_date(at))).or_else(|| follow_up.due.map(|due| due_words(due, now)));
    let link = (!follow_up.link.is_empty()).then(|| follow_up.link.clone());
    view! {
        <li data-done=follow_up.done_at.map(|_| "")>
            <span class="shape" aria-hidden="true">{shape}</span>
            <div>
                <p class="what" dir="auto">{follow_up.text.clone()}</p>
                <p class="facts">
                    <span>{state}</span>
                    {when.map(|when| view! { <span>{when}</span> })}
                    {link.map(|link| view! {
                        <a href=link rel="nofollow noopener noreferrer">
                            <span>"Follow its progress"</span>
                            <span class="visually-hidden">{format!(": {}", follow_up.text)}</span>
                        </a>
                    })}
                </p>
            </div>
        </li>
    }
}

/// `by 1 Mar 2026`, and once that is over `was due 1 Mar 2026`.
fn due_words(due: Date, now: Timestamp) -> String {
    let word = if due < utc_date(now) { "was due" } else { "by" };
    format!("{word} {}", day(due))
}

/// `1 Mar 2026`
fn day(date: Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}
