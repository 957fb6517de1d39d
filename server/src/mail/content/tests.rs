use std::time::Instant;

use domain::{
    ids::{BroadcastId, ComponentId, IncidentId},
    incident::{ComponentChange, Update},
    status::{ComponentStatus, IncidentStatus},
};
use mail_parser::{HeaderName as Known, Message, MessageParser, MimeHeaders as _};
use proptest::prelude::*;

use super::*;

const NAME: &str = "Störung: 🔥 elevated errors in the API";
const BODY: &str = "Ein **Fehler** – being fixed.\n\n.\nFrom here on\n\n- one\n- two";

fn identity() -> MailIdentity {
    MailIdentity {
        page_name: "Acme Status".into(),
        public_url: "https://status.example.com".into(),
        from: "Acme Status <status@mail.example.com>".parse().unwrap(),
        secret: Secret::from_bytes([7; 32]),
        dkim: None,
        zone: None,
    }
}

fn now() -> Timestamp {
    "2024-02-05T10:41:09Z".parse().unwrap()
}

fn incident(name: &str, body: &str) -> Incident {
    let update = |number: u64, time: &str, status, body: &str| {
        let at = time.parse().unwrap();
        Update {
            id: UpdateId::from_random(number),
            status,
            body: body.into(),
            display_at: at,
            created_at: at,
            updated_at: at,
            next_update_by: None,
            edited_at: None,
            removed_at: None,
            notify: true,
            components: vec![ComponentChange {
                component: ComponentId::from_random(1),
                name: name.into(),
                old: ComponentStatus::Operational,
                new: ComponentStatus::MajorOutage,
            }],
        }
    };
    let updates = vec![
        update(2, "2024-02-05T10:40:00Z", IncidentStatus::Identified, body),
        update(1, "2024-02-05T10:12:00Z", IncidentStatus::Investigating, body),
    ];
    let (created_at, updated_at) = (updates[1].created_at, updates[0].updated_at);
    Incident {
        id: IncidentId::from_random(5),
        name: name.into(),
        impact_override: None,
        created_at,
        updated_at,
        updates,
    }
}

fn prepared(identity: &MailIdentity, incident: &Incident) -> Prepared {
    Prepared::new(identity, incident, &UpdateId::from_random(2), false).unwrap()
}

fn message(prepared: &Prepared, to: &str, subscriber: i64) -> String {
    let subscriber = SubscriberId(subscriber);
    let delivery = DeliveryId::of_broadcast(&BroadcastId::from_random(9), subscriber);
    let message = prepared.message(&delivery, &to.parse().unwrap(), (subscriber, 3), &Preferences::default(), now());
    String::from_utf8(message).unwrap()
}

fn parse(message: &str) -> Message<'_> {
    MessageParser::default().parse(message.as_bytes()).unwrap()
}

/// A header as it is on the wire.
fn raw<'a>(message: &'a Message<'_>, name: &str) -> Option<&'a str> {
    message.header_raw(Known::parse(name.to_owned()).unwrap()).map(str::trim)
}

fn token(purpose: Purpose, subscriber: i64) -> String {
    LinkToken { purpose, subscriber, generation: 3 }.sign(&identity().secret)
}

/// What every message must be on the wire.
fn assert_well_formed(message: &str) {
    assert!(message.is_ascii(), "{message}");
    assert!(!message.replace("\r\n", "").contains(['\r', '\n', '\0']), "a lone CR or LF in {message:?}");
    for line in message.split("\r\n") {
        assert!(line.len() <= 998, "{line}");
    }
    let body = message.split_once("\r\n\r\n").unwrap().1;
    for line in body.split("\r\n") {
        assert!(line.len() <= 78, "{line}");
    }
}

#[test]
fn every_header_is_what_other_programs_expect() {
    let text = message(&prepared(&identity(), &incident(NAME, BODY)), "jo@example.org", 12);
    assert_well_formed(&text);
    let mail = parse(&text);
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Acme Status"), Some("status@mail.example.com")));
    let to = mail.to().unwrap().first().unwrap();
    assert_eq!((to.name(), to.address()), (None, Some("jo@example.org")));
    assert_eq!(mail.subject(), Some(format!("[Acme Status] {NAME}").as_str()));
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2024-02-05T10:41:09Z");
    let unsubscribe = format!("<https://status.example.com/unsubscribe/{}>", token(Purpose::Unsubscribe, 12));
    for (name, value) in [
        ("Date", "Mon, 05 Feb 2024 10:41:09 +0000"),
        ("Message-ID", "<900000000000.12@mail.example.com>"),
        ("References", "<incident-500000000000@mail.example.com>"),
        ("In-Reply-To", "<incident-500000000000@mail.example.com>"),
        ("MIME-Version", "1.0"),
        ("List-Id", "\"Acme Status\" <updates.mail.example.com>"),
        ("List-Unsubscribe", unsubscribe.as_str()),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Auto-Submitted", "auto-generated"),
        ("Precedence", "bulk"),
        ("X-Auto-Response-Suppress", "All"),
    ] {
        assert_eq!(raw(&mail, name), Some(value), "{name}");
        let lines = text.split("\r\n").filter(|line| line.starts_with(&format!("{name}: "))).count();
        assert_eq!(lines, 1, "{name} stands once");
    }
    assert!(text.contains(&format!("\r\nList-Unsubscribe: {unsubscribe}\r\n")), "on one line");
    assert_eq!(mail.headers().len(), 15, "and no others: {:?}", mail.headers_raw().collect::<Vec<_>>());
}

#[test]
fn both_bodies_come_back_as_they_were_drawn() {
    let (identity, incident) = (identity(), incident(NAME, BODY));
    let text = message(&prepared(&identity, &incident), "jo@example.org", 12);
    let mail = parse(&text);
    let root = mail.root_part();
    assert_eq!(root.content_type().unwrap().subtype(), Some("alternative"));
    let types: Vec<_> = mail.parts[1..].iter().map(|part| part.content_type().unwrap().subtype().unwrap()).collect();
    assert_eq!(types, ["plain", "html"]);
    assert_eq!(mail.attachment_count(), 0);

    let links = Links {
        manage: format!("https://status.example.com/manage/{}", token(Purpose::Manage, 12)),
        unsubscribe: format!("https://status.example.com/unsubscribe/{}", token(Purpose::Unsubscribe, 12)),
    };
    let drawn = emails::update::mail(&emails::update::UpdateMail {
        page_name: &identity.page_name,
        page_url: &identity.public_url,
        incident: &incident,
        update: &UpdateId::from_random(2),
        is_correction: false,
        reader: &Reader { locale: Locale::English, local_time: &|_| String::new(), links: &links },
    });
    let drawn = drawn.unwrap();
    let parts: Vec<_> =
        mail.parts[1..].iter().map(|part| part.text_contents().unwrap().replace("\r\n", "\n")).collect();
    assert_eq!(parts, [drawn.text, drawn.html]);
}

#[test]
fn two_recipients_differ_only_in_what_is_theirs() {
    let prepared = prepared(&identity(), &incident(NAME, BODY));
    let first = message(&prepared, "jo@example.org", 12);
    let second = message(&prepared, "ann@example.net", 13);
    assert_ne!(first, second);
    let made_equal = second
        .replace("ann@example.net", "jo@example.org")
        .replace(&token(Purpose::Manage, 13), &token(Purpose::Manage, 12))
        .replace(&token(Purpose::Unsubscribe, 13), &token(Purpose::Unsubscribe, 12))
        .replace("900000000000.13@", "900000000000.12@");
    assert_eq!(first, made_equal);
    assert_eq!(first, message(&prepared, "jo@example.org", 12), "a second attempt is the same message");
}

/// Both bodies as they are read, and their languages.
fn bodies(message: &str) -> [String; 2] {
    assert_well_formed(message);
    let mail = parse(message);
    [1, 2].map(|part| mail.parts[part].text_contents().unwrap().replace("\r\n", "\n"))
}

#[test]
fn each_recipient_reads_their_language_and_their_clock() {
    let page = "Europe/Berlin".parse().ok();
    let prepared = prepared(&MailIdentity { zone: page.clone(), ..identity() }, &incident(NAME, BODY));
    let delivery = DeliveryId::of_broadcast(&BroadcastId::from_random(9), SubscriberId(12));
    for locale in Locale::ALL {
        for zone in [None, Some("Asia/Kathmandu"), Some("America/Argentina/ComodRivadavia"), Some("UTC")] {
            let preferences = Preferences { locale: *locale, zone: zone.map(|name| name.parse().unwrap()) };
            let to = "jo@example.org".parse().unwrap();
            let message = prepared.message(&delivery, &to, (SubscriberId(12), 3), &preferences, now());
            let text = String::from_utf8(message).unwrap();
            for body in bodies(&text) {
                for at in ["2024-02-05T10:40:00Z", "2024-02-05T10:12:00Z"] {
                    let at = at.parse().unwrap();
                    let local = locale.local_time(at, preferences.zone.as_ref(), page.as_ref());
                    let said = format!("{}{local}", locale.full_time(at));
                    assert!(
                        body.contains(&format!("{said}\n")) || body.contains(&format!("{said}<")),
                        "{said}: {body}"
                    );
                }
                assert!(body.contains(locale.mail_words().update.choose), "{body}");
                assert!(body.contains("Störung: 🔥 elevated errors in the API"), "{body}");
                for slot in [Slot::Manage, Slot::Unsubscribe, Slot::LocalTime(0), Slot::LocalTime(1)] {
                    assert!(!body.contains(&stand_in(&identity(), slot)), "a stand-in was left in {body}");
                }
            }
            let mail = parse(&text);
            assert_eq!(mail.subject(), Some(format!("[Acme Status] {NAME}").as_str()));
        }
    }
}

#[test]
fn the_links_belong_to_the_recipient() {
    let text = message(&prepared(&identity(), &incident(NAME, BODY)), "jo@example.org", 12);
    let mail = parse(&text);
    for part in &mail.parts[1..] {
        let body = part.text_contents().unwrap();
        for (page, purpose) in [("manage", Purpose::Manage), ("unsubscribe", Purpose::Unsubscribe)] {
            let start = body.find(&format!("/{page}/")).unwrap() + page.len() + 2;
            let found = LinkToken::parse(&identity().secret, purpose, &body[start..start + LinkToken::LENGTH]);
            assert_eq!(found, Ok(LinkToken { purpose, subscriber: 12, generation: 3 }));
        }
        let nobody = super::token(&identity(), Purpose::Manage, NOBODY, 0);
        assert!(!body.contains(&nobody), "a stand-in was left in {body}");
    }
}

#[test]
fn a_letter_is_no_list_mail() {
    let drawn = emails::letter::mail(&emails::letter::LetterMail {
        words: &Locale::English.mail_words().confirmation,
        locale: Locale::English,
        page_name: "Acme Status",
        page_url: "https://status.example.com",
        link: &identity().link(Purpose::Confirm, SubscriberId(12), 3),
    });
    let delivery = DeliveryId::from_random(4);
    let text = letter(&identity(), &delivery, &"jo@example.org".parse().unwrap(), &drawn, now());
    let text = String::from_utf8(text).unwrap();
    assert_well_formed(&text);
    let mail = parse(&text);
    assert_eq!(mail.message_id(), Some("400000000000@mail.example.com"));
    assert_eq!(raw(&mail, "Auto-Submitted"), Some("auto-generated"));
    for name in ["List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Precedence", "References", "In-Reply-To"] {
        assert_eq!(raw(&mail, name), None, "{name}");
    }
    let link = format!("https://status.example.com/confirm/{}", token(Purpose::Confirm, 12));
    for part in &mail.parts[1..] {
        assert!(part.text_contents().unwrap().contains(&link));
    }
}

#[test]
fn the_return_path_is_stable_and_signed() {
    let identity = identity();
    let path = identity.envelope_from(SubscriberId(12)).to_string();
    assert_eq!(path, identity.envelope_from(SubscriberId(12)).to_string());
    let tag = path.strip_prefix("status+12.").unwrap().strip_suffix("@mail.example.com").unwrap();
    assert!(identity.secret.is_return_path_tag(12, tag));
    assert!(!identity.secret.is_return_path_tag(13, tag));
}

#[test]
fn a_sender_without_room_for_a_tag_stays_as_it_is() {
    let long = format!("{}@example.com", "s".repeat(60));
    let identity = MailIdentity { from: long.parse().unwrap(), ..identity() };
    assert_eq!(identity.envelope_from(SubscriberId(12)).to_string(), long);
}

#[test]
fn an_update_of_another_incident_is_refused() {
    let update = UpdateId::from_random(99);
    let error = Prepared::new(&identity(), &incident(NAME, BODY), &update, false).unwrap_err();
    assert_eq!(error, UnknownUpdate(update));
}

/// What people type to forge mails.
const HOSTILE: &[&str] = &[
    "Down\r\nBcc: victim@example.com\r\n\r\n<h1>hello</h1>",
    "Down\nX-Injected: yes",
    "Down\rX-Injected: yes",
    "Down\0\u{1}\u{7f}\u{85}\u{2028}now",
    "=?utf-8?b?RG93bg0KQmNjOiB2aWN0aW1AZXhhbXBsZS5jb20=?=",
    "=?utf-8?q?=0D=0AX-Injected:_yes?=",
    "\u{202e}gnp.exe\u{2066} مرحبا \u{200f}",
    "👩‍👩‍👧‍👦🔥",
    "--=_tidings_text_and_html--",
    "\" <victim@example.com>, \\",
    ".",
    "",
];

/// Header by header, nothing was added and nothing was lost.
fn assert_nothing_was_forged(name: &str) {
    let hostile = MailIdentity {
        page_name: name.into(),
        from: Mailbox::new(Some(name.into()), "status@mail.example.com".parse().unwrap()),
        ..identity()
    };
    let text = message(&prepared(&hostile, &incident(name, name)), "jo@example.org", 12);
    assert_well_formed(&text);
    let mail = parse(&text);
    let names: Vec<_> = mail.headers_raw().map(|(name, _)| name.to_owned()).collect();
    let honest = message(&prepared(&identity(), &incident("Down", "")), "jo@example.org", 12);
    let expected: Vec<_> = parse(&honest).headers_raw().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, expected, "{text}");
    assert_eq!(mail.to().unwrap().iter().count(), 1, "{text}");
    assert_eq!(mail.from().unwrap().first().unwrap().address(), Some("status@mail.example.com"), "{text}");
    assert!(raw(&mail, "List-Id").unwrap().ends_with("<updates.mail.example.com>"), "{text}");
    assert_eq!(mail.parts.len(), 3, "{text}");
    let subject = mail.subject().unwrap();
    assert!(!subject.chars().any(char::is_control), "{subject:?}");
    let title = emails::one_line(name);
    if title.chars().count() < 90 {
        assert_eq!(subject.trim_end(), format!("[{title}] {title}").trim_end(), "{text}");
    }
}

#[test]
fn hostile_words_forge_nothing() {
    for name in HOSTILE {
        assert_nothing_was_forged(name);
    }
    assert_nothing_was_forged(&"x".repeat(3000));
    assert_nothing_was_forged(&"wörter ".repeat(800));
    assert_nothing_was_forged(&"a ".repeat(2000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_words_forge_anything(name in "(\\PC|[\r\n\0=?<>\"\\\\:]){0,60}") {
        assert_nothing_was_forged(&name);
    }
}

#[test]
fn a_long_text_arrives_whole() {
    let long = "Fehler überall. ".repeat(7000);
    let text = message(&prepared(&identity(), &incident("Down", &long)), "jo@example.org", 12);
    assert_well_formed(&text);
    let mail = parse(&text);
    assert!(mail.parts[1].text_contents().unwrap().contains(long.trim_end()));
}

#[test]
fn a_message_costs_far_less_than_drawing_it() {
    let (identity, incident) = (identity(), incident(NAME, BODY));
    let zone = |number: i64| ["Asia/Taipei", "Europe/Berlin", "America/New_York"][usize::try_from(number % 3).unwrap()];
    let (delivery, to) = (DeliveryId::from_random(1), "jo@example.org".parse().unwrap());
    let start = Instant::now();
    let mut last = prepared(&identity, &incident);
    for _ in 1..20 {
        last = prepared(&identity, &incident);
    }
    let drawn = start.elapsed();
    // The quickest of five rounds: another process may take the processor in one, hardly in all.
    let rounds = (0..5).map(|_| {
        let start = Instant::now();
        for number in 0..20 {
            // Everyone by another clock than the one before.
            let preferences = Preferences { locale: Locale::German, zone: zone(number).parse().ok() };
            last.message(&delivery, &to, (SubscriberId(number), 3), &preferences, now());
        }
        start.elapsed()
    });
    let spliced = rounds.min().unwrap();
    assert!(spliced * 5 < drawn, "20 messages took {spliced:?}, drawing 20 times took {drawn:?}");
}
