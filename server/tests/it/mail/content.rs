//! Every kind of mail in every language, read by other people's programs: Python's email under its strict policy, and
//! dkimpy, which checks the signatures.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use app::emails::{self, Links, Mail, Reader, alert::AlertMail, check::CheckMail, letter::LetterMail};
use domain::{
    i18n::{Locale, Preferences},
    ids::{BroadcastId, ComponentId, DeliveryId, IncidentId, SubscriberId, UpdateId},
    incident::{ComponentChange, Incident, Update},
    postmortem::{Figures, Postmortem},
    status::{ComponentStatus, IncidentStatus},
    subscriber::Follows,
    token::{Purpose, Secret},
};
use jiff::Timestamp;
use lettre::message::Mailbox;
use serde_json::{Value, json};
use server::{
    config::Settings,
    mail::{
        content::{MailIdentity, Prepared, letter},
        dkim::Signer,
    },
    store::import::ImportRow,
};

use crate::support::{
    app::TestApp,
    db::Database,
    dkim::{SELECTORS, keys},
    form::Form,
};

/// Mails on their way to the checkers. The folder goes when this does.
struct Checked {
    folder: PathBuf,
    expected: BTreeMap<String, Value>,
}

impl Checked {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("content-{:016x}", rand::random::<u64>()));
        fs::create_dir_all(&folder).unwrap();
        Self { folder, expected: BTreeMap::new() }
    }

    fn signer(&self) -> Signer {
        Signer::load("example.com", SELECTORS, &keys(&self.folder)).unwrap()
    }

    /// Adds a mail with what its readers must find.
    fn add(&mut self, kind: &str, raw: &[u8], expected: Value) {
        let name = format!("{:03}-{kind}.eml", self.expected.len());
        fs::write(self.folder.join(&name), raw).unwrap();
        self.expected.insert(name, expected);
    }

    /// Lets the checkers loose.
    fn check(self, records: &[String]) {
        fs::write(self.folder.join("dns.txt"), records.join("\n")).unwrap();
        fs::write(self.folder.join("expected.json"), json!(self.expected).to_string()).unwrap();
        let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache/tidings");
        let python = env::var_os("TIDINGS_CACHE").map_or_else(home, PathBuf::from).join("dkimpy/bin/python");
        assert!(python.is_file(), "{} is missing: `.ci/prepare test` installs it", python.display());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mail/content.py");
        let done = Command::new(python).arg(script).arg(&self.folder).output().unwrap();
        let [said, problem] = [&done.stdout, &done.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(done.status.success(), "{problem}");
        assert_eq!(said.trim(), format!("{} mails are well-formed and signed", self.expected.len()));
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// In which language each of these people reads.
fn readers() -> impl Iterator<Item = (Locale, String)> {
    Locale::ALL.iter().map(|locale| (*locale, format!("{}@example.org", locale.as_str())))
}

#[tokio::test]
async fn every_kind_of_mail_in_every_language_is_well_formed_and_signed() {
    let mut checked = Checked::new();
    let settings = Settings {
        mail_from: Some("Störung & Co. 🔥 <status@example.com>".to_owned()),
        dkim_selector: Some(SELECTORS.to_owned()),
        dkim_key_file: Some(keys(&checked.folder)),
        ..Settings::default()
    };
    let app = TestApp::on(Database::sqlite().await, settings).await;
    let (store, owner) = (&app.state.store, app.owner().await);
    let rows: Vec<_> = readers()
        .map(|(locale, address)| ImportRow {
            email: address.parse().unwrap(),
            follows: Follows::everything(),
            preferences: Preferences { locale, zone: "Asia/Kathmandu".parse().ok() },
        })
        .collect();
    let mut write = store.write().await.unwrap();
    write.import_subscribers(&rows, "asked on paper", app.state.clock.now()).await.unwrap();
    write.put_setting("name", "Störung & Co.", app.state.clock.now()).await.unwrap();
    write.raise_alert("a", "The mail server refuses our <credentials>.", app.state.clock.now()).await.unwrap();
    write.commit().await.unwrap();
    let mut kinds = vec![("alert", 1)];
    app.mails(1).await;

    let component = app.component("Größe & Länge").await;
    let first = Form::incident("Ausfälle in <Zürich> 🔥").with("notify", "yes").listing(&component, "major_outage");
    first.post(&owner, "/admin/incidents/new").await.is(303);
    kinds.push(("update", 4));
    app.mails(total(&kinds)).await;
    app.settle().await;
    let id = store.open_incidents().await.unwrap()[0].id.clone();
    let update = store.incident(&id).await.unwrap().unwrap().updates[0].id.clone();
    let address = format!("/admin/incidents/{id}/updates/{update}");
    owner.post(&address, &[("seen", "0"), ("body", "Es ist **doch** die Datenbank.")]).await.is(303);
    owner.post(&format!("{address}/correct"), &[]).await.is(303);
    kinds.push(("correction", 4));
    app.mails(total(&kinds)).await;
    app.settle().await;
    Form::update("resolved", "Vorbei.").say(&owner, id.as_str()).await;
    let publish = Form::postmortem(0, "## Was geschah\n\nEs brach.").with("notify", "yes").with("intent", "publish");
    publish.post(&owner, &format!("/admin/incidents/{id}/postmortem")).await.is(303);
    kinds.push(("postmortem", 4));
    app.mails(total(&kinds)).await;

    let stranger = app.visitor();
    for (locale, address) in readers() {
        let headers = [("accept-language", locale.as_str()), ("sec-fetch-site", "same-origin")];
        stranger.post_with("/manage", &headers, &[("email", &address)]).await.is(200);
        kinds.push(("manage_link", 1));
        app.mails(total(&kinds)).await;
        let new = format!("new.{address}");
        stranger.post_with("/subscribe", &headers, &[("email", &new), ("everything", "1")]).await.is(200);
        kinds.push(("confirmation", 1));
        app.mails(total(&kinds)).await;
    }
    owner.post("/admin/mail/test", &[("transport", "main")]).await.is(303);
    kinds.push(("test", 1));
    let letters = app.letters(total(&kinds)).await;
    assert_eq!(letters.len(), total(&kinds));

    let kinds = kinds.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count));
    let mut languages = BTreeSet::new();
    for (kind, letter) in kinds.zip(letters) {
        let is_list = ["update", "correction", "postmortem"].contains(&kind);
        let says = match kind {
            "update" => vec!["Ausfälle in <Zürich> 🔥", "Größe & Länge", "We are looking into it.", " UTC"],
            "correction" => vec!["Ausfälle in <Zürich> 🔥", "Es ist doch die Datenbank.", " UTC"],
            "postmortem" => vec!["Ausfälle in <Zürich> 🔥", "Was geschah", "Es brach."],
            "alert" => vec!["The mail server refuses our <credentials>."],
            "confirmation" => vec!["/confirm/"],
            "manage_link" => vec!["/manage/"],
            _ => vec!["Störung & Co."],
        };
        let start = letter.html.find("<html lang=\"").expect("the page says its language") + 12;
        languages.insert((kind, letter.html[start..start + 2].to_owned()));
        let expected = json!({
            "is_list": is_list, "from": "status@example.com", "sender": "Störung & Co. 🔥", "to": letter.to,
            "subject": letter.subject, "says": says, "tamper": true,
        });
        checked.add(kind, letter.raw.as_bytes(), expected);
    }
    assert_eq!(languages.len(), 5 * Locale::ALL.len() + 2, "five kinds come in every language: {languages:?}");
    let records = app.state.config().dkim.as_ref().unwrap().records();
    checked.check(&records);
}

fn total(kinds: &[(&str, usize)]) -> usize {
    kinds.iter().map(|(_, count)| count).sum()
}

/// What people type to forge mails.
fn hostile() -> Vec<String> {
    let mut names = vec![
        "Down\r\nBcc: victim@example.com\r\n\r\n<h1>hello</h1>".to_owned(),
        "Down\0\u{1}\u{7f}\u{85}\u{2028}now\r".to_owned(),
        "=?utf-8?b?RG93bg0KQmNjOiB2aWN0aW1AZXhhbXBsZS5jb20=?=".to_owned(),
        "\u{202e}gnp.exe\u{2066} مرحبا بالعالم \u{200f}".to_owned(),
        "👩‍👩‍👧‍👦🔥".repeat(12),
        "\" <victim@example.com>, \\".to_owned(),
        "--=_tidings_text_and_html--".to_owned(),
    ];
    names.push("x".repeat(300));
    names.push("wörter ".repeat(43).trim_end().to_owned());
    names
}

fn now() -> Timestamp {
    "2024-02-05T10:41:09Z".parse().unwrap()
}

/// An incident in which every word is this one.
fn incident(word: &str) -> (Incident, Postmortem) {
    let change = ComponentChange {
        component: ComponentId::from_random(1),
        name: word.to_owned(),
        old: ComponentStatus::Operational,
        new: ComponentStatus::MajorOutage,
    };
    let update = |number, status, components| Update {
        id: UpdateId::from_random(number),
        status,
        body: word.to_owned(),
        display_at: now(),
        created_at: now(),
        updated_at: now(),
        next_update_by: Some(now()),
        edited_at: None,
        removed_at: None,
        notify: true,
        components,
    };
    let updates =
        vec![update(2, IncidentStatus::Resolved, Vec::new()), update(1, IncidentStatus::Investigating, vec![change])];
    let id = IncidentId::from_random(5);
    let incident = Incident {
        id: id.clone(),
        name: word.to_owned(),
        impact_override: None,
        created_at: now(),
        updated_at: now(),
        updates,
    };
    let postmortem = Postmortem {
        incident: id,
        author: word.to_owned(),
        body: word.to_owned(),
        figures: Figures::of(&incident).unwrap(),
        follow_ups: Vec::new(),
        version: 1,
        preview: 0,
        created_at: now(),
        updated_at: now(),
        published: None,
        edited_at: None,
    };
    (incident, postmortem)
}

/// What each broadcast and each letter about a hostile word is.
fn broadcasts(identity: &MailIdentity, word: &str) -> Vec<(&'static str, Prepared, String)> {
    let (incident, postmortem) = incident(word);
    let links = Links { manage: String::new(), unsubscribe: String::new() };
    let reader = Reader { locale: Locale::English, local_time: &|_| String::new(), links: &links };
    let drawn = emails::update::mail(&emails::update::UpdateMail {
        page_name: &identity.page_name,
        page_url: &identity.public_url,
        incident: &incident,
        update: &incident.updates[0].id,
        is_correction: false,
        reader: &reader,
    });
    let subject = drawn.unwrap().subject;
    let update = |is_correction| Prepared::new(identity, &incident, &incident.updates[0].id, is_correction).unwrap();
    let postmortem = Prepared::postmortem(identity, &incident, &postmortem).unwrap();
    vec![
        ("update", update(false), subject.clone()),
        ("correction", update(true), subject.clone()),
        ("postmortem", postmortem, subject),
    ]
}

fn letters(identity: &MailIdentity, word: &str) -> Vec<(&'static str, Mail)> {
    let (page_name, page_url) = (identity.page_name.as_str(), identity.public_url.as_str());
    let [confirm_url, manage_url] =
        [Purpose::Confirm, Purpose::Manage].map(|purpose| identity.link(purpose, SubscriberId(12), 3));
    let mut letters = vec![
        (
            "alert",
            emails::alert::mail(&AlertMail {
                page_name,
                console_url: page_url,
                alerts: &[(now(), word.to_owned())],
                more: 0,
            }),
        ),
        ("test", emails::check::mail(&CheckMail { page_name, page_url, at: now() })),
    ];
    for locale in Locale::ALL.iter().copied() {
        let words = locale.mail_words();
        for (kind, words, link) in
            [("confirmation", &words.confirmation, &confirm_url), ("manage_link", &words.manage, &manage_url)]
        {
            letters.push((kind, emails::letter::mail(&LetterMail { words, locale, page_name, page_url, link })));
        }
    }
    letters
}

#[test]
fn no_name_forges_anything_in_any_mail() {
    let mut checked = Checked::new();
    let signer = Arc::new(checked.signer());
    let to = "jo@example.org".parse().unwrap();
    for word in hostile() {
        let identity = MailIdentity {
            page_name: word.clone(),
            public_url: "https://status.example.com".to_owned(),
            from: Mailbox::new(Some(word.clone()), "status@example.com".parse().unwrap()),
            secret: Secret::from_bytes([7; 32]),
            dkim: Some(Arc::clone(&signer)),
            zone: None,
        };
        let sender = emails::one_line(&word);
        let expected = |is_list: bool, subject: &str| {
            json!({
                "is_list": is_list, "from": "status@example.com", "sender": sender, "to": "jo@example.org",
                "subject": subject, "says": [], "tamper": false,
            })
        };
        for (kind, prepared, subject) in broadcasts(&identity, &word) {
            for locale in Locale::ALL.iter().copied() {
                let id = DeliveryId::of_broadcast(&BroadcastId::from_random(9), SubscriberId(12));
                let preferences = Preferences { locale, zone: None };
                let raw = prepared.message(&id, &to, (SubscriberId(12), 3), &preferences, now());
                checked.add(kind, &raw, expected(true, &subject));
            }
        }
        for (kind, mail) in letters(&identity, &word) {
            let raw = letter(&identity, &DeliveryId::from_random(4), &to, &mail, now());
            checked.add(kind, &raw, expected(false, &mail.subject));
        }
    }
    checked.check(&signer.records());
}
