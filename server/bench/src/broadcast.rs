//! One broadcast, from the request that publishes it to its end.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::http::Client;

/// What is published: with it a mail has about five kilobytes.
const BODY: &str = "We are investigating elevated error rates on our public API. Requests may fail with a status of 502 \
                    or 503, or take longer than usual to answer. Data is not affected.";

/// A published incident on its way.
#[derive(Debug)]
pub(crate) struct Broadcast {
    id: String,
    /// When the request was sent.
    pub(crate) began: Instant,
    /// How long it took to be answered.
    pub(crate) took: Duration,
}

impl Broadcast {
    /// Publishes an incident that affects these components; everyone who follows one of them, or everything, is mailed.
    pub(crate) fn publish(client: &mut Client, components: &[&str]) -> Result<Self> {
        let affected: serde_json::Map<_, _> =
            components.iter().map(|id| ((*id).to_owned(), Value::from("major_outage"))).collect();
        let body = json!({
            "name": "Elevated error rates", "status": "investigating", "body": BODY, "notify": true, "components": affected
        });
        let began = Instant::now();
        let opened = client.post("/api/v1/incidents", &body)?;
        let took = began.elapsed();
        let id = opened["broadcast"]["id"].as_str().with_context(|| format!("nobody is told: {opened}"))?.to_owned();
        Ok(Self { id, began, took })
    }

    /// Waits until it has ended and everyone has an outcome; how long that took from the request on, and how many were
    /// sent.
    pub(crate) fn finish(&self, client: &mut Client) -> Result<(Duration, u64)> {
        loop {
            let now = Instant::now();
            let broadcast = client.json(&format!("/api/v1/broadcasts/{}", self.id))?;
            let is_over = ["done", "cancelled"].iter().any(|state| broadcast["state"] == *state);
            if is_over && broadcast["waiting"] == 0 {
                return Ok((now - self.began, broadcast["sent"].as_u64().unwrap_or(0)));
            }
            ensure!(now - self.began < Duration::from_mins(20), "it does not end: {broadcast}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Stops it and waits until nothing of it is under way. One to few people may be over by then.
    pub(crate) fn cancel(&self, client: &mut Client) -> Result<()> {
        let path = format!("/api/v1/broadcasts/{}", self.id);
        if client.json(&path)?["state"] != "done" {
            // It may end between the two.
            drop(client.post(&format!("{path}/cancel"), &json!({})));
        }
        self.finish(client).map(drop)
    }
}
