//! A company with two components and an incident, and people who follow them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{
    audience::Audience,
    component::Component,
    i18n::Preferences,
    ids::{BroadcastId, ComponentId, IncidentId, UpdateId},
    incident::{ComponentChange, Incident, Update},
    status::{ComponentStatus, IncidentStatus},
    subscriber::Follows,
};
use jiff::Timestamp;
use server::store::{Store, broadcast_states::NewBroadcast, broadcasts::Broadcast, import::ImportRow};

/// What posts updates.
pub(crate) struct Company {
    pub(crate) store: Store,
    incident: IncidentId,
    posted: AtomicU64,
}

/// The component that the incident touches.
pub(crate) fn api() -> ComponentId {
    ComponentId::from_random(1)
}

/// One that it does not touch.
pub(crate) fn website() -> ComponentId {
    ComponentId::from_random(2)
}

/// The `number`th of those with this prefix.
pub(crate) fn address(prefix: &str, number: usize) -> String {
    format!("{prefix}{number}@example.com")
}

impl Company {
    /// Two components, nobody who follows them, nothing broken.
    pub(crate) async fn new(store: &Store, now: Timestamp) -> Self {
        let mut write = store.write().await.unwrap();
        for (id, name) in [(api(), "API"), (website(), "Website")] {
            let component = Component {
                id,
                name: name.into(),
                description: String::new(),
                status: ComponentStatus::Operational,
                group: None,
                position: 0,
            };
            write.put_component(&component, now).await.unwrap();
        }
        write.commit().await.unwrap();
        Self { store: store.clone(), incident: IncidentId::from_random(7), posted: AtomicU64::new(0) }
    }

    /// Lets `count` people follow something.
    pub(crate) async fn subscribe(&self, prefix: &str, count: usize, follows: Follows, now: Timestamp) {
        let rows: Vec<_> = (0..count)
            .map(|number| ImportRow {
                email: address(prefix, number).parse().unwrap(),
                follows: follows.clone(),
                preferences: Preferences::default(),
            })
            .collect();
        let mut write = self.store.write().await.unwrap();
        for rows in rows.chunks(500) {
            write.import_subscribers(rows, "asked on paper", now).await.unwrap();
        }
        write.commit().await.unwrap();
    }

    /// The same company with another incident.
    pub(crate) fn beside(&self) -> Self {
        Self { store: self.store.clone(), incident: IncidentId::from_random(8), posted: AtomicU64::new(500) }
    }

    /// Posts the next update of the incident, as publishing does.
    pub(crate) async fn post(&self, status: IncidentStatus, now: Timestamp) -> Broadcast {
        self.post_as("update", status, now).await
    }

    /// … as a broadcast of another kind.
    pub(crate) async fn post_as(&self, kind: &str, status: IncidentStatus, now: Timestamp) -> Broadcast {
        let number = self.posted.fetch_add(1, Ordering::Relaxed);
        let update = Update {
            id: UpdateId::from_random(100 + number),
            status,
            body: format!("Update number {number}."),
            display_at: now,
            created_at: now,
            updated_at: now,
            next_update_by: None,
            edited_at: None,
            removed_at: None,
            notify: true,
            components: vec![ComponentChange {
                component: api(),
                name: "API".into(),
                old: ComponentStatus::Operational,
                new: ComponentStatus::MajorOutage,
            }],
        };
        let mut write = self.store.write().await.unwrap();
        let incident = if let Some(mut incident) = write.incident(&self.incident).await.unwrap() {
            write.insert_update(&incident.id, &update, None).await.unwrap();
            incident.updates.insert(0, update.clone());
            write.refresh_incident(&incident, now).await.unwrap();
            incident
        } else {
            let incident = Incident {
                id: self.incident.clone(),
                name: "Elevated API errors".into(),
                impact_override: None,
                created_at: now,
                updated_at: now,
                updates: vec![update.clone()],
            };
            write.insert_incident(&incident, None).await.unwrap();
            incident
        };
        let audience = Audience::of(&incident);
        let new = NewBroadcast {
            id: BroadcastId::from_random(1000 + number),
            kind: kind.into(),
            incident: incident.id,
            update: update.id,
            audience,
        };
        let broadcast = write.publish_broadcast(&new, now).await.unwrap();
        write.commit().await.unwrap();
        broadcast
    }

    /// How a broadcast stands now.
    pub(crate) async fn look(&self, broadcast: &Broadcast) -> Broadcast {
        self.store.broadcast(&broadcast.id).await.unwrap().unwrap()
    }
}
