//! Atom: RFC 4287.

use atom_syndication::{Content, Entry, FixedDateTime, Generator, Link, Person, Text};
use domain::{incident::Incident, time};
use jiff::Timestamp;

use super::{Channel, Feed, Page, PublicUpdate, xml};

const MEDIA_TYPE: &str = "application/atom+xml";

/// `/history.atom`: one entry per incident.
pub fn history(page: Page, incidents: &[Incident]) -> Feed {
    draw(Channel::history(page, "history.atom", incidents))
}

/// `/updates.atom` or `/components/{id}.atom`: one entry per update.
pub fn updates(page: Page, updates: &[PublicUpdate]) -> Feed {
    draw(Channel::updates(page, "atom", updates))
}

fn draw(channel: Channel) -> Feed {
    let entries = channel.entries.into_iter().map(|entry| Entry {
        id: entry.id,
        title: Text::plain(entry.title),
        links: vec![link("alternate", entry.url, "text/html")],
        published: Some(instant(entry.published)),
        updated: instant(entry.updated),
        content: Some(Content { value: Some(entry.html), content_type: Some("html".to_owned()), ..Content::default() }),
        ..Entry::default()
    });
    let feed = atom_syndication::Feed {
        id: channel.id,
        title: Text::plain(channel.title),
        lang: Some("en".to_owned()),
        updated: instant(channel.modified),
        // Stands for the author of every entry (section 4.2.1).
        authors: vec![Person {
            name: channel.page.name.to_owned(),
            uri: Some(channel.page.url.to_owned()),
            ..Person::default()
        }],
        links: vec![
            link("self", channel.url, MEDIA_TYPE),
            link("alternate", format!("{}/", channel.page.url), "text/html"),
        ],
        generator: Some(Generator { value: "Tidings".to_owned(), ..Generator::default() }),
        entries: entries.collect(),
        ..atom_syndication::Feed::default()
    };
    Feed { body: xml(feed.to_string()), modified: channel.modified, media_type: "application/atom+xml; charset=utf-8" }
}

fn link(rel: &str, href: String, media_type: &str) -> Link {
    Link { rel: rel.to_owned(), href, mime_type: Some(media_type.to_owned()), ..Link::default() }
}

/// The instant in the type that the library wants; every one of ours can be written so.
fn instant(at: Timestamp) -> FixedDateTime {
    time::rfc3339(at).parse().unwrap_or_default()
}
