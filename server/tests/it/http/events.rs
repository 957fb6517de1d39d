//! Open pages hear of what is published.

use server::config::Settings;

use crate::support::{
    app::{TestApp, served_on_both},
    db::Database,
    form::Form,
    markup::tags,
};

served_on_both!(an_open_page_hears_of_a_publish_and_the_page_is_the_one_it_heard_of);

/// The version that a page says it is.
async fn version(app: &TestApp, path: &str) -> String {
    let page = app.visitor().get(path).await;
    let main = tags(&page.is(200).body).into_iter().find(|tag| tag.name == "main").unwrap();
    main.get("data-version").unwrap_or_else(|| panic!("{path} is not live")).to_owned()
}

async fn an_open_page_hears_of_a_publish_and_the_page_is_the_one_it_heard_of(app: TestApp) {
    let api = app.component("API").await;
    let owner = app.owner().await;
    let mut stream = app.visitor().listen().await;
    // At once, how things are: what is open already need not be fetched again.
    let first = stream.next().await.unwrap();
    assert_eq!(version(&app, "/").await, first);
    let id = Form::incident("Down").listing(&api, "major_outage").open(&owner).await;
    let second = stream.next().await.unwrap();
    assert!(second.parse::<i64>().unwrap() > first.parse().unwrap(), "{first}, {second}");
    for path in ["/", "/history", &format!("/incidents/{id}"), &format!("/components/{api}")] {
        assert_eq!(version(&app, path).await, second, "{path}");
    }
    Form::update("resolved", "Over.").say(&owner, &id).await;
    let third = stream.next().await.unwrap();
    assert_eq!(version(&app, "/").await, third);
    // Whoever comes back later hears the same.
    assert_eq!(app.visitor().listen().await.next().await, Some(third));
    app.stop().await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_stream_is_not_kept_by_anyone_on_its_way() {
    let app = TestApp::start().await;
    let answer = app.visitor().get("/events").await;
    assert_eq!(answer.is(200).header("content-type"), "text/event-stream");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert_eq!(answer.header("content-encoding"), "");
}

#[tokio::test]
async fn what_one_node_publishes_the_readers_of_another_hear() {
    let database = Database::postgres().await;
    let settings = Settings { database_url: Some(database.url.clone()), ..Settings::default() };
    let (here, there) = (TestApp::with(settings.clone()).await, TestApp::with(settings).await);
    let owner = here.owner().await;
    let mut stream = there.visitor().listen().await;
    stream.next().await.unwrap();
    Form::incident("Down").open(&owner).await;
    let wanted = version(&here, "/").await;
    while stream.next().await.unwrap() != wanted {}
    assert_eq!(version(&there, "/").await, wanted);
    drop((here, there));
    database.drop().await;
}

#[tokio::test]
async fn an_open_page_hears_that_the_store_is_lost_so_that_it_does_not_stay_green() {
    let app = TestApp::start().await;
    app.component("API").await;
    let mut stream = app.visitor().listen().await;
    let live = version(&app, "/").await;
    app.state.store.close().await;
    let mut heard = stream.next().await.unwrap();
    while !heard.ends_with("-stale") {
        heard = stream.next().await.unwrap();
    }
    assert_eq!(heard, format!("{live}-stale"));
    assert_eq!(version(&app, "/").await, heard);
}
