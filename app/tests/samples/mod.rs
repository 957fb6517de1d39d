//! Believable pages in many states, for the tests and for the gallery.

pub(crate) mod gallery;

use app::{
    pages::{component::ComponentPage, history::History, home::Home, incident::IncidentPage},
    site::{Freshness, Site},
};
use domain::{
    component::{Component, Group, Section, sections},
    ids::{ComponentId, GroupId, IncidentId, UpdateId},
    incident::{ComponentChange, Incident, Update},
    month::Month,
    status::{ComponentStatus, IncidentStatus},
};
use jiff::{Timestamp, ToSpan};

pub(crate) fn now() -> Timestamp {
    "2026-11-22T14:32:00Z".parse().unwrap()
}

pub(crate) fn ago(minutes: i64) -> Timestamp {
    now() - minutes.minutes()
}

pub(crate) fn site() -> Site {
    Site {
        name: "Acme Status".into(),
        url: "https://status.example.com".into(),
        assets: "/assets/abc".into(),
        version: 7,
        brand: app::site::Brand::default(),
    }
}

/// Statuses of API, Webhooks, Dashboard (Platform), Sign-in, Outgoing mail (Accounts), Website (no group).
pub(crate) fn components(statuses: [ComponentStatus; 6]) -> Vec<Section> {
    let names = [
        ("API", "REST and GraphQL, all regions", Some(1)),
        ("Webhooks", "", Some(1)),
        ("Dashboard", "app.example.com", Some(1)),
        ("Sign-in", "Passwords, passkeys and single sign-on", Some(2)),
        ("Outgoing mail", "", Some(2)),
        ("Website", "", None),
    ];
    let groups = vec![group(1, "Platform"), group(2, "Accounts")];
    let components = (1..).zip(names).zip(statuses);
    let components = components
        .map(|((number, (name, description, group)), status)| component(number, name, description, group, status))
        .collect();
    sections(groups, components)
}

pub(crate) fn group(number: u64, name: &str) -> Group {
    Group { id: GroupId::from_random(number), name: name.into(), position: i64::try_from(number).unwrap() }
}

pub(crate) fn component(
    number: u64,
    name: &str,
    description: &str,
    group: Option<u64>,
    status: ComponentStatus,
) -> Component {
    Component {
        id: ComponentId::from_random(number),
        name: name.into(),
        description: description.into(),
        status,
        group: group.map(GroupId::from_random),
        position: i64::try_from(number).unwrap(),
    }
}

pub(crate) fn change(number: u64, name: &str, old: ComponentStatus, new: ComponentStatus) -> ComponentChange {
    ComponentChange { component: ComponentId::from_random(number), name: name.into(), old, new }
}

pub(crate) fn update(minutes_ago: i64, status: IncidentStatus, body: &str, components: Vec<ComponentChange>) -> Update {
    let at = ago(minutes_ago);
    Update {
        id: UpdateId::from_random(minutes_ago.unsigned_abs() * 7919 + body.len() as u64),
        status,
        body: body.into(),
        display_at: at,
        created_at: at,
        updated_at: at,
        next_update_by: None,
        edited_at: None,
        removed_at: None,
        notify: true,
        components,
    }
}

/// `updates` newest first.
pub(crate) fn incident(number: u64, name: &str, updates: Vec<Update>) -> Incident {
    let (newest, oldest) = (updates.first().unwrap().created_at, updates.last().unwrap().created_at);
    Incident {
        id: IncidentId::from_random(number),
        name: name.into(),
        impact_override: None,
        created_at: oldest,
        updated_at: newest,
        updates,
    }
}

pub(crate) fn api_errors() -> Incident {
    use ComponentStatus::{DegradedPerformance, MajorOutage, Operational};
    let mut edited = update(
        72,
        IncidentStatus::Identified,
        "A change to the edge cache, deployed at 13:02 UTC, returns **stale sessions**. It is being rolled back.\n\nNext update by 13:50 UTC.",
        vec![
            change(1, "Platform - API", MajorOutage, MajorOutage),
            change(2, "Platform - Webhooks", Operational, DegradedPerformance),
        ],
    );
    edited.updated_at = ago(61);
    edited.edited_at = Some(ago(61));
    incident(
        11,
        "Elevated API errors",
        vec![
            edited,
            update(
                87,
                IncidentStatus::Investigating,
                "We see errors on about a third of all API requests and are looking into it.",
                vec![change(1, "Platform - API", Operational, MajorOutage)],
            ),
        ],
    )
}

/// The same incident after it ended, broke again and ended for good.
pub(crate) fn reopened() -> Incident {
    use ComponentStatus::{DegradedPerformance, MajorOutage, Operational};
    let mut incident = api_errors();
    let ended = vec![
        change(1, "Platform - API", MajorOutage, Operational),
        change(2, "Platform - Webhooks", DegradedPerformance, Operational),
    ];
    let table = "The fix has been rolled out to all regions. We keep watching until the error rate has been normal for an hour.\n\n| region | errors at worst | normal since |\n|---|---:|---|\n| eu-central | 34 % | 14:02 UTC |\n| us-east | 31 % | 14:07 UTC |\n\n```\n$ curl -sS https://api.example.com/v2/health --header 'Authorization: Bearer …' --output /dev/null --write-out '%{http_code}'\n200\n```\n\n> Requests that failed were not processed: sending them again is safe.[^1]\n\n[^1]: Except for `POST /v2/exports`, which may have started.";
    incident.updates.splice(
        0..0,
        [
            update(1, IncidentStatus::Resolved, table, ended.clone()),
            update(22, IncidentStatus::Monitoring, "Errors are gone again. We are watching.", vec![]),
            update(
                35,
                IncidentStatus::Identified,
                "It broke again: one region still served the old configuration.",
                vec![change(1, "Platform - API", Operational, MajorOutage)],
            ),
            update(45, IncidentStatus::Resolved, "Rolled back.", ended),
        ],
    );
    incident
}

pub(crate) fn past() -> Vec<Incident> {
    use ComponentStatus::{DegradedPerformance, Operational, PartialOutage};
    let day = 24 * 60;
    vec![
        incident(
            21,
            "Delayed webhooks",
            vec![
                update(
                    day + 200,
                    IncidentStatus::Resolved,
                    "All delayed webhooks have been delivered. None was lost.",
                    vec![change(2, "Platform - Webhooks", DegradedPerformance, Operational)],
                ),
                update(
                    day + 287,
                    IncidentStatus::Investigating,
                    "Webhooks arrive up to ten minutes late.",
                    vec![change(2, "Platform - Webhooks", Operational, DegradedPerformance)],
                ),
            ],
        ),
        incident(
            22,
            "Sign-in with passkeys failed for some people",
            vec![
                update(
                    day + 500,
                    IncidentStatus::Resolved,
                    "A certificate had expired and was renewed. We now renew thirty days ahead and are paged when that fails, and every certificate we hold was checked.",
                    vec![change(4, "Accounts - Sign-in", PartialOutage, Operational)],
                ),
                update(
                    day + 540,
                    IncidentStatus::Investigating,
                    "Passkeys fail for about one in ten.",
                    vec![change(4, "Accounts - Sign-in", Operational, PartialOutage)],
                ),
            ],
        ),
        incident(
            23,
            "Late invoices",
            vec![update(9 * day, IncidentStatus::Resolved, "Invoices of October went out a day late.", vec![])],
        ),
    ]
}

pub(crate) fn fine() -> Home {
    Home {
        site: site(),
        freshness: Freshness::Live(now()),
        now: now(),
        sections: components([ComponentStatus::Operational; 6]),
        open: vec![],
        past: past(),
    }
}

/// The page of the API, which stands in a group, before anything went wrong with it.
pub(crate) fn component_page() -> ComponentPage {
    let section = &fine().sections[1];
    ComponentPage {
        site: site(),
        freshness: Freshness::Live(now()),
        now: now(),
        component: section.components[0].clone(),
        group: section.group.clone(),
        open: vec![],
        past: past(),
    }
}

/// The present month, with one incident more than the past fourteen days had.
pub(crate) fn month() -> History {
    let mut incidents = past();
    let day = 24 * 60;
    let late = vec![update(12 * day, IncidentStatus::Resolved, "A page was slow.", vec![])];
    incidents.push(incident(24, "Slow page", late));
    let month = Month::of(now());
    let previous = month.previous();
    History { site: site(), freshness: Freshness::Live(now()), now: now(), month, incidents, previous, next: None }
}

pub(crate) fn outage() -> Home {
    use ComponentStatus::{DegradedPerformance, MajorOutage, Operational, PartialOutage, UnderMaintenance};
    let mail = incident(
        12,
        "Mail to some providers is late",
        vec![update(
            31,
            IncidentStatus::Monitoring,
            "A provider accepts our mail again; the queue is emptying.",
            vec![change(5, "Accounts - Outgoing mail", Operational, PartialOutage)],
        )],
    );
    let dashboard = incident(
        13,
        "Dashboard upgrade",
        vec![update(
            26 * 60,
            IncidentStatus::Identified,
            "",
            vec![change(3, "Platform - Dashboard", Operational, UnderMaintenance)],
        )],
    );
    let statuses = [MajorOutage, DegradedPerformance, UnderMaintenance, Operational, PartialOutage, Operational];
    Home { sections: components(statuses), open: vec![api_errors(), mail, dashboard], ..fine() }
}

/// `count` components in groups of twenty-five, one of them degraded.
pub(crate) fn large(count: u64) -> Home {
    let groups = (0..count / 25).map(|number| group(number + 1, &format!("Region {}", number + 1))).collect();
    let components = (0..count)
        .map(|number| {
            let status = if number == 42 { ComponentStatus::DegradedPerformance } else { ComponentStatus::Operational };
            component(number + 1, &format!("Cluster {:03}", number + 1), "", Some(number / 25 + 1), status)
        })
        .collect();
    Home { sections: sections(groups, components), ..fine() }
}

pub(crate) fn incident_page(incident: Incident) -> IncidentPage {
    IncidentPage { site: site(), freshness: Freshness::Live(now()), now: now(), incident }
}
