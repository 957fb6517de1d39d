//! Feeds as others read them: validated against RFC 4287 by Jing, read by feedparser, and JSON Feed by its field list.

use std::{collections::BTreeSet, process::Stdio};

use domain::month::Month;
use jiff::SignedDuration;
use serde::Deserialize;
use server::import::{Files, statuspage};
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::FEEDS;
use crate::support::{app::TestApp, client::Answer, form::Form, statuspage::corpus};

/// What is hard to write down in any format.
const AWKWARD: &str = "5 < 6 && \"quotes\" ]]> <script>alert(1)</script> 🔥 \u{202e}é\u{301}\u{c}";

/// Four years of real incidents, where they are; the server knows of them at once.
async fn with_history(app: &TestApp) -> bool {
    let Some(folder) = corpus("statuspage") else { return false };
    let incidents = Some(folder.join("github-incidents-2020-2023.json"));
    let files = Files { incidents, ..Files::default() };
    statuspage(&app.state.store, &app.state.clock, &files, |_| ()).await.unwrap();
    app.state.published(app.state.store.page_version().await.unwrap().0);
    true
}

/// Runs a program on a text and gives what it says.
async fn pipe(program: &str, arguments: &[&str], text: &str, install: &str) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}: `apt-get install {install}`"));
    child.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy);
    assert!(output.status.success(), "{program} says {} {} of {text}", said[0], said[1]);
    said[0].clone().into_owned()
}

/// Fails unless RFC 4287 allows it.
async fn is_valid_atom(app: &TestApp, document: &str) {
    let folder = app.state.config().data.clone();
    let schema = folder.join("atom.rnc");
    let file = folder.join(format!("{:016x}.atom", rand::random::<u64>()));
    std::fs::write(&schema, include_str!("atom.rnc")).unwrap();
    std::fs::write(&file, document).unwrap();
    let paths = [schema.to_str().unwrap(), file.to_str().unwrap()];
    pipe("jing", &["-c", paths[0], paths[1]], "", "jing").await;
    let contents = |element: &str| {
        let start = format!("<{element}>");
        document.split(&start).skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for time in [contents("updated"), contents("published")].concat() {
        assert!(time.parse::<jiff::Timestamp>().is_ok() && time.as_bytes()[10] == b'T', "{time}");
    }
    assert!(contents("id").iter().all(|id| id.starts_with("tag:")), "{document}");
    assert!(document.contains("rel=\"self\""), "{document}");
}

#[derive(Deserialize)]
struct Understood {
    version: String,
    title: String,
    entries: Vec<UnderstoodEntry>,
}

#[derive(Deserialize)]
struct UnderstoodEntry {
    id: String,
    title: String,
    link: String,
    published_parsed: Vec<i64>,
}

async fn understood(answer: &Answer) -> Understood {
    let arguments = ["-c", include_str!("feedparser.py"), answer.header("content-type")];
    // Debian's own, which has Debian's packages.
    let said = pipe("/usr/bin/python3", &arguments, &answer.body, "python3-feedparser").await;
    serde_json::from_str(&said).unwrap()
}

/// JSON Feed 1.1, as far as ours goes: <https://www.jsonfeed.org/version/1.1/>.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonFeed {
    version: String,
    title: String,
    home_page_url: String,
    feed_url: String,
    language: String,
    authors: Vec<JsonAuthor>,
    items: Vec<JsonItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonAuthor {
    name: String,
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonItem {
    id: String,
    url: String,
    title: String,
    content_html: String,
    date_published: jiff::Timestamp,
    date_modified: jiff::Timestamp,
}

/// Every feed of this page is valid, and holds so many entries.
async fn are_valid(app: &TestApp, incidents: usize, updates: usize) {
    for path in FEEDS {
        is_valid(app, path, if path.starts_with("/history") { incidents } else { updates }).await;
    }
}

async fn is_valid(app: &TestApp, path: &str, count: usize) {
    // The next word after another comes a millisecond later, even within the same one.
    let now = app.state.clock.now().checked_add(SignedDuration::from_secs(1)).unwrap();
    let answer = app.visitor().get(path).await;
    answer.is(200);
    let (_, kind) = path.rsplit_once('.').unwrap();
    let ids: BTreeSet<String> = if kind == "json" {
        let feed: JsonFeed = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(feed.version, "https://jsonfeed.org/version/1.1");
        assert_eq!(feed.feed_url, format!("{}{path}", app.url));
        assert_eq!((feed.home_page_url, feed.language.as_str()), (format!("{}/", app.url), "en"));
        assert!(!feed.title.is_empty() && !feed.authors[0].name.is_empty() && feed.authors[0].url == app.url);
        assert_eq!(feed.items.len(), count);
        for item in &feed.items {
            assert!(item.url.starts_with(&app.url) && !item.title.is_empty(), "{}", item.id);
            assert!(item.date_published <= now && item.date_modified <= now, "{}", item.id);
            assert!(!item.content_html.contains("<script"), "{}", item.content_html);
        }
        feed.items.into_iter().map(|item| item.id).collect()
    } else {
        if kind == "atom" {
            is_valid_atom(app, &answer.body).await;
        }
        let feed = understood(&answer).await;
        assert_eq!(feed.version, if kind == "atom" { "atom10" } else { "rss20" }, "{path}");
        assert!(!feed.title.is_empty());
        assert_eq!(feed.entries.len(), count, "{path}");
        for entry in &feed.entries {
            assert!(entry.link.starts_with(&app.url) && !entry.title.is_empty(), "{path}: {}", entry.id);
            assert!(entry.published_parsed.len() >= 6, "{path}: {}", entry.id);
        }
        feed.entries.into_iter().map(|entry| entry.id).collect()
    };
    assert_eq!(ids.len(), count, "{path}: two entries have one id");
}

#[tokio::test]
async fn feeds_are_valid_with_nothing_in_them_and_with_the_worst() {
    let app = TestApp::start().await;
    are_valid(&app, 0, 0).await;
    let api = app.component(AWKWARD).await;
    let owner = app.owner().await;
    let id = Form::incident(AWKWARD).with("body", AWKWARD).listing(&api, "major_outage").open(&owner).await;
    Form::update(
        "resolved",
        "| a | b |\n|---|---|\n| [x](https://example.com/?a=1&b=2) | `]]>` |\n\n[^1]\n\n[^1]: <b>",
    )
    .listing(&api, "operational")
    .say(&owner, &id)
    .await;
    are_valid(&app, 1, 2).await;
    for kind in ["atom", "rss", "json"] {
        is_valid(&app, &format!("/components/{api}.{kind}"), 2).await;
    }
}

#[tokio::test]
async fn feeds_of_four_real_years_are_valid() {
    let app = TestApp::start().await;
    if with_history(&app).await {
        are_valid(&app, 50, 100).await;
    }
}

#[tokio::test]
async fn every_month_of_four_real_years_lists_its_incidents_and_no_others() {
    let app = TestApp::start().await;
    if !with_history(&app).await {
        return;
    }
    let visitor = app.visitor();
    let incidents = app.state.store.recent_incidents(1_000).await.unwrap();
    let mut count = 0;
    for year in 2020..=2023 {
        for month in 1..=12 {
            let month: Month = format!("{year}-{month:02}").parse().unwrap();
            let began =
                |incident: &&domain::incident::Incident| Month::of(incident.standing().unwrap().started_at) == month;
            let expected: BTreeSet<_> =
                incidents.iter().filter(began).map(|incident| incident.id.to_string()).collect();
            let page = visitor.get(&format!("/history/{month}")).await;
            let links = page.is(200).body.split("href=\"/incidents/").skip(1);
            let listed: BTreeSet<_> = links.map(|rest| rest.chars().take(12).collect::<String>()).collect();
            assert_eq!(listed, expected, "{month}");
            count += expected.len();
        }
    }
    assert_eq!(count, 381);
}
