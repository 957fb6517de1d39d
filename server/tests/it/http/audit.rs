//! The audit log: every act is in it, and can be found again.

use std::{collections::BTreeSet, fs, path::Path};

use domain::{key::Scope, subscriber::Follows};
use reqwest::Method;
use serde_json::{Value, json};
use server::http::{Who, table};

use crate::support::{
    app::{OWNER, TestApp},
    client::Client,
    form::Form,
    markup::unescape,
};

#[tokio::test]
async fn an_act_is_found_by_who_what_words_and_day() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.post("/admin/groups/new", &[("name", "Needle <in> the hay"), ("position", "1")]).await.is(303);
    let id = Form::incident("Down").open(&owner).await;
    let page = owner.get("/admin/audit").await;
    page.is(200).says("incident.open").says("group.add").says("Needle &lt;in&gt; the hay").says("from 127.0.0.1");
    page.says(&format!("href=\"/admin/incidents/{id}\""));
    assert!(unescape(&page.body).contains(&format!("by {OWNER}")), "{}", page.body);
    let found = owner.get("/admin/audit?action=group.add").await;
    found.is(200).says("Needle").never_says("<code>incident.open");
    let found = owner.get("/admin/audit?text=needle+%3Cin%3E").await;
    found.says("Needle").never_says("<code>incident.open").says("value=\"needle &lt;in&gt;\"");
    let user = app.actor().await.name();
    owner.get(&format!("/admin/audit?actor={user}")).await.says("Needle").never_says("<code>user.add");
    owner.get("/admin/audit?to=2000-01-01").await.is(200).says("Nothing fits what you asked for.");
    owner.get("/admin/audit?from=soon").await.is(422).says("value=\"soon\"").says("Write a day as 2024-02-05.");
}

#[tokio::test]
async fn a_long_log_is_read_a_page_at_a_time() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for _ in 0..60 {
        app.component("API").await;
    }
    let first = owner.get("/admin/audit?action=component.add").await;
    let (_, older) = first.body.split_once("href=\"/admin/audit?").unwrap();
    let older = unescape(older.split('"').next().unwrap());
    let second = owner.get(&format!("/admin/audit?{older}")).await;
    let count = |body: &str| body.matches("<code>component.add</code>").count();
    assert_eq!((count(&first.body), count(&second.body)), (50, 10));
    second.never_says(">Older<");
}

/// A request that each writing route of the API takes; a route that is not here fails the test.
fn sample(method: &str, path: &str) -> Option<Value> {
    match (method, path) {
        ("POST", "/api/v1/components") => Some(json!({ "name": "New" })),
        ("PATCH", "/api/v1/components/{id}" | "/api/v1/incidents/{id}") => Some(json!({ "name": "Changed" })),
        ("POST", "/api/v1/incidents") => {
            Some(json!({ "name": "Down", "status": "identified", "body": "Found.", "notify": false }))
        }
        ("POST", "/api/v1/incidents/{id}/updates") => {
            Some(json!({ "status": "monitoring", "body": "Fixed.", "notify": false }))
        }
        ("PATCH", "/api/v1/incidents/{id}/updates/{update}") => Some(json!({ "body": "In other words." })),
        ("POST", "/api/v1/subscribers") => Some(json!({ "email": "new@example.com" })),
        ("DELETE", _) => None,
        ("POST", path) if path.starts_with("/api/v1/broadcasts/") => None,
        _ => panic!("what does {method} {path} take?"),
    }
}

#[tokio::test]
async fn every_writing_route_of_the_api_leaves_its_mark() {
    let app = TestApp::start().await;
    let component = app.component("API").await;
    // So that it can be held: nobody takes their mail at an address that is suppressed at the last moment.
    let people: Vec<_> = (0..2_000).map(|number| format!("reader{number}@example.com")).collect();
    app.followers(&people.iter().map(String::as_str).collect::<Vec<_>>(), &Follows::everything()).await;
    let bearer = format!("Bearer {}", app.key(Scope::ALL).await);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let visitor = app.visitor();
    let send = async |client: &Client, method: &str, path: &str, body: Option<Value>| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let body = body.map(|body| body.to_string().into_bytes());
        client.send(method, path, &headers, body).await.unwrap()
    };
    let body = json!({ "name": "Down", "status": "investigating", "body": "We look.", "notify": true });
    let opened = send(&visitor, "POST", "/api/v1/incidents", Some(body)).await;
    let opened: Value = serde_json::from_str(&opened.is(201).body).unwrap();
    let (incident, broadcast) = (opened["id"].as_str().unwrap(), opened["broadcast"]["id"].as_str().unwrap());
    let update = opened["updates"][0]["id"].as_str().unwrap();
    let subscriber = app.state.store.subscribers_page(None, 1).await.unwrap()[0].id.to_string();

    let mut routes: Vec<_> = table().routes.into_iter().filter(|it| matches!(it.who, Who::Key(_))).collect();
    routes.retain(|route| route.method != "GET");
    // Holding comes before going on, and taking away last.
    let order = ["/pause", "/resume", "/cancel"];
    routes.sort_by_key(|route| {
        let place = order.iter().position(|act| route.path.ends_with(act)).map_or(9, |place| place);
        (route.method == "DELETE", place)
    });
    let mut marked = BTreeSet::new();
    for route in &routes {
        let id = match route.who {
            Who::Key(Scope::Components) => component.as_str(),
            Who::Key(Scope::Incidents) => incident,
            Who::Key(Scope::Broadcasts) => broadcast,
            _ => subscriber.as_str(),
        };
        let before = app.state.store.audit_count().await.unwrap();
        let answer = send(
            &visitor,
            route.method,
            &route.path.replace("{id}", id).replace("{update}", update),
            sample(route.method, route.path),
        )
        .await;
        let after = app.state.store.audit_count().await.unwrap();
        // A broadcast may be over before it can be held: then nothing was done, and nothing is noted.
        let is_over = answer.status == 409 && route.path.starts_with("/api/v1/broadcasts/");
        assert!(is_over || (200..300).contains(&answer.status), "{} {}: {}", route.method, route.path, answer.body);
        assert_eq!(after - before, i64::from(!is_over), "{} {}", route.method, route.path);
        marked.insert((route.method, route.path));
    }
    assert_eq!(marked.len(), routes.len());
    assert!(marked.len() >= 9, "{marked:?}");
}

/// What writes and notes nothing, each for a reason.
const SILENT: [&str; 10] = [
    // A draft is its author's own until it is published.
    "drafts::discard",
    "drafts::end",
    "drafts::save",
    // Opens what each of its callers notes.
    "postmortems::open",
    // What happens by itself is nobody's act.
    "sign_ups::forget_the_last",
    "sign_ups::round",
    // A list that is still being sent: letting it in is noted, and so is throwing it away then.
    "subscriber_lists::discard",
    "subscriber_lists::finish",
    "subscriber_lists::keep",
    "subscriber_lists::new",
];

/// The functions of a source text by name, without comments and tests.
fn functions(source: &str) -> Vec<(String, String)> {
    let mut functions: Vec<(String, String)> = Vec::new();
    for line in source.split("#[cfg(test)]").next().unwrap().lines() {
        let code = line.split("//").next().unwrap();
        let is_before = |word: &str| word.starts_with("pub") || ["async", "const"].contains(&word);
        let declared = code.split_once("fn ").filter(|(before, _)| before.split_whitespace().all(is_before));
        if let Some(name) = declared.and_then(|(_, rest)| rest.split(['(', '<']).next()) {
            functions.push((name.to_owned(), String::new()));
        } else if let Some((_, body)) = functions.last_mut() {
            body.push_str(code);
        }
    }
    functions
}

/// Read from the source: an action that writes and does not note it would pass every other test.
#[test]
fn every_action_that_writes_notes_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/actions");
    let (mut writing, mut silent) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for (name, body) in functions(&fs::read_to_string(&path).unwrap()) {
            if !["store.write()", "Desk::open("].iter().any(|word| body.contains(word)) {
                continue;
            }
            writing += 1;
            if !["note(", "note_as(", "record(", ".audit("].iter().any(|word| body.contains(word)) {
                silent.push(format!("{file}::{name}"));
            }
        }
    }
    silent.sort();
    assert_eq!(silent, SILENT, "these write without a word in the audit log");
    assert!(writing > 45, "only {writing} actions were found");
}
