//! Components, incidents, subscribers and broadcasts.

use domain::subscriber::Follows;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use server::config::Settings;

use super::{Program, json, wrong_fields};
use crate::support::app::{TestApp, served_on_both};

served_on_both!(
    components_are_added_changed_and_removed,
    an_incident_is_opened_told_of_and_resolved,
    everything_that_is_wrong_is_said_at_once,
    subscribers_are_asked_or_added_and_removed,
    who_was_erased_or_waits_is_added_by_a_program_that_knows_they_agreed,
    a_broadcast_is_held_and_stopped,
    long_lists_are_read_a_page_at_a_time,
);

async fn components_are_added_changed_and_removed(app: TestApp) {
    let program = Program::new(&app).await;
    let group = app.group("Platform").await;
    let added =
        program.post("/components", &json!({ "name": " API ", "group": group, "status": "major_outage" })).await;
    let component = json(added.is(201));
    assert_eq!((&component["name"], &component["group"]), (&json!("API"), &json!(group)));
    let path = format!("/components/{}", component["id"].as_str().unwrap());
    app.visitor().get("/").await.says("API").says("Major outage");
    let changed =
        program.patch(&path, &json!({ "description": "Everything below /v1", "status": "operational" })).await;
    let changed = json(changed.is(200));
    assert_eq!((&changed["name"], &changed["status"]), (&json!("API"), &json!("operational")));
    let changed = json(program.patch(&path, &json!({ "description": null, "group": null })).await.is(200));
    assert_eq!((&changed["description"], &changed["group"]), (&json!(""), &json!(null)));
    assert_eq!(json(&program.get(&path).await), changed);
    assert_eq!(json(&program.get("/components").await), json!([changed]));
    program.delete(&path).await.is(204);
    program.delete(&path).await.is(404);
    program.get(&path).await.is(404);
    app.visitor().get("/").await.never_says("Everything below");
    let rows = app.state.store.audit_rows(0, 100).await.unwrap();
    let key = format!("key:{}", app.state.store.keys().await.unwrap()[0].id);
    let done: Vec<_> = rows.iter().filter(|row| row.actor == key).map(|row| row.action.as_str()).collect();
    assert_eq!(done, ["component.add", "component.change", "component.change", "component.delete"]);
    assert!(rows.iter().filter(|row| row.actor == key).all(|row| row.address == "127.0.0.1"));
}

async fn an_incident_is_opened_told_of_and_resolved(app: TestApp) {
    let api = app.component("API").await;
    app.followers(&["a@example.com", "b@example.com"], &Follows::everything()).await;
    let program = Program::new(&app).await;
    let opened = program
        .post(
            "/incidents",
            &json!({
                "name": "Elevated API errors", "status": "investigating", "body": "We are *looking*.", "notify": true,
                "components": { api.as_str(): "major_outage" }, "display_at": "2024-02-05T10:12:00Z"
            }),
        )
        .await;
    let incident = json(opened.is(201));
    assert_eq!(
        (&incident["impact"], &incident["started_at"]),
        (&json!("critical"), &json!("2024-02-05T10:12:00.000Z"))
    );
    assert_eq!(incident["broadcast"]["recipients"], 2);
    assert_eq!(app.letters(2).await.len(), 2);
    let broadcast = format!("/broadcasts/{}", incident["broadcast"]["id"].as_str().unwrap());
    assert_eq!(json(&program.get(&broadcast).await)["total"], 2);
    let path = format!("/incidents/{}", incident["id"].as_str().unwrap());
    app.visitor().get(&path).await.is(200).says("We are <em>looking</em>.");

    let update = json!({ "status": "resolved", "body": "Over.", "notify": false, "restore": true });
    let posted = json(program.post(&format!("{path}/updates"), &update).await.is(201));
    assert_eq!((&posted["status"], &posted["broadcast"]), (&json!("resolved"), &json!(null)));
    assert_eq!(posted["updates"].as_array().unwrap().len(), 2);
    assert_eq!(json(&program.get("/components").await)[0]["status"], "operational");

    let soon = app.state.clock.now().checked_add(SignedDuration::from_hours(1)).unwrap();
    let soon = domain::time::rfc3339(soon);
    let promised = json!({
        "status": "investigating", "body": "Again.", "notify": false, "next_update_by": soon
    });
    let again = json(program.post(&format!("{path}/updates"), &promised).await.is(201));
    assert_eq!(again["updates"][0]["next_update_by"], soon);
    let edit = format!("{path}/updates/{}", again["updates"][0]["id"].as_str().unwrap());
    let edited = json(program.patch(&edit, &json!({ "body": "Once more." })).await.is(200));
    assert_eq!(edited["updates"][0]["body"], "Once more.");
    assert!(edited["updates"][0]["edited_at"].is_string(), "{edited}");
    program.patch(&format!("{path}/updates/000000000000"), &json!({ "body": "x" })).await.is(404);

    let changed = json(program.patch(&path, &json!({ "name": "API errors", "impact": "minor" })).await.is(200));
    assert_eq!((&changed["name"], &changed["impact"]), (&json!("API errors"), &json!("minor")));
    app.visitor().get(&path).await.says("API errors").never_says("Elevated");
    let changed = json(program.patch(&path, &json!({ "impact": null })).await.is(200));
    assert_eq!((&changed["impact"], &changed["impact_override"]), (&json!("critical"), &json!(null)));
    assert_eq!(json(&program.get(&path).await), changed);
}

async fn everything_that_is_wrong_is_said_at_once(app: TestApp) {
    let program = Program::new(&app).await;
    let nothing = program.post("/incidents", &json!({})).await;
    assert_eq!(wrong_fields(&nothing), ["body", "name", "notify", "status"]);
    let wrong = json!({
        "name": 7, "status": "postmortem", "body": " ", "notify": "yes", "notfiy": true, "impact": "terrible",
        "components": { "nothing": "major_outage" }, "display_at": "soon", "next_update_by": 7
    });
    let expected =
        ["body", "components", "display_at", "impact", "name", "next_update_by", "notfiy", "notify", "status"];
    assert_eq!(wrong_fields(&program.post("/incidents", &wrong).await), expected);
    let past = json!({
        "name": "Down", "status": "identified", "body": "x", "notify": false, "next_update_by": "2001-01-01T00:00:00Z"
    });
    assert_eq!(wrong_fields(&program.post("/incidents", &past).await), ["next_update_by"]);
    // Whether people are mailed is never chosen for the author.
    let silent = json!({ "name": "Down", "status": "investigating", "body": "We look." });
    assert_eq!(wrong_fields(&program.post("/incidents", &silent).await), ["notify"]);
    assert!(app.state.store.recent_incidents(10).await.unwrap().is_empty());
    let component = json!({ "name": "", "status": "", "group": "gone", "position": 1.5 });
    assert_eq!(wrong_fields(&program.post("/components", &component).await), ["group", "name", "position", "status"]);
    let subscriber = json!({ "email": "nobody", "components": ["gone"], "confirmed": 1 });
    assert_eq!(wrong_fields(&program.post("/subscribers", &subscriber).await), ["components", "confirmed", "email"]);
    for path in ["/incidents?limit=0", "/incidents?limit=101", "/broadcasts?limit=x"] {
        assert_eq!(wrong_fields(&program.get(path).await), ["limit"], "{path}");
    }
    for path in ["/incidents?before=000000000000", "/broadcasts?before=x", "/subscribers?before=-1"] {
        assert_eq!(wrong_fields(&program.get(path).await), ["before"], "{path}");
    }
}

async fn subscribers_are_asked_or_added_and_removed(app: TestApp) {
    let api = app.component("API").await;
    let program = Program::new(&app).await;
    let asked = json(program.post("/subscribers", &json!({ "email": "Asked@Example.com" })).await.is(201));
    assert_eq!((&asked["state"], &asked["everything"]), (&json!("pending"), &json!(true)));
    let letters = app.letters(1).await;
    assert!(letters[0].text.contains("/confirm/"), "{}", letters[0].text);
    let body = json!({ "email": "added@example.com", "components": [api], "confirmed": true });
    let added = json(program.post("/subscribers", &body).await.is(201));
    assert_eq!((&added["state"], &added["components"]), (&json!("active"), &json!([api])));
    assert_eq!(json(&program.get("/subscribers").await), json!([added, asked]));
    let more = json!({ "email": "Added@example.com", "confirmed": true });
    for _ in 0..2 {
        assert_eq!(
            json(program.post_as("more", "/subscribers", &more).await.is(201)),
            added,
            "they keep what they chose"
        );
    }
    program.post_as("more", "/subscribers", &body).await.is(409).says("Idempotency-Key");
    let path = format!("/subscribers/{}", added["id"].as_str().unwrap());
    program.delete(&path).await.is(204);
    program.delete(&path).await.is(404);
    program.get(&path).await.is(404);
    assert_eq!(json(&program.get("/subscribers").await), json!([asked]));
    program.post("/subscribers", &body).await.is(409).says("left");
    assert_eq!(app.captured().len(), 1);
    // The limits of the page's own form hold here too.
    for number in 0..9 {
        program.post("/subscribers", &json!({ "email": format!("many{number}@example.com") })).await.is(201);
    }
    let refused = program.post("/subscribers", &json!({ "email": "more@example.com" })).await;
    assert_eq!(refused.is(429).header("retry-after"), "3600");
}

async fn who_was_erased_or_waits_is_added_by_a_program_that_knows_they_agreed(app: TestApp) {
    let (owner, program) = (app.owner().await, Program::new(&app).await);
    app.followers(&["ann@example.com"], &Follows::everything()).await;
    owner.post("/admin/subscribers/1/erase", &[]).await.is(303);
    let tag = [app.state.secret().erased_tag("ann@example.com")];
    program.post("/subscribers", &json!({ "email": "ann@example.com" })).await.is(201);
    assert_eq!(app.state.store.erased_among(&tag).await.unwrap(), tag, "they have not said yes");
    let body = json!({ "email": "ann@example.com", "confirmed": true });
    let added = json(program.post("/subscribers", &body).await.is(201));
    assert_eq!((&added["id"], &added["state"]), (&json!("2"), &json!("active")));
    assert!(app.state.store.erased_among(&tag).await.unwrap().is_empty());
    owner.get("/admin/subscribers/2").await.says("confirmed by “").says("(added by key:");

    let form = [("email", "bob@example.com"), ("everything", "1"), ("consent", "ask"), ("locale", "es")];
    owner.post("/admin/subscribers/new", &form).await.is(303);
    let body = json!({ "email": "bob@example.com", "confirmed": true });
    assert_eq!(json(program.post("/subscribers", &body).await.is(201))["state"], "active");
    owner.get("/admin/subscribers/3").await.says("Español");
}

async fn a_broadcast_is_held_and_stopped(app: TestApp) {
    let program = Program::new(&app).await;
    let unknown = program.post("/broadcasts/000000000000/pause", &json!({})).await;
    unknown.is(404).says("There is nothing at this address");
    app.followers(&["a@example.com"], &Follows::everything()).await;
    let incident = json!({ "name": "Down", "status": "investigating", "body": "We look.", "notify": true });
    let incident = json(program.post("/incidents", &incident).await.is(201));
    let path = format!("/broadcasts/{}", incident["broadcast"]["id"].as_str().unwrap());
    app.letters(1).await;
    app.settle().await;
    let shown = json(program.get(&path).await.is(200));
    assert_eq!((&shown["incident"], &shown["total"]), (&incident["id"], &json!(1)));
    assert_eq!(json(&program.get("/broadcasts").await)[0]["id"], shown["id"]);
    program.post(&format!("{path}/pause"), &json!({ "why": "" })).await.is(422).says("There is no such field");
    // Whether or not it is over by now, each act has an answer and none is an error of ours.
    for act in ["pause", "resume", "cancel"] {
        let answer = program.send("POST", &format!("{path}/{act}"), &[], None).await;
        assert!([200, 409].contains(&answer.status), "{act}: {}", answer.body);
    }
    program.post(&format!("{path}/cancel"), &json!({})).await.is(409);
}

/// Ten minutes for ten people, so that the end is still to come.
#[tokio::test]
async fn a_program_is_told_of_a_broadcast_what_the_console_says() {
    let app = TestApp::with(Settings { mail_rate: Some("1/min".to_owned()), ..Settings::default() }).await;
    let addresses: Vec<_> = (0..10).map(|number| format!("p{number}@example.com")).collect();
    app.followers(&addresses.iter().map(String::as_str).collect::<Vec<_>>(), &Follows::everything()).await;
    let (program, owner) = (Program::new(&app).await, app.owner().await);
    let incident = json!({ "name": "Down", "status": "investigating", "body": "We look.", "notify": true });
    let incident = json(program.post("/incidents", &incident).await.is(201));
    let id = incident["broadcast"]["id"].as_str().unwrap();
    app.letters(1).await;
    app.settle().await;
    let told = async || {
        let [program, owner] = [
            program.get(&format!("/broadcasts/{id}")).await,
            owner.get(&format!("/admin/broadcasts/{id}/progress")).await,
        ];
        [json(program.is(200)), json(owner.is(200))]
    };
    let [program_is, owner_is] = told().await;
    let [eta, seen] = [&program_is, &owner_is].map(|told| told["eta"].as_str().unwrap().parse::<Timestamp>().unwrap());
    assert!(eta.duration_since(seen).abs() < SignedDuration::from_mins(2), "{eta}, {seen}");
    assert!(eta > app.state.clock.now() + SignedDuration::from_mins(5), "{eta}");
    owner.post("/admin/mail/hold", &[]).await.is(303);
    let [program_is, owner_is] = told().await;
    assert_eq!((&program_is["reason"], &program_is["eta"]), (&json!("all mail is held"), &json!(null)));
    assert_eq!((&owner_is["reason"], &owner_is["eta"]), (&program_is["reason"], &json!(null)));
}

async fn long_lists_are_read_a_page_at_a_time(app: TestApp) {
    let program = Program::new(&app).await;
    for number in 0..5 {
        let body =
            json!({ "name": format!("Number {number}"), "status": "resolved", "body": "Over.", "notify": false });
        program.post("/incidents", &body).await.is(201);
    }
    let (mut path, mut names) = ("/incidents?limit=2".to_owned(), Vec::new());
    for count in [2, 2, 1] {
        let page = program.get(&path).await;
        let incidents = json(page.is(200)).as_array().unwrap().clone();
        assert_eq!(incidents.len(), count);
        names.extend(incidents.iter().map(|incident| incident["name"].as_str().unwrap().to_owned()));
        let link = page.header("link");
        link.strip_prefix("</api/v1").and_then(|rest| rest.split('>').next()).unwrap_or_default().clone_into(&mut path);
        assert_eq!(link.ends_with("rel=\"next\""), count == 2, "{link}");
    }
    names.sort();
    assert_eq!(names, ["Number 0", "Number 1", "Number 2", "Number 3", "Number 4"]);
}

#[tokio::test]
async fn what_is_no_json_is_refused_with_words() {
    let app = TestApp::start().await;
    let program = Program::new(&app).await;
    let bearer = [("authorization", program.bearer.as_str())];
    let send = async |kind: &'static str, body: Vec<u8>| {
        let headers = [&bearer[..], &[("content-type", kind)]].concat();
        program.http.send(reqwest::Method::POST, "/api/v1/components", &headers, Some(body)).await.unwrap()
    };
    for body in ["", "{", "[]", "\"name\"", "{\"name\": \"a\"} more"] {
        let answer = send("application/json", body.into()).await;
        assert_eq!(answer.is(400).header("content-type"), "application/problem+json");
    }
    for kind in ["application/x-www-form-urlencoded", "text/plain", ""] {
        send(kind, b"name=API".to_vec()).await.is(415).says("application/json");
    }
    send("application/json; charset=utf-8", b"{\"name\":\"API\"}".to_vec()).await.is(201);
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(3 * 1024 * 1024));
    let answer = send("application/json", large.into_bytes()).await;
    assert_eq!(answer.is(413).header("content-type"), "application/problem+json");
    program.send("PUT", "/components", &[], None).await.is(405).says("methods");
}
