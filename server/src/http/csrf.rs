//! No other site can make a browser act here.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::error::Error;

/// Refuses an unsafe request that a browser sent on behalf of another site.
///
/// `Sec-Fetch-Site` says so in every browser of today; older ones send `Origin` with each POST. A request with neither
/// is refused too, except to `/unsubscribe/`: mail providers' servers post there without either (RFC 8058), bring no
/// cookie, and are allowed by the token in the path alone. So it is with the API, which looks at no cookie: nothing but
/// a bearer token opens it, and no browser adds one to another site's request; and with the hooks, which a signature opens.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
    let path = request.uri().path();
    let needs_no_cookie = ["/unsubscribe/", "/api/v1/", "/hooks/"].iter().any(|own| path.starts_with(own));
    if is_safe || needs_no_cookie || is_own(request.headers()) {
        return next.run(request).await;
    }
    Error::Forbidden("This form was sent from another site. Open the page here and send it again.").into_response()
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let origin = text(header::ORIGIN.as_str()).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == text(header::HOST.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn sent(headers: &[(&'static str, &'static str)]) -> bool {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        is_own(&headers.iter().map(pair).collect())
    }

    #[test]
    fn only_our_own_pages_may_post() {
        assert!(sent(&[("sec-fetch-site", "same-origin")]));
        assert!(sent(&[("sec-fetch-site", "none")]));
        assert!(!sent(&[("sec-fetch-site", "cross-site"), ("origin", "http://status.test"), ("host", "status.test")]));
        assert!(!sent(&[("sec-fetch-site", "same-site")]));
        assert!(sent(&[("origin", "https://status.test"), ("host", "status.test")]));
        assert!(!sent(&[("origin", "https://evil.test"), ("host", "status.test")]));
        assert!(!sent(&[("origin", "null"), ("host", "status.test")]));
        assert!(!sent(&[("host", "status.test")]));
        assert!(!sent(&[]));
    }
}
