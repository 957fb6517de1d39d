//! What an update would be mailed as, before it is published.

use app::emails::{self, Links, Mail, Reader};
use domain::{
    forms::PostUpdate,
    i18n::Preferences,
    ids::{IncidentId, UpdateId},
    incident::{Incident, Update, is_newest},
    status::Impact,
};

use super::incidents::{changes, wanted_statuses};
use crate::{error::Result, state::AppState};

/// Draws the mail as a reader with these preferences gets it. `opened` is the title and impact of an incident that is not there yet.
pub async fn mail(
    state: &AppState,
    incident: Option<Incident>,
    opened: Option<(String, Option<Impact>)>,
    command: PostUpdate,
    preferences: &Preferences,
) -> Result<Option<Mail>> {
    let now = state.clock.now();
    let (name, impact_override) = opened.unwrap_or_default();
    let fresh = || Incident {
        id: IncidentId::from_random(0),
        name,
        impact_override,
        created_at: now,
        updated_at: now,
        updates: Vec::new(),
    };
    let mut incident = incident.unwrap_or_else(fresh);
    let display_at = command.display_at.unwrap_or(now);
    let others = if command.restore { state.store.open_incidents().await? } else { Vec::new() };
    let wanted = wanted_statuses(&others, &incident, &command, is_newest(display_at, &incident.updates));
    let update = Update {
        id: UpdateId::from_random(0),
        status: command.status,
        body: command.body,
        display_at,
        created_at: now,
        updated_at: now,
        next_update_by: command.next_update_by,
        edited_at: None,
        removed_at: None,
        notify: true,
        components: changes(&state.store.components().await?, &state.store.groups().await?, &wanted),
    };
    let id = update.id.clone();
    incident.updates.push(update);
    incident.updates.sort_by(|a, b| b.order().cmp(&a.order()));
    let (site, page_zone) = (state.site().await?, state.zone().await?);
    let Preferences { locale, zone } = preferences;
    let local_time = |at| locale.local_time(at, zone.as_ref(), page_zone.as_ref());
    // Each reader has links of their own; in a preview they lead nowhere in particular.
    let links = Links { manage: site.url.clone(), unsubscribe: site.url.clone() };
    Ok(emails::update::mail(&emails::update::UpdateMail {
        page_name: &site.name,
        page_url: &site.url,
        incident: &incident,
        update: &id,
        is_correction: false,
        reader: &Reader { locale: *locale, local_time: &local_time, links: &links },
    }))
}
