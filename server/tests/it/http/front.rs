//! What is answered before the router says what the router would.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use axum::{body::Body, extract::Request, http::StatusCode, response::Response};
use jiff::SignedDuration;
use reqwest::{Method, header};
use server::{config::Settings, http::page_cache::front::Front};
use tower::Service;

use super::FEEDS;
use crate::support::{
    app::TestApp,
    client::{Answer, Client},
    form::Form,
};

/// All but the moment it was sent, and the length of nothing, which `HEAD` tells.
fn told(answer: &Answer) -> (u16, BTreeMap<String, String>) {
    let is_said = |name: &header::HeaderName| match answer.status {
        304 => ![header::DATE, header::CONTENT_LENGTH].contains(name),
        _ => *name != header::DATE,
    };
    let headers = answer.headers.iter().filter(|(name, _)| is_said(name));
    (answer.status, headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect())
}

/// From the cache, where a `GET` finds what is kept, and from the router, which answers every `HEAD`.
async fn both_ways(visitor: &Client, path: &str, headers: &[(&'static str, &str)]) -> [Answer; 2] {
    let kept = visitor.get_with(path, headers).await;
    [kept, visitor.send(Method::HEAD, path, headers, None).await.unwrap()]
}

#[tokio::test]
async fn a_kept_page_is_answered_and_counted_as_by_the_router() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let owner = app.owner().await;
    let id = Form::incident("Down").listing(&api, "major_outage").open(&owner).await;
    let visitor = app.visitor();
    let of_one =
        [format!("/incidents/{id}"), format!("/components/{api}"), format!("/components/{api}.atom"), month(&app)];
    let rest = ["/", "/history", "/badge.svg", "/sitemap.xml", "/api/v2/summary.json", "/api/v2/status.json"];
    let paths = of_one.iter().map(String::as_str).chain(rest).chain(FEEDS);
    for path in paths {
        let drawn = visitor.get(path).await;
        for encoding in ["identity", "gzip", "br"] {
            let [kept, routed] = both_ways(&visitor, path, &[("accept-encoding", encoding)]).await;
            assert_eq!(kept.status, 200, "{path}");
            assert_eq!(told(&kept), told(&routed), "{path}");
            let size = (encoding == "identity").then_some(&drawn.bytes);
            assert!(size.is_none_or(|bytes| *bytes == kept.bytes), "{path}");
        }
        let known = [("if-none-match", drawn.header("etag"))];
        let [kept, routed] = both_ways(&visitor, path, &known).await;
        assert_eq!((kept.status, kept.bytes.len()), (304, 0), "{path}");
        assert_eq!(told(&kept), told(&routed), "{path}");
    }
    let metrics = visitor.get("/metrics").await;
    // Once drawn, in three forms twice; not changed twice.
    for route in ["/", "/history", "/incidents/{id}", "/history/{month}", "/badge.svg", "/updates.rss"] {
        for (status, times) in [(200, 7), (304, 2)] {
            metrics.says(&format!("{{route=\"{route}\",status=\"{status}\"}} {times}\n"));
        }
        metrics.says(&format!("tidings_http_request_seconds_count{{route=\"{route}\"}} 9\n"));
    }
    metrics.says("{route=\"/components/{id}\",status=\"200\"} 14\n");
}

fn month(app: &TestApp) -> String {
    format!("/history/{}", app.state.clock.now().strftime("%Y-%m"))
}

#[tokio::test]
async fn what_is_kept_is_told_to_stay_on_tls_too() {
    let settings = Settings { public_url: Some("https://status.example.com".to_owned()), ..Settings::default() };
    let app = TestApp::with(settings).await;
    let visitor = app.visitor();
    for answer in [visitor.get("/").await, visitor.get("/").await] {
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
    }
}

/// What stands behind it, and says so.
struct Behind;

const BEHIND: StatusCode = StatusCode::IM_A_TEAPOT;

impl Service<Request> for Behind {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = BEHIND;
        ready(Ok(response))
    }
}

async fn who_answers(app: &TestApp, method: Method, path: &str) -> StatusCode {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    Front::of(app.state.clone(), Behind).call(request).await.unwrap().status()
}

#[tokio::test]
async fn a_get_of_exactly_what_is_kept_goes_no_further_for_a_minute() {
    let app = TestApp::start().await;
    assert_eq!(who_answers(&app, Method::GET, "/history").await, BEHIND);
    app.visitor().get("/history").await.is(200);
    for path in ["/history", "/history?from=elsewhere"] {
        assert_eq!(who_answers(&app, Method::GET, path).await, StatusCode::OK, "{path}");
    }
    for (method, path) in [
        (Method::HEAD, "/history"),
        (Method::POST, "/history"),
        (Method::OPTIONS, "/history"),
        (Method::GET, "/history/"),
        (Method::GET, "//history"),
        (Method::GET, "/%68istory"),
        (Method::GET, "/"),
    ] {
        assert_eq!(who_answers(&app, method.clone(), path).await, BEHIND, "{method} {path}");
    }
    app.state.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(who_answers(&app, Method::GET, "/history").await, BEHIND);
}
