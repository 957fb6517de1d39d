use std::collections::BTreeSet;

use domain::{
    ids::{ComponentId, UpdateId},
    incident::ComponentChange,
    status::{ComponentStatus, IncidentStatus},
};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn page() -> Page<'static> {
    Page {
        name: "Acme Status",
        url: "https://status.example.com:8443",
        changed_at: at("2024-01-01T00:00:00Z"),
        component: None,
    }
}

fn update(number: u64, time: &str, status: IncidentStatus, body: &str) -> Update {
    Update {
        id: UpdateId::from_random(number),
        status,
        body: body.into(),
        display_at: at(time),
        created_at: at(time),
        updated_at: at(time),
        next_update_by: None,
        edited_at: None,
        removed_at: None,
        notify: true,
        components: Vec::new(),
    }
}

/// An incident with its updates newest first.
fn incident(number: u64, name: &str, updates: Vec<Update>) -> Incident {
    Incident {
        id: IncidentId::from_random(number),
        name: name.into(),
        impact_override: None,
        created_at: updates.last().unwrap().created_at,
        updated_at: updates.first().unwrap().updated_at,
        updates,
    }
}

fn incidents() -> Vec<Incident> {
    let mut first =
        update(1, "2023-12-31T23:50:00Z", IncidentStatus::Investigating, "Looking into **errors**.[^1]\n\n[^1]: 5xx");
    first.components.push(ComponentChange {
        component: ComponentId::from_random(1),
        name: "Platform - API & more".into(),
        old: ComponentStatus::Operational,
        new: ComponentStatus::MajorOutage,
    });
    let mut second = update(2, "2024-01-01T00:40:00Z", IncidentStatus::Resolved, "Fixed.[^1]\n\n[^1]: By a rollback");
    second.updated_at = at("2024-01-02T08:00:00Z");
    let slow = update(3, "2023-06-01T12:00:00.250Z", IncidentStatus::Monitoring, "Watching.");
    vec![incident(7, "Elevated <errors> & \"more\"", vec![second, first]), incident(8, "Slow", vec![slow])]
}

fn updates(incidents: &[Incident]) -> Vec<PublicUpdate> {
    let updates = incidents.iter().flat_map(|incident| {
        incident.updates.iter().map(|update| (incident.id.clone(), incident.name.clone(), update.clone()))
    });
    updates.collect()
}

fn read_atom(feed: &Feed) -> atom_syndication::Feed {
    atom_syndication::Feed::read_from(feed.body.as_bytes()).unwrap()
}

fn read_rss(feed: &Feed) -> ::rss::Channel {
    ::rss::Channel::read_from(feed.body.as_bytes()).unwrap()
}

fn read_json(feed: &Feed) -> serde_json::Value {
    serde_json::from_str(&feed.body).unwrap()
}

/// One element or field a line, so that a change is one line of the snapshot.
fn lines(feed: &Feed) -> String {
    feed.body.replace("><", ">\n<").replace(",\"", ",\n\"")
}

#[test]
fn every_feed_is_what_it_was() {
    let (incidents, updates) = (incidents(), updates(&incidents()));
    insta::assert_snapshot!("history_atom", lines(&atom::history(page(), &incidents)));
    insta::assert_snapshot!("history_rss", lines(&self::rss::history(page(), &incidents)));
    insta::assert_snapshot!("updates_atom", lines(&atom::updates(page(), &updates)));
    insta::assert_snapshot!("updates_rss", lines(&self::rss::updates(page(), &updates)));
    insta::assert_snapshot!("updates_json", lines(&json_feed::updates(page(), &updates)));
}

#[test]
fn atom_has_what_rfc_4287_requires() {
    let (incidents, updates) = (incidents(), updates(&incidents()));
    for (feed, name) in [(atom::history(page(), &incidents), "history"), (atom::updates(page(), &updates), "updates")] {
        assert_eq!(feed.media_type, "application/atom+xml; charset=utf-8");
        let feed = read_atom(&feed);
        assert_eq!(feed.id, format!("tag:status.example.com,2026:{name}"));
        assert_eq!(feed.authors.len(), 1);
        let itself = feed.links.iter().find(|link| link.rel == "self").unwrap();
        assert_eq!(itself.href, format!("https://status.example.com:8443/{name}.atom"));
        let newest = feed.entries.iter().map(|entry| entry.updated).max().unwrap();
        assert_eq!(feed.updated, newest);
        let ids: BTreeSet<_> = feed.entries.iter().map(|entry| entry.id.clone()).collect();
        assert_eq!(ids.len(), feed.entries.len(), "{ids:?}");
        for entry in &feed.entries {
            assert!(!entry.title.value.is_empty() && entry.links.iter().any(|link| link.rel == "alternate"));
            assert_eq!(entry.content.as_ref().unwrap().content_type.as_deref(), Some("html"));
        }
    }
}

#[test]
fn an_edit_moves_updated_and_nothing_else() {
    let before = incidents();
    let mut after = before.clone();
    "Fixed for good.".clone_into(&mut after[0].updates[0].body);
    after[0].updates[0].updated_at = at("2024-03-01T00:00:00Z");
    let (old, new) = (atom::history(page(), &before), atom::history(page(), &after));
    assert_eq!((old.modified, new.modified), (at("2024-01-02T08:00:00Z"), at("2024-03-01T00:00:00Z")));
    let (old, new) = (read_atom(&old), read_atom(&new));
    assert_eq!(old.entries[0].id, new.entries[0].id);
    assert_eq!(old.entries[0].published, new.entries[0].published);
    assert_ne!(old.entries[0].updated, new.entries[0].updated);
    assert_eq!(old.entries[1], new.entries[1]);
}

#[test]
fn an_id_outlives_a_new_name_and_an_earlier_start() {
    let before = incidents();
    let mut after = before.clone();
    after[0].name = "Another name".into();
    after[0].updates.push(update(9, "2022-12-31T00:00:00Z", IncidentStatus::Investigating, "It began long before."));
    let ids = |incidents: &[Incident]| {
        let entries = read_atom(&atom::history(page(), incidents)).entries;
        entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&before),
        ["tag:status.example.com,2023:incident/700000000000", "tag:status.example.com,2023:incident/800000000000"]
    );
    assert_eq!(ids(&before), ids(&after));
}

#[test]
fn the_formats_agree() {
    let updates = updates(&incidents());
    let (atom, rss) = (read_atom(&atom::updates(page(), &updates)), read_rss(&self::rss::updates(page(), &updates)));
    let json = read_json(&json_feed::updates(page(), &updates));
    assert_eq!(json["items"].as_array().unwrap().len(), 3);
    for (number, entry) in atom.entries.iter().enumerate() {
        let (item, json) = (&rss.items[number], &json["items"][number]);
        assert_eq!(item.guid.as_ref().unwrap().value, entry.id);
        assert_eq!(json["id"], entry.id.as_str());
        assert_eq!(item.title.as_deref(), Some(entry.title.value.as_str()));
        assert_eq!(json["title"], entry.title.value.as_str());
        assert_eq!(item.link.as_deref(), Some(entry.links[0].href.as_str()));
        assert_eq!(json["url"], entry.links[0].href.as_str());
        let content = entry.content.as_ref().unwrap().value.as_deref();
        assert_eq!(item.description.as_deref(), content);
        assert_eq!(json["content_html"].as_str(), content);
    }
}

#[test]
fn an_update_stands_for_itself() {
    let feed = read_atom(&atom::updates(page(), &updates(&incidents())));
    let entry = &feed.entries[0];
    assert_eq!(entry.title.value, "Elevated <errors> & \"more\": Resolved");
    assert_eq!(entry.links[0].href, "https://status.example.com:8443/incidents/700000000000#update-200000000000");
    assert_eq!(entry.published.unwrap().to_rfc3339(), "2024-01-01T00:40:00+00:00");
    assert_eq!(entry.updated.to_rfc3339(), "2024-01-02T08:00:00+00:00");
}

#[test]
fn history_tells_the_newest_first_and_footnotes_keep_apart() {
    let feed = read_atom(&atom::history(page(), &incidents()));
    let html = feed.entries[0].content.as_ref().unwrap().value.clone().unwrap();
    assert!(html.find("Resolved").unwrap() < html.find("Investigating").unwrap(), "{html}");
    assert!(html.contains("<li>Platform - API &amp; more: Operational → Major outage</li>"), "{html}");
    let ids: Vec<_> =
        html.match_indices(" id=\"").map(|(start, _)| html[start + 5..].split('"').next().unwrap()).collect();
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert!(ids.len() >= 4, "{html}");
    assert_eq!(distinct.len(), ids.len(), "{html}");
}

#[test]
fn no_address_in_a_feed_depends_on_where_it_is_read() {
    let (incidents, updates) = (incidents(), updates(&incidents()));
    for json in [read_json(&json_feed::updates(page(), &updates))] {
        for item in json["items"].as_array().unwrap() {
            let html = item["content_html"].as_str().unwrap();
            let addresses: Vec<_> =
                html.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
            assert!(addresses.iter().all(|it| it.starts_with("https://status.example.com:8443/incidents/")), "{html}");
        }
    }
    let html = read_rss(&self::rss::history(page(), &incidents)).items[0].description.clone().unwrap();
    let note = "<a href=\"https://status.example.com:8443/incidents/700000000000#u-200000000000-fn-1\"";
    assert!(html.contains(note) && html.contains("id=\"u-200000000000-fn-1\"") && !html.contains("href=\"#"), "{html}");
}

#[test]
fn an_update_says_its_status_and_components_in_words() {
    let html = read_rss(&self::rss::updates(page(), &updates(&incidents()))).items[1].description.clone().unwrap();
    assert!(
        html.starts_with("<p><strong>Investigating</strong> · <time datetime=\"2023-12-31T23:50:00.000Z\">"),
        "{html}"
    );
    assert!(html.contains("<li>Platform - API &amp; more: Operational → Major outage</li>"), "{html}");
}

#[test]
fn a_components_feed_has_its_own_name_and_the_same_entries() {
    let component = Component {
        id: ComponentId::from_random(1),
        name: "API & <more>".into(),
        description: String::new(),
        status: ComponentStatus::Operational,
        group: None,
        position: 0,
    };
    let (updates, own) = (updates(&incidents()), Page { component: Some(&component), ..page() });
    let (all, feed) = (read_atom(&atom::updates(page(), &updates)), read_atom(&atom::updates(own, &updates)));
    assert_eq!(feed.id, "tag:status.example.com,2026:components/100000000000");
    assert_eq!(feed.title.value, "Acme Status: API & <more>");
    assert_eq!(feed.links[0].href, "https://status.example.com:8443/components/100000000000.atom");
    assert_eq!(feed.entries, all.entries);
    let rss = read_rss(&self::rss::updates(own, &updates));
    assert_eq!(rss.description, "Every update about API & <more>");
    assert!(rss.atom_ext.unwrap().links[0].href.ends_with("/components/100000000000.rss"));
    assert!(read_json(&json_feed::updates(own, &updates))["feed_url"].as_str().unwrap().ends_with("100000000000.json"));
}

#[test]
fn rss_has_stable_ids_and_a_link_to_itself() {
    let feed = self::rss::history(page(), &incidents());
    assert_eq!(feed.media_type, "application/rss+xml; charset=utf-8");
    let channel = read_rss(&feed);
    let itself = &channel.atom_ext.unwrap().links[0];
    assert_eq!((itself.rel.as_str(), itself.href.as_str()), ("self", "https://status.example.com:8443/history.rss"));
    let guid = channel.items[0].guid.clone().unwrap();
    assert_eq!((guid.value.as_str(), guid.permalink), ("tag:status.example.com,2023:incident/700000000000", false));
    assert_eq!(channel.items[0].pub_date.as_deref(), Some("Sun, 31 Dec 2023 23:50:00 +0000"));
}

#[test]
fn a_feed_without_entries_is_valid_and_as_old_as_the_page() {
    for feed in [atom::history(page(), &[]), atom::updates(page(), &[])] {
        assert_eq!(feed.modified, page().changed_at);
        let feed = read_atom(&feed);
        assert_eq!(feed.updated.to_rfc3339(), "2024-01-01T00:00:00+00:00");
        assert_eq!((feed.entries.len(), feed.authors.len()), (0, 1));
    }
    for feed in [self::rss::history(page(), &[]), self::rss::updates(page(), &[])] {
        assert_eq!(feed.modified, page().changed_at);
        assert!(read_rss(&feed).items.is_empty());
    }
    let feed = json_feed::updates(page(), &[]);
    assert_eq!((feed.media_type, feed.modified), ("application/feed+json", page().changed_at));
    assert_eq!(read_json(&feed)["items"], serde_json::json!([]));
}

#[test]
fn the_host_of_an_address_is_found() {
    for (url, found) in [
        ("https://status.example.com", "status.example.com"),
        ("http://127.0.0.1:3000", "127.0.0.1"),
        ("https://example.com:8443/status", "example.com"),
        ("http://localhost", "localhost"),
    ] {
        assert_eq!(host(url), found);
    }
}

/// Whatever was typed, each document can be read and says what was typed.
fn assert_holds(text: &str) {
    let mut hostile = update(1, "2024-01-01T00:00:00Z", IncidentStatus::Investigating, text);
    hostile.components.push(ComponentChange {
        component: ComponentId::from_random(1),
        name: text.into(),
        old: ComponentStatus::Operational,
        new: ComponentStatus::Operational,
    });
    let incidents = [incident(1, text, vec![hostile])];
    let updates = updates(&incidents);
    let page = Page { name: text, ..page() };
    let title = one_line(text);
    for feed in [atom::history(page, &incidents), atom::updates(page, &updates)] {
        assert!(!feed.body.chars().any(|letter| letter.is_control() && letter < ' ' && !"\t\r\n".contains(letter)));
        let read = read_atom(&feed);
        assert_eq!(read.entries.len(), 1, "{}", feed.body);
        assert!(read.entries[0].title.value.trim().starts_with(xml(title.clone()).trim()), "{}", feed.body);
    }
    for feed in [self::rss::history(page, &incidents), self::rss::updates(page, &updates)] {
        assert!(!feed.body.chars().any(|letter| letter.is_control() && letter < ' ' && !"\t\r\n".contains(letter)));
        assert_eq!(read_rss(&feed).items.len(), 1, "{}", feed.body);
    }
    let json = read_json(&json_feed::updates(page, &updates));
    assert_eq!(json["items"][0]["title"], format!("{title}: Investigating"));
    let html = json["items"][0]["content_html"].as_str().unwrap();
    for forbidden in ["<script", "<img", "href=\"javascript:"] {
        assert!(!html.contains(forbidden), "{html}");
    }
}

#[test]
fn hostile_words_break_no_document() {
    for text in [
        "<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1))",
        "]]></description></item></channel></rss> ]]&gt; <![CDATA[",
        "</title></entry></feed><entry>",
        "\0\u{1}\u{8}\u{b}\u{c}\u{1f}\u{7f}\u{85}\u{fffe}\u{ffff}\u{feff}",
        "&amp; &lt; &#0; &#x1b; &bogus;",
        "<!DOCTYPE x [<!ENTITY a \"b\">]>",
        "\u{202e}مرحبا 👩‍👩‍👧‍👦",
        "a\r\nb\rc\nd",
        "",
    ] {
        assert_holds(text);
    }
    assert_holds(&"Ein langer Text & mehr. ".repeat(4000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_words_break_a_document(text in "(\\PC|[\u{0}-\u{1f}<>&\\]\"']){0,60}") {
        assert_holds(&text);
    }
}
