//! One incident of `incidents.json`.
//!
//! Updates may come in either order, as they do in real files. Where the file has no id of our form, one that always
//! follows from it is made, in the order of the updates, so that those of one minute stay in order.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    component::Component,
    forms::BODY_MAX,
    ids::{ComponentId, IncidentId, UpdateId},
    incident::{ComponentChange, Incident, Update},
    markdown,
    status::{ComponentStatus, Impact, IncidentStatus},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    intake::{Intake, bits},
    record::{Record, Refusal},
    statuspage::{component, component_id, earliest},
};
use crate::store::imports::{Said, Told};

/// What a time may differ from the update it belongs to before it is worth a remark.
const TOLERANCE: SignedDuration = SignedDuration::from_hours(24);

/// Takes an incident. The remarks are about what it says of itself and its updates do not.
pub(super) fn take(intake: &mut Intake, record: &Record, digest: String) -> Result<Vec<Refusal>, Refusal> {
    let id: IncidentId = {
        let id = record.needed("id")?;
        id.parse().unwrap_or_else(|_| IncidentId::from_random(bits(&["incident", id])))
    };
    let status = record.word::<IncidentStatus>("status")?;
    let mut historical = Vec::new();
    let updates = updates(intake, record, &id, status, &mut historical)?;
    let created_at = record.time("created_at")?;
    let created_at =
        created_at.unwrap_or_else(|| earliest(updates.iter().map(|update| update.created_at), intake.now()));
    let updated_at = record.time("updated_at")?;
    let newest = updates.iter().map(|update| update.updated_at).max().unwrap_or(created_at);
    let mut incident = Incident {
        id,
        name: record.name("name")?.to_owned(),
        impact_override: None,
        created_at,
        updated_at: updated_at.unwrap_or(newest),
        updates,
    };
    let also = listed_besides(intake, record, &mut incident, &mut historical)?;
    incident.impact_override = impact(record)?.filter(|impact| *impact != incident.impact());
    let (said, remarks) = said(record, &incident, status, also)?;
    let taken = intake.take_incident(incident, said, digest, historical);
    taken.map_err(|reason| Refusal { place: record.place.clone(), reason })?;
    Ok(remarks)
}

/// `maintenance` is what planned work was called before it had a window of its own: nothing broke.
fn impact(record: &Record) -> Result<Option<Impact>, Refusal> {
    match record.text("impact")? {
        Some("maintenance") => Ok(Some(Impact::None)),
        _ => record.word("impact"),
    }
}

/// The updates, newest first.
fn updates(
    intake: &Intake,
    record: &Record,
    incident: &IncidentId,
    status: Option<IncidentStatus>,
    historical: &mut Vec<Component>,
) -> Result<Vec<Update>, Refusal> {
    let mut records = Vec::new();
    for update in record.list("incident_updates")? {
        let display_at = [update.time("display_at")?, update.time("displayed_at")?, update.time("created_at")?];
        let Some(display_at) = display_at.into_iter().flatten().next() else {
            return update.refuse("display_at", "this is missing");
        };
        records.push((display_at, update));
    }
    if is_newest_first(&records, status)? {
        records.reverse();
    }
    records.sort_by_key(|(display_at, _)| *display_at);
    let mut before = status.unwrap_or(IncidentStatus::Investigating);
    let mut is_first = true;
    let mut seen = BTreeSet::new();
    let mut updates = Vec::with_capacity(records.len());
    for (number, (display_at, update)) in records.into_iter().enumerate() {
        // "update", as pages show it: nothing new about how it stands.
        let status = match update.text("status")? {
            Some("update") if is_first && before.is_over() => IncidentStatus::Investigating,
            Some("update") => before,
            _ => match update.word("status")? {
                Some(status) => status,
                None => return update.refuse("status", "this is missing"),
            },
        };
        (before, is_first) = (status, false);
        if display_at > intake.now() {
            return update.refuse("display_at", "this is in the future");
        }
        let id = update_id(incident, update.text("id")?, number);
        if !seen.insert(id.clone()) {
            return update.refuse("id", "another update of this incident has the same");
        }
        let body = markdown::from_text(&broken(update.text("body")?.unwrap_or_default()));
        if body.chars().count() > BODY_MAX {
            return update.refuse("body", format!("this is longer than {BODY_MAX} characters"));
        }
        let created_at = update.time("created_at")?.unwrap_or(display_at);
        updates.push(Update {
            id,
            status,
            body,
            display_at,
            created_at,
            updated_at: update.time("updated_at")?.unwrap_or(created_at),
            next_update_by: None,
            edited_at: None,
            removed_at: None,
            notify: update.flag("deliver_notifications")?.unwrap_or_default(),
            components: changes(intake, &update.list("affected_components")?, historical)?,
        });
    }
    if updates.is_empty() {
        return record.refuse("incident_updates", "it has no updates");
    }
    updates.sort_by(|a, b| b.order().cmp(&a.order()));
    Ok(updates)
}

/// Whether updates of the same instant stand newest first: by their times, else by which end says how it stands now.
fn is_newest_first(updates: &[(Timestamp, Record)], status: Option<IncidentStatus>) -> Result<bool, Refusal> {
    let [(first_at, first), .., (last_at, last)] = updates else { return Ok(true) };
    let says_the_end =
        |update: &Record| Ok(status.is_some() && update.text("status")? == status.map(IncidentStatus::as_str));
    Ok(match first_at.cmp(last_at) {
        std::cmp::Ordering::Equal => says_the_end(first)? || !says_the_end(last)?,
        order => order.is_gt(),
    })
}

/// The id as it is, or one that follows from the incident's and from how many updates came before.
pub(super) fn update_id(incident: &IncidentId, text: Option<&str>, number: usize) -> UpdateId {
    if let Some(id) = text.and_then(|text| text.parse().ok()) {
        return id;
    }
    let whole = UpdateId::from_random(bits(&["update", incident.as_str()]));
    let digit = |value: usize| char::from_digit(u32::try_from(value % 36).unwrap_or_default(), 36).unwrap_or('0');
    let place: String = [number / 1296, number / 36, number].map(digit).iter().collect();
    format!("{}{place}", &whole.as_str()[..9]).parse().unwrap_or(whole)
}

/// `<br />`, however it is written, as a line break; one that follows it in the source is the same one.
fn broken(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let tag = rest[start..].find('>').map(|end| &rest[start..=start + end]);
        match tag.filter(|tag| tag[1..tag.len() - 1].trim_end_matches('/').trim_end().eq_ignore_ascii_case("br")) {
            Some(tag) => {
                text.push('\n');
                rest = &rest[start + tag.len()..];
                rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
            }
            None => {
                text.push('<');
                rest = &rest[start + 1..];
            }
        }
    }
    text + rest
}

/// What an update says of components.
fn changes(
    intake: &Intake,
    affected: &[Record],
    historical: &mut Vec<Component>,
) -> Result<Vec<ComponentChange>, Refusal> {
    let mut changes = BTreeMap::new();
    for record in affected {
        let (code, name) = (record.needed("code")?, record.text("name")?);
        let component = match code.parse::<ComponentId>() {
            Ok(id) => id,
            Err(_) => name.and_then(|name| intake.component_named(name)).unwrap_or_else(|| component_id(code)),
        };
        let Some(new) = record.word("new_status")? else { return record.refuse("new_status", "this is missing") };
        let name = match name {
            Some(_) => record.name("name")?.to_owned(),
            None => intake.name_of(&component).unwrap_or_else(|| code.to_owned()),
        };
        if !intake.has_component(&component) {
            historical.push(of_the_past(&component, &name));
        }
        let old = record.word("old_status")?.unwrap_or(new);
        changes.insert(component.clone(), ComponentChange { component, name, old, new });
    }
    let mut changes: Vec<_> = changes.into_values().collect();
    changes.sort_by(|a, b| (&a.name, &a.component).cmp(&(&b.name, &b.component)));
    Ok(changes)
}

/// A component that no list has any more.
pub(super) fn of_the_past(id: &ComponentId, name: &str) -> Component {
    Component {
        id: id.clone(),
        name: name.to_owned(),
        description: String::new(),
        status: ComponentStatus::Operational,
        group: None,
        position: 0,
    }
}

/// The components that the incident itself lists and no update does. Some files say there what became of them: that is
/// what the first update says then.
fn listed_besides(
    intake: &Intake,
    record: &Record,
    incident: &mut Incident,
    historical: &mut Vec<Component>,
) -> Result<Vec<ComponentId>, Refusal> {
    let (affected, whole): (Vec<_>, Vec<_>) =
        record.list("components")?.into_iter().partition(|component| component.has("code"));
    let named = incident.updates.iter().any(|update| !update.components.is_empty());
    if let Some(first) = incident.updates.last_mut().filter(|_| !named) {
        first.components = changes(intake, &affected, historical)?;
    }
    let mut also = Vec::new();
    for record in &whole {
        let component = component(intake, record)?;
        // In front of what the updates made of it: here are its group and description too.
        if incident.affected().iter().all(|affected| affected.component != component.id) {
            also.push(component.id.clone());
        }
        historical.insert(0, component);
    }
    Ok(also)
}

/// What the incident says of itself and its updates do not, and what of it is worth a remark.
fn said(
    record: &Record,
    incident: &Incident,
    status: Option<IncidentStatus>,
    components: Vec<ComponentId>,
) -> Result<(Said, Vec<Refusal>), Refusal> {
    let Some(standing) = incident.standing() else { return record.refuse("incident_updates", "it has no updates") };
    let mut remarks = Vec::new();
    let mut remark = |field: &str, reason: String| {
        remarks.push(Refusal { place: format!("{}/{field}", record.place), reason });
    };
    if let Some(status) = status.filter(|status| *status != standing.status) {
        let (said, is) = (status.as_str(), standing.status.as_str());
        remark("status", format!("it is {said}, its newest update says {is}: the update was believed"));
    }
    let mut told = |field: &str, derived: Option<Timestamp>| -> Result<Option<Told>, Refusal> {
        let said = record.time(field)?;
        let (Some(derived), Some(said)) = (derived, said) else { return Ok(None) };
        if said.duration_since(derived).abs() > TOLERANCE {
            let (said, derived) = (domain::time::rfc3339(said), domain::time::rfc3339(derived));
            remark(
                field,
                format!("it is {said}, its updates say {derived}: the API repeats the first, pages show the second"),
            );
        }
        Ok((said != derived).then_some(Told { derived: Some(derived), said: Some(said) }))
    };
    let started_at = told("started_at", Some(standing.started_at))?;
    let resolved_at = told("resolved_at", standing.resolved_at)?;
    let monitoring_at = match record.time("monitoring_at")? {
        // It was watched and broke again, which the updates count from anew.
        Some(said) if standing.monitoring_at.is_none() => Some(Told { derived: None, said: Some(said) }),
        _ => told("monitoring_at", standing.monitoring_at)?,
    };
    Ok((Said { started_at, monitoring_at, resolved_at, components }, remarks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_are_understood_however_they_are_written() {
        assert_eq!(broken("a<br />b<br>c<BR/>d<br  />\ne\nf"), "a\nb\nc\nd\ne\nf");
        assert_eq!(broken("a<br /><br />b"), "a\n\nb");
        assert_eq!(broken("1 < 2 <b>bold</b> <brr> <br"), "1 < 2 <b>bold</b> <brr> <br");
    }

    #[test]
    fn made_up_ids_keep_their_order() {
        let incident = IncidentId::from_random(1);
        let ids: Vec<_> = (0..2_000).map(|number| update_id(&incident, Some("update_7"), number)).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids, (0..2_000).map(|number| update_id(&incident, None, number)).collect::<Vec<_>>());
        assert_eq!(update_id(&incident, Some("0123456789ab"), 5).as_str(), "0123456789ab");
    }
}
