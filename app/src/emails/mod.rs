//! The mails that Tidings sends, one file each: pure functions from a few values to a subject and two bodies.
//!
//! The text stands for itself and comes first; the HTML says the same and loads nothing from anywhere. What differs from
//! recipient to recipient is passed in by a [`Reader`], so that a mail to thousands is drawn once a language.

use domain::i18n::Locale;
use jiff::Timestamp;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::render::render;

pub mod alert;
pub mod check;
pub mod letter;
pub mod postmortem;
pub mod update;

/// What one mail says, before anything is known of its recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// One line without control characters.
    pub subject: String,
    /// The whole message as plain text, lines separated by `\n`.
    pub text: String,
    /// The whole message as an HTML document.
    pub html: String,
}

/// Who a broadcast's mail is drawn for, or stand-ins for what is theirs alone.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// The language of all that people did not write.
    pub locale: Locale,
    /// What stands behind an instant in UTC: the same in their zone, as [`Locale::local_time`] says it.
    pub local_time: &'a dyn Fn(Timestamp) -> String,
    /// Where they lead to.
    pub links: &'a Links,
}

impl Reader<'_> {
    /// An instant in UTC and where the reader lives.
    fn time(&self, at: Timestamp) -> String {
        format!("{}{}", self.locale.full_time(at), (self.local_time)(at))
    }
}

/// The links that belong to one recipient, or stand-ins for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// Where the subscription is changed.
    pub manage: String,
    /// Where it is ended.
    pub unsubscribe: String,
}

/// How long a subject gets at most, in characters: what mail programs show of it is shorter.
const MAX_SUBJECT: usize = 200;

/// `[Acme Status] Title`: on one line, whatever was typed into either.
fn subject(page_name: &str, title: &str) -> String {
    shorten(&format!("[{}] {}", one_line(page_name), one_line(title)))
}

/// A name as it stands in a subject and in headings: white space in single blanks, no control characters, and none of
/// those that change the direction of the text around them.
pub fn one_line(text: &str) -> String {
    let is_directing =
        |letter| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let words: Vec<String> = words
        .map(|word| word.chars().filter(|letter| !is_directing(*letter)).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    words.join(" ")
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_SUBJECT - 1) {
        Some((end, _)) if text.chars().count() > MAX_SUBJECT => format!("{}…", text[..end].trim_end()),
        _ => text.to_owned(),
    }
}

/// The document around every mail. Inline styles carry the look where style sheets are stripped; the sheet adds the
/// dark colours and what Markdown needs.
fn document<V: IntoView>(locale: Locale, subject: &str, content: impl FnOnce() -> V) -> String {
    let html = render(|| {
        view! {
            <html lang=locale.as_str() dir="ltr">
                <head>
                    <meta charset="utf-8" />
                    <meta name="viewport" content="width=device-width, initial-scale=1" />
                    <meta name="color-scheme" content="light dark" />
                    <meta name="supported-color-schemes" content="light dark" />
                    <meta name="format-detection" content="telephone=no, date=no, address=no, email=no" />
                    <title>{subject.to_owned()}</title>
                    <style inner_html=STYLE></style>
                </head>
                <body class="page" style=PAGE>
                    <div class="card" role="article" aria-label=subject.to_owned() lang=locale.as_str() style=CARD>
                        {content()}
                    </div>
                </body>
            </html>
        }
    });
    // Marks for waking in a browser, which a mail never does; in what people write `<` is escaped.
    format!("<!doctype html>{}", html.replace("<!>", ""))
}

/// The one thing to do, as a link that looks like a button.
fn button(href: String, label: &'static str) -> impl IntoView {
    view! {
        <p style="margin:24px 0">
            <a class="button" href=href style=BUTTON>
                {label}
            </a>
        </p>
    }
}

/// A heading within a mail.
fn section(title: &'static str) -> impl IntoView {
    view! { <h2 style=SECTION>{title}</h2> }
}

const PAGE: &str = "margin:0;padding:24px 12px;background:#f3f5f7;color:#1c2430;\
    font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;\
    font-size:16px;line-height:1.55;-webkit-text-size-adjust:100%";
const CARD: &str = "max-width:600px;margin:0 auto;padding:28px 28px 20px;background:#ffffff;\
    border:1px solid #dde2e8;border-radius:8px;overflow-wrap:break-word;word-wrap:break-word";
const TITLE: &str = "margin:4px 0 8px;font-size:22px;line-height:1.3;font-weight:650";
const SECTION: &str = "margin:28px 0 8px;font-size:13px;line-height:1.4;font-weight:600;color:#566273";
const WHEN: &str = "margin:0 0 20px;font-size:14px;color:#566273";
const QUIET: &str = "margin:0 0 8px;font-size:14px;color:#566273";
const BUTTON: &str = "display:inline-block;padding:10px 18px;border-radius:6px;background:#1f4fbf;color:#ffffff;\
    font-weight:600;text-decoration:none";
const FOOTER: &str = "margin:28px 0 0;padding:16px 0 0;border-top:1px solid #dde2e8;font-size:13px;color:#566273";

/// Dark colours for programs that ask for them, and plain styles for what Markdown draws.
const STYLE: &str = "\
.update>:first-child{margin-top:0}.update>:last-child{margin-bottom:0}\
.update p,.update ul,.update ol,.update blockquote,.update pre,.update table{margin:0 0 12px}\
.update h3,.update h4,.update h5,.update h6{margin:20px 0 8px;font-size:16px;line-height:1.4}\
.postmortem h3{font-size:19px}.postmortem h4{font-size:17px}\
.update ul,.update ol{padding-left:24px;padding-inline:24px 0}\
.update li>p,.update li>ul,.update li>ol{margin:0 0 4px}\
.update blockquote{padding-left:14px;padding-inline:14px 0;border-left:3px solid #dde2e8;color:#566273}\
.update blockquote{border-inline:0;border-inline-start:3px solid #dde2e8}\
.update code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:14px}\
.update pre{padding:12px;background:#f3f5f7;border-radius:6px;white-space:pre-wrap}\
.update table{border-collapse:collapse;font-size:14px}\
.update th,.update td{padding:4px 10px;border:1px solid #dde2e8;vertical-align:top}\
.update th,.update td{text-align:left;text-align:start}\
.update th:first-child,.update td:first-child{min-width:5.5em}\
.update .footnotes{font-size:14px}.update .footnotes p{margin:0 0 4px}\
.update .align-right{text-align:right}.update .align-center{text-align:center}\
.earlier .update{font-size:15px}\
a{color:#1f4fbf}\
@media (max-width:480px){.page{padding:0!important}\
.card{padding:20px 16px!important;border:0!important;border-radius:0!important}}\
@media (prefers-color-scheme:dark){\
.page{background:#11151b!important;color:#e6eaf0!important}\
.card{background:#1a2029!important;border-color:#303945!important}\
.card h2,.quiet,.footer,.update blockquote{color:#a3afbf!important}\
.footer,.earlier,.row,.update th,.update td,.update blockquote{border-color:#303945!important}\
.update pre{background:#11151b!important}\
a{color:#9dbcff!important}\
.button{background:#9dbcff!important;color:#11151b!important}\
.operational{color:#5fd08d!important}.degraded_performance{color:#e9c46a!important}\
.partial_outage{color:#f4a261!important}.major_outage{color:#ff8a80!important}\
.under_maintenance{color:#9dbcff!important}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_whatever_was_typed() {
        let hostile = "Down\r\nBcc: all@example.com\0\u{85}now\u{2028} \u{202e}txt.exe\u{7f}";
        assert_eq!(subject("Acme\tStatus", hostile), "[Acme Status] Down Bcc: all@example.com now txt.exe");
    }

    #[test]
    fn a_long_subject_is_cut_between_characters() {
        let long = subject("Acme", &"🔥".repeat(500));
        assert_eq!(long.chars().count(), MAX_SUBJECT);
        assert!(long.ends_with("🔥…"), "{long}");
        let exact = "x".repeat(MAX_SUBJECT - "[Acme] ".len());
        assert_eq!(subject("Acme", &exact), format!("[Acme] {exact}"));
    }
}
