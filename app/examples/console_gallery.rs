//! Writes each page of the console in several states, to be looked at: `cargo run -p app --features ssr --example
//! console_gallery FOLDER`, with `site.css` and `console.css` in that folder.

use std::{collections::BTreeSet, error::Error, fs, path::Path};

use app::{
    pages::admin::{
        account, aids, broadcast, component_form, components, dashboard, group_form, incident, incident_new, incidents,
        outbox, password,
        review::{Reach, Review},
        settings,
        shell::Console,
        sign_in,
    },
    site::{Brand, Site},
};
use domain::{
    broadcast::{BroadcastState, Lane, Progress},
    component::{Component, Group, Section, sections},
    forms::{ComponentForm, FieldErrors, GroupForm, IncidentForm, SettingsForm, UpdateForm},
    i18n::Locale,
    ids::{BroadcastId, ComponentId, GroupId, IncidentId, UpdateId},
    incident::{ComponentChange, Incident, Step, Update},
    markdown,
    status::{ComponentStatus, IncidentStatus},
};
use jiff::{SignedDuration, Timestamp};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder to write to")?;
    let now: Timestamp = "2026-02-05T13:52:00Z".parse()?;
    for (name, html) in pages(now) {
        fs::write(Path::new(&folder).join(format!("{name}.html")), html)?;
    }
    Ok(())
}

fn pages(now: Timestamp) -> Vec<(&'static str, String)> {
    let mut pages = doors();
    pages.extend(incident_pages(now));
    pages.extend(other_pages(now));
    pages
}

fn site() -> Site {
    Site {
        name: "Acme Status".into(),
        url: "https://status.example.com".into(),
        assets: ".".into(),
        version: 1,
        brand: Brand::default(),
    }
}

fn console(path: &str) -> Console {
    Console { site: site(), user_email: "ada@example.com".into(), path: path.into(), flash: None }
}

fn all_sections() -> Vec<Section> {
    let group = |id, name: &str, position| Group { id: GroupId::from_random(id), name: name.into(), position };
    let component = |id, name: &str, description: &str, group: u64, status| Component {
        id: ComponentId::from_random(id),
        name: name.into(),
        description: description.into(),
        status,
        group: (group > 0).then(|| GroupId::from_random(group)),
        position: i64::try_from(id).unwrap_or(0),
    };
    sections(
        vec![group(1, "Platform", 1), group(2, "Regions", 2)],
        vec![
            component(1, "Website", "", 0, ComponentStatus::Operational),
            component(2, "API", "Everything under api.example.com", 1, ComponentStatus::MajorOutage),
            component(3, "Webhooks", "Calls to your servers", 1, ComponentStatus::DegradedPerformance),
            component(4, "Dashboard", "", 1, ComponentStatus::Operational),
            component(5, "Frankfurt", "", 2, ComponentStatus::PartialOutage),
            component(6, "São Paulo", "", 2, ComponentStatus::UnderMaintenance),
            component(
                7,
                "Singapore, where the name is quite long and wraps on a phone",
                "",
                2,
                ComponentStatus::Operational,
            ),
        ],
    )
}

fn all_components() -> Vec<Component> {
    all_sections().into_iter().flat_map(|section| section.components).collect()
}

fn update(
    now: Timestamp,
    ago: i64,
    status: IncidentStatus,
    body: &str,
    changes: &[(u64, &str, ComponentStatus, ComponentStatus)],
) -> Update {
    let at = now.checked_sub(SignedDuration::from_mins(ago)).unwrap_or(now);
    let change = |(id, name, old, new): &(u64, &str, ComponentStatus, ComponentStatus)| ComponentChange {
        component: ComponentId::from_random(*id),
        name: (*name).to_owned(),
        old: *old,
        new: *new,
    };
    Update {
        id: UpdateId::from_random(ago.unsigned_abs()),
        status,
        body: body.into(),
        display_at: at,
        created_at: if ago == 47 { at.checked_add(SignedDuration::from_mins(6)).unwrap_or(at) } else { at },
        updated_at: at,
        next_update_by: None,
        edited_at: None,
        removed_at: None,
        notify: ago != 47,
        components: changes.iter().map(change).collect(),
    }
}

fn open_incident(now: Timestamp) -> Incident {
    use ComponentStatus::{DegradedPerformance, MajorOutage, Operational};
    Incident {
        id: IncidentId::from_random(1),
        name: "Elevated API errors".into(),
        impact_override: None,
        created_at: now,
        updated_at: now,
        updates: vec![
            update(
                now,
                32,
                IncidentStatus::Identified,
                "A change to the **edge cache** made requests miss it. It is being rolled back; about a third of the machines are done.\n\n- `api.example.com` answers every second request with `502`\n- Webhooks arrive late, none are lost",
                &[(2, "Platform - API", Operational, MajorOutage)],
            ),
            update(
                now,
                47,
                IncidentStatus::Investigating,
                "We see errors on the API and look into it.",
                &[(3, "Platform - Webhooks", Operational, DegradedPerformance)],
            ),
        ],
    }
}

fn resolved_incident(now: Timestamp) -> Incident {
    let mut incident = open_incident(now);
    incident.id = IncidentId::from_random(2);
    incident.updates.insert(
        0,
        update(now, 5, IncidentStatus::Resolved, "The fix is everywhere. Thank you for your patience.", &[]),
    );
    incident
}

fn progress(now: Timestamp, state: BroadcastState, sent: i64, reason: &str) -> Progress {
    let finished = !state.is_open();
    Progress {
        id: BroadcastId::from_random(u64::try_from(sent).unwrap_or(1)),
        state,
        reason: reason.into(),
        total: 9_874,
        sent,
        waiting: if finished { 0 } else { 9_874 - sent - 3 },
        failed: 3,
        skipped: if finished { 9_871 - sent } else { 0 },
        expired: 0,
        uncertain: 0,
        created_at: now,
        finished_at: finished.then_some(now),
        eta: now.checked_add(SignedDuration::from_mins(5)).ok(),
    }
}

fn doors() -> Vec<(&'static str, String)> {
    let sign_in = |error: Option<&str>| {
        sign_in::page(&sign_in::SignIn {
            site: site(),
            email: if error.is_some() { "ada@example.com".into() } else { String::new() },
            next: "/admin".into(),
            error: error.map(str::to_owned),
        })
    };
    let password = |error: Option<&str>| {
        password::page(&password::ChoosePassword {
            site: site(),
            token: "once".into(),
            email: "ada@example.com".into(),
            error: error.map(str::to_owned),
        })
    };
    vec![
        ("sign_in", sign_in(None)),
        ("sign_in_wrong", sign_in(Some("This address and password do not go together."))),
        ("password", password(None)),
        ("password_wrong", password(Some("The two passwords differ: type the same one twice."))),
    ]
}

fn incident_pages(now: Timestamp) -> Vec<(&'static str, String)> {
    let new = |form: IncidentForm, errors, sections, review| {
        incident_new::page(&incident_new::IncidentNew {
            console: console("/admin/incidents/new"),
            now,
            form,
            aids: aids::Aids::default(),
            errors,
            sections,
            recipients: 1_204,
            finish: "done about 13:54 UTC".into(),
            review,
        })
    };
    let fresh = IncidentForm { update: UpdateForm::opening("key".into()), ..IncidentForm::default() };
    let mut wrong = fresh.clone();
    wrong.update.body = "We see errors.\n\n</textarea><script>alert(1)</script>".into();
    wrong.update.display_at = "2026-02-05 04:12 CST".into();
    let known: Vec<_> = all_components().into_iter().map(|component| component.id).collect();
    let errors = wrong.parse(&known, now).err().unwrap_or_default();

    let posting = |incident: Incident, form: UpdateForm, errors, review, broadcasts| {
        incident::page(&incident::IncidentAdmin {
            console: console("/admin/incidents/x"),
            now,
            incident,
            form,
            aids: aids::Aids::default(),
            errors,
            sections: all_sections(),
            recipients: 9_874,
            finish: "done about 13:57 UTC".into(),
            review,
            former: Vec::new(),
            authors: std::collections::BTreeMap::new(),
            correction: None,
            broadcasts,
        })
    };
    let following = |incident: &Incident| UpdateForm::following(incident, &all_components(), "key".into());
    let open = open_incident(now);
    let resolved = resolved_incident(now);
    let mut written = following(&open);
    written.body = "Rolled back on **every** machine.\n\n| region | errors |\n|---|--:|\n| Frankfurt | 0.2 % |\n| São Paulo | 0 % |\n\nWe keep watching.".into();
    written.status = "resolved".into();
    written.notify = "yes".into();
    let languages = vec![(Locale::English, 9_000), (Locale::German, 874)];
    let review = Review {
        html: markdown::to_html(&written.body),
        recipients: 9_874,
        reach: Reach { everything: 9_000, components: 800, incident: 74, languages },
        held: None,
        unread_times: Vec::new(),
        mail: None,
        finish: "done about 13:57 UTC".into(),
        step: Step::Resolved,
    };
    let mut bad = written.clone();
    bad.display_at = "half past".into();
    bad.notify = String::new();
    let bad_errors = bad.parse(&known, now).err().unwrap_or_default();
    let list =
        |incidents| incidents::page(&incidents::Incidents { console: console("/admin/incidents"), now, incidents });
    vec![
        ("incident_new", new(fresh.clone(), FieldErrors::default(), all_sections(), None)),
        ("incident_new_wrong", new(wrong, errors, all_sections(), None)),
        ("incident_new_first", new(fresh, FieldErrors::default(), Vec::new(), None)),
        (
            "incident",
            posting(
                open.clone(),
                following(&open),
                FieldErrors::default(),
                None,
                vec![progress(now, BroadcastState::Sending, 7_412, "")],
            ),
        ),
        ("incident_wrong", posting(open.clone(), bad, bad_errors, None, Vec::new())),
        ("incident_review", posting(open.clone(), written, FieldErrors::default(), Some(review), Vec::new())),
        (
            "incident_resolved",
            posting(
                resolved.clone(),
                following(&resolved),
                FieldErrors::default(),
                None,
                vec![progress(now, BroadcastState::Done, 9_860, "")],
            ),
        ),
        ("incidents", list(vec![open, resolved])),
        ("incidents_none", list(Vec::new())),
    ]
}

fn other_pages(now: Timestamp) -> Vec<(&'static str, String)> {
    let dashboard = |is_first: bool, open| {
        let name = "Elevated API errors".to_owned();
        dashboard::page(&dashboard::Dashboard {
            console: Console {
                flash: (!is_first).then(|| "Update published at 13:52 UTC.".into()),
                ..console("/admin")
            },
            now,
            attention: Vec::new(),
            rate: "14/s".into(),
            sent_lately: if is_first { 0 } else { 7_412 },
            held_by_pauses: 0,
            has_components: !is_first,
            open,
            recent_broadcasts: if is_first {
                Vec::new()
            } else {
                vec![
                    (name.clone(), progress(now, BroadcastState::Sending, 7_412, "")),
                    (name, progress(now, BroadcastState::Superseded, 6_100, "a newer update took its place")),
                ]
            },
            active_subscribers: if is_first { 0 } else { 9_874 },
            pending_subscribers: if is_first { 0 } else { 12 },
            queue: Lane::ALL
                .iter()
                .map(|lane| (*lane, if is_first || *lane != Lane::Incident { 0 } else { 2_459 }))
                .collect(),
            mail_captured: is_first,
        })
    };
    let broadcast = |progress| {
        broadcast::page(&broadcast::BroadcastPage {
            console: console("/admin/broadcasts/x"),
            now,
            incident_name: "Elevated API errors".into(),
            kind: "update".into(),
            incident: IncidentId::from_random(1),
            progress,
        })
    };
    let groups: Vec<_> = all_sections().into_iter().filter_map(|section| section.group).collect();
    let component = |id, form: ComponentForm| {
        let known: BTreeSet<_> = groups.iter().map(|group| group.id.clone()).collect();
        let errors = if id { FieldErrors::default() } else { form.parse(&known).err().unwrap_or_default() };
        component_form::page(&component_form::ComponentPage {
            console: console("/admin/components/x"),
            id: id.then(|| ComponentId::from_random(2)),
            form,
            groups: groups.clone(),
            errors,
        })
    };
    let list = |sections, all_groups| {
        components::page(&components::Components { console: console("/admin/components"), sections, all_groups })
    };
    let mut all_groups = groups.clone();
    all_groups.push(Group { id: GroupId::from_random(9), name: "Partners".into(), position: 9 });
    let outbox =
        |messages| outbox::page(&outbox::Outbox { console: console("/admin/outbox"), messages, captured: true });
    let mail = outbox::OutboxRow {
        name: "1.eml".into(),
        to: "grace@example.com".into(),
        subject: "[Acme Status] Identified: Elevated API errors".into(),
        at: now,
    };
    let headers = [
        ("From", "Acme Status <status@example.com>"),
        ("To", "grace@example.com"),
        ("Subject", "[Acme Status] Identified: Elevated API errors"),
        ("Message-ID", "<0000000000ab.17@status.example.com>"),
        (
            "List-Unsubscribe",
            "<https://status.example.com/unsubscribe/eyJhbGciOiJIUzI1NiJ9eyJhbGciOiJIUzI1NiJ9eyJhbGciOiJIUzI1NiJ9>",
        ),
    ];
    vec![
        ("dashboard", dashboard(false, vec![open_incident(now)])),
        ("dashboard_first", dashboard(true, Vec::new())),
        ("broadcast", broadcast(progress(now, BroadcastState::Sending, 7_412, "the provider asks us to slow down"))),
        ("broadcast_paused", broadcast(progress(now, BroadcastState::Paused, 412, "paused by ada@example.com"))),
        ("broadcast_done", broadcast(progress(now, BroadcastState::Done, 9_860, ""))),
        ("component_new", component(false, ComponentForm { position: "first".into(), ..ComponentForm::default() })),
        ("component", component(true, ComponentForm { name: "API".into(), was: "operational".into(), description: "Everything under api.example.com".into(), status: "major_outage".into(), group: GroupId::from_random(1).to_string(), position: "2".into() })),
        ("components", list(all_sections(), all_groups)),
        ("components_none", list(Vec::new(), Vec::new())),
        ("group", group_form::page(&group_form::GroupPage { console: console("/admin/groups/x"), id: Some(GroupId::from_random(1)), form: GroupForm { name: "Platform".into(), position: "1".into() }, errors: FieldErrors::default() })),
        ("outbox", outbox(vec![mail.clone(), mail])),
        ("outbox_none", outbox(Vec::new())),
        ("outbox_message", outbox::message(&outbox::OutboxMessage { console: console("/admin/outbox/1.eml"), name: "1.eml".into(), headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(), text: "Elevated API errors\n\nIdentified, 13:20 UTC\n\nA change to the edge cache made requests miss it. It is being rolled back; about a third of the machines are done.\n".into(), has_html: true })),
        ("settings", settings::page(&settings::Settings { console: Console { flash: Some("Saved.".into()), ..console("/admin/settings") }, form: SettingsForm { name: "Acme Status".into(), accent: "#ffd000".into(), links: "Terms https://example.com/terms".into(), ..SettingsForm::default() }, sender: settings::SenderView::Default("Status <status@localhost>".into()), errors: FieldErrors::default() })),
        ("account", account::page(&account::Account { console: console("/admin/account"), now, confirmed_at: None, errors: FieldErrors::one("password", "use at least 12 characters") })),
    ]
}
