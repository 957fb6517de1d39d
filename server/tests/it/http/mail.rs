//! `/admin/mail`: how mail fares, the switch, the test.

use std::{fs, path::Path, time::Duration};

use domain::{rate::Share, subscriber::Follows, time};
use jiff::SignedDuration;
use server::config::Settings;
use tokio::time::{Instant, sleep};

use crate::support::{
    app::{TestApp, served_on_both},
    dkim::{SELECTORS, keys},
    form::Form,
    smtp::{Act, SmtpServer, Step},
};

served_on_both!(all_mail_is_held_and_let_go_by_one_switch);

async fn all_mail_is_held_and_let_go_by_one_switch(app: TestApp) {
    let owner = app.owner().await;
    app.followers(&["ann@example.com"], &Follows::everything()).await;
    owner.get("/admin/mail").await.is(200).says("Hold all mail").says("Nothing waits").never_says("up to no limit");
    owner.post("/admin/mail/hold", &[]).await.is(303);
    owner.get("/admin/mail").await.says("All mail is held");
    owner.post("/admin/mail/hold", &[]).await.is(409);

    let form = Form::incident("Elevated API errors").with("notify", "yes");
    let published = form.post(&owner, "/admin/incidents/new").await;
    owner.get_until(published.location(), |page| page.contains("all mail is held")).await;
    owner.get("/admin/mail").await.says("Elevated API errors").says("Incidents");
    assert!(app.captured().is_empty());

    owner.post("/admin/mail/release", &[]).await.is(303);
    app.mails(1).await;
    owner.get("/admin/mail").await.never_says("All mail is held");
}

#[tokio::test]
async fn a_test_mail_goes_through_the_queue_and_its_server_is_heard() {
    let refuse = Act::reply("550 5.7.1 <script>We do not know you</script>");
    let server = SmtpServer::script().with_sign_in("tidings", "s3cret", "PLAIN").on(Step::Mail, refuse).start().await;
    let other = SmtpServer::start().await;
    let settings = Settings {
        smtp_url: Some(server.url()),
        smtp_alert_url: Some(other.url()),
        smtp_alert_quota: Some("500/day".into()),
        mail_quota: Some("1000/day".into()),
        mail_rate: Some("14/s".into()),
        ..Settings::default()
    };
    let app = TestApp::with(settings).await;
    let owner = app.owner().await;
    let page = owner.get("/admin/mail").await;
    page.says("Mail server of updates").says("Mail server of alerts and confirmations");
    page.says("14/s as set; updates use up to 11.9/s").says("10/s by default");
    page.says("a mail server on this machine").says("https://www.postfix.org/").never_says("Last test");
    page.says("0 of 1,000 used in 24 hours; 930 left for updates").never_says("s3cret");
    page.says("0 of 500 used in 24 hours; 500 left in all").says("not signed by Tidings; your provider may sign");

    owner.post("/admin/mail/test", &[("transport", "main")]).await.is(303);
    let refused = owner.get_until("/admin/mail", |page| page.contains("Not taken yet")).await;
    refused.says("550 5.7.1").says("&lt;script&gt;We").never_says("s3cret").never_says("<script>We");
    let sent = owner.post("/admin/mail/test", &[("transport", "alert")]).await;
    assert_eq!(sent.is(303).location(), "/admin/mail#transport-alert");
    assert_eq!(other.wait_for(1).await[0].to, ["owner@example.com"]);
    assert!(server.accepted().is_empty());
    let page = owner.get_until("/admin/mail", |page| page.contains("Accepted")).await;
    page.says("250 ").never_says("s3cret");
    // What was booked and not used is given back.
    owner.get_until("/admin/mail", |page| page.contains("1 of 500 used")).await;
    owner.post("/admin/mail/test", &[("transport", "other")]).await.is(404);
    let noted = app.state.store.audit_rows(0, 100).await.unwrap();
    assert_eq!(noted.iter().filter(|row| row.action == "mail.test").count(), 2);
    owner.post("/admin/mail/hold", &[]).await.is(303);
    owner.post("/admin/mail/test", &[("transport", "main")]).await.is(409).says("All mail is held");
}

#[tokio::test]
async fn what_is_wrong_with_a_mail_server_is_said_with_its_next_try() {
    let server = SmtpServer::script().on(Step::Greeting, Act::reply("554 5.7.1 Go away").and_close()).start().await;
    let settings =
        Settings { smtp_url: Some(server.url()), mail_quota: Some("1000/day".into()), ..Settings::default() };
    let app = TestApp::with(settings).await;
    let owner = app.owner().await;
    app.followers(&["ann@example.com"], &Follows::everything()).await;
    let at = app.state.clock.now() - SignedDuration::from_hours(1);
    let mut write = app.state.store.write().await.unwrap();
    write.book("main", Share::Bulk, 100, at).await.unwrap();
    write.commit().await.unwrap();
    let form = Form::incident("Elevated API errors").with("notify", "yes");
    let published = form.post(&owner, "/admin/incidents/new").await;
    // What was booked for mails that could not leave is given back.
    let is_known = |page: &str| page.contains("Turns us away") && page.contains("100 of 1,000 used");
    owner.get_until("/admin/mail", is_known).await.says("Next try").says("554 5.7.1");
    owner.get_until("/admin/mail", |page| page.contains("refuses our credentials or settings")).await;
    owner.get(published.location()).await.says("next try");
    owner.get("/admin").await.says("The mail server").says("turns us away (").says("554 5.7.1");
    let metrics = app.visitor().get("/metrics").await;
    metrics.says("tidings_mail_transport_state").says("tidings_mail_quota_used").says("tidings_mail_held");
}

#[tokio::test]
async fn a_server_that_is_too_busy_for_us_is_why_a_broadcast_waits_and_until_when() {
    let busy = Act::reply("421 4.3.2 Too busy").and_close();
    let server = SmtpServer::script().on(Step::Greeting, busy).start().await;
    let app = TestApp::with(Settings { smtp_url: Some(server.url()), ..Settings::default() }).await;
    let owner = app.owner().await;
    app.followers(&["ann@example.com"], &Follows::everything()).await;
    let form = Form::incident("Elevated API errors").with("notify", "yes");
    let published = form.post(&owner, "/admin/incidents/new").await;
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let known = app.state.store.transport("main").await.unwrap();
        let page = owner.get(published.location()).await;
        // At the moment of a try it has no next one.
        let is_said = known.is_some_and(|health| {
            let at = time::short(health.not_before, app.state.clock.now());
            page.body.contains(&format!("the mail server cannot be reached (Greeting: 421 4.3.2); next try {at}"))
        });
        if is_said {
            break;
        }
        assert!(Instant::now() < deadline, "{}", page.body);
        sleep(Duration::from_millis(20)).await;
    }
    owner.get("/admin/mail").await.says("Cannot be reached").says("421 4.3.2").says("Next try");
}

#[tokio::test]
async fn who_signs_and_with_which_keys_is_said_of_each_way() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("signers-{:016x}", rand::random::<u64>()));
    fs::create_dir_all(&folder).unwrap();
    let settings = Settings {
        smtp_url: Some("smtp://127.0.0.1:9?tls=none".into()),
        smtp_alert_url: Some("smtp://127.0.0.1:10?tls=none".into()),
        dkim_domain: Some("example.com".into()),
        dkim_selector: Some(SELECTORS.into()),
        dkim_key_file: Some(keys(&folder)),
        ..Settings::default()
    };
    let app = TestApp::with(settings).await;
    let page = app.owner().await.get("/admin/mail").await;
    assert_eq!(page.body.matches("signed by example.com with one (ed25519), two (rsa)").count(), 2, "{}", page.body);
    page.never_says("not signed");
    fs::remove_dir_all(folder).unwrap();
}
