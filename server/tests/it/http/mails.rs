//! What was mailed: the list, who got it, and the dashboard's word on it.

use std::time::Duration;

use domain::{broadcast::BroadcastState, subscriber::Follows};

use crate::support::{
    app::{TestApp, served_on_both},
    form::Form,
};

served_on_both!(everything_that_was_mailed_is_listed_and_found_by_address);

async fn everything_that_was_mailed_is_listed_and_found_by_address(app: TestApp) {
    app.followers(&["ada@example.com", "ben@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    owner.get("/admin/broadcasts").await.is(200).says("Nothing was mailed yet.");
    let form = Form::incident("Elevated API errors").with("notify", "yes");
    let broadcast = form.post(&owner, "/admin/incidents/new").await.is(303).location().to_owned();
    app.letters(2).await;
    // The mails are there before it is written down that they are.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while app.state.store.broadcasts(1).await.unwrap()[0].state != BroadcastState::Done {
        assert!(tokio::time::Instant::now() < deadline, "the broadcast is not over after 20 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    owner.get("/admin/broadcasts").await.says("Elevated API errors").says("2 of 2 sent");

    let recipients = format!("{broadcast}/recipients");
    owner.get(&broadcast).await.says(&format!("href=\"{recipients}\""));
    owner.get(&recipients).await.is(200).says("ada@example.com").says("ben@example.com").says("Sent");
    let one = owner.get(&format!("{recipients}?address=ADA%40example.com")).await;
    one.is(200).says("ada@example.com").never_says("ben@example.com");
    owner.get(&format!("{recipients}?state=failed")).await.says("Nobody.").never_says("ada@example.com");
    owner.get(&format!("{recipients}?address=eve@example.com")).await.says("Not among its recipients.");

    let found = owner.get("/admin/deliveries?address=ada@example.com").await;
    found.is(200).says("Elevated API errors").says("Sent");
    owner.get("/admin/deliveries?address=eve@example.com").await.says("Nothing was mailed to this address");
    owner
        .get("/admin/deliveries?address=%22%3E%3Cscript%3E")
        .await
        .is(200)
        .says("Write a whole address")
        .never_says("<script>");
    owner.get("/admin/deliveries").await.is(200);
    owner.get("/admin/broadcasts?page=7").await.is(200);
}

#[tokio::test]
async fn the_dashboard_says_first_what_needs_somebody() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    app.confirm_owner().await;
    owner.get("/admin").await.is(200).never_says("Needs attention");
    let id = Form::incident("Slow").with("next_update", "30").open(&owner).await;
    owner.get("/admin").await.says("Next update promised by").never_says("Needs attention");
    app.state.clock.advance(jiff::SignedDuration::from_mins(25));
    owner.get("/admin").await.says("Needs attention").says("the next update was promised by");
    app.state.clock.advance(jiff::SignedDuration::from_mins(10));
    owner.get("/admin").await.says("the next update was due").says("min late");
    Form::update("identified", "Found.").say(&owner, &id).await;
    owner.get("/admin").await.never_says("Needs attention");
}

#[tokio::test]
async fn a_captured_mail_is_shown_as_its_reader_sees_it() {
    let app = TestApp::start().await;
    app.followers(&["ada@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    let title = "שירות התשלומים איטי";
    Form::incident(title).with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    app.letters(1).await;
    let list = owner.get("/admin/outbox").await;
    list.is(200).says(title);
    let start = list.body.find("/admin/outbox/").unwrap();
    let path = list.body[start..].split('"').next().unwrap();
    owner.get(path).await.is(200).says(title).never_says("=?utf-8");
}
