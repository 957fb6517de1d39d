//! For those who run Tidings: is it alive, is it ready, how does it do?

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use metrics::SharedString;

use super::client::Client;
use crate::{
    error::{Error, Result},
    state::AppState,
    telemetry,
};

/// `GET /healthz`: the process answers.
pub(super) async fn healthz() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: the store can be read and the mail worker goes round; 503 with the reason otherwise.
pub(super) async fn readyz(State(state): State<AppState>) -> Response {
    let mut problems = Vec::new();
    if state.store.page_version().await.is_err() {
        problems.push("the store cannot be reached");
    }
    if !state.is_worker_ticking() {
        problems.push("the mail worker stands still");
    }
    if problems.is_empty() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", problems.join("\n"))).into_response()
    }
}

/// `GET /metrics`: Prometheus text, for this machine and trusted networks.
pub(super) async fn metrics(State(state): State<AppState>, client: Client) -> Result<Response> {
    if !client.is_trusted(&state.config().trusted_proxies) {
        return Err(Error::NotFound);
    }
    let handle = telemetry::metrics().ok_or_else(|| Error::Internal("no metrics are recorded".to_owned()))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response())
}

/// Counts and times every request by its route, never by its path: paths hold tokens.
pub(super) async fn measure(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    count(route, response.status(), started);
    response
}

/// Counts and times a request that was answered.
pub(super) fn count(route: impl Into<SharedString>, status: StatusCode, started: Instant) {
    let route = route.into();
    let status = status.as_str().to_owned();
    metrics::counter!("tidings_http_requests_total", "route" => route.clone(), "status" => status).increment(1);
    metrics::histogram!("tidings_http_request_seconds", "route" => route).record(started.elapsed().as_secs_f64());
}
