//! The owner's picture: what is taken, how it is served, and what is not taken.

use reqwest::Method;
use server::config::Settings;

use crate::support::{
    app::{TestApp, served_on_both},
    client::{Answer, Client},
    markup::{assert_nothing_inline, tags},
};

served_on_both!(a_logo_is_on_every_public_page_until_it_is_replaced_or_removed);

const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

/// A picture as far as anybody looks who does not unpack it.
fn png(width: u32, height: u32, pixels: usize) -> Vec<u8> {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], name, data, b"csum"].concat()
    };
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let pixels = vec![0; pixels];
    let chunks = [chunk(b"IHDR", &header), chunk(b"IDAT", &pixels), chunk(b"IEND", b"")].concat();
    [b"\x89PNG\r\n\x1a\n", &chunks[..]].concat()
}

/// The form with a file, as browsers send it.
fn body(fields: &[(&str, &str)], file: &[u8]) -> Vec<u8> {
    let part = |name: &str, value: &[u8]| {
        let head = format!("--boundary\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), value, b"\r\n"].concat()
    };
    let mut body = part("logo\"; filename=\"logo.png", file);
    body.extend(fields.iter().flat_map(|(name, value)| part(name, value.as_bytes())));
    body.extend_from_slice(b"--boundary--\r\n");
    body
}

async fn save(client: &Client, fields: &[(&str, &str)], file: &[u8]) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=boundary")];
    client.send(Method::POST, "/admin/settings", &headers, Some(body(fields, file))).await.unwrap()
}

/// Where the page's logo is.
fn address(page: &Answer) -> Option<String> {
    let found = tags(&page.body).into_iter().find(|tag| tag.name == "img")?;
    assert_eq!((found.get("class"), found.get("alt")), (Some("logo"), Some("")), "{found:?}");
    found.get("src").map(str::to_owned)
}

async fn a_logo_is_on_every_public_page_until_it_is_replaced_or_removed(app: TestApp) {
    let (owner, visitor) = (app.owner().await, app.visitor());
    assert_eq!(address(&visitor.get("/").await), None);
    let first = png(320, 80, 5);
    save(&owner, &[("name", "Acme Status"), ("ground", "dark")], &first).await.is(303);
    let mut places = Vec::new();
    for path in ["/", "/history", "/subscribe"] {
        let page = visitor.get(path).await;
        page.says("Acme Status").says("width=\"320\" height=\"80\" data-ground=\"dark\"");
        assert_nothing_inline(path, &page.body);
        places.push(address(&page).unwrap());
    }
    let place = places[0].clone();
    assert!(place.starts_with("/logo/") && places.iter().all(|other| *other == place), "{places:?}");
    // Twice, for the second time it is not read from the store.
    for _ in 0..2 {
        let file = visitor.get(&place).await;
        assert_eq!(file.is(200).bytes, first);
        assert_eq!(file.header("content-type"), "image/png");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        let policy = file.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; sandbox") && !policy.contains("'self'"), "{policy}");
    }
    // A form without a file leaves it as it is, and shows it.
    save(&owner, &[("name", "Acme"), ("ground", "light")], b"").await.is(303);
    assert_eq!(address(&visitor.get("/").await).as_ref(), Some(&place));
    let shown = owner.get("/admin/settings").await;
    shown.says("In the light").says("In the dark").says(&format!("src=\"{place}\"")).says("Remove the logo");
    assert_nothing_inline("/admin/settings", &shown.body);

    save(&owner, &[("name", "Acme")], &png(99, 99, 5)).await.is(303);
    let second = address(&visitor.get("/").await).unwrap();
    assert_ne!(second, place);
    visitor.get(&second).await.is(200);
    visitor.get(&place).await.is(404);
    owner.post("/admin/settings", &[("name", "Acme"), ("remove_logo", "1")]).await.is(303);
    assert_eq!(address(&visitor.get("/").await), None);
    visitor.get(&second).await.is(404);
    let rows = app.state.store.audit_rows(0, 100).await.unwrap();
    let said: Vec<_> = rows.iter().filter(|row| row.action == "settings.change").map(|row| &*row.detail).collect();
    assert_eq!(
        said,
        [
            "name: Status → Acme Status · behind the logo: white, where the page is dark → dark, where the page is light · \
             logo: none → PNG, 320 × 80",
            "name: Acme Status → Acme · behind the logo: dark, where the page is light → white, where the page is dark",
            "logo: PNG, 320 × 80 → PNG, 99 × 99",
            "logo: PNG, 99 × 99 → none",
        ]
    );
}

#[tokio::test]
async fn what_is_no_logo_is_refused_and_every_other_field_comes_back() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let whole = png(99, 99, 5);
    let hostile: [(&[u8], &str); 9] = [
        (SVG, "choose a PNG, JPEG or WebP"),
        (b"GIF89a", "choose a PNG, JPEG or WebP"),
        (b"<!doctype html><script>alert(1)</script>", "choose a PNG, JPEG or WebP"),
        // Pictures that are more than that, or less.
        (&[&whole[..8], SVG].concat(), "This PNG file is cut off, or more than a picture"),
        (&[&whole[..], SVG].concat(), "This PNG file is cut off, or more than a picture"),
        (&whole[..20], "This PNG file is cut off"),
        (b"\xff\xd8\xff\xe0", "This JPEG file is cut off"),
        (&png(9_999, 9_999, 5), "this one is 9999 by 9999"),
        (&png(99, 99, 201_000), "it may have at most 200 kB"),
    ];
    for (file, words) in hostile {
        let answer =
            save(&owner, &[("name", "As typed"), ("accent", "#12ab34"), ("links", "One https://example.com/a")], file)
                .await;
        let said = answer.body.to_lowercase();
        assert!(answer.status == 422 && said.contains(&words.to_lowercase()), "{words}: {}", answer.body);
        answer
            .says("value=\"As typed\"")
            .says("value=\"#12ab34\"")
            .says("One https://example.com/a")
            .says("href=\"#logo\"");
        assert_nothing_inline("/admin/settings", &answer.body);
    }
    // Far too large is read to its end all the same, for more was typed than the file.
    let answer = save(&owner, &[("name", "As typed")], &vec![0; 6_000_000]).await;
    answer.is(422).says("at most 200 kB").says("value=\"As typed\"");
    // A file that is fine does not save a form that is not.
    let answer = save(&owner, &[("name", ""), ("accent", "sky blue")], &whole).await;
    answer.is(422).says("value=\"sky blue\"");
    assert_eq!(app.state.store.logo().await.unwrap(), None);
    assert_eq!(app.state.store.setting("name").await.unwrap(), None);
    for path in ["/logo/", "/logo/0", "/logo/..%2f..%2fetc%2fpasswd", "/logo/%27%20or%201=1"] {
        app.visitor().get(path).await.is(404);
    }
}

#[tokio::test]
async fn nobody_else_changes_the_logo_and_what_was_typed_survives_a_lost_session() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let sent = body(&[("name", "As <typed>")], &png(99, 99, 5));
    let kind = ("content-type", "multipart/form-data; boundary=boundary");
    for headers in [&[kind, ("sec-fetch-site", "cross-site")][..], &[kind, ("origin", "https://evil.test")], &[kind]] {
        owner.send(Method::POST, "/admin/settings", headers, Some(sent.clone())).await.unwrap().is(403);
    }
    let headers = [kind, ("sec-fetch-site", "same-origin")];
    let answer = app.visitor().send(Method::POST, "/admin/settings", &headers, Some(sent)).await.unwrap();
    answer.is(401).says("You are signed out").says("value=\"As &lt;typed&gt;\"").says("choose it again afterwards");
    answer.says("enctype=\"multipart/form-data\"").never_says("filename");
    assert_eq!(app.state.store.logo().await.unwrap(), None);
}

served_on_both!(the_console_says_who_mails_come_from);

async fn the_console_says_who_mails_come_from(app: TestApp) {
    let (owner, visitor) = (app.owner().await, app.visitor());
    owner.get("/admin/settings").await.says("Status &lt;status@localhost&gt;, a default that few servers take");
    let form =
        [("name", "Acme Status"), ("sender_name", "Änne\r\nBcc: x@y.z"), ("sender_email", "status@mail.example.com")];
    owner.post("/admin/settings", &form).await.is(303);
    owner.get("/admin/settings").await.says("value=\"status@mail.example.com\"").never_says("a default that few");
    visitor.post("/subscribe", &[("email", "reader@example.com"), ("everything", "1")]).await;
    let letter = app.letters(1).await.remove(0);
    let mail = mail_parser::MessageParser::default().parse(letter.raw.as_bytes()).unwrap();
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Änne Bcc: x@y.z"), Some("status@mail.example.com")));
    assert!(mail.header("Bcc").is_none(), "{}", letter.raw);
    assert!(mail.message_id().unwrap().ends_with("@mail.example.com"), "{}", letter.raw);
    // The test mail, and without a name of its own that of the page.
    owner.post("/admin/settings", &[("name", "Acme Status"), ("sender_email", "news@example.org")]).await.is(303);
    owner.post("/admin/mail/test", &[("transport", "main")]).await.is(303);
    let raw = app.mails(2).await.into_iter().find(|raw| raw.contains("Test mail")).unwrap();
    assert!(raw.contains("From: \"Acme Status\" <news@example.org>"), "{raw}");

    let wrong = [("name", "Acme"), ("sender_name", "As typed"), ("sender_email", "a@example.com, b@example.com")];
    let answer = owner.post("/admin/settings", &wrong).await;
    answer.is(422).says("value=\"As typed\"").says("value=\"a@example.com, b@example.com\"").says("one address only");
}

#[tokio::test]
async fn the_environments_sender_cannot_be_changed_in_the_console() {
    let mail_from = Some("Fixed <fixed@example.com>".to_owned());
    let app = TestApp::with(Settings { mail_from, ..Settings::default() }).await;
    let owner = app.owner().await;
    let shown = owner.get("/admin/settings").await;
    shown.says("Set by TIDINGS_MAIL_FROM").says("fixed@example.com").never_says("name=\"sender_email\"");
    owner.post("/admin/settings", &[("name", "Acme"), ("sender_email", "other@example.com")]).await.is(303);
    owner.post("/admin/mail/test", &[("transport", "main")]).await.is(303);
    let raw = app.mails(1).await.remove(0);
    assert!(raw.contains("<fixed@example.com>") && !raw.contains("other@example.com"), "{raw}");
}
