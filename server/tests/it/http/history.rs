//! What was: the past fourteen days on the home page, and every month before.

use domain::month::Month;
use jiff::{SignedDuration, Timestamp};

use crate::support::{
    app::{TestApp, served_on_both},
    form::Form,
};

served_on_both!(months_are_linked_from_the_first_incident_to_the_present);

/// An instant as the form takes it.
fn typed(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

async fn months_are_linked_from_the_first_incident_to_the_present(app: TestApp) {
    let (owner, visitor) = (app.owner().await, app.visitor());
    let now = app.state.clock.now();
    let present = Month::of(now);
    let alone = visitor.get("/history").await;
    alone.is(200).says(&format!("Nothing was reported in {}.", present.title())).never_says("aria-label=\"Months\"");

    let first = Form::incident("The first").with("display_at", "2020-02-29 23:59:59 UTC");
    first.with("status", "resolved").open(&owner).await;
    let second = Form::incident("The second").with("display_at", "2020-04-01 00:00:00 UTC");
    second.with("status", "resolved").open(&owner).await;
    Form::incident("The last").open(&owner).await;

    visitor.get("/").await.is(200).says("href=\"/history\"").never_says("The first");
    let newest = visitor.get("/history").await;
    newest.is(200).says("One incident was reported").says("The last").says("ongoing for").says("rel=\"prev\"");
    newest.never_says("rel=\"next\"").never_says("The first");
    let february = visitor.get("/history/2020-02").await;
    february.is(200).says("The first").says("Saturday 29 February 2020").never_says("The second");
    february.says("rel=\"next\" href=\"/history/2020-03\"").never_says("rel=\"prev\"");
    let march = visitor.get("/history/2020-03").await;
    march.is(200).says("Nothing was reported in March 2020.").says("href=\"/history/2020-02\"");
    march.says("href=\"/history/2020-04\"").never_says("The second");
    visitor.get("/history/2020-04").await.is(200).says("The second").says("href=\"/history/2020-03\"");
    // Before anything was reported there is nothing to tell, and no way further back.
    visitor.get("/history/2019-12").await.is(200).says("Nothing was reported").never_says("rel=\"prev\"");
    visitor.get(&format!("/history/{present}")).await.is(200).says("The last").never_says("rel=\"next\"");

    let to_come = present.next().unwrap().to_string();
    for nonsense in
        [to_come.as_str(), "9999-12", "2020-13", "2020-2", "0000-01", "2020", "today", "%00", "2020-02-29", "1999-12"]
    {
        visitor.get(&format!("/history/{nonsense}")).await.is(404).says("This page does not exist");
    }
}

#[tokio::test]
async fn the_home_page_lists_what_began_in_fourteen_days_and_no_more() {
    let app = TestApp::start().await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    // Noon, so that the days around are the same however long this takes.
    let now = app.state.clock.now();
    let noon = SignedDuration::from_secs(86_400 + 43_200 - now.as_second().rem_euclid(86_400));
    app.state.clock.advance(noon);
    let now = app.state.clock.now();
    for (name, days) in [("Thirteen days ago", 13), ("Fourteen days ago", 14)] {
        let at = typed(now - SignedDuration::from_hours(24 * days));
        Form::incident(name).with("display_at", &at).with("status", "resolved").open(&owner).await;
    }
    let home = visitor.get("/").await;
    home.is(200).says("Thirteen days ago").never_says("Fourteen days ago");
    assert_eq!(home.body.matches("Nothing reported").count(), 13, "{}", home.body);
    // A day passes.
    app.state.clock.advance(SignedDuration::from_hours(24));
    visitor.get("/").await.is(200).never_says("Thirteen days ago");
}
