//! The way into the console, and out.

use jiff::SignedDuration;
use server::{actions::accounts, config::Settings, store::sessions::Sessions};
use sqlx::{Connection, SqliteConnection};
use tower_sessions::{SessionStore, session::Id};

use crate::support::{
    app::{OWNER, PASSWORD, TestApp, served_on_both},
    client::{Answer, Client},
    form::Form,
    markup::assert_nothing_inline,
};

served_on_both!(signing_in_opens_the_console_and_signing_out_closes_it, a_one_time_link_works_once_and_for_a_day);

async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/admin/sign-in", &[("email", email), ("password", password)]).await
}

/// The session's id as the browser was told it.
fn session(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    cookie.split([';', '=']).nth(1).unwrap_or_default().to_owned()
}

async fn signing_in_opens_the_console_and_signing_out_closes_it(app: TestApp) {
    app.add_owner().await;
    let client = app.visitor();
    let sent = client.get("/admin/incidents/new?x=1").await;
    assert_eq!(sent.location(), "/admin/sign-in?next=%2Fadmin%2Fincidents%2Fnew%3Fx%3D1");
    client.get(sent.location()).await.is(200).says("name=\"next\" value=\"/admin/incidents/new?x=1\"");
    let fields = [("email", OWNER), ("password", PASSWORD), ("next", "/admin/incidents/new?x=1")];
    assert_eq!(client.post("/admin/sign-in", &fields).await.is(303).location(), "/admin/incidents/new?x=1");
    client.get("/admin").await.is(200).says(OWNER);
    // Whoever is in already is not asked again.
    assert_eq!(client.get("/admin/sign-in").await.is(303).location(), "/admin");
    let out = client.post("/admin/sign-out", &[]).await;
    assert_eq!(out.is(303).location(), "/admin/sign-in");
    assert_eq!(client.get("/admin").await.status, 303);
}

#[tokio::test]
async fn a_session_id_does_not_come_back_to_life_after_signing_out() {
    let app = TestApp::start().await;
    app.add_owner().await;
    let client = app.visitor();
    let cookie = format!("tidings={}", session(&sign_in(&client, OWNER, PASSWORD).await));
    let thief = app.visitor();
    thief.get_with("/admin", &[("cookie", &cookie)]).await.is(200);
    client.post("/admin/sign-out", &[]).await.is(303);
    thief.get_with("/admin", &[("cookie", &cookie)]).await.is(303);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_person_get_the_same_answer() {
    let app = TestApp::start().await;
    app.add_owner().await;
    let wrong = sign_in(&app.visitor(), OWNER, "not the password").await;
    let unknown = sign_in(&app.visitor(), "nobody@example.com", PASSWORD).await;
    wrong.is(422).says("This address and password do not go together.").says(&format!("value=\"{OWNER}\""));
    wrong.never_says("not the password");
    assert_eq!(wrong.status, unknown.status);
    assert_eq!(wrong.body.replace(OWNER, "X"), unknown.body.replace("nobody@example.com", "X"));
    sign_in(&app.visitor(), "no address at all", "x").await.is(422).says("value=\"no address at all\"");
}

/// A sign-in from somewhere, at a server that believes what the proxy on this machine says.
async fn sign_in_from(app: &TestApp, address: &str, email: &str, password: &str) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", address)];
    app.visitor().post_with("/admin/sign-in", &headers, &[("email", email), ("password", password)]).await
}

async fn behind_a_proxy() -> TestApp {
    let settings = Settings { trusted_proxies: Some("127.0.0.1".to_owned()), ..Settings::default() };
    let app = TestApp::with(settings).await;
    app.add_owner().await;
    app
}

#[tokio::test]
async fn guessing_is_slowed_down_and_locks_nobody_else_out() {
    let app = behind_a_proxy().await;
    // Many at the same moment, from all over one network, are not more than one after the other.
    let guesses = (1..=40).map(|host| {
        let app = &app;
        async move { sign_in_from(app, &format!("198.51.100.{host}"), OWNER, "a guess").await.status }
    });
    let statuses = futures_util::future::join_all(guesses).await;
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 30, "{statuses:?}");
    let refused = sign_in_from(&app, "198.51.100.77", OWNER, PASSWORD).await;
    refused.is(429).says("Too many attempts. Wait a quarter of an hour");
    // The owner is elsewhere.
    sign_in_from(&app, "203.0.113.9", OWNER, PASSWORD).await.is(303);
    // Others of that network may try, but not without end.
    for number in 0..20 {
        sign_in_from(&app, "198.51.100.9", &format!("other{}@example.com", number / 5), "a guess").await.is(422);
    }
    sign_in_from(&app, "198.51.100.9", "another@example.com", "a guess").await.is(429);
    app.state.clock.advance(SignedDuration::from_mins(16));
    sign_in_from(&app, "198.51.100.77", OWNER, PASSWORD).await.is(303);
}

#[tokio::test]
async fn guessing_from_everywhere_is_slowed_down_too() {
    let app = behind_a_proxy().await;
    for network in 0..10 {
        for _ in 0..10 {
            sign_in_from(&app, &format!("198.51.{network}.9"), OWNER, "a guess").await.is(422);
        }
    }
    sign_in_from(&app, "198.51.10.9", OWNER, "a guess").await.is(429);
    sign_in_from(&app, "198.51.10.9", "other@example.com", "a guess").await.is(422);
}

#[tokio::test]
async fn signing_in_rightly_is_never_too_often() {
    let app = TestApp::start().await;
    app.add_owner().await;
    for _ in 0..4 {
        for _ in 0..9 {
            sign_in(&app.visitor(), OWNER, PASSWORD).await.is(303);
        }
        // One's own slips are forgiven by the right password, for this account if not for the network.
        for _ in 0..5 {
            sign_in(&app.visitor(), OWNER, "a slip").await.is(422);
        }
        sign_in(&app.visitor(), OWNER, PASSWORD).await.is(303);
    }
}

#[tokio::test]
async fn a_session_id_planted_before_signing_in_is_worth_nothing() {
    let app = TestApp::start().await;
    app.add_owner().await;
    let planted = "tidings=AAAAAAAAAAAAAAAAAAAAAA";
    let headers = [("sec-fetch-site", "same-origin"), ("cookie", planted)];
    let fields = [("email", OWNER), ("password", PASSWORD)];
    let answer = app.visitor().post_with("/admin/sign-in", &headers, &fields).await;
    assert!(!answer.is(303).header("set-cookie").contains("AAAAAAAAAA"));
    assert_eq!(app.visitor().get_with("/admin", &[("cookie", planted)]).await.status, 303);

    // Signing in again renews it too, and the old one is over.
    let client = app.visitor();
    let first = session(&sign_in(&client, OWNER, PASSWORD).await);
    let second = session(&sign_in(&client, OWNER, PASSWORD).await);
    assert!(first.len() >= 20 && first != second, "{first} {second}");
    let old = format!("tidings={first}");
    assert_eq!(app.visitor().get_with("/admin", &[("cookie", &old)]).await.status, 303);
}

#[tokio::test]
async fn the_cookie_is_closed_to_scripts_and_other_sites_and_to_plain_http_where_there_is_tls() {
    for (public_url, name, is_secure) in
        [("http://status.example.com", "tidings=", false), ("https://status.example.com", "__Host-tidings=", true)]
    {
        let app = TestApp::with(Settings { public_url: Some(public_url.to_owned()), ..Settings::default() }).await;
        app.add_owner().await;
        let answer = sign_in(&app.visitor(), OWNER, PASSWORD).await;
        let cookie = answer.is(303).header("set-cookie").to_owned();
        assert!(cookie.starts_with(name), "{cookie}");
        for flag in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(flag), "{flag}: {cookie}");
        }
        assert_eq!(cookie.contains("Secure"), is_secure, "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
        let visits = app.visitor().get("/").await;
        assert_eq!(visits.header("set-cookie"), "", "readers get no cookie");
    }
}

#[tokio::test]
async fn changing_the_password_ends_every_other_session() {
    let app = TestApp::start().await;
    let (here, elsewhere) = (app.owner().await, app.owner().await);
    let path = "/admin/account/password";
    let change = |current, new, again| [("current", current), ("password", new), ("password_again", again)];
    here.post(path, &change("wrong", "a longer new password", "a longer new password"))
        .await
        .is(422)
        .says("present password");
    here.post(path, &change(PASSWORD, "short", "short")).await.is(422).says("at least 12 characters");
    here.post(path, &change(PASSWORD, "a longer new password", "another one entirely")).await.is(422).says("differ");
    elsewhere.get("/admin").await.is(200);
    here.post(path, &change(PASSWORD, "a longer new password", "a longer new password")).await.is(303);
    here.get("/admin/account").await.is(200).says("Everywhere else you are signed out.");
    assert_eq!(elsewhere.get("/admin").await.status, 303);
    sign_in(&app.visitor(), OWNER, PASSWORD).await.is(422);
    sign_in(&app.visitor(), OWNER, "a longer new password").await.is(303);
}

async fn a_one_time_link_works_once_and_for_a_day(app: TestApp) {
    app.add_owner().await;
    let user = app.actor().await.user().unwrap().id.clone();
    let link = async || {
        let token = accounts::create_sign_in_link(&app.state.store, &app.state.clock, &user).await.unwrap();
        format!("/admin/welcome/{token}")
    };
    let first = link().await;
    let client = app.visitor();
    for _ in 0..2 {
        client.get(&first).await.is(200).says("Choose a password").says(OWNER);
    }
    let new = [("password", "chosen by the link"), ("password_again", "chosen by the link")];
    client.post(&first, &[("password", "short"), ("password_again", "short")]).await.is(422).says("at least 12");
    assert_eq!(client.post(&first, &new).await.is(303).location(), "/admin");
    client.get("/admin").await.is(200).says(OWNER);
    app.visitor().get(&first).await.is(404);
    app.visitor().post(&first, &new).await.is(404);
    sign_in(&app.visitor(), OWNER, "chosen by the link").await.is(303);

    let second = link().await;
    app.state.clock.advance(SignedDuration::from_hours(25));
    app.visitor().get(&second).await.is(404);
    app.visitor().post(&second, &new).await.is(404);
}

#[tokio::test]
async fn signing_in_leads_only_into_the_console() {
    let app = TestApp::start().await;
    app.add_owner().await;
    for next in ["https://evil.test/", "//evil.test", "/\\evil.test", "/", "javascript:alert(1)", "/admin\r\nX: y"] {
        let fields = [("email", OWNER), ("password", PASSWORD), ("next", next)];
        assert_eq!(app.visitor().post("/admin/sign-in", &fields).await.is(303).location(), "/admin", "{next:?}");
    }
}

#[tokio::test]
async fn a_session_survives_a_restart_and_ends_when_unused() {
    let database = crate::support::db::Database::sqlite().await;
    let settings = Settings { database_url: Some(database.url.clone()), ..Settings::default() };
    let app = TestApp::with(settings.clone()).await;
    let client = app.owner().await;
    app.stop().await;
    let app = TestApp::with(settings).await;
    let client = client.at(&app.url);
    client.get("/admin").await.is(200).says(OWNER);
    app.state.clock.advance(SignedDuration::from_hours(24 * 15));
    assert_eq!(client.get("/admin").await.status, 303);
}

#[tokio::test]
async fn looking_at_the_console_writes_nothing() {
    let app = TestApp::start().await;
    app.add_owner().await;
    let client = app.visitor();
    let id: Id = session(&sign_in(&client, OWNER, PASSWORD).await).parse().unwrap();
    let sessions = Sessions(app.state.store.clone(), app.state.clock.clone());
    let before = sessions.load(&id).await.unwrap().unwrap();
    // While another holds the writer, too.
    let held = app.state.store.write().await.unwrap();
    for page in ["/admin", "/admin/incidents", "/admin/account"] {
        client.get(page).await.is(200);
    }
    drop(held);
    assert_eq!(sessions.load(&id).await.unwrap().unwrap(), before);
    // What was done is said once.
    client.post("/admin/settings", &[("name", "A page")]).await.is(303);
    client.get("/admin/settings").await.is(200).says("class=\"flash\"");
    client.get("/admin/settings").await.is(200).never_says("class=\"flash\"");
    // Or again, when the session cannot be written.
    client.post("/admin/settings", &[("name", "Another")]).await.is(303);
    let mut database = SqliteConnection::connect(&app.state.config().database_url).await.unwrap();
    let full = "create trigger full before update on sessions begin select raise(abort, 'disk full'); end";
    sqlx::raw_sql(full).execute(&mut database).await.unwrap();
    for _ in 0..2 {
        client.get("/admin/settings").await.is(200).says("class=\"flash\"");
    }
}

#[tokio::test]
async fn what_was_typed_survives_the_end_of_the_session() {
    let app = TestApp::start().await;
    let client = app.owner().await;
    let hostile = "</textarea>\"><script>alert(1)</script>";
    let key = format!("/admin/incidents/new?{}", "\"><script>alert(2)</script>");
    let typed = Form::incident("It broke").with("body", hostile).with("password", PASSWORD);
    client.post("/admin/sign-out", &[]).await.is(303);
    let kept = typed.post(&client, &key).await;
    kept.is(401).says("target=\"_blank\"").says("name=\"name\" value=\"It broke\"");
    kept.never_says("<script>alert").never_says(PASSWORD).says("name=\"body\" value=\"");
    assert_nothing_inline(&key, &kept.body);
    // Passwords are not written into pages, whatever their field is called.
    let fields = [("current", PASSWORD), ("password", PASSWORD), ("password_again", PASSWORD)];
    client.post("/admin/account/password", &fields).await.is(401).never_says(PASSWORD);
    let crowd: Vec<_> = (0..5_000).map(|_| ("name", "x")).collect();
    client.post("/admin/incidents/new", &crowd).await.is(422).says("too many fields");

    // Sent again before signing in it is kept again, and after it arrives.
    let typed = Form::incident("It broke").with("notify", "no");
    typed.post(&client, "/admin/incidents/new").await.is(401);
    assert!(app.state.store.open_incidents().await.unwrap().is_empty());
    sign_in(&client, OWNER, PASSWORD).await.is(303);
    typed.post(&client, "/admin/incidents/new").await.is(303);
    assert_eq!(app.state.store.open_incidents().await.unwrap()[0].name, "It broke");
}

#[tokio::test]
async fn coming_asking_and_going_are_on_record() {
    let app = TestApp::start().await;
    let client = app.owner().await;
    client.post("/admin/sign-out", &[]).await.is(303);
    client.post("/subscribe", &[("email", "reader@example.com"), ("everything", "1")]).await.is(200);
    let rows = app.state.store.audit_rows(0, 100).await.unwrap();
    let user = app.actor().await.user().unwrap().id.clone();
    let last: Vec<_> = rows[rows.len() - 3..]
        .iter()
        .map(|row| (row.actor.as_str(), row.action.as_str(), row.subject.as_str(), row.address.as_str()))
        .collect();
    let (actor, id) = (format!("user:{user}"), user.to_string());
    let expected = [
        (actor.as_str(), "user.sign_in", id.as_str(), "127.0.0.1"),
        (actor.as_str(), "user.sign_out", id.as_str(), "127.0.0.1"),
        ("anyone", "subscriber.ask", "1", "127.0.0.1"),
    ];
    assert_eq!(last, expected);
}
