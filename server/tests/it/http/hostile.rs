//! Hostile input in every field of every form: nothing runs, nothing breaks, nothing is lost.

use domain::subscriber::Follows;
use jiff::SignedDuration;
use server::actions::accounts;

use super::FEEDS;
use crate::support::{
    app::{OWNER, TestApp, served_on_both},
    client::Client,
    form as post,
    letter::Letter,
    markup::{assert_harmless, assert_nothing_inline, unescape},
};

served_on_both!(whatever_is_typed_into_a_form_nothing_runs_breaks_or_is_lost);

/// What comes back of a postmortem.
const POSTMORTEM: [&str; 9] = [
    "author",
    "body",
    "started_at",
    "detected_at",
    "mitigated_at",
    "resolved_at",
    "follow_up.0.text",
    "follow_up.0.link",
    "follow_up.0.due",
];

/// What is typed.
fn inputs() -> Vec<String> {
    let mut inputs: Vec<String> = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "[click](javascript:alert(1)) <a href=\"JaVaScRiPt:alert(1)\">x</a> <javascript:alert(1)>",
        "</textarea><script>alert(1)</script>",
        "</title></style><script>alert(1)</script><!--",
        "]]></content><script xmlns=\"http://www.w3.org/1999/xhtml\">alert(1)</script>",
        "nul \0 and \u{1}\u{7f}\u{85}\u{fffe}\u{ffff} controls",
        "line\r\nBcc: victim@example.com\r\n\r\n<b>body</b>",
        "\u{202e}desrever\u{2066} \u{feff}zero\u{200b}width",
        "🔥 emoji ñ 漢字 e\u{301}\u{301}\u{301}",
        "{{7*7}} ${7*7} #{7*7} <%= 7*7 %> %s%n '; drop table incidents; --",
    ]
    .map(str::to_owned)
    .to_vec();
    inputs.push("long ".repeat(20_000));
    inputs.push("<".repeat(100_000));
    inputs
}

/// A form as it would be right, and which of its fields come back when something is wrong.
struct Form {
    path: String,
    fields: Vec<(String, String)>,
    kept: &'static [&'static str],
}

impl Form {
    fn new(path: impl Into<String>, fields: &[(&str, &str)], kept: &'static [&'static str]) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { path: path.into(), fields, kept }
    }

    /// Types `input` into one field, then into all, and checks what comes back.
    async fn attack(&self, client: &Client, field: usize, input: &str) {
        let name = self.fields[field].0.as_str();
        let is_typed = self.kept.contains(&name);
        if input.len() >= 100_000 && !is_typed {
            return; // Choices are compared, never drawn: short ones show as much.
        }
        let mut fields: Vec<_> = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields[field].1 = input;
        self.send(client, &fields, if is_typed { std::slice::from_ref(&name) } else { &[] }, input).await;
        // All at once as long as it fits into a form; but a password typed twice alike is a good one.
        if field == 0 && input.len() < 100_000 && !self.path.contains("/welcome/") {
            for field in &mut fields {
                field.1 = input;
            }
            self.send(client, &fields, self.kept, input).await;
        }
    }

    async fn send(&self, client: &Client, fields: &[(&str, &str)], kept: &[&str], input: &str) {
        let path = &self.path;
        let answer = client.post(path, fields).await;
        if input.len() >= 100_000 && !path.starts_with("/admin") {
            answer.is(413);
            return; // Of people without an account less is taken.
        }
        let shown: String = input.chars().take(40).collect();
        assert!(
            [200, 303, 404, 409, 410, 422].contains(&answer.status),
            "{path} {kept:?} {shown:?}: {}",
            answer.status
        );
        assert_nothing_inline(path, &answer.body.replace('\0', ""));
        assert!(answer.headers.get("bcc").is_none());
        if [409, 422].contains(&answer.status) {
            let (typed, page) = (input.replace('\0', "\u{fffd}"), unescape(&answer.body).replace('\0', "\u{fffd}"));
            let times = page.matches(&typed).count();
            assert!(times >= kept.len(), "{path} lost some of {kept:?} {shown:?}: {}", answer.body);
        }
    }
}

async fn whatever_is_typed_into_a_form_nothing_runs_breaks_or_is_lost(app: TestApp) {
    let group = app.group("Platform").await.to_string();
    let api = app.component("API").await;
    app.followers(&["reader@example.com"], &Follows::everything()).await;
    let owner = app.owner().await;
    let listed = format!("component.{api}");
    let key = format!("{:016x}", rand::random::<u64>());
    let update = [
        ("key", key.as_str()),
        ("status", "investigating"),
        ("body", "Words."),
        ("display_at", ""),
        ("notify", "yes"),
        (listed.as_str(), "partial_outage"),
        ("restore", ""),
        ("intent", "publish"),
    ];
    let incident = [&[("name", "Down"), ("impact", "")], &update[..]].concat();
    owner.post("/admin/incidents/new", &incident).await.is(303);
    let id = app.state.store.open_incidents().await.unwrap()[0].id.clone();
    let component = [("name", "API"), ("description", ""), ("status", "operational"), ("group", ""), ("position", "1")];
    let ended = post::Form::incident("Over").open(&owner).await;
    post::Form::update("resolved", "Over.").say(&owner, &ended).await;
    let postmortem = [
        ("version", "0"),
        ("author", "Ada"),
        ("body", "Words."),
        ("started_at", "2024-02-05 10:12"),
        ("detected_at", "2024-02-05 10:12"),
        ("mitigated_at", ""),
        ("resolved_at", "2024-02-05 11:12"),
        ("follow_up.0.text", "Page louder"),
        ("follow_up.0.link", ""),
        ("follow_up.0.due", ""),
        ("notify", "no"),
        ("intent", "publish"),
    ];
    let passwords = [("current", "wrong"), ("password", "x"), ("password_again", "y")];
    let forms = [
        Form::new("/admin/incidents/new", &incident, &["name", "body", "display_at"]),
        Form::new(format!("/admin/incidents/{id}"), &update, &["body", "display_at"]),
        Form::new(format!("/admin/incidents/{ended}/postmortem"), &postmortem, &POSTMORTEM),
        Form::new("/admin/components/new", &component, &["name", "description", "position"]),
        Form::new(format!("/admin/components/{api}"), &component, &["name", "description", "position"]),
        Form::new("/admin/groups/new", &[("name", "Platform"), ("position", "1")], &["name", "position"]),
        Form::new(format!("/admin/groups/{group}"), &[("name", "Platform"), ("position", "1")], &["name", "position"]),
        Form::new("/admin/settings", &[("name", "Status")], &["name"]),
        Form::new("/admin/account/password", &passwords, &[]),
    ];
    for form in &forms {
        for field in 0..form.fields.len() {
            for input in inputs() {
                form.attack(&owner, field, &input).await;
            }
        }
    }
    let mails = app.letters(40).await;
    let user = app.actor().await.user().unwrap().id.clone();
    let link = accounts::create_sign_in_link(&app.state.store, &app.state.clock, &user).await.unwrap();
    let choices = [("everything", "1"), ("component", ""), ("incident", "")];
    for form in [
        Form::new(format!("/admin/welcome/{link}"), &[("password", "x"), ("password_again", "y")], &[]),
        Form::new(mails[0].path("manage"), &choices, &[]),
        Form::new(mails[0].path("unsubscribe"), &[("List-Unsubscribe", "One-Click")], &[]),
    ] {
        for field in 0..form.fields.len() {
            for input in inputs() {
                form.attack(&app.visitor(), field, &input).await;
            }
        }
    }
    let visitor = app.visitor();
    let sign_up =
        [("email", "a@example.com"), ("everything", "1"), ("component", ""), ("incident", ""), ("website", "")];
    let sign_up = Form::new("/subscribe", &sign_up, &["email"]);
    for field in 0..5 {
        for input in inputs() {
            // Sign-ups are counted by the hour, tries to sign in by the quarter of an hour.
            app.state.clock.advance(SignedDuration::from_mins(7));
            sign_up.attack(&visitor, field, &input).await;
        }
    }
    let sign_in = [("email", OWNER), ("password", "wrong"), ("next", "/admin")];
    let sign_in = Form::new("/admin/sign-in", &sign_in, &["email"]);
    for field in 0..3 {
        for input in inputs() {
            app.state.clock.advance(SignedDuration::from_mins(16));
            sign_in.attack(&visitor, field, &input).await;
        }
    }
    // The names that stand everywhere.
    let name = "\"></title></textarea><script>alert(1)</script><img src=x onerror=alert(1)>";
    owner.post("/admin/settings", &[("name", name)]).await.is(303);
    owner.post(&format!("/admin/groups/{group}"), &[("name", name)]).await.is(303);
    let component = [("name", name), ("description", name), ("group", &group)];
    owner.post(&format!("/admin/components/{api}"), &component).await.is(303);
    what_was_published_is_harmless(&app, &owner).await;
    what_was_mailed_is_harmless(&mails);
}

async fn what_was_published_is_harmless(app: &TestApp, owner: &Client) {
    let visitor = app.visitor();
    let incidents = app.state.store.recent_incidents(200).await.unwrap();
    assert!(incidents.len() > inputs().len(), "only {} incidents were published", incidents.len());
    let mut paths: Vec<String> = ["/", "/subscribe", "/nowhere"].map(str::to_owned).to_vec();
    for incident in &incidents {
        paths.push(format!("/incidents/{}", incident.id));
        paths.push(format!("/postmortems/{}", incident.id));
        paths.push(format!("/admin/incidents/{}", incident.id));
        paths.push(format!("/subscribe?incident={}", incident.id));
    }
    paths.extend(
        ["", "/incidents", "/components", "/postmortems", "/settings", "/outbox", "/account"]
            .map(|it| format!("/admin{it}")),
    );
    for path in &paths {
        let answer = if path.starts_with("/admin") { owner.get(path).await } else { visitor.get(path).await };
        assert!([200, 404].contains(&answer.status), "{path}: {}", answer.status);
        assert_nothing_inline(path, &answer.body);
    }
    for path in FEEDS {
        let feed = visitor.get(path).await;
        feed.is(200);
        let html: Vec<String> = match path.rsplit_once('.').unwrap() {
            (_, "atom") => {
                let feed: atom_syndication::Feed = feed.body.parse().unwrap();
                let contents = feed.entries.into_iter().filter_map(|entry| entry.content.and_then(|it| it.value));
                contents.collect()
            }
            (_, "rss") => {
                let feed: rss::Channel = feed.body.parse().unwrap();
                feed.items.into_iter().flat_map(|item| [item.description, item.content]).flatten().collect()
            }
            _ => {
                let feed: serde_json::Value = serde_json::from_str(&feed.body).unwrap();
                let items = feed["items"].as_array().unwrap();
                items.iter().map(|item| item["content_html"].as_str().unwrap().to_owned()).collect()
            }
        };
        assert!(html.len() > 10, "{path} holds {} entries", html.len());
        for html in &html {
            assert_harmless(path, html);
        }
    }
}

fn what_was_mailed_is_harmless(mails: &[Letter]) {
    for mail in mails {
        assert_harmless("a mail", &mail.html);
        let (headers, _) = mail.raw.split_once("\r\n\r\n").unwrap();
        assert!(!headers.to_lowercase().contains("\nbcc:"), "{headers}");
        assert!(mail.raw.is_ascii() && !mail.raw.contains('\0'));
    }
}
