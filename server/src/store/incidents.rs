//! Incidents and their updates.
//!
//! A list of incidents is three queries, however long: the incidents, their updates, what those say of components.

use std::collections::HashMap;

use domain::{
    ids::{ComponentId, IncidentId, UpdateId},
    incident::{ComponentChange, Incident, Standing, Update},
    status::Impact,
};
use jiff::Timestamp;
use sqlx::{AnyConnection, FromRow};

use super::{Result, Store, StoreError, Write, instant, millis, parse};

#[derive(FromRow)]
struct IncidentRow {
    id: String,
    name: String,
    impact_override: Option<String>,
    created_at: i64,
    updated_at: i64,
}

#[derive(FromRow)]
struct UpdateRow {
    id: String,
    incident_id: String,
    status: String,
    body: String,
    display_at: i64,
    created_at: i64,
    updated_at: i64,
    next_update_by: Option<i64>,
    edited_at: Option<i64>,
    removed_at: Option<i64>,
    notify: i64,
}

#[derive(FromRow)]
struct ChangeRow {
    update_id: String,
    component_id: String,
    name: String,
    old_status: String,
    new_status: String,
}

impl TryFrom<ChangeRow> for ComponentChange {
    type Error = StoreError;

    fn try_from(row: ChangeRow) -> Result<Self> {
        Ok(Self {
            component: parse("update_components", &row.component_id)?,
            name: row.name,
            old: parse("update_components", &row.old_status)?,
            new: parse("update_components", &row.new_status)?,
        })
    }
}

impl IncidentRow {
    fn with(self, updates: Vec<Update>) -> Result<Incident> {
        Ok(Incident {
            id: parse("incidents", &self.id)?,
            name: self.name,
            impact_override: self.impact_override.map(|impact| parse("incidents", &impact)).transpose()?,
            created_at: instant("incidents", self.created_at)?,
            updated_at: instant("incidents", self.updated_at)?,
            updates,
        })
    }
}

impl UpdateRow {
    fn with(self, components: Vec<ComponentChange>) -> Result<Update> {
        let maybe = |at: Option<i64>| at.map(|at| instant("incident_updates", at)).transpose();
        Ok(Update {
            id: parse("incident_updates", &self.id)?,
            status: parse("incident_updates", &self.status)?,
            body: self.body,
            display_at: instant("incident_updates", self.display_at)?,
            created_at: instant("incident_updates", self.created_at)?,
            updated_at: instant("incident_updates", self.updated_at)?,
            next_update_by: maybe(self.next_update_by)?,
            edited_at: maybe(self.edited_at)?,
            removed_at: maybe(self.removed_at)?,
            notify: self.notify == 1,
            components,
        })
    }
}

/// The three queries that read some incidents.
pub(super) struct Selection {
    pub(super) incidents: &'static str,
    pub(super) updates: &'static str,
    pub(super) changes: &'static str,
}

/// The selection of the incidents for which a condition holds.
macro_rules! incidents_where {
    ($condition:literal) => {
        Selection {
            incidents: concat!(
                "select id, name, impact_override, created_at, updated_at from incidents where ",
                $condition,
                " order by started_at desc, id desc"
            ),
            updates: concat!(
                "select id, incident_id, status, body, display_at, created_at, updated_at, next_update_by, edited_at,
                        removed_at, notify
                 from incident_updates where incident_id in (select id from incidents where ",
                $condition,
                ") order by display_at desc, created_at desc, id desc"
            ),
            changes: concat!(
                "select update_id, component_id, name, old_status, new_status from update_components
                 where update_id in (select id from incident_updates
                                     where incident_id in (select id from incidents where ",
                $condition,
                ")) order by update_id, component_id"
            ),
        }
    };
}

pub(super) use incidents_where;

const BY_ID: Selection = incidents_where!("id = $1");
const OPEN: Selection = incidents_where!("resolved_at is null");
const RECENT: Selection =
    incidents_where!("id in (select id from incidents order by started_at desc, id desc limit $1)");
const BETWEEN: Selection = incidents_where!("started_at >= $1 and started_at < $2");
const OF_COMPONENT: Selection = incidents_where!(
    "id in (select u.incident_id from update_components c join incident_updates u on u.id = c.update_id
            where c.component_id = $1)
     and started_at >= $2"
);

/// What stands for a placeholder.
#[derive(Clone, Copy)]
pub(super) enum Bound<'a> {
    Text(&'a str),
    Number(i64),
}

/// Binds the same values to any of a selection's queries.
macro_rules! bind_all {
    ($query:expr, $bounds:expr) => {
        $bounds.iter().fold($query, |query, bound| match *bound {
            Bound::Text(text) => query.bind(text),
            Bound::Number(number) => query.bind(number),
        })
    };
}

// Below the macro that it uses.
mod updates;

impl Store {
    /// One incident with all its updates.
    pub async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>> {
        Ok(self.incidents(BY_ID, &[Bound::Text(id.as_str())]).await?.pop())
    }

    /// The incidents that are not over, the one that began last first.
    pub async fn open_incidents(&self) -> Result<Vec<Incident>> {
        self.incidents(OPEN, &[]).await
    }

    /// The `limit` incidents that began last, over or not, newest first.
    pub async fn recent_incidents(&self, limit: i64) -> Result<Vec<Incident>> {
        self.incidents(RECENT, &[Bound::Number(limit)]).await
    }

    /// The incidents that began at or after `from` and before `to`, newest first.
    pub async fn incidents_between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Incident>> {
        self.incidents(BETWEEN, &[Bound::Number(millis(from)), Bound::Number(millis(to))]).await
    }

    /// When the first of all incidents began.
    pub async fn first_incident_at(&self) -> Result<Option<Timestamp>> {
        let first: Option<i64> =
            sqlx::query_scalar("select min(started_at) from incidents").fetch_one(self.read()).await?;
        first.map(|at| instant("incidents", at)).transpose()
    }

    /// The incidents that list a component and began at or after `from`, newest first.
    pub async fn incidents_of_component(&self, id: &ComponentId, from: Timestamp) -> Result<Vec<Incident>> {
        self.incidents(OF_COMPONENT, &[Bound::Text(id.as_str()), Bound::Number(millis(from))]).await
    }

    pub(super) async fn incidents(&self, selection: Selection, bounds: &[Bound<'_>]) -> Result<Vec<Incident>> {
        let mut snapshot = self.snapshot().await?;
        let incidents = read(&mut snapshot, selection, bounds).await?;
        snapshot.commit().await?;
        Ok(incidents)
    }
}

impl Write {
    /// One incident with all its updates. Until this transaction ends nobody else gets it this way, so that two
    /// people who post at once see each other's updates.
    ///
    /// `no key update`: a plain `for update` would stop whoever writes down what became of its mails, for PostgreSQL then
    /// looks at the incident too (a row changed twice in one transaction is checked against what it refers to), and each
    /// would wait for the other.
    pub async fn incident(&mut self, id: &IncidentId) -> Result<Option<Incident>> {
        let lock = self
            .pick("select id from incidents where id = $1", "select id from incidents where id = $1 for no key update");
        let found: Option<String> =
            sqlx::query_scalar(lock).bind(id.as_str()).fetch_optional(self.connection()).await?;
        if found.is_none() {
            return Ok(None);
        }
        Ok(read(self.connection(), BY_ID, &[Bound::Text(id.as_str())]).await?.pop())
    }

    /// As [`Store::open_incidents`], seeing what this transaction did and nobody can change before it ends if it holds the
    /// page's version.
    pub async fn open_incidents(&mut self) -> Result<Vec<Incident>> {
        read(self.connection(), OPEN, &[]).await
    }

    /// Writes an incident and all its updates. `dedupe_key` goes with the oldest one; `false`: it was already used,
    /// and nothing was written.
    pub async fn insert_incident(&mut self, incident: &Incident, dedupe_key: Option<&str>) -> Result<bool> {
        let standing = standing(incident)?;
        sqlx::query(
            "insert into incidents (id, name, status, impact, impact_override, started_at, monitoring_at, resolved_at,
                                    created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(incident.id.as_str())
        .bind(&incident.name)
        .bind(standing.status.as_str())
        .bind(incident.impact().as_str())
        .bind(incident.impact_override.map(Impact::as_str))
        .bind(millis(standing.started_at))
        .bind(standing.monitoring_at.map(millis))
        .bind(standing.resolved_at.map(millis))
        .bind(millis(incident.created_at))
        .bind(millis(incident.updated_at))
        .execute(self.connection())
        .await?;
        for (index, update) in incident.updates.iter().rev().enumerate() {
            let dedupe_key = dedupe_key.filter(|_| index == 0);
            if !self.insert_update(&incident.id, update, dedupe_key).await? {
                sqlx::query("delete from incidents where id = $1")
                    .bind(incident.id.as_str())
                    .execute(self.connection())
                    .await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds an update to an incident; [`Write::refresh_incident`] belongs after it. `false`: `dedupe_key` was
    /// already used, and nothing was written.
    pub async fn insert_update(
        &mut self,
        incident: &IncidentId,
        update: &Update,
        dedupe_key: Option<&str>,
    ) -> Result<bool> {
        let inserted = sqlx::query(
            "insert into incident_updates (id, incident_id, status, body, display_at, created_at, updated_at,
                                           next_update_by, edited_at, removed_at, notify, dedupe_key)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (dedupe_key) do nothing",
        )
        .bind(update.id.as_str())
        .bind(incident.as_str())
        .bind(update.status.as_str())
        .bind(&update.body)
        .bind(millis(update.display_at))
        .bind(millis(update.created_at))
        .bind(millis(update.updated_at))
        .bind(update.next_update_by.map(millis))
        .bind(update.edited_at.map(millis))
        .bind(update.removed_at.map(millis))
        .bind(i64::from(update.notify))
        .bind(dedupe_key)
        .execute(self.connection())
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(false);
        }
        self.insert_changes(update).await?;
        Ok(true)
    }

    /// Adds what an update says of components.
    pub(super) async fn insert_changes(&mut self, update: &Update) -> Result<()> {
        for change in &update.components {
            sqlx::query(
                "insert into update_components (update_id, component_id, name, old_status, new_status)
                 values ($1, $2, $3, $4, $5)",
            )
            .bind(update.id.as_str())
            .bind(change.component.as_str())
            .bind(&change.name)
            .bind(change.old.as_str())
            .bind(change.new.as_str())
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }

    /// Stores an incident's title, its impact and how it stands now that its updates changed.
    pub async fn refresh_incident(&mut self, incident: &Incident, now: Timestamp) -> Result<()> {
        let standing = standing(incident)?;
        sqlx::query(
            "update incidents set name = $2, status = $3, impact = $4, impact_override = $5, started_at = $6,
                                  monitoring_at = $7, resolved_at = $8, updated_at = $9
             where id = $1",
        )
        .bind(incident.id.as_str())
        .bind(&incident.name)
        .bind(standing.status.as_str())
        .bind(incident.impact().as_str())
        .bind(incident.impact_override.map(Impact::as_str))
        .bind(millis(standing.started_at))
        .bind(standing.monitoring_at.map(millis))
        .bind(standing.resolved_at.map(millis))
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// What a form that was sent before has published.
    pub async fn update_by_dedupe_key(&mut self, dedupe_key: &str) -> Result<Option<(IncidentId, UpdateId)>> {
        let found: Option<(String, String)> =
            sqlx::query_as("select incident_id, id from incident_updates where dedupe_key = $1")
                .bind(dedupe_key)
                .fetch_optional(self.connection())
                .await?;
        found
            .map(|(incident, update)| Ok((parse("incident_updates", &incident)?, parse("incident_updates", &update)?)))
            .transpose()
    }
}

fn standing(incident: &Incident) -> Result<Standing> {
    incident.standing().ok_or_else(|| StoreError::Corrupt("incidents", "an incident without updates".to_owned()))
}

async fn read(connection: &mut AnyConnection, selection: Selection, bounds: &[Bound<'_>]) -> Result<Vec<Incident>> {
    let incidents: Vec<IncidentRow> =
        bind_all!(sqlx::query_as(selection.incidents), bounds).fetch_all(&mut *connection).await?;
    let updates: Vec<UpdateRow> =
        bind_all!(sqlx::query_as(selection.updates), bounds).fetch_all(&mut *connection).await?;
    let changes: Vec<ChangeRow> =
        bind_all!(sqlx::query_as(selection.changes), bounds).fetch_all(&mut *connection).await?;
    let mut changes = by_update(changes)?;
    let mut by_incident: HashMap<String, Vec<Update>> = HashMap::new();
    for row in updates {
        let incident = row.incident_id.clone();
        let components = changes.remove(&row.id).unwrap_or_default();
        by_incident.entry(incident).or_default().push(row.with(components)?);
    }
    incidents
        .into_iter()
        .map(|row| {
            let updates = by_incident.remove(&row.id).unwrap_or_default();
            row.with(updates)
        })
        .collect()
}

/// What each update says of components, by their names.
fn by_update(rows: Vec<ChangeRow>) -> Result<HashMap<String, Vec<ComponentChange>>> {
    let mut changes: HashMap<String, Vec<ComponentChange>> = HashMap::new();
    for row in rows {
        changes.entry(row.update_id.clone()).or_default().push(row.try_into()?);
    }
    for list in changes.values_mut() {
        list.sort_by(|a, b| (&a.name, &a.component).cmp(&(&b.name, &b.component)));
    }
    Ok(changes)
}
