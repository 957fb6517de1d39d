//! `/api/v1/openapi.json`: the API described, by hand and kept true by tests.

use axum::{
    http::{HeaderName, header},
    response::IntoResponse,
};

/// The description itself.
const DOCUMENT: &str = include_str!("openapi.json");

const HEADERS: [(HeaderName, &str); 2] =
    [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];

/// Needs no key: it says how to use one.
pub(crate) async fn show() -> impl IntoResponse {
    (HEADERS, DOCUMENT)
}
