//! When something was true, as authors type it and readers see it.

use crate::support::{app::TestApp, form::Form};

#[tokio::test]
async fn updates_stand_newest_first_with_their_times_and_the_duration() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = Form::incident("Overloaded").with("display_at", "2024-02-05 04:12 America/Chicago").open(&owner).await;
    // Posted out of order, typed in three zones.
    Form::update("resolved", "The end.").with("display_at", "2024-02-06T20:04:00Z").say(&owner, &id).await;
    Form::update("identified", "The middle.").with("display_at", "2024-02-05 12:30 +01:00").say(&owner, &id).await;
    let page = app.visitor().get(&format!("/incidents/{id}")).await;
    page.says("5 Feb 2024, 10:12 UTC").says("5 Feb 2024, 11:30 UTC").says("6 Feb 2024, 20:04 UTC");
    page.says("datetime=\"2024-02-05T10:12:00.000Z\"").says("lasted 1 d 9 h");
    let place = |words: &str| page.body.rfind(words).unwrap_or_else(|| panic!("no {words:?} in: {}", page.body));
    assert!(place("The end.") < place("The middle.") && place("The middle.") < place("We are looking into it."));
    let feed = app.visitor().get("/updates.json").await;
    feed.says("2024-02-05T10:12:00").says("2024-02-06T20:04:00");
}

#[tokio::test]
async fn writing_down_what_was_true_earlier_changes_neither_status_nor_components() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let owner = app.owner().await;
    let opening = Form::incident("Overloaded").with("display_at", "2024-02-05 10:12 UTC");
    let id = opening.listing(&api, "major_outage").open(&owner).await;
    let end = Form::update("resolved", "The end.").with("display_at", "2024-02-05 12:00 UTC");
    end.with("restore", "1").say(&owner, &id).await;

    let late = Form::update("identified", "Known at eleven.").with("display_at", "2024-02-05 11:00 UTC");
    let late = late.listing(&api, "partial_outage");
    let review = late.clone().with("intent", "review").post(&owner, &format!("/admin/incidents/{id}")).await;
    review.is(200).says("Not published yet").never_says("This reopens the incident.");
    late.say(&owner, &id).await;
    app.visitor().get("/").await.says("All systems operational").never_says("Open incidents");
    let page = app.visitor().get(&format!("/incidents/{id}")).await;
    page.says("Known at eleven.").says("lasted 1 h 48 min").never_says("ongoing for").never_says("Reopened");
}

#[tokio::test]
async fn a_time_to_come_or_one_that_cannot_be_read_is_refused_and_kept() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for (typed, why) in [
        ("2999-01-01 10:00 UTC", "This time is in the future"),
        ("yesterday-ish", "Write a date and a time"),
        ("2024-02-05 04:12 CST", "names several time zones"),
        ("2024-02-05 04:12 Mars/Base", "there is no time zone"),
        ("2024-03-31 02:30 Europe/Paris", "put forward"),
    ] {
        let form = Form::incident("Not yet").with("display_at", typed).with("body", "Kept words.");
        let answer = form.post(&owner, "/admin/incidents/new").await;
        assert_eq!(answer.status, 422, "{typed}");
        let page = answer.body.to_lowercase();
        assert!(page.contains(&why.to_lowercase()), "{typed}: {}", answer.body);
        answer.says(&format!("value=\"{typed}\"")).says("Kept words.</textarea>");
    }
    app.visitor().get("/").await.never_says("Not yet");
}

#[tokio::test]
async fn a_fresh_form_knows_where_the_incident_stands_and_chooses_no_mail() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let owner = app.owner().await;
    let new = owner.get("/admin/incidents/new").await;
    new.says("value=\"investigating\" checked").never_says("name=\"notify\" value=\"yes\" checked");
    let id =
        Form::incident("Under load").with("status", "identified").listing(&api, "partial_outage").open(&owner).await;
    let next = owner.get(&format!("/admin/incidents/{id}")).await;
    next.says("value=\"identified\" checked").says("value=\"partial_outage\" selected");
    next.never_says("name=\"notify\" value=\"yes\" checked").never_says("name=\"notify\" value=\"no\" checked");
}
