use domain::{
    component::Group,
    ids::{ComponentId, GroupId, UpdateId},
    incident::ComponentChange,
    status::IncidentStatus,
};
use jiff::civil::date;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::store::imports::Told;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_007 + second * 1000).unwrap()
}

fn record(number: u64, status: ComponentStatus) -> ComponentRecord {
    ComponentRecord {
        component: domain::component::Component {
            id: ComponentId::from_random(number),
            name: format!("Component {number}"),
            description: String::new(),
            status,
            group: None,
            position: i64::try_from(number).unwrap(),
        },
        showcase: true,
        start_date: None,
        only_show_if_degraded: false,
        created_at: at(0),
        updated_at: at(1),
        deleted_at: None,
    }
}

fn source(components: Vec<ComponentRecord>) -> Source {
    Source {
        page: "0123456789ab".parse().unwrap(),
        name: "Acme".to_owned(),
        url: "https://status.example.com".to_owned(),
        time_zone: "Europe/Paris".to_owned(),
        changed_at: at(9),
        components,
        groups: Vec::new(),
    }
}

fn incident(status: IncidentStatus, components: Vec<ComponentChange>) -> incident::Incident {
    let update = incident::Update {
        id: "update000001".parse::<UpdateId>().unwrap(),
        status,
        body: "Some *requests* fail.\nWe <look>.".to_owned(),
        display_at: at(2),
        created_at: at(3),
        updated_at: at(4),
        next_update_by: None,
        edited_at: None,
        removed_at: None,
        notify: true,
        components,
    };
    incident::Incident {
        id: "incident0001".parse().unwrap(),
        name: "Down".to_owned(),
        impact_override: None,
        created_at: at(3),
        updated_at: at(4),
        updates: vec![update],
    }
}

fn read(document: String) -> Value {
    serde_json::from_str(&document).unwrap()
}

#[test]
fn every_field_of_a_component_and_a_group_is_there_and_no_other() {
    let group = GroupId::from_random(50);
    let mut child = record(7, ComponentStatus::PartialOutage);
    child.component.group = Some(group.clone());
    child.component.description = "Text".to_owned();
    child.start_date = Some(date(2021, 4, 2));
    let mut gone = record(8, ComponentStatus::MajorOutage);
    gone.component.group = Some(group.clone());
    gone.deleted_at = Some(at(5));
    let groups = vec![GroupRecord {
        group: Group { id: group.clone(), name: "Europe".to_owned(), position: 3 },
        description: String::new(),
        created_at: at(0),
        updated_at: at(1),
    }];
    let document = read(components(&Source { groups, ..source(vec![child.clone(), gone]) }));
    let expected = json!({
        "page": {
            "id": "0123456789ab", "name": "Acme", "url": "https://status.example.com", "time_zone": "Europe/Paris",
            "updated_at": "2023-11-14T22:13:29.007Z",
        },
        "components": [
            {
                "id": group, "name": "Europe", "status": "partial_outage", "created_at": "2023-11-14T22:13:20.007Z",
                "updated_at": "2023-11-14T22:13:21.007Z", "position": 3, "description": null, "showcase": false,
                "start_date": null, "group_id": null, "page_id": "0123456789ab", "group": true,
                "only_show_if_degraded": false, "components": [child.component.id],
            },
            {
                "id": child.component.id, "name": "Component 7", "status": "partial_outage",
                "created_at": "2023-11-14T22:13:20.007Z", "updated_at": "2023-11-14T22:13:21.007Z", "position": 7,
                "description": "Text", "showcase": true, "start_date": "2021-04-02", "group_id": group,
                "page_id": "0123456789ab", "group": false, "only_show_if_degraded": false,
            },
        ],
    });
    assert_eq!(document, expected);
}

#[test]
fn an_incident_keeps_a_component_that_was_deleted_since() {
    let mut gone = record(8, ComponentStatus::Operational);
    gone.deleted_at = Some(at(5));
    let change = ComponentChange {
        component: gone.component.id.clone(),
        name: "Europe - Old".to_owned(),
        old: ComponentStatus::Operational,
        new: ComponentStatus::MajorOutage,
    };
    let incidents = [incident(IncidentStatus::Investigating, vec![change])];
    let source = source(vec![record(1, ComponentStatus::Operational), gone.clone()]);
    let document = read(summary(&source, (&incidents, &HashMap::new())));
    assert_eq!(document["components"].as_array().unwrap().len(), 1);
    assert_eq!(document["status"], json!({ "indicator": "none", "description": "All Systems Operational" }));
    assert_eq!(document["scheduled_maintenances"], json!([]));
    let expected = json!([{
        "id": "incident0001", "name": "Down", "status": "investigating", "created_at": "2023-11-14T22:13:23.007Z",
        "updated_at": "2023-11-14T22:13:24.007Z", "monitoring_at": null, "resolved_at": null, "impact": "critical",
        "shortlink": "https://status.example.com/incidents/incident0001", "started_at": "2023-11-14T22:13:22.007Z",
        "page_id": "0123456789ab", "reminder_intervals": null,
        "incident_updates": [{
            "id": "update000001", "status": "investigating", "body": "Some requests fail.<br />We <look>.",
            "incident_id": "incident0001", "created_at": "2023-11-14T22:13:23.007Z",
            "updated_at": "2023-11-14T22:13:24.007Z", "display_at": "2023-11-14T22:13:22.007Z",
            "affected_components": [{
                "code": gone.component.id, "name": "Europe - Old", "old_status": "operational",
                "new_status": "major_outage",
            }],
            "deliver_notifications": true, "custom_tweet": null, "tweet_id": null,
        }],
        "components": [read(serde_json::to_string(&source.component(&gone)).unwrap())],
    }]);
    assert_eq!(document["incidents"], expected);
}

#[test]
fn a_postmortem_is_over_and_an_update_without_components_says_null() {
    let incidents = [incident(IncidentStatus::Postmortem, Vec::new())];
    let document = read(super::incidents(&source(Vec::new()), (&incidents, &HashMap::new())));
    let incident = &document["incidents"][0];
    assert_eq!(incident["status"], "postmortem");
    assert_eq!(incident["resolved_at"], "2023-11-14T22:13:22.007Z");
    assert_eq!(incident["incident_updates"][0]["status"], "postmortem");
    assert_eq!(incident["incident_updates"][0]["affected_components"], Value::Null);
}

#[test]
fn what_another_page_said_of_an_incident_stands_until_its_updates_change() {
    let mut known = incident(IncidentStatus::Resolved, Vec::new());
    let said = Said {
        started_at: Some(Told { derived: Some(at(2)), said: Some(at(1)) }),
        resolved_at: Some(Told { derived: Some(at(2)), said: Some(at(60)) }),
        components: vec![ComponentId::from_random(1)],
        ..Said::default()
    };
    let said = HashMap::from([(known.id.clone(), said)]);
    let source = source(vec![record(1, ComponentStatus::Operational), record(2, ComponentStatus::Operational)]);
    let answer = |incident: &incident::Incident| {
        read(super::incidents(&source, (std::slice::from_ref(incident), &said)))["incidents"][0].clone()
    };
    let before = answer(&known);
    assert_eq!(before["started_at"], "2023-11-14T22:13:21.007Z");
    assert_eq!(before["resolved_at"], "2023-11-14T22:14:20.007Z");
    assert_eq!(before["components"].as_array().unwrap().len(), 1);
    let again = incident::Update {
        id: UpdateId::from_random(3),
        status: IncidentStatus::Investigating,
        display_at: at(100),
        ..known.updates[0].clone()
    };
    known.updates.insert(0, again);
    let reopened = answer(&known);
    assert_eq!(reopened["resolved_at"], Value::Null);
    assert_eq!(reopened["started_at"], "2023-11-14T22:13:21.007Z");
}

#[test]
fn an_update_that_was_taken_back_is_not_told() {
    let mut known = incident(IncidentStatus::Investigating, Vec::new());
    let wrong = incident::Update {
        id: UpdateId::from_random(3),
        status: IncidentStatus::Resolved,
        display_at: at(100),
        removed_at: Some(at(101)),
        ..known.updates[0].clone()
    };
    known.updates.insert(0, wrong);
    let document = read(super::incidents(&source(Vec::new()), (&[known], &HashMap::new())));
    let incident = &document["incidents"][0];
    assert_eq!((&incident["status"], &incident["resolved_at"]), (&json!("investigating"), &Value::Null));
    assert_eq!(incident["incident_updates"].as_array().unwrap().len(), 1);
}

proptest! {
    #[test]
    fn the_status_follows_the_components_whatever_incidents_say(
        leaves in prop::collection::vec(prop::sample::select(ComponentStatus::ALL), 0..8),
        said in prop::sample::select(IncidentStatus::ALL),
    ) {
        let records: Vec<_> = (1..).zip(&leaves).map(|(number, status)| record(number, *status)).collect();
        let source = source(records);
        let alone = read(status(&source));
        let incidents = [incident(said, Vec::new())];
        let whole = read(summary(&source, (&incidents, &HashMap::new())));
        prop_assert_eq!(&whole["status"], &alone["status"]);
        let worst = leaves.iter().max().copied().unwrap_or(ComponentStatus::Operational);
        let are_all = leaves.iter().all(|leaf| *leaf == worst);
        let expected = match worst {
            ComponentStatus::Operational => ("none", "All Systems Operational"),
            ComponentStatus::UnderMaintenance => ("maintenance", "Service Under Maintenance"),
            ComponentStatus::DegradedPerformance if are_all => ("minor", "Degraded System Service"),
            ComponentStatus::DegradedPerformance => ("minor", "Partially Degraded Service"),
            ComponentStatus::PartialOutage => ("minor", "Minor Service Outage"),
            ComponentStatus::MajorOutage if are_all => ("critical", "Major System Outage"),
            ComponentStatus::MajorOutage => ("major", "Partial System Outage"),
        };
        prop_assert_eq!(&alone["status"], &json!({ "indicator": expected.0, "description": expected.1 }));
    }
}
