//! For those who run Tidings.

use std::time::Duration;

use server::config::Settings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{app::TestApp, db::Database, form::Form};

#[tokio::test]
async fn health_and_readiness_are_told_apart() {
    let app = TestApp::start().await;
    let visitor = app.visitor();
    visitor.get("/healthz").await.is(200).says("alive");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while visitor.get("/readyz").await.status != 200 {
        assert!(tokio::time::Instant::now() < deadline, "never ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_not_for_whoever_comes_through_a_proxy() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    Form::incident("Down").open(&owner).await;
    let visitor = app.visitor();
    visitor.get("/").await.is(200);
    let metrics = visitor.get("/metrics").await;
    metrics
        .is(200)
        .says("tidings_http_requests_total")
        .says("route=\"/admin/incidents/new\",status=\"303\"")
        .says("tidings_http_request_seconds")
        .says("tidings_write_seconds_bucket{le=\"0.05\"}");
    metrics.says("tidings_updates_published_total 1").never_says("example.com");
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    for hop in ["203.0.113.7", "127.0.0.1", "nonsense", "::1, 203.0.113.7"] {
        visitor.get_with("/metrics", &[("x-forwarded-for", hop)]).await.is(404);
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_who_asks() {
    let settings = Settings { trusted_proxies: Some("127.0.0.1,10.0.0.0/8".to_owned()), ..Settings::default() };
    let app = TestApp::on(Database::sqlite().await, settings).await;
    let visitor = app.visitor();
    visitor.get_with("/metrics", &[("x-forwarded-for", "203.0.113.7")]).await.is(404);
    visitor.get_with("/metrics", &[("x-forwarded-for", "203.0.113.7, 10.1.2.3")]).await.is(404);
    visitor.get_with("/metrics", &[("x-forwarded-for", "10.1.2.3")]).await.is(200);
    visitor.get("/metrics").await.is(200);
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way_and_takes_nothing_new() {
    let app = TestApp::start().await;
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    let body = "email=reader%40example.com&everything=1";
    let head = format!(
        "POST /subscribe HTTP/1.1\r\nhost: {address}\r\nsec-fetch-site: same-origin\r\nexpect: 100-continue\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut connection = TcpStream::connect(&address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    // The handler asks for the form: the request is under way.
    let mut buffer = [0; 25];
    connection.read_exact(&mut buffer).await.unwrap();
    assert!(buffer.starts_with(b"HTTP/1.1 100 Continue"));
    let finish = async {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(8);
        while TcpStream::connect(&address).await.is_ok() {
            assert!(tokio::time::Instant::now() < deadline, "still accepting");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        connection.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let ((), answer) = tokio::join!(app.stop(), finish);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Check your inbox"), "{answer}");
}
