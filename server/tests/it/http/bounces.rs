//! What mail services report: bounces and complaints, in our own form and from Amazon SES.

use std::time::Duration;

use domain::{
    broadcast::BroadcastState,
    subscriber::{Follows, SubscriberState},
};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use server::config::Settings;

use crate::support::{
    amazon::{Amazon, TOPIC},
    app::TestApp,
    client::{Answer, Client},
    form::Form,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const HOOK: &str = "/hooks/bounces";

/// Runs each of the given `async fn(TestApp)` with both hooks configured, on both engines.
macro_rules! hooked_on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::support::{app::serve_with, db::Database};

            #[tokio::test]
            async fn sqlite() {
                serve_with(super::hooks(), Database::sqlite().await, super::$name).await;
            }

            #[tokio::test]
            async fn postgres() {
                serve_with(super::hooks(), Database::postgres().await, super::$name).await;
            }
        }
    )+};
}

hooked_on_both!(
    a_bounce_webhook_replayed_ten_times_has_one_effect_and_a_forged_one_is_refused,
    ten_at_once_have_one_effect,
    who_calls_a_mail_spam_has_left,
    what_is_about_us_or_passes_blames_nobody,
    whoever_confirmed_since_then_is_believed,
    many_bounces_raise_one_alert,
    amazon_asks_once_and_reports_from_then_on,
    what_is_not_amazons_is_refused,
);

fn hooks() -> Settings {
    Settings {
        bounce_secret: Some(SECRET.to_owned()),
        ses_topics: Some(format!("arn:aws:sns:eu-central-1:123456789012:other, {TOPIC}")),
        ..Settings::default()
    }
}

fn signature(body: &str, at: Timestamp, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mac = hmac::sign(&key, format!("{}.{body}", at.as_second()).as_bytes());
    let mac: Vec<_> = mac.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={},v1={}", at.as_second(), mac.concat())
}

async fn send(client: &Client, path: &str, headers: &[(&'static str, &str)], body: &str) -> Answer {
    client.send(Method::POST, path, headers, Some(body.as_bytes().to_vec())).await.unwrap()
}

/// Sends a report as a service does that knows the secret.
async fn report(app: &TestApp, event: &Value) -> Answer {
    let body = event.to_string();
    let signature = signature(&body, app.state.clock.now(), SECRET);
    send(&app.visitor(), HOOK, &[("tidings-signature", &signature)], &body).await
}

fn bounce(id: &str, recipient: &str, at: Timestamp, diagnostic: &str) -> Value {
    json!({
        "id": id, "kind": "bounce", "permanence": "permanent", "recipient": recipient, "at": at.to_string(),
        "diagnostic": diagnostic,
    })
}

/// Publishes something, and waits until it is written down that everyone has it.
async fn publish(app: &TestApp, owner: &Client, name: &str) {
    Form::incident(name).with("notify", "yes").post(owner, "/admin/incidents/new").await.is(303);
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while app.state.store.broadcasts(1).await.unwrap()[0].state != BroadcastState::Done {
        assert!(tokio::time::Instant::now() < deadline, "the broadcast is not over after a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn is_suppressed(app: &TestApp, address: &str) -> bool {
    app.state.store.is_suppressed(address, app.state.clock.now()).await.unwrap()
}

async fn state_of(app: &TestApp, address: &str) -> SubscriberState {
    let id = app.state.store.subscriber_with(address).await.unwrap().unwrap();
    app.state.store.subscriber(id).await.unwrap().unwrap().state
}

async fn page_of(app: &TestApp, owner: &Client, address: &str) -> Answer {
    let id = app.state.store.subscriber_with(address).await.unwrap().unwrap();
    owner.get(&format!("/admin/subscribers/{id}")).await
}

async fn a_bounce_webhook_replayed_ten_times_has_one_effect_and_a_forged_one_is_refused(app: TestApp) {
    app.followers(&["ada@example.com", "ben@example.com"], &Follows::everything()).await;
    let (owner, now) = (app.owner().await, app.state.clock.now());
    publish(&app, &owner, "First").await;
    let mails = app.letters(2).await;
    let mail = mails.iter().find(|mail| mail.to == "ada@example.com").unwrap();
    let message_id = mail.raw.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap();
    let mut event = bounce("evt-1", "Ada@example.com", app.state.clock.now(), "smtp; 550 5.1.1 <b>unknown</b>");
    event["message_id"] = message_id.into();
    let body = event.to_string();

    let good = signature(&body, now, SECRET);
    let old = signature(&body, now - SignedDuration::from_mins(6), SECRET);
    let foreign = signature(&body, now, "another secret of as many characters");
    let altered = body.replace("Ada@", "ben@");
    for (signature, body) in [
        (None, body.as_str()),
        (Some(""), body.as_str()),
        (Some(foreign.as_str()), body.as_str()),
        (Some(old.as_str()), body.as_str()),
        (Some(good.as_str()), altered.as_str()),
        (Some(good.as_str()), ""),
    ] {
        let headers: Vec<_> = signature.map(|signature| ("tidings-signature", signature)).into_iter().collect();
        let answer = send(&app.visitor(), HOOK, &headers, body).await;
        assert_eq!(answer.is(403).header("content-type"), "application/problem+json", "{}", answer.body);
    }
    assert!(!is_suppressed(&app, "ada@example.com").await && !is_suppressed(&app, "ben@example.com").await);

    let before = app.state.store.audit_rows(0, 100).await.unwrap().len();
    for number in 0..10 {
        let answer = report(&app, &event).await;
        let expected = if number == 0 { [1, 0] } else { [0, 1] };
        let tally: Value = serde_json::from_str(&answer.is(200).body).unwrap();
        assert_eq!(tally, json!({"accepted": expected[0], "repeated": expected[1], "unknown": 0}));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(app.state.store.audit_rows(0, 100).await.unwrap().len(), before);
    assert!(is_suppressed(&app, "ada@example.com").await && !is_suppressed(&app, "ben@example.com").await);
    assert_eq!(state_of(&app, "ada@example.com").await, SubscriberState::Active);
    let list = owner.get("/admin/suppressions?q=ada").await;
    list.says("A mail came back: smtp; 550 5.1.1 &lt;b&gt;unknown").never_says("<b>unknown");
    let page = page_of(&app, &owner, "ada@example.com").await;
    page.says("Nothing is sent to this address").says("Bounced later, ").says("smtp; 550 5.1.1 &lt;b&gt;unknown");
    owner.get("/admin/deliveries?address=ada@example.com").await.says("Bounced later, ").says("Sent");
    page_of(&app, &owner, "ben@example.com").await.never_says("Bounced later");

    publish(&app, &owner, "Second").await;
    assert_eq!(app.letters(3).await.pop().unwrap().to, "ben@example.com");
    assert_eq!(app.captured().len(), 3);
    // Once someone let them go, the same report comes in vain.
    owner.post("/admin/suppressions/release", &[("email", "ada@example.com")]).await.is(303);
    report(&app, &event).await.is(200).says("\"repeated\":1");
    assert!(!is_suppressed(&app, "ada@example.com").await);
    let metrics = app.visitor().get("/metrics").await;
    metrics
        .says("tidings_bounces_total{")
        .says("outcome=\"repeated\"")
        .says("tidings_hooks_refused_total{hook=\"bounces\"}");
}

async fn ten_at_once_have_one_effect(app: TestApp) {
    app.followers(&["ada@example.com"], &Follows::everything()).await;
    let event = bounce("evt-1", "ada@example.com", app.state.clock.now(), "");
    let answers = join_all((0..10).map(|_| report(&app, &event))).await;
    let accepted = answers.iter().filter(|answer| answer.is(200).body.contains("\"accepted\":1")).count();
    assert_eq!(accepted, 1);
    assert!(is_suppressed(&app, "ada@example.com").await);
}

async fn who_calls_a_mail_spam_has_left(app: TestApp) {
    app.followers(&["ada@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    publish(&app, &owner, "First").await;
    let event = json!({"id": "1", "kind": "complaint", "recipient": "ada@example.com", "at": app.state.clock.now().to_string()});
    for _ in 0..2 {
        report(&app, &event).await.is(200);
    }
    assert!(is_suppressed(&app, "ada@example.com").await);
    assert_eq!(state_of(&app, "ada@example.com").await, SubscriberState::Unsubscribed);
    let page = page_of(&app, &owner, "ada@example.com").await;
    page.says("They called a mail spam.").says("Called spam by its reader, ").says("Unsubscribed");
    let acts = app.state.store.audit_rows(0, 100).await.unwrap();
    assert_eq!(acts.iter().filter(|row| row.action == "subscriber.complain").count(), 1);
    assert!(acts.iter().all(|row| !format!("{row:?}").contains("ada@example.com")), "{acts:?}");
}

async fn what_is_about_us_or_passes_blames_nobody(app: TestApp) {
    app.followers(&["ada@example.com"], &Follows::everything()).await;
    let (owner, now) = (app.owner().await, app.state.clock.now());
    publish(&app, &owner, "First").await;
    let now = now + SignedDuration::from_mins(1);
    let policy = bounce("1", "ada@example.com", now, "smtp; 550 5.7.1 blocked by policy");
    let mut passing = bounce("2", "ada@example.com", now, "smtp; 452 4.2.2 mailbox full");
    passing["permanence"] = "transient".into();
    report(&app, &json!([policy, passing])).await.is(200).says("\"accepted\":2");
    assert!(!is_suppressed(&app, "ada@example.com").await);
    page_of(&app, &owner, "ada@example.com").await.says("Bounced later, ").never_says("Nothing is sent to");

    // What cannot be taken changes nothing and says why.
    report(&app, &bounce("3", "nobody@example.com", now, "")).await.is(200).says("\"unknown\":1");
    let half = json!([bounce("4", "ada@example.com", now, ""), {"id": "5"}]);
    report(&app, &half).await.is(422).says("events[1]");
    assert!(!is_suppressed(&app, "ada@example.com").await);
    report(&app, &json!("x".repeat(300 * 1024))).await.is(413).says("256 KiB");
    let signature = signature("{", app.state.clock.now(), SECRET);
    send(&app.visitor(), HOOK, &[("tidings-signature", &signature)], "{").await.is(400).says("not JSON");
    app.visitor().get(HOOK).await.is(405);
}

async fn whoever_confirmed_since_then_is_believed(app: TestApp) {
    let reader = app.visitor();
    let before = app.state.clock.now() - SignedDuration::from_mins(1);
    reader.post("/subscribe", &[("email", "ada@example.com"), ("everything", "1")]).await.is(200);
    let confirm = app.letters(1).await.remove(0).path("confirm");
    reader.post(&confirm, &[]).await.is(200);
    report(&app, &bounce("1", "ada@example.com", before, "550 5.1.1")).await.is(200).says("\"accepted\":1");
    assert!(!is_suppressed(&app, "ada@example.com").await);
    let later = app.state.clock.now() + SignedDuration::from_mins(1);
    report(&app, &bounce("2", "ada@example.com", later, "550 5.1.1")).await.is(200);
    assert!(is_suppressed(&app, "ada@example.com").await);
}

async fn many_bounces_raise_one_alert(app: TestApp) {
    let addresses: Vec<_> = (0..200).map(|number| format!("reader{number}@example.com")).collect();
    app.followers(&addresses.iter().map(String::as_str).collect::<Vec<_>>(), &Follows::everything()).await;
    let owner = app.owner().await;
    publish(&app, &owner, "First").await;
    let later = app.state.clock.now() + SignedDuration::from_mins(1);
    let events = |range: std::ops::Range<usize>| -> Value {
        addresses[range].iter().map(|address| bounce(address, address, later, "550 5.1.1")).collect()
    };
    report(&app, &events(0..16)).await.is(200).says("\"accepted\":16");
    assert!(app.state.store.alerts(10).await.unwrap().is_empty());
    report(&app, &events(10..20)).await.is(200).says("\"accepted\":4").says("\"repeated\":6");
    let mails = app.letters(201).await;
    let alerts: Vec<_> = mails.iter().filter(|mail| mail.subject.contains("needs attention")).collect();
    assert!(
        alerts[0].text.contains("20 of 200 mails of the last 24 hours were refused or came back"),
        "{}",
        alerts[0].text
    );
    report(&app, &events(20..30)).await.is(200);
    owner.get_until("/admin/mail", |page| page.contains("told by mail")).await;
    assert_eq!(app.state.store.alerts(10).await.unwrap().len(), 1, "once a day");
}

/// What SES says of a mail that came back.
fn ses_bounce(feedback: &str, recipient: &str, at: Timestamp) -> String {
    json!({
        "eventType": "Bounce",
        "bounce": {
            "feedbackId": feedback, "bounceType": "Permanent", "bounceSubType": "General", "timestamp": at.to_string(),
            "bouncedRecipients": [{"emailAddress": recipient, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown"}],
        },
        "mail": {"timestamp": at.to_string(), "messageId": "0102", "destination": [recipient]},
    })
    .to_string()
}

async fn amazon_asks_once_and_reports_from_then_on(app: TestApp) {
    let amazon = Amazon::start().await;
    app.state.amazon().ask_at(amazon.address, amazon.authority.clone());
    app.followers(&["ada@example.com", "ben@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    publish(&app, &owner, "First").await;
    let (service, now) = (app.visitor(), app.state.clock.now());
    let at = now.to_string();
    let post = async |message: &Value| {
        send(&service, "/hooks/ses", &[("content-type", "text/plain")], &message.to_string()).await
    };

    post(&amazon.question(&at)).await.is(200);
    let asked = amazon.asked();
    assert_eq!(asked.len(), 2, "the certificate, and that it may send: {asked:?}");
    let expected = format!(
        "GET /?Action=ConfirmSubscription&TopicArn={}&Token=2336%26412f%3D37 ",
        TOPIC.replace(':', "%3A").replace('-', "%2D")
    );
    assert!(asked[1].starts_with(&expected), "{asked:?}");

    let hello =
        amazon.notification("1", "m0", &at, "Successfully validated SNS topic for Amazon SES event publishing.");
    post(&hello).await.is(200).says("{\"accepted\":0,\"repeated\":0,\"unknown\":0}");
    let first = amazon.notification("1", "m1", &at, &ses_bounce("f1", "ada@example.com", now));
    let second = amazon.notification("2", "m2", &at, &ses_bounce("f2", "ben@example.com", now));
    for (message, address) in [(&first, "ada@example.com"), (&second, "ben@example.com")] {
        assert!(!is_suppressed(&app, address).await);
        post(message).await.is(200).says("\"accepted\":1");
        post(message).await.is(200).says("\"repeated\":1");
        assert!(is_suppressed(&app, address).await);
    }
    // Both dialects may be on, and SNS delivers at least once: another message about the same bounce.
    let again = amazon.notification("2", "m3", &at, &ses_bounce("f1", "ada@example.com", now));
    post(&again).await.is(200).says("\"repeated\":1");
    page_of(&app, &owner, "ada@example.com").await.says("Bounced later, ").says("smtp; 550 5.1.1 unknown");
    assert_eq!(amazon.asked().len(), 2, "the certificate is kept");
}

async fn what_is_not_amazons_is_refused(app: TestApp) {
    let amazon = Amazon::start().await;
    app.state.amazon().ask_at(amazon.address, amazon.authority.clone());
    app.followers(&["ada@example.com"], &Follows::everything()).await;
    let (service, now) = (app.visitor(), app.state.clock.now());
    let post = async |message: &Value| send(&service, "/hooks/ses", &[], &message.to_string()).await;
    let message = ses_bounce("f1", "ada@example.com", now);
    let good = amazon.notification("1", "m1", &now.to_string(), &message);
    let with = |field: &str, value: &str| {
        let mut forged = good.clone();
        forged[field] = value.into();
        forged
    };
    let forgeries = [
        with("Message", &message.replace("ada@", "ben@")),
        with("MessageId", "m2"),
        with("SignatureVersion", "2"),
        with("SignatureVersion", "3"),
        with("Signature", ""),
        with("Signature", &amazon.sign("Message\n", &json!("1"), "evil")),
        with("TopicArn", "arn:aws:sns:eu-central-1:123456789012:other"),
        with("TopicArn", "arn:aws:sns:eu-central-1:999999999999:bounces"),
        with("Timestamp", &(now - SignedDuration::from_hours(2)).to_string()),
        with("SigningCertURL", "https://evil.example/SimpleNotificationService-01d088a6.pem"),
        with("SigningCertURL", "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-01d088a6.pem"),
        amazon.notification("1", "m1", &(now - SignedDuration::from_hours(25)).to_string(), &message),
        amazon.notification("1", "m1", &(now + SignedDuration::from_hours(1)).to_string(), &message),
    ];
    for forged in &forgeries {
        let answer = post(forged).await;
        assert_eq!(answer.status, 403, "{forged}: {}", answer.body);
    }
    // What Amazon's own server answers with nonsense, elsewhere or without end is its trouble: it tries again.
    for path in ["moved.pem", "huge.pem"] {
        let place = format!("https://sns.eu-central-1.amazonaws.com/{path}");
        post(&with("SigningCertURL", &place)).await.is(500);
    }
    assert!(!amazon.asked().iter().any(|line| line.contains("evil")), "{:?}", amazon.asked());
    send(&service, "/hooks/ses", &[], &ses_bounce("f1", "ada@example.com", now)).await.is(400);
    send(&service, "/hooks/ses", &[], &"x".repeat(300 * 1024)).await.is(413);
    assert!(!is_suppressed(&app, "ada@example.com").await);
    post(&good).await.is(200).says("\"accepted\":1");
}

#[tokio::test]
async fn what_was_not_configured_is_not_there() {
    let app = TestApp::start().await;
    for path in [HOOK, "/hooks/ses"] {
        send(&app.visitor(), path, &[], "{}").await.is(404);
    }
}

#[tokio::test]
async fn nobody_but_the_real_amazon_is_believed_over_tls() {
    let (amazon, other) = (Amazon::start().await, Amazon::start().await);
    let app = TestApp::with(hooks()).await;
    app.state.amazon().ask_at(amazon.address, other.authority.clone());
    let now = app.state.clock.now().to_string();
    let message = amazon.notification("1", "m1", &now, "x");
    send(&app.visitor(), "/hooks/ses", &[], &message.to_string()).await.is(500);
    assert!(amazon.asked().is_empty());
}
