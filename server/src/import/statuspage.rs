//! `tidings import statuspage`: what the read API of a Statuspage page answered, saved to files.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use domain::{
    component::{Component, Group},
    forms::DESCRIPTION_MAX,
    ids::{ComponentId, GroupId, PageId},
    status::ComponentStatus,
    token,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{
    Report,
    intake::{Intake, bits},
    record::{Record, Refusal},
    statuspage_incident,
};
use crate::{
    Failure,
    clock::Clock,
    store::{
        Store,
        component_records::{ComponentRecord, GroupRecord},
        imports::Kind,
    },
};

/// Why maintenance windows stay out.
const MAINTENANCE: &str = "it is a maintenance window, and Tidings has none yet; it was not made an incident";

/// What to read; each may be an answer of the API that holds more, such as `summary.json`, or a bare list.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(required = true, multiple = true)]
pub struct Files {
    /// Components and groups
    #[arg(long, value_name = "FILE")]
    pub components: Option<PathBuf>,
    /// Incidents with their updates
    #[arg(long, value_name = "FILE")]
    pub incidents: Option<PathBuf>,
    /// Maintenance windows; each is refused by name until there are any
    #[arg(long, value_name = "FILE")]
    pub maintenances: Option<PathBuf>,
}

/// A file and what it holds.
struct Document<'a> {
    path: &'a Path,
    value: Value,
}

impl<'a> Document<'a> {
    fn read(path: &'a Path) -> Result<Self, Failure> {
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| Failure(format!("{name} cannot be read: {error}")))?;
        let value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| Failure(format!("{name} is not JSON: {error}")))?;
        Ok(Self { path, value })
    }

    /// The list of this name, or the document itself where that is one, with its JSON pointer.
    fn list(&self, name: &str) -> Option<(String, &[Value])> {
        match (&self.value, self.value.get(name)) {
            (Value::Array(list), _) => Some((String::new(), list)),
            (_, Some(Value::Array(list))) => Some((format!("/{name}"), list)),
            _ => None,
        }
    }

    fn needed(&self, name: &str) -> Result<(String, &[Value]), Failure> {
        self.list(name).ok_or_else(|| Failure(format!("{} holds no list of {name}", self.path.display())))
    }
}

/// Imports components, groups and incidents with everything said about them; nobody is mailed. What is damaged is passed to
/// `refuse` with its place while the rest goes in; so is, as a remark, what contradicts itself and goes in all the same.
pub async fn statuspage(
    store: &Store,
    clock: &Clock,
    files: &Files,
    mut refuse: impl FnMut(String),
) -> Result<Report, Failure> {
    // All of them first: a file that cannot be read stops it before anything is written.
    let components = files.components.as_deref().map(Document::read).transpose()?;
    let incidents = files.incidents.as_deref().map(Document::read).transpose()?;
    let maintenances = files.maintenances.as_deref().map(Document::read).transpose()?;
    let lists = [(&components, "components"), (&incidents, "incidents"), (&maintenances, "scheduled_maintenances")];
    for (document, name) in lists {
        document.as_ref().map(|document| document.needed(name)).transpose()?;
    }
    let mut intake = Intake::begin(store, clock).await?;
    for document in [&components, &incidents].into_iter().flatten() {
        keep_page(store, clock, &document.value).await?;
    }
    if let Some(document) = &components {
        take_components(&mut intake, document, &mut refuse).await?;
    }
    if let Some(document) = &incidents {
        take_incidents(&mut intake, document, &mut refuse).await?;
    }
    let windows = match (&maintenances, &incidents) {
        (Some(document), _) => Some((document, document.needed("scheduled_maintenances")?)),
        (None, Some(document)) if document.value.is_object() => {
            document.list("scheduled_maintenances").map(|list| (document, list))
        }
        _ => None,
    };
    if let Some((document, (place, windows))) = windows {
        for (index, window) in windows.iter().enumerate() {
            intake.refuse();
            let name = window.get("name").and_then(Value::as_str).unwrap_or_default();
            refuse(format!("{}: {place}/{index} “{name}”: {MAINTENANCE}", document.path.display()));
        }
    }
    intake.finish("import.statuspage").await
}

/// Takes over the page's id, once, and its name and time zone where the owner chose none.
async fn keep_page(store: &Store, clock: &Clock, document: &Value) -> Result<(), Failure> {
    let failed = |error: crate::store::StoreError| Failure(error.to_string());
    let text = |field: &str| document.get("page")?.get(field)?.as_str();
    let Some(id) = text("id").and_then(|id| id.parse::<PageId>().ok()) else { return Ok(()) };
    if !store.imports(Kind::Page).await.map_err(failed)?.is_empty() {
        return Ok(());
    }
    let now = clock.now();
    let mut write = store.write().await.map_err(failed)?;
    write.put_setting("page_id", id.as_str(), now).await.map_err(failed)?;
    if let Some(name) = text("name").filter(|name| !name.trim().is_empty()) {
        write.default_setting("name", name, now).await.map_err(failed)?;
    }
    if let Some(zone) = text("time_zone").filter(|zone| TimeZone::get(zone).is_ok()) {
        write.default_setting("time_zone", zone, now).await.map_err(failed)?;
    }
    write.note_import(Kind::Page, id.as_str(), "", None, now).await.map_err(failed)?;
    write.bump_page_version(now).await.map_err(failed)?;
    write.commit().await.map_err(failed)
}

async fn take_components(
    intake: &mut Intake<'_>,
    document: &Document<'_>,
    refuse: &mut impl FnMut(String),
) -> Result<(), Failure> {
    let (place, list) = document.needed("components")?;
    let mut seen = HashSet::new();
    // Groups first: components stand in them.
    for groups in [true, false] {
        for (index, value) in list.iter().enumerate() {
            let taken = Record::at(format!("{place}/{index}"), value).and_then(|record| {
                if is_group(&record) == groups {
                    let id = record.needed("id")?;
                    if !seen.insert(id.to_owned()) {
                        return record.refuse("id", format!("“{id}” stands here twice"));
                    }
                    take_component(intake, &record, groups, token::hash(&value.to_string()))?;
                }
                Ok(())
            });
            // What is no object at all is looked at twice and refused once.
            if let Err(refusal) = taken
                && (groups || value.is_object())
            {
                intake.refuse();
                refuse(line(document, &refusal, value));
            }
            intake.write_some().await?;
        }
    }
    Ok(())
}

fn is_group(record: &Record) -> bool {
    record.flag("group").unwrap_or_default().unwrap_or_else(|| record.has("components"))
}

fn take_component(intake: &mut Intake, record: &Record, is_group: bool, digest: String) -> Result<(), Refusal> {
    record.flag("group")?;
    let created_at = record.time("created_at")?.unwrap_or(intake.now());
    let updated_at = record.time("updated_at")?.unwrap_or(created_at);
    if is_group {
        let group = GroupRecord {
            group: Group {
                id: group_id(record.needed("id")?),
                name: record.name("name")?.to_owned(),
                position: record.number("position")?.unwrap_or_default(),
            },
            description: description(record)?,
            created_at,
            updated_at,
        };
        intake.take_group(group, digest);
    } else {
        let component = ComponentRecord {
            component: component(intake, record)?,
            showcase: record.flag("showcase")?.unwrap_or_default(),
            start_date: record.word("start_date")?,
            only_show_if_degraded: record.flag("only_show_if_degraded")?.unwrap_or_default(),
            created_at,
            updated_at,
            deleted_at: None,
        };
        intake.take_component(component, digest);
    }
    Ok(())
}

/// What pages show of a component.
pub(super) fn component(intake: &Intake, record: &Record) -> Result<Component, Refusal> {
    Ok(Component {
        id: component_id(record.needed("id")?),
        name: record.name("name")?.to_owned(),
        description: description(record)?,
        status: record.word("status")?.unwrap_or(ComponentStatus::Operational),
        // A group that is not there is none.
        group: record.text("group_id")?.map(group_id).filter(|id| intake.has_group(id)),
        position: record.number("position")?.unwrap_or_default(),
    })
}

fn description(record: &Record) -> Result<String, Refusal> {
    let description = record.text("description")?.unwrap_or_default();
    if description.chars().count() > DESCRIPTION_MAX {
        return record.refuse("description", format!("this is longer than {DESCRIPTION_MAX} characters"));
    }
    Ok(description.to_owned())
}

async fn take_incidents(
    intake: &mut Intake<'_>,
    document: &Document<'_>,
    refuse: &mut impl FnMut(String),
) -> Result<(), Failure> {
    let (place, list) = document.needed("incidents")?;
    let mut seen = HashSet::new();
    for (index, value) in list.iter().enumerate() {
        let taken = Record::at(format!("{place}/{index}"), value).and_then(|record| {
            if record.has("scheduled_for") {
                return record.refuse("scheduled_for", MAINTENANCE);
            }
            let id = record.needed("id")?;
            if !seen.insert(id.to_owned()) {
                return record.refuse("id", format!("“{id}” stands here twice"));
            }
            statuspage_incident::take(intake, &record, token::hash(&value.to_string()))
        });
        match taken {
            Ok(remarks) => remarks.iter().for_each(|remark| refuse(line(document, remark, value))),
            Err(refusal) => {
                intake.refuse();
                refuse(line(document, &refusal, value));
            }
        }
        intake.write_some().await?;
    }
    Ok(())
}

/// `incidents.json: /incidents/3/status “Down”: …`
fn line(document: &Document, Refusal { place, reason }: &Refusal, value: &Value) -> String {
    let name = value.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.map(|name| format!(" “{name}”")).unwrap_or_default();
    format!("{}: {place}{name}: {reason}", document.path.display())
}

/// As the API gives it, or one that always follows from it.
pub(super) fn component_id(text: &str) -> ComponentId {
    text.parse().unwrap_or_else(|_| ComponentId::from_random(bits(&["component", text])))
}

fn group_id(text: &str) -> GroupId {
    text.parse().unwrap_or_else(|_| GroupId::from_random(bits(&["group", text])))
}

/// When a record was written, if it is not said.
pub(super) fn earliest(times: impl Iterator<Item = Timestamp>, now: Timestamp) -> Timestamp {
    times.min().unwrap_or(now)
}
