//! Postmortems: writing, publishing, and following up.
//!
//! Publishing is one transaction, as for any update: the postmortem, the update of status `postmortem` that carries it to
//! feeds, programs and mails, the broadcast, the audit row and the page version.

use domain::{
    broadcast::POSTMORTEM,
    forms::{FieldErrors, PublishPostmortem, SavePostmortem},
    ids::{FollowUpId, IncidentId, UpdateId},
    incident::{Incident, Update},
    postmortem::{self, FollowUp, Postmortem},
    status::IncidentStatus,
};
use jiff::{SignedDuration, Timestamp};

use super::{
    incidents::{Published, already_published, tell},
    note, random,
};
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
    store::Write,
};

/// What became of something written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It is kept.
    Done(T),
    /// A colleague wrote something else meanwhile: this, which the author has not seen. Nothing was changed.
    Overtaken(Box<Postmortem>),
}

/// The postmortem of an incident as it is kept, or what it would begin with; `None` while the incident goes on.
pub async fn of(state: &AppState, incident: &Incident) -> Result<Option<Postmortem>> {
    let kept = state.store.postmortem(&incident.id).await?.map(|kept| kept.standing_with(incident));
    Ok(kept.or_else(|| Postmortem::begin(incident, state.clock.now())))
}

/// A transaction in which nobody else changes the incident or its postmortem.
struct Desk {
    write: Write,
    incident: Incident,
    postmortem: Postmortem,
    /// The page's version, when readers see the change.
    version: Option<i64>,
}

impl Desk {
    async fn open(state: &AppState, id: &IncidentId, is_public: bool, now: Timestamp) -> Result<Self> {
        let mut write = state.store.write().await?;
        // First, as everyone who publishes does, so that no two wait for each other.
        let version = if is_public { Some(write.bump_page_version(now).await?) } else { None };
        let incident = write.incident(id).await?.ok_or(Error::NotFound)?;
        if incident.is_removed() {
            return Err(Error::NotFound);
        }
        let kept = write.postmortem(id).await?.map(|kept| kept.standing_with(&incident));
        let postmortem = kept.or_else(|| Postmortem::begin(&incident, now));
        let postmortem = postmortem
            .ok_or(Error::Conflict("This incident goes on: its postmortem can be written once it is resolved."))?;
        Ok(Self { write, incident, postmortem, version })
    }

    async fn close(self, state: &AppState) -> Result<Postmortem> {
        self.write.commit().await?;
        if let Some(version) = self.version {
            state.published(version);
        }
        Ok(self.postmortem)
    }
}

/// Whether readers see the postmortem.
async fn is_public(state: &AppState, id: &IncidentId) -> Result<bool> {
    let incident = state.store.incident(id).await?.ok_or(Error::NotFound)?;
    Ok(incident.postmortem().is_some())
}

/// Keeps what was written. Of a postmortem that is published readers see it at once, marked as edited.
pub async fn save(
    state: &AppState,
    actor: &Actor,
    id: &IncidentId,
    command: SavePostmortem,
) -> Result<Outcome<Postmortem>> {
    let now = state.clock.now();
    let mut desk = Desk::open(state, id, is_public(state, id).await?, now).await?;
    let Some(mut next) = written(&desk.postmortem, &command, now) else {
        return Ok(Outcome::Overtaken(Box::new(desk.postmortem)));
    };
    if next == desk.postmortem && next.version > 0 {
        // The same form, sent twice.
        return Ok(Outcome::Done(next));
    }
    let is_published = next.published.is_some();
    if is_published && desk.version.is_none() {
        // Published between looking and locking; whoever wrote this had a draft before their eyes.
        return Ok(Outcome::Overtaken(Box::new(desk.postmortem)));
    }
    let is_edited = (&next.author, &next.body, next.figures)
        != (&desk.postmortem.author, &desk.postmortem.body, desk.postmortem.figures);
    if is_published && is_edited {
        next.edited_at = Some(now);
    }
    desk.write.put_postmortem(&next).await?;
    let carrier = desk.incident.postmortem().filter(|carrier| is_published && carrier.body != next.body);
    if let Some(carrier) = carrier {
        // What it said before is kept, as of every update.
        desk.write.edit_update(carrier, &next.body, actor.label(), now).await?;
    }
    if is_published {
        desk.write.refresh_incident(&desk.incident, now).await?;
    }
    let action = if is_published { "postmortem.edit" } else { "postmortem.save" };
    note(&mut desk.write, actor, action, id, &desk.incident.name, now).await?;
    desk.postmortem = next;
    Ok(Outcome::Done(desk.close(state).await?))
}

/// Lets everyone read it, and mails those who follow the incident if the author said so.
pub async fn publish(
    state: &AppState,
    actor: &Actor,
    id: &IncidentId,
    command: PublishPostmortem,
) -> Result<Outcome<Published>> {
    let now = state.clock.now();
    let mut desk = Desk::open(state, id, true, now).await?;
    let key = command.key.as_deref();
    if let Some(done) = already_published(&mut desk.write, POSTMORTEM, key).await? {
        return Ok(Outcome::Done(done));
    }
    if desk.postmortem.published.is_some() {
        return Ok(Outcome::Overtaken(Box::new(desk.postmortem)));
    }
    let Some(mut next) = written(&desk.postmortem, &command.save, now) else {
        return Ok(Outcome::Overtaken(Box::new(desk.postmortem)));
    };
    if desk.incident.standing().is_none_or(|standing| !standing.status.is_over()) {
        let problem = "the incident was reopened: publish this once it is resolved again";
        return Err(FieldErrors::one("resolved_at", problem).into());
    }
    // After all that was said, also when this machine's clock is behind another's.
    let newest = desk.incident.updates.first().map(|newest| newest.display_at);
    let after = newest.and_then(|newest| newest.checked_add(SignedDuration::from_millis(1)).ok());
    let update = Update {
        id: UpdateId::from_random(random()),
        status: IncidentStatus::Postmortem,
        body: next.body.clone(),
        display_at: after.map_or(now, |after| after.max(now)),
        created_at: now,
        updated_at: now,
        next_update_by: None,
        edited_at: None,
        removed_at: None,
        notify: command.notify,
        components: Vec::new(),
    };
    if !desk.write.insert_update(id, &update, key).await? {
        // The same form, sent twice at the same moment: the other one has just been published.
        drop(desk);
        let other = already_published(&mut state.store.write().await?, POSTMORTEM, key).await?;
        return other
            .map(Outcome::Done)
            .ok_or(Error::Conflict("This is being published. Look at the incident before publishing again."));
    }
    desk.incident.updates.insert(0, update.clone());
    desk.write.refresh_incident(&desk.incident, now).await?;
    next.published = Some(postmortem::Published { at: update.display_at, update: update.id.clone() });
    desk.write.put_postmortem(&next).await?;
    desk.postmortem = next;
    let broadcast = if command.notify {
        Some(tell(&mut desk.write, POSTMORTEM, &desk.incident, &update.id, now).await?)
    } else {
        None
    };
    note(&mut desk.write, actor, "postmortem.publish", id, &desk.incident.name, now).await?;
    desk.close(state).await?;
    metrics::counter!("tidings_updates_published_total").increment(1);
    Ok(Outcome::Done(Published { incident: id.clone(), update: update.id, broadcast }))
}

/// What a postmortem becomes; `None` when its author had another version before their eyes than `known`.
///
/// What is there already stays as it is, version and all, so that the same form sent twice does no harm.
fn written(known: &Postmortem, command: &SavePostmortem, now: Timestamp) -> Option<Postmortem> {
    let follow_ups = command.follow_ups.iter().map(|wanted| {
        let there = known.follow_ups.iter().find(|there| Some(&there.id) == wanted.id.as_ref());
        FollowUp {
            id: there.map_or_else(|| FollowUpId::from_random(random()), |there| there.id.clone()),
            text: wanted.text.clone(),
            link: wanted.link.clone(),
            due: wanted.due,
            done_at: wanted.done.then(|| there.and_then(|there| there.done_at).unwrap_or(now)),
        }
    });
    let next = Postmortem {
        author: command.author.clone(),
        body: command.body.clone(),
        figures: command.figures,
        follow_ups: follow_ups.collect(),
        ..known.clone()
    };
    let is_same = |a: &FollowUp, b: &FollowUp| {
        (&a.text, &a.link, a.due, a.done_at.is_some()) == (&b.text, &b.link, b.due, b.done_at.is_some())
    };
    let is_there = (&next.author, &next.body, next.figures) == (&known.author, &known.body, known.figures)
        && next.follow_ups.len() == known.follow_ups.len()
        && next.follow_ups.iter().zip(&known.follow_ups).all(|(next, known)| is_same(next, known));
    if is_there && known.version > 0 {
        return Some(known.clone());
    }
    (command.version == known.version).then(|| Postmortem { version: known.version + 1, updated_at: now, ..next })
}

/// Notes that a follow-up action is done, or not done after all.
pub async fn follow_up(
    state: &AppState,
    actor: &Actor,
    id: &IncidentId,
    follow_up: &FollowUpId,
    is_done: bool,
) -> Result<FollowUp> {
    let now = state.clock.now();
    let mut desk = Desk::open(state, id, is_public(state, id).await?, now).await?;
    let found = desk.postmortem.follow_ups.iter_mut().find(|there| there.id == *follow_up).ok_or(Error::NotFound)?;
    if found.done_at.is_some() == is_done {
        return Ok(found.clone());
    }
    found.done_at = is_done.then_some(now);
    let found = found.clone();
    // Whoever has the form open must see this before they save over it.
    desk.postmortem.version += 1;
    desk.postmortem.updated_at = now;
    desk.write.put_postmortem(&desk.postmortem).await?;
    let action = if is_done { "follow_up.done" } else { "follow_up.reopen" };
    note(&mut desk.write, actor, action, id, &found.text, now).await?;
    desk.close(state).await?;
    Ok(found)
}

/// Makes a link with which reviewers read the draft; the one before it opens nothing any more.
pub async fn new_preview(state: &AppState, actor: &Actor, id: &IncidentId) -> Result<Postmortem> {
    let now = state.clock.now();
    let mut desk = Desk::open(state, id, false, now).await?;
    if desk.postmortem.published.is_some() {
        return Err(Error::Conflict("This postmortem is published: everyone can read it."));
    }
    if desk.postmortem.version == 0 {
        return Err(Error::Conflict("Save the draft first: then reviewers have something to read."));
    }
    desk.postmortem.preview += 1;
    desk.write.put_postmortem(&desk.postmortem).await?;
    note(&mut desk.write, actor, "postmortem.preview", id, &desk.incident.name, now).await?;
    desk.close(state).await
}

/// The draft that a reviewers' link leads to, with its incident, if it is the link that was made last.
pub async fn previewed(state: &AppState, token: &str) -> Result<Option<(Incident, Postmortem)>> {
    let Some(id) = domain::token::Secret::previewed(token) else { return Ok(None) };
    let Some(postmortem) = state.store.postmortem(&id).await? else { return Ok(None) };
    if !state.secret().is_preview_token(&id, postmortem.preview, token) {
        return Ok(None);
    }
    let incident = state.store.incident(&id).await?.filter(|incident| !incident.is_removed());
    Ok(incident.map(|incident| {
        let postmortem = postmortem.standing_with(&incident);
        (incident, postmortem)
    }))
}

#[cfg(test)]
mod tests {
    use domain::postmortem::Figures;

    use super::*;

    fn known() -> Postmortem {
        let at = Timestamp::UNIX_EPOCH;
        Postmortem {
            incident: IncidentId::from_random(1),
            author: String::new(),
            body: "Words.".into(),
            figures: Figures { started_at: at, detected_at: at, mitigated_at: None, resolved_at: at },
            follow_ups: vec![FollowUp {
                id: FollowUpId::from_random(1),
                text: "Page louder".into(),
                link: String::new(),
                due: None,
                done_at: None,
            }],
            version: 3,
            preview: 0,
            created_at: at,
            updated_at: at,
            published: None,
            edited_at: None,
        }
    }

    fn command() -> SavePostmortem {
        let known = known();
        let kept = &known.follow_ups[0];
        SavePostmortem {
            version: 3,
            author: known.author,
            body: known.body,
            figures: known.figures,
            follow_ups: vec![domain::forms::SaveFollowUp {
                id: Some(kept.id.clone()),
                text: kept.text.clone(),
                link: String::new(),
                due: None,
                done: false,
            }],
        }
    }

    #[test]
    fn nobody_writes_over_what_they_have_not_seen() {
        let now = Timestamp::UNIX_EPOCH;
        let other = SavePostmortem { body: "Other words.".into(), ..command() };
        assert_eq!(
            written(&known(), &other, now).map(|next| (next.version, next.body)),
            Some((4, "Other words.".into()))
        );
        assert_eq!(written(&known(), &SavePostmortem { version: 2, ..other }, now), None);
        // What is there already does no harm, whichever version it was written over.
        assert_eq!(written(&known(), &SavePostmortem { version: 2, ..command() }, now), Some(known()));
    }

    #[test]
    fn a_follow_up_keeps_its_id_and_when_it_was_done() {
        let (then, now) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(99).unwrap());
        let mut known = known();
        known.follow_ups[0].done_at = Some(then);
        let mut command = command();
        command.follow_ups[0].done = true;
        command.follow_ups.push(domain::forms::SaveFollowUp {
            // Of another postmortem: it becomes one of this with an id of its own.
            id: Some(FollowUpId::from_random(9)),
            text: "Buy a pager".into(),
            link: String::new(),
            due: None,
            done: true,
        });
        let next = written(&known, &command, now).unwrap();
        assert_eq!(next.follow_ups[0], known.follow_ups[0]);
        assert_ne!(next.follow_ups[1].id, FollowUpId::from_random(9));
        assert_eq!(next.follow_ups[1].done_at, Some(now));
    }
}
