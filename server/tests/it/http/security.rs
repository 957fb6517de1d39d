//! What keeps a browser from doing what nobody meant, and a server from answering what nobody asked.

use reqwest::Method;
use server::{
    config::Settings,
    http::{Who, table},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::FEEDS;
use crate::support::{app::TestApp, form::Form, markup::assert_nothing_inline};

const PUBLIC: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const CONSOLE: &str = "default-src 'none'; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self'; \
                       connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn filled(path: &str) -> String {
    ["{id}", "{token}", "{name}", "{version}", "{month}"]
        .iter()
        .fold(path.to_owned(), |path, slot| path.replace(slot, "nothing"))
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_its_reader() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut paths: Vec<_> = table().routes.iter().filter(|it| it.method == "GET").map(|it| filled(it.path)).collect();
    paths.extend(["/nowhere".to_owned(), "/admin/nowhere".to_owned(), "/admin/sign-out".to_owned()]);
    for path in paths {
        for client in [&owner, &app.visitor()] {
            let answer = client.get(&path).await;
            let policy = if path.starts_with("/admin") { CONSOLE } else { PUBLIC };
            assert_eq!(answer.header("content-security-policy"), policy, "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
            assert_eq!(answer.header("strict-transport-security"), "", "{path}");
            if path.starts_with("/admin") {
                assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            }
        }
    }
}

#[tokio::test]
async fn browsers_are_told_to_stay_on_tls_where_there_is_tls() {
    let settings = Settings { public_url: Some("https://status.example.com".to_owned()), ..Settings::default() };
    let app = TestApp::with(settings).await;
    for path in ["/", "/nowhere", "/admin/sign-in", "/healthz"] {
        assert_eq!(app.visitor().get(path).await.header("strict-transport-security"), "max-age=31536000", "{path}");
    }
}

#[tokio::test]
async fn no_page_holds_anything_that_its_policy_forbids() {
    let app = TestApp::start().await;
    let group = app.group("Platform").await;
    let api = app.component_in("API", Some(group.clone())).await;
    app.followers(&["reader@example.com"], &domain::subscriber::Follows::everything()).await;
    let owner = app.owner().await;
    let form = Form::incident("Down").listing(&api, "major_outage");
    let published = form.clone().with("notify", "yes").post(&owner, "/admin/incidents/new").await;
    let mail = app.letters(1).await.remove(0);
    let id = app.state.store.open_incidents().await.unwrap()[0].id.clone();
    let outbox = owner.get("/admin/outbox").await;
    let start = outbox.body.find("/admin/outbox/").unwrap();
    let message = outbox.body[start..].split('"').next().unwrap().to_owned();

    let mut paths = vec![
        format!("/incidents/{id}"),
        format!("/admin/incidents/{id}"),
        format!("/admin/components/{api}"),
        format!("/admin/groups/{group}"),
        published.location().to_owned(),
        message.clone(),
        mail.path("manage"),
        mail.path("unsubscribe"),
        "/nowhere".to_owned(),
    ];
    let plain = |path: &str| {
        !path.contains('{') && !path.contains('.') && !path.ends_with('z') && !["/events", "/metrics"].contains(&path)
    };
    let is_page = |who| !matches!(who, Who::Operator | Who::Key(_));
    let pages = table().routes.into_iter().filter(|it| it.method == "GET" && is_page(it.who) && plain(it.path));
    paths.extend(pages.map(|route| route.path.to_owned()).filter(|path| path != "/admin/audience"));
    assert!(paths.len() > 20, "{paths:?}");
    for path in &paths {
        let answer = if path == "/admin/sign-in" { app.visitor().get(path).await } else { owner.get(path).await };
        assert!([200, 404].contains(&answer.status), "{path}: {}", answer.status);
        answer.says("<!doctype html>");
        assert_nothing_inline(path, &answer.body);
    }
    // A mail's own HTML has styles, and so a policy of its own.
    let html = owner.get(&format!("{message}/html")).await;
    assert!(html.is(200).header("content-security-policy").ends_with("sandbox"), "{:?}", html.headers);
    // Pages that came back with errors, and a review.
    let answers = [
        Form::incident("").post(&owner, "/admin/incidents/new").await,
        form.with("intent", "review").post(&owner, "/admin/incidents/new").await,
        owner.post("/admin/components/new", &[]).await,
        app.visitor().post("/subscribe", &[]).await,
        app.visitor().post("/admin/sign-in", &[]).await,
    ];
    for answer in answers {
        assert_nothing_inline("a form that came back", &answer.body);
    }
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused_with_words() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
    let mut body = b"name=x&body=".to_vec();
    body.resize(3 * 1024 * 1024, b'x');
    let answer = owner.send(Method::POST, "/admin/incidents/new", &headers, Some(body.clone())).await.unwrap();
    answer.is(422).says("larger than 2 MiB");
    // Of people without an account less is taken.
    for length in [64 * 1024 + 1, 3 * 1024 * 1024] {
        let answer = app.visitor().send(Method::POST, "/subscribe", &headers, Some(body[..length].to_vec())).await;
        answer.unwrap().is(413).says("A form may have 64 KiB.");
    }
    let answer = app.visitor().send(Method::POST, "/subscribe", &headers, Some(body[..64 * 1024].to_vec())).await;
    answer.unwrap().is(422).says("Choose what you want to hear of.");
}

#[tokio::test]
async fn what_is_no_form_is_refused_with_words() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        let headers = [("sec-fetch-site", "same-origin"), ("content-type", kind)];
        let answer = owner.send(Method::POST, "/admin/incidents/new", &headers, Some(b"{}".to_vec())).await.unwrap();
        answer.is(422).says("Something in the form is not right").says("was not sent as a form");
    }
    // Bytes that are no text become replacement characters, and the rest is kept.
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
    for body in [&b"name=%FF%FEx&body=%ZZ&%&=&&name"[..], b"name=\xff\xfex", b"\0", b""] {
        let answer = owner.send(Method::POST, "/admin/incidents/new", &headers, Some(body.to_vec())).await.unwrap();
        answer.is(422).says("Choose whether to mail subscribers.");
    }
}

#[tokio::test]
async fn addresses_that_make_no_sense_get_a_page_and_never_an_error_of_ours() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let long = format!("/subscribe?component={}", "x".repeat(20_000));
    for path in [
        "/%FF%FE",
        "/incidents/%FF%FE",
        "/confirm/%FF",
        "/admin/incidents/%C3%28",
        "/admin/outbox/%2e%2e%2ftidings.db",
        "/assets/x/%2e%2e%2fsecret",
        "/incidents/%00",
        "//",
        "/incidents/",
        "/INCIDENTS",
        "/subscribe?%FF=%FF&incident=%00&component=%F0%9F%92%A3",
        "/admin/audience?incident=%00",
        "/admin/sign-in?next=%FF%00",
        &long,
    ] {
        let answer = owner.get(path).await;
        assert!([200, 303, 400, 404, 410].contains(&answer.status), "{path}: {}", answer.status);
        if answer.status != 303 {
            answer.says("<!doctype html>");
        }
    }
    // Longer than a client library lets us be.
    let huge = format!("GET /subscribe?component={} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(200_000));
    let mut connection = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut reading, mut writing) = connection.split();
    let mut status = [0; 12];
    let (_, read) = tokio::join!(writing.write_all(huge.as_bytes()), reading.read_exact(&mut status));
    read.unwrap();
    assert!([b"HTTP/1.1 414", b"HTTP/1.1 431"].contains(&&status), "{}", String::from_utf8_lossy(&status));
}

#[tokio::test]
async fn head_answers_as_get_would_without_a_body() {
    let app = TestApp::start().await;
    for path in FEEDS.into_iter().chain(["/", "/subscribe", "/nowhere", "/healthz"]) {
        let (get, head) =
            (app.visitor().get(path).await, app.visitor().send(Method::HEAD, path, &[], None).await.unwrap());
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
    }
}

#[tokio::test]
async fn a_method_that_an_address_does_not_have_is_refused_with_words() {
    let app = TestApp::start().await;
    let own = [("sec-fetch-site", "same-origin")];
    let visitor = app.visitor();
    for (method, path) in [("DELETE", "/"), ("PUT", "/subscribe"), ("POST", "/"), ("PATCH", "/history.atom")] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = visitor.send(method, path, &own, None).await.unwrap();
        answer.is(405).says("That cannot be done here");
        assert!(answer.header("allow").contains("GET"), "{path}: {}", answer.header("allow"));
    }
    visitor.send(Method::from_bytes(b"BREW").unwrap(), "/", &own, None).await.unwrap().is(405);
    app.owner().await.get("/admin/sign-out").await.is(405).says("That cannot be done here");
}

#[tokio::test]
async fn errors_are_pages_for_people_and_problems_for_programs() {
    let app = TestApp::start().await;
    let page = app.visitor().get("/nowhere").await;
    page.is(404).says("<!doctype html>").says("This page does not exist").says("Back to the current state");
    assert!(page.header("content-type").starts_with("text/html"));
    let problem = app.visitor().get("/api/v1/nowhere").await;
    assert_eq!(problem.is(404).header("content-type"), "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&problem.body).unwrap();
    assert_eq!((problem["status"].as_i64(), problem["type"].as_str()), (Some(404), Some("about:blank")));
}
