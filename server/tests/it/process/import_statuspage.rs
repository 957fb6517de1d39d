//! `tidings import statuspage`

use std::{collections::BTreeMap, fs, time::Duration};

use serde_json::{Value, json};
use server::{
    feeds::statuspage_v2::{self as documents, Source},
    store::Store,
};

use super::console::soon;
use crate::support::{
    client::Client,
    db::Database,
    process::Place,
    statuspage::{
        Component, ComponentsDocument, Incident, IncidentsDocument, StatusDocument, Summary, are_consistent, corpus,
    },
};

const HISTORY: &str = "github-incidents-2020-2023.json";
const COMPONENTS: [&str; 7] = [
    "components-box-components-with-problem.json",
    "components-box-components.json",
    "components-digitalocean-components.json",
    "components-dropbox-components.json",
    "components-github-components-with-problem.json",
    "components-github-components.json",
    "components-twilio-components.json",
];

/// What the server answers there.
async fn get<T: serde::de::DeserializeOwned>(url: &str, path: &str) -> T {
    let answer = Client::new(url).get(path).await;
    serde_json::from_str(&answer.is(200).body).unwrap_or_else(|error| panic!("{error} in {}", answer.body))
}

/// Everything in the store as `/api/v2/incidents.json` would list it, were it not for the fifty newest.
async fn all_incidents(place: &Place) -> Vec<Incident> {
    let store = Store::connect(&place.database_url()).await.unwrap();
    let incidents = store.recent_incidents(10_000).await.unwrap();
    let said = store.said_of(incidents.iter().map(|incident| &incident.id)).await.unwrap();
    let source = Source {
        page: store.setting("page_id").await.unwrap().unwrap().parse().unwrap(),
        name: "Any".to_owned(),
        url: "https://status.example.com".to_owned(),
        time_zone: "Etc/UTC".to_owned(),
        changed_at: store.page_version().await.unwrap().1,
        components: store.component_records().await.unwrap(),
        groups: store.group_records().await.unwrap(),
    };
    let document = documents::incidents(&source, (&incidents, &said));
    store.close().await;
    let document: IncidentsDocument = serde_json::from_str(&document).unwrap();
    for incident in &document.incidents {
        incident.is_consistent(&document.page);
    }
    document.incidents
}

fn time(value: &Value) -> Option<jiff::Timestamp> {
    value.as_str().map(|text| text.parse().unwrap())
}

/// Compares what came out with what went in, as this file has it: some fields are missing there, updates come oldest first.
fn compare(incident: &Incident, source: &Value) {
    let id = &incident.id.0;
    assert_eq!(incident.name, source["name"].as_str().unwrap());
    assert_eq!(json!(format!("{:?}", incident.status).to_lowercase()), source["status"], "{id}");
    let impact = source["impact"].as_str().filter(|impact| *impact != "maintenance").unwrap_or("none");
    assert_eq!(format!("{:?}", incident.impact).to_lowercase(), impact, "{id}");
    assert_eq!(Some(incident.created_at.0), time(&source["created_at"]), "{id}");
    assert_eq!(Some(incident.updated_at.0), time(&source["updated_at"]), "{id}");
    assert_eq!(incident.resolved_at.map(|at| at.0), time(&source["resolved_at"]), "{id}");
    let expected: Vec<_> = source["incident_updates"].as_array().unwrap().iter().rev().collect();
    assert_eq!(incident.incident_updates.len(), expected.len(), "{id}");
    for (index, (update, expected)) in incident.incident_updates.iter().zip(&expected).enumerate() {
        assert_eq!(update.body, expected["body"].as_str().unwrap(), "{id}");
        assert_eq!(Some(update.created_at.0), time(&expected["created_at"]), "{id}");
        assert_eq!(update.display_at, update.created_at, "{id}");
        // "update" is what its page calls a word that changes nothing.
        let status = match expected["status"].as_str().unwrap() {
            "update" => incident.incident_updates.get(index + 1).map_or(update.status, |before| before.status),
            _ => serde_json::from_value(expected["status"].clone()).unwrap(),
        };
        assert_eq!(update.status, status, "{id}");
    }
    let affected = incident.incident_updates.last().unwrap().affected_components.iter().flatten();
    let mut affected: Vec<_> = affected
        .map(|affected| {
            json!([affected.name, format!("{:?}", affected.old_status), format!("{:?}", affected.new_status)])
        })
        .collect();
    let words = |value: &Value| {
        value.as_str().unwrap().split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<String>()
    };
    let listed = source["components"].as_array().unwrap().iter();
    let mut listed: Vec<_> = listed
        .map(|listed| json!([listed["name"], words(&listed["old_status"]), words(&listed["new_status"])]))
        .collect();
    affected.sort_by_key(ToString::to_string);
    listed.sort_by_key(ToString::to_string);
    assert_eq!(affected, listed, "{id}");
    let mut names: Vec<_> = incident.components.iter().map(|component| component.name.as_str()).collect();
    let mut expected: Vec<_> =
        source["components"].as_array().unwrap().iter().map(|listed| listed["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected, "{id}");
}

#[tokio::test]
async fn four_years_of_real_incidents_come_out_as_they_went_in_on_sqlite() {
    let place = Place::new();
    four_years(place).await;
}

#[tokio::test]
async fn four_years_of_real_incidents_come_out_as_they_went_in_on_postgres() {
    let database = Database::postgres().await;
    four_years(Place::new().with("TIDINGS_DATABASE_URL", &database.url)).await;
    database.drop().await;
}

async fn four_years(place: Place) {
    let Some(file) = corpus("statuspage").map(|folder| folder.join(HISTORY)) else { return };
    let source: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let expected = source["incidents"].as_array().unwrap();
    let updates: usize = expected.iter().map(|incident| incident["incident_updates"].as_array().unwrap().len()).sum();
    assert_eq!((expected.len(), updates), (381, 1_782));

    let process = place.serve().await;
    let import = ["import", "statuspage", "--incidents", file.to_str().unwrap()];
    let first = place.run(&import).await;
    // Some of its incidents say that they ended two years after their last update.
    let remarks: Vec<_> = first.stderr.lines().filter(|line| line.contains(HISTORY)).collect();
    assert_eq!(remarks.len(), 28, "{}", first.stderr);
    assert!(remarks.iter().all(|line| line.contains("/resolved_at ")), "{}", first.stderr);
    assert_eq!(first.ok(), "381 created, 0 updated, 0 unchanged, 0 refused\n");

    let incidents = all_incidents(&place).await;
    let by_id: BTreeMap<_, _> = expected.iter().map(|incident| (incident["id"].as_str().unwrap(), incident)).collect();
    assert_eq!(incidents.len(), 381);
    assert_eq!(incidents.iter().map(|incident| incident.incident_updates.len()).sum::<usize>(), 1_782);
    for incident in &incidents {
        compare(incident, by_id[incident.id.0.as_str()]);
    }

    // The server that runs shows them, as far as it lists them.
    let answer =
        soon(&Client::new(&process.url), "/api/v2/incidents.json", "kctbh9vrtdwd", Duration::from_secs(30)).await;
    let listed: IncidentsDocument = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(listed.incidents.len(), 50);
    assert_eq!((listed.page.id.0.as_str(), listed.page.name.as_str()), ("kctbh9vrtdwd", "GitHub"));
    for (incident, same) in listed.incidents.iter().zip(&incidents) {
        incident.is_consistent(&listed.page);
        compare(incident, by_id[incident.id.0.as_str()]);
        assert_eq!((&incident.id, &incident.incident_updates), (&same.id, &same.incident_updates));
    }
    // Components that only the past speaks of are not on the page.
    let components: ComponentsDocument = get(&process.url, "/api/v2/components.json").await;
    assert!(components.components.is_empty());

    let again = place.run(&import).await;
    assert_eq!(again.ok(), "0 created, 0 updated, 381 unchanged, 0 refused\n");
    assert_eq!(all_incidents(&place).await, incidents);
    assert!(!place.folder.join("data/outbox").exists(), "somebody was mailed");
    process.stop().await;
}

/// A component as a reader compares it, without what belongs to the page it stands on.
fn bare(component: &Component) -> Component {
    Component { page_id: component.id.clone(), ..component.clone() }
}

#[tokio::test]
async fn real_component_lists_come_out_as_they_went_in() {
    let Some(folder) = corpus("statuspage") else { return };
    for name in COMPONENTS {
        let file = folder.join(name);
        let source: ComponentsDocument = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let place = Place::new();
        let import = ["import", "statuspage", "--components", file.to_str().unwrap()];
        let count = source.components.len();
        let first = place.run(&import).await.ok();
        assert_eq!(first, format!("{count} created, 0 updated, 0 unchanged, 0 refused\n"), "{name}");
        let again = place.run(&import).await.ok();
        assert_eq!(again, format!("0 created, 0 updated, {count} unchanged, 0 refused\n"), "{name}");

        let process = place.serve().await;
        let document: ComponentsDocument = get(&process.url, "/api/v2/components.json").await;
        are_consistent(&document.components);
        let page = &document.page;
        assert_eq!(
            (&page.id, &page.name, &page.time_zone),
            (&source.page.id, &source.page.name, &source.page.time_zone)
        );
        let mut expected: Vec<_> = source.components.clone();
        let mut components = document.components.clone();
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        components.sort_by(|a, b| a.id.cmp(&b.id));
        // The order of children with the same position is nobody's.
        for component in expected.iter_mut().chain(&mut components) {
            component.components.iter_mut().for_each(|children| children.sort());
        }
        assert_eq!(components, expected, "{name}");
        let status: StatusDocument = get(&process.url, "/api/v2/status.json").await;
        let is_green = source.components.iter().all(|component| format!("{:?}", component.status) == "Operational");
        assert_eq!(status.status.description == "All Systems Operational", is_green, "{name}");
        process.stop().await;
    }
}

#[tokio::test]
async fn real_summaries_give_the_same_status_and_incidents() {
    let Some(folder) = corpus("statuspage") else { return };
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.contains("inc-") {
            continue;
        }
        count += 1;
        let source: Summary = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let place = Place::new();
        let path = file.to_str().unwrap();
        let import = ["import", "statuspage", "--components", path, "--incidents", path];
        let first = place.run(&import).await;
        let windows = source.scheduled_maintenances.len();
        assert_eq!(first.stderr.lines().count(), windows, "{name}: {}", first.stderr);
        for window in &source.scheduled_maintenances {
            assert!(first.stderr.contains(window["name"].as_str().unwrap()), "{name}: {}", first.stderr);
        }
        let records = source.components.len() + source.incidents.len();
        assert_eq!(first.ok(), format!("{records} created, 0 updated, 0 unchanged, {windows} refused\n"), "{name}");
        let again = place.run(&import).await.ok();
        assert_eq!(again, format!("0 created, 0 updated, {records} unchanged, {windows} refused\n"), "{name}");

        let process = place.serve().await;
        let summary: Summary = get(&process.url, "/api/v2/summary.json").await;
        assert_eq!(summary.status, source.status, "{name}");
        assert_eq!(summary.components, source.components, "{name}");
        assert_eq!(summary.incidents.len(), source.incidents.len(), "{name}");
        for (incident, source) in summary.incidents.iter().zip(&source.incidents) {
            incident.is_consistent(&summary.page);
            let mut expected = source.clone();
            expected.shortlink = format!("{}/incidents/{}", process.url, expected.id.0);
            let mut incident = incident.clone();
            for update in incident.incident_updates.iter_mut().chain(&mut expected.incident_updates) {
                // Their order is nobody's.
                let affected = update.affected_components.iter_mut();
                affected.for_each(|affected| affected.sort_by(|a, b| a.code.cmp(&b.code)));
                update.tweet_id = None;
            }
            expected.components = expected.components.iter().map(bare).collect();
            incident.components = incident.components.iter().map(bare).collect();
            assert_eq!(incident, expected, "{name}");
        }
        process.stop().await;
    }
    assert_eq!(count, 5);
}

const SMALL: &str = r#"{
  "page": {"id": "abcdefghijkl", "name": "Old page", "time_zone": "Europe/Paris"},
  "components": [
    {"id": "group0000001", "name": "Europe", "group": true, "position": 2, "components": ["component001"]},
    {"id": "component001", "name": "API", "group_id": "group0000001", "status": "partial_outage", "position": 1},
    {"id": "component002", "name": "", "status": "operational"},
    {"id": "component003", "name": "Web", "status": "green"},
    "nonsense"
  ],
  "incidents": [
    {"id": "incident0001", "name": "Down", "status": "monitoring", "impact": "major", "incident_updates": [
      {"id": "update000002", "status": "monitoring", "body": "Watching *it*.<br />Closely.", "display_at": "2023-04-05T12:30:00.250+02:00"},
      {"id": "update000001", "status": "investigating", "body": "- first", "created_at": "2023-04-05T10:00:00Z",
       "affected_components": [{"code": "component001", "name": "Europe - API", "old_status": "operational", "new_status": "partial_outage"},
                               {"code": "gone00000001", "name": "Old - Thing", "old_status": "operational", "new_status": "major_outage"}]}
    ]},
    {"id": "incident0002", "name": "No words", "status": "resolved", "incident_updates": []},
    {"id": "incident0003", "name": "Damaged", "status": "resolved", "incident_updates": [{"id": "u", "status": "resolved", "created_at": "yesterday"}]},
    {"id": "incident0001", "name": "Twice", "status": "resolved", "incident_updates": [{"status": "resolved", "created_at": "2023-04-05T10:00:00Z"}]},
    {"id": "incident0004", "name": "Planned", "status": "scheduled", "scheduled_for": "2023-04-05T10:00:00Z", "incident_updates": []}
  ],
  "scheduled_maintenances": [{"id": "window000001", "name": "Database move"}]
}"#;

#[tokio::test]
async fn what_is_damaged_is_named_with_its_place_while_the_rest_goes_in() {
    let place = Place::new();
    place.write("old.json", SMALL);
    let import = ["import", "statuspage", "--components", "old.json", "--incidents", "old.json"];
    let first = place.run(&import).await;
    for (place, reason) in [
        ("old.json: /components/2/name:", "empty"),
        ("old.json: /components/3/status “Web”:", "green"),
        ("old.json: /components/4:", "object"),
        ("old.json: /incidents/1/incident_updates “No words”:", "no updates"),
        ("old.json: /incidents/2/incident_updates/0/created_at “Damaged”:", "yesterday"),
        ("old.json: /incidents/3/id “Twice”:", "twice"),
        ("old.json: /incidents/4/scheduled_for “Planned”:", "maintenance"),
        ("old.json: /scheduled_maintenances/0 “Database move”:", "maintenance"),
    ] {
        let is_there = first.stderr.lines().any(|line| line.starts_with(place) && line.contains(reason));
        assert!(is_there, "no {place:?} … {reason:?} in {}", first.stderr);
    }
    assert_eq!(first.ok(), "3 created, 0 updated, 0 unchanged, 8 refused\n");

    let process = place.serve().await;
    let summary: Summary = get(&process.url, "/api/v2/summary.json").await;
    assert_eq!((summary.page.id.0.as_str(), summary.page.time_zone.as_str()), ("abcdefghijkl", "Europe/Paris"));
    assert_eq!(summary.components.len(), 2, "the group and the one component that is whole");
    let incident = &summary.incidents[0];
    incident.is_consistent(&summary.page);
    assert_eq!(incident.incident_updates[0].body, "Watching *it*.<br />Closely.");
    assert_eq!(incident.incident_updates[0].display_at.0, "2023-04-05T10:30:00.25Z".parse().unwrap());
    assert_eq!(incident.incident_updates[1].body, "- first");
    let names: Vec<_> = incident.components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!((names.len(), names.contains(&"Old - Thing"), names.contains(&"API")), (2, true, true));
    // The words are shown as they were written, and the component of the past stands nowhere.
    let visitor = Client::new(&process.url);
    visitor.get("/").await.is(200).says("API").never_says("/components/gone00000001");
    visitor.get("/incidents/incident0001").await.is(200).says("Watching *it*.<br>").says("- first");

    // There, meanwhile: one more word and another name. Here, nothing but a look.
    let later = SMALL.replace("\"name\": \"Down\"", "\"name\": \"Down again\"").replace(
        r#"{"id": "update000002""#,
        r#"{"id": "update000003", "status": "resolved", "body": "Over.", "created_at": "2023-04-05T13:00:00Z"}, {"id": "update000002""#,
    );
    let later = later.replace("\"status\": \"monitoring\", \"impact\"", "\"status\": \"resolved\", \"impact\"");
    place.write("old.json", later);
    assert_eq!(place.run(&import).await.ok(), "0 created, 1 updated, 2 unchanged, 8 refused\n");
    soon(&visitor, "/incidents/incident0001", "Down again", Duration::from_secs(30)).await.says("Over.");
    let document: IncidentsDocument = get(&process.url, "/api/v2/incidents.json").await;
    assert_eq!(document.incidents[0].incident_updates.len(), 3);
    assert!(document.incidents[0].resolved_at.is_some());
    assert!(!place.folder.join("data/outbox").exists(), "somebody was mailed");
    process.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_at_all_stops_before_anything_is_written() {
    let place = Place::new();
    place.run(&["import", "statuspage"]).await.failed_with(2);
    let said = place.run(&["import", "statuspage", "--incidents", "absent.json"]).await.failed_with(1);
    assert!(said.contains("absent.json"), "{said}");
    place.write("good.json", SMALL);
    place.write("bad.json", "{\"incidents\": [\n{]}");
    let import = ["import", "statuspage", "--components", "good.json", "--incidents", "bad.json"];
    let said = place.run(&import).await.failed_with(1);
    assert!(said.contains("bad.json") && said.contains("line 2"), "{said}");
    place.write("bad.json", "{\"other\": []}");
    let said = place.run(&import).await.failed_with(1);
    assert!(said.contains("no list of incidents"), "{said}");
    let store = Store::connect(&place.database_url()).await.unwrap();
    assert_eq!(store.component_records().await.unwrap(), []);
    store.close().await;
}
