//! Who did what, when, to what, and from where.

use domain::forms::AuditForm;
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    fields::{Field, option},
    shell::{Console, document},
};
use crate::components::dated;

/// One act, in words.
#[derive(Clone, Debug)]
pub struct AuditLine {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a person's address, what a key is for, or a word.
    pub actor: String,
    /// What: `incident.update`.
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// Where that can be looked at; empty where it cannot.
    pub address: String,
    /// Whatever else there is to say.
    pub detail: String,
    /// From which network address; may be empty.
    pub from: String,
}

/// What the audit log shows.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The frame.
    pub console: Console,
    /// As asked for.
    pub form: AuditForm,
    /// Who there is to choose from: as the log names them, and as people do.
    pub actors: Vec<(String, String)>,
    /// What was ever done.
    pub actions: Vec<String>,
    /// Newest first.
    pub lines: Vec<AuditLine>,
    /// The query of the next page, if there are more.
    pub older: Option<String>,
    /// What is wrong with what was asked for.
    pub errors: domain::forms::FieldErrors,
}

/// Draws the page.
pub fn page(model: &Audit) -> String {
    let form = &model.form;
    document(&model.console, "Audit log", || {
        let field = |name, label| Field { name, label, hint: "", errors: &model.errors };
        let actors = std::iter::once(option("", "Anyone", &form.actor));
        let actors = actors.chain(model.actors.iter().map(|(actor, name)| option(actor, name, &form.actor)));
        let actions = std::iter::once(option("", "Anything", &form.action));
        let actions = actions.chain(model.actions.iter().map(|action| option(action, action, &form.action)));
        let lines: Vec<_> = model.lines.iter().map(line).collect();
        let nothing = if form.is_empty() { "Nothing was done yet." } else { "Nothing fits what you asked for." };
        let older = model.older.as_ref().map(|query| {
            view! { <p class="actions"><a class="button quiet" href=format!("/admin/audit?{query}")>"Older"</a></p> }
        });
        view! {
            <h1>"Audit log"</h1>
            <form class="box filter" method="get" action="/admin/audit">
                {field("actor", "Who").select(actors.collect())}
                {field("action", "What").select(actions.collect())}
                {field("text", "Containing").line(&form.text, false)}
                {field("from", "From day").input("date", &form.from, "off", false)}
                {field("to", "To day").input("date", &form.to, "off", false)}
                <div class="actions"><button class="button quiet">"Show"</button></div>
            </form>
            {if lines.is_empty() {
                view! { <p class="nothing">{nothing}</p> }.into_any()
            } else {
                view! { <ul class="rows acts">{lines}</ul> }.into_any()
            }}
            {older}
            <p class="hint">
                <span>"Each line carries the hash of the one before. "</span>
                <code>"tidings audit verify"</code>
                <span>" proves that none was changed or taken out; "</span>
                <code>"tidings audit export"</code>
                <span>" writes all of them as JSON lines."</span>
            </p>
        }
    })
}

fn line(line: &AuditLine) -> AnyView {
    let subject = match line.address.as_str() {
        "" => view! { <span>{line.subject.clone()}</span> }.into_any(),
        address => view! { <a href=address.to_owned()>{line.subject.clone()}</a> }.into_any(),
    };
    let subject = (!line.subject.is_empty()).then_some(subject);
    let detail = (!line.detail.is_empty()).then(|| view! { <p dir="auto">{line.detail.clone()}</p> });
    let from = (!line.from.is_empty()).then(|| view! { <span>{format!("from {}", line.from)}</span> });
    view! {
        <li>
            <div class="what">
                <p class="title">
                    <code>{line.action.clone()}</code>
                    <span dir="auto">{format!(" by {}", line.actor)}</span>
                </p>
                {detail}
                <p class="facts">
                    {dated(line.at)}
                    {subject}
                    {from}
                    <span>{format!("no. {}", line.seq)}</span>
                </p>
            </div>
        </li>
    }
    .into_any()
}
