//! `/admin/outbox`: mail captured while SMTP is not configured.

use std::path::{Path as FilePath, PathBuf};

use app::pages::admin::outbox::{self, Outbox, OutboxMessage, OutboxRow};
use axum::{
    extract::{Path, State},
    http::header,
    response::{Html, IntoResponse, Response},
};
use jiff::Timestamp;
use mail_parser::{Message, MessageParser};
use tower_sessions::Session;

use super::console;
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
};

/// How many mails are listed; the rest lies in the folder.
const LISTED: usize = 200;
/// What a mail's own HTML may do in its frame: be styled.
pub(super) const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox";
/// The headers worth showing.
const HEADERS: &[&str] = &[
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "Precedence",
];

/// The newest captured mails.
pub(crate) async fn list(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Html<String>> {
    let folder = state.outbox();
    let messages = blocking(move || {
        let mut names = names(&folder);
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.truncate(LISTED);
        names.into_iter().filter_map(|name| row(&folder, name)).collect()
    });
    let page = Outbox {
        console: console(&state, &actor, &session, "/admin/outbox").await?,
        messages: messages.await?,
        captured: state.config().smtp.is_none(),
    };
    Ok(Html(outbox::page(&page)))
}

/// One captured mail.
pub(crate) async fn show(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(name): Path<String>,
) -> Result<Html<String>> {
    let bytes = read(&state, &name).await?;
    let mail = MessageParser::default().parse(&bytes).ok_or(Error::NotFound)?;
    let headers = HEADERS.iter().copied().filter_map(|name| Some((name.to_owned(), words(&mail, name)?)));
    let page = OutboxMessage {
        console: console(&state, &actor, &session, "/admin/outbox").await?,
        name,
        headers: headers.collect(),
        text: mail.body_text(0).unwrap_or_default().into_owned(),
        has_html: mail.body_html(0).is_some(),
    };
    Ok(Html(outbox::message(&page)))
}

/// What a header says, as people read it (RFC 2047); one that is for programs stays as it was sent.
fn words(mail: &Message<'_>, name: &'static str) -> Option<String> {
    match name {
        "Subject" => mail.subject().map(str::to_owned),
        "From" => {
            let from = mail.from()?.first()?;
            let address = from.address()?;
            Some(from.name().map_or_else(|| address.to_owned(), |name| format!("{name} <{address}>")))
        }
        _ => Some(mail.header_raw(name)?.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

/// The HTML part alone, for a sandboxed frame.
pub(crate) async fn html(State(state): State<AppState>, Path(name): Path<String>) -> Result<Response> {
    let bytes = read(&state, &name).await?;
    let mail = MessageParser::default().parse(&bytes).ok_or(Error::NotFound)?;
    let html = mail.body_html(0).ok_or(Error::NotFound)?.into_owned();
    Ok(([(header::CONTENT_SECURITY_POLICY, MAIL_POLICY)], Html(html)).into_response())
}

/// The `.eml` files of a folder, which may not exist yet.
fn names(folder: &FilePath) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_mail(name)).collect()
}

/// Whether a name is one the worker gives: nothing that leads out of the folder.
fn is_mail(name: &str) -> bool {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    is_plain && FilePath::new(name).extension().is_some_and(|end| end == "eml") && !name.starts_with('.')
}

fn row(folder: &FilePath, name: String) -> Option<OutboxRow> {
    let bytes = std::fs::read(folder.join(&name)).ok()?;
    let mail: Message<'_> = MessageParser::default().parse(&bytes)?;
    let to = mail.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap_or_default().to_owned();
    let written = name.split('-').next().and_then(|millis| millis.parse().ok());
    let at = written.and_then(|millis| Timestamp::from_millisecond(millis).ok())?;
    Some(OutboxRow { to, subject: mail.subject().unwrap_or_default().to_owned(), at, name })
}

async fn read(state: &AppState, name: &str) -> Result<Vec<u8>> {
    if !is_mail(name) {
        return Err(Error::NotFound);
    }
    let path: PathBuf = state.outbox().join(name);
    tokio::fs::read(path).await.map_err(|_| Error::NotFound)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::is_mail;

    #[test]
    fn only_mails_of_the_folder_can_be_read() {
        assert!(is_mail("1707127920000-abcdefghijkl.12.eml"));
        for name in ["../secret", "..", "a/b.eml", ".hidden.eml", "tidings.db", "x.eml\0", "..%2fsecret.eml"] {
            assert!(!is_mail(name), "{name}");
        }
    }
}
