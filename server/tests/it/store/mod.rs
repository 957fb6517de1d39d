//! The store on both databases: every public function, on each.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod attempts;
mod audience;
mod audit;
mod bounces;
mod broadcasts;
mod carried;
mod components;
mod deliveries;
mod drafts;
mod erasures;
mod import;
mod imports;
mod incidents;
mod keys;
mod logos;
mod mail_speeds;
mod mail_usage;
mod nodes;
mod page;
mod pages;
mod peers;
mod postmortems;
mod recipients;
mod repetitions;
mod revivals;
mod sessions;
mod sign_ups;
mod sitemap;
mod subscriber_list;
mod subscriber_lists;
mod subscribers;
mod suppressions;
mod templates;
mod transports;
mod update_versions;
mod users;
mod wishes;

use domain::{
    component::Component,
    email_address::EmailAddress,
    i18n::Preferences,
    ids::{ComponentId, IncidentId, SubscriberId, UpdateId},
    incident::{ComponentChange, Incident, Update},
    status::{ComponentStatus, IncidentStatus},
    subscriber::{Follows, SubscriberState},
};
use jiff::Timestamp;
use server::store::{Store, subscribers::Subscriber};

/// What people write, at its worst.
const AWKWARD: &str = "It's \"down\" -- 50 % 🔥; drop table users;\n\\ $1 ? <script>\u{202e}é\u{301}\r\n\ttab";

/// So many milliseconds after an arbitrary, odd instant.
fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_707_127_920_123 + millis).unwrap()
}

fn email(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

fn component(number: u64) -> Component {
    Component {
        id: ComponentId::from_random(number),
        name: format!("Component {number}"),
        description: String::new(),
        status: ComponentStatus::Operational,
        group: None,
        position: i64::try_from(number).unwrap(),
    }
}

/// An update `minute` minutes in, that says `new` of each of `components`.
fn update(minute: i64, status: IncidentStatus, components: &[(u64, ComponentStatus)]) -> Update {
    Update {
        id: UpdateId::from_random(minute.unsigned_abs() + 1_000),
        status,
        body: format!("Minute {minute}."),
        display_at: at(minute * 60_000),
        created_at: at(minute * 60_000 + 1),
        updated_at: at(minute * 60_000 + 2),
        next_update_by: None,
        edited_at: None,
        removed_at: None,
        notify: minute % 2 == 0,
        components: components
            .iter()
            .map(|(number, new)| ComponentChange {
                component: ComponentId::from_random(*number),
                name: format!("Component {number}"),
                old: ComponentStatus::Operational,
                new: *new,
            })
            .collect(),
    }
}

/// An incident with these updates, which may come in any order.
fn incident(number: u64, mut updates: Vec<Update>) -> Incident {
    for update in &mut updates {
        // So that two incidents can have updates of the same minute.
        update.id = UpdateId::from_random(number * 1_000_000 + update.display_at.as_millisecond().unsigned_abs());
    }
    updates.sort_by(|a, b| b.order().cmp(&a.order()));
    Incident {
        id: IncidentId::from_random(number),
        name: format!("Incident {number}"),
        impact_override: None,
        created_at: at(5),
        updated_at: at(6),
        updates,
    }
}

fn follows(components: &[u64], incidents: &[u64]) -> Follows {
    Follows {
        everything: false,
        components: components.iter().map(|number| ComponentId::from_random(*number)).collect(),
        incidents: incidents.iter().map(|number| IncidentId::from_random(*number)).collect(),
    }
}

fn subscriber(id: i64, follows: Follows) -> Subscriber {
    Subscriber {
        id: SubscriberId(id),
        email: email(&format!("Person{id}@example.com")),
        state: SubscriberState::Active,
        follows,
        preferences: Preferences::default(),
        generation: 1,
        consent: "Asked on the page".into(),
        created_at: at(0),
        updated_at: at(0),
        confirmation_sent_at: None,
        confirmed_at: None,
        unsubscribed_at: None,
        owed: None,
    }
}

/// Components 1 to `count`.
async fn with_components(store: &Store, count: u64) {
    let mut write = store.write().await.unwrap();
    for number in 1..=count {
        write.put_component(&component(number), at(0)).await.unwrap();
    }
    write.commit().await.unwrap();
}

async fn put_incident(store: &Store, incident: &Incident) {
    let mut write = store.write().await.unwrap();
    assert!(write.insert_incident(incident, None).await.unwrap());
    write.commit().await.unwrap();
}

async fn put_subscribers(store: &Store, subscribers: &[Subscriber]) {
    let mut write = store.write().await.unwrap();
    for subscriber in subscribers {
        write.put_subscriber(subscriber).await.unwrap();
    }
    write.commit().await.unwrap();
}
