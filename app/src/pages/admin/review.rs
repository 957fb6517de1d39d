//! The last look before publishing: what readers will see, who is mailed, and when they will have it.

use domain::{
    forms::{FieldErrors, PreferencesForm, UpdateForm},
    i18n::{Locale, Preferences, Zone},
    incident::Step,
    status::IncidentStatus,
};
use leptos::prelude::*;

use crate::{
    components::{preferences_fields, sentence},
    islands::{people, thousands},
};

/// What the server found out about an update that is not published yet.
#[derive(Clone, Debug)]
pub struct Review {
    /// The text, drawn by `domain::markdown`.
    pub html: String,
    /// What was meant as a time and is none, and what to do about it.
    pub unread_times: Vec<(String, String)>,
    /// How many people it would be mailed to.
    pub recipients: i64,
    /// When they would all have it: "done about 13:57 UTC"; or why nothing goes out for now. Empty when it cannot be said.
    pub finish: String,
    /// The same people by how they follow and what they read.
    pub reach: Reach,
    /// Why nothing goes out for now, if so: "nothing goes out until mail is released: all mail is held".
    pub held: Option<String>,
    /// The mail as it will look, if there is one.
    pub mail: Option<MailPreview>,
    /// What the update does to the incident.
    pub step: Step,
}

/// How many people are told, by how they follow and what they read; each is counted once.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Those who follow everything.
    pub everything: i64,
    /// Those who follow a component it lists.
    pub components: i64,
    /// Those who follow only this incident.
    pub incident: i64,
    /// All of them by language, most first.
    pub languages: Vec<(Locale, i64)>,
}

/// A mail that is not sent yet.
#[derive(Clone, Debug)]
pub struct MailPreview {
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// Where its HTML is.
    pub frame: String,
    /// Who reads it.
    pub reader: PreferencesForm,
    /// The page's own time zone.
    pub page_zone: Option<Zone>,
}

impl Reach {
    /// `They follow: everything 9,000 · components 800 · this incident 74`; and in which languages they read, if in several.
    fn sentences(&self) -> impl Iterator<Item = String> + use<> {
        let ways = [("everything", self.everything), ("components", self.components), ("this incident", self.incident)];
        let ways = ways.into_iter().filter(|(_, people)| *people > 0);
        let languages = self.languages.iter().map(|(locale, people)| (locale.label(), *people));
        let follow = counts(ways).map(|counts| format!("They follow: {counts}"));
        let read = counts(languages).filter(|_| self.languages.len() > 1);
        [follow, read.map(|counts| format!("They read: {counts}"))].into_iter().flatten()
    }
}

/// `English 9,000 · Deutsch 874`; nothing of nobody.
fn counts(parts: impl Iterator<Item = (&'static str, i64)>) -> Option<String> {
    let parts: Vec<_> = parts.map(|(what, people)| format!("{what} {}", thousands(people))).collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// Draws the review inside the form, above its buttons.
pub(super) fn review(review: &Review, form: &UpdateForm) -> AnyView {
    let status = form.status.parse().map_or("", IncidentStatus::label);
    let when = match form.display_at.trim() {
        "" => "now".to_owned(),
        typed => typed.to_owned(),
    };
    let step = match review.step {
        Step::Opened => Some("This opens the incident."),
        Step::Reopened => Some("This reopens the incident."),
        Step::Resolved => Some("This resolves the incident."),
        Step::Continued => None,
    };
    let restores = form.restore && form.status == IncidentStatus::Resolved.as_str();
    let is_mailed = form.notify == "yes";
    let held = review.held.as_deref().filter(|_| is_mailed && review.recipients > 0);
    let mail = mails(&form.notify, review.recipients, if held.is_some() { "" } else { &review.finish });
    let unread = unread_times(&review.unread_times);
    let unread = (!unread.is_empty()).then(|| view! { <ul class="doubts">{unread}</ul> });
    view! {
        <section class="review" id="review" tabindex="-1" autofocus="autofocus" aria-labelledby="review-title">
            <h2 id="review-title">"Not published yet: one last look"</h2>
            <p class="consequences">
                {step.map(|step| view! { <strong>{step}</strong> })}
                {restores.then(|| view! { <span>"The affected components go back to operational."</span> })}
                <span>{mail}</span>
            </p>
            {is_mailed.then(|| reached(&review.reach))}
            {held.map(|held| view! { <p class="held">{sentence(held)}</p> })}
            {unread}
            <div class="as-published">
                <p class="what">
                    <strong>{status}</strong>
                    <span>{when}</span>
                </p>
                <div class="prose" inner_html=review.html.clone()></div>
            </div>
            {review.mail.clone().map(mail_preview)}
        </section>
    }
    .into_any()
}

/// Who is mailed when it is published, and when they have it if that can be said.
pub(super) fn mails(notify: &str, recipients: i64, finish: &str) -> String {
    match (notify, recipients) {
        ("no", _) => "Nobody is mailed.".to_owned(),
        (_, 0) => "Mails nobody: nobody follows this yet.".to_owned(),
        _ if finish.is_empty() => format!("Mails {}.", people(recipients)),
        _ => format!("Mails {}, {finish}.", people(recipients)),
    }
}

/// Whom the mail reaches, one line for each way to look at them.
pub(super) fn reached(reach: &Reach) -> Vec<AnyView> {
    reach.sentences().map(|words| view! { <p class="hint">{words}</p> }.into_any()).collect()
}

/// What was meant as a time and is none, one line each.
pub(super) fn unread_times(times: &[(String, String)]) -> Vec<AnyView> {
    let line = |(typed, why): &(String, String)| {
        view! { <li><code>{typed.clone()}</code><span>{format!(" is left as typed: {why}")}</span></li> }.into_any()
    };
    times.iter().map(line).collect()
}

/// The mail, for one reader; other readers are chosen in the form around it, which comes back by its own button.
fn mail_preview(mail: MailPreview) -> AnyView {
    let is_chosen = mail.reader != PreferencesForm::from(&Preferences::default());
    view! {
        <details class="mail-preview" open=is_chosen>
            <summary>"The mail as it will look"</summary>
            <div class="reader">
                {preferences_fields(&mail.reader, mail.page_zone.as_ref(), &FieldErrors::default())}
                <button class="button quiet" name="intent" value="review">"Show it so"</button>
            </div>
            <p dir="auto">
                <strong>{mail.subject}</strong>
            </p>
            // Sandboxed to nothing: no scripts, no forms, no access to the console around it.
            <iframe title="The mail as HTML" src=mail.frame sandbox=""></iframe>
            <pre class="mail" tabindex="0" dir="auto">{mail.text}</pre>
        </details>
    }
    .into_any()
}
