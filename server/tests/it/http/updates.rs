//! Changing what was published: other words, corrections, taking it back.

use domain::{broadcast::BroadcastState, rate::Rate, subscriber::Follows};

use super::FEEDS;
use crate::support::{
    app::{TestApp, served_on_both},
    form::Form,
};

served_on_both!(
    an_edit_is_shown_with_its_time_and_what_it_said_before_is_kept,
    a_correction_is_mailed_once_for_each_edit_and_only_of_the_newest,
    what_nobody_was_mailed_disappears_wholly,
    what_was_mailed_leaves_a_word_everywhere,
    whoever_a_removed_update_kept_from_the_one_before_is_told_that,
);

/// The id of an incident's newest update.
async fn newest(app: &TestApp, incident: &str) -> String {
    let incident = app.state.store.incident(&incident.parse().unwrap()).await.unwrap().unwrap();
    incident.newest().unwrap().id.to_string()
}

async fn an_edit_is_shown_with_its_time_and_what_it_said_before_is_kept(app: TestApp) {
    let (owner, visitor) = (app.owner().await, app.visitor());
    let id = Form::incident("Slow").with("body", "The **cache** is broken.").open(&owner).await;
    let (page, update) = (format!("/incidents/{id}"), newest(&app, &id).await);
    visitor.get(&page).await.never_says("edited ");
    let address = format!("/admin/incidents/{id}/updates/{update}");
    owner.get(&address).await.is(200).says("The **cache** is broken.</textarea>");
    let answer = owner.post(&address, &[("seen", "0"), ("body", "The _database_ is slow.")]).await;
    assert_eq!(answer.is(303).location(), format!("/admin/incidents/{id}#said"));
    visitor.get(&page).await.says("edited ").says("<em>database</em>").never_says("cache");
    for feed in FEEDS {
        visitor.get(feed).await.says("database").never_says("cache");
    }
    let console = owner.get(&format!("/admin/incidents/{id}")).await;
    console.says("What it said before").says("<strong>cache</strong>").says("replaced by owner@example.com");
    console.never_says("Mail a correction");
    let stored = app.state.store.incident(&id.parse().unwrap()).await.unwrap().unwrap();
    assert!(stored.updates[0].edited_at.is_some_and(|at| at == stored.updates[0].updated_at));

    // Whoever had the form open before that is told, keeps their words, and sees the present ones.
    let answer = owner.post(&address, &[("seen", "0"), ("body", "Mine.")]).await;
    answer.is(422).says("A colleague edited this meanwhile").says("Mine.</textarea>").says("<em>database</em>");
    owner.post(&address, &[("seen", "1"), ("body", "")]).await.is(422).says("Write something here");
    // The same words once more are no edit.
    owner.post(&address, &[("seen", "1"), ("body", "The _database_ is slow.")]).await.is(303);
    assert_eq!(app.state.store.update_versions(&id.parse().unwrap()).await.unwrap().len(), 1);
}

async fn a_correction_is_mailed_once_for_each_edit_and_only_of_the_newest(app: TestApp) {
    app.followers(&["all@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    Form::incident("Slow").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    app.letters(1).await;
    app.settle().await;
    let id = app.state.store.open_incidents().await.unwrap()[0].id.to_string();
    let update = newest(&app, &id).await;
    let address = format!("/admin/incidents/{id}/updates/{update}");
    let correct = format!("{address}/correct");
    owner.post(&correct, &[]).await.is(409).says("There is nothing to correct");

    for (seen, body, letters) in [("0", "It is the database.", 2), ("1", "It is the network.", 3)] {
        owner.post(&address, &[("seen", seen), ("body", body)]).await.is(303);
        owner.get(&format!("/admin/incidents/{id}")).await.says("Mail a correction");
        let first = owner.post(&correct, &[]).await;
        assert!(first.is(303).location().starts_with("/admin/broadcasts/"), "{}", first.location());
        // A second click sends nothing more.
        assert_eq!(owner.post(&correct, &[]).await.is(303).location(), first.location());
        let mails = app.letters(letters).await;
        assert!(mails[letters - 1].text.contains("Correction · "), "{}", mails[letters - 1].text);
        assert!(mails[letters - 1].text.contains(body), "{}", mails[letters - 1].text);
        app.settle().await;
        owner.get(&format!("/admin/incidents/{id}")).await.never_says("Mail a correction");
    }

    owner.post(&address, &[("seen", "2"), ("body", "It is the rack.")]).await.is(303);
    Form::update("resolved", "Over.").say(&owner, &id).await;
    owner.post(&correct, &[]).await.is(409).says("Something newer was said meanwhile");
    assert_eq!(app.captured().len(), 3);
}

async fn what_nobody_was_mailed_disappears_wholly(app: TestApp) {
    let api = app.component("API").await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    let id = Form::incident("A wrong click").listing(&api, "major_outage").open(&owner).await;
    Form::update("resolved", "Nothing to see.").with("restore", "1").say(&owner, &id).await;
    let update = newest(&app, &id).await;

    let ask = format!("/admin/incidents/{id}/updates/{update}/remove");
    let question = owner.get(&ask).await;
    question.is(200).says("Remove this update?").says("The incident is investigating again, not resolved.");
    question.says("API: Operational → Major outage").says("disappears wholly");
    visitor.get(&format!("/incidents/{id}")).await.says("Nothing to see.");
    owner.post(&ask, &[]).await.is(303);
    visitor.get(&format!("/incidents/{id}")).await.never_says("Nothing to see.").says("ongoing for");
    visitor.get("/").await.says("All systems are down");
    // A wrong click can be undone: its author has the words again, for themselves.
    let console = owner.get(&format!("/admin/incidents/{id}")).await;
    console.says("What it said is your draft.").says("Nothing to see.</textarea>").says("value=\"resolved\" checked");
    owner.post(&ask, &[]).await.is(404);

    let ask = format!("/admin/incidents/{id}/remove");
    owner.get(&ask).await.is(200).says("Remove this incident?").says("API: Major outage → Operational");
    assert_eq!(owner.post(&ask, &[]).await.is(303).location(), "/admin/incidents/new");
    let form = owner.get("/admin/incidents/new").await;
    form.says("value=\"A wrong click\"")
        .says("We are looking into it.</textarea>")
        .says("value=\"major_outage\" selected");
    visitor.get(&format!("/incidents/{id}")).await.is(404);
    visitor.get("/").await.says("All systems operational").never_says("A wrong click");
    for feed in FEEDS {
        visitor.get(feed).await.never_says("A wrong click");
    }
    let audit = app.state.store.audit_rows(0, 100).await.unwrap();
    let removals: Vec<_> = audit.iter().filter(|row| row.action.ends_with(".remove")).collect();
    assert_eq!(
        removals.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(),
        ["update.remove", "incident.remove"]
    );
}

async fn what_was_mailed_leaves_a_word_everywhere(app: TestApp) {
    app.followers(&["all@example.com"], &Follows::everything()).await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    let form = Form::incident("Customer X lost data").with("body", "A secret.").with("notify", "yes");
    form.post(&owner, "/admin/incidents/new").await.is(303);
    app.letters(1).await;
    app.settle().await;
    let id = app.state.store.open_incidents().await.unwrap()[0].id.to_string();
    let update = newest(&app, &id).await;
    let ask = format!("/admin/incidents/{id}/updates/{update}/remove");
    owner.get(&ask).await.is(200).says("the incident goes with it").says("This update was removed.");
    owner.post(&ask, &[]).await.is(303);

    let page = visitor.get(&format!("/incidents/{id}")).await;
    page.is(200)
        .says("This update was removed.")
        .says("Removed incident")
        .never_says("secret")
        .never_says("Customer X");
    visitor.get("/").await.is(200).never_says("Customer X").never_says("secret");
    for feed in FEEDS {
        visitor.get(feed).await.says("This update was removed.").never_says("secret").never_says("Customer X");
    }
    owner.get(&format!("/admin/incidents/{id}")).await.is(200).says("A secret.").says("was removed");
    for gone in [ask.as_str(), &format!("/admin/incidents/{id}/remove")] {
        owner.get(gone).await.is(404);
        owner.post(gone, &[]).await.is(404);
    }
    Form::update("identified", "More.").post(&owner, &format!("/admin/incidents/{id}")).await.is(404);
}

async fn whoever_a_removed_update_kept_from_the_one_before_is_told_that(app: TestApp) {
    app.followers(&["one@example.com", "two@example.com", "three@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    owner.post("/admin/mail/hold", &[]).await.is(303);
    Form::incident("Slow").with("body", "It is slow.").with("notify", "yes").post(&owner, "/admin/incidents/new").await;
    let id = app.state.store.open_incidents().await.unwrap()[0].id.to_string();
    Form::update("resolved", "By mistake.").with("notify", "yes").say(&owner, &id).await;
    let remove = format!("/admin/incidents/{id}/updates/{}/remove", newest(&app, &id).await);
    owner.get(&remove).await.says("gets the update before it instead");
    let answer = owner.post(&remove, &[]).await;
    let broadcasts = app.state.store.broadcasts_of(&id.parse().unwrap()).await.unwrap();
    let open: Vec<_> = broadcasts.iter().filter(|broadcast| broadcast.state.is_open()).collect();
    let [broadcast] = open[..] else { panic!("the first goes on, and nothing else: {open:?}") };
    assert_eq!(answer.is(303).location(), format!("/admin/broadcasts/{}", broadcast.id));
    owner.get(answer.location()).await.says("The one before it goes on to those who were not told.");

    owner.post("/admin/mail/release", &[]).await.is(303);
    let letters = app.letters(3).await;
    assert!(letters.iter().all(|letter| letter.text.contains("It is slow.") && !letter.text.contains("By mistake.")));
    app.settle().await;
    assert_eq!(app.captured().len(), 3);

    // The last word of all is nobody's successor.
    Form::update("identified", "Found.").with("notify", "yes").say(&owner, &id).await;
    app.letters(6).await;
    // Also the last outcome is written down.
    while !app.state.store.open_broadcasts().await.unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    owner.post("/admin/mail/hold", &[]).await.is(303);
    Form::update("resolved", "By mistake.").with("notify", "yes").say(&owner, &id).await;
    let remove = format!("/admin/incidents/{id}/updates/{}/remove", newest(&app, &id).await);
    owner.get(&remove).await.never_says("the update before it");
    let answer = owner.post(&remove, &[]).await;
    assert!(answer.is(303).location().starts_with(&format!("/admin/incidents/{id}")), "{}", answer.location());
}

#[tokio::test]
async fn whoever_hears_nothing_in_place_of_what_is_removed_can_be_written_to() {
    let settings = server::config::Settings { mail_rate: Some("2/s".to_owned()), ..Default::default() };
    let app = TestApp::with(settings).await;
    let addresses: Vec<_> = (0..200).map(|number| format!("reader{number}@example.com")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    app.followers(&addresses, &Follows::everything()).await;
    let owner = app.owner().await;
    let id = Form::incident("Slow").open(&owner).await;
    Form::update("resolved", "By mistake.").with("notify", "yes").say(&owner, &id).await;
    let remove = format!("/admin/incidents/{id}/updates/{}/remove", newest(&app, &id).await);
    owner.get_until(&remove, |page| page.contains("people have not got it yet and never will")).await;
    let link = format!("/admin/incidents/{id}?notify=yes");
    owner.get(&remove).await.says("Post an update instead").says(&format!("{link}#post"));
    let answer = owner.post(&remove, &[]).await;
    assert_eq!(answer.is(303).location(), link);
    let page = owner.get(&link).await;
    page.says("hears nothing in its place").says("name=\"notify\" value=\"yes\" checked");
}

#[tokio::test]
async fn removing_stops_what_is_being_sent_and_an_edit_reaches_whoever_is_mailed_after_it() {
    let settings = server::config::Settings { mail_rate: Some("2/s".to_owned()), ..Default::default() };
    let app = TestApp::with(settings).await;
    assert!(!"2/s".parse::<Rate>().unwrap().is_unlimited());
    let addresses: Vec<_> = (0..200).map(|number| format!("reader{number}@example.com")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    app.followers(&addresses, &Follows::everything()).await;
    let owner = app.owner().await;
    let form = Form::incident("Slow").with("body", "Old words.").with("notify", "yes");
    form.post(&owner, "/admin/incidents/new").await.is(303);
    let before = app.letters(1).await.len();
    let id = app.state.store.open_incidents().await.unwrap()[0].id.to_string();
    let address = format!("/admin/incidents/{id}/updates/{}", newest(&app, &id).await);
    owner.post(&address, &[("seen", "0"), ("body", "New words.")]).await.is(303);
    // What was handed to a session before the edit may still carry the old words; soon none does.
    let mut count = before;
    loop {
        let letters = app.letters(count + 1).await;
        count = letters.len();
        if letters.iter().any(|letter| letter.text.contains("New words.")) {
            break;
        }
    }
    owner.get(&format!("{address}/remove")).await.says("Its mails stop: ");
    owner.post(&format!("{address}/remove"), &[]).await.is(303);
    let broadcast = &app.state.store.broadcasts_of(&id.parse().unwrap()).await.unwrap()[0];
    assert_eq!((broadcast.state, broadcast.reason.as_str()), (BroadcastState::Cancelled, "the update was removed"));
    assert!(broadcast.sent + broadcast.waiting() < 200, "{broadcast:?}");
}

#[tokio::test]
async fn title_and_impact_can_be_changed_later() {
    let app = TestApp::start().await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    let id = Form::incident("Slwo").with("impact", "critical").open(&owner).await;
    let address = format!("/admin/incidents/{id}/details");
    owner.get(&address).await.is(200).says("value=\"Slwo\"").says("value=\"critical\" selected");
    owner.post(&address, &[("name", ""), ("impact", "worst")]).await.is(422).says("Choose one of the impacts");
    owner.post(&address, &[("name", "Slow"), ("impact", "minor")]).await.is(303);
    visitor.get(&format!("/incidents/{id}")).await.says("Slow").says("Minor").never_says("Critical");
}

#[tokio::test]
async fn what_is_dated_back_says_when_it_was_written() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = Form::incident("Old").with("display_at", "2024-02-05 04:12 America/Chicago").open(&owner).await;
    owner.get(&format!("/admin/incidents/{id}")).await.says("written ").says("5 Feb 2024, 10:12 UTC");
}

#[tokio::test]
async fn the_next_update_is_promised_until_it_comes() {
    let app = TestApp::start().await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    let id = Form::incident("Slow").with("next_update", "30").open(&owner).await;
    let page = format!("/incidents/{id}");
    visitor.get("/").await.says("Next update by ");
    visitor.get(&page).await.says("Next update by ");
    owner.get(&format!("/admin{page}")).await.says("Next update promised by ").says("in 30 min");
    let answer = Form::update("identified", "Found.").with("next_update", "at").with("next_update_at", "soon");
    answer.post(&owner, &format!("/admin{page}")).await.is(422).says("Write a date and a time").says("value=\"soon\"");

    // Nobody said more in time.
    app.state.clock.advance(jiff::SignedDuration::from_mins(31));
    let owner = app.owner().await;
    visitor.get(&page).await.says("The next update was due ").never_says("Next update by ");
    owner.get(&format!("/admin{page}")).await.says("min late");
    Form::update("resolved", "Over.").with("next_update", "15").say(&owner, &id).await;
    visitor.get(&page).await.never_says("next update was due").never_says("Next update by ");
}
