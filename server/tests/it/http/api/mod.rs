//! The JSON API, as programs use it.

mod keys;
mod once;
mod resources;

use domain::key::Scope;
use reqwest::Method;
use serde_json::Value;

use crate::support::{
    app::TestApp,
    client::{Answer, Client},
};

/// A program with a key.
struct Program {
    http: Client,
    bearer: String,
}

impl Program {
    /// With a key for everything.
    async fn new(app: &TestApp) -> Self {
        Self::with(app, app.key(Scope::ALL).await)
    }

    fn with(app: &TestApp, token: String) -> Self {
        Self { http: app.visitor(), bearer: format!("Bearer {token}") }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&'static str, &str)], body: Option<&Value>) -> Answer {
        let mut all = vec![("authorization", self.bearer.as_str())];
        all.extend(headers);
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let body = body.map(|body| body.to_string().into_bytes());
        self.http.send(method, &format!("/api/v1{path}"), &all, body).await.unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], Some(body)).await
    }

    /// … under a name, so that it may be sent again.
    async fn post_as(&self, name: &str, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("idempotency-key", name)], Some(body)).await
    }

    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, &[], Some(body)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None).await
    }
}

/// What an answer holds.
#[track_caller]
fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

/// The fields a problem names.
#[track_caller]
fn wrong_fields(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.is(422).header("content-type"), "application/problem+json");
    let errors = json(answer)["errors"].as_array().unwrap().clone();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}
