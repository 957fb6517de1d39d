//! Several people at once: nobody publishes over what another has just said.

use domain::status::ComponentStatus;
use jiff::SignedDuration;

use crate::support::{
    app::{TestApp, served_on_both},
    client::{Answer, Client},
    form::Form,
};

served_on_both!(whoever_was_overtaken_sees_what_was_said_and_loses_nothing);

/// What the form on a page remembers of the newest update.
fn seen(page: &Answer) -> &str {
    let (_, rest) = page.body.split_once("name=\"seen\" value=\"").unwrap_or_else(|| panic!("{}", page.body));
    rest.split('"').next().unwrap()
}

async fn form_of(client: &Client, incident: &str) -> Answer {
    client.get(&format!("/admin/incidents/{incident}")).await
}

async fn whoever_was_overtaken_sees_what_was_said_and_loses_nothing(app: TestApp) {
    let (first, second) = (app.owner().await, app.owner().await);
    let id = Form::incident("Overloaded").open(&first).await;
    let (mine, theirs) = (form_of(&first, &id).await, form_of(&second, &id).await);
    Form::update("resolved", "It is over.").with("seen", seen(&theirs)).say(&second, &id).await;

    let late = Form::update("identified", "We found the cause.").with("seen", seen(&mine));
    let answer = late.clone().post(&first, &format!("/admin/incidents/{id}")).await;
    answer.is(422).says("Resolved").says("It is over.").says("We found the cause.");
    app.visitor().get("/").await.never_says("We found the cause.").never_says("Open incidents");
    // They look, and publish all the same.
    late.with("seen", seen(&answer)).say(&first, &id).await;
    app.visitor().get("/").await.says("We found the cause.");
}

#[tokio::test]
async fn what_is_older_than_the_newest_word_is_not_mailed() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = Form::incident("Overloaded").with("display_at", "2024-02-05 10:12").open(&owner).await;
    Form::update("resolved", "It is over.").say(&owner, &id).await;
    let late = Form::update("identified", "Known at eleven.").with("display_at", "2024-02-05 11:00");
    let answer = late.clone().with("notify", "yes").post(&owner, &format!("/admin/incidents/{id}")).await;
    answer.is(422).says("older than the newest update").says("Known at eleven.");
    late.say(&owner, &id).await;
}

#[tokio::test]
async fn now_comes_after_what_was_said_even_by_a_clock_that_is_behind() {
    let app = TestApp::start().await;
    let (api, owner) = (app.component("API").await, app.owner().await);
    app.state.clock.advance(SignedDuration::from_mins(30));
    let id = Form::incident("Overloaded").listing(&api, "major_outage").open(&owner).await;
    app.state.clock.advance(SignedDuration::from_mins(-30));
    Form::update("resolved", "It is over.").with("restore", "1").say(&owner, &id).await;
    app.visitor().get("/").await.says("All systems operational").never_says("Open incidents");
}

#[tokio::test]
async fn saving_a_components_name_does_not_undo_an_outage() {
    let app = TestApp::start().await;
    let (api, owner) = (app.component("API").await, app.owner().await);
    let path = format!("/admin/components/{api}");
    owner.get(&path).await.says("name=\"was\" value=\"operational\"");
    Form::incident("Down").listing(&api, "major_outage").open(&owner).await;
    let form = [("name", "The API"), ("status", "operational"), ("was", "operational"), ("position", "1")];
    owner.post(&path, &form).await.is(303);
    let component = app.state.store.components().await.unwrap().remove(0);
    assert_eq!((component.name.as_str(), component.status), ("The API", ComponentStatus::MajorOutage));
}
