//! Changing what was published: other words, a correction by mail, taking it back.
//!
//! Each is one transaction, as publishing is. What was said before is kept, unless nobody can have been mailed it.

use std::collections::BTreeSet;

use domain::{
    audience::Audience,
    broadcast::BroadcastState,
    forms::{ChangeIncident, EditUpdate, FieldErrors},
    ids::{BroadcastId, IncidentId, UpdateId},
    incident::{Incident, REMOVED, Update},
    removal::{self, Removal},
    status::IncidentStatus,
};
use jiff::Timestamp;

use super::{drafts::keep_removed, note, random};
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
    store::{Write, broadcast_states::NewBroadcast, broadcasts::Broadcast},
};

/// Gives a published update another text; its status, components and time stay. Nobody is mailed: see [`correct`].
pub async fn edit_update(
    state: &AppState,
    actor: &Actor,
    incident: &IncidentId,
    update: &UpdateId,
    command: EditUpdate,
) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let version = write.bump_page_version(now).await?;
    let mut incident = write.incident(incident).await?.ok_or(Error::NotFound)?;
    let known = find_kept(&mut incident, update)?;
    if known.status == IncidentStatus::Postmortem {
        return Err(Error::Conflict("A postmortem is edited as a whole: open it from its incident."));
    }
    if known.body == command.body {
        return Ok(());
    }
    let versions = write.count_versions(update).await?;
    if command.seen.is_some_and(|seen| seen != versions) {
        let problem =
            "a colleague edited this meanwhile: see the present text below, put in what is missing and save again";
        return Err(FieldErrors::one("body", problem).into());
    }
    write.edit_update(known, &command.body, actor.label(), now).await?;
    known.body = command.body;
    (known.edited_at, known.updated_at) = (Some(now), now);
    let detail = format!("{} · version {}", update, versions + 2);
    write.refresh_incident(&incident, now).await?;
    note(&mut write, actor, "update.edit", &incident.id, detail, now).await?;
    write.commit().await?;
    state.published(version);
    Ok(())
}

/// Mails the newest update once more, as a correction, to all who are told of the incident. Once for each edit.
///
/// An older one is never mailed again: that would tell people what is no longer true.
pub async fn correct(state: &AppState, actor: &Actor, incident: &IncidentId, update: &UpdateId) -> Result<BroadcastId> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    // One publisher at a time: what is newest now stays so until this is on its way.
    let version = write.bump_page_version(now).await?;
    let incident = write.incident(incident).await?.ok_or(Error::NotFound)?;
    if incident.newest().is_none_or(|newest| newest.id != *update) {
        return Err(Error::Conflict(
            "Something newer was said meanwhile: a correction of this would tell what is no longer true.",
        ));
    }
    if !can_be_corrected(&incident, &write.mailed_updates(&incident.id).await?) {
        return Err(Error::Conflict("There is nothing to correct: its text was not changed, or nobody was mailed it."));
    }
    let kind = format!("correction.{}", write.count_versions(update).await?);
    if let Some(there) = write.broadcast_of_update(update, &kind).await? {
        return Ok(there.id);
    }
    let id = BroadcastId::from_random(random());
    let audience = Audience::of(&incident);
    let new = NewBroadcast { id, incident: incident.id.clone(), kind, update: update.clone(), audience };
    let broadcast = write.publish_broadcast(&new, now).await?;
    note(&mut write, actor, "update.correct", &incident.id, update, now).await?;
    write.commit().await?;
    state.published(version);
    Ok(broadcast.id)
}

/// Whether the newest update was mailed and says something else since.
pub fn can_be_corrected(incident: &Incident, mailed: &[UpdateId]) -> bool {
    let newest = incident.newest().filter(|newest| newest.is_kept() && newest.edited_at.is_some());
    newest.is_some_and(|newest| mailed.contains(&newest.id))
}

/// Changes what an incident is called and the author's word on how bad it is.
pub async fn change_incident(state: &AppState, actor: &Actor, id: &IncidentId, command: ChangeIncident) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let version = write.bump_page_version(now).await?;
    let mut incident = write.incident(id).await?.ok_or(Error::NotFound)?;
    if incident.is_removed() {
        return Err(Error::NotFound);
    }
    let detail = format!(
        "{} → {} · impact {}",
        incident.name,
        command.name,
        command.impact.map_or("derived", |impact| impact.as_str())
    );
    (incident.name, incident.impact_override) = (command.name, command.impact);
    write.refresh_incident(&incident, now).await?;
    note(&mut write, actor, "incident.change", id, detail, now).await?;
    write.commit().await?;
    state.published(version);
    Ok(())
}

/// What removing an update, or the whole incident, would come to just now.
pub async fn plan_removal(state: &AppState, incident: &Incident, update: Option<&UpdateId>) -> Result<Removal> {
    let mailed: BTreeSet<_> = state.store.mailed_updates(&incident.id).await?.into_iter().collect();
    let others = others(state.store.open_incidents().await?, incident);
    let components = state.store.components().await?;
    let now = state.clock.now();
    Ok(removal::remove(incident, update, |id| mailed.contains(id), &others, &components, now))
}

/// The broadcast that goes on when an update, or all of them, is removed before all were mailed it: that of the newest word
/// left that was mailed, if a newer one had taken its place. So nobody is left without any word.
///
/// `broadcasts` are those of the incident, newest first.
pub fn goes_on<'a>(
    incident: &Incident,
    update: Option<&UpdateId>,
    broadcasts: &'a [Broadcast],
    now: Timestamp,
) -> Option<&'a Broadcast> {
    let is_left = |broadcast: &&Broadcast| {
        let mut kept =
            incident.updates.iter().filter(|known| known.is_kept() && update.is_some_and(|id| *id != known.id));
        kept.any(|known| known.id == broadcast.update)
    };
    let is_stopped = broadcasts.iter().any(|broadcast| broadcast.state.is_open() && !is_left(&broadcast));
    let left = broadcasts.iter().find(is_left)?;
    (is_stopped && left.state == BroadcastState::Superseded && left.expires_at > now).then_some(left)
}

/// What a removal came to.
#[derive(Clone, Debug)]
pub struct Removed {
    /// What went and what is left.
    pub removal: Removal,
    /// The broadcast that goes on in place of what was being sent.
    pub goes_on: Option<BroadcastId>,
    /// Whether it was being mailed.
    pub is_stopped: bool,
    /// Whether what it said is the draft of whoever removed it.
    pub is_kept: bool,
}

/// Takes one update back. With its last one an incident goes too.
pub async fn remove_update(
    state: &AppState,
    actor: &Actor,
    incident: &IncidentId,
    update: &UpdateId,
) -> Result<Removed> {
    remove(state, actor, incident, Some(update)).await
}

/// Takes back all that was said of an incident.
pub async fn remove_incident(state: &AppState, actor: &Actor, incident: &IncidentId) -> Result<Removed> {
    remove(state, actor, incident, None).await
}

async fn remove(state: &AppState, actor: &Actor, incident: &IncidentId, update: Option<&UpdateId>) -> Result<Removed> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let version = write.bump_page_version(now).await?;
    let mut incident = write.incident(incident).await?.ok_or(Error::NotFound)?;
    match update {
        Some(update) => drop(find_kept(&mut incident, update)?),
        None if incident.is_removed() => return Err(Error::NotFound),
        None => {}
    }
    let broadcasts = write.broadcasts_of(&incident.id).await?;
    let is_going = |id: &UpdateId| update.is_none_or(|update| update == id);
    let is_stopped = broadcasts.iter().any(|broadcast| broadcast.state.is_open() && is_going(&broadcast.update));
    for update in incident.updates.iter().filter(|known| is_going(&known.id)) {
        write.cancel_broadcasts_of_update(&update.id, "the update was removed", now).await?;
    }
    let goes_on = goes_on(&incident, update, &broadcasts, now).map(|broadcast| broadcast.id.clone());
    if let Some(broadcast) = &goes_on {
        let paused = broadcasts.iter().find(|broadcast| broadcast.state == BroadcastState::Paused);
        write.revive_broadcast(broadcast, paused.map(|broadcast| broadcast.reason.as_str()), now).await?;
    }
    // Only now: nobody more is mailed it from here on.
    let mailed: BTreeSet<_> = write.mailed_updates(&incident.id).await?.into_iter().collect();
    let others = others(write.open_incidents().await?, &incident);
    let components = write.components().await?;
    let removal = removal::remove(&incident, update, |id| mailed.contains(id), &others, &components, now);
    write_down(&mut write, actor, &incident, &removal, now).await?;
    let is_kept = match (&removal.deleted[..], &removal.taken_back[..]) {
        ([update], []) => keep_removed(&mut write, actor, &incident, removal.left.as_ref(), update, now).await?,
        _ => false,
    };
    let action = if update.is_some() { "update.remove" } else { "incident.remove" };
    let detail =
        format!("{} · {} taken back, {} deleted", incident.name, removal.taken_back.len(), removal.deleted.len());
    note(&mut write, actor, action, &incident.id, detail, now).await?;
    write.commit().await?;
    state.published(version);
    Ok(Removed { removal, goes_on, is_stopped, is_kept })
}

async fn write_down(
    write: &mut Write,
    actor: &Actor,
    incident: &Incident,
    removal: &Removal,
    now: Timestamp,
) -> Result<()> {
    for update in &removal.taken_back {
        write.take_back_update(update, REMOVED, actor.label(), now).await?;
    }
    for update in &removal.deleted {
        write.delete_update(&update.id).await?;
    }
    for (component, status) in &removal.statuses {
        write.set_component_status(component, *status, now).await?;
    }
    if removal.taken_back.iter().chain(&removal.deleted).any(|update| update.status == IncidentStatus::Postmortem) {
        // It is a draft again, and reviewers saw what everyone did.
        write.renew_preview(&incident.id).await?;
    }
    if removal.left.as_ref().is_none_or(Incident::is_removed) {
        // What readers saw of it is kept with the updates, if any of them was mailed.
        write.delete_postmortem(&incident.id).await?;
    }
    match &removal.left {
        Some(left) => write.refresh_incident(left, now).await?,
        None => write.delete_incident(&incident.id).await?,
    }
    Ok(())
}

fn others(mut open: Vec<Incident>, incident: &Incident) -> Vec<Incident> {
    open.retain(|other| other.id != incident.id);
    open
}

/// One of an incident's updates that was not taken back.
fn find_kept<'a>(incident: &'a mut Incident, update: &UpdateId) -> Result<&'a mut Update> {
    incident.updates.iter_mut().find(|known| known.id == *update && known.is_kept()).ok_or(Error::NotFound)
}
