//! Components and groups.

use domain::{
    component::{Component, Group},
    forms::{SaveComponent, SaveGroup},
    ids::{ComponentId, GroupId},
    status::ComponentStatus,
};

use super::{note, random};
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
};

/// Adds a component, or changes the one with this id.
pub async fn save(
    state: &AppState,
    actor: &Actor,
    id: Option<ComponentId>,
    command: SaveComponent,
) -> Result<ComponentId> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let version = write.bump_page_version(now).await?;
    let known = write.components().await?;
    let (action, id, present) = match id {
        Some(id) => {
            let known = known.iter().find(|component| component.id == id).ok_or(Error::NotFound)?;
            ("component.change", id, known.status)
        }
        None => ("component.add", ComponentId::from_random(random()), ComponentStatus::Operational),
    };
    let component = Component {
        id: id.clone(),
        name: command.name,
        description: command.description,
        status: command.status.unwrap_or(present),
        group: command.group,
        position: command.position,
    };
    write.put_component(&component, now).await?;
    let detail = format!("{} · {}", component.name, component.status.as_str());
    note(&mut write, actor, action, &id, detail, now).await?;
    write.commit().await?;
    state.published(version);
    Ok(id)
}

/// Takes a component off the page. Incidents that listed it keep its name.
pub async fn delete(state: &AppState, actor: &Actor, id: &ComponentId) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let version = write.bump_page_version(now).await?;
    let component =
        write.components().await?.into_iter().find(|component| component.id == *id).ok_or(Error::NotFound)?;
    write.delete_component(id, now).await?;
    note(&mut write, actor, "component.delete", id, component.name, now).await?;
    write.commit().await?;
    state.published(version);
    Ok(())
}

/// Adds a group, or changes the one with this id.
pub async fn save_group(state: &AppState, actor: &Actor, id: Option<GroupId>, command: SaveGroup) -> Result<GroupId> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let version = write.bump_page_version(now).await?;
    let known = write.groups().await?;
    let (action, id) = match id {
        Some(id) if known.iter().any(|group| group.id == id) => ("group.change", id),
        Some(_) => return Err(Error::NotFound),
        None => ("group.add", GroupId::from_random(random())),
    };
    let group = Group { id: id.clone(), name: command.name, position: command.position };
    write.put_group(&group, now).await?;
    note(&mut write, actor, action, &id, &group.name, now).await?;
    write.commit().await?;
    state.published(version);
    Ok(id)
}

/// Removes a group; its components stand on their own.
pub async fn delete_group(state: &AppState, actor: &Actor, id: &GroupId) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let version = write.bump_page_version(now).await?;
    let group = write.groups().await?.into_iter().find(|group| group.id == *id).ok_or(Error::NotFound)?;
    write.delete_group(id).await?;
    note(&mut write, actor, "group.delete", id, group.name, now).await?;
    write.commit().await?;
    state.published(version);
    Ok(())
}
