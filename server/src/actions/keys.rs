//! API keys: made, shown once, revoked.

use domain::{
    forms::CreateKey,
    ids::KeyId,
    key::{ApiKey, PREFIX, WARNING},
    token,
};
use jiff::SignedDuration;

use super::{note, random};
use crate::{
    clock::Clock,
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
    store::{Store, Write, audit::AuditEntry},
};

/// Makes a key; the token is given here and nowhere else.
pub async fn create(state: &AppState, actor: &Actor, command: CreateKey) -> Result<(ApiKey, String)> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let (key, token) = insert(&mut write, &actor.name(), command, &state.clock).await?;
    note(&mut write, actor, "key.create", &key.id, described(&key), now).await?;
    write.commit().await?;
    Ok((key, token))
}

/// As [`create`], on the command line.
pub async fn create_by_hand(store: &Store, clock: &Clock, command: CreateKey) -> Result<(ApiKey, String)> {
    let now = clock.now();
    let mut write = store.write().await?;
    let (key, token) = insert(&mut write, "command line", command, clock).await?;
    let entry = AuditEntry {
        actor: "command line".to_owned(),
        action: "key.create",
        subject: key.id.to_string(),
        detail: described(&key),
        address: String::new(),
    };
    write.audit(&entry, now).await?;
    write.commit().await?;
    Ok((key, token))
}

async fn insert(write: &mut Write, by: &str, command: CreateKey, clock: &Clock) -> Result<(ApiKey, String)> {
    let now = clock.now();
    let life = SignedDuration::from_hours(command.days * 24);
    let key = ApiKey {
        id: KeyId::from_random(random()),
        name: command.name,
        scopes: command.scopes,
        created_by: by.to_owned(),
        created_at: now,
        expires_at: now.checked_add(life).unwrap_or(now),
        last_used_at: None,
        revoked_at: None,
    };
    let token = token::opaque(PREFIX, rand::random());
    write.insert_key(&key, &token::hash(&token)).await?;
    Ok((key, token))
}

/// `Monitor · incidents, broadcasts`
fn described(key: &ApiKey) -> String {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    format!("{} · {}", key.name, scopes.join(", "))
}

/// Ends a key at once.
pub async fn revoke(state: &AppState, actor: &Actor, id: &KeyId) -> Result<()> {
    let now = state.clock.now();
    let key = state.store.key(id).await?.ok_or(Error::NotFound)?;
    let mut write = state.store.write().await?;
    if !write.revoke_key(id, now).await? {
        return Err(Error::Conflict("This key was revoked before."));
    }
    note(&mut write, actor, "key.revoke", id, described(&key), now).await?;
    Ok(write.commit().await?)
}

/// The keys that end within two weeks, the next one first: worth a word before something stops.
pub async fn ending_soon(state: &AppState) -> Result<Vec<ApiKey>> {
    let now = state.clock.now();
    Ok(state.store.keys_ending(now, now.checked_add(WARNING).unwrap_or(now)).await?)
}
