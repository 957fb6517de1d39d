//! What readers can see on the public pages.
#![expect(clippy::unwrap_used, reason = "a test that cannot be arranged has failed")]

mod samples;

use std::collections::BTreeSet;

use app::{
    pages::{home, incident, manage, sent, subscribe},
    site::Freshness,
};
use domain::{
    forms::{FieldErrors, Fields, SubscribeForm},
    incident::Incident,
    status::{ComponentStatus, Impact, IncidentStatus},
    subscriber::Follows,
};
use samples::{ago, api_errors, change, fine, gallery, incident_page, outage, reopened, site, update};

const GREEN: &str = "data-status=\"operational\"";
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)> & co";

fn banner(html: &str) -> &str {
    between(html, "<main", "</h1>")
}

fn between<'a>(html: &'a str, from: &str, to: &str) -> &'a str {
    let start = html.find(from).unwrap();
    let length = html[start..].find(to).unwrap();
    &html[start..start + length]
}

/// The start tags of a document, without `<` and `>`.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag)
}

/// What a reader sees outside of `<time>` elements.
fn text_outside_times(html: &str) -> String {
    let body = &html[html.find("<body").unwrap()..];
    let outside: String =
        body.split("<time").map(|part| part.split_once("</time>").map_or(part, |(_, rest)| rest)).collect();
    outside.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect()
}

fn is_clock_time(text: &str) -> bool {
    let digits: Vec<_> = text.split(':').collect();
    digits.len() == 2 && digits.iter().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[test]
fn green_means_that_everything_works() {
    assert!(banner(&home::page(&fine())).contains(GREEN));
    assert!(banner(&home::page(&fine())).contains("All systems operational"));
    for place in 0..6 {
        for status in ComponentStatus::ALL.iter().filter(|status| **status != ComponentStatus::Operational) {
            let mut statuses = [ComponentStatus::Operational; 6];
            statuses[place] = *status;
            let html = home::page(&home::Home { sections: samples::components(statuses), ..fine() });
            assert!(!banner(&html).contains(GREEN) && !html.contains("All systems operational"), "{status:?}");
        }
    }
}

#[test]
fn an_open_incident_is_not_green_even_when_every_component_works() {
    let mut unexplained = api_errors();
    for update in &mut unexplained.updates {
        update.components.clear();
    }
    for impact_override in [None, Some(Impact::None), Some(Impact::Critical)] {
        let open = vec![Incident { impact_override, ..unexplained.clone() }];
        let html = home::page(&home::Home { open, ..fine() });
        assert!(!banner(&html).contains(GREEN) && !html.contains("All systems operational"));
        assert!(banner(&html).contains("We are working on an incident"));
    }
}

#[test]
fn a_page_without_components_is_not_green() {
    let html = home::page(&home::Home { sections: vec![], past: vec![], ..fine() });
    assert!(!html.contains(GREEN) && !html.contains("operational"), "{html}");
    assert!(html.contains("No incidents have been reported."));
}

#[test]
fn what_cannot_be_confirmed_is_not_green_and_says_since_when() {
    for model in [fine(), outage()] {
        let html = home::page(&home::Home { freshness: Freshness::Stale(ago(12)), ..model });
        assert!(!html.contains(GREEN) && !html.contains("All systems operational"), "{html}");
        assert!(html.contains("14:20 UTC") && html.contains("we cannot confirm the present state right now"));
        assert!(html.contains("Not confirmed"));
    }
    let stale = incident::IncidentPage { freshness: Freshness::Stale(ago(12)), ..incident_page(reopened()) };
    let html = incident::page(&stale);
    assert!(!between(&html, "<h1", "class=\"timeline\"").contains(GREEN));
    assert!(html.contains("There may be newer updates."));
}

#[test]
fn trouble_that_was_known_stays_visible_when_it_cannot_be_confirmed() {
    let html = home::page(&home::Home { freshness: Freshness::Stale(ago(12)), ..outage() });
    assert!(html.contains("Major outage") && html.contains("Elevated API errors"));
}

#[test]
fn the_front_page_says_what_is_affected_since_when_and_what_is_done() {
    let html = home::page(&outage());
    assert!(html.contains("<title>Some systems are down · Acme Status</title>"));
    assert!(html.contains("API, Outgoing mail, Webhooks and Dashboard are affected"));
    let card = between(&html, "<article", "</article>");
    for expected in ["Elevated API errors", "13:05 UTC", "Identified", "13:20 UTC", "<strong>stale sessions</strong>"] {
        assert!(card.contains(expected), "{expected}: {card}");
    }
}

#[test]
fn a_long_update_is_cut_on_the_front_page_and_whole_on_its_own() {
    let mut long = api_errors();
    long.updates[0].body = format!("{}The end.", "Many words. ".repeat(200));
    let html = home::page(&home::Home { open: vec![long.clone()], ..outage() });
    assert!(!html.contains("The end.") && html.contains("Read the whole update"));
    assert!(incident::page(&incident_page(long)).contains("The end."));
}

#[test]
fn only_troubled_groups_are_unfolded_on_a_large_page() {
    let is_open = |html: &str| tags(html).filter(|tag| tag.starts_with("details") && tag.contains(" open")).count();
    assert_eq!(is_open(&home::page(&fine())), 2);
    assert_eq!(is_open(&home::page(&samples::large(500))), 1);
}

#[test]
fn what_people_write_is_never_markup() {
    let mut model = outage();
    model.site.name = HOSTILE.into();
    for section in &mut model.sections {
        if let Some(group) = &mut section.group {
            group.name = HOSTILE.into();
        }
        for component in &mut section.components {
            (component.name, component.description) = (HOSTILE.into(), HOSTILE.into());
        }
    }
    for incident in model.open.iter_mut().chain(&mut model.past) {
        incident.name = HOSTILE.into();
        for update in &mut incident.updates {
            update.body = HOSTILE.into();
            update.components.push(change(9, HOSTILE, ComponentStatus::Operational, ComponentStatus::MajorOutage));
        }
    }
    let fields = Fields(vec![("email".into(), HOSTILE.into()), ("website".into(), HOSTILE.into())]);
    let form = SubscribeForm::from_fields(&fields);
    let errors = form.parse(&[], &[]).unwrap_err();
    let pages = [
        home::page(&model),
        incident::page(&incident::IncidentPage { site: model.site.clone(), ..incident_page(model.open[0].clone()) }),
        subscribe::page(&subscribe::SubscribePage {
            site: model.site.clone(),
            sections: model.sections.clone(),
            form,
            errors,
            incident: Some((model.open[0].id.clone(), HOSTILE.into())),
        }),
        sent::page(&sent::SubscribeSent { site: model.site, email: HOSTILE.into() }),
    ];
    for html in pages {
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
        // A quote that ended an attribute would leave `'` as the start of the next one.
        assert!(!tags(&html).any(|tag| tag.contains("\"'")), "{html}");
    }
}

#[test]
fn nothing_is_inline_and_every_document_is_whole() {
    for (name, html) in gallery::pages() {
        assert!(html.starts_with("<!doctype html>"), "{name}");
        assert!(!html.contains("<!>") && !html.contains("<style"), "{name}");
        for tag in tags(&html) {
            assert!(!tag.contains(" style="), "{name}: {tag}");
            assert!(
                !tag.split_whitespace().skip(1).any(|word| word.starts_with("on") && word.contains('=')),
                "{name}: {tag}"
            );
            assert!(!tag.starts_with("script") || tag.contains(" src=\""), "{name}: {tag}");
        }
        for element in ["<title>", "<h1", "<main"] {
            assert_eq!(html.matches(element).count(), 1, "{name}: {element}");
        }
        let ids: Vec<_> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: {ids:?}");
    }
}

#[test]
fn every_time_is_readable_by_programs() {
    let bare = |minutes, status, components| update(minutes, status, "No times in here.", components);
    let mut open = api_errors();
    open.updates =
        vec![bare(20, IncidentStatus::Monitoring, vec![]), bare(9000, IncidentStatus::Investigating, vec![])];
    open.updates[0].updated_at = ago(3);
    let stale = Freshness::Stale(ago(12));
    let pages = [
        home::page(&home::Home { open: vec![open.clone()], ..fine() }),
        home::page(&home::Home { open: vec![open.clone()], freshness: stale, ..outage() }),
        incident::page(&incident::IncidentPage { freshness: stale, ..incident_page(open) }),
    ];
    for html in pages {
        let text = text_outside_times(&html);
        assert!(!text.split_whitespace().any(is_clock_time), "{text}");
        assert!(html.contains("<time datetime=\"2026-11-22T14:12:00.000Z\">14:12 UTC</time>"), "{html}");
    }
}

#[test]
fn an_incident_tells_its_story_newest_first() {
    let html = incident::page(&incident_page(reopened()));
    let told: Vec<_> = html.split("<h2>").skip(1).filter_map(|rest| rest.split("</h2>").next()).collect();
    let expected = ["Resolved", "Monitoring", "Reopened: identified", "Resolved", "Identified", "Investigating"];
    assert_eq!(told, expected);
    assert!(html.contains("lasted 1 h 26 min"));
    let edited = between(&html, "<p class=\"edited\">", "</p>");
    assert!(edited.contains("13:31 UTC"), "{edited}");
    let changed = between(&html, "<ul class=\"changes\">", "</li>");
    let (before, after) = (changed.find("Major outage").unwrap(), changed.find("Operational").unwrap());
    assert!(before < after, "{changed}");
    for update in &reopened().updates {
        assert!(html.contains(&format!("id=\"update-{}\"", update.id)));
    }
}

#[test]
fn only_an_open_incident_can_be_followed() {
    let address = format!("/subscribe?incident={}", api_errors().id);
    let html = incident::page(&incident_page(api_errors()));
    assert!(html.contains(&address) && html.contains("ongoing for 1 h 27 min"));
    assert!(!incident::page(&incident_page(reopened())).contains(&address));
}

fn subscribe_page(fields: &[(&str, &str)], errors: FieldErrors) -> subscribe::SubscribePage {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let form = SubscribeForm::from_fields(&Fields(fields));
    subscribe::SubscribePage { site: site(), sections: fine().sections, form, errors, incident: None }
}

fn is_ticked(html: &str, id: &str) -> bool {
    tags(html).any(|tag| tag.contains(&format!("id=\"{id}\"")) && tag.contains(" checked"))
}

#[test]
fn a_failed_form_keeps_what_was_typed_and_says_what_is_wrong() {
    let api = fine().sections[1].components[0].id.clone();
    let errors = FieldErrors::one("email", "check the part after the @");
    let html = subscribe::page(&subscribe_page(&[("email", "reader@"), ("component", api.as_str())], errors));
    assert!(html.contains("value=\"reader@\""), "{html}");
    assert!(is_ticked(&html, &format!("component-{api}")) && !is_ticked(&html, "everything"));
    assert!(html.contains("<a href=\"#email\">Check the part after the @"));
    assert!(html.contains("aria-describedby=\"email-error\"") && html.contains("id=\"email-error\""));
    assert!(html.contains("<title>Not saved yet: Subscribe"));
}

#[test]
fn a_form_that_chose_nothing_is_not_ticked_behind_the_readers_back() {
    let errors = FieldErrors::one("follows", "choose what you want to hear of");
    let html = subscribe::page(&subscribe_page(&[("email", "reader@example.com")], errors));
    assert!(!is_ticked(&html, "everything"));
    assert!(html.contains("<a href=\"#follows\">Choose what you want to hear of."));
}

#[test]
fn a_new_form_suggests_everything_or_the_incident_the_reader_comes_from() {
    let new = subscribe_page(&[], FieldErrors::default());
    assert!(is_ticked(&subscribe::page(&new), "everything"));
    let id = api_errors().id;
    let from_incident = subscribe::SubscribePage { incident: Some((id.clone(), "Elevated API errors".into())), ..new };
    let html = subscribe::page(&from_incident);
    assert!(is_ticked(&html, &format!("incident-{id}")) && !is_ticked(&html, "everything"));
}

#[test]
fn a_subscriber_sees_what_they_chose_and_can_leave() {
    let api = fine().sections[1].components[0].id.clone();
    let html = manage::page(&manage::Manage {
        site: site(),
        token: "secret".into(),
        email: "reader@example.com".into(),
        is_active: true,
        sections: fine().sections,
        follows: Follows { components: [api.clone()].into(), ..Follows::default() },
        incidents: vec![],
        saved: true,
        errors: FieldErrors::default(),
    });
    assert!(is_ticked(&html, &format!("component-{api}")) && !is_ticked(&html, "everything"));
    assert!(html.contains("action=\"/manage/secret\"") && html.contains("action=\"/unsubscribe/secret\""));
    assert!(html.contains("role=\"status\"") && html.contains("reader@example.com"));
    assert!(html.contains("<meta name=\"robots\" content=\"noindex\">") && !html.contains("rel=\"canonical\""));
}

#[test]
fn who_left_is_offered_the_way_back_and_no_choices() {
    let html = manage::page(&manage::Manage {
        site: site(),
        token: "secret".into(),
        email: "reader@example.com".into(),
        is_active: false,
        sections: fine().sections,
        follows: Follows::everything(),
        incidents: vec![],
        saved: false,
        errors: FieldErrors::default(),
    });
    assert!(html.contains("<h1>You are not subscribed</h1>") && html.contains("href=\"/subscribe\""));
    assert!(!html.contains("<form"), "{html}");
}
