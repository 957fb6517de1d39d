//! Mails that were kept instead of sent.

use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    dashboard::captured,
    shell::{Console, document},
};
use crate::components::dated;

/// One kept mail in the list.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// The file's name.
    pub name: String,
    /// Who would have got it.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// When it was written.
    pub at: Timestamp,
}

/// What the list of kept mails shows.
#[derive(Clone, Debug)]
pub struct Outbox {
    /// The frame.
    pub console: Console,
    /// Newest first.
    pub messages: Vec<OutboxRow>,
    /// Whether mail is kept at the moment; otherwise it is sent and what is here is from before.
    pub captured: bool,
}

/// What the page of one kept mail shows.
#[derive(Clone, Debug)]
pub struct OutboxMessage {
    /// The frame.
    pub console: Console,
    /// The file's name.
    pub name: String,
    /// In their order.
    pub headers: Vec<(String, String)>,
    /// Its plain text.
    pub text: String,
    /// Whether there is an HTML part, served at `/admin/outbox/{name}/html`.
    pub has_html: bool,
}

/// Draws the list.
pub fn page(model: &Outbox) -> String {
    document(&model.console, "Outbox", || {
        let rows: Vec<_> = model.messages.iter().map(row).collect();
        let nothing = if model.captured {
            "Nothing was mailed yet."
        } else {
            "Nothing is kept here: mail goes out through your mail server."
        };
        view! {
            <h1>"Outbox"</h1>
            {model.captured.then(captured)}
            {if rows.is_empty() {
                view! { <p class="nothing">{nothing}</p> }.into_any()
            } else {
                view! { <ul class="rows">{rows}</ul> }.into_any()
            }}
        }
    })
}

fn row(message: &OutboxRow) -> AnyView {
    view! {
        <li>
            <div class="what">
                <p class="title">
                    <a href=format!("/admin/outbox/{}", message.name) dir="auto">{message.subject.clone()}</a>
                </p>
                <p class="facts">
                    <span dir="auto">{message.to.clone()}</span>
                    {dated(message.at)}
                </p>
            </div>
        </li>
    }
    .into_any()
}

/// Draws one mail.
pub fn message(model: &OutboxMessage) -> String {
    let subject = model.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("subject"));
    let subject = subject.map_or_else(|| model.name.clone(), |(_, subject)| subject.clone());
    document(&model.console, &subject, || {
        let headers: Vec<_> = model.headers.iter().map(header).collect();
        let html = model.has_html.then(|| {
            view! {
                <section aria-labelledby="html">
                    <h2 id="html">"As mail programs draw it"</h2>
                    // Sandboxed to nothing: no scripts, no forms, no access to the console around it.
                    <iframe title="The mail as HTML" src=format!("/admin/outbox/{}/html", model.name) sandbox=""></iframe>
                </section>
            }
        });
        view! {
            <p class="back"><a href="/admin/outbox">"Outbox"</a></p>
            <h1 dir="auto">{subject.clone()}</h1>
            <section aria-labelledby="text">
                <h2 id="text">"As plain text"</h2>
                <pre class="mail" tabindex="0" dir="auto">{model.text.clone()}</pre>
            </section>
            {html}
            <section aria-labelledby="headers">
                <h2 id="headers">"Headers"</h2>
                <table class="headers"><tbody>{headers}</tbody></table>
            </section>
        }
    })
}

fn header((name, value): &(String, String)) -> AnyView {
    view! {
        <tr>
            <th scope="row">{name.clone()}</th>
            <td>{value.clone()}</td>
        </tr>
    }
    .into_any()
}
