//! What the owner makes of the page.

use serde_json::Value;

use crate::support::{
    app::{TestApp, served_on_both},
    markup::{assert_nothing_inline, tags},
};

served_on_both!(what_the_owner_chooses_is_on_the_page_at_once);

async fn what_the_owner_chooses_is_on_the_page_at_once(app: TestApp) {
    let (owner, visitor) = (app.owner().await, app.visitor());
    visitor.get("/").await.is(200).never_says("/accent/").never_says("Get help");
    let form = [
        ("name", "Acme Status"),
        ("time_zone", "Europe/Paris"),
        ("accent", "#FFD000"),
        ("links", "Terms & <conditions> https://example.com/terms?a=1&b=2\nMail us mailto:us@example.com"),
        ("support", "https://example.com/help"),
    ];
    owner.post("/admin/settings", &form).await.is(303);
    let page = visitor.get("/").await;
    page.says("Acme Status").says("Terms &amp; &lt;conditions&gt;").says("Get help");
    assert_nothing_inline("/", &page.body);
    let found = tags(&page.body);
    let links: Vec<_> = found.iter().filter_map(|tag| tag.get("href")).collect();
    for address in ["https://example.com/terms?a=1&b=2", "mailto:us@example.com", "https://example.com/help"] {
        assert!(links.contains(&address), "no {address} in {links:?}");
    }
    assert!(links.contains(&"/accent/ffd000.css"), "{links:?}");
    let css = visitor.get("/accent/ffd000.css").await;
    assert_eq!(
        (css.is(200).header("content-type"), css.header("x-content-type-options")),
        ("text/css; charset=utf-8", "nosniff")
    );
    css.says("--accent: #ffd000;").says("prefers-color-scheme: dark");
    // Too bright to be read on white: made darker there.
    assert!(!css.body.starts_with(":root { --accent: #ffd000;"), "{}", css.body);
    let v2: Value = serde_json::from_str(&visitor.get("/api/v2/status.json").await.is(200).body).unwrap();
    assert_eq!(v2["page"]["time_zone"], "Europe/Paris");
    let shown = owner.get("/admin/settings").await;
    shown.says("value=\"#ffd000\"").says("Mail us mailto:us@example.com").says("value=\"Europe/Paris\" selected");
    let rows = app.state.store.audit_rows(0, 100).await.unwrap();
    let row = rows.iter().find(|row| row.action == "settings.change").unwrap();
    let said = "name: Status → Acme Status · time zone: UTC → Europe/Paris · accent: none → #ffd000 · \
                help: none → https://example.com/help · \
                link Terms & <conditions>: none → https://example.com/terms?a=1&b=2 · \
                link Mail us: none → mailto:us@example.com";
    assert_eq!(row.detail, said);
    // The same once more changes nothing, so nothing is noted.
    owner.post("/admin/settings", &form).await.is(303);
    assert_eq!(app.state.store.audit_rows(0, 100).await.unwrap().len(), rows.len());

    owner.post("/admin/settings", &[("name", "Acme Status")]).await.is(303);
    visitor.get("/").await.never_says("/accent/").never_says("Get help").never_says("Terms");
}

#[tokio::test]
async fn settings_that_are_wrong_come_back_as_they_were_typed() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = [
        ("name", ""),
        ("time_zone", "Mars/Base"),
        ("accent", "sky blue"),
        ("links", "Run javascript:alert(1)\n</textarea><script>alert(2)</script>"),
        ("support", "http://example.com"),
    ];
    let answer = owner.post("/admin/settings", &form).await;
    answer.is(422).says("value=\"sky blue\"").says("javascript:alert(1)\n&lt;/textarea&gt;").says("Line 1: ");
    answer.says("value=\"http://example.com\"").says("There is no time zone “Mars/Base”");
    assert_nothing_inline("/admin/settings", &answer.body);
    assert_eq!(app.state.store.setting("accent").await.unwrap(), None);
    for path in ["/accent/sky.css", "/accent/FFD000.css", "/accent/ffd000", "/accent/%23ffd000.css"] {
        app.visitor().get(path).await.is(404);
    }
}
