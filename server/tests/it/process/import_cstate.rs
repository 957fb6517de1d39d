//! `tidings import cstate`

use std::{collections::BTreeSet, fs};

use server::store::Store;

use crate::support::{
    client::Client,
    db::Database,
    process::Place,
    statuspage::{ComponentsDocument, Summary, corpus},
};

/// What a file of the corpus says, read line by line without knowing what YAML is.
struct Raw {
    title: String,
    date: jiff::Timestamp,
    resolved_when: jiff::Timestamp,
    affected: BTreeSet<String>,
    body: String,
}

impl Raw {
    fn read(text: &str) -> Self {
        let (head, body) = text.trim_start_matches("---\n").split_once("\n---\n").unwrap();
        let value = |field: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(field)).unwrap();
            line.trim_start_matches(':').trim().trim_matches('"').to_owned()
        };
        let affected = head.lines().filter_map(|line| line.strip_prefix("  - ").map(|name| name.trim().to_lowercase()));
        Self {
            title: value("title"),
            date: instant(&value("date")),
            resolved_when: instant(&value("resolvedWhen")),
            affected: affected.collect(),
            body: body.trim().to_owned(),
        }
    }
}

/// Field by field, by arithmetic: `2021-06-02 11:16:00`, `2021-06-02T9:16:00+02:00` …
fn instant(text: &str) -> jiff::Timestamp {
    let numbers: Vec<i64> = text.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse().unwrap()).collect();
    let date = jiff::civil::date(
        i16::try_from(numbers[0]).unwrap(),
        i8::try_from(numbers[1]).unwrap(),
        i8::try_from(numbers[2]).unwrap(),
    );
    let days = date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24;
    let sign = if text[10..].contains('-') { -1 } else { 1 };
    let offset = numbers.get(6).map_or(0, |hours| sign * (hours * 3600 + numbers[7] * 60));
    let second = days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5] - offset;
    jiff::Timestamp::from_second(second).unwrap()
}

#[tokio::test]
async fn a_real_site_comes_out_as_it_went_in_on_sqlite() {
    a_real_site(Place::new()).await;
}

#[tokio::test]
async fn a_real_site_comes_out_as_it_went_in_on_postgres() {
    let database = Database::postgres().await;
    a_real_site(Place::new().with("TIDINGS_DATABASE_URL", &database.url)).await;
    database.drop().await;
}

async fn a_real_site(place: Place) {
    let Some(folder) = corpus("cstate").map(|folder| folder.join("packit")) else { return };
    let mut files: Vec<_> =
        fs::read_dir(folder.join("content/issues")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 108);
    let import = ["import", "cstate", folder.to_str().unwrap()];
    let first = place.run(&import).await;
    // One has no first `---`, one ended before it began; both go in.
    let remarks: Vec<_> = first.stderr.lines().filter(|line| line.contains(".md:")).map(str::to_owned).collect();
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert!(remarks[0].starts_with("content/issues/2023-09-05-copr-outage.md:"), "{remarks:?}");
    assert!(remarks[1].starts_with("content/issues/2023-10-31-release-monitoring.org-outage.md:1:"), "{remarks:?}");
    // Three categories and ten systems.
    assert_eq!(first.ok(), "121 created, 0 updated, 0 unchanged, 0 refused\n");
    assert_eq!(place.run(&import).await.ok(), "0 created, 0 updated, 121 unchanged, 0 refused\n");

    let store = Store::connect(&place.database_url()).await.unwrap();
    let incidents = store.recent_incidents(1_000).await.unwrap();
    let said = store.said_of(incidents.iter().map(|incident| &incident.id)).await.unwrap();
    let records = store.component_records().await.unwrap();
    store.close().await;
    assert_eq!(incidents.len(), 108);
    for file in &files {
        let raw = Raw::read(&fs::read_to_string(file).unwrap());
        let name = file.display();
        let same = |incident: &&domain::incident::Incident| {
            let first = incident.updates.last().unwrap();
            incident.name == raw.title && first.body == raw.body && first.display_at == raw.date
        };
        let incident = incidents.iter().find(same).unwrap_or_else(|| panic!("{name} is missing"));
        let standing = incident.standing().unwrap();
        let told = said.get(&incident.id).map_or(standing, |said| said.correct(standing));
        assert_eq!((standing.started_at, told.resolved_at), (raw.date, Some(raw.resolved_when)), "{name}");
        assert_eq!(standing.resolved_at, Some(raw.resolved_when.max(raw.date)), "{name}");
        let affected = incident.affected();
        let names: BTreeSet<_> = affected
            .iter()
            .map(|affected| records.iter().find(|record| record.component.id == affected.component).unwrap())
            .map(|record| record.component.name.to_lowercase())
            .collect();
        assert_eq!(names, raw.affected, "{name}");
    }

    let process = place.serve().await;
    let visitor = Client::new(&process.url);
    let components: ComponentsDocument =
        serde_json::from_str(&visitor.get("/api/v2/components.json").await.is(200).body).unwrap();
    let groups: Vec<_> = components.components.iter().filter(|component| component.group).collect();
    let shape: Vec<_> =
        groups.iter().map(|group| (group.name.as_str(), group.components.as_ref().unwrap().len())).collect();
    assert_eq!(shape, [("Core", 3), ("External Upstream Systems", 4), ("External Downstream Systems", 3)]);
    let summary: Summary = serde_json::from_str(&visitor.get("/api/v2/summary.json").await.is(200).body).unwrap();
    assert_eq!((summary.incidents.len(), summary.status.description.as_str()), (0, "All Systems Operational"));
    assert!(!place.folder.join("data/outbox").exists(), "somebody was mailed");
    process.stop().await;
}

#[tokio::test]
async fn bad_issues_are_named_with_their_line_and_changed_ones_are_brought_up_to_date() {
    let place = Place::new();
    fs::create_dir_all(place.folder.join("site/content/issues")).unwrap();
    place.write("site/config.toml", "[params]\n[[params.systems]]\nname = \"API\"\n");
    place.write(
        "site/content/issues/open.md",
        "---\ntitle: Down\ndate: 2024-01-01 10:00\nseverity: down\naffected: [API, Old]\n---\nWe look.",
    );
    place.write("site/content/issues/bad.md", "---\ntitle: Bad\ndate: tomorrow\n---\nx");
    place.write("site/content/issues/worse.md", "---\ntitle: [\n---\nx");
    place.write("site/content/issues/_index.md", "not an issue");
    let import = ["import", "cstate", "site"];
    let first = place.run(&import).await;
    let lines: Vec<_> = first.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("content/issues/bad.md:3: date: “tomorrow”"), "{lines:?}");
    assert!(lines[1].starts_with("content/issues/worse.md:"), "{lines:?}");
    assert_eq!(first.ok(), "2 created, 0 updated, 0 unchanged, 2 refused\n");
    let process = place.serve().await;
    let visitor = Client::new(&process.url);
    let summary: Summary = serde_json::from_str(&visitor.get("/api/v2/summary.json").await.is(200).body).unwrap();
    assert_eq!((summary.incidents.len(), summary.components.len()), (1, 1));
    assert_eq!(summary.status.description, "Major System Outage");
    process.stop().await;

    let over = "---\ntitle: Down\ndate: 2024-01-01 10:00\nresolved: true\nresolvedWhen: 2024-01-01 11:00\nseverity: down\naffected: [API, Old]\n---\nWe look.";
    place.write("site/content/issues/open.md", over);
    assert_eq!(place.run(&import).await.ok(), "0 created, 2 updated, 0 unchanged, 2 refused\n");
    let process = place.serve().await;
    let visitor = Client::new(&process.url);
    let summary: Summary = serde_json::from_str(&visitor.get("/api/v2/summary.json").await.is(200).body).unwrap();
    assert_eq!((summary.incidents.len(), summary.status.description.as_str()), (0, "All Systems Operational"));
    process.stop().await;
    let said = place.run(&["import", "cstate", "nowhere"]).await.failed_with(1);
    assert!(said.contains("nowhere"), "{said}");
}
