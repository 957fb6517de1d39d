//! What every page of the console must hold to.

use std::collections::BTreeMap;

use domain::{
    broadcast::{BroadcastState, Progress},
    component::{Component, Section},
    forms::{FieldErrors, IncidentForm, UpdateForm},
    i18n::Locale,
    ids::{BroadcastId, ComponentId, IncidentId, UpdateId},
    incident::{ComponentChange, Incident, Step, Update},
    markdown,
    status::{ComponentStatus, IncidentStatus},
};
use jiff::Timestamp;

use super::{
    account::{self, Account},
    aids::Aids,
    broadcast::{self, BroadcastPage},
    incident::{self, IncidentAdmin},
    incident_new::{self, IncidentNew},
    outbox::{self, OutboxMessage},
    review::{Reach, Review},
    shell::Console,
    sign_in::{self, SignIn},
    signed_out::{self, SignedOut},
};
use crate::site::{Brand, Site};

const HOSTILE: &str = "</textarea><script>alert(1)</script>\" autofocus onfocus=\"alert(2)";

fn now() -> Timestamp {
    "2026-02-05T13:52:00Z".parse().unwrap()
}

fn site() -> Site {
    Site {
        name: HOSTILE.into(),
        url: "https://status.example.com".into(),
        assets: "/assets/1".into(),
        version: 1,
        brand: Brand::default(),
    }
}

fn console() -> Console {
    let (user_email, flash) = (HOSTILE.into(), Some(HOSTILE.into()));
    Console { site: site(), user_email, path: "/admin/incidents".into(), flash }
}

fn component(id: u64, name: &str, status: ComponentStatus) -> Component {
    Component {
        id: ComponentId::from_random(id),
        name: name.into(),
        description: HOSTILE.into(),
        status,
        group: None,
        position: 0,
    }
}

fn api() -> Component {
    component(1, "API", ComponentStatus::MajorOutage)
}

fn sections() -> Vec<Section> {
    vec![Section { group: None, components: vec![api(), component(2, HOSTILE, ComponentStatus::Operational)] }]
}

fn incident(status: IncidentStatus) -> Incident {
    let change = ComponentChange {
        component: api().id,
        name: HOSTILE.into(),
        old: ComponentStatus::Operational,
        new: ComponentStatus::MajorOutage,
    };
    let update = Update {
        id: UpdateId::from_random(1),
        status,
        body: HOSTILE.into(),
        display_at: now(),
        created_at: now(),
        updated_at: now(),
        next_update_by: None,
        edited_at: None,
        removed_at: None,
        notify: true,
        components: vec![change],
    };
    Incident {
        id: IncidentId::from_random(1),
        name: HOSTILE.into(),
        impact_override: None,
        created_at: now(),
        updated_at: now(),
        updates: vec![update],
    }
}

fn following(status: IncidentStatus) -> IncidentAdmin {
    let incident = incident(status);
    let components: Vec<_> = sections().into_iter().flat_map(|section| section.components).collect();
    IncidentAdmin {
        console: console(),
        now: now(),
        form: UpdateForm::following(&incident, &components, "key".into()),
        incident,
        errors: FieldErrors::default(),
        sections: sections(),
        recipients: 9_874,
        finish: String::new(),
        review: None,
        aids: Aids::default(),
        former: Vec::new(),
        authors: BTreeMap::new(),
        correction: None,
        broadcasts: Vec::new(),
    }
}

fn opening(form: IncidentForm, errors: FieldErrors) -> String {
    let sections = sections();
    incident_new::page(&IncidentNew {
        console: console(),
        now: now(),
        form,
        aids: Aids::default(),
        errors,
        sections,
        recipients: 1,
        finish: String::new(),
        review: None,
    })
}

fn mails(state: BroadcastState) -> String {
    let progress = Progress {
        id: BroadcastId::from_random(1),
        state,
        reason: HOSTILE.into(),
        total: 1_000,
        sent: 412,
        waiting: 588,
        failed: 0,
        skipped: 0,
        expired: 0,
        uncertain: 0,
        created_at: now(),
        finished_at: None,
        eta: Some("2026-02-05T13:57:00Z".parse().unwrap()),
    };
    let incident = IncidentId::from_random(1);
    broadcast::page(&BroadcastPage {
        console: console(),
        now: now(),
        incident_name: HOSTILE.into(),
        kind: "update".into(),
        incident,
        progress,
    })
}

fn door() -> String {
    sign_in::page(&SignIn { site: site(), email: HOSTILE.into(), next: HOSTILE.into(), error: Some(HOSTILE.into()) })
}

fn outside() -> String {
    let fields = vec![("body".into(), HOSTILE.into()), (HOSTILE.into(), String::new())];
    signed_out::page(&SignedOut {
        site: site(),
        path: format!("/admin/incidents/{HOSTILE}"),
        is_multipart: true,
        fields: Some(fields),
    })
}

/// The tag that holds a text, from `<` to `>`.
fn tag_with<'a>(html: &'a str, text: &str) -> &'a str {
    let at = html.find(text).unwrap_or_else(|| panic!("no {text} in {html}"));
    let start = html[..at].rfind('<').unwrap();
    &html[start..=start + html[start..].find('>').unwrap()]
}

fn wrong() -> (IncidentForm, FieldErrors) {
    let form = IncidentForm {
        name: HOSTILE.into(),
        impact: "major".into(),
        update: UpdateForm {
            seen: String::new(),
            key: "the-key".into(),
            status: "monitoring".into(),
            body: format!("\n{HOSTILE}"),
            display_at: "half past <nine>".into(),
            next_update: "at".into(),
            next_update_at: "\"soon\"".into(),
            notify: "no".into(),
            components: [(api().id.to_string(), "partial_outage".into())].into(),
            restore: false,
        },
    };
    let errors = form.parse(&[api().id], now()).unwrap_err();
    (form, errors)
}

#[test]
fn a_form_that_failed_comes_back_with_every_field() {
    let (form, errors) = wrong();
    let html = opening(form, errors);
    for (holder, kept) in [
        ("id=\"name\"", "value=\"&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; autofocus"),
        ("name=\"key\"", "value=\"the-key\""),
        ("id=\"display_at\"", "value=\"half past &lt;nine&gt;\""),
        ("id=\"next_update_at\"", "value=\"&quot;soon&quot;\""),
        ("id=\"status-monitoring\"", "checked"),
        ("id=\"notify-no\"", "checked"),
        ("value=\"major\"", "selected"),
        ("value=\"partial_outage\"", "selected"),
    ] {
        assert!(tag_with(&html, holder).contains(kept), "{}", tag_with(&html, holder));
    }
    assert!(!tag_with(&html, "id=\"restore\"").contains("checked"));
    // The break after the tag is dropped by browsers; the one that was typed is not.
    let (_, field) = html.split_once("<textarea").unwrap();
    assert!(field.split_once('>').unwrap().1.starts_with("\n\n&lt;/textarea&gt;&lt;script&gt;"), "{field:.400}");
}

#[test]
fn what_is_wrong_is_said_first_and_beside_the_field() {
    let (form, errors) = wrong();
    let html = opening(form, errors);
    assert!(html.contains("<title>Error: "));
    assert!(tag_with(&html, "id=\"errors\"").contains("autofocus"));
    assert!(html.contains("role=\"alert\"") && html.contains("href=\"#display_at\""));
    let field = tag_with(&html, "id=\"display_at\"");
    assert!(
        field.contains("aria-invalid=\"true\"") && field.contains("aria-describedby=\"display_at-error"),
        "{field}"
    );
    assert!(html.contains("id=\"display_at-error\""));
}

#[test]
fn nobody_is_mailed_or_spared_by_default() {
    for html in [
        incident::page(&following(IncidentStatus::Identified)),
        opening(
            IncidentForm { update: UpdateForm::opening("key".into()), ..IncidentForm::default() },
            FieldErrors::default(),
        ),
    ] {
        assert!(!tag_with(&html, "id=\"notify-yes\"").contains("checked"));
        assert!(!tag_with(&html, "id=\"notify-no\"").contains("checked"));
    }
}

#[test]
fn the_form_starts_from_how_things_stand() {
    let html = incident::page(&following(IncidentStatus::Identified));
    assert!(tag_with(&html, "id=\"status-identified\"").contains("checked"));
    assert!(tag_with(&html, "id=\"restore\"").contains("checked"));
    assert!(html.contains("Mail 9,874 people"));
    let (listed, others) = html.split_once("<details").unwrap();
    assert!(listed.contains(&format!("name=\"component.{}\"", api().id)));
    assert!(tag_with(listed, "value=\"major_outage\"").contains("selected"));
    assert!(others.contains(&format!("name=\"component.{}\"", ComponentId::from_random(2))));
}

#[test]
fn enter_in_a_field_reviews_and_never_publishes() {
    let languages = vec![(Locale::English, 9_000), (Locale::German, 874)];
    let review = Review {
        html: markdown::to_html("**Over.**"),
        recipients: 9_874,
        reach: Reach { everything: 9_000, components: 800, incident: 74, languages },
        held: None,
        unread_times: Vec::new(),
        mail: None,
        finish: "done about 13:57 UTC".into(),
        step: Step::Resolved,
    };
    let mut model = following(IncidentStatus::Identified);
    model.form.notify = "yes".into();
    let html = incident::page(&IncidentAdmin { review: Some(review), ..model });
    let (_, form) = html.split_once("action=\"/admin/incidents/").unwrap();
    assert!(form.find("value=\"review\"").unwrap() < form.find("value=\"publish\"").unwrap());
    assert!(form.contains("<strong>Over.</strong>") && form.contains("Mails 9,874 people, done about 13:57 UTC."));
    assert!(form.contains("This resolves the incident."));
    assert!(form.contains("They follow: everything 9,000 · components 800 · this incident 74"));
    assert!(form.contains("They read: English 9,000 · Deutsch 874"));
}

#[test]
fn an_incident_that_is_over_says_how_to_reopen_it() {
    assert!(incident::page(&following(IncidentStatus::Postmortem)).contains("reopens it"));
    assert!(!incident::page(&following(IncidentStatus::Monitoring)).contains("reopens it"));
}

#[test]
fn progress_is_readable_without_a_script() {
    let html = mails(BroadcastState::Sending);
    assert!(html.contains("412 of 1,000 sent · 588 waiting · 0 failed"));
    assert!(html.contains("done about 13:57 UTC"));
    assert!(tag_with(&html, "Mails dealt with").contains("max=\"1000\" value=\"412\""));
    assert!(html.contains("/pause\"") && html.contains("/cancel\""));
    assert!(mails(BroadcastState::Paused).contains("/resume\""));
}

#[test]
fn only_pages_with_islands_load_them() {
    let incident = incident::page(&following(IncidentStatus::Identified));
    for (html, has_islands) in [
        (incident.as_str(), true),
        (&mails(BroadcastState::Sending), true),
        (&mails(BroadcastState::Done), false),
        (&door(), false),
    ] {
        assert_eq!(html.contains("<leptos-island"), has_islands);
        assert_eq!(html.contains("src=\"/assets/1/islands.js\""), has_islands);
        assert!(html.contains("href=\"/assets/1/console.css\""));
    }
}

#[test]
fn nothing_typed_runs_and_nothing_is_inline() {
    let account =
        Account { console: console(), now: now(), confirmed_at: None, errors: FieldErrors::one("current", HOSTILE) };
    let mail = OutboxMessage {
        console: console(),
        name: "1.eml".into(),
        headers: vec![("Subject".into(), HOSTILE.into())],
        text: HOSTILE.into(),
        has_html: true,
    };
    let (form, errors) = wrong();
    for html in [
        incident::page(&following(IncidentStatus::Identified)),
        opening(form, errors),
        mails(BroadcastState::Sending),
        account::page(&account),
        outbox::message(&mail),
        door(),
        outside(),
    ] {
        assert!(!html.contains("<script>") && !html.contains("<style") && !html.contains("javascript:"), "{html}");
        let tags = html.split('<').skip(1).map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag));
        for tag in tags {
            // Between quotes is text; what is left are the names of attributes.
            let names: String = tag.split('"').step_by(2).collect();
            assert!(!names.contains(" style=") && !names.contains(" on"), "{tag}");
            assert!(!tag.starts_with("script ") || tag.contains("src=\"/assets/1/"), "{tag}");
        }
    }
}
