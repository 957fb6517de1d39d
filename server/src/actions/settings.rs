//! The page's own settings.

use std::collections::BTreeMap;

use domain::{
    forms::SaveSettings,
    i18n::Zone,
    logo::{Logo, LogoChange, LogoKind},
    sender::Sender,
};
use jiff::Timestamp;

use super::note;
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::{AppState, DEFAULT_NAME},
    store::Write,
};

/// What the owner chose so far. What cannot be read any more is as good as never chosen.
pub fn chosen(stored: &BTreeMap<String, String>) -> SaveSettings {
    let get = |name: &str| stored.get(name).filter(|value| !value.is_empty());
    let sender = get("sender_email").and_then(|email| email.parse().ok());
    SaveSettings {
        name: get("name").cloned().unwrap_or_else(|| DEFAULT_NAME.to_owned()),
        zone: Zone::from_stored(get("time_zone").map(String::as_str)),
        accent: get("accent").and_then(|text| text.parse().ok()),
        links: get("footer_links").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        support: get("support").cloned(),
        ground: get("logo_ground").and_then(|text| text.parse().ok()).unwrap_or_default(),
        sender: sender.map(|email| Sender { name: get("sender_name").cloned().unwrap_or_default(), email }),
    }
}

/// The same as it is stored.
fn stored(settings: SaveSettings) -> Result<[(&'static str, String); 8]> {
    let links = serde_json::to_string(&settings.links).map_err(|error| Error::Internal(error.to_string()))?;
    let sender = settings.sender.map(|sender| (sender.name, sender.email.to_string()));
    let (sender_name, sender_email) = sender.unwrap_or_default();
    Ok([
        ("name", settings.name),
        ("time_zone", settings.zone.map(|zone| zone.as_str().to_owned()).unwrap_or_default()),
        ("accent", settings.accent.map(|colour| colour.to_string()).unwrap_or_default()),
        ("footer_links", links),
        ("support", settings.support.unwrap_or_default()),
        ("logo_ground", settings.ground.as_str().to_owned()),
        ("sender_name", sender_name),
        ("sender_email", sender_email),
    ])
}

/// Changes what the page is called, its clock, how it looks and who mails come from; notes what is different now.
pub async fn save(state: &AppState, actor: &Actor, command: SaveSettings, logo: LogoChange) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    // First, for whoever saves at the same moment waits here and is compared with what this leaves.
    let version = write.bump_page_version(now).await?;
    let before = chosen(&write.settings().await?);
    let mut command = command;
    if state.config().mail_from.is_some() {
        // The form could not change it.
        command.sender.clone_from(&before.sender);
    }
    let mut changes = command.changes(&before);
    changes.extend(change_logo(&mut write, logo, now).await?);
    if changes.is_empty() {
        return Ok(());
    }
    for (name, value) in stored(command)? {
        write.put_setting(name, &value, now).await?;
    }
    note(&mut write, actor, "settings.change", "settings", changes.join(" · "), now).await?;
    write.commit().await?;
    state.published(version);
    Ok(())
}

/// Does it, and says what it did: `logo: none → PNG, 320 × 80`.
async fn change_logo(write: &mut Write, change: LogoChange, now: Timestamp) -> Result<Option<String>> {
    let words = |kind: LogoKind, width: u32, height: u32| format!("{}, {width} × {height}", kind.label());
    let before = write.logo().await?;
    let old = before.as_ref().map_or_else(|| "none".to_owned(), |logo| words(logo.kind, logo.width, logo.height));
    match change {
        LogoChange::Replace(logo) if before.is_none_or(|before| before.hash != logo.hash()) => {
            write.put_logo(&logo, now).await?;
            let Logo { kind, width, height, .. } = logo;
            Ok(Some(format!("logo: {old} → {}", words(kind, width, height))))
        }
        LogoChange::Remove if old != "none" => {
            write.delete_logo().await?;
            Ok(Some(format!("logo: {old} → none")))
        }
        _ => Ok(None),
    }
}
