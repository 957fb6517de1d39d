//! Headers that keep a browser from doing what nobody meant.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::state::AppState;

/// No inline anything. Public pages carry no WebAssembly.
const PUBLIC: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The console's islands are WebAssembly, and it shows captured mails in a frame.
const CONSOLE: &str = "default-src 'none'; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self'; \
                       connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Adds the headers to every answer.
pub(super) async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    add(response.headers_mut(), &path, state.is_https());
    response
}

/// Adds those of an answer from `path` that has not set its own.
pub(super) fn add(headers: &mut HeaderMap, path: &str, is_https: bool) {
    let is_console = path.starts_with("/admin");
    let is_for_everyone = path.starts_with("/api/v2/");
    let own = ["/api/v1/", "/confirm/", "/hooks/", "/manage/", "/postmortems/preview/", "/unsubscribe/"];
    let is_personal = is_console || own.iter().any(|own| path.starts_with(own));
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, if is_console { CONSOLE } else { PUBLIC });
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if is_personal {
        set(header::CACHE_CONTROL, "no-store");
    }
    if is_for_everyone {
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        set(header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag");
    }
    if is_https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}
