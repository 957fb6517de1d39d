//! The page's own settings.

use domain::forms::SaveSettings;

use super::note;
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
};

/// Gives the page a name.
pub async fn rename(state: &AppState, actor: &Actor, name: &str) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    write.put_setting("name", name, now).await?;
    note(&mut write, actor, "settings.rename", "name", name, now).await?;
    let version = write.bump_page_version(now).await?;
    write.commit().await?;
    state.published(version);
    Ok(())
}

/// Changes what the page is called, its clock and how it looks.
pub async fn save(state: &AppState, actor: &Actor, command: SaveSettings) -> Result<()> {
    let now = state.clock.now();
    let links = serde_json::to_string(&command.links).map_err(|error| Error::Internal(error.to_string()))?;
    let settings = [
        ("name", command.name),
        ("time_zone", command.zone.map(|zone| zone.as_str().to_owned()).unwrap_or_default()),
        ("accent", command.accent.map(|colour| colour.to_string()).unwrap_or_default()),
        ("footer_links", links),
        ("support", command.support.unwrap_or_default()),
    ];
    let mut write = state.store.write().await?;
    for (name, value) in &settings {
        write.put_setting(name, value, now).await?;
    }
    let said: Vec<_> = settings.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    note(&mut write, actor, "settings.change", "settings", said.join(" · "), now).await?;
    let version = write.bump_page_version(now).await?;
    write.commit().await?;
    state.published(version);
    Ok(())
}
