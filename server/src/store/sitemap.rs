//! When each public page last changed, for the list that search engines read.

use domain::ids::{ComponentId, IncidentId};
use jiff::Timestamp;

use super::{Result, Store, instant, parse};

impl Store {
    /// The `limit` incidents that began last, newest first: when each began, and when it last changed.
    pub async fn incident_changes(&self, limit: i64) -> Result<Vec<(IncidentId, Timestamp, Timestamp)>> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "select id, started_at, updated_at from incidents order by started_at desc, id desc limit $1",
        )
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        let read = |(id, started_at, updated_at): (String, i64, i64)| {
            Ok((parse("incidents", &id)?, instant("incidents", started_at)?, instant("incidents", updated_at)?))
        };
        rows.into_iter().map(read).collect()
    }

    /// The `limit` incidents whose postmortem changed last, newest first, with when it did. Drafts are none of them.
    pub async fn postmortem_changes(&self, limit: i64) -> Result<Vec<(IncidentId, Timestamp)>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select u.incident_id, cast(max(case when p.updated_at > u.updated_at then p.updated_at else u.updated_at end)
                                        as bigint) as changed_at
             from incident_updates u left join postmortems p on p.update_id = u.id
             where u.status = 'postmortem' and u.removed_at is null
             group by u.incident_id order by changed_at desc, u.incident_id limit $1",
        )
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        rows.into_iter()
            .map(|(id, at)| Ok((parse("incident_updates", &id)?, instant("incident_updates", at)?)))
            .collect()
    }

    /// The components that were not deleted, in their order, with when each last changed.
    pub async fn component_changes(&self) -> Result<Vec<(ComponentId, Timestamp)>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select id, updated_at from components where deleted_at is null order by position, name, id",
        )
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(|(id, at)| Ok((parse("components", &id)?, instant("components", at)?))).collect()
    }
}
