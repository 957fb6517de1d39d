//! Writing, reviewing and publishing a postmortem.

use domain::{
    forms::{FieldErrors, PostmortemForm},
    incident::Incident,
    postmortem::{Figures, Postmortem},
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    postmortem_fields::{PostmortemFields, labels},
    review::Reach,
    shell::{Console, document, form_title, summary},
};
use crate::components::{dated, impact_mark, timestamp};

/// What the page of a postmortem shows. A fresh form comes from `PostmortemForm::of`.
#[derive(Clone, Debug)]
pub struct PostmortemAdmin {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// What it is about.
    pub incident: Incident,
    /// As it is kept, or what it begins with.
    pub postmortem: Postmortem,
    /// What the timeline says by itself; `None` while the incident goes on.
    pub derived: Option<Figures>,
    /// As typed.
    pub form: PostmortemForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
    /// Whether a colleague saved `postmortem` after this author began.
    pub is_overtaken: bool,
    /// What a review found, if one was asked for.
    pub review: Option<PostmortemReview>,
    /// How many people would be mailed.
    pub recipients: i64,
    /// When they would all have it: "about 13:57 UTC".
    pub finish: String,
    /// The link that reviewers were given last.
    pub preview_url: Option<String>,
}

/// What the server found out about a text that is not published yet.
#[derive(Clone, Debug)]
pub struct PostmortemReview {
    /// The text, drawn by `domain::markdown`.
    pub html: String,
    /// Whom the mail reaches; nobody if there is none.
    pub reach: Reach,
    /// Why nothing goes out for now, if so.
    pub held: Option<String>,
    /// What was meant as a time and is none, and what to do about it.
    pub unread_times: Vec<(String, String)>,
    /// Questions of the draft that nobody has answered.
    pub unanswered: Vec<String>,
}

/// Draws the page.
pub fn page(model: &PostmortemAdmin) -> String {
    let (incident, errors) = (&model.incident, &model.errors);
    let title = form_title(&format!("Postmortem: {}", incident.name), errors);
    let labels = labels(&model.form);
    let labels: Vec<_> = labels.iter().map(|(name, label)| (name.as_str(), label.as_str())).collect();
    let is_published = model.postmortem.published.is_some();
    document(&model.console, &title, || {
        let fields = PostmortemFields {
            form: &model.form,
            errors,
            derived: model.derived,
            review: model.review.as_ref(),
            is_published,
            recipients: model.recipients,
            finish: &model.finish,
        };
        view! {
            {heading(model)}
            {summary(errors, &labels)}
            {model.is_overtaken.then(|| theirs(model))}
            <form class="box postmortem-form" method="post" action=format!("/admin/incidents/{}/postmortem", incident.id)>
                {fields.draw()}
            </form>
            {(!is_published && model.postmortem.version > 0).then(|| reviewers(model))}
        }
    })
}

fn heading(model: &PostmortemAdmin) -> impl IntoView + use<> {
    let (incident, postmortem, now) = (&model.incident, &model.postmortem, model.now);
    let state = match &postmortem.published {
        Some(published) => view! {
            <span>
                <span>"Published "</span>
                {dated(published.at)}
            </span>
            {postmortem.edited_at.map(|at| view! { <span><span>"edited "</span>{timestamp(at, now)}</span> })}
            <a href=format!("/postmortems/{}", incident.id)>"As readers see it"</a>
        }
        .into_any(),
        None if postmortem.version > 0 => view! {
            <span>
                <span>"Draft, saved "</span>
                {timestamp(postmortem.updated_at, now)}
            </span>
        }
        .into_any(),
        None => view! { <span>"Not saved yet: a first draft with what the timeline knows"</span> }.into_any(),
    };
    view! {
        <p class="back"><a href=format!("/admin/incidents/{}", incident.id) dir="auto">{incident.name.clone()}</a></p>
        <h1>"Postmortem"</h1>
        <p class="facts">
            {impact_mark(incident.impact())}
            {state}
        </p>
    }
}

/// What a colleague saved meanwhile, to be compared with what stands in the form.
fn theirs(model: &PostmortemAdmin) -> impl IntoView + use<> {
    let theirs = &model.postmortem;
    let form = PostmortemForm::of(theirs, String::new());
    let follow_ups = form.follow_ups.iter().filter(|row| !row.is_empty());
    let follow_ups: Vec<_> = follow_ups
        .map(|row| {
            let words = [if row.done { "[x]" } else { "[ ]" }, &row.text, &row.due, &row.link];
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let figures = [
        ("Author", &form.author),
        ("Started", &form.started_at),
        ("Detected", &form.detected_at),
        ("Mitigated", &form.mitigated_at),
        ("Resolved", &form.resolved_at),
    ];
    let figures = figures.iter().filter(|(_, value)| !value.is_empty());
    let figures: Vec<_> = figures.map(|(name, value)| format!("{name}: {value}")).collect();
    let text = [vec![form.body.clone(), String::new()], figures, follow_ups].concat().join("\n");
    view! {
        <section class="summary notice" data-status="degraded_performance" id="overtaken" tabindex="-1" autofocus="autofocus" role="alert">
            <h2>"A colleague saved this postmortem while you were writing"</h2>
            <p>
                <span>"Nothing of yours is saved yet. Below is what they saved "</span>
                {timestamp(theirs.updated_at, model.now)}
                <span>", then your own. Bring over what you want to keep of theirs; saving then replaces it with yours."</span>
            </p>
            <details open>
                <summary>"What they saved"</summary>
                <pre class="mail" dir="auto" tabindex="0">{text}</pre>
            </details>
        </section>
    }
}

/// The link with which people without an account read the draft.
fn reviewers(model: &PostmortemAdmin) -> impl IntoView + use<> {
    let action = format!("/admin/incidents/{}/postmortem/preview", model.incident.id);
    let link = model.preview_url.clone();
    let button = if link.is_some() { "Replace the link" } else { "Make a link for reviewers" };
    let has_link = link.is_some();
    view! {
        <section class="box" aria-labelledby="reviewers">
            <h2 id="reviewers">"Let others review it"</h2>
            <p class="hint">
                "Whoever has the link reads the draft as it was last saved, without an account. It ends when you replace it or publish."
            </p>
            {link.map(|link| view! { <p class="secret-link"><a href=link.clone()>{link.clone()}</a></p> })}
            <form method="post" action=action>
                {has_link.then(|| view! { <p class="hint">"Replacing it makes the link above worthless."</p> })}
                <div class="actions"><button class="button quiet">{button}</button></div>
            </form>
        </section>
    }
}
