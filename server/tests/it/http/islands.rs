//! The two halves of the console's islands, built by what may be two compilers, mean the same things.

use std::collections::BTreeSet;

use domain::{i18n::Preferences, subscriber::Follows};
use server::{config::Settings, store::import::ImportRow};

use crate::support::app::TestApp;

/// The names of the islands in a page, which the browser looks for in `site.js`.
fn islands(html: &str) -> BTreeSet<String> {
    let names = html.split("data-component=\"").skip(1);
    names.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn every_island_can_wake() {
    // So slow that the broadcast is still on its way when it is looked at.
    let app = TestApp::with(Settings { mail_rate: Some("1/h".into()), ..Settings::default() }).await;
    let reader = |number| ImportRow {
        email: format!("reader{number}@example.com").parse().unwrap(),
        follows: Follows::everything(),
        preferences: Preferences::default(),
    };
    let mut write = app.state.store.write().await.unwrap();
    write.import_subscribers(&[1, 2, 3].map(reader), "test", app.state.clock.now()).await.unwrap();
    write.commit().await.unwrap();
    let owner = app.owner().await;
    let form = [
        ("name", "Slow"),
        ("status", "investigating"),
        ("body", "We are looking."),
        ("notify", "yes"),
        ("intent", "publish"),
    ];
    let published = owner.post("/admin/incidents/new", &form).await;
    let mut found = BTreeSet::new();
    let mut script = String::new();
    for path in ["/admin/incidents/new", published.location()] {
        let page = owner.get(path).await;
        found.extend(islands(&page.is(200).body));
        let (before, _) = page.body.split_once("/islands.js\"").unwrap();
        script = format!("{}/site.js", before.rsplit('"').next().unwrap());
    }
    assert!(found.len() >= 3, "too few islands were drawn: {found:?}");
    let script = app.visitor().get(&script).await;
    assert_eq!(script.status, 200, "the browser half is missing: run `cargo front`, then build again");
    for island in found {
        assert!(
            script.body.contains(&format!("export function {island}(")),
            "{island} is not in site.js: run `cargo front`"
        );
    }
}
