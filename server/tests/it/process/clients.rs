//! Programs made for Statuspage read Tidings: the npm package `statuspage.io` and the exporter for Prometheus.
//!
//! Each reads a small page of our own, and real pages where they lie beside the repository.

use std::{
    env,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{
    process::{Place, Process},
    statuspage::corpus,
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A server of what these files tell.
async fn imported(place: &Place, components: &Path, incidents: &Path) -> Process {
    let [components, incidents] = [components, incidents].map(|file| file.to_str().unwrap());
    place.run(&["import", "statuspage", "--components", components, "--incidents", incidents]).await.ok();
    place.serve().await
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// Our own page.
fn own() -> [PathBuf; 2] {
    ["components.json", "incidents.json"].map(|name| Path::new(ROOT).join("server/tests/it/process/page").join(name))
}

/// Real ones: the components of one page, and four years of another's incidents.
fn real() -> Option<[PathBuf; 2]> {
    let files = ["components-digitalocean-components.json", "github-incidents-2020-2023.json"];
    corpus("statuspage").map(|folder| files.map(|name| folder.join(name)))
}

/// What a program that succeeded wrote.
async fn output(command: &mut Command) -> String {
    let said = command.output().await.unwrap();
    let complaint = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{command:?}: {complaint}");
    String::from_utf8(said.stdout).unwrap()
}

/// The values under these names, in their order.
fn all<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|entry| entry[field].as_str().unwrap()).collect()
}

async fn client_reads(process: &Process) -> Value {
    let script = Path::new(ROOT).join("end2end/statuspage-io.mjs");
    let node = output(Command::new("node").arg(script).arg(&process.url)).await;
    serde_json::from_str(&node).unwrap()
}

#[tokio::test]
async fn the_client_from_npm_reads_our_page() {
    let place = Place::new();
    let [components, incidents] = own();
    let process = imported(&place, &components, &incidents).await;
    let read = client_reads(&process).await;
    assert_eq!(read["status"]["page"]["id"], "harbourpage1");
    assert_eq!(read["status"]["page"]["name"], "Harbour Pay");
    assert_eq!(read["status"]["status"], json!({ "indicator": "minor", "description": "Minor Service Outage" }));
    let listed = &read["components"]["components"];
    assert_eq!(all(listed, "name"), ["API", "Platform", "Webhooks", "Website"]);
    assert_eq!(all(listed, "status"), ["partial_outage", "partial_outage", "operational", "operational"]);
    assert_eq!(all(&read["incidents"]["incidents"], "id"), ["incident0002", "incident0001"]);
    assert_eq!(all(&read["unresolved"]["incidents"], "name"), ["Some payments are refused"]);
    let open = &read["summary"]["incidents"][0];
    assert_eq!((&open["impact"], &open["status"]), (&json!("major"), &json!("identified")));
    let updates = &open["incident_updates"];
    assert_eq!(all(updates, "body"), ["A card network answers late.", "About one in ten payments is refused."]);
    assert_eq!(updates[1]["affected_components"][0]["name"], "Platform - API");
    assert_eq!(read["maintenances"]["scheduled_maintenances"], json!([]));
    assert_eq!(read["upcoming"]["scheduled_maintenances"], json!([]));
    process.stop().await;
}

#[tokio::test]
async fn the_client_from_npm_reads_what_came_from_a_real_page() {
    let Some([components, incidents]) = real() else { return };
    let place = Place::new();
    let process = imported(&place, &components, &incidents).await;
    let seen = client_reads(&process).await;
    let mut names = all(&seen["components"]["components"], "name");
    let source = read(&components);
    let mut expected = all(&source["components"], "name");
    names.sort_unstable();
    expected.sort_unstable();
    assert!(expected.iter().all(|name| names.contains(name)), "{names:?}");
    assert_eq!(seen["status"]["page"]["id"], source["page"]["id"]);
    // The fifty newest, newest first.
    let source = read(&incidents);
    let list = source["incidents"].as_array().or(source.as_array()).unwrap();
    let is_incident = |incident: &&Value| incident["impact"] != "maintenance";
    let mut newest: Vec<_> = list.iter().filter(is_incident).map(|it| it["created_at"].as_str().unwrap()).collect();
    newest.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(all(&seen["incidents"]["incidents"], "created_at")[..5], newest[..5]);
    assert_eq!(seen["incidents"]["incidents"].as_array().unwrap().len(), 50);
    process.stop().await;
}

/// The lines that the exporter writes of a page.
async fn exported(place: &Place, process: &Process) -> String {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache/tidings");
    let cache = env::var_os("TIDINGS_CACHE").map_or_else(home, PathBuf::from);
    let program = cache.join("statuspage-prometheus-exporter/bin/statuspage-prometheus-exporter");
    assert!(program.is_file(), "{} is missing: `.ci/prepare test` installs it", program.display());
    let service = json!({ "page": { "name": "Page", "type": "status_page", "url": format!("{}/api/v2/summary.json", process.url) } });
    place.write("services.json", service.to_string());
    let mut command = Command::new(program);
    command.current_dir(&place.folder).env("RUN_MODE", "once").env("METRICS_TEXTFILE_PATH", "page.prom");
    output(&mut command).await;
    std::fs::read_to_string(place.folder.join("page.prom")).unwrap()
}

/// The value of the one line that begins so.
fn value(lines: &str, start: &str) -> String {
    let found: Vec<_> = lines.lines().filter(|line| line.starts_with(start)).collect();
    let [line] = found[..] else { panic!("{start} stands {} times in {lines}", found.len()) };
    line.rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_exporter_for_prometheus_reads_our_page() {
    let place = Place::new();
    let [components, incidents] = own();
    let process = imported(&place, &components, &incidents).await;
    let lines = exported(&place, &process).await;
    assert_eq!(value(&lines, "statuspage_service_status{"), "0.0");
    assert_eq!(value(&lines, "statuspage_probe_check{"), "1.0");
    for (name, works) in [("API", "0.0"), ("Webhooks", "1.0"), ("Website", "1.0")] {
        assert_eq!(value(&lines, &format!("statuspage_component_status{{component_name=\"{name}\"")), works);
    }
    let incident = lines.lines().find(|line| line.starts_with("statuspage_incident_info{")).unwrap();
    for label in ["incident0002", "Some payments are refused", "major", "API"] {
        assert!(incident.contains(label), "{label} is not in {incident}");
    }
    assert!(!lines.contains("incident0001"), "what is over is no open incident: {lines}");
    process.stop().await;
}

#[tokio::test]
async fn the_exporter_for_prometheus_reads_what_came_from_a_real_page() {
    let Some([components, incidents]) = real() else { return };
    let place = Place::new();
    let process = imported(&place, &components, &incidents).await;
    let lines = exported(&place, &process).await;
    assert_eq!(value(&lines, "statuspage_probe_check{"), "1.0");
    let source = read(&components);
    let mut expected: Vec<_> = all(&source["components"], "name");
    expected.sort_unstable();
    expected.dedup();
    for name in expected {
        assert!(lines.contains(&format!("component_name=\"{name}\"")), "{name} is not in {lines}");
    }
    process.stop().await;
}
