//! A real incident of another company, told again through the console with its real times: two days, a relapse, and a root
//! cause as long as a letter.
//!
//! The text is not ours to keep: it is read from a folder beside the repository, and without it there is nothing to do.

use std::{fs, path::Path};

use mail_parser::{Message, MessageParser};

use super::{
    console::{Console, subscribe},
    sink::Sink,
};
use crate::support::{db::Database, process::Place};

const SEED: &str = "../../shared/seeds/001_b0160024adc57256.txt";
const PEOPLE: usize = 1_000;
/// Where the incident stood, update by update, oldest first.
const STATUSES: [&str; 8] =
    ["investigating", "identified", "identified", "monitoring", "resolved", "investigating", "monitoring", "resolved"];
const COMPONENTS: [&str; 2] = ["Licensing & Distribution API", "Distribution API (Legacy)"];

/// An update of the timeline.
struct Said {
    /// `2024-02-05 10:12 UTC`
    at: String,
    body: String,
}

impl Said {
    /// `5 Feb 2024, 10:12 UTC`
    fn shown(&self) -> String {
        let at: jiff::civil::DateTime = self.at.trim_end_matches(" UTC").parse().unwrap();
        at.strftime("%-d %b %Y, %H:%M UTC").to_string()
    }

    /// `2024-02-05T10:12:00`
    fn stamp(&self) -> String {
        format!("{}:00", self.at.trim_end_matches(" UTC").replace(' ', "T"))
    }
}

/// The timeline, oldest first; nothing where the file is missing.
fn timeline() -> Option<Vec<Said>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(SEED);
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not there, so there is no timeline to tell", path.display());
        return None;
    };
    let mut said: Vec<Said> = Vec::new();
    let mut is_heading = true;
    for line in text.lines() {
        match instant(line) {
            // The first time in the file is the incident's own.
            Some(_) if is_heading => is_heading = false,
            Some(at) => said.push(Said { at, body: String::new() }),
            None => {
                if let Some(last) = said.last_mut() {
                    last.body.push_str(line);
                    last.body.push('\n');
                }
            }
        }
    }
    for update in &mut said {
        update.body = update.body.trim().to_owned();
    }
    said.reverse();
    Some(said)
}

/// `Feb 05 at 10:12am UTC` of 2024 as a person would type it.
fn instant(line: &str) -> Option<String> {
    let clock = jiff::fmt::strtime::parse("%b %d at %I:%M%P UTC %Y", format!("{} 2024", line.trim())).ok()?;
    Some(clock.to_datetime().ok()?.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// Words only: what remains when lines are broken elsewhere and marks of Markdown are drawn.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_thousand_people_get_every_update_once_on_sqlite() {
    tell(Place::new()).await;
}

#[tokio::test]
async fn a_thousand_people_get_every_update_once_on_postgres() {
    let database = Database::postgres().await;
    tell(Place::new().with("TIDINGS_DATABASE_URL", &database.url)).await;
    database.drop().await;
}

async fn tell(place: Place) {
    let Some(said) = timeline() else { return };
    assert_eq!(said.len(), STATUSES.len());
    assert_eq!((said[0].at.as_str(), said[7].at.as_str()), ("2024-02-05 10:12 UTC", "2024-02-06 20:04 UTC"));
    let sink = Sink::postfix().await;
    let place = place
        .with("TIDINGS_SMTP_URL", &sink.url())
        .with("TIDINGS_MAIL_FROM", "Acme Status <status@acme.test>")
        .with("TIDINGS_PUBLIC_URL", "http://status.acme.test");
    let console = Console::found(&place).await;
    subscribe(&place, PEOPLE).await;
    let incident = post(&console, &said, PEOPLE).await;
    shows(&console, &incident, &said).await;
    feeds_agree(&console, &incident, &said).await;
    console.process.stop().await;

    assert_eq!(sink.counted(), PEOPLE * said.len(), "by smtp-sink's own counter");
    let arrived = sink.arrived();
    assert_eq!(arrived.len(), PEOPLE * said.len());
    // Each mail says which update it brings by the time in its first lines.
    let mut told: Vec<_> = arrived
        .iter()
        .map(|mail| {
            let message = MessageParser::default().parse(&mail.message).unwrap();
            let text = message.body_text(0).unwrap().into_owned();
            let place = |update: &Said| text.find(&update.shown()).unwrap_or(usize::MAX);
            let update = said.iter().map(place).enumerate().min_by_key(|(_, place)| *place).unwrap().0;
            (update, mail.to.clone())
        })
        .collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), PEOPLE * said.len(), "each update reached each person, once");
}

/// Opens the incident and posts what follows, each once everyone has the one before; its id.
async fn post(console: &Console, said: &[Said], people: usize) -> String {
    let mut ids = Vec::new();
    for name in COMPONENTS {
        ids.push(console.component(name).await);
    }
    let fields: Vec<_> = ids.iter().map(|id| format!("component.{id}")).collect();
    let mut incident = String::new();
    for (update, status) in said.iter().zip(STATUSES) {
        let fares = match status {
            "investigating" | "identified" => "major_outage",
            "monitoring" => "degraded_performance",
            _ => "operational",
        };
        let mut form = vec![("status", status), ("body", &update.body), ("display_at", &update.at)];
        form.extend(fields.iter().map(|field| (field.as_str(), fares)));
        let broadcast = if incident.is_empty() {
            let broadcast = console.open("Under DDoS", &form).await;
            let list = console.owner.get("/admin/incidents").await.body;
            let ids = list.match_indices("href=\"/admin/incidents/").map(|(at, start)| &list[at + start.len()..]);
            let mut ids = ids.filter_map(|rest| rest.split_once('"')).filter(|(id, _)| *id != "new");
            ids.next().unwrap_or_else(|| panic!("no incident in {list}")).0.clone_into(&mut incident);
            broadcast
        } else {
            console.publish(&format!("/admin/incidents/{incident}"), &form).await
        };
        console.sent(&broadcast, people as u64).await;
    }
    incident
}

/// The incident's page: newest first, each at its real time, and how long it all took.
async fn shows(console: &Console, incident: &str, said: &[Said]) {
    let page = console.visitor().get(&format!("/incidents/{incident}")).await;
    page.is(200).says("Under DDoS").says("lasted 1 d 9 h").says("Reopened: investigating");
    let (_, timeline) = page.body.split_once("class=\"timeline\"").unwrap();
    let times: Vec<_> =
        said.iter().rev().map(|update| timeline.find(&format!("datetime=\"{}", update.stamp()))).collect();
    assert!(times.iter().all(Option::is_some) && times.is_sorted(), "{times:?}: {timeline}");
    assert_eq!(timeline.matches("class=\"update\"").count(), said.len());
    for update in said {
        page.says(&update.shown());
        // The apostrophe is written as it is or as a reference.
        page.says(update.body.split(['\'', '"', '\n']).next().unwrap());
    }
    let home = console.visitor().get("/").await;
    home.is(200).says("All systems operational");
}

/// All feeds hold the same updates in the same order at the same times under the same ids.
async fn feeds_agree(console: &Console, incident: &str, said: &[Said]) {
    let reader = console.visitor();
    let page = reader.get(&format!("/incidents/{incident}")).await.body;
    let anchors = page.match_indices("id=\"update-").map(|(at, start)| &page[at + start.len()..]);
    let anchors: Vec<_> = anchors.filter_map(|rest| rest.split_once('"')).map(|(id, _)| id).collect();
    let ids: Vec<_> = anchors.into_iter().map(|id| format!("update/{id}")).collect();
    let expected: Vec<_> = ids.into_iter().zip(said.iter().rev().map(Said::stamp)).collect();
    assert_eq!(expected.len(), said.len());

    // In the tag stands the year of the post, not the one it tells of: that one can be edited.
    let name = |id: &str| {
        let (year, name) = id.strip_prefix("tag:status.acme.test,").unwrap().split_once(':').unwrap();
        assert!(year.parse::<u16>().unwrap() > 2024, "{id}");
        name.to_owned()
    };
    let stamp = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let json: serde_json::Value = serde_json::from_str(&reader.get("/updates.json").await.body).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let items = json["items"].as_array().unwrap().iter();
    let items: Vec<_> =
        items.map(|item| (name(&text(&item["id"])), stamp(text(&item["date_published"]).parse().unwrap()))).collect();
    assert_eq!(items, expected, "JSON");

    let atom: atom_syndication::Feed = reader.get("/updates.atom").await.body.parse().unwrap();
    let entries = atom.entries().iter();
    let entries: Vec<_> = entries
        .map(|entry| (name(entry.id()), stamp(entry.published().unwrap().to_rfc3339().parse().unwrap())))
        .collect();
    assert_eq!(entries, expected, "Atom");

    let rss: rss::Channel = reader.get("/updates.rss").await.body.parse().unwrap();
    let items = rss.items().iter();
    let items: Vec<_> = items
        .map(|item| {
            let at = jiff::fmt::rfc2822::parse(item.pub_date().unwrap()).unwrap().timestamp();
            (name(item.guid().unwrap().value()), stamp(at))
        })
        .collect();
    assert_eq!(items, expected, "RSS");

    let atom: atom_syndication::Feed = reader.get("/history.atom").await.body.parse().unwrap();
    let [entry] = atom.entries() else { panic!("one incident: {:?}", atom.entries()) };
    assert_eq!(name(entry.id()), format!("incident/{incident}"));
    assert_eq!(stamp(entry.published().unwrap().to_rfc3339().parse().unwrap()), said[0].stamp());
    let content = entry.content().unwrap().value().unwrap();
    let times: Vec<_> = said.iter().rev().map(|update| content.find(&update.stamp())).collect();
    assert!(times.iter().all(Option::is_some) && times.is_sorted(), "{times:?}: {content}");
}

#[tokio::test]
async fn a_server_of_another_author_reads_the_mails_as_they_were_meant() {
    let Some(said) = timeline() else { return };
    let sink = Sink::aiosmtpd().await;
    let place = Place::new()
        .with("TIDINGS_SMTP_URL", &sink.url())
        .with("TIDINGS_MAIL_FROM", "Acme Status <status@acme.test>")
        .with("TIDINGS_PUBLIC_URL", "http://status.acme.test");
    let console = Console::found(&place).await;
    console.owner.post("/admin/settings", &[("name", "Acme Status")]).await.is(303);
    subscribe(&place, 2).await;
    let incident = post(&console, &said, 2).await;
    let arrived = sink.arrived();
    assert_eq!(arrived.len(), 2 * said.len());
    let mut message_ids = Vec::new();
    for mail in &arrived {
        let message = MessageParser::default().parse(&mail.message).unwrap();
        message_ids.push(message.message_id().unwrap().to_owned());
        is_a_list_mail(&message, &mail.to, &incident);
        one_click(&console, &message).await;
    }
    message_ids.sort();
    message_ids.dedup();
    assert_eq!(message_ids.len(), arrived.len(), "no two share a Message-ID");

    let root_cause = said.iter().max_by_key(|update| update.body.len()).unwrap();
    let texts: Vec<_> = arrived.iter().map(|mail| MessageParser::default().parse(&mail.message).unwrap()).collect();
    let told = texts.iter().filter(|message| {
        let text = words(&message.body_text(0).unwrap());
        // List items get their numbers where Markdown puts them, so paragraph by paragraph.
        root_cause.body.split("\n\n").all(|paragraph| text.contains(&words(paragraph)))
    });
    assert!(told.count() >= 2, "the whole root cause is in the text: {:?}", texts[0].body_text(0));
    console.process.stop().await;
}

fn header<'a>(message: &'a Message, name: &'a str) -> &'a str {
    message.header_raw(name).unwrap_or_else(|| panic!("no {name}")).trim()
}

/// What every mail of a broadcast has.
fn is_a_list_mail(message: &Message, to: &str, incident: &str) {
    let thread = format!("<incident-{incident}@acme.test>");
    for (name, value) in [
        ("Subject", "[Acme Status] Under DDoS"),
        ("From", "Acme Status <status@acme.test>"),
        ("To", to),
        ("References", &thread),
        ("In-Reply-To", &thread),
        ("List-Id", "Acme Status <updates.acme.test>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Auto-Submitted", "auto-generated"),
        ("Precedence", "bulk"),
        ("X-Auto-Response-Suppress", "All"),
        ("MIME-Version", "1.0"),
    ] {
        assert_eq!(header(message, name).replace('"', ""), value, "{name}");
    }
    assert!(message.date().is_some() && message.message_id().unwrap().ends_with("@acme.test"));
    assert!(header(message, "Content-Type").starts_with("multipart/alternative"));
    // Stable for one person, with a MAC: status+1.0123456789abcdef@acme.test
    let sender = header(message, "X-Mail-Args");
    assert!(sender.starts_with("<status+") && sender.ends_with("@acme.test>"), "{sender}");
    let html = message.body_html(0).unwrap();
    assert!(!html.contains("<img") && !html.contains("<script") && !html.contains("url("), "{html}");
}

/// The link that mail programs post to: it answers, twice, without a cookie.
async fn one_click(console: &Console, message: &Message<'_>) {
    let raw = header(message, "List-Unsubscribe");
    let url = raw.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap();
    let path = url.strip_prefix("http://status.acme.test").unwrap();
    console.visitor().get(path).await.is(200);
    assert!(message.body_text(0).unwrap().contains(url), "the text has the link, too");
    for _ in 0..2 {
        let provider = console.visitor();
        provider.post_with(path, &[], &[("List-Unsubscribe", "One-Click")]).await.is(200);
    }
}
