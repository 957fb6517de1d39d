//! API keys in the console: made, shown once, warned of, revoked.

use jiff::SignedDuration;
use server::actions::keys;

use crate::support::{app::TestApp, markup::unescape};

/// The token on the page that shows it.
fn token(page: &str) -> String {
    let start = page.find(">tdg_").unwrap_or_else(|| panic!("no token in {page}")) + 1;
    page[start..].split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_keys_token_is_shown_once_and_kept_as_its_hash() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.get("/admin/keys").await.is(200).says("There are no keys yet");
    let form = [("name", "Uptime <monitor>"), ("scope", "incidents"), ("scope", "broadcasts"), ("days", "30")];
    let made = owner.post("/admin/keys/new", &form).await;
    let token = token(&made.is(200).body);
    assert_eq!(made.header("cache-control"), "no-store");
    assert!(token.len() > 40, "{token}");
    let listed = owner.get("/admin/keys").await;
    listed.says("Uptime &lt;monitor&gt;").says("incidents, broadcasts").says("never used").never_says(&token);
    assert!(unescape(&listed.body).contains("by owner@example.com"), "{}", listed.body);
    let key = app.state.store.key_by_hash(&domain::token::hash(&token)).await.unwrap().unwrap();
    owner.get(&format!("/admin/keys/{}", key.id)).await.is(200).never_says(&token);
    let rows = app.state.store.audit_rows(0, 100).await.unwrap();
    let row = rows.iter().find(|row| row.action == "key.create").unwrap();
    assert_eq!((row.subject.as_str(), row.detail.contains(&token)), (key.id.as_str(), false));
}

#[tokio::test]
async fn a_key_without_a_purpose_comes_back_with_all_that_was_typed() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let answer = owner.post("/admin/keys/new", &[("name", "Monitor"), ("days", "1000")]).await;
    answer.is(422).says("value=\"Monitor\"").says("value=\"1000\"").says("at least one thing").says("from 1 to 365");
    assert!(app.state.store.keys().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_is_warned_of_before_it_ends() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.post("/admin/keys/new", &[("name", "Monitor"), ("scope", "incidents"), ("days", "16")]).await.is(200);
    owner.get("/admin/keys").await.never_says("expires in");
    assert!(keys::ending_soon(&app.state).await.unwrap().is_empty());
    owner.get("/admin").await.never_says("“Monitor”");
    app.state.clock.advance(SignedDuration::from_hours(10 * 24));
    owner.get("/admin/keys").await.says("expires in 6 days");
    assert_eq!(keys::ending_soon(&app.state).await.unwrap().len(), 1);
    owner.get("/admin").await.says("Needs attention").says("The key “Monitor”");
    app.state.clock.advance(SignedDuration::from_hours(6 * 24));
    assert!(keys::ending_soon(&app.state).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_revoked_key_is_over_and_cannot_be_revoked_again() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.post("/admin/keys/new", &[("name", "Monitor"), ("scope", "incidents"), ("days", "90")]).await.is(200);
    let path = format!("/admin/keys/{}", app.state.store.keys().await.unwrap()[0].id);
    owner.get(&path).await.says("Revoke for good");
    owner.get(&format!("{path}/revoke")).await.is(405);
    owner.post(&format!("{path}/revoke"), &[]).await.is(303);
    owner.get("/admin/keys").await.says("Monitor was revoked.").says("Over");
    owner.get(&path).await.is(200).never_says("Revoke for good");
    owner.post(&format!("{path}/revoke"), &[]).await.is(409).says("revoked before");
    let actions: Vec<_> = app.state.store.audit_rows(0, 100).await.unwrap().into_iter().map(|row| row.action).collect();
    assert_eq!(actions.iter().filter(|action| *action == "key.revoke").count(), 1);
}
