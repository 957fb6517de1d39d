//! Acting once, however often a program asks: the `Idempotency-Key`.
//!
//! ```text
//! seen before? ── other body ──▶ 409
//!      │       └─ same body ───▶ the same answer, from the row (or made from what was acted on, if nobody wrote it down)
//!      └─ no ──▶ act: its transaction claims the name ──▶ write the answer down ──▶ answer
//!                   └─ somebody else just claimed it ──▶ as above
//! ```

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::ids::KeyId;
use serde_json::Value;

use crate::{
    error::{Error, Result},
    http::auth::{Actor, By, Caller, NamedRequest},
    state::AppState,
    store::repetitions::Repetition,
};

/// Acts unless this request has acted before, and answers with what `show` makes of what was acted on. `act` gives the
/// subject under which its action claims the request.
pub(super) async fn once<F: Future<Output = Result<Value>>>(
    state: &AppState,
    actor: &Actor,
    status: StatusCode,
    act: impl Future<Output = Result<String>>,
    show: impl Fn(String) -> F,
) -> Result<Response> {
    let By::Key(Caller { key, request: Some(request) }) = &actor.by else {
        return Ok(answer(status, show(act.await?).await?.to_string()));
    };
    if let Some(known) = known(state, &key.id, request).await? {
        return again(state, &key.id, request, known, status, show).await;
    }
    match act.await {
        Ok(subject) => {
            let body = show(subject).await?.to_string();
            write_down(state, &key.id, request, status, &body).await?;
            // Whoever asked at the same moment may have written it down first: both get the same.
            let known = known(state, &key.id, request).await?.and_then(|known| known.answer);
            Ok(answer(status, known.map_or(body, |(_, body)| body)))
        }
        Err(Error::Repeated) => {
            let known = known(state, &key.id, request).await?.ok_or(Error::Repeated)?;
            again(state, &key.id, request, known, status, show).await
        }
        Err(error) => Err(error),
    }
}

async fn known(state: &AppState, key: &KeyId, request: &NamedRequest) -> Result<Option<Repetition>> {
    Ok(state.store.repetition(key, &request.name).await?)
}

async fn again<F: Future<Output = Result<Value>>>(
    state: &AppState,
    key: &KeyId,
    request: &NamedRequest,
    known: Repetition,
    status: StatusCode,
    show: impl Fn(String) -> F,
) -> Result<Response> {
    if known.request != request.hash {
        return Err(Error::Conflict(
            "This Idempotency-Key was used for another request within the last day: draw a new one for each request.",
        ));
    }
    let mut replayed = match known.answer {
        Some((code, body)) => {
            let code = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
            answer(code.unwrap_or(status), body)
        }
        None => {
            let body = show(known.subject).await?.to_string();
            write_down(state, key, request, status, &body).await?;
            let written = self::known(state, key, request).await?.and_then(|known| known.answer);
            answer(status, written.map_or(body, |(_, body)| body))
        }
    };
    replayed.headers_mut().insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
    Ok(replayed)
}

async fn write_down(
    state: &AppState,
    key: &KeyId,
    request: &NamedRequest,
    status: StatusCode,
    body: &str,
) -> Result<()> {
    let mut write = state.store.write().await?;
    write.answer_repetition(key, &request.name, status.as_u16().into(), body).await?;
    Ok(write.commit().await?)
}

fn answer(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
