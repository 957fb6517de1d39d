//! The `Idempotency-Key`.

use domain::{
    forms::{SaveComponent, SubscribeForm},
    ids::KeyId,
    subscriber::Follows,
};
use jiff::SignedDuration;
use serde_json::json;
use server::{
    actions::components,
    http::auth::{Actor, By, Caller, NamedRequest},
};

use super::{Program, json};
use crate::support::app::{TestApp, served_on_both};

served_on_both!(
    a_request_that_is_sent_again_acts_once,
    requests_with_one_name_at_the_same_moment_act_once,
    whoever_died_before_answering_is_answered_by_the_repetition,
);

async fn a_request_that_is_sent_again_acts_once(app: TestApp) {
    app.followers(&["reader@example.com"], &Follows::everything()).await;
    let (program, other) = (Program::new(&app).await, Program::new(&app).await);
    let body = json!({ "name": "Down", "status": "investigating", "body": "We look.", "notify": true });
    let first = program.post_as("one", "/incidents", &body).await;
    assert_eq!(first.is(201).header("idempotent-replayed"), "");
    let again = program.post_as("one", "/incidents", &body).await;
    assert_eq!((again.is(201).body.as_str(), again.header("idempotent-replayed")), (first.body.as_str(), "true"));
    assert_eq!(json(&first)["broadcast"]["recipients"], 1);
    assert_eq!(app.state.store.recent_incidents(10).await.unwrap().len(), 1);

    let changed = json!({ "name": "Up", "status": "investigating", "body": "We look.", "notify": true });
    program.post_as("one", "/incidents", &changed).await.is(409).says("Idempotency-Key").says("another request");
    program.post_as("one", "/components", &json!({ "name": "API" })).await.is(409);
    // Another program's names are its own.
    other.post_as("one", "/incidents", &body).await.is(201);
    assert_eq!(app.state.store.recent_incidents(10).await.unwrap().len(), 2);

    // What failed did nothing, and may be tried again under its name.
    program.post_as("two", "/components", &json!({ "name": "" })).await.is(422);
    program.post_as("two", "/components", &json!({ "name": "API" })).await.is(201);
    program.post_as("x".repeat(256).as_str(), "/components", &json!({ "name": "API" })).await.is(422);

    let id = json(&first)["broadcast"]["id"].as_str().unwrap().to_owned();
    app.settle().await;
    let path = format!("/broadcasts/{id}/cancel");
    let answers =
        [program.post_as("three", &path, &json!({})).await, program.post_as("three", &path, &json!({})).await];
    assert_eq!(answers[0].status, answers[1].status);
}

async fn requests_with_one_name_at_the_same_moment_act_once(app: TestApp) {
    app.followers(&["reader@example.com"], &Follows::everything()).await;
    let program = Program::new(&app).await;
    let component = json!({ "name": "API" });
    let incident = json!({ "name": "Down", "status": "investigating", "body": "We look.", "notify": true });
    for (name, path, body) in [("one", "/components", &component), ("two", "/incidents", &incident)] {
        let send = || program.post_as(name, path, body);
        let answers = tokio::join!(send(), send(), send(), send());
        for answer in [&answers.0, &answers.1, &answers.2, &answers.3] {
            assert_eq!(answer.is(201).body, answers.0.body);
        }
    }
    assert_eq!(app.state.store.components().await.unwrap().len(), 1);
    let rows = app.state.store.audit_rows(0, 100).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.action == "component.add").count(), 1);
    // Once more when what they began is over.
    app.all_sent().await;
    program.post_as("two", "/incidents", &incident).await.is(201);
    app.all_sent().await;
    let broadcasts = app.state.store.broadcasts(9).await.unwrap();
    assert_eq!((broadcasts.len(), broadcasts[0].sent, app.captured().len()), (1, 1, 1));
}

/// A process that dies between its commit and its answer leaves the claim, and no answer.
async fn whoever_died_before_answering_is_answered_by_the_repetition(app: TestApp) {
    let program = Program::new(&app).await;
    program.post_as("seen", "/components", &json!({ "name": "Website" })).await.is(201);
    let key: KeyId = app.state.store.keys().await.unwrap().remove(0).id;
    let body = json!({ "name": "API" });
    // As `Sent` does it: the hash of the place and the body's hash.
    let hash = |text: &str| domain::token::hash(text);
    let request = hash(&format!("POST /api/v1/components\n{}", hash(&body.to_string())));
    let known = app.state.store.repetition(&key, "seen").await.unwrap().unwrap();
    assert_eq!(known.request, hash(&format!("POST /api/v1/components\n{}", hash(r#"{"name":"Website"}"#))));
    let caller = Caller {
        key: app.state.store.key(&key).await.unwrap().unwrap(),
        request: Some(NamedRequest { name: "dead".to_owned(), hash: request }),
    };
    let actor = Actor { by: By::Key(caller), address: "127.0.0.1".to_owned() };
    let command =
        SaveComponent { name: "API".to_owned(), description: String::new(), status: None, group: None, position: 2 };
    let id = components::save(&app.state, &actor, None, command).await.unwrap();

    let answer = program.post_as("dead", "/components", &body).await;
    assert_eq!(json(answer.is(201))["id"], id.as_str());
    assert_eq!(answer.header("idempotent-replayed"), "true");
    components::delete(&app.state, &app.actor().await, &id).await.unwrap();
    let again = program.post_as("dead", "/components", &body).await;
    assert_eq!(again.is(201).body, answer.body, "the answer was not written down");
}

#[tokio::test]
async fn two_letters_are_not_sent_for_one_request() {
    let app = TestApp::start().await;
    let program = Program::new(&app).await;
    let body = json!({ "email": "reader@example.com" });
    let first = program.post_as("one", "/subscribers", &body).await;
    app.state.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(program.post_as("one", "/subscribers", &body).await.body, first.is(201).body);
    app.letters(1).await;
    let form = SubscribeForm { email: "another@example.com".into(), ..SubscribeForm::default() };
    program.post_as("two", "/subscribers", &json!({ "email": form.email })).await.is(201);
    let to: Vec<_> = app.letters(2).await.into_iter().map(|letter| letter.to).collect();
    assert_eq!(to.len(), 2, "{to:?}");
}
