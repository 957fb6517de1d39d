//! Who is let in, and how often.

use domain::key::Scope;
use jiff::SignedDuration;
use serde_json::json;
use server::{actions::keys, config::Settings};

use super::{Program, json};
use crate::support::app::TestApp;

#[tokio::test]
async fn a_key_works_until_it_expires_or_is_revoked() {
    let app = TestApp::start().await;
    let program = Program::new(&app).await;
    let revoked = Program::new(&app).await;
    program.get("/components").await.is(200);
    let key = app.state.store.keys().await.unwrap().remove(0);
    keys::revoke(&app.state, &app.actor().await, &key.id).await.unwrap();
    let (one, other) = (program.get("/components").await, revoked.get("/components").await);
    let statuses = [one.status, other.status];
    assert!(statuses.contains(&200) && statuses.contains(&401), "{statuses:?}");
    let refused = if one.status == 401 { one } else { other };
    refused.says("revoked");
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    app.state.clock.advance(SignedDuration::from_hours(90 * 24));
    assert_eq!((program.get("/components").await.status, revoked.get("/components").await.status), (401, 401));
}

#[tokio::test]
async fn its_last_use_is_noted_once_a_minute() {
    let app = TestApp::start().await;
    let program = Program::new(&app).await;
    let last = async || app.state.store.keys().await.unwrap()[0].last_used_at;
    assert_eq!(last().await, None);
    program.get("/components").await.is(200);
    let first = last().await.unwrap();
    program.get("/components").await.is(200);
    assert_eq!(last().await, Some(first));
    app.state.clock.advance(SignedDuration::from_secs(61));
    program.get("/components").await.is(200);
    assert!(last().await.unwrap() > first);
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_again() {
    let app = TestApp::with(Settings { api_rate: Some("3".to_owned()), ..Settings::default() }).await;
    let (program, other) = (Program::new(&app).await, Program::new(&app).await);
    // From the first second of a minute on, so that the minute does not end in between.
    let over = 60_000 - app.state.clock.now().as_millisecond().rem_euclid(60_000);
    app.state.clock.advance(SignedDuration::from_millis(over));
    let mut left = Vec::new();
    for _ in 0..3 {
        let answer = program.get("/components").await;
        assert_eq!(answer.is(200).header("ratelimit-limit"), "3");
        left.push(answer.header("ratelimit-remaining").to_owned());
    }
    assert_eq!(left, ["2", "1", "0"]);
    let refused = program.get("/components").await;
    refused.is(429).says("Too many");
    assert_eq!(
        (refused.header("ratelimit-remaining"), refused.header("content-type")),
        ("0", "application/problem+json")
    );
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert_eq!(refused.header("ratelimit-reset"), wait.to_string());
    assert!((1..=60).contains(&wait), "{wait}");
    other.get("/components").await.is(200);
    app.state.clock.advance(SignedDuration::from_secs(wait));
    program.get("/components").await.is(200);
}

#[tokio::test]
async fn an_error_says_too_how_many_requests_are_left() {
    let app = TestApp::start().await;
    let program = Program::with(&app, app.key(&[Scope::Incidents]).await);
    for answer in [
        program.get("/components").await,
        program.get("/incidents/000000000000").await,
        program.post("/incidents", &json!({})).await,
        program.delete("/incidents").await,
    ] {
        assert!([403, 404, 405, 422].contains(&answer.status), "{}", answer.status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.body);
        assert_eq!(json(&answer)["status"], answer.status);
        assert_eq!(answer.header("ratelimit-limit"), "600", "{}", answer.status);
        assert_eq!(answer.header("set-cookie"), "");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}
