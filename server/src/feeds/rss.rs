//! RSS 2.0 (<https://www.rssboard.org/rss-specification>), with the link to itself that its best practices ask for.

use app::emails::one_line;
use atom_syndication::Link;
use domain::{incident::Incident, time};
use rss::{Guid, Item, extension::atom::AtomExtension};

use super::{Channel, Feed, Page, PublicUpdate, xml};

/// `/history.rss`: one item per incident.
pub fn history(page: Page, incidents: &[Incident]) -> Feed {
    draw(Channel::history(page, "history.rss", incidents), "Incidents, each with everything said about it")
}

/// `/updates.rss` or `/components/{id}.rss`: one item per update.
pub fn updates(page: Page, updates: &[PublicUpdate]) -> Feed {
    let about = page.component.map(|component| format!("Every update about {}", one_line(&component.name)));
    draw(Channel::updates(page, "rss", updates), about.as_deref().unwrap_or("Every update of every incident"))
}

fn draw(channel: Channel, description: &str) -> Feed {
    let items = channel.entries.into_iter().map(|entry| Item {
        title: Some(entry.title),
        link: Some(entry.url),
        description: Some(entry.html),
        guid: Some(Guid { value: entry.id, permalink: false }),
        pub_date: Some(time::rfc5322(entry.published)),
        ..Item::default()
    });
    let link = Link {
        rel: "self".to_owned(),
        href: channel.url,
        mime_type: Some("application/rss+xml".to_owned()),
        ..Link::default()
    };
    let document = rss::Channel {
        title: channel.title,
        link: format!("{}/", channel.page.url),
        description: description.to_owned(),
        language: Some("en".to_owned()),
        last_build_date: Some(time::rfc5322(channel.modified)),
        generator: Some("Tidings".to_owned()),
        atom_ext: Some(AtomExtension { links: vec![link] }),
        items: items.collect(),
        ..rss::Channel::default()
    };
    Feed {
        body: xml(document.to_string()),
        modified: channel.modified,
        media_type: "application/rss+xml; charset=utf-8",
    }
}
