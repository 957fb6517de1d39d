//! What readers can see on the public pages.
#![expect(clippy::unwrap_used, reason = "a test that cannot be arranged has failed")]

mod samples;
#[path = "pages/subscriptions.rs"]
mod subscriptions;

use std::collections::BTreeSet;

use app::{
    pages::{component, history, home, incident, sent, subscribe},
    site::Freshness,
};
use domain::{
    forms::{FieldErrors, Fields, SubscribeForm},
    incident::Incident,
    status::{ComponentStatus, Impact, IncidentStatus},
};
use jiff::ToSpan;
use samples::{ago, api_errors, change, fine, gallery, incident_page, now, outage, reopened, update};

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
    assert_eq!(html.matches("Nothing reported").count(), home::DAYS);
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

/// The past days on the front page: what each says, without its tags.
fn days(html: &str) -> Vec<String> {
    let days = html.split(" class=\"day\"").skip(1).map(|day| day.split("</section>").next().unwrap());
    days.map(|day| day.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect()).collect()
}

#[test]
fn the_front_page_looks_back_fourteen_days_in_utc_and_says_when_there_was_nothing() {
    let days = days(&home::page(&fine()));
    assert_eq!(days.len(), 14);
    assert!(days[0].starts_with("Sunday 22 November 2026Nothing reported"), "{}", days[0]);
    assert!(days[1].starts_with("Saturday 21 November 2026Delayed webhooksResolved"), "{}", days[1]);
    assert!(days[1].contains("lasted 1 h 27 min") && days[1].contains("None was lost."), "{}", days[1]);
    assert!(days[1].contains("Sign-in with passkeys"), "{}", days[1]);
    assert!(days[9].contains("Late invoices"), "{}", days[9]);
    assert!(days[13].starts_with("Monday 9 November 2026Nothing reported"), "{}", days[13]);
    // What is still open stands on the day on which it began, or that day would seem quiet.
    let open = api_errors();
    let model = home::Home { open: vec![open.clone()], past: vec![open], ..fine() };
    let days = self::days(&home::page(&model));
    assert!(days[0].contains("Elevated API errorsIdentified") && days[0].contains("ongoing for"), "{}", days[0]);
}

#[test]
fn a_day_about_which_the_store_was_not_asked_is_not_called_quiet() {
    let then = now() - 50.hours();
    let html = home::page(&home::Home { freshness: Freshness::Stale(then), past: vec![], ..fine() });
    assert!(days(&html)[0].starts_with("Friday 20 November 2026"), "{}", days(&html)[0]);
}

#[test]
fn a_months_page_leads_to_those_around_as_far_as_history_goes() {
    let html = history::page(&samples::month());
    assert!(
        html.contains("<h1>Incidents in November 2026</h1>") && html.contains("4 incidents were reported"),
        "{html}"
    );
    assert_eq!(days(&html).len(), 3);
    assert!(html.contains("href=\"/history/2026-10\"") && !html.contains("href=\"/history/2026-12\""), "{html}");
    assert!(html.contains("rel=\"canonical\" href=\"https://status.example.com/history/2026-11\""), "{html}");
    let empty = history::History { incidents: vec![], previous: None, ..samples::month() };
    let html = history::page(&empty);
    assert!(
        html.contains("Nothing was reported in November 2026.") && !html.contains("aria-label=\"Months\""),
        "{html}"
    );
    let stale = history::History { freshness: Freshness::Stale(ago(12)), ..samples::month() };
    let html = history::page(&stale);
    assert!(html.contains("we cannot confirm the present state right now") && !html.contains(GREEN), "{html}");
}

#[test]
fn a_components_page_is_green_only_while_nothing_is_open_and_it_is_known_to_work() {
    let fine = samples::component_page();
    let html = component::page(&fine);
    assert!(banner(&html).contains(GREEN) && html.contains("<h1 dir=\"auto\">API</h1>"), "{html}");
    assert!(html.contains("Part of") && html.contains("Platform") && html.contains("REST and GraphQL"), "{html}");
    assert!(html.contains("Delayed webhooks") && html.contains("All incidents by month"), "{html}");
    let open = component::ComponentPage { open: vec![api_errors()], ..fine.clone() };
    let html = component::page(&open);
    assert!(!banner(&html).contains(GREEN) && html.contains("Operational, with an incident still open"), "{html}");
    let stale = component::ComponentPage { freshness: Freshness::Stale(ago(12)), ..fine.clone() };
    let html = component::page(&stale);
    assert!(!html.contains(GREEN) && html.contains("Not confirmed") && html.contains("14:20 UTC"), "{html}");
    let empty = component::ComponentPage { past: vec![], ..fine };
    assert!(component::page(&empty).contains("Nothing reported"));
}

#[test]
fn a_component_has_its_own_feeds_and_the_front_page_leads_to_it() {
    let model = samples::component_page();
    let address = format!("/components/{}", model.component.id);
    let html = component::page(&model);
    for (ending, kind) in [("atom", "atom+xml"), ("rss", "rss+xml"), ("json", "feed+json")] {
        let wanted = format!("type=\"application/{kind}\" title=\"Updates about API\" href=\"{address}.{ending}\"");
        assert!(tags(&html).any(|tag| tag.starts_with("link") && tag.contains(&wanted)), "{wanted}: {html}");
        assert!(html.contains(&format!("<a href=\"{address}.{ending}\">")), "{html}");
    }
    assert!(html.contains(&format!("/subscribe?component={}", model.component.id)));
    assert!(home::page(&fine()).contains(&format!("<a href=\"{address}\">API</a>")));
    assert!(!home::page(&fine()).contains("Updates about"));
}

#[test]
fn pages_that_are_drawn_anew_say_which_version_they_are_and_forms_do_not() {
    let version = |html: &str| between(html, "<main", ">").split("data-version=\"").nth(1).map(str::to_owned);
    let stale = home::Home { freshness: Freshness::Stale(ago(12)), ..fine() };
    assert_eq!(version(&home::page(&fine())).as_deref(), Some("7\""));
    assert_eq!(version(&home::page(&stale)).as_deref(), Some("7-stale\""));
    for html in [
        incident::page(&incident_page(api_errors())),
        history::page(&samples::month()),
        component::page(&samples::component_page()),
    ] {
        assert_eq!(version(&html).as_deref(), Some("7\""));
        assert_eq!(html.matches("role=\"status\"").count(), 1);
    }
    let form = subscriptions::subscribe_page(&[], FieldErrors::default());
    assert_eq!(version(&subscribe::page(&form)), None);
}

#[test]
fn a_link_to_an_incident_previews_as_an_article_with_its_times() {
    let html = incident::page(&incident_page(reopened()));
    for (property, content) in [
        ("og:type", "article"),
        ("article:published_time", "2026-11-22T13:05:00.000Z"),
        ("article:modified_time", "2026-11-22T14:31:00.000Z"),
        ("og:title", "Elevated API errors · Acme Status"),
    ] {
        assert!(html.contains(&format!("<meta property=\"{property}\" content=\"{content}\">")), "{property}: {html}");
    }
    assert!(html.contains("<meta name=\"twitter:card\" content=\"summary_large_image\">"), "{html}");
    assert!(html.contains("property=\"og:image\" content=\"https://status.example.com/share.png\""), "{html}");
    let home = home::page(&fine());
    assert!(home.contains("property=\"og:type\" content=\"website\"") && !home.contains("article:"), "{home}");
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
        component::page(&component::ComponentPage {
            site: model.site.clone(),
            component: model.sections[1].components[0].clone(),
            group: model.sections[1].group.clone(),
            open: model.open.clone(),
            ..samples::component_page()
        }),
        history::page(&history::History {
            site: model.site.clone(),
            incidents: model.open.clone(),
            ..samples::month()
        }),
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
