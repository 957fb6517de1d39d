//! The main job: someone posts an update, everyone knows.

use domain::{ids::ComponentId, quota::bucket, rate::Share, subscriber::Follows, time};
use jiff::SignedDuration;
use server::config::Settings;

use super::FEEDS;
use crate::support::{
    app::{TestApp, served_on_both},
    form::Form,
};

served_on_both!(
    an_incident_is_told_everywhere_at_once_from_opening_to_reopening,
    a_double_click_publishes_and_mails_once,
    restoring_leaves_what_another_incident_counts_as_broken,
    whoever_follows_is_mailed_and_nobody_else,
);

async fn an_incident_is_told_everywhere_at_once_from_opening_to_reopening(app: TestApp) {
    let api = app.component("API").await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    visitor.get("/").await.is(200).says("All systems operational");

    let id = Form::incident("Elevated API errors").listing(&api, "major_outage").open(&owner).await;
    let page = format!("/incidents/{id}");
    visitor.get("/").await.says("Elevated API errors").says("All systems are down");
    visitor.get(&page).await.says("Investigating").says("We are looking into it.").says("ongoing for");
    for feed in FEEDS {
        visitor.get(feed).await.is(200).says("Elevated API errors").says("We are looking into it.");
    }

    Form::update("identified", "A **bad** deploy.").listing(&api, "partial_outage").say(&owner, &id).await;
    visitor.get("/").await.says("A <strong>bad</strong> deploy.").says("Partial outage");
    visitor.get(&page).await.says("Identified").says("A <strong>bad</strong> deploy.");
    for feed in FEEDS {
        visitor.get(feed).await.is(200).says("deploy.");
    }

    Form::update("resolved", "It works again.").with("restore", "1").say(&owner, &id).await;
    visitor.get("/").await.says("All systems operational").says("It works again.");
    visitor.get(&page).await.says("Resolved").says("lasted less than a minute").never_says("ongoing for");
    for feed in FEEDS {
        visitor.get(feed).await.is(200).says("It works again.");
    }

    Form::update("investigating", "It broke again.").listing(&api, "degraded_performance").say(&owner, &id).await;
    visitor.get("/").await.says("It broke again.").never_says("All systems operational");
    visitor.get(&page).await.says("Reopened: investigating").says("ongoing for");
    for feed in FEEDS {
        visitor.get(feed).await.is(200).says("It broke again.");
    }
}

async fn a_double_click_publishes_and_mails_once(app: TestApp) {
    app.followers(&["reader@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    let form = Form::incident("Elevated API errors").with("notify", "yes");
    let clicks = [(); 4].map(|()| form.post(&owner, "/admin/incidents/new"));
    let [a, b, c, d] = clicks;
    let answers = tokio::join!(a, b, c, d);
    for answer in [&answers.0, &answers.1, &answers.2, &answers.3] {
        assert_eq!((answer.status, answer.location()), (303, answers.0.location()), "{}", answer.body);
    }
    let page = app.visitor().get("/").await;
    assert_eq!(page.body.matches("<article").count(), 1, "{}", page.body);
    // Once more when what they began is over.
    app.all_sent().await;
    form.post(&owner, "/admin/incidents/new").await.is(303);

    let id = app.state.store.open_incidents().await.unwrap()[0].id.clone();
    let path = format!("/admin/incidents/{id}");
    let form = Form::update("identified", "Found it.").with("notify", "yes");
    let (first, second) = tokio::join!(form.post(&owner, &path), form.post(&owner, &path));
    for answer in [&first, &second] {
        assert_eq!((answer.status, answer.location()), (303, first.location()), "{}", answer.body);
    }
    let page = app.visitor().get(&format!("/incidents/{id}")).await;
    assert_eq!(page.body.matches(">Found it.</p>").count(), 1, "{}", page.body);
    app.all_sent().await;
    let broadcasts = app.state.store.broadcasts(9).await.unwrap();
    let counts: Vec<_> = broadcasts.iter().map(|broadcast| (broadcast.total, broadcast.sent)).collect();
    assert_eq!(counts, [(1, 1), (1, 1)]);
    assert_eq!(app.captured().len(), 2);
}

async fn restoring_leaves_what_another_incident_counts_as_broken(app: TestApp) {
    let (api, web) = (app.component("API").await, app.component("Website").await);
    let owner = app.owner().await;
    let first = Form::incident("First").listing(&api, "major_outage").listing(&web, "major_outage").open(&owner).await;
    Form::incident("Second").listing(&web, "degraded_performance").open(&owner).await;
    Form::update("resolved", "Done.").with("restore", "1").listing(&api, "major_outage").say(&owner, &first).await;
    let page = app.visitor().get("/").await;
    page.says("Some systems are degraded").says("Website is affected").never_says("Major outage");
}

async fn whoever_follows_is_mailed_and_nobody_else(app: TestApp) {
    let (api, web) = (app.component("API").await, app.component("Website").await);
    let only = |id: &ComponentId| Follows { components: [id.clone()].into(), ..Follows::default() };
    app.followers(&["all@example.com"], &Follows::everything()).await;
    app.followers(&["api@example.com"], &only(&api)).await;
    app.followers(&["web@example.com"], &only(&web)).await;
    let owner = app.owner().await;

    let form = Form::incident("Elevated API errors").listing(&api, "major_outage").with("notify", "yes");
    let review = form.clone().with("intent", "review").post(&owner, "/admin/incidents/new").await;
    review.is(200).says("2 people");
    let published = form.post(&owner, "/admin/incidents/new").await;
    assert!(published.location().starts_with("/admin/broadcasts/"), "{}", published.location());
    let mut letters = app.letters(2).await;
    letters.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!([&letters[0].to, &letters[1].to], ["all@example.com", "api@example.com"]);
    assert!(letters[0].subject.contains("Elevated API errors"), "{}", letters[0].subject);
    assert!(letters[0].text.contains("We are looking into it."), "{}", letters[0].text);

    // Not listed any more, but whoever followed it from the start hears the end.
    let id = app.state.store.open_incidents().await.unwrap()[0].id.clone();
    let path = format!("/admin/incidents/{id}");
    let answer = Form::update("resolved", "Over.").with("notify", "yes").post(&owner, &path).await;
    answer.is(303);
    let letters = app.letters(4).await;
    assert_eq!(letters.len(), 4);
    assert!(letters.iter().all(|letter| letter.to != "web@example.com"));
    // The broadcast's page says so, and the outbox shows each.
    owner.get(answer.location()).await.is(200).says("Elevated API errors");
    owner.get("/admin/outbox").await.says("all@example.com").says("api@example.com");
}

#[tokio::test]
async fn a_form_that_was_changed_after_going_back_is_published_too() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = Form::incident("Under load").open(&owner).await;
    let form = Form::update("identified", "First words.");
    form.say(&owner, &id).await;
    form.with("body", "Second words.").say(&owner, &id).await;
    app.visitor().get(&format!("/incidents/{id}")).await.says("First words.").says("Second words.");
}

#[tokio::test]
async fn without_a_choice_of_notify_nothing_is_published_and_every_field_is_kept() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let owner = app.owner().await;
    let form = Form::incident("Kept title")
        .with("impact", "critical")
        .with("status", "identified")
        .with("body", "Kept & <typed> words")
        .with("display_at", "2024-02-05 04:12 America/Chicago")
        .with("key", "kept-key")
        .with("restore", "1")
        .listing(&api, "partial_outage")
        .without("notify");
    let answer = form.post(&owner, "/admin/incidents/new").await;
    answer
        .is(422)
        .says("Choose whether to mail subscribers.")
        .says("value=\"Kept title\"")
        .says("Kept &amp; &lt;typed&gt; words</textarea>")
        .says("value=\"2024-02-05 04:12 America/Chicago\"")
        .says("value=\"kept-key\"");
    for chosen in ["value=\"critical\" selected", "value=\"partial_outage\" selected"] {
        answer.says(chosen);
    }
    assert!(answer.body.contains("id=\"status-identified\" name=\"status\" value=\"identified\" checked"));
    assert!(answer.body.contains("id=\"restore\" name=\"restore\" value=\"1\" checked"));
    app.visitor().get("/").await.never_says("Kept title");
}

#[tokio::test]
async fn a_review_shows_what_would_happen_and_publishes_nothing() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = Form::incident("Not yet").with("body", "Soon: **more**").with("notify", "yes").with("intent", "review");
    let review = form.post(&owner, "/admin/incidents/new").await;
    review
        .is(200)
        .says("Not published yet")
        .says("This opens the incident.")
        .says("Mails nobody")
        .says("Soon: <strong>more</strong>")
        .says("value=\"Not yet\"")
        .says("Soon: **more**</textarea>");
    app.visitor().get("/").await.never_says("Not yet");
    // Enter in a field, without any button's intent, reviews too.
    form.without("intent").post(&owner, "/admin/incidents/new").await.is(200).says("Not published yet");
    app.visitor().get("/updates.json").await.never_says("Soon");
    assert!(app.captured().is_empty());
}

#[tokio::test]
async fn an_update_of_an_unknown_incident_is_not_found() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for id in ["000000000000", "nonsense", "..%2f..", "%00"] {
        let answer = Form::update("identified", "Words.").post(&owner, &format!("/admin/incidents/{id}")).await;
        answer.is(404).says("This page does not exist");
    }
}

#[tokio::test]
async fn the_authors_word_on_the_impact_stands() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let owner = app.owner().await;
    let form = Form::incident("Slow").listing(&api, "degraded_performance");
    let derived = form.open(&owner).await;
    let stated = Form::incident("Down").with("impact", "critical").open(&owner).await;
    app.visitor().get(&format!("/incidents/{derived}")).await.says("Minor");
    app.visitor().get(&format!("/incidents/{stated}")).await.says("Critical");
}

#[tokio::test]
async fn a_component_deleted_meanwhile_is_said_and_nothing_is_lost() {
    let app = TestApp::start().await;
    let (api, web) = (app.component("API").await, app.component("Website").await);
    let owner = app.owner().await;
    let id = Form::incident("Old trouble").listing(&api, "major_outage").open(&owner).await;
    let form = Form::incident("New trouble").listing(&api, "major_outage").listing(&web, "major_outage");
    owner.post(&format!("/admin/components/{api}/delete"), &[]).await.is(303);
    let answer = form.post(&owner, "/admin/incidents/new").await;
    answer
        .is(422)
        .says("A component was removed meanwhile")
        .says("New trouble")
        .says("value=\"major_outage\" selected");
    // What was said of it stays, and the incident can go on.
    app.visitor().get(&format!("/incidents/{id}")).await.is(200).says("API");
    Form::update("resolved", "Over.").with("restore", "1").say(&owner, &id).await;
    app.visitor().get("/").await.says("All systems operational").says("Over.");
}

#[tokio::test]
async fn before_publishing_it_is_said_what_the_quota_leaves_and_who_waits_until_when() {
    let app = TestApp::with(Settings { mail_quota: Some("1000/day".into()), ..Settings::default() }).await;
    let api = app.component("API").await;
    let addresses: Vec<_> = (0..30).map(|number| format!("p{number}@example.com")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    app.followers(&addresses, &Follows::everything()).await;
    let owner = app.owner().await;
    let form = Form::incident("Elevated API errors").listing(&api, "major_outage").with("notify", "yes");
    let review = async || form.clone().with("intent", "review").post(&owner, "/admin/incidents/new").await;
    review().await.says("930 mails left in 24 hours");

    let at = app.state.clock.now() - SignedDuration::from_hours(22);
    let mut write = app.state.store.write().await.unwrap();
    write.book("main", Share::Bulk, 910, at).await.unwrap();
    write.commit().await.unwrap();
    let until = bucket(at) + SignedDuration::from_hours(24) + SignedDuration::from_mins(5);
    let until = time::short(until, app.state.clock.now());
    review().await.says(&format!("10 of them wait for the mail quota until {until}"));

    let published = form.post(&owner, "/admin/incidents/new").await;
    let page = owner.get_until(published.location(), |page| page.contains("20 of 30 sent")).await;
    page.says(&format!("waits for the mail quota until {until}"));
}
