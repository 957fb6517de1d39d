//! What all imports of another status page share: what is here already, what is new, and writing it down in batches.
//!
//! ```text
//! record ─ digest as last time? ── yes ─▶ unchanged, whatever was done to it here
//!               │ no
//!               ▼ 100 at a time
//!          one transaction ─ … ─ the last one also has the audit row and the page's version
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{
    component::Component,
    ids::{ComponentId, GroupId, IncidentId, UpdateId},
    incident::Incident,
    status::ComponentStatus,
    token,
};
use jiff::Timestamp;

use super::Report;
use crate::{
    Failure,
    clock::Clock,
    store::{
        Store, StoreError, Write,
        audit::AuditEntry,
        component_records::{ComponentRecord, GroupRecord},
        import::ImportCounts,
        imports::{Kind, Said},
    },
};

/// Records in one transaction: few enough that a running server can publish in between.
const BATCH: usize = 100;

/// One import on its way.
pub(super) struct Intake<'a> {
    store: &'a Store,
    now: Timestamp,
    components: BTreeMap<ComponentId, ComponentRecord>,
    groups: BTreeMap<GroupId, GroupRecord>,
    /// The digests of what came before, and which of them were seen again.
    known_groups: HashMap<String, String>,
    known_components: HashMap<String, String>,
    known_incidents: HashMap<String, String>,
    owners: HashMap<UpdateId, IncidentId>,
    /// Every incident of this page, wherever it came from.
    incidents: HashSet<IncidentId>,
    waiting: Vec<Change>,
    counts: ImportCounts,
    refused: u64,
}

enum Change {
    Group(GroupRecord, String),
    Component(ComponentRecord, Option<String>),
    Incident(Box<Incident>, Said, String),
}

/// What is to be done about a record.
enum Novelty {
    New,
    Changed,
    Same,
}

fn failed(error: StoreError) -> Failure {
    Failure(error.to_string())
}

impl<'a> Intake<'a> {
    /// Looks at what is there.
    pub(super) async fn begin(store: &'a Store, clock: &Clock) -> Result<Self, Failure> {
        let components = store.component_records().await.map_err(failed)?;
        let groups = store.group_records().await.map_err(failed)?;
        let owners = store.update_owners().await.map_err(failed)?;
        Ok(Self {
            store,
            now: clock.now(),
            components: components.into_iter().map(|record| (record.component.id.clone(), record)).collect(),
            groups: groups.into_iter().map(|record| (record.group.id.clone(), record)).collect(),
            known_groups: store.imports(Kind::Group).await.map_err(failed)?,
            known_components: store.imports(Kind::Component).await.map_err(failed)?,
            known_incidents: store.imports(Kind::Incident).await.map_err(failed)?,
            incidents: owners.values().cloned().collect(),
            owners,
            waiting: Vec::new(),
            counts: ImportCounts::default(),
            refused: 0,
        })
    }

    /// The present moment, the same for the whole import.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Counts a record that was not taken.
    pub(super) fn refuse(&mut self) {
        self.refused += 1;
    }

    /// Whether there is such a group.
    pub(super) fn has_group(&self, id: &GroupId) -> bool {
        self.groups.contains_key(id)
    }

    /// Whether there is such a component, on the page or of the past.
    pub(super) fn has_component(&self, id: &ComponentId) -> bool {
        self.components.contains_key(id)
    }

    /// The group of this name.
    pub(super) fn group_named(&self, name: &str) -> Option<GroupId> {
        self.groups.values().find(|record| record.group.name == name).map(|record| record.group.id.clone())
    }

    /// The one component on the page that is called so, with or without its group in front.
    pub(super) fn component_named(&self, name: &str) -> Option<ComponentId> {
        let called = |record: &&ComponentRecord| {
            let component = &record.component;
            record.deleted_at.is_none() && (component.name == name || self.full_name(component) == name)
        };
        let mut called = self.components.values().filter(called);
        let first = called.next()?;
        called.next().is_none().then(|| first.component.id.clone())
    }

    /// "Group - Component", or its name alone.
    pub(super) fn full_name(&self, component: &Component) -> String {
        let group = component.group.as_ref().and_then(|id| self.groups.get(id));
        group.map_or_else(|| component.name.clone(), |group| format!("{} - {}", group.group.name, component.name))
    }

    /// What a component is called where its group is not seen.
    pub(super) fn name_of(&self, id: &ComponentId) -> Option<String> {
        self.components.get(id).map(|record| self.full_name(&record.component))
    }

    /// Takes a group.
    pub(super) fn take_group(&mut self, record: GroupRecord, digest: String) {
        let id = record.group.id.clone();
        if self.is_news(Kind::Group, id.as_str(), &digest) {
            self.groups.insert(id, record.clone());
            self.waiting.push(Change::Group(record, digest));
        }
    }

    /// Takes a component of the page. One that was taken off this page since stays off.
    pub(super) fn take_component(&mut self, mut record: ComponentRecord, digest: String) {
        let id = record.component.id.clone();
        if self.known_components.contains_key(id.as_str()) {
            record.deleted_at = self.components.get(&id).and_then(|known| known.deleted_at);
        }
        if self.is_news(Kind::Component, id.as_str(), &digest) {
            self.components.insert(id, record.clone());
            self.waiting.push(Change::Component(record, Some(digest)));
        }
    }

    /// Notes a component that only the past speaks of, unless it is known.
    fn remember(&mut self, component: Component, at: Timestamp) {
        if self.has_component(&component.id) {
            return;
        }
        let record = ComponentRecord {
            showcase: false,
            start_date: None,
            only_show_if_degraded: false,
            created_at: at,
            updated_at: at,
            deleted_at: Some(at),
            component: Component { status: ComponentStatus::Operational, ..component },
        };
        self.components.insert(record.component.id.clone(), record.clone());
        self.waiting.push(Change::Component(record, None));
    }

    /// Takes an incident, unless something of it belongs to another. It may speak of components that only the past knows.
    pub(super) fn take_incident(
        &mut self,
        incident: Incident,
        said: Said,
        digest: String,
        historical: Vec<Component>,
    ) -> Result<(), String> {
        let id = incident.id.as_str();
        if !self.known_incidents.contains_key(id) && self.incidents.contains(&incident.id) {
            return Err("this page has an incident with this id".to_owned());
        }
        for update in &incident.updates {
            if self.owners.get(&update.id).is_some_and(|owner| *owner != incident.id) {
                return Err(format!("its update {} belongs to another incident", update.id));
            }
        }
        if self.is_news(Kind::Incident, id, &digest) {
            for component in historical {
                self.remember(component, incident.created_at);
            }
            self.owners.extend(incident.updates.iter().map(|update| (update.id.clone(), incident.id.clone())));
            self.waiting.push(Change::Incident(Box::new(incident), said, digest));
        }
        Ok(())
    }

    /// Counts a record and says whether there is anything to do about it.
    fn is_news(&mut self, kind: Kind, id: &str, digest: &str) -> bool {
        let known = match kind {
            Kind::Group => &mut self.known_groups,
            Kind::Component => &mut self.known_components,
            Kind::Incident | Kind::Page => &mut self.known_incidents,
        };
        let novelty = match known.insert(id.to_owned(), digest.to_owned()) {
            None => Novelty::New,
            Some(before) if before == digest => Novelty::Same,
            Some(_) => Novelty::Changed,
        };
        match novelty {
            Novelty::New => self.counts.created += 1,
            Novelty::Changed => self.counts.updated += 1,
            Novelty::Same => self.counts.unchanged += 1,
        }
        !matches!(novelty, Novelty::Same)
    }

    /// Writes what waits, if it is enough for a transaction.
    pub(super) async fn write_some(&mut self) -> Result<(), Failure> {
        if self.waiting.len() < BATCH {
            return Ok(());
        }
        let mut write = self.store.write().await.map_err(failed)?;
        self.put(&mut write).await.map_err(failed)?;
        write.commit().await.map_err(failed)
    }

    /// Writes the rest, says so in the audit log and tells every page that it changed; nothing of it if nothing did.
    pub(super) async fn finish(mut self, action: &'static str) -> Result<Report, Failure> {
        let report = Report { counts: self.counts, refused: self.refused };
        if self.counts.created + self.counts.updated > 0 {
            let mut write = self.store.write().await.map_err(failed)?;
            write.bump_page_version(self.now).await.map_err(failed)?;
            self.put(&mut write).await.map_err(failed)?;
            let entry = AuditEntry {
                actor: "command line".to_owned(),
                action,
                subject: "page".to_owned(),
                detail: report.to_string(),
                address: String::new(),
            };
            write.audit(&entry, self.now).await.map_err(failed)?;
            write.commit().await.map_err(failed)?;
        }
        Ok(report)
    }

    async fn put(&mut self, write: &mut Write) -> crate::store::Result<()> {
        for change in self.waiting.drain(..) {
            match change {
                Change::Group(record, digest) => {
                    write.put_group_record(&record).await?;
                    write.note_import(Kind::Group, record.group.id.as_str(), &digest, None, self.now).await?;
                }
                Change::Component(record, digest) => {
                    write.put_component_record(&record).await?;
                    if let Some(digest) = digest {
                        let id = record.component.id.as_str();
                        write.note_import(Kind::Component, id, &digest, None, self.now).await?;
                    }
                }
                Change::Incident(incident, said, digest) => {
                    write.put_incident(&incident).await?;
                    let said = Some(&said).filter(|said| **said != Said::default());
                    write.note_import(Kind::Incident, incident.id.as_str(), &digest, said, self.now).await?;
                }
            }
        }
        Ok(())
    }
}

/// 64 bits that always follow from the same words, for the id of what has none of our form.
pub(super) fn bits(words: &[&str]) -> u64 {
    let hash = token::hash(&words.join("\n"));
    u64::from_str_radix(&hash[..16], 16).unwrap_or_default()
}
