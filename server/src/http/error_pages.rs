//! Errors as people and programs can read them.

use std::{any::Any, sync::Arc};

use app::{
    components::sentence,
    pages::{
        admin::kept::{self, Kept},
        error::{self, ErrorPage},
    },
};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use domain::forms::FieldErrors;
use serde_json::json;

use super::auth::{Sent, Typed};
use crate::{error::Error, state::AppState};

/// What an answer says of how many requests are left.
pub(super) const RATE: [&str; 3] = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];

/// A handler that panicked: the process goes on, the person sees an error like any other.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::Internal(format!("a handler panicked: {}", words.unwrap_or("without a word"))).into_response()
}

/// Draws an [`Error`] that a handler answered as a page or, for programs, as `application/problem+json` (RFC 9457).
pub(super) async fn draw(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    // Said beside the answer: how many requests are left.
    let beside: Vec<_> = RATE.iter().filter_map(|name| Some((*name, response.headers_mut().remove(*name)?))).collect();
    let sent = response.extensions_mut().remove::<Sent>();
    let mut drawn = match response.extensions_mut().remove::<Arc<Error>>() {
        Some(error) => draw_error(&state, &error, &path, sent).await,
        None => framework(&state, response, &path).await,
    };
    for (name, value) in beside {
        drawn.headers_mut().insert(name, value);
    }
    drawn
}

/// Whether a form that ended so is given back.
fn may_be_sent_again(error: &Error) -> bool {
    matches!(error, Error::Conflict(_) | Error::Unavailable(_) | Error::Internal(_))
}

/// A page with the form that could not be saved, for nobody but its sender.
async fn kept(state: &AppState, error: &Error, typed: Typed, id: Option<String>) -> Response {
    let (title, detail) = match error {
        Error::Unavailable(_) => (
            "It could not be saved just now".to_owned(),
            "The console cannot reach its data. Wait a minute.".to_owned(),
        ),
        _ => words(error),
    };
    let site = state.site_named(name(state, error.status()).await);
    let Typed { path, fields, is_multipart } = typed;
    let html = kept::page(&Kept { site, title, detail, path, is_multipart, fields, id });
    (error.status(), [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

/// What the page is called. A store that is lost is not asked: its answer may take its time.
async fn name(state: &AppState, status: StatusCode) -> String {
    let name = match status {
        StatusCode::SERVICE_UNAVAILABLE => None,
        _ => state.store.setting("name").await.ok().flatten(),
    };
    name.unwrap_or_else(|| crate::state::DEFAULT_NAME.to_owned())
}

async fn draw_error(state: &AppState, error: &Error, path: &str, sent: Option<Sent>) -> Response {
    let id = log(error, path);
    let sent = sent.filter(|_| may_be_sent_again(error));
    let typed = match sent {
        Some(sent) => sent.typed(state).await,
        None => None,
    };
    if let Some(typed) = typed {
        return kept(state, error, typed, id).await;
    }
    let words = if is_api(path) { api_words(error) } else { words(error) };
    let mut drawn = match error {
        Error::Invalid(fields) if is_api(path) => problem(error.status(), words, None, Some(fields)),
        _ => page(state, error.status(), words, path, id).await,
    };
    match error {
        Error::TooMany { retry_after } | Error::Busy { retry_after } => {
            drawn.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from((*retry_after).max(1)));
        }
        Error::Unauthorized(_) => {
            drawn.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    drawn
}

/// Whether a program asked, which reads JSON.
fn is_api(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/hooks/")
}

/// Draws what no handler of ours answered: an unknown address, one that is no text, a method it does not have, a panic.
async fn framework(state: &AppState, response: Response, path: &str) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_plain = kind.is_none_or(|kind| kind.starts_with("text/plain"));
    let status = response.status();
    let (error, id) = match status {
        StatusCode::NOT_FOUND if kind.is_none() => (Error::NotFound, None),
        StatusCode::INTERNAL_SERVER_ERROR if is_plain => {
            let error = Error::Internal("a handler panicked".to_owned());
            let id = log(&error, path);
            (error, id)
        }
        StatusCode::BAD_REQUEST if is_plain => {
            let detail = "It may have lost a part on its way, or was changed. The present status is on the home page.";
            return page(state, status, ("This address cannot be read".into(), detail.into()), path, None).await;
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let detail = if is_api(path) {
                "`Allow` says which methods this address has."
            } else {
                "Go back, open the page again and use its links and buttons."
            };
            let mut drawn = page(state, status, ("That cannot be done here".into(), detail.into()), path, None).await;
            if let Some(allowed) = response.headers().get(header::ALLOW) {
                drawn.headers_mut().insert(header::ALLOW, allowed.clone());
            }
            return drawn;
        }
        _ => return response,
    };
    page(state, status, words(&error), path, id).await
}

/// Logs what is our fault, once, under an id that the person sees too.
fn log(error: &Error, path: &str) -> Option<String> {
    // A flood shall not flood the log as well.
    if !error.status().is_server_error() || matches!(error, Error::Busy { .. }) {
        return None;
    }
    let id = format!("{:08x}", rand::random::<u32>());
    // Paths may hold tokens: only the first part is worth a line in a log.
    let place = path.split('/').nth(1).unwrap_or_default();
    tracing::error!(id, place, "A request failed: {error}");
    Some(id)
}

async fn page(
    state: &AppState,
    status: StatusCode,
    (title, detail): (String, String),
    path: &str,
    id: Option<String>,
) -> Response {
    if is_api(path) {
        return problem(status, (title, detail), id, None);
    }
    let site = state.site_named(name(state, status).await);
    let page = ErrorPage { site, status: status.as_u16(), title, detail, id };
    (status, Html(error::page(&page))).into_response()
}

/// `application/problem+json` (RFC 9457), with all that is wrong field by field.
fn problem(
    status: StatusCode,
    (title, detail): (String, String),
    id: Option<String>,
    fields: Option<&FieldErrors>,
) -> Response {
    let mut problem = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    if let Some(id) = id {
        problem["id"] = id.into();
    }
    if let Some(fields) = fields {
        problem["errors"] =
            fields.iter().map(|(field, message)| json!({ "field": field, "detail": sentence(message) })).collect();
    }
    (status, [(header::CONTENT_TYPE, "application/problem+json")], problem.to_string()).into_response()
}

/// As [`words`], where programs are spoken of rather than pages and forms.
fn api_words(error: &Error) -> (String, String) {
    let (title, detail) = match error {
        Error::NotFound => ("Not found", "There is nothing at this address, or it was deleted."),
        Error::Invalid(_) => ("Something in the request is not right", "`errors` names each field and what to do."),
        Error::Forbidden(why) => ("Not allowed", *why),
        Error::Unavailable(_) => ("The store cannot be reached just now", "Try again in a minute."),
        other => return words(other),
    };
    (title.to_owned(), detail.to_owned())
}

fn words(error: &Error) -> (String, String) {
    let (title, detail) = match error {
        Error::NotFound => (
            "This page does not exist",
            "The link may be old, or mistyped. The present status is on the home page.".to_owned(),
        ),
        Error::Forbidden(why) => ("That is not allowed", (*why).to_owned()),
        Error::Invalid(fields) => {
            let say = |(field, message): (&str, &str)| match field {
                "form" => sentence(message),
                field => sentence(&format!("{field}: {message}")),
            };
            ("Something in the form is not right", fields.iter().map(say).collect::<Vec<_>>().join(" "))
        }
        Error::Malformed(why) => ("That cannot be read", why.clone()),
        Error::Unauthorized(why) => ("A key is needed", (*why).to_owned()),
        Error::Conflict(why) => ("That has changed meanwhile", (*why).to_owned()),
        Error::Repeated => {
            ("The same request is being carried out", "Send it again in a moment to get its answer.".to_owned())
        }
        Error::TooSlow(why) => ("That took too long", (*why).to_owned()),
        Error::TooLarge(why) => ("That is too large", (*why).to_owned()),
        Error::Unsupported(why) => ("That is of another kind", (*why).to_owned()),
        Error::TooMany { retry_after } => (
            "Too many attempts",
            format!(
                "Wait {} and try again.",
                if *retry_after < 120 { "a minute".to_owned() } else { format!("{} minutes", retry_after / 60 + 1) }
            ),
        ),
        Error::Busy { .. } => (
            "Too many come at once",
            "Nothing was saved. Go back, where what you typed still is, and send it again in a minute.".to_owned(),
        ),
        Error::Unavailable(_) => (
            "The status cannot be read just now",
            "The page is running but cannot reach its data. Try again in a minute.".to_owned(),
        ),
        Error::Internal(_) => (
            "Something went wrong on our side",
            "It was noted. Try again; if it happens again, send us the number below.".to_owned(),
        ),
    };
    (title.to_owned(), detail)
}
