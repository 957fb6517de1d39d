//! Keeping what is not published yet. A draft is private, so nothing of it is audited.

use domain::{
    forms::Fields,
    incident::{Incident, Update},
    status::{Impact, IncidentStatus},
    time::editable,
};
use jiff::Timestamp;

use super::random;
use crate::{error::Result, http::auth::Actor, state::AppState, store::Write};

/// The subject of a draft of an incident that is not there yet.
pub const NEW: &str = "new";
/// What a draft keeps of a form, beside the components.
const KEPT: [&str; 10] =
    ["key", "seen", "name", "impact", "status", "body", "display_at", "next_update", "next_update_at", "notify"];

/// Keeps what a person is typing about an incident's id, or [`NEW`]. `false`: it holds no words, or was published or thrown
/// away already.
pub async fn save(state: &AppState, actor: &Actor, subject: &str, fields: &Fields) -> Result<bool> {
    let has_words = ["body", "name"].iter().any(|field| !fields.get(field).trim().is_empty());
    let is_kept = |name: &str| KEPT.contains(&name) || name == "restore" || name.starts_with("component.");
    let kept = fields.0.iter().filter(|(name, _)| is_kept(name)).cloned().collect();
    let mut write = state.store.write().await?;
    let user = &actor.user()?.id;
    let now = state.clock.now();
    let is_kept = if has_words {
        write.save_draft(user, subject, drawn(&fields.get("key")), &Fields(kept), now).await?
    } else {
        // Whoever deletes all they wrote does not want it back.
        write.discard_draft(user, subject, now).await?;
        false
    };
    write.commit().await?;
    Ok(is_kept)
}

/// Throws away what a person was typing.
pub async fn discard(state: &AppState, actor: &Actor, subject: &str) -> Result<()> {
    let mut write = state.store.write().await?;
    write.discard_draft(&actor.user()?.id, subject, state.clock.now()).await?;
    Ok(write.commit().await?)
}

/// Ends the draft of a form that was published.
///
/// Not in the transaction that publishes: should it fail, the draft comes back, and publishing it again publishes nothing.
pub async fn end(state: &AppState, actor: &Actor, subject: &str, key: &str) -> Result<()> {
    let mut write = state.store.write().await?;
    write.end_draft(&actor.user()?.id, subject, drawn(key), state.clock.now()).await?;
    Ok(write.commit().await?)
}

/// Keeps for whoever removed an update what it said, if no trace of it is left elsewhere: should that have been a mistake,
/// the form is filled in. `left` is the incident without it. `false`: they have a draft there, which weighs more.
pub(super) async fn keep_removed(
    write: &mut Write,
    actor: &Actor,
    incident: &Incident,
    left: Option<&Incident>,
    update: &Update,
    now: Timestamp,
) -> Result<bool> {
    let is_open_to_words = left.is_none_or(|left| !left.is_removed());
    let Ok(user) = actor.user() else { return Ok(false) };
    if update.status == IncidentStatus::Postmortem || !is_open_to_words {
        return Ok(false);
    }
    let key = format!("{:016x}", random());
    let is_dated_back = update.display_at < update.created_at;
    let mut fields = vec![
        ("key", key.clone()),
        ("status", update.status.as_str().to_owned()),
        ("body", update.body.clone()),
        ("display_at", if is_dated_back { editable(update.display_at) } else { String::new() }),
        ("notify", "no".to_owned()),
        ("restore", "1".to_owned()),
    ];
    match left {
        Some(left) => fields.push(("seen", left.newest().map(|newest| newest.id.to_string()).unwrap_or_default())),
        None => fields.extend([
            ("name", incident.name.clone()),
            ("impact", incident.impact_override.map_or("", Impact::as_str).to_owned()),
        ]),
    }
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    let listed = update.components.iter();
    let listed = listed.map(|listed| (format!("component.{}", listed.component), listed.new.as_str().to_owned()));
    let fields = Fields(fields.chain(listed).collect());
    let subject = left.map_or(NEW, |left| left.id.as_str());
    Ok(write.begin_draft(&user.id, subject, &key, &fields, now).await?)
}

/// The key of a form, or nothing when it is none that we drew.
fn drawn(key: &str) -> &str {
    if key.chars().all(|letter| letter.is_ascii_alphanumeric()) { key } else { "" }
}
