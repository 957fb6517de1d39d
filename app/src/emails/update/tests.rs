use domain::{
    i18n::{Locale, Zone},
    ids::{ComponentId, IncidentId, UpdateId},
    incident::{ComponentChange, Incident, Update},
    status::{ComponentStatus, IncidentStatus},
};
use jiff::Timestamp;

use super::*;
use crate::emails::Links;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
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

fn change(number: u64, name: &str, old: ComponentStatus, new: ComponentStatus) -> ComponentChange {
    ComponentChange { component: ComponentId::from_random(number), name: name.into(), old, new }
}

/// Updates as they were written, oldest first.
fn incident(name: &str, mut updates: Vec<Update>) -> Incident {
    updates.sort_by(|a, b| b.order().cmp(&a.order()));
    let (first, last) = (updates.last().unwrap().created_at, updates.first().unwrap().updated_at);
    Incident {
        id: IncidentId::from_random(1),
        name: name.into(),
        impact_override: None,
        created_at: first,
        updated_at: last,
        updates,
    }
}

fn outage() -> Incident {
    use ComponentStatus::{DegradedPerformance, MajorOutage, Operational, PartialOutage};
    use IncidentStatus::{Identified, Investigating, Monitoring, Resolved};
    let mut first = update(1, "2024-02-05T10:12:00Z", Investigating, "We are looking into **elevated errors**.");
    first.components = vec![change(1, "Platform - API", Operational, PartialOutage)];
    let mut second = update(
        2,
        "2024-02-05T10:40:00Z",
        Identified,
        "A change to the [edge cache](https://example.com/cache) is being rolled back.\n\n\
         | Region | Errors |\n|---|--:|\n| Frankfurt | 41 % |\n| Dublin | 7 % |\n\nUntil then:\n\n- retry with backoff\n- do not rotate keys[^1]\n\n[^1]: Rotation needs the API.",
    );
    second.components = vec![
        change(1, "Platform - API", PartialOutage, MajorOutage),
        change(2, "Webhooks", Operational, DegradedPerformance),
    ];
    let third = update(3, "2024-02-05T11:05:00Z", Monitoring, "The change is rolled back. We watch.");
    let mut fourth = update(4, "2024-02-05T11:39:00Z", Resolved, "Everything works again.");
    fourth.components = vec![
        change(1, "Platform - API", MajorOutage, Operational),
        change(2, "Webhooks", DegradedPerformance, Operational),
    ];
    incident("Elevated API errors", vec![first, second, third, fourth])
}

fn links() -> Links {
    Links {
        manage: "https://status.example.com/manage/MANAGE".into(),
        unsubscribe: "https://status.example.com/unsubscribe/UNSUBSCRIBE".into(),
    }
}

fn draw_for(incident: &Incident, update: u64, locale: Locale, zone: Option<&str>) -> Mail {
    let (links, zone) = (links(), zone.map(|name| name.parse::<Zone>().unwrap()));
    let local_time = |at| locale.local_time(at, zone.as_ref(), None);
    let mail = mail(&UpdateMail {
        page_name: "Acme Status",
        page_url: "https://status.example.com",
        incident,
        update: &UpdateId::from_random(update),
        is_correction: false,
        reader: &Reader { locale, local_time: &local_time, links: &links },
    });
    mail.unwrap()
}

fn draw(incident: &Incident, update: u64) -> Mail {
    draw_for(incident, update, Locale::English, None)
}

#[test]
fn the_text_says_everything() {
    let outage = outage();
    insta::assert_snapshot!("identified_text", draw(&outage, 2).text);
    insta::assert_snapshot!("resolved_text", draw(&outage, 4).text);
}

#[test]
fn the_html_says_it_too() {
    insta::assert_snapshot!("identified_html", draw(&outage(), 2).html.replace('>', ">\n"));
}

#[test]
fn every_language_says_everything_and_the_time_where_the_reader_lives() {
    let outage = outage();
    for locale in Locale::ALL {
        let mail = draw_for(&outage, 4, *locale, Some("America/Los_Angeles"));
        insta::assert_snapshot!(format!("resolved_{locale:?}_text"), mail.text);
        insta::assert_snapshot!(format!("resolved_{locale:?}_html"), mail.html.replace('>', ">\n"));
    }
}

#[test]
fn what_people_wrote_and_the_subject_are_the_same_in_every_language() {
    let outage = outage();
    let english = draw(&outage, 2);
    for locale in Locale::ALL {
        let mail = draw_for(&outage, 2, *locale, None);
        assert_eq!(mail.subject, english.subject);
        assert!(mail.html.contains(&format!("<html lang=\"{}\"", locale.as_str())), "{}", mail.html);
        for written in ["Elevated API errors", "A change to the ", "Platform - API", "Rotation needs the API."] {
            assert!(mail.text.contains(written) && mail.html.contains(written), "{written}: {}", mail.text);
        }
    }
}

#[test]
fn every_update_has_the_same_subject() {
    let outage = outage();
    for number in 1..=4 {
        assert_eq!(draw(&outage, number).subject, "[Acme Status] Elevated API errors");
    }
}

#[test]
fn it_loads_nothing_and_names_its_language() {
    let html = draw(&outage(), 4).html;
    assert!(html.starts_with("<!doctype html><html lang=\"en\""), "{html}");
    for forbidden in ["<img", "<script", "<link", "<iframe", "src=", "url(", "@import", "<!>", "data-hk"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
}

#[test]
fn a_reopened_incident_says_so_first() {
    let mut updates = outage().updates;
    updates.push(update(5, "2024-02-05T14:00:00Z", IncidentStatus::Investigating, "It is back."));
    let mail = draw(&incident("Elevated API errors", updates), 5);
    assert!(mail.text.starts_with("Reopened · Investigating · Critical\n"), "{}", mail.text);
    assert!(!mail.text.contains("Lasted"), "{}", mail.text);
}

#[test]
fn an_older_update_knows_nothing_of_later_ones() {
    let mail = draw(&outage(), 1);
    assert!(
        mail.text.starts_with("Investigating · Major\nElevated API errors\n5 Feb 2024, 10:12 UTC\n"),
        "{}",
        mail.text
    );
    assert!(mail.text.contains("- Platform - API: Operational → Partial outage\n"), "{}", mail.text);
    for later in ["Webhooks", "edge cache", "Lasted", "Earlier"] {
        assert!(!mail.text.contains(later) && !mail.html.contains(later), "{later}: {}", mail.text);
    }
}

#[test]
fn five_earlier_updates_are_repeated_and_the_others_counted() {
    let updates = (0..9).map(|number| {
        let time = format!("2024-02-05T1{number}:00:00Z");
        update(number, &time, IncidentStatus::Investigating, &format!("Word number {number}."))
    });
    let mail = draw(&incident("Slow", updates.collect()), 8);
    let repeated: Vec<_> = (0..9).filter(|number| mail.text.contains(&format!("Word number {number}."))).collect();
    assert_eq!(repeated, [3, 4, 5, 6, 7, 8]);
    assert!(mail.text.contains("3 older updates are on the page."), "{}", mail.text);
    assert!(mail.html.contains("3 older updates are on the page."), "{}", mail.html);
}

#[test]
fn a_promised_time_is_named_by_both_clocks_until_it_is_over() {
    let mut outage = outage();
    for update in &mut outage.updates {
        update.next_update_by = Some(at("2024-02-05T12:30:00Z"));
    }
    let mail = draw_for(&outage, 3, Locale::German, Some("Asia/Taipei"));
    let promise = "Nächste Meldung bis 5. Feb. 2024, 12:30 UTC · 20:30 bei Ihnen (Asia/Taipei)";
    assert!(mail.text.contains(promise) && mail.html.contains(promise), "{}", mail.text);
    assert!(!draw_for(&outage, 4, Locale::German, None).text.contains("Nächste Meldung"), "it is over");
}

#[test]
fn an_update_that_was_taken_back_is_not_repeated() {
    let mut outage = outage();
    outage.updates.iter_mut().find(|update| update.id == UpdateId::from_random(2)).unwrap().removed_at =
        Some(at("2024-02-05T10:50:00Z"));
    let mail = draw_for(&outage, 3, Locale::Spanish, None);
    for body in [&mail.text, &mail.html] {
        assert!(body.contains("Esta actualización se ha retirado.") && !body.contains("edge cache"), "{body}");
    }
}

#[test]
fn a_correction_says_first_that_it_is_one() {
    let (outage, links, update) = (outage(), links(), UpdateId::from_random(2));
    let reader = Reader { locale: Locale::German, local_time: &|_| String::new(), links: &links };
    let mail = UpdateMail {
        page_name: "Acme Status",
        page_url: "https://status.example.com",
        incident: &outage,
        update: &update,
        is_correction: true,
        reader: &reader,
    };
    let mail = super::mail(&mail).unwrap();
    assert!(mail.text.starts_with("Korrektur · "), "{}", mail.text);
    for body in [&mail.text, &mail.html] {
        assert!(body.contains("Korrektur · ") && body.contains("ihren Text seitdem geändert"), "{body}");
    }
}

#[test]
fn an_update_of_another_incident_gives_no_mail() {
    let (incident, links, update) = (outage(), links(), UpdateId::from_random(99));
    let reader = Reader { locale: Locale::English, local_time: &|_| String::new(), links: &links };
    let mail = UpdateMail {
        page_name: "",
        page_url: "",
        incident: &incident,
        update: &update,
        is_correction: false,
        reader: &reader,
    };
    assert_eq!(super::mail(&mail), None);
}

#[test]
fn nothing_that_people_write_runs() {
    let hostile = "<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) \"' \0\r\n</style>";
    let mut first = update(1, "2024-02-05T10:12:00Z", IncidentStatus::Investigating, hostile);
    first.components = vec![change(1, hostile, ComponentStatus::Operational, ComponentStatus::MajorOutage)];
    let (incident, links, update) = (incident(hostile, vec![first]), links(), UpdateId::from_random(1));
    let mail = UpdateMail {
        page_name: hostile,
        page_url: "https://status.example.com",
        incident: &incident,
        update: &update,
        is_correction: false,
        reader: &Reader { locale: Locale::German, local_time: &|_| String::new(), links: &links },
    };
    let Mail { subject, html, text } = super::mail(&mail).unwrap();
    assert!(!subject.chars().any(char::is_control), "{subject:?}");
    assert!(!text.contains('\0') && !html.contains('\0'));
    for forbidden in ["<script", "<img", "href=\"javascript:"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    assert_eq!(html.matches("</style>").count(), 1, "{html}");
}
