//! What came from another status page, so that bringing it in again changes only what changed there.

use std::collections::HashMap;

use domain::{
    ids::{ComponentId, IncidentId, UpdateId},
    incident::{Incident, Standing},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Result, Store, StoreError, Write, millis, parse};

/// What kind of record was brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The page itself.
    Page,
    /// A group of components.
    Group,
    /// A component.
    Component,
    /// An incident with its updates.
    Incident,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Group => "group",
            Self::Component => "component",
            Self::Incident => "incident",
        }
    }
}

/// A time that the page an incident came from tells otherwise than its updates do. Often by some milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What follows from the updates that were brought in; once it does not any more, the other page's word is void.
    pub derived: Option<Timestamp>,
    /// What that page told.
    pub said: Option<Timestamp>,
}

/// What the page an incident came from says of it and its updates do not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Told>,
    /// Since when it was only watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring_at: Option<Told>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Told>,
    /// Components it lists though no update does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentId>,
}

impl Said {
    /// How an incident stands, with the times as the other page told them.
    pub fn correct(&self, standing: Standing) -> Standing {
        let told = |told: Option<Told>, derived: Option<Timestamp>| match told {
            Some(told) if told.derived == derived => told.said,
            _ => derived,
        };
        Standing {
            status: standing.status,
            started_at: told(self.started_at, Some(standing.started_at)).unwrap_or(standing.started_at),
            monitoring_at: told(self.monitoring_at, standing.monitoring_at),
            resolved_at: told(self.resolved_at, standing.resolved_at),
        }
    }
}

impl Store {
    /// The digests of all records of a kind that were brought in, by id.
    pub async fn imports(&self, kind: Kind) -> Result<HashMap<String, String>> {
        let rows: Vec<(String, String)> = sqlx::query_as("select id, digest from imports where kind = $1 order by id")
            .bind(kind.as_str())
            .fetch_all(self.read())
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// What the pages that these incidents came from say of them, for those of which they say anything.
    pub async fn said_of(&self, incidents: impl IntoIterator<Item = &IncidentId>) -> Result<HashMap<IncidentId, Said>> {
        let text = self.engine().pick(
            "select id, said from imports
             where kind = 'incident' and said is not null and id in (select value from json_each($1)) order by id",
            "select id, said from imports
             where kind = 'incident' and said is not null
               and id in (select value from jsonb_array_elements_text(cast($1 as jsonb))) order by id",
        );
        let ids: Vec<_> = incidents.into_iter().collect();
        let rows: Vec<(String, String)> =
            sqlx::query_as(text).bind(json!(ids).to_string()).fetch_all(self.read()).await?;
        let read = |(id, said): (String, String)| {
            let said =
                serde_json::from_str(&said).map_err(|error| StoreError::Corrupt("imports", error.to_string()))?;
            Ok((parse("imports", &id)?, said))
        };
        rows.into_iter().map(read).collect()
    }

    /// Which incident each update belongs to.
    pub async fn update_owners(&self) -> Result<HashMap<UpdateId, IncidentId>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("select id, incident_id from incident_updates order by id").fetch_all(self.read()).await?;
        let read = |(update, incident): (String, String)| {
            Ok((parse("incident_updates", &update)?, parse("incident_updates", &incident)?))
        };
        rows.into_iter().map(read).collect()
    }
}

impl Write {
    /// Notes that a record was brought in as it stood when it had this digest.
    pub async fn note_import(
        &mut self,
        kind: Kind,
        id: &str,
        digest: &str,
        said: Option<&Said>,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "insert into imports (kind, id, digest, said, imported_at) values ($1, $2, $3, $4, $5)
             on conflict (kind, id) do update
             set digest = excluded.digest, said = excluded.said, imported_at = excluded.imported_at",
        )
        .bind(kind.as_str())
        .bind(id)
        .bind(digest)
        .bind(said.map(|said| json!(said).to_string()))
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Creates an incident with its updates, or makes it and these updates what they are here. Updates of its own that are
    /// not among them stay. Nobody is mailed.
    pub async fn put_incident(&mut self, incident: &Incident) -> Result<()> {
        if self.incident(&incident.id).await?.is_none() {
            self.insert_incident(incident, None).await?;
            return Ok(());
        }
        for update in &incident.updates {
            sqlx::query("delete from update_components where update_id = $1")
                .bind(update.id.as_str())
                .execute(self.connection())
                .await?;
            let changed = sqlx::query(
                "update incident_updates set status = $3, body = $4, display_at = $5, created_at = $6, updated_at = $7
                 where id = $1 and incident_id = $2",
            )
            .bind(update.id.as_str())
            .bind(incident.id.as_str())
            .bind(update.status.as_str())
            .bind(&update.body)
            .bind(millis(update.display_at))
            .bind(millis(update.created_at))
            .bind(millis(update.updated_at))
            .execute(self.connection())
            .await?;
            if changed.rows_affected() == 0 {
                self.insert_update(&incident.id, update, None).await?;
            } else {
                self.insert_changes(update).await?;
            }
        }
        let Some(known) = self.incident(&incident.id).await? else { return Ok(()) };
        sqlx::query("update incidents set created_at = $2 where id = $1")
            .bind(incident.id.as_str())
            .bind(millis(incident.created_at))
            .execute(self.connection())
            .await?;
        let merged = Incident { name: incident.name.clone(), impact_override: incident.impact_override, ..known };
        self.refresh_incident(&merged, incident.updated_at).await
    }
}
