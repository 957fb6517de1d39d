//! A component's own page and feeds.

use serde_json::Value;

use crate::support::{
    app::{TestApp, served_on_both},
    form::Form,
};

served_on_both!(a_component_has_a_page_and_feeds_of_what_concerns_it);

async fn a_component_has_a_page_and_feeds_of_what_concerns_it(app: TestApp) {
    let group = app.group("Platform").await;
    let (api, web) = (app.component_in("API", Some(group)).await, app.component("Website").await);
    let (owner, visitor) = (app.owner().await, app.visitor());
    let page = format!("/components/{api}");
    visitor.get("/").await.says(&format!("<a href=\"{page}\">API</a>"));
    visitor.get(&page).await.is(200).says("Operational").says("Platform").says("Nothing reported");

    let id = Form::incident("API is slow").listing(&api, "degraded_performance").open(&owner).await;
    Form::incident("Website is down").listing(&web, "major_outage").open(&owner).await;
    visitor.get(&page).await.says("Degraded performance").says("API is slow").never_says("Website is down");
    Form::update("identified", "We found the cause.").say(&owner, &id).await;
    Form::update("resolved", "All is well.").with("restore", "1").say(&owner, &id).await;
    visitor.get(&page).await.says("Operational").says("lasted").says("All is well.").never_says("Open incidents");

    // The same entries as in the feeds of every update, under the same ids, also of an update that does not list it.
    let all: Value = serde_json::from_str(&visitor.get("/updates.json").await.body).unwrap();
    let feed = visitor.get(&format!("{page}.json")).await;
    assert_eq!(feed.is(200).header("content-type"), "application/feed+json");
    let feed: Value = serde_json::from_str(&feed.body).unwrap();
    assert_eq!(feed["feed_url"], format!("{}{page}.json", app.url));
    let items = feed["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|item| all["items"].as_array().unwrap().contains(item)), "{feed}");
    for ending in ["atom", "rss"] {
        let path = format!("{page}.{ending}");
        let feed = visitor.get(&path).await;
        feed.is(200).says("We found the cause.").says("All is well.").never_says("Website is down");
        feed.says(&format!("{}{path}", app.url));
        assert!(feed.header("content-type").starts_with(&format!("application/{ending}+xml")));
    }
    for path in [page.clone(), format!("{page}.atom"), format!("{page}.rss"), format!("{page}.json")] {
        let known = visitor.get(&path).await.header("etag").to_owned();
        visitor.get_with(&path, &[("if-none-match", &known)]).await.is(304);
    }
    let modified = visitor.get(&format!("{page}.atom")).await.header("last-modified").to_owned();
    visitor.get_with(&format!("{page}.atom"), &[("if-modified-since", &modified)]).await.is(304);

    // Deleted, it is gone at once, and what past incidents say of it stays.
    owner.post(&format!("/admin/components/{api}/delete"), &[]).await.is(303);
    for ending in ["", ".atom", ".rss", ".json"] {
        visitor.get(&format!("{page}{ending}")).await.is(404).says("This page does not exist");
    }
    visitor.get(&format!("/incidents/{id}")).await.is(200).says("Platform - API");
}

#[tokio::test]
async fn what_is_no_component_is_not_found() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let visitor = app.visitor();
    for name in ["000000000000", "000000000000.atom", "nonsense", "%00", &format!("{api}."), &format!("{api}.xml")] {
        visitor.get(&format!("/components/{name}")).await.is(404).says("This page does not exist");
    }
}
