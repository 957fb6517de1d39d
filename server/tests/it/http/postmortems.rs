//! The day after: a draft with the timeline filled in, reviewed, published, sent.

use domain::{
    ids::{IncidentId, UpdateId},
    incident::{Incident, Update},
    status::IncidentStatus,
    subscriber::Follows,
};
use jiff::SignedDuration;

use super::FEEDS;
use crate::support::{
    app::{TestApp, served_on_both},
    client::Client,
    form::Form,
};

served_on_both!(
    a_draft_is_written_reviewed_and_published_everywhere,
    those_who_followed_the_incident_are_mailed_the_whole_of_it,
    two_authors_see_each_others_text_before_one_replaces_it,
    what_was_promised_is_shown_as_done_once_it_is,
);

const BODY: &str = "## Summary\n\nDown since {time 2024-02-05 00:48 America/Chicago}.[^1]\n\n## Timeline\n\n\
                    | When | What |\n|---|---|\n| {time 2024-02-05 10:12} | Paged |\n\n[^1]: By the logs.";

/// An incident that is over, and where its postmortem is written.
async fn over(owner: &Client, name: &str) -> (String, String) {
    let id = Form::incident(name).with("display_at", "2024-02-05 10:12 UTC").open(owner).await;
    Form::update("resolved", "Rolled back.").with("display_at", "2024-02-05 11:39 UTC").say(owner, &id).await;
    let path = format!("/admin/incidents/{id}/postmortem");
    (id, path)
}

async fn a_draft_is_written_reviewed_and_published_everywhere(app: TestApp) {
    let (owner, visitor) = (app.owner().await, app.visitor());
    let (id, path) = over(&owner, "Under load").await;
    let public = format!("/postmortems/{id}");
    owner.get("/admin/postmortems").await.is(200).says("Incidents without one").says("Under load");
    let draft = owner.get(&path).await;
    draft.is(200).says("## Root cause").says("| {time 2024-02-05 10:12 UTC} | **Opened.** We are looking into it. |");
    draft.says("value=\"2024-02-05 11:39 UTC\"").never_says("value=\"no\" checked").never_says("value=\"yes\" checked");

    Form::postmortem(0, BODY).post(&owner, &path).await.is(303);
    owner.get(&path).await.says("The draft is saved.").says("Draft, saved");
    owner.get("/admin/postmortems").await.says("Drafts").never_says("Incidents without one");
    visitor.get(&public).await.is(404);
    visitor.get(&format!("/incidents/{id}")).await.never_says("ostmortem");
    let review = Form::postmortem(1, BODY).with("intent", "review").post(&owner, &path).await;
    review.is(200).says("Not published yet: one last look").says("Nobody is mailed.").says("By the logs.");
    visitor.get(&public).await.is(404);

    let publish = Form::postmortem(1, BODY).with("intent", "publish");
    let (first, second) = tokio::join!(publish.post(&owner, &path), publish.post(&owner, &path));
    assert_eq!((first.status, first.location()), (303, path.as_str()), "{}", first.body);
    assert_eq!((second.status, second.location()), (303, path.as_str()), "{}", second.body);
    let page = visitor.get(&public).await;
    page.is(200)
        .says("Under load</h1>")
        .says("by Ada")
        .says("after 3 h 24 min")
        .says("1 h 27 min later, in all 4 h 51 min");
    page.says("<time datetime=\"2024-02-05T06:48:00.000Z\" dir=\"ltr\">5 Feb 2024, 06:48 UTC</time>");
    page.says("<h2 id=\"section-timeline\" dir=\"auto\">Timeline</h2>")
        .says("property=\"og:type\" content=\"article\"");
    page.says("property=\"article:published_time\"").says("By the logs.").never_says("edited ");
    let incident = visitor.get(&format!("/incidents/{id}")).await;
    incident.says("Postmortem, ").says(&format!("href=\"{public}\"")).says("lasted 1 h 27 min");
    assert_eq!(incident.body.matches("class=\"to-postmortem\"").count(), 1);
    for feed in FEEDS {
        visitor.get(feed).await.is(200).says("By the logs.").says("5 Feb 2024, 06:48 UTC");
    }
    visitor.get("/updates.atom").await.says("Under load: Postmortem").says(&format!("{}{public}", app.url));
    visitor.get("/history/2024-02").await.is(200).says(&format!("href=\"{public}\""));
    owner.get("/admin/postmortems").await.says("Published").never_says("Drafts");
    let acts: Vec<_> = app.state.store.audit_rows(0, 100).await.unwrap().into_iter().map(|row| row.action).collect();
    assert_eq!(acts.iter().filter(|act| act.starts_with("postmortem.")).count(), 2, "{acts:?}");
    assert!(app.captured().is_empty());
}

async fn those_who_followed_the_incident_are_mailed_the_whole_of_it(app: TestApp) {
    app.followers(&["all@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    let id = Form::incident("Under load").with("notify", "yes").post(&owner, "/admin/incidents/new").await;
    id.is(303);
    app.settle().await;
    let id = app.state.store.open_incidents().await.unwrap()[0].id.clone();
    Form::update("resolved", "Over.").say(&owner, id.as_str()).await;
    let path = format!("/admin/incidents/{id}/postmortem");
    owner.get(&path).await.says("Mail 1 person, done about");
    let publish = Form::postmortem(0, BODY).with("notify", "yes").with("intent", "publish");
    let publish = publish.with("follow_up.0.text", "Page louder").with("follow_up.0.due", "2026-03-01");
    let published = publish.post(&owner, &path).await;
    assert!(published.is(303).location().starts_with("/admin/broadcasts/"), "{}", published.location());
    let letters = app.letters(2).await;
    let (first, last) = (&letters[0], &letters[1]);
    assert_eq!((&first.subject, &first.to), (&last.subject, &last.to));
    let thread = |raw: &str| raw.lines().find(|line| line.starts_with("References:")).unwrap().to_owned();
    assert_eq!(thread(&first.raw), thread(&last.raw));
    for part in ["Postmortem · ", "by Ada", "Down since 5 Feb 2024, 06:48 UTC.[1]", "5 Feb 2024, 10:12 UTC | Paged"] {
        assert!(last.text.contains(part), "{part} in {}", last.text);
    }
    for part in ["[1] By the logs.", "- [ ] Page louder (to do by 1 Mar 2026)", &format!("/postmortems/{id}")] {
        assert!(last.text.contains(part), "{part} in {}", last.text);
    }
    for part in ["By the logs.", "<td dir=\"auto\">Paged</td>", "Page louder"] {
        assert!(last.html.contains(part), "{part} in {}", last.html);
    }
    let one_click = app.visitor().post_with(&last.one_click(), &[], &[("List-Unsubscribe", "One-Click")]).await;
    one_click.is(200);
}

async fn two_authors_see_each_others_text_before_one_replaces_it(app: TestApp) {
    let owner = app.owner().await;
    let (id, path) = over(&owner, "Under load").await;
    Form::postmortem(0, "Begun.").post(&owner, &path).await.is(303);
    let (theirs, mine) =
        (Form::postmortem(1, "Their words."), Form::postmortem(1, "My <b>words</b>.").with("author", "Max"));
    let (first, second) = tokio::join!(theirs.post(&owner, &path), theirs.post(&owner, &path));
    assert_eq!((first.status, second.status), (303, 303), "the same words twice do no harm");
    for intent in ["save", "publish"] {
        let answer = mine.clone().with("intent", intent).post(&owner, &path).await;
        answer
            .is(409)
            .says("A colleague saved this")
            .says("Their words.")
            .says("My &lt;b&gt;words&lt;/b&gt;.</textarea>");
        answer.says("value=\"Max\"").says("name=\"version\" value=\"2\"");
    }
    app.visitor().get(&format!("/postmortems/{id}")).await.is(404);
    mine.with("version", "2").post(&owner, &path).await.is(303);
    owner.get(&path).await.says("My &lt;b&gt;words&lt;/b&gt;.</textarea>").never_says("Their words.");
}

async fn what_was_promised_is_shown_as_done_once_it_is(app: TestApp) {
    let (owner, visitor) = (app.owner().await, app.visitor());
    let (id, path) = over(&owner, "Under load").await;
    let form = Form::postmortem(0, "Words.")
        .with("follow_up.0.text", "Page louder")
        .with("follow_up.0.link", "https://example.com/7")
        .with("follow_up.0.due", "2024-03-01")
        .with("follow_up.3.text", "Buy a pager")
        .with("follow_up.3.done", "1");
    form.with("intent", "publish").post(&owner, &path).await.is(303);
    let page = visitor.get(&format!("/postmortems/{id}")).await;
    page.says("1 of 2 done").says("was due 1 Mar 2024").says("href=\"https://example.com/7\"");
    let list = owner.get("/admin/postmortems").await;
    list.says("Still to do").says("Page louder").says("overdue since 1 Mar 2024").never_says("Buy a pager");
    let (_, action) = list.body.split_once(&format!("{path}/follow-ups/")).unwrap();
    let action = format!("{path}/follow-ups/{}", action.split('"').next().unwrap());
    for (done, said) in [("1", "2 of 2 done"), ("1", "2 of 2 done"), ("", "1 of 2 done"), ("1", "2 of 2 done")] {
        owner.post(&action, &[("done", done)]).await.is(303);
        visitor.get(&format!("/postmortems/{id}")).await.says(said).never_says("edited ");
    }
    owner.get("/admin/postmortems").await.never_says("Still to do");
    // Whoever had the form open before sees it first.
    Form::postmortem(1, "Other words.").post(&owner, &path).await.is(409);
    owner.post(&format!("{path}/follow-ups/000000000000"), &[("done", "1")]).await.is(404);
}

#[tokio::test]
async fn the_link_for_reviewers_opens_the_draft_until_it_is_replaced_or_published() {
    let app = TestApp::start().await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    let (id, path) = over(&owner, "Under load").await;
    owner.post(&format!("{path}/preview"), &[]).await.is(409).says("Save the draft first");
    Form::postmortem(0, "First words.").post(&owner, &path).await.is(303);
    let link = async || {
        owner.post(&format!("{path}/preview"), &[]).await.is(303);
        let page = owner.get(&path).await;
        let (_, link) = page.body.split_once("/postmortems/preview/").unwrap();
        format!("/postmortems/preview/{}", link.split('"').next().unwrap())
    };
    let first = link().await;
    let page = visitor.get(&first).await;
    page.is(200).says("Draft, not published").says("First words.").says("<meta name=\"robots\" content=\"noindex\">");
    assert_eq!(page.header("cache-control"), "no-store");
    let second = link().await;
    visitor.get(&first).await.is(404);
    visitor.get(&second).await.is(200);
    for wrong in [format!("{second}A"), format!("/postmortems/preview/{id}-"), "/postmortems/preview/%00".to_owned()] {
        visitor.get(&wrong).await.is(404).never_says("First words.");
    }
    Form::postmortem(1, "Last words.").with("intent", "publish").post(&owner, &path).await.is(303);
    let moved = visitor.get(&second).await;
    assert_eq!((moved.status, moved.location()), (303, format!("/postmortems/{id}").as_str()));
    owner.get(&path).await.never_says("/postmortems/preview/");
    owner.post(&format!("{path}/preview"), &[]).await.is(409);
}

#[tokio::test]
async fn what_is_not_complete_comes_back_as_it_was_typed() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (id, path) = over(&owner, "Under load").await;
    let draft = owner.get(&path).await;
    assert!(draft.body.contains("_In three sentences"), "{}", draft.body);
    let form = Form::postmortem(0, "## Summary\n\n_In three sentences: what broke, for whom, and what ended it?_")
        .with("intent", "publish")
        .with("author", "Kept & author")
        .with("detected_at", "2024-02-05 04:12 CST")
        .with("follow_up.0.text", "Kept action")
        .with("follow_up.0.due", "soonish")
        .with("follow_up.1.link", "javascript:alert(1)")
        .without("notify");
    let answer = form.post(&owner, &path).await;
    answer.is(422).says("names several time zones").says("still waits for an answer").says("Choose whether to mail");
    answer.says("value=\"Kept &amp; author\"").says("value=\"2024-02-05 04:12 CST\"").says("value=\"Kept action\"");
    answer.says("value=\"soonish\"").says("value=\"javascript:alert(1)\"").says("_In three sentences: what broke");
    answer.says("Action 1, by when: write a date, such as 2026-03-01.").says("href=\"#follow_up.1.link\"");
    app.visitor().get(&format!("/postmortems/{id}")).await.is(404);
    // What was meant as a time and is none is told before it is published.
    let review =
        Form::postmortem(0, "At {time 2024-02-05 18:12 CST}.").with("intent", "review").post(&owner, &path).await;
    review.is(200).says("{time 2024-02-05 18:12 CST}</code>").says("names several time zones");
}

#[tokio::test]
async fn a_correction_is_read_at_once_and_marked_as_edited() {
    let app = TestApp::start().await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    let (id, path) = over(&owner, "Under load").await;
    Form::postmortem(0, "The first cause.").with("intent", "publish").post(&owner, &path).await.is(303);
    let entry = |feed: &str| {
        let feed: atom_syndication::Feed = feed.parse().unwrap();
        feed.entries.into_iter().next().unwrap()
    };
    let before = entry(&visitor.get("/updates.atom").await.body);
    app.state.clock.advance(SignedDuration::from_hours(3));
    Form::postmortem(1, "The real cause.").post(&owner, &path).await.is(303);
    let page = visitor.get(&format!("/postmortems/{id}")).await;
    page.says("The real cause.").says("edited ").never_says("The first cause.").says("article:modified_time");
    let after = entry(&visitor.get("/updates.atom").await.body);
    assert_eq!((&before.id, &before.published), (&after.id, &after.published));
    assert!(after.updated > before.updated && after.content.unwrap().value.unwrap().contains("The real cause."));
    visitor.get("/history.atom").await.says("The real cause.").never_says("The first cause.");
    // It stays one update of the incident, however often it is edited.
    assert_eq!(visitor.get("/updates.json").await.body.matches("Under load: Postmortem").count(), 1);
}

#[tokio::test]
async fn what_goes_on_has_no_postmortem_and_what_is_reopened_must_end_first() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = Form::incident("Going on").open(&owner).await;
    let path = format!("/admin/incidents/{id}/postmortem");
    owner.get(&path).await.is(409).says("once it is resolved");
    Form::update("resolved", "Over.").say(&owner, &id).await;
    Form::postmortem(0, "Words.").post(&owner, &path).await.is(303);
    Form::update("investigating", "It is back.").say(&owner, &id).await;
    let publish = Form::postmortem(1, "Kept words.").with("intent", "publish");
    publish.post(&owner, &path).await.is(422).says("was reopened").says("Kept words.</textarea>");
    Form::postmortem(1, "Other words.").post(&owner, &path).await.is(303);
    Form::update("resolved", "Over again.").say(&owner, &id).await;
    Form::postmortem(2, "Words.").with("intent", "publish").post(&owner, &path).await.is(303);
    app.visitor().get(&format!("/postmortems/{id}")).await.is(200);
    for nobody in ["/postmortems/000000000000", "/postmortems/nonsense", "/admin/incidents/000000000000/postmortem"] {
        owner.get(nobody).await.is(404);
    }
}

#[tokio::test]
async fn an_old_one_says_how_old_it_is() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (id, path) = over(&owner, "Under load").await;
    Form::postmortem(0, "Words.").with("intent", "publish").post(&owner, &path).await.is(303);
    let page = format!("/postmortems/{id}");
    app.visitor().get(&page).await.never_says("years old").never_says("one year old");
    app.state.clock.advance(SignedDuration::from_hours(24 * 800));
    app.visitor().get(&page).await.says("This is 2 years old");
}

#[tokio::test]
async fn one_that_was_brought_along_can_be_read_and_edited() {
    let app = TestApp::start().await;
    let now = app.state.clock.now();
    let at = |minutes: i64| now - SignedDuration::from_mins(minutes);
    let update = |number, minutes, status, body: &str| Update {
        id: UpdateId::from_random(number),
        status,
        body: body.to_owned(),
        display_at: at(minutes),
        created_at: at(minutes),
        updated_at: at(minutes),
        next_update_by: None,
        edited_at: None,
        removed_at: None,
        notify: false,
        components: Vec::new(),
    };
    let incident = Incident {
        id: IncidentId::from_random(7),
        name: "From elsewhere".into(),
        impact_override: None,
        created_at: at(90),
        updated_at: at(30),
        updates: vec![
            update(3, 30, IncidentStatus::Postmortem, "What happened."),
            update(2, 60, IncidentStatus::Resolved, "Over."),
            update(1, 90, IncidentStatus::Investigating, "Looking."),
        ],
    };
    let mut write = app.state.store.write().await.unwrap();
    write.insert_incident(&incident, None).await.unwrap();
    write.commit().await.unwrap();
    let (page, path) =
        (format!("/postmortems/{}", incident.id), format!("/admin/incidents/{}/postmortem", incident.id));
    app.visitor().get(&page).await.is(200).says("What happened.").says("lasted 30 min");
    let owner = app.owner().await;
    owner.get(&path).await.is(200).says("What happened.</textarea>").says("Save and publish the changes");
    Form::postmortem(0, "What really happened.").post(&owner, &path).await.is(303);
    app.visitor().get(&page).await.says("What really happened.").says("edited ");
    app.visitor().get("/updates.json").await.says("What really happened.");
}
