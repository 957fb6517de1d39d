//! JSON Feed 1.1 (<https://www.jsonfeed.org/version/1.1/>).

use app::emails::one_line;
use domain::time;
use serde::Serialize;

use super::{Channel, Feed, Page, PublicUpdate};

#[derive(Serialize)]
struct Document {
    version: &'static str,
    title: String,
    home_page_url: String,
    feed_url: String,
    language: &'static str,
    authors: [Author; 1],
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Author {
    name: String,
    url: String,
}

#[derive(Serialize)]
struct Item {
    id: String,
    url: String,
    title: String,
    content_html: String,
    date_published: String,
    date_modified: String,
}

/// `/updates.json` or `/components/{id}.json`: one item per update.
pub fn updates(page: Page, updates: &[PublicUpdate]) -> Feed {
    let channel = Channel::updates(page, "json", updates);
    let items = channel.entries.into_iter().map(|entry| Item {
        id: entry.id,
        url: entry.url,
        title: entry.title,
        content_html: entry.html,
        date_published: time::rfc3339(entry.published),
        date_modified: time::rfc3339(entry.updated),
    });
    let document = Document {
        version: "https://jsonfeed.org/version/1.1",
        title: channel.title,
        home_page_url: format!("{}/", page.url),
        feed_url: channel.url,
        language: "en",
        authors: [Author { name: one_line(page.name), url: page.url.to_owned() }],
        items: items.collect(),
    };
    // Text and lists of text always can be written as JSON.
    let body = serde_json::to_string(&document).unwrap_or_default();
    Feed { body, modified: channel.modified, media_type: "application/feed+json" }
}
