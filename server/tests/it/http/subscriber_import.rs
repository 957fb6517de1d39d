//! Bringing lists along, and taking them away.

use std::time::Duration;

use domain::subscriber::Follows;
use reqwest::Method;
use tokio::time::{Instant, sleep};

use crate::support::{
    app::{TestApp, served_on_both},
    client::{Answer, Client},
};

served_on_both!(
    a_list_is_looked_through_before_it_goes_in,
    what_was_exported_can_be_imported_and_is_no_formula,
    a_long_list_goes_in_whole,
);

const FORM: &str = "/admin/subscribers/import";

/// The form as browsers send it.
async fn upload(client: &Client, file: &[u8], lines: &str, reason: &str) -> Answer {
    let mut body = Vec::new();
    for (name, value) in
        [("reason", reason.as_bytes()), ("file\"; filename=\"people.csv", file), ("lines", lines.as_bytes())]
    {
        if name.starts_with("file") && value.is_empty() {
            continue;
        }
        body.extend(format!("--boundary\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").into_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--boundary--\r\n");
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=boundary")];
    client.send(Method::POST, FORM, &headers, Some(body)).await.unwrap()
}

/// The list's page, once it says this.
async fn once(client: &Client, page: &str, words: &str) -> Answer {
    let deadline = Instant::now() + Duration::from_mins(2);
    loop {
        let answer = client.get(page).await;
        if answer.body.contains(words) {
            return answer;
        }
        assert_eq!(answer.header("refresh"), "2", "{}", answer.body);
        assert!(Instant::now() < deadline, "{}", answer.body);
        sleep(Duration::from_millis(50)).await;
    }
}

fn counts(numbers: [&str; 5]) -> String {
    let names = [
        "New",
        "Follow more, or need not confirm any more",
        "Unchanged, or listed twice",
        "Left before, and stay away",
        "Refused",
    ];
    let rows = names.iter().zip(numbers);
    let rows = rows.map(|(name, number)| format!("<tr><th scope=\"row\">{name}</th><td>{number}</td></tr>"));
    rows.collect::<Vec<_>>().concat()
}

async fn a_list_is_looked_through_before_it_goes_in(app: TestApp) {
    app.component("API").await;
    let owner = app.owner().await;
    app.followers(&["known@example.com"], &Follows::everything()).await;
    owner.get(FORM).await.is(200).says("enctype=\"multipart/form-data\"");
    let signed_out = upload(&app.visitor(), b"a@example.com", "", "paper").await;
    signed_out.is(401).says("choose it again").says("value=\"paper\"").never_says("a@example.com");
    signed_out.says("action=\"/admin/subscribers/import\" enctype=\"multipart/form-data\"");
    upload(&owner, b"", "a@example.com\n<script>", " ").await.is(422).says("a@example.com\n&lt;script&gt;");
    upload(&owner, b"", " \n", "paper").await.is(422).says("It is empty").says("value=\"paper\"");
    let long = "x".repeat(200_000);
    upload(&owner, long.as_bytes(), "", "paper").await.is(422).says("128 KiB");

    let list = b"email,component\nKNOWN@example.com\nnew@example.com,API\nnew@example.com\nwrong@,API\nb@example.com,Gone\n\xff@example.com\n";
    let answer = upload(&owner, list, "ignored@example.com", "asked on paper").await;
    let page = answer.is(303).location().to_owned();
    let preview = once(&owner, &page, "What will happen").await;
    preview.says("people.csv").says(" · 7 lines").says(&counts(["1", "0", "2", "0", "3"])).says("asked on paper");
    preview.says("Line 5").says("Line 6").says("there is no component “Gone”").says("Line 7");
    assert_eq!(app.state.store.count_subscribers().await.unwrap().active, 1, "nothing is changed by looking");

    for _ in 0..2 {
        owner.post(&page, &[]).await.is(303);
    }
    once(&owner, &page, "<h1>Imported</h1>").await.says(&counts(["1", "0", "2", "0", "3"]));
    assert_eq!(app.state.store.count_subscribers().await.unwrap().active, 2);
    owner.get("/admin/subscribers?q=new").await.says("new@example.com").says("API");
    owner.get("/admin/subscribers/2").await.says("imported: asked on paper");

    // A second look finds nothing to do; a list can be thrown away.
    let again = upload(&owner, list, "", "asked on paper").await;
    let page = again.is(303).location().to_owned();
    once(&owner, &page, "What will happen")
        .await
        .says(&counts(["0", "0", "3", "0", "3"]))
        .never_says(">Import</button>");
    owner.post(&format!("{page}/discard"), &[]).await.is(303);
    owner.get(&page).await.is(404);
    owner.get("/admin/subscribers/import/nothing").await.is(404);
}

async fn what_was_exported_can_be_imported_and_is_no_formula(app: TestApp) {
    let (api, owner) = (app.component("API").await, app.owner().await);
    let follows = Follows { components: [api].into(), ..Follows::default() };
    app.followers(&["=cmd@example.com", "ann@example.com"], &follows).await;
    let answer = owner.post("/admin/subscribers/export", &[]).await;
    answer.is(200).says("email,components,state,language,time_zone,consent,asked_at");
    answer.says("\nann@example.com,API,active,en,,asked on paper,").says("'=cmd@example.com,API,active");
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(answer.header("content-disposition").contains("subscribers.csv"));
    let found = owner.post("/admin/subscribers/export", &[("q", "ann")]).await;
    found.is(200).says("ann@example.com").never_says("cmd@example.com");

    let page = upload(&owner, found.body.as_bytes(), "", "our own list").await.is(303).location().to_owned();
    once(&owner, &page, "What will happen").await.says(&counts(["0", "0", "1", "0", "0"]));
    let moved = found.body.replace("ann@", "eve@").replace(",en,,", ",de,Asia/Taipei,");
    let page = upload(&owner, b"", &moved, "our own list").await.is(303).location().to_owned();
    once(&owner, &page, "What will happen").await.says(&counts(["1", "0", "0", "0", "0"]));
    owner.post(&page, &[]).await.is(303);
    once(&owner, &page, "<h1>Imported</h1>").await;
    owner.get("/admin/subscribers/3").await.says("eve@example.com").says("Deutsch, time zone: Asia/Taipei");
}

async fn a_long_list_goes_in_whole(app: TestApp) {
    let owner = app.owner().await;
    // Several chunks, and a person in two of them.
    let mut lines: Vec<_> = (0..12_000).map(|number| format!("reader-{number}@example.com")).collect();
    lines.push("reader-0@example.com".to_owned());
    let page = upload(&owner, lines.join("\r\n").as_bytes(), "", "paper").await.is(303).location().to_owned();
    once(&owner, &page, "What will happen").await.says(&counts(["12,000", "0", "1", "0", "0"]));
    owner.post(&page, &[]).await.is(303);
    once(&owner, &page, "<h1>Imported</h1>").await.says(&counts(["12,000", "0", "1", "0", "0"]));
    assert_eq!(app.state.store.count_subscribers().await.unwrap().active, 12_000);
    let export = owner.post("/admin/subscribers/export", &[]).await;
    assert_eq!(export.is(200).body.lines().count(), 12_001);
    let list = owner.get("/admin/subscribers").await;
    list.says("12,000 subscribed").says("reader-11999@example.com").says("?before=").never_says("reader-1@");
}
