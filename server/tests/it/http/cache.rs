//! Public pages as bytes: the same for everyone, new at once, and there even when the store is not.

use std::{
    io::{Read, Write as _},
    time::Duration,
};

use domain::{ids::SubscriberId, subscriber::Follows, token::Purpose};
use jiff::SignedDuration;
use server::{actions::subscriptions, config::Settings};

use super::FEEDS;
use crate::support::{
    app::TestApp,
    client::{Answer, Client},
    db::Database,
    form::Form,
};

/// Asks until the page says something.
async fn eventually(client: &Client, path: &str, words: &str) -> Answer {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let answer = client.get(path).await;
        if answer.body.contains(words) {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "{path} never said {words:?}: {}", answer.body);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn whoever_has_the_page_already_is_told_so_until_it_changes() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = Form::incident("Down").open(&owner).await;
    let incident = format!("/incidents/{id}");
    let visitor = app.visitor();
    let paths: Vec<_> = FEEDS.into_iter().chain(["/", incident.as_str()]).collect();
    let mut tags = Vec::new();
    for path in &paths {
        let first = visitor.get(path).await;
        let tag = first.is(200).header("etag").to_owned();
        assert!(tag.len() > 10, "{path}: {tag}");
        assert!(first.header("vary").eq_ignore_ascii_case("accept-encoding"), "{path}");
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let again = visitor.get_with(path, &[("if-none-match", &known)]).await;
            assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag.as_str()), "{path}");
        }
        visitor.get_with(path, &[("if-none-match", "\"other\"")]).await.is(200);
        tags.push(tag);
    }
    for feed in FEEDS {
        let modified = visitor.get(feed).await.header("last-modified").to_owned();
        assert!(modified.ends_with("GMT"), "{feed}: {modified}");
        visitor.get_with(feed, &[("if-modified-since", &modified)]).await.is(304);
        visitor.get_with(feed, &[("if-modified-since", "Mon, 05 Feb 2001 10:12:00 GMT")]).await.is(200);
    }
    Form::update("identified", "Found it.").say(&owner, &id).await;
    for (path, tag) in paths.iter().zip(&tags) {
        let answer = visitor.get_with(path, &[("if-none-match", tag)]).await;
        answer.is(200).says("Found it.");
    }
}

#[tokio::test]
async fn every_encoding_holds_the_same_bytes() {
    let app = TestApp::start().await;
    app.component("API").await;
    let owner = app.owner().await;
    let id = Form::incident("Down").open(&owner).await;
    let incident = format!("/incidents/{id}");
    let visitor = app.visitor();
    for path in FEEDS.into_iter().chain(["/", incident.as_str()]) {
        let [plain, brotli] = every_encoding(&visitor, path).await;
        // Different bytes, different tags (RFC 9110, section 8.8.3.3).
        assert_ne!(plain.header("etag"), brotli.header("etag"), "{path}");
    }
}

/// Asks for a page in every encoding; gives the plain answer and the smallest.
async fn every_encoding(visitor: &Client, path: &str) -> [Answer; 2] {
    let plain = visitor.get(path).await;
    assert_eq!(plain.header("content-encoding"), "", "{path}");
    let gzip = visitor.get_with(path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(gzip.header("content-encoding"), "gzip", "{path}");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(gzip.bytes.as_slice()).read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, plain.bytes, "{path}");
    let brotli = visitor.get_with(path, &[("accept-encoding", "gzip, deflate, br")]).await;
    assert_eq!(brotli.header("content-encoding"), "br", "{path}");
    let mut decoder = brotli::DecompressorWriter::new(Vec::new(), 4096);
    decoder.write_all(&brotli.bytes).unwrap();
    assert_eq!(decoder.into_inner().unwrap(), plain.bytes, "{path}");
    for answer in [&plain, &gzip, &brotli] {
        assert!(answer.header("vary").eq_ignore_ascii_case("accept-encoding"), "{path}");
    }
    [plain, brotli]
}

#[tokio::test]
async fn a_form_with_many_components_is_small_on_its_way_and_the_console_is_not_compressed() {
    let app = TestApp::start().await;
    for number in 0..100 {
        app.component(&format!("A component with a name of some length, number {number}")).await;
    }
    app.followers(&["reader@example.com"], &Follows::everything()).await;
    let reader = app.state.store.subscriber(SubscriberId(1)).await.unwrap().unwrap();
    let manage = format!("/manage/{}", subscriptions::link(&app.state, Purpose::Manage, &reader));
    let visitor = app.visitor();
    for path in ["/subscribe", "/manage", &manage] {
        let [plain, brotli] = every_encoding(&visitor, path).await;
        assert!(brotli.bytes.len() * 2 < plain.bytes.len(), "{path}: {}", brotli.bytes.len());
    }
    let wrong = [("email", "nobody"), ("everything", "1")];
    let answer =
        visitor.post_with("/subscribe", &[("sec-fetch-site", "same-origin"), ("accept-encoding", "br")], &wrong).await;
    assert_eq!((answer.status, answer.header("content-encoding")), (422, "br"));
    let owner = app.owner().await;
    for path in ["/admin", "/admin/incidents/new", "/admin/subscribers"] {
        let answer = owner.get_with(path, &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(answer.is(200).header("content-encoding"), "", "{path}");
    }
}

#[tokio::test]
async fn fifty_readers_at_once_see_one_page() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let owner = app.owner().await;
    let visitor = app.visitor();
    visitor.get("/").await.says("All systems operational");
    Form::incident("Down").listing(&api, "major_outage").open(&owner).await;
    let answers = futures_util::future::join_all((0..50).map(|_| visitor.get("/"))).await;
    for answer in &answers {
        answer.is(200).says("All systems are down");
        assert_eq!(answer.header("etag"), answers[0].header("etag"));
    }
}

#[tokio::test]
async fn the_time_on_the_page_moves_even_when_nothing_happens() {
    let app = TestApp::start().await;
    app.component("API").await;
    let visitor = app.visitor();
    let first = visitor.get("/").await;
    app.state.clock.advance(SignedDuration::from_mins(2));
    assert_ne!(first.body, visitor.get("/").await.body);
}

#[tokio::test]
async fn a_page_whose_store_is_lost_is_served_as_of_then_and_is_never_green() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let owner = app.owner().await;
    let id = Form::incident("Slow").with("status", "monitoring").listing(&api, "operational").open(&owner).await;
    let visitor = app.visitor();
    let (incident, component) = (format!("/incidents/{id}"), format!("/components/{api}"));
    let feed = format!("{component}.json");
    for path in ["/", &incident, &component, "/history", "/history.atom", &feed, "/badge.svg", "/sitemap.xml"] {
        visitor.get(path).await.is(200);
    }
    app.state.store.close().await;
    let page = eventually(&visitor, "/", "we cannot confirm the present state").await;
    page.is(200).says("As of").says("Current state not known").says("Not confirmed").says("Slow");
    page.never_says("All systems operational").never_says("data-status=\"operational\"");
    eventually(&visitor, &incident, "we cannot confirm the present state").await.is(200).says("Slow");
    for path in ["/history", &component] {
        let page = eventually(&visitor, path, "we cannot confirm the present state").await;
        page.is(200).says("As of").says("Slow").never_says("data-status=\"operational\"");
    }
    eventually(&visitor, "/badge.svg", "Current state not known").await.is(200).never_says("operational");
    for path in ["/history.atom", &feed, "/sitemap.xml"] {
        visitor.get(path).await.is(200).says(if path.ends_with("xml") { &incident } else { "Slow" });
    }
    // What nobody has seen before cannot be shown, and that is said.
    for path in ["/history.rss", &format!("{component}.atom"), "/history/2020-01", "/incidents/000000000000"] {
        visitor.get(path).await.is(503).says("The status cannot be read just now");
    }
    visitor.get("/readyz").await.is(503).says("the store cannot be reached");
    visitor.get("/healthz").await.is(200);
    owner.get("/admin").await.is(503);
    let form = [("email", "reader@example.com"), ("everything", "1")];
    visitor.post("/subscribe", &form).await.is(503).never_says("Check your inbox");
}

#[tokio::test]
async fn a_page_recovers_with_its_store() {
    let database = Database::postgres().await;
    let settings = Settings { database_url: Some(database.url.clone()), ..Settings::default() };
    let app = TestApp::with(settings).await;
    let api = app.component("API").await;
    let owner = app.owner().await;
    let visitor = app.visitor();
    visitor.get("/").await.says("All systems operational");
    database.cut_off().await;
    eventually(&visitor, "/", "we cannot confirm the present state")
        .await
        .is(200)
        .never_says("All systems operational");
    visitor.get("/readyz").await.is(503);
    database.let_in().await;
    eventually(&visitor, "/", "All systems operational").await.is(200).never_says("cannot confirm");
    eventually(&visitor, "/readyz", "ready").await.is(200);
    Form::incident("Down").listing(&api, "major_outage").open(&owner).await;
    visitor.get("/").await.says("All systems are down");
    drop(app);
    database.drop().await;
}

#[tokio::test]
async fn what_one_node_publishes_another_shows_within_a_second_or_so() {
    let database = Database::postgres().await;
    let settings = Settings { database_url: Some(database.url.clone()), ..Settings::default() };
    let (here, there) = (TestApp::with(settings.clone()).await, TestApp::with(settings).await);
    let api = here.component("API").await;
    eventually(&there.visitor(), "/", "All systems operational").await;
    Form::incident("Down").listing(&api, "major_outage").open(&here.owner().await).await;
    eventually(&there.visitor(), "/", "All systems are down").await;
    drop((here, there));
    database.drop().await;
}
