//! The page's own settings.

use super::note;
use crate::{error::Result, http::auth::Actor, state::AppState};

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
