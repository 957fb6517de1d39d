//! The form of a postmortem.

use domain::{
    forms::{FieldErrors, FollowUpForm, PostmortemForm},
    postmortem::Figures,
    time,
};
use leptos::prelude::*;

use super::{
    fields::Field,
    postmortem::PostmortemReview,
    review::{mails, reached, unread_times},
};
use crate::{
    components::sentence,
    islands::{MarkdownPreview, people},
};

/// How to write one.
const HELP: &str = "Markdown: headings, lists, tables, footnotes[^1], code, - [x] tasks. A time in any zone becomes \
                    the reader’s own: {time 2024-02-05 18:12 +08:00}, {time 2024-02-05 04:12 America/Chicago}, \
                    {time 2024-02-05 11:12 CET}; without a zone it is UTC. A backslash keeps what follows as typed: \
                    \\{time …}, \\*.";

/// The fields and their labels in their order, for the summary of what is wrong.
pub(super) fn labels(form: &PostmortemForm) -> Vec<(String, String)> {
    let before = [
        ("body", "Text"),
        ("author", "Author"),
        ("started_at", "Started"),
        ("detected_at", "Detected"),
        ("mitigated_at", "Mitigated"),
        ("resolved_at", "Resolved"),
        ("follow_ups", ""),
    ];
    let rows = (0..form.follow_ups.len()).flat_map(|row| {
        let part =
            move |name: &str, label: &str| (format!("follow_up.{row}.{name}"), format!("Action {}, {label}", row + 1));
        [part("text", "what"), part("due", "by when"), part("link", "link")]
    });
    let owned = |(name, label): (&str, &str)| (name.to_owned(), label.to_owned());
    before.into_iter().map(owned).chain(rows).chain([owned(("notify", "Who is mailed?"))]).collect()
}

/// What the fields need.
pub(super) struct PostmortemFields<'a> {
    /// As typed.
    pub(super) form: &'a PostmortemForm,
    /// What is wrong with it.
    pub(super) errors: &'a FieldErrors,
    /// What the timeline says by itself.
    pub(super) derived: Option<Figures>,
    /// What a review found, if one was asked for.
    pub(super) review: Option<&'a PostmortemReview>,
    /// Whether readers see what is saved.
    pub(super) is_published: bool,
    /// How many people would be mailed.
    pub(super) recipients: i64,
    /// When they would all have it.
    pub(super) finish: &'a str,
}

impl PostmortemFields<'_> {
    /// Draws them all, buttons included.
    pub(super) fn draw(self) -> AnyView {
        let author = Field {
            name: "author",
            label: "Author",
            hint: "Who signs it, as readers should see it. May be empty.",
            errors: self.errors,
        };
        let notify = (!self.is_published).then(|| self.notify());
        let review = self.review.map(|review| self.review(review));
        // The first button is what Enter in a field presses, so it must not be one that publishes.
        let buttons = if self.is_published {
            view! {
                <button class="button quiet" name="intent" value="review">"Review"</button>
                <button class="button" name="intent" value="save">"Save and publish the changes"</button>
            }
            .into_any()
        } else {
            view! {
                <button class="button quiet" name="intent" value="save">"Save draft"</button>
                <button class="button quiet" name="intent" value="review">"Review"</button>
                <button class="button" name="intent" value="publish">"Publish postmortem"</button>
            }
            .into_any()
        };
        view! {
            <input type="hidden" name="key" value=self.form.key.clone()/>
            <input type="hidden" name="version" value=self.form.version.clone()/>
            <MarkdownPreview
                name="body".to_owned()
                label="Text".to_owned()
                value=self.form.body.clone()
                hint=HELP.to_owned()
                error=self.errors.get("body").map(sentence)
                is_optional=false
                is_document=true
            />
            {author.line(&self.form.author, false)}
            {self.figures()}
            {self.follow_ups()}
            {notify}
            {review}
            <div class="actions">{buttons}</div>
        }
        .into_any()
    }

    fn figures(&self) -> AnyView {
        let from_timeline = |at: Option<jiff::Timestamp>| match at {
            Some(at) => format!("The timeline says {}", time::full(at)),
            None => "The timeline does not say".to_owned(),
        };
        let derived = self.derived;
        let rows = [
            ("started_at", "Started", &self.form.started_at, derived.map(|it| it.started_at), true),
            ("detected_at", "Detected", &self.form.detected_at, derived.map(|it| it.detected_at), true),
            (
                "mitigated_at",
                "Mitigated (may be empty)",
                &self.form.mitigated_at,
                derived.and_then(|it| it.mitigated_at),
                false,
            ),
            ("resolved_at", "Resolved", &self.form.resolved_at, derived.map(|it| it.resolved_at), true),
        ];
        let fields = rows.map(|(name, label, value, at, is_required)| {
            Field { name, label, hint: &from_timeline(at), errors: self.errors }.line(value, is_required)
        });
        let figures = self.typed_figures();
        let controls = view! {
            <div class="in-columns">{fields.into_iter().collect_view()}</div>
            {figures.map(|words| view! { <p class="hint">{words}</p> })}
        };
        Field {
            name: "figures",
            label: "Key figures",
            hint: "Correct what the timeline got wrong, in any time zone.",
            errors: self.errors,
        }
        .group("figures", controls)
    }

    /// What follows from the times in the form, where they can be read.
    fn typed_figures(&self) -> Option<String> {
        let at = |typed: &str| time::parse_instant(typed).ok();
        let figures = Figures {
            started_at: at(&self.form.started_at)?,
            detected_at: at(&self.form.detected_at)?,
            mitigated_at: None,
            resolved_at: at(&self.form.resolved_at)?,
        };
        let detected = figures.time_to_detect().map_or("at once".to_owned(), |late| format!("after {late}"));
        Some(format!("Detected {detected}, fixed {} later; lasted {}.", figures.time_to_fix(), figures.lasted()))
    }

    fn follow_ups(&self) -> AnyView {
        let rows: Vec<_> =
            self.form.follow_ups.iter().enumerate().map(|(number, row)| self.follow_up(number, row)).collect();
        Field {
            name: "follow_ups",
            label: "Follow-up actions",
            hint: "Readers see what is done and what is not. Clear a row to take it away; saving makes room for more.",
            errors: self.errors,
        }
        .group("follow-up-rows", view! { <ol>{rows}</ol> })
    }

    fn follow_up(&self, number: usize, row: &FollowUpForm) -> AnyView {
        let name = |part: &str| format!("follow_up.{number}.{part}");
        let (text, due, link, done) = (name("text"), name("due"), name("link"), name("done"));
        let label = format!("Action {}", number + 1);
        let field = |name, label| Field { name, label, hint: "", errors: self.errors };
        view! {
            <li>
                <input type="hidden" name=name("id") value=row.id.clone()/>
                {field(&text, &label).line(&row.text, false)}
                <div class="in-columns">
                    {field(&due, "By when").input("date", &row.due, "off", false)}
                    {field(&link, "Link to follow it").line(&row.link, false)}
                </div>
                <label class="check" for=done.clone()>
                    <input type="checkbox" id=done.clone() name=done.clone() value="1" checked=row.done/>
                    <span>"Done"</span>
                </label>
            </li>
        }
        .into_any()
    }

    fn notify(&self) -> AnyView {
        let mail = match self.recipients {
            0 => "Mail subscribers: nobody follows this yet".to_owned(),
            recipients => format!("Mail {}, {}", people(recipients), self.finish),
        };
        let silent = view! {
            <span>
                <span class="name">"Don’t mail anyone"</span>
                <span class="description">"It still appears on the page and in the feeds"</span>
            </span>
        };
        let chosen = &self.form.notify;
        let choices = view! {
            {optional_radio("yes", chosen == "yes", view! { <span>{mail}</span> }.into_any())}
            {optional_radio("no", chosen == "no", silent.into_any())}
        };
        Field {
            name: "notify",
            label: "Who is mailed?",
            hint: "Counts when you publish. An outage’s updates go before these mails.",
            errors: self.errors,
        }
        .group("choices", choices)
    }

    fn review(&self, review: &PostmortemReview) -> AnyView {
        let unread = unread_times(&review.unread_times);
        let is_mailed = !self.is_published && self.form.notify == "yes";
        let held = review.held.clone().filter(|_| is_mailed);
        let unanswered: Vec<_> = review
            .unanswered
            .iter()
            .map(|question| view! { <li>{format!("Nobody has answered yet: “{}”", question.trim_matches('_'))}</li> })
            .collect();
        let has_doubts = !unread.is_empty() || !unanswered.is_empty();
        let (title, consequence) = if self.is_published {
            (
                "Not saved yet: one last look",
                "Readers see the changes as soon as you save, marked as edited.".to_owned(),
            )
        } else {
            let finish = if held.is_some() { "" } else { self.finish };
            ("Not published yet: one last look", mails(&self.form.notify, self.recipients, finish))
        };
        view! {
            <section class="review" id="review" tabindex="-1" autofocus="autofocus" aria-labelledby="review-title">
                <h2 id="review-title">{title}</h2>
                <p class="consequences"><span>{consequence}</span></p>
                {is_mailed.then(|| reached(&review.reach))}
                {held.map(|held| view! { <p class="held">{sentence(&held)}</p> })}
                {has_doubts.then(|| view! { <ul class="doubts">{unread} {unanswered}</ul> })}
                <div class="as-published">
                    <div class="prose" inner_html=review.html.clone()></div>
                </div>
            </section>
        }
        .into_any()
    }
}

/// One of the answers to who is mailed. Not required: a draft is saved without an answer.
fn optional_radio(value: &'static str, is_chosen: bool, label: AnyView) -> AnyView {
    let id = format!("notify-{value}");
    view! {
        <label class="check" for=id.clone()>
            <input type="radio" id=id.clone() name="notify" value=value checked=is_chosen/>
            {label}
        </label>
    }
    .into_any()
}
