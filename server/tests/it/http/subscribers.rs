//! What the console does for subscribers.

use domain::{
    ids::SubscriberId,
    subscriber::{Follows, SubscriberState},
};
use server::store::suppressions::NOBODY;

use crate::support::{
    app::{TestApp, served_on_both},
    form::Form,
};

served_on_both!(
    someone_is_added_by_hand_changed_removed_and_comes_back_only_on_record,
    whoever_is_erased_leaves_no_address_behind_and_no_import_brings_them_back,
    a_suppressed_address_is_shown_with_its_reason_and_let_go_by_hand,
    those_whom_a_server_refused_by_mistake_are_let_go_at_once,
);

async fn state_of(app: &TestApp, id: i64) -> SubscriberState {
    app.state.store.subscriber(SubscriberId(id)).await.unwrap().unwrap().state
}

async fn someone_is_added_by_hand_changed_removed_and_comes_back_only_on_record(app: TestApp) {
    let (api, owner) = (app.component("API").await, app.owner().await);
    let add = async |fields: &[(&str, &str)]| owner.post("/admin/subscribers/new", fields).await;
    let wrong =
        add(&[("email", "nobody@"), ("consent", "stated"), ("reason", "  "), ("time_zone", "Asia/Taipei")]).await;
    wrong
        .is(422)
        .says("value=\"nobody@\"")
        .says("value=\"Asia/Taipei\" selected")
        .says("What they hear of")
        .says("Choose what you want to hear of");
    let stated =
        [("email", "Ann@example.com"), ("component", api.as_str()), ("consent", "stated"), ("reason", "by phone")];
    assert_eq!(add(&stated).await.is(303).location(), "/admin/subscribers/1");
    let page = owner.get("/admin/subscribers/1").await;
    page.is(200).says("Ann@example.com is subscribed.").says("by phone (added by user:").says("Subscribed");
    assert!(app.captured().is_empty(), "who is known to agree is not asked");
    add(&stated).await.is(303);
    owner.get("/admin/subscribers/1").await.says("is subscribed already; nothing was changed");

    add(&[("email", "bob@example.com"), ("everything", "1"), ("consent", "ask"), ("locale", "es")]).await.is(303);
    let letter = app.letters(1).await.remove(0);
    assert_eq!((letter.to.as_str(), letter.subject.as_str()), ("bob@example.com", "[Status] Confirme su suscripción"));
    assert_eq!(state_of(&app, 2).await, SubscriberState::Pending);
    add(&[("email", "bob@example.com"), ("everything", "1"), ("consent", "ask")]).await.is(303);
    owner.get("/admin/subscribers/2").await.says("a short while ago; nothing was changed").says("Request to confirm");
    app.visitor().post(&letter.path("confirm"), &[]).await.is(200).says("You are subscribed");

    let list = owner.get("/admin/subscribers").await;
    list.is(200).says("2 subscribed").says("Ann@example.com").says("bob@example.com").says("0 suppressed");
    let found = owner.get("/admin/subscribers?q=ANN&state=active&follows=everything").await;
    found.is(200).says("Nobody was found").says("value=\"ANN\"");
    owner.get(&format!("/admin/subscribers?q=ann@&follows={api}")).await.says("Ann@example.com").never_says("bob@");

    owner.post("/admin/subscribers/1", &[("locale", "fr")]).await.is(422).says("Choose what you want to hear of");
    owner.post("/admin/subscribers/1", &[("locale", "fr"), ("everything", "1")]).await.is(303);
    owner.get("/admin/subscribers/1").await.says("Français, time zone: the page’s");
    Form::incident("Down").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    app.letters(3).await;
    owner.get("/admin/subscribers/1").await.says("Down").says("href=\"/admin/incidents/");

    for _ in 0..2 {
        owner.post("/admin/subscribers/1/remove", &[]).await.is(303);
    }
    assert_eq!(state_of(&app, 1).await, SubscriberState::Unsubscribed);
    owner.post("/admin/subscribers/1", &[("everything", "1")]).await.is(409);
    owner.get("/admin/subscribers?state=unsubscribed").await.says("Ann@example.com").never_says("bob@example.com");
    add(&[("email", "ann@example.com"), ("everything", "1"), ("consent", "stated"), ("reason", "wrote to us")])
        .await
        .is(303);
    assert_eq!(state_of(&app, 1).await, SubscriberState::Active);
    let actions: Vec<_> = app.state.store.audit_rows(0, 100).await.unwrap().into_iter().map(|row| row.action).collect();
    for action in ["subscriber.add", "subscriber.change", "subscriber.remove"] {
        assert!(actions.iter().any(|known| known == action), "{action} in {actions:?}");
    }
    for missing in ["/admin/subscribers/404", "/admin/subscribers/nobody", "/admin/subscribers/404/erase"] {
        owner.get(missing).await.is(404);
    }
}

async fn whoever_is_erased_leaves_no_address_behind_and_no_import_brings_them_back(app: TestApp) {
    let owner = app.owner().await;
    app.followers(&["ann@example.com", "bob@example.com"], &Follows::everything()).await;
    Form::incident("Down").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    app.letters(2).await;
    owner.get("/admin/subscribers/1/erase").await.is(200).says("ann@example.com").says("Erase for good");
    assert_eq!(state_of(&app, 1).await, SubscriberState::Active, "looking erases nobody");
    assert_eq!(owner.post("/admin/subscribers/1/erase", &[]).await.is(303).location(), "/admin/subscribers");
    owner.get("/admin/subscribers").await.says("The person was erased.").never_says("ann@example.com");
    owner.get("/admin/subscribers/1").await.is(404);
    let rows = app.state.store.audit_rows(0, 100).await.unwrap();
    assert!(rows.iter().any(|row| row.action == "subscriber.erase" && row.subject == "1"));
    assert!(!format!("{rows:?}").contains("ann@example.com"), "{rows:?}");

    let list = std::env::temp_dir().join(format!("erased-{}.csv", std::process::id()));
    std::fs::write(&list, "Ann@example.com\ncarl@example.com\n").unwrap();
    let (store, clock, mut refused) = (&app.state.store, &app.state.clock, Vec::new());
    let report = server::import::subscribers(store, clock, Some(app.state.secret()), &list, |line| refused.push(line))
        .await
        .unwrap();
    std::fs::remove_file(&list).unwrap();
    assert_eq!(report.to_string(), "1 created, 0 updated, 0 unchanged, 1 refused");
    assert!(refused[0].starts_with("line 1: they were erased"), "{refused:?}");

    // They themselves may come back, and then lists may hold them again.
    let reader = app.visitor();
    reader.post("/subscribe", &[("email", "ann@example.com"), ("everything", "1")]).await.is(200);
    let confirmation = app.letters(3).await.remove(2);
    reader.post(&confirmation.path("confirm"), &[]).await.is(200).says("You are subscribed");
    let tag = app.state.secret().erased_tag("ann@example.com");
    assert_eq!(store.erased_among(&[tag]).await.unwrap(), Vec::<String>::new());
}

async fn a_suppressed_address_is_shown_with_its_reason_and_let_go_by_hand(app: TestApp) {
    let owner = app.owner().await;
    app.followers(&["ann@example.com"], &Follows::everything()).await;
    let suppress = async |address: &str| {
        let mut write = app.state.store.write().await.unwrap();
        write.suppress(address, "550 no <b>such</b> person", None, app.state.clock.now()).await.unwrap();
        write.commit().await.unwrap();
    };
    suppress("ann@example.com").await;
    suppress("someone@else.example").await;
    owner.get("/admin/subscribers").await.says("2 suppressed");
    let page = owner.get("/admin/subscribers/1").await;
    page.is(200).says("Nothing is sent to this address").says("550 no &lt;b&gt;such&lt;/b&gt; person");
    owner.post("/admin/subscribers/1/release", &[]).await.is(303);
    owner.get("/admin/subscribers/1").await.says("is allowed again").never_says("Nothing is sent to this address");
    let list = owner.get("/admin/suppressions?q=ELSE").await;
    list.is(200).says("someone@else.example").says("value=\"else\"");
    owner.get("/admin/suppressions?q=nobody").await.says("None was found");
    owner.post("/admin/suppressions/release", &[("email", "someone@else.example")]).await.is(303);
    owner.get("/admin/suppressions").await.says("Every address may be written to.");
}

async fn those_whom_a_server_refused_by_mistake_are_let_go_at_once(app: TestApp) {
    let (owner, now) = (app.owner().await, app.state.clock.now());
    let mut write = app.state.store.write().await.unwrap();
    for (number, hours) in [(1, 30), (2, 2), (3, 2)] {
        let found = now - jiff::SignedDuration::from_hours(hours);
        write.suppress(&format!("person{number}@example.com"), NOBODY, None, found).await.unwrap();
    }
    write.suppress("spam@example.com", "they called a mail spam", None, now).await.unwrap();
    write.commit().await.unwrap();
    owner.get("/admin/suppressions").await.says("href=\"/admin/suppressions/release-many\"");
    let many = "/admin/suppressions/release-many";
    owner.get(many).await.is(200).says("Since when was it wrong?").never_says("were said not to exist");
    owner.get(&format!("{many}?since=<b>noon")).await.is(422).says("Write a date and a time").says("&lt;b&gt;noon");
    owner.post(many, &[("since", "noon")]).await.is(422).says("value=\"noon\"");
    let since = domain::time::editable(now - jiff::SignedDuration::from_hours(3));
    let asked = owner.get(&format!("{many}?since={}", since.replace(' ', "+"))).await;
    asked.is(200).says("2 addresses").says("were said not to exist since");
    owner.get("/admin/suppressions").await.says("4 addresses get no mail");
    assert_eq!(owner.post(many, &[("since", &since)]).await.is(303).location(), "/admin/suppressions");
    let list = owner.get("/admin/suppressions").await;
    list.says("Mail to 2 addresses is allowed again.").says("person1@example.com").says("spam@example.com");
    list.never_says("person2@").never_says("person3@");
    owner.post(many, &[("since", &since)]).await.is(303);
    owner.get("/admin/suppressions").await.says("They were allowed already.");
    let rows = app.state.store.audit_rows(0, 100).await.unwrap();
    let noted: Vec<_> = rows.iter().filter(|row| row.action == "suppression.release_many").collect();
    assert!(noted.len() == 1 && noted[0].detail.starts_with("2 addresses, suppressed since "), "{noted:?}");
}

#[tokio::test]
async fn the_console_asks_nobody_too_often_and_not_too_many() {
    let app = TestApp::start().await;
    // Windows of an hour and of a day begin with it.
    let clock = &app.state.clock;
    clock.advance(jiff::SignedDuration::from_secs(86_400 - clock.now().as_second().rem_euclid(86_400)));
    let owner = app.owner().await;
    let ask = async |email: &str| {
        let form = [("email", email), ("everything", "1"), ("consent", "ask"), ("reason", "As typed")];
        owner.post("/admin/subscribers/new", &form).await
    };
    // Erased in between, so that nothing else knows that they were asked.
    for _ in 0..3 {
        let added = ask("ann@example.com").await;
        owner.post(&format!("{}/erase", added.is(303).location()), &[]).await.is(303);
    }
    let refused = ask("ann@example.com").await;
    refused.is(422).says("This address was asked often enough today").says("value=\"As typed\"");
    for number in 0..57 {
        ask(&format!("other{number}@example.com")).await.is(303);
    }
    let refused = ask("one-more@example.com").await;
    refused.is(422).says("You had 60 people asked within the hour").says("value=\"one-more@example.com\"");
    app.state.clock.advance(jiff::SignedDuration::from_hours(1));
    ask("one-more@example.com").await.is(303);
}
