//! `tidings import cstate`: the folder of a cState site.
//!
//! | there | here |
//! |---|---|
//! | a category of `config.yml`, a system | a group, a component |
//! | a file below `content/issues` | an incident: its text is the first update, `resolvedWhen` the last |
//! | `severity` `notice`, `disrupted`, `down` | the listed components stay operational, had a partial or a major outage |
//! | a paragraph that ends in `{{< track "2020-04-11 12:00" >}}` | an update of its own, its status the word it begins with |
//!
//! Other times in a text ("Updates: … 12:24 UTC: …") are words among words: every site writes them in its own way, and a
//! wrong guess would change what was said when. Times without a zone are UTC, as cState has it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use domain::{
    component::{Component, Group},
    ids::{ComponentId, GroupId},
    status::ComponentStatus,
    token,
};
use serde_json::Value;

use super::{
    Report,
    cstate_issue::{self, Issue},
    front_matter,
    intake::{Intake, bits},
    record::{Record, Refusal},
};
use crate::{
    Failure,
    clock::Clock,
    store::{
        Store,
        component_records::{ComponentRecord, GroupRecord},
    },
};

/// What the settings of a site may be called.
const SETTINGS: [&str; 6] = ["config.yml", "config.yaml", "config.toml", "hugo.yml", "hugo.yaml", "hugo.toml"];

/// Imports systems and issues; nobody is mailed. What is damaged is passed to `refuse` with its file and line while the
/// rest goes in; so is, as a remark, what is odd and goes in all the same.
pub async fn cstate(
    store: &Store,
    clock: &Clock,
    folder: &Path,
    mut refuse: impl FnMut(String),
) -> Result<Report, Failure> {
    let settings = settings(folder)?;
    let mut intake = Intake::begin(store, clock).await?;
    let mut issues = Vec::new();
    for path in files(&issues_of(folder))? {
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        let text = fs::read_to_string(&path).map_err(|error| Failure(format!("{name} cannot be read: {error}")))?;
        // The file's own name is the issue's address.
        let slug = path.file_stem().unwrap_or_default().to_string_lossy();
        match cstate_issue::read(&slug, &text, intake.now()) {
            Ok(issue) => issues.push((name, token::hash(&text), issue)),
            Err((line, reason)) => {
                intake.refuse();
                refuse(format!("{name}:{line}: {reason}"));
            }
        }
    }
    if let Some((path, settings)) = &settings {
        let taken = Record::at(String::new(), settings).and_then(|record| take_systems(&mut intake, &record, &issues));
        if let Err(Refusal { place, reason }) = taken {
            return Err(Failure(format!("{}: {place}: {reason}", path.display())));
        }
    }
    for (name, digest, issue) in issues {
        for (line, remark) in &issue.remarks {
            refuse(format!("{name}:{line}: {remark}"));
        }
        let known = systems(&mut intake, &issue, settings.is_some());
        if let Err(reason) = cstate_issue::take(&mut intake, issue, known, digest) {
            intake.refuse();
            refuse(format!("{name}:1: {reason}"));
        }
        intake.write_some().await?;
    }
    intake.finish("import.cstate").await
}

/// The site's settings, if they are there.
fn settings(folder: &Path) -> Result<Option<(PathBuf, Value)>, Failure> {
    let Some(path) = SETTINGS.iter().map(|name| folder.join(name)).find(|path| path.is_file()) else {
        return Ok(None);
    };
    let name = path.display();
    let text = fs::read_to_string(&path).map_err(|error| Failure(format!("{name} cannot be read: {error}")))?;
    let is_toml = path.extension().is_some_and(|end| end == "toml");
    let settings = if is_toml { front_matter::toml(&text) } else { front_matter::yaml(&text) };
    let settings = settings.map_err(|(line, reason)| Failure(format!("{name}:{line}: {reason}")))?;
    Ok(Some((path, settings)))
}

/// `content/issues` in a site, or the folder itself.
fn issues_of(folder: &Path) -> PathBuf {
    let issues = folder.join("content/issues");
    if issues.is_dir() { issues } else { folder.to_owned() }
}

/// The Markdown files of a folder and those below it, by name. Hugo's own begin with `_`.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| Failure(format!("{} cannot be read: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_ours = !path.file_name().unwrap_or_default().to_string_lossy().starts_with(['_', '.']);
        if path.is_dir() && is_ours && !path.is_symlink() {
            files.extend(self::files(&path)?);
        } else if path.extension().is_some_and(|end| end == "md") && is_ours {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Takes the site's categories and systems. A system fares as the open issues say.
fn take_systems(intake: &mut Intake, settings: &Record, issues: &[(String, String, Issue)]) -> Result<(), Refusal> {
    let Some(parameters) = settings.record("params")? else { return Ok(()) };
    let now = intake.now();
    let mut categories = BTreeMap::new();
    for (position, category) in (1..).zip(parameters.list("categories")?) {
        if category.flag("untitled")?.unwrap_or_default() {
            continue;
        }
        let name = category.name("name")?;
        let id = intake.group_named(name).unwrap_or_else(|| GroupId::from_random(bits(&["cstate category", name])));
        let description = category.text("description")?.unwrap_or_default().trim().to_owned();
        let digest = token::hash(&format!("{name}\n{position}\n{description}"));
        let group = Group { id: id.clone(), name: name.to_owned(), position };
        intake.take_group(GroupRecord { group, description, created_at: now, updated_at: now }, digest);
        categories.insert(name.to_owned(), id);
    }
    for (position, system) in (1..).zip(parameters.list("systems")?) {
        let name = system.name("name")?;
        let id = system_id(name);
        if !intake.has_component(&id) && intake.component_named(name).is_some() {
            continue; // It was made here, by hand.
        }
        let description = system.text("description")?.unwrap_or_default().trim().to_owned();
        let category = system.text("category")?.unwrap_or_default();
        let open = issues.iter().filter(|(_, _, issue)| !issue.is_over && issue.lists(name));
        let status = open.map(|(_, _, issue)| issue.status).max().unwrap_or(ComponentStatus::Operational);
        let digest = token::hash(&format!("{name}\n{position}\n{category}\n{}\n{description}", status.as_str()));
        let component = Component {
            id,
            name: name.to_owned(),
            description,
            status,
            group: categories.get(category).cloned(),
            position,
        };
        intake.take_component(on_the_page(component, now), digest);
    }
    Ok(())
}

fn on_the_page(component: Component, now: jiff::Timestamp) -> ComponentRecord {
    ComponentRecord {
        component,
        showcase: true,
        start_date: None,
        only_show_if_degraded: false,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

/// The components that an issue lists. What the settings do not know is of the past; without settings it is on the page.
fn systems(intake: &mut Intake, issue: &Issue, has_settings: bool) -> Vec<Component> {
    let mut components = Vec::new();
    for name in &issue.affected {
        let id = intake.component_named(name).unwrap_or_else(|| system_id(name));
        let component = Component {
            id,
            name: name.clone(),
            description: String::new(),
            status: ComponentStatus::Operational,
            group: None,
            position: 0,
        };
        if !has_settings && !intake.has_component(&component.id) {
            let now = intake.now();
            intake.take_component(on_the_page(component.clone(), now), token::hash(name));
        }
        components.push(component);
    }
    components
}

/// Always the same for a name, however its letters are written: people are not strict about that.
fn system_id(name: &str) -> ComponentId {
    ComponentId::from_random(bits(&["cstate system", &name.to_lowercase()]))
}
