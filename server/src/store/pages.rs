//! Long lists, a page at a time: newest first, each page beginning after the last one of the page before.
//!
//! What is added meanwhile stands before the first page, so nothing is seen twice or missed.

use domain::{
    ids::{BroadcastId, IncidentId, SubscriberId, UpdateId},
    incident::Incident,
};

use super::{
    Result, Store,
    broadcasts::{Broadcast, BroadcastRow, broadcasts, select},
    incidents::{Bound, Selection, incidents_where},
    parse,
    subscribers::{Row, Subscriber, select_subscriber, with_follows},
};

const INCIDENTS_BEFORE: Selection = incidents_where!(
    "id in (select id from incidents
            where (started_at, id) < (select started_at, id from incidents where id = $1)
            order by started_at desc, id desc limit $2)"
);

impl Store {
    /// The `limit` incidents that began last before this one, newest first. Nothing, if there is no such incident.
    pub async fn incidents_before(&self, before: &IncidentId, limit: i64) -> Result<Vec<Incident>> {
        self.incidents(INCIDENTS_BEFORE, &[Bound::Text(before.as_str()), Bound::Number(limit)]).await
    }

    /// The incident that an update belongs to.
    pub async fn incident_of_update(&self, update: &UpdateId) -> Result<Option<IncidentId>> {
        let found: Option<String> = sqlx::query_scalar("select incident_id from incident_updates where id = $1")
            .bind(update.as_str())
            .fetch_optional(self.read())
            .await?;
        found.map(|id| parse("incident_updates", &id)).transpose()
    }

    /// The broadcast that carries an update.
    pub async fn broadcast_carrying(&self, update: &UpdateId) -> Result<Option<Broadcast>> {
        let row: Option<BroadcastRow> = sqlx::query_as(select!("where update_id = $1 and kind = 'update'"))
            .bind(update.as_str())
            .fetch_optional(self.read())
            .await?;
        row.map(Broadcast::try_from).transpose()
    }

    /// The `limit` newest broadcasts, or those that are older than `before`.
    pub async fn broadcasts_page(&self, before: Option<&BroadcastId>, limit: i64) -> Result<Vec<Broadcast>> {
        let query = match before {
            None => sqlx::query_as(select!("where $1 = '' order by created_at desc, id desc limit $2")),
            Some(_) => sqlx::query_as(select!(
                "where (created_at, id) < (select created_at, id from broadcasts where id = $1) \
                 order by created_at desc, id desc limit $2"
            )),
        };
        let rows = query.bind(before.map_or("", BroadcastId::as_str)).bind(limit).fetch_all(self.read()).await?;
        broadcasts(rows)
    }

    /// The `limit` newest subscribers who have not left, or those who came before `before`.
    pub async fn subscribers_page(&self, before: Option<SubscriberId>, limit: i64) -> Result<Vec<Subscriber>> {
        let mut snapshot = self.snapshot().await?;
        let rows: Vec<Row> =
            sqlx::query_as(select_subscriber!("state <> 'unsubscribed' and id < $1 order by id desc limit $2"))
                .bind(before.map_or(i64::MAX, |id| id.0))
                .bind(limit)
                .fetch_all(&mut *snapshot)
                .await?;
        let mut subscribers = Vec::new();
        for row in rows {
            subscribers.extend(with_follows(&mut snapshot, Some(row)).await?);
        }
        snapshot.commit().await?;
        Ok(subscribers)
    }
}
