//! The policy table: every route × who may.

use std::collections::BTreeSet;

use domain::key::Scope;
use reqwest::Method;
use serde_json::Value;
use server::http::{Who, table};

use crate::support::app::TestApp;

/// A path with its placeholders filled with something that does not exist.
fn filled(path: &str) -> String {
    path.replace("{id}", "000000000000")
        .replace("{update}", "000000000000")
        .replace("{follow_up}", "000000000000")
        .replace("{token}", "nobody")
        .replace("{subject}", "000000000000")
        .replace("{update}", "000000000000")
        .replace("{name}", "none.eml")
        .replace("{version}", "none")
        .replace("{hash}", "none")
        .replace("{month}", "none")
}

#[tokio::test]
async fn every_console_route_asks_strangers_to_sign_in_and_does_nothing() {
    let app = TestApp::start().await;
    app.add_owner().await;
    let before = app.state.store.audit_rows(0, 100).await.unwrap();
    let visitor = app.visitor();
    let mut count = 0;
    for route in table().routes.iter().filter(|route| route.who == Who::SignedIn) {
        let path = filled(route.path);
        if route.method == "GET" {
            let answer = visitor.get(&path).await;
            assert!(answer.is(303).location().starts_with("/admin/sign-in?next="), "{path} → {}", answer.location());
        } else {
            let answer = visitor.post(&path, &[("name", "x"), ("notify", "no")]).await;
            answer.is(401).says("You are signed out").says(&format!("action=\"{path}\""));
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        count += 1;
    }
    assert!(count > 20, "only {count} routes are behind the guard");
    assert_eq!(app.state.store.audit_rows(0, 100).await.unwrap(), before, "a stranger did something");
}

#[tokio::test]
async fn every_console_route_answers_the_owner() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut routes: Vec<_> = table().routes.into_iter().filter(|route| route.who == Who::SignedIn).collect();
    // Last, for afterwards nobody is signed in.
    routes.sort_by_key(|route| route.path == "/admin/sign-out");
    for route in routes {
        let path = filled(route.path);
        let answer = match route.method {
            "GET" => owner.get(&path).await,
            _ => owner.post(&path, &[]).await,
        };
        assert!(!answer.location().contains("next="), "{} {path} did not know the owner", route.method);
        assert!(answer.status < 500, "{} {path}: {}", route.method, answer.body);
    }
}

#[tokio::test]
async fn everything_under_admin_is_behind_the_guard_but_the_way_in() {
    for route in table().routes.iter().filter(|route| route.path.starts_with("/admin")) {
        let is_entrance = ["/admin/sign-in", "/admin/welcome/{token}", "/admin/confirm/{token}"].contains(&route.path);
        assert_eq!(route.who != Who::SignedIn, is_entrance, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn public_routes_need_nobody_and_bad_links_open_nothing() {
    let app = TestApp::start().await;
    let visitor = app.visitor();
    let is_open = |who| !matches!(who, Who::SignedIn | Who::Key(_));
    for route in table().routes.iter().filter(|route| is_open(route.who) && route.method == "GET") {
        let answer = visitor.get(&filled(route.path)).await;
        let expected: &[u16] = match route.who {
            Who::LinkHolder => &[404, 410],
            _ if route.path.contains('{') => &[404],
            _ => &[200],
        };
        assert!(expected.contains(&answer.status), "{}: {} {}", route.path, answer.status, answer.body);
    }
}

#[tokio::test]
async fn no_form_is_taken_from_another_site() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for route in
        table().routes.iter().filter(|route| route.method == "POST" && !matches!(route.who, Who::Key(_) | Who::Service))
    {
        if route.path == "/unsubscribe/{token}" {
            continue; // Mail providers post there from their own servers; the token alone decides.
        }
        let path = filled(route.path);
        for headers in [&[("sec-fetch-site", "cross-site")][..], &[("origin", "https://evil.test")], &[]] {
            let answer = owner.post_with(&path, headers, &[("name", "x")]).await;
            assert_eq!(answer.status, 403, "{path} with {headers:?}");
        }
    }
}

#[tokio::test]
async fn every_api_route_asks_for_a_key_that_was_made_for_it() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let before = app.state.store.audit_rows(0, 100).await.unwrap();
    let mut count = 0;
    for route in table().routes {
        let Who::Key(scope) = route.who else { continue };
        assert!(route.path.starts_with("/api/v1/"), "{}", route.path);
        let (method, path) = (Method::from_bytes(route.method.as_bytes()).unwrap(), filled(route.path));
        // Not even a session opens it, from wherever the request comes.
        for headers in [&[][..], &[("sec-fetch-site", "same-origin")], &[("authorization", "Bearer tdg_nobody")]] {
            let answer = owner.send(method.clone(), &path, headers, None).await.unwrap();
            answer.is(401);
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{path}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        }
        let others: Vec<_> = Scope::ALL.iter().copied().filter(|other| *other != scope).collect();
        let wrong = format!("Bearer {}", app.key(&others).await);
        let answer = owner.send(method.clone(), &path, &[("authorization", &wrong)], None).await.unwrap();
        answer.is(403).says(scope.as_str());
        let right = format!("Bearer {}", app.key(&[scope]).await);
        let answer = owner.send(method, &path, &[("authorization", &right)], None).await.unwrap();
        assert!([200, 400, 404, 422].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        count += 1;
    }
    assert!(count > 15, "only {count} routes need a key");
    let done = app.state.store.audit_rows(0, 1000).await.unwrap().split_off(before.len());
    assert!(done.iter().all(|row| row.action == "key.create"), "{done:?}");
}

#[tokio::test]
async fn everything_under_the_api_needs_a_key_but_its_description() {
    for route in table().routes.iter().filter(|route| route.path.starts_with("/api/v1/")) {
        let is_description = route.path == "/api/v1/openapi.json";
        assert_eq!(!matches!(route.who, Who::Key(_)), is_description, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn the_api_is_described_as_it_is() {
    let app = TestApp::start().await;
    let document = app.visitor().get("/api/v1/openapi.json").await;
    assert_eq!(document.is(200).header("content-type"), "application/json");
    let document: Value = serde_json::from_str(&document.body).unwrap();
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let scope = operation["security"][0]["key"][0].as_str().unwrap();
            described.insert((method.to_uppercase(), path.clone(), scope.to_owned()));
        }
    }
    let routes = table().routes.into_iter().filter_map(|route| match route.who {
        Who::Key(scope) => Some((route.method.to_owned(), route.path.to_owned(), scope.as_str().to_owned())),
        _ => None,
    });
    assert_eq!(described, routes.collect());
}
