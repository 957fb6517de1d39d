//! `/hooks/…`: what mail services report. No session and no key: each request proves by itself whose it is.

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::HeaderMap,
};

use super::client::Client;
use crate::{
    actions::bounces::{Tally, take},
    bounces::{
        generic,
        ses::reports,
        sns::{self, Opened},
    },
    error::{Error, Result},
    state::AppState,
};

/// The largest request, in bytes: what Amazon SNS sends at most.
pub(super) const BODY_LIMIT: usize = 256 * 1024;
const TOO_LARGE: &str = "The body is larger than 256 KiB: send fewer events at once.";

/// `POST /hooks/bounces`: from any service, in our own form.
pub(super) async fn bounces(
    State(state): State<AppState>,
    client: Client,
    headers: HeaderMap,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Result<Json<Tally>> {
    let secret = state.config().bounce_secret.as_ref().ok_or(Error::NotFound)?;
    let body = whole(body)?;
    let signature = headers.get(generic::SIGNATURE).and_then(|value| value.to_str().ok());
    counted("bounces", generic::verify(&secret.0, signature, &body, state.clock.now()))?;
    let reports = generic::reports(&body)?;
    Ok(Json(take(&state, "generic", &client.address.to_string(), &reports).await?))
}

/// `POST /hooks/ses`: from Amazon SES, over a topic of Amazon SNS.
pub(super) async fn ses(
    State(state): State<AppState>,
    client: Client,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Result<Json<Tally>> {
    let topics = &state.config().ses_topics;
    if topics.is_empty() {
        return Err(Error::NotFound);
    }
    let opened = sns::open(state.amazon(), topics, &whole(body)?, state.clock.now()).await;
    match counted("ses", opened)? {
        Opened::Notification(message) => {
            Ok(Json(take(&state, "ses", &client.address.to_string(), &reports(&message)).await?))
        }
        Opened::Confirmation { topic, token } => {
            state.amazon().confirm(&topic, &token).await?;
            tracing::info!(%topic, "Amazon SES reports bounces and complaints from now on.");
            Ok(Json(Tally::default()))
        }
        Opened::Farewell => {
            tracing::warn!("Amazon SNS was told to send no more: bounces and complaints are not reported any longer.");
            Ok(Json(Tally::default()))
        }
    }
}

fn whole(body: std::result::Result<Bytes, BytesRejection>) -> Result<Bytes> {
    body.map_err(|error| match error {
        BytesRejection::FailedToBufferBody(error) if error.status().as_u16() == 413 => Error::TooLarge(TOO_LARGE),
        other => Error::Malformed(format!("The body could not be read: {other}.")),
    })
}

/// Counts what is not believed: forgeries, or a setting that is wrong.
fn counted<T>(hook: &'static str, outcome: Result<T>) -> Result<T> {
    if let Err(Error::Forbidden(why)) = &outcome {
        metrics::counter!("tidings_hooks_refused_total", "hook" => hook).increment(1);
        tracing::warn!(hook, "A report of a mail service was refused: {why}");
    }
    outcome
}
