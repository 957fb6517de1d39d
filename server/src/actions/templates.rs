//! Templates: prepared words.

use domain::{
    forms::{FieldErrors, SaveTemplate},
    ids::TemplateId,
    template::Template,
};

use super::{note, random};
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
};

/// Adds a template, or changes the one with this id.
pub async fn save(
    state: &AppState,
    actor: &Actor,
    id: Option<TemplateId>,
    command: SaveTemplate,
) -> Result<TemplateId> {
    let now = state.clock.now();
    let (action, id) = match id {
        Some(id) if state.store.template(&id).await?.is_some() => ("template.change", id),
        Some(_) => return Err(Error::NotFound),
        None => ("template.add", TemplateId::from_random(random())),
    };
    let SaveTemplate { name, title, status, body, components } = command;
    let template = Template { id: id.clone(), name, title, status, body, components };
    let mut write = state.store.write().await?;
    if !write.put_template(&template, now).await? {
        return Err(FieldErrors::one("name", "another template is called so: choose a name of its own").into());
    }
    note(&mut write, actor, action, &id, &template.name, now).await?;
    write.commit().await?;
    Ok(id)
}

/// Removes a template.
pub async fn delete(state: &AppState, actor: &Actor, id: &TemplateId) -> Result<()> {
    let template = state.store.template(id).await?.ok_or(Error::NotFound)?;
    let mut write = state.store.write().await?;
    write.delete_template(id).await?;
    note(&mut write, actor, "template.delete", id, template.name, state.clock.now()).await?;
    Ok(write.commit().await?)
}
