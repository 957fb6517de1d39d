//! Publishing: what happens between pressing the button and everyone knowing.
//!
//! One transaction writes the update, the components' statuses, the broadcast, the audit row and the page version. It
//! does not depend on how many subscribers there are; mails leave afterwards.

use std::collections::BTreeMap;

use domain::{
    audience::Audience,
    component::{Component, Group},
    forms::{FieldErrors, Listed, OpenIncident, PostUpdate},
    ids::{BroadcastId, ComponentId, IncidentId, UpdateId},
    incident::{ComponentChange, Incident, Update, is_newest},
    status::ComponentStatus,
    time,
};
use jiff::{SignedDuration, Timestamp};

use super::{claim, random, record};
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
    store::{Write, broadcast_states::NewBroadcast},
};

/// The kind of the broadcast that carries an update for the first time.
const UPDATE: &str = "update";

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The incident.
    pub incident: IncidentId,
    /// The update.
    pub update: UpdateId,
    /// On its way to subscribers, if they are told.
    pub broadcast: Option<BroadcastId>,
}

/// Opens an incident with its first update.
pub async fn open(state: &AppState, actor: &Actor, command: OpenIncident) -> Result<Published> {
    let now = state.clock.now();
    let id = IncidentId::from_random(random());
    let incident = Incident {
        id,
        name: command.name,
        impact_override: command.impact,
        created_at: now,
        updated_at: now,
        updates: Vec::new(),
    };
    publish(state, actor, Target::New(incident), command.update, now).await
}

/// Posts an update: the incident goes on, ends or is reopened.
pub async fn post_update(state: &AppState, actor: &Actor, id: &IncidentId, command: PostUpdate) -> Result<Published> {
    let now = state.clock.now();
    publish(state, actor, Target::Known(id.clone()), command, now).await
}

enum Target {
    New(Incident),
    Known(IncidentId),
}

async fn publish(
    state: &AppState,
    actor: &Actor,
    target: Target,
    command: PostUpdate,
    now: Timestamp,
) -> Result<Published> {
    let mut write = state.store.write().await?;
    // First, for it lets one publisher through at a time: what is read below is what will be changed.
    let version = write.bump_page_version(now).await?;
    if let Some(done) = already_published(&mut write, UPDATE, command.key.as_deref()).await? {
        return Ok(done);
    }
    let (mut incident, is_new) = match target {
        Target::New(incident) => (incident, true),
        Target::Known(id) => (write.incident(&id).await?.ok_or(Error::NotFound)?, false),
    };
    if !is_new && incident.is_removed() {
        return Err(Error::NotFound);
    }
    let newest = incident.newest();
    if let Some(newest) = newest.filter(|newest| command.seen.as_ref().is_some_and(|seen| *seen != newest.id)) {
        return Err(overtaken(newest));
    }
    // "Now" comes after all that was said, also when this machine's clock is behind another's.
    let after =
        incident.updates.first().and_then(|newest| newest.display_at.checked_add(SignedDuration::from_millis(1)).ok());
    let latest = after.map_or(now, |after| after.max(now));
    let display_at = command.display_at.unwrap_or(latest);
    let is_newest = is_newest(display_at, &incident.updates);
    if command.notify && !is_newest {
        let problem = "this is older than the newest update: mailing it now would tell people what is no longer true";
        return Err(FieldErrors::one("notify", problem).into());
    }
    let components = write.components().await?;
    let others = if command.restore { write.open_incidents().await? } else { Vec::new() };
    let wanted = wanted_statuses(&others, &incident, &command, is_newest);
    let update = Update {
        id: UpdateId::from_random(random()),
        status: command.status,
        body: command.body,
        display_at,
        created_at: now,
        updated_at: now,
        next_update_by: command.next_update_by,
        edited_at: None,
        removed_at: None,
        notify: command.notify,
        components: changes(&components, &write.groups().await?, &wanted),
    };
    incident.updates.push(update.clone());
    incident.updates.sort_by(|a, b| b.order().cmp(&a.order()));
    incident.updated_at = now;
    let key = command.key.as_deref();
    let is_first = if is_new {
        write.insert_incident(&incident, key).await?
    } else {
        let is_first = write.insert_update(&incident.id, &update, key).await?;
        write.refresh_incident(&incident, now).await?;
        is_first
    };
    if !is_first {
        // The same form, sent twice at the same moment: the other one has just been published.
        drop(write);
        let mut write = state.store.write().await?;
        let other = already_published(&mut write, UPDATE, key).await?;
        return other.ok_or(Error::Conflict("This is being published. Look at the incident before posting again."));
    }
    write.sign_update(&update.id, actor.label()).await?;
    if is_newest {
        for change in &update.components {
            write.set_component_status(&change.component, change.new, now).await?;
        }
    }
    let broadcast =
        if command.notify { Some(tell(&mut write, UPDATE, &incident, &update.id, now).await?) } else { None };
    let action = if is_new { "incident.open" } else { "incident.update" };
    let detail = format!("{} · {}", incident.name, update.status.as_str());
    record(&mut write, actor, action, &incident.id, detail, now).await?;
    claim(&mut write, actor, update.id.as_str(), now).await?;
    write.commit().await?;
    state.published(version);
    metrics::counter!("tidings_updates_published_total").increment(1);
    Ok(Published { incident: incident.id, update: update.id, broadcast })
}

/// Somebody said something while the author was writing: look at it first.
fn overtaken(newest: &Update) -> Error {
    let (status, at) = (newest.status.label(), time::clock(newest.display_at));
    let problem =
        format!("meanwhile “{status}” was posted for {at}: see it below, check what you chose and publish again");
    FieldErrors::one("status", problem).into()
}

/// What a form that was sent before has already published.
pub(super) async fn already_published(write: &mut Write, kind: &str, key: Option<&str>) -> Result<Option<Published>> {
    let Some(key) = key else { return Ok(None) };
    let Some((incident, update)) = write.update_by_dedupe_key(key).await? else { return Ok(None) };
    let broadcast = write.broadcast_of_update(&update, kind).await?.map(|broadcast| broadcast.id);
    Ok(Some(Published { incident, update, broadcast }))
}

/// The status each component this update lists is to have.
///
/// "Put everything back" covers all that the incident ever listed, but not a component another open incident still
/// counts as broken: that one keeps the other's word.
pub(super) fn wanted_statuses(
    others: &[Incident],
    incident: &Incident,
    command: &PostUpdate,
    is_newest: bool,
) -> Listed {
    let mut wanted = command.components.clone();
    if command.restore && is_newest {
        let others: Vec<_> =
            others.iter().filter(|other| other.id != incident.id).flat_map(Incident::affected).collect();
        let listed = incident.affected().into_iter().map(|affected| affected.component);
        for component in listed.chain(command.components.keys().cloned()) {
            let elsewhere = others.iter().filter(|other| other.component == component).map(|other| other.status).max();
            wanted.insert(component, elsewhere.unwrap_or(ComponentStatus::Operational));
        }
    }
    wanted
}

/// What the update says of each component, by the components' order. A component deleted meanwhile is left out.
pub(super) fn changes(components: &[Component], groups: &[Group], wanted: &Listed) -> Vec<ComponentChange> {
    let groups: BTreeMap<_, _> = groups.iter().map(|group| (&group.id, group.name.as_str())).collect();
    let listed = components.iter().filter_map(|component| Some((component, *wanted.get(&component.id)?)));
    listed
        .map(|(component, new)| {
            let group = component.group.as_ref().and_then(|id| groups.get(id));
            let name = group.map_or_else(|| component.name.clone(), |group| format!("{group} - {}", component.name));
            ComponentChange { component: component.id.clone(), name, old: component.status, new }
        })
        .collect()
}

/// Puts an update on its way to everyone who follows the incident.
pub(super) async fn tell(
    write: &mut Write,
    kind: &str,
    incident: &Incident,
    update: &UpdateId,
    now: Timestamp,
) -> Result<BroadcastId> {
    let audience = Audience::of(incident);
    let id = BroadcastId::from_random(random());
    let new =
        NewBroadcast { id, incident: incident.id.clone(), kind: kind.to_owned(), update: update.clone(), audience };
    Ok(write.publish_broadcast(&new, now).await?.id)
}

/// How many people an update would be mailed to: the incident's audience with these components added.
pub async fn count_recipients(
    state: &AppState,
    incident: Option<&Incident>,
    components: impl IntoIterator<Item = ComponentId>,
) -> Result<i64> {
    let mut audience =
        incident.map_or_else(|| Audience { incident: IncidentId::from_random(0), components: [].into() }, Audience::of);
    audience.components.extend(components);
    Ok(state.store.count_audience(&audience, state.clock.now()).await?)
}
