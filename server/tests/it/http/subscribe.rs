//! Asking to be told, confirming, changing one's mind, leaving.

use std::time::Duration;

use domain::{
    ids::SubscriberId,
    subscriber::{Follows, SubscriberState},
};
use jiff::SignedDuration;
use server::config::Settings;

use crate::support::{
    app::{TestApp, served_on_both},
    client::{Answer, Client},
    form::Form,
    letter::Letter,
    smtp::{Act, SmtpServer, Step},
};

served_on_both!(
    a_subscriber_confirms_is_mailed_chooses_and_leaves,
    one_click_needs_neither_cookie_nor_origin_and_may_be_repeated,
    whoever_left_comes_back_only_by_confirming,
    a_confirmation_that_never_went_out_may_be_asked_for_again,
    whoever_confirms_is_written_to_again,
    many_may_subscribe_at_the_same_moment,
);

pub(super) const EVERYTHING: (&str, &str) = ("everything", "1");

pub(super) async fn ask(client: &Client, email: &str, wish: (&str, &str)) -> Answer {
    client.post("/subscribe", &[("email", email), ("website", ""), wish]).await
}

/// The newest mail with this number, the first being 1.
pub(super) async fn letter(app: &TestApp, number: usize) -> Letter {
    app.letters(number).await.remove(number - 1)
}

async fn a_subscriber_confirms_is_mailed_chooses_and_leaves(app: TestApp) {
    let (api, web) = (app.component("API").await, app.component("Website").await);
    let (owner, reader) = (app.owner().await, app.visitor());
    let answer = ask(&reader, "Reader@Example.com", ("component", api.as_str())).await;
    answer.is(200).says("Check your inbox").says("Reader@Example.com");
    let mail = letter(&app, 1).await;
    assert_eq!(mail.to, "Reader@Example.com");
    let confirm = mail.path("confirm");

    // Looking, as mail scanners do, changes nothing.
    for _ in 0..2 {
        reader.get(&confirm).await.is(200).says("Confirm your subscription");
    }
    let tell = |name: &str| Form::incident(name).with("notify", "yes");
    tell("Unheard").listing(&api, "major_outage").post(&owner, "/admin/incidents/new").await.is(303);
    app.settle().await;
    reader.post(&confirm, &[]).await.is(200).says("You are subscribed");
    reader.post(&confirm, &[]).await.is(200).says("You are subscribed");

    // Of their component, not of others.
    tell("Not for them").listing(&web, "major_outage").post(&owner, "/admin/incidents/new").await.is(303);
    tell("For them").listing(&api, "major_outage").post(&owner, "/admin/incidents/new").await.is(303);
    let mail = letter(&app, 2).await;
    assert!(mail.subject.contains("For them"), "{}", mail.subject);
    assert!(mail.raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{}", mail.raw);

    let manage = mail.path("manage");
    let page = reader.get(&manage).await;
    page.is(200).says("Reader@Example.com").says(&format!("value=\"{api}\" checked"));
    reader.post(&manage, &[("component", web.as_str())]).await.is(200).says("Your choice is saved.");
    reader.post(&manage, &[]).await.is(422).says("Choose what you want to hear of.");
    tell("Theirs now").listing(&web, "major_outage").post(&owner, "/admin/incidents/new").await.is(303);
    let mail = letter(&app, 3).await;
    assert!(mail.subject.contains("Theirs now"), "{}", mail.subject);

    let leave = mail.path("unsubscribe");
    let asked = reader.get(&leave).await;
    asked.is(200).says("No more mail about incidents").says("Choose what you hear of");
    let manage =
        asked.body.split("href=\"").find_map(|rest| rest.starts_with("/manage/").then(|| rest.split('"').next()));
    reader.get(manage.flatten().unwrap()).await.is(200).says("Your subscription");
    assert_eq!(state_of(&app).await, SubscriberState::Active, "a GET unsubscribed");
    reader.post(&leave, &[]).await.is(200).says("You are unsubscribed");
    reader.get(&leave).await.is(200).says("You are unsubscribed");
    let review = tell("Unheard").with("intent", "review").listing(&web, "major_outage");
    review.post(&owner, "/admin/incidents/new").await.is(200).says("Mails nobody");
}

async fn whoever_confirms_is_written_to_again(app: TestApp) {
    let (store, now) = (&app.state.store, app.state.clock.now());
    let mut write = store.write().await.unwrap();
    let the_day_before = now - SignedDuration::from_hours(25);
    write.suppress("reader@example.com", "mailbox full", None, the_day_before).await.unwrap();
    write.commit().await.unwrap();
    let reader = app.visitor();
    ask(&reader, "reader@example.com", EVERYTHING).await.is(200);
    // The mail that asks goes out all the same: only its answer can tell that the address works again.
    let confirm = letter(&app, 1).await.path("confirm");
    assert!(store.is_suppressed("reader@example.com", now).await.unwrap());
    reader.post(&confirm, &[]).await.is(200).says("You are subscribed");
    assert!(!store.is_suppressed("reader@example.com", now).await.unwrap());
}

async fn state_of(app: &TestApp) -> SubscriberState {
    app.state.store.subscriber(SubscriberId(1)).await.unwrap().unwrap().state
}

async fn one_click_needs_neither_cookie_nor_origin_and_may_be_repeated(app: TestApp) {
    app.followers(&["reader@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    Form::incident("Down").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    let path = letter(&app, 1).await.one_click();
    for _ in 0..2 {
        let answer = app.visitor().post_with(&path, &[], &[("List-Unsubscribe", "One-Click")]).await;
        answer.is(200).says("You are unsubscribed");
    }
    assert_eq!(app.state.store.count_subscribers().await.unwrap().active, 0);
    // From a provider's own page too.
    let foreign = [("origin", "https://mail.example"), ("sec-fetch-site", "cross-site")];
    app.visitor().post_with(&path, &foreign, &[("List-Unsubscribe", "One-Click")]).await.is(200);
}

async fn whoever_left_comes_back_only_by_confirming(app: TestApp) {
    let reader = app.visitor();
    ask(&reader, "reader@example.com", EVERYTHING).await.is(200);
    let first = letter(&app, 1).await.path("confirm");
    reader.post(&first, &[]).await.is(200).says("You are subscribed");
    let owner = app.owner().await;
    Form::incident("Down").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    let mail = letter(&app, 2).await;
    let (manage, leave) = (mail.path("manage"), mail.path("unsubscribe"));
    reader.post(&leave, &[]).await.is(200);

    // No old mail brings anyone back.
    for answer in [reader.get(&first).await, reader.post(&first, &[]).await] {
        answer.is(410).says("This link no longer works").says("Subscribe again");
    }
    reader.get(&manage).await.is(200).says("You are not subscribed").says("Subscribe again").never_says("Save");
    reader.post(&manage, &[EVERYTHING]).await.is(409).says("You are not subscribed").never_says("is saved");
    assert_eq!(state_of(&app).await, SubscriberState::Unsubscribed);

    // Asking does, on the same day too.
    ask(&reader, "reader@example.com", EVERYTHING).await.is(200).says("Check your inbox");
    let confirm = letter(&app, 3).await.path("confirm");
    assert_eq!(app.state.store.count_subscribers().await.unwrap().active, 0, "typing an address brought it back");
    reader.post(&manage, &[EVERYTHING]).await.is(409);
    assert_eq!(state_of(&app).await, SubscriberState::Pending, "an old mail confirmed");
    reader.post(&confirm, &[]).await.is(200).says("You are subscribed");
    assert_eq!(app.state.store.count_subscribers().await.unwrap().active, 1);
    // The links from the old mail still lead to the choices and out, as often as one likes.
    reader.post(&manage, &[EVERYTHING]).await.is(200).says("Your choice is saved.");
    for _ in 0..2 {
        reader.post(&leave, &[]).await.is(200).says("You are unsubscribed");
    }
}

async fn a_confirmation_that_never_went_out_may_be_asked_for_again(app: TestApp) {
    let refusing = SmtpServer::script().on(Step::Rcpt, Act::reply("550 5.1.1 No such mailbox")).start().await;
    let settings = Settings {
        database_url: Some(app.state.config().database_url.clone()),
        smtp_url: Some(refusing.url()),
        mail_from: Some("status@example.com".to_owned()),
        ..Settings::default()
    };
    app.stop().await;
    let app = TestApp::with(settings).await;
    // Days are counted by the calendar.
    let clock = &app.state.clock;
    clock.advance(SignedDuration::from_secs(86_400 - clock.now().as_second().rem_euclid(86_400)));
    // Each letter raises it, and makes the link in the one before worthless.
    let ask = async || {
        ask(&app.visitor(), "reader@example.com", EVERYTHING).await.is(200).says("Check your inbox");
        app.state.store.subscriber(SubscriberId(1)).await.unwrap().unwrap().generation
    };
    let mut newest = 0;
    for number in 1..=3 {
        let asked = ask().await;
        assert!(asked > newest, "no letter {number}");
        newest = asked;
        until_lost(&app).await;
    }
    assert_eq!(ask().await, newest, "four letters in a day");
    clock.advance(SignedDuration::from_hours(24));
    assert!(ask().await > newest, "none on the next day");
}

async fn until_lost(app: &TestApp) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let mut write = app.state.store.write().await.unwrap();
        if write.is_confirmation_lost(SubscriberId(1)).await.unwrap() {
            return;
        }
        drop(write);
        assert!(tokio::time::Instant::now() < deadline, "the letter has no outcome after 20 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn many_may_subscribe_at_the_same_moment(app: TestApp) {
    // One from each network, more than there are connections to the database, two of them the same person twice.
    let app = trusting(app).await;
    let visitor = app.visitor();
    let asks = (0..40).map(|number| {
        let (address, email) = (format!("203.0.{number}.1"), format!("reader{}@example.com", number.max(1)));
        let visitor = &visitor;
        async move {
            let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", address.as_str())];
            visitor.post_with("/subscribe", &headers, &[("email", &email), EVERYTHING]).await.status
        }
    });
    let statuses = futures_util::future::join_all(asks).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(app.state.store.count_subscribers().await.unwrap().pending, 39);
    assert_eq!(app.letters(39).await.len(), 39);
}

/// The same server once more, behind a proxy that says where requests come from.
async fn trusting(app: TestApp) -> TestApp {
    let settings = Settings {
        database_url: Some(app.state.config().database_url.clone()),
        trusted_proxies: Some("127.0.0.1".to_owned()),
        ..Settings::default()
    };
    app.stop().await;
    TestApp::with(settings).await
}

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_answer() {
    let app = TestApp::start().await;
    app.followers(&["active@example.com"], &Follows::everything()).await;
    let visitor = app.visitor();
    let mut pages = Vec::new();
    for email in ["active@example.com", "new@example.com", "new@example.com"] {
        let answer = ask(&visitor, email, EVERYTHING).await;
        pages.push((answer.status, answer.body.replace(email, "someone")));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[1], pages[2]);
}

#[tokio::test]
async fn an_active_subscribers_choices_cannot_be_changed_by_typing_their_address() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let only_api = Follows { components: [api.clone()].into(), ..Follows::default() };
    app.followers(&["reader@example.com"], &only_api).await;
    ask(&app.visitor(), "READER@example.com", EVERYTHING).await.is(200);
    let known = app.state.store.subscriber(SubscriberId(1)).await.unwrap().unwrap();
    assert_eq!((known.state, known.follows), (SubscriberState::Active, only_api));
    // The mail asks its owner, and the page behind it leads to the choices.
    let mail = letter(&app, 1).await;
    assert_eq!(mail.to, "reader@example.com");
    let (visitor, confirm) = (app.visitor(), mail.path("confirm"));
    visitor.get(&confirm).await.is(200).says("Confirm your subscription");
    assert!(
        !app.state.store.subscriber(SubscriberId(1)).await.unwrap().unwrap().follows.everything,
        "a GET changed it"
    );
    visitor.post(&confirm, &[]).await.is(200).says("You are subscribed").says("href=\"/manage/");
    assert!(app.state.store.subscriber(SubscriberId(1)).await.unwrap().unwrap().follows.everything);
    visitor.get(&confirm).await.is(200).says("You are subscribed");
}

#[tokio::test]
async fn an_address_gets_one_confirmation_a_day() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        ask(&app.visitor(), "reader@example.com", EVERYTHING).await.is(200);
    }
    let first = letter(&app, 1).await.path("confirm");
    app.state.clock.advance(SignedDuration::from_hours(25));
    ask(&app.visitor(), "reader@example.com", EVERYTHING).await.is(200);
    let letters = app.letters(2).await;
    assert_eq!(letters.len(), 2);
    // The newest link is the one that counts.
    app.visitor().post(&first, &[]).await.is(410).says("This link no longer works");
    app.visitor().post(&letters[1].path("confirm"), &[]).await.is(200).says("You are subscribed");
}

#[tokio::test]
async fn the_confirmation_and_what_follows_are_in_the_language_of_the_browser() {
    let app = TestApp::start().await;
    let reader = app.visitor();
    let headers = [("sec-fetch-site", "same-origin"), ("accept-language", "de-AT,de;q=0.9,en;q=0.5")];
    let fields = [("email", "leserin@example.com"), ("website", ""), EVERYTHING];
    reader.post_with("/subscribe", &headers, &fields).await.is(200);
    let confirmation = letter(&app, 1).await;
    assert_eq!(confirmation.subject, "[Status] Bitte bestätigen Sie Ihr Abonnement");
    assert!(confirmation.html.contains("<html lang=\"de\""), "{}", confirmation.html);
    reader.post(&confirmation.path("confirm"), &[]).await.is(200);
    let owner = app.owner().await;
    Form::incident("Elevated errors").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    let update = letter(&app, 2).await;
    assert_eq!(update.subject, "[Status] Elevated errors");
    assert!(update.text.starts_with("Wird untersucht\r\n"), "{}", update.text);
    assert!(update.html.contains("Statusseite öffnen"), "{}", update.html);
}

#[tokio::test]
async fn a_network_may_ask_ten_times_an_hour() {
    let app = TestApp::start().await;
    let visitor = app.visitor();
    for number in 0..10 {
        ask(&visitor, &format!("reader{number}@example.com"), EVERYTHING).await.is(200);
    }
    let refused = ask(&visitor, "reader10@example.com", EVERYTHING).await;
    refused.is(429).says("Too many attempts").says("Wait");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    app.state.clock.advance(SignedDuration::from_mins(61));
    ask(&visitor, "reader10@example.com", EVERYTHING).await.is(200);
}

#[tokio::test]
async fn a_program_that_fills_in_everything_is_told_the_same_and_written_nothing() {
    let app = TestApp::start().await;
    let fields = [("email", "robot@example.com"), EVERYTHING, ("website", "https://spam.example")];
    app.visitor().post("/subscribe", &fields).await.is(200).says("Check your inbox");
    let counts = app.state.store.count_subscribers().await.unwrap();
    assert_eq!((counts.pending, counts.active), (0, 0));
}

#[tokio::test]
async fn links_that_are_forged_for_something_else_or_too_old_say_what_to_do() {
    let app = TestApp::start().await;
    let visitor = app.visitor();
    ask(&visitor, "reader@example.com", EVERYTHING).await.is(200);
    let confirm = letter(&app, 1).await.path("confirm");
    let token = confirm.strip_prefix("/confirm/").unwrap();
    // Changed in the middle, where every bit counts.
    let (head, tail) = token.split_at(token.len() / 2);
    let other = if tail.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}{other}{}", &tail[1..]);
    for token in [forged.as_str(), "x", "%00", "%F0%9F%92%A3"] {
        for answer in
            [visitor.get(&format!("/confirm/{token}")).await, visitor.post(&format!("/confirm/{token}"), &[]).await]
        {
            answer.is(410).says("This link no longer works").says("href=\"/subscribe\"");
        }
        visitor.get(&format!("/manage/{token}")).await.is(404).says("This page does not exist");
        visitor.post(&format!("/unsubscribe/{token}"), &[]).await.is(404).says("newest mail you have from us");
    }
    // Good, but for something else.
    visitor.get(&format!("/manage/{token}")).await.is(404);
    visitor.post(&format!("/unsubscribe/{token}"), &[]).await.is(404);
    app.state.clock.advance(SignedDuration::from_hours(47));
    visitor.get(&confirm).await.is(200).says("Confirm subscription");
    app.state.clock.advance(SignedDuration::from_hours(2));
    visitor.get(&confirm).await.is(410).says("Subscribe again");
    visitor.post(&confirm, &[]).await.is(410).says("Subscribe again");
    assert_eq!(app.state.store.count_subscribers().await.unwrap().active, 0);
}

#[tokio::test]
async fn a_form_that_is_not_right_comes_back_with_what_was_typed() {
    let app = TestApp::start().await;
    let api = app.component("API").await;
    let visitor = app.visitor();
    let answer = ask(&visitor, "reader@nowhere@", ("component", api.as_str())).await;
    answer.is(422).says("value=\"reader@nowhere@\"").says(&format!("value=\"{api}\" checked"));
    answer.never_says("name=\"everything\" value=\"1\" checked");
    let nothing_chosen = visitor.post("/subscribe", &[("email", "reader@example.com")]).await;
    nothing_chosen.is(422).says("Choose what you want to hear of.").says("value=\"reader@example.com\"");
}

#[tokio::test]
async fn an_incident_can_be_followed_alone() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = Form::incident("This one").open(&owner).await;
    let form = app.visitor().get(&format!("/subscribe?incident={id}")).await;
    form.is(200).says("This one").says(&format!("value=\"{id}\" checked"));
    ask(&app.visitor(), "reader@example.com", ("incident", &id)).await.is(200);
    app.visitor().post(&letter(&app, 1).await.path("confirm"), &[]).await.is(200);
    Form::incident("Another").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    Form::update("resolved", "Over.")
        .with("notify", "yes")
        .post(&owner, &format!("/admin/incidents/{id}"))
        .await
        .is(303);
    assert!(letter(&app, 2).await.subject.contains("This one"));
}

#[tokio::test]
async fn a_page_behind_a_link_is_kept_by_nobody_and_tells_no_other_site_its_address() {
    let app = TestApp::start().await;
    let visitor = app.visitor();
    ask(&visitor, "reader@example.com", EVERYTHING).await.is(200);
    let page = visitor.get(&letter(&app, 1).await.path("confirm")).await;
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    page.says("name=\"robots\" content=\"noindex\"");
}
