//! What the dashboard says that somebody should look at, and what the review says before it is too late.

use domain::{
    i18n::{Locale, Preferences},
    subscriber::Follows,
};
use server::store::import::ImportRow;

use crate::support::{
    app::{OWNER, TestApp, served_on_both},
    form::Form,
};

served_on_both!(
    an_owner_shows_that_alerts_arrive_by_a_mailed_link,
    a_paused_broadcast_needs_someone_however_many_came_after_it,
    many_lost_addresses_within_a_day_need_someone,
    an_owner_whose_address_is_suppressed_is_named_and_shows_that_mail_arrives,
);

async fn an_owner_shows_that_alerts_arrive_by_a_mailed_link(app: TestApp) {
    let (owner, elsewhere) = (app.owner().await, app.visitor());
    owner.get("/admin").await.says("nobody who runs this page has shown that alerts reach them");
    owner.get("/admin/account").await.says("Does mail reach you?");
    owner.post("/admin/account/confirm", &[]).await.is(303);
    owner.get("/admin/account").await.says(&format!("A link is on its way to {OWNER}"));
    let letter = app.letters(1).await.remove(0);
    assert_eq!(letter.to, OWNER);
    let link = letter.path("admin/confirm");
    // Mail scanners look, on any machine; nobody is signed in by it.
    for _ in 0..2 {
        elsewhere.get(&link).await.is(200).says("Confirm this address").says(OWNER);
    }
    owner.get("/admin").await.says("nobody who runs this page");
    // It confirms an address and opens nothing else.
    let token = link.rsplit('/').next().unwrap();
    elsewhere.get(&format!("/admin/welcome/{token}")).await.is(404);
    elsewhere.post(&link, &[]).await.is(303);
    assert!(elsewhere.get("/admin").await.is(303).location().starts_with("/admin/sign-in"));
    elsewhere.post(&link, &[]).await.is(404);
    elsewhere.get(&link).await.is(404);
    owner.get("/admin").await.never_says("Needs attention");
    owner.get("/admin/account").await.says("Mail reaches you there").never_says("Does mail reach you?");
    let rows = app.state.store.audit_rows(0, 100).await.unwrap();
    let acts = ["user.ask_confirmation", "user.confirm"];
    assert!(acts.iter().all(|act| rows.iter().filter(|row| row.action == *act).count() == 1), "{rows:?}");
}

#[tokio::test]
async fn nobody_is_flooded_with_links_to_confirm() {
    let app = TestApp::start().await;
    // Windows of an hour and of a day begin with it.
    let clock = &app.state.clock;
    clock.advance(jiff::SignedDuration::from_secs(86_400 - clock.now().as_second().rem_euclid(86_400)));
    let owner = app.owner().await;
    for _ in 0..3 {
        owner.post("/admin/account/confirm", &[]).await.is(303);
    }
    let refused = owner.post("/admin/account/confirm", &[]).await;
    assert_eq!(refused.is(429).header("retry-after"), "3600");
    app.mails(3).await;
    assert_eq!(app.captured().len(), 3);
}

async fn a_paused_broadcast_needs_someone_however_many_came_after_it(app: TestApp) {
    let owner = app.owner().await;
    app.followers(&["ann@example.com"], &Follows::everything()).await;
    owner.post("/admin/mail/hold", &[]).await.is(303);
    owner.get("/admin").await.says("Needs attention").says("All mail is held");
    let first = Form::incident("The first of many").with("notify", "yes").post(&owner, "/admin/incidents/new").await;
    let broadcast = first.is(303).location().to_owned();
    // Its people are counted by the worker.
    let is_counted = |page: &str| page.contains("all mail is held") && page.contains("1 waiting");
    owner.get_until(&broadcast, is_counted).await;
    owner.post(&format!("{broadcast}/pause"), &[]).await.is(303);
    owner.post("/admin/mail/release", &[]).await.is(303);
    for number in 0..6 {
        let form = Form::incident(&format!("Another {number}")).with("notify", "yes");
        form.post(&owner, "/admin/incidents/new").await.is(303);
    }
    app.mails(6).await;
    let page = owner.get("/admin").await;
    page.says("The mails of The first of many").says("are paused; 1 person wait").never_says("All mail is held");
    page.says("1 held by a pause").says("sent in the last hour").says("All broadcasts");
}

async fn many_lost_addresses_within_a_day_need_someone(app: TestApp) {
    let owner = app.owner().await;
    let suppress = async |from: u32, until: u32| {
        let mut write = app.state.store.write().await.unwrap();
        for number in from..until {
            let address = format!("lost{number}@example.com");
            write.suppress(&address, "no such address", None, app.state.clock.now()).await.unwrap();
        }
        write.commit().await.unwrap();
    };
    suppress(0, 20).await;
    owner.get("/admin").await.never_says("turned out not to take mail");
    suppress(20, 21).await;
    owner.get("/admin").await.says("21 addresses").says("turned out not to take mail within a day");
    app.state.clock.advance(jiff::SignedDuration::from_hours(25));
    owner.get("/admin").await.never_says("turned out not to take mail");
}

async fn an_owner_whose_address_is_suppressed_is_named_and_shows_that_mail_arrives(app: TestApp) {
    let owner = app.owner().await;
    owner.get("/admin").await.never_says("takes no mail");
    let mut write = app.state.store.write().await.unwrap();
    write.suppress(OWNER, "the address does not exist", None, app.state.clock.now()).await.unwrap();
    write.commit().await.unwrap();
    let page = owner.get("/admin").await;
    page.says("Needs attention").says("a mail server said that this address takes no mail");
    page.says(&format!("/admin/suppressions?q={}", OWNER.replace('@', "%40")));
    owner.post("/admin/account/confirm", &[]).await.is(303);
    let letter = app.letters(1).await.remove(0);
    app.visitor().post(&letter.path("admin/confirm"), &[]).await.is(303);
    owner.get("/admin").await.never_says("takes no mail");
}

#[tokio::test]
async fn the_review_says_that_mail_is_held_and_which_times_nobody_understands() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    app.followers(&["ann@example.com"], &Follows::everything()).await;
    owner.post("/admin/mail/hold", &[]).await.is(303);
    let form = Form::incident("Down").with("notify", "yes").with("intent", "review");
    let form = form.with("body", "Since {time 2024-02-05 10:12 CST} it is slow.");
    let page = form.post(&owner, "/admin/incidents/new").await;
    page.is(200).says("Nothing goes out until mail is released: all mail is held.").says("Mails 1 person.");
    page.says("Mail 1 person, but nothing goes out until mail is released: all mail is held").never_says("done about");
    page.says("is left as typed").says("{time 2024-02-05 10:12 CST}");
    owner.get("/admin/audience").await.says("but nothing goes out until mail is released").never_says("done about");
    form.with("notify", "no").post(&owner, "/admin/incidents/new").await.never_says("Nothing goes out");
    let id = Form::incident("Up").open(&owner).await;
    let next = Form::update("resolved", "Over.").with("notify", "yes").with("intent", "review");
    let page = next.post(&owner, &format!("/admin/incidents/{id}")).await;
    page.is(200)
        .says("Nothing goes out until mail is released")
        .never_says("done about")
        .never_says("is left as typed");
    owner.post("/admin/mail/release", &[]).await.is(303);
    let page = next.post(&owner, &format!("/admin/incidents/{id}")).await;
    page.is(200).says("Mails 1 person, done about").never_says("othing goes out");
}

#[tokio::test]
async fn the_mail_is_looked_at_as_any_reader_gets_it() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    app.followers(&["ann@example.com"], &Follows::everything()).await;
    let form = Form::incident("Down").with("notify", "yes").with("intent", "review");
    let form = form.with("body", "Words.").with("display_at", "2024-02-05 10:12");
    let page = form.post(&owner, "/admin/incidents/new").await;
    page.is(200)
        .says("mail?locale=en&amp;time_zone=\"")
        .says("Show it so")
        .says("Unsubscribe")
        .never_says("Asia/Taipei)")
        .never_says("They read: ");
    let preferences = Preferences { locale: Locale::German, zone: None };
    let row = ImportRow { email: "ben@example.com".parse().unwrap(), follows: Follows::everything(), preferences };
    let mut write = app.state.store.write().await.unwrap();
    write.import_subscribers(&[row], "asked on paper", app.state.clock.now()).await.unwrap();
    write.commit().await.unwrap();
    let form = form.with("locale", "de").with("time_zone", "Asia/Taipei");
    let page = form.post(&owner, "/admin/incidents/new").await;
    let frame = "/admin/drafts/new/mail?locale=de&time_zone=Asia%2FTaipei";
    page.is(200).says("They follow: everything 2").says("They read: Deutsch 1 · English 1");
    page.says(&frame.replace('&', "&amp;")).says("18:12 bei Ihnen (Asia/Taipei)").says("Abbestellen");
    owner.get(frame).await.is(200).says("lang=\"de\"").says("18:12 bei Ihnen (Asia/Taipei)");
    owner.get("/admin/drafts/new/mail").await.is(200).says("lang=\"en\"");
    owner.get("/admin/drafts/new/mail?locale=xx&time_zone=Mars").await.is(200).says("lang=\"en\"");
}
