//! `/api/v2`, read as strictly as its strictest readers do.

use std::fs;

use reqwest::Method;
use serde::de::DeserializeOwned;

use crate::support::{
    app::{TestApp, served_on_both},
    client::{Answer, Client},
    form::Form,
    statuspage::{
        ComponentStatus, ComponentsDocument, Impact, IncidentStatus, IncidentsDocument, Indicator,
        MaintenancesDocument, StatusDocument, Summary, are_consistent, corpus,
    },
};

/// Every endpoint.
const ENDPOINTS: [&str; 8] = [
    "/api/v2/status.json",
    "/api/v2/components.json",
    "/api/v2/incidents.json",
    "/api/v2/incidents/unresolved.json",
    "/api/v2/scheduled-maintenances.json",
    "/api/v2/scheduled-maintenances/upcoming.json",
    "/api/v2/scheduled-maintenances/active.json",
    "/api/v2/summary.json",
];

served_on_both!(
    every_document_has_its_shape_empty_and_full,
    an_incident_tells_its_whole_life,
    incidents_outlive_their_components,
    the_fifty_newest_are_listed_and_all_that_are_open,
);

#[track_caller]
fn read<T: DeserializeOwned>(answer: &Answer) -> T {
    answer.is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error} in {}", answer.body))
}

fn strictly<T: DeserializeOwned>(name: &str, text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Everything there is, once each.
async fn read_all(visitor: &Client) -> (StatusDocument, ComponentsDocument, IncidentsDocument, Summary) {
    let status: StatusDocument = read(&visitor.get(ENDPOINTS[0]).await);
    let components: ComponentsDocument = read(&visitor.get(ENDPOINTS[1]).await);
    let incidents: IncidentsDocument = read(&visitor.get(ENDPOINTS[2]).await);
    let unresolved: IncidentsDocument = read(&visitor.get(ENDPOINTS[3]).await);
    for path in &ENDPOINTS[4..7] {
        let maintenances: MaintenancesDocument = read(&visitor.get(path).await);
        assert!(maintenances.scheduled_maintenances.is_empty());
        assert_eq!(maintenances.page, status.page);
    }
    let summary: Summary = read(&visitor.get(ENDPOINTS[7]).await);
    assert_eq!((&summary.page, &summary.status), (&status.page, &status.status));
    assert_eq!(summary.components, components.components);
    assert_eq!(summary.incidents, unresolved.incidents);
    are_consistent(&components.components);
    for incident in incidents.incidents.iter().chain(&unresolved.incidents) {
        incident.is_consistent(&status.page);
    }
    (status, components, incidents, summary)
}

async fn every_document_has_its_shape_empty_and_full(app: TestApp) {
    let visitor = app.visitor();
    let (before, components, incidents, _) = read_all(&visitor).await;
    assert!(components.components.is_empty() && incidents.incidents.is_empty());
    assert_eq!(before.status.description, "All Systems Operational");
    assert_eq!((before.page.time_zone.as_str(), before.page.url.as_str()), ("Etc/UTC", app.url.as_str()));

    let group = app.group("Europe").await;
    app.group("Nothing in it").await;
    let api = app.component_in("API", Some(group.clone())).await;
    app.component("Website").await;
    let owner = app.owner().await;
    Form::incident("Down").listing(&api, "major_outage").open(&owner).await;
    let now = app.state.clock.now();
    let mut write = app.state.store.write().await.unwrap();
    write.put_setting("time_zone", "Europe/Paris", now).await.unwrap();
    let version = write.bump_page_version(now).await.unwrap();
    write.commit().await.unwrap();
    app.state.published(version);

    let (after, components, incidents, _) = read_all(&visitor).await;
    assert_eq!(after.page.id, before.page.id, "the page's id never changes");
    assert_eq!(after.page.time_zone, "Europe/Paris");
    assert_eq!(
        (after.status.indicator, after.status.description.as_str()),
        (Indicator::Major, "Partial System Outage")
    );
    let component = |name: &str| components.components.iter().find(|component| component.name == name).unwrap();
    assert_eq!(component("Europe").status, ComponentStatus::MajorOutage);
    assert_eq!(component("Nothing in it").components, Some(Vec::new()));
    assert_eq!(component("API").group_id.as_ref().unwrap().0, group.as_str());
    let affected = incidents.incidents[0].incident_updates[0].affected_components.as_ref().unwrap();
    assert_eq!((affected[0].code.0.as_str(), affected[0].name.as_str()), (api.as_str(), "Europe - API"));
}

async fn an_incident_tells_its_whole_life(app: TestApp) {
    let api = app.component("API").await;
    let owner = app.owner().await;
    let visitor = app.visitor();
    let id = Form::incident("Slow").listing(&api, "degraded_performance").open(&owner).await;
    Form::update("monitoring", "First line.\nSecond <line> & *more*.").say(&owner, &id).await;
    Form::update("resolved", "Over.").listing(&api, "operational").say(&owner, &id).await;
    let (_, _, incidents, summary) = read_all(&visitor).await;
    assert!(summary.incidents.is_empty());
    let [incident] = incidents.incidents.as_slice() else { panic!("{incidents:?}") };
    assert_eq!((incident.status, incident.impact), (IncidentStatus::Resolved, Impact::Minor));
    assert_eq!(incident.shortlink, format!("{}/incidents/{id}", app.url));
    let [last, second, first] = incident.incident_updates.as_slice() else { panic!("{incident:?}") };
    assert_eq!(second.body, "First line.<br />Second <line> & more.");
    assert_eq!((&second.affected_components, second.deliver_notifications), (&None, false));
    assert_eq!(incident.started_at, first.display_at);
    assert_eq!(incident.monitoring_at, Some(second.display_at));
    assert_eq!(incident.resolved_at, Some(last.display_at));
    assert_eq!(last.affected_components.as_ref().unwrap()[0].new_status, ComponentStatus::Operational);
}

async fn incidents_outlive_their_components(app: TestApp) {
    let api = app.component("API").await;
    let owner = app.owner().await;
    Form::incident("Down").listing(&api, "major_outage").open(&owner).await;
    owner.post(&format!("/admin/components/{api}/delete"), &[]).await.is(303);
    let (status, components, incidents, _) = read_all(&app.visitor()).await;
    assert!(components.components.is_empty());
    assert_eq!(status.status.indicator, Indicator::None);
    assert_eq!(incidents.incidents[0].components[0].id.0, api.as_str());
}

async fn the_fifty_newest_are_listed_and_all_that_are_open(app: TestApp) {
    let actor = app.actor().await;
    for number in 0..52 {
        let mut command = domain::forms::OpenIncident {
            name: format!("Number {number}"),
            impact: None,
            update: domain::forms::PostUpdate {
                key: None,
                seen: None,
                status: domain::status::IncidentStatus::Investigating,
                body: "Down.".to_owned(),
                display_at: None,
                next_update_by: None,
                notify: false,
                components: domain::forms::Listed::new(),
                restore: false,
            },
        };
        if number % 10 == 9 {
            command.update.status = domain::status::IncidentStatus::Resolved;
        }
        server::actions::incidents::open(&app.state, &actor, command).await.unwrap();
    }
    let (_, _, incidents, summary) = read_all(&app.visitor()).await;
    assert_eq!(incidents.incidents.len(), 50);
    assert_eq!(summary.incidents.len(), 47);
    assert!(incidents.incidents.is_sorted_by(|newer, older| newer.started_at >= older.started_at));
}

#[tokio::test]
async fn whoever_has_a_document_is_told_so_and_scripts_of_any_site_may_ask() {
    let app = TestApp::start().await;
    app.component("API").await;
    let visitor = app.visitor();
    for path in ENDPOINTS {
        let first = visitor.get_with(path, &[("origin", "https://elsewhere.example")]).await;
        let tag = first.is(200).header("etag").to_owned();
        let again = visitor.get_with(path, &[("if-none-match", &tag), ("origin", "https://elsewhere.example")]).await;
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag.as_str()), "{path}");
        assert_eq!(again.header("access-control-allow-origin"), "*", "{path}");
        let asked = [
            ("origin", "https://elsewhere.example"),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "if-none-match"),
        ];
        let preflight = visitor.send(Method::OPTIONS, path, &asked, None).await.unwrap();
        assert_eq!((preflight.status, preflight.body.as_str()), (204, ""), "{path}");
        assert_eq!(preflight.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(preflight.header("access-control-allow-headers"), "*", "{path}");
    }
    let id = Form::incident("Down").open(&app.owner().await).await;
    visitor.get("/api/v2/incidents.json").await.is(200).says(&id);
    // Other addresses are not opened by it.
    let elsewhere = visitor.get_with("/", &[("origin", "https://elsewhere.example")]).await;
    assert_eq!(elsewhere.header("access-control-allow-origin"), "");
    let unknown = visitor.get("/api/v2/nothing.json").await;
    assert_eq!((unknown.status, unknown.header("content-type")), (404, "application/problem+json"));
}

#[tokio::test]
async fn when_the_store_is_gone_the_last_documents_are_served() {
    let app = TestApp::start().await;
    app.component("API").await;
    let visitor = app.visitor();
    let before = visitor.get("/api/v2/summary.json").await.is(200).body.clone();
    app.state.store.close().await;
    app.state.clock.advance(jiff::SignedDuration::from_mins(5));
    let after = visitor.get("/api/v2/summary.json").await;
    assert_eq!((after.status, after.body), (200, before));
    let unseen = visitor.get("/api/v2/status.json").await;
    assert_eq!((unseen.status, unseen.header("content-type")), (503, "application/problem+json"));
}

#[tokio::test]
async fn real_answers_of_other_pages_have_the_same_shape() {
    let Some(folder) = corpus("statuspage") else { return };
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        if name.starts_with("components-") {
            let document: ComponentsDocument = strictly(&name, &text);
            are_consistent(&document.components);
        } else if name.contains("inc-") {
            let document: Summary = strictly(&name, &text);
            are_consistent(&document.components);
            for incident in &document.incidents {
                incident.is_consistent(&document.page);
            }
        } else {
            continue;
        }
        count += 1;
    }
    assert!(count >= 12, "only {count} files were read");
}
