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
