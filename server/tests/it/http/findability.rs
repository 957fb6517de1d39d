//! What search engines, link previews and other people's pages read.

use server::config::Settings;

use crate::support::{
    app::{TestApp, served_on_both},
    form::Form,
};

served_on_both!(the_sitemap_lists_every_public_page_with_its_last_change);

async fn the_sitemap_lists_every_public_page_with_its_last_change(app: TestApp) {
    let (api, gone) = (app.component("API").await, app.component("Gone").await);
    let (owner, visitor) = (app.owner().await, app.visitor());
    let old = Form::incident("Long ago").with("status", "resolved").with("display_at", "2020-02-29 10:12 UTC");
    let (old, new) = (old.open(&owner).await, Form::incident("Now").open(&owner).await);
    owner.post(&format!("/admin/components/{gone}/delete"), &[]).await.is(303);
    let (told, desk) = (format!("/postmortems/{old}"), format!("/admin/incidents/{old}/postmortem"));
    Form::postmortem(0, "Words.").post(&owner, &desk).await.is(303);
    visitor.get("/sitemap.xml").await.is(200).never_says("/postmortems/");
    Form::postmortem(1, "Words.").with("intent", "publish").post(&owner, &desk).await.is(303);
    let map = visitor.get("/sitemap.xml").await;
    assert_eq!(map.is(200).header("content-type"), "application/xml; charset=utf-8");
    let pages = ["/", "/history", "/history/2020-02"].map(str::to_owned);
    let incidents = [&old, &new].map(|id| format!("/incidents/{id}"));
    for path in pages.into_iter().chain(incidents).chain([format!("/components/{api}"), told]) {
        map.says(&format!("<loc>{}{path}</loc><lastmod>20", app.url));
        visitor.get(&path).await.is(200);
    }
    // A page on the way from one month to the next is listed as well, though nothing ever changed there.
    map.says(&format!("<url><loc>{}/history/2020-03</loc></url>", app.url));
    visitor.get("/history/2020-03").await.is(200);
    map.never_says("/history/2020-01").never_says(gone.as_str()).never_says("/admin");
    let modified = map.header("last-modified").to_owned();
    visitor.get_with("/sitemap.xml", &[("if-modified-since", &modified)]).await.is(304);
}

#[tokio::test]
async fn a_link_preview_has_a_picture_that_says_nothing_of_how_things_are() {
    let app = TestApp::start().await;
    let visitor = app.visitor();
    let head = visitor.get("/").await;
    head.says(&format!("property=\"og:image\" content=\"{}/share.png\"", app.url));
    let picture = visitor.get("/share.png").await;
    assert_eq!(picture.is(200).header("content-type"), "image/png");
    // What a secret link leads to is shown to nobody else.
    visitor.get("/manage").await.never_says("og:image");
}

#[tokio::test]
async fn robots_are_shown_the_map_and_kept_from_what_is_not_public() {
    let settings = Settings { public_url: Some("https://status.example.com".to_owned()), ..Settings::default() };
    let app = TestApp::with(settings).await;
    let robots = app.visitor().get("/robots.txt").await;
    assert_eq!(robots.is(200).header("content-type"), "text/plain; charset=utf-8");
    robots.says("\nSitemap: https://status.example.com/sitemap.xml\n");
    for folder in ["/admin", "/confirm/", "/manage/", "/unsubscribe/"] {
        robots.says(&format!("\nDisallow: {folder}\n"));
    }
}

#[tokio::test]
async fn the_badge_says_how_things_are_and_is_not_sent_twice() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    let badge = visitor.get("/badge.svg").await;
    assert_eq!(badge.is(200).header("content-type"), "image/svg+xml");
    badge.says(">All systems operational</text>").says("<title id=\"name\">Status: All systems operational</title>");
    let tag = badge.header("etag").to_owned();
    visitor.get_with("/badge.svg", &[("if-none-match", &tag)]).await.is(304);
    Form::incident("Down").listing(&api, "major_outage").open(&owner).await;
    let badge = visitor.get_with("/badge.svg", &[("if-none-match", &tag)]).await;
    badge.is(200).says(">All systems are down</text>").never_says("operational");
}
