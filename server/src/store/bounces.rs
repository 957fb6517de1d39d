//! Bounces and complaints: what was reported of mails after they were sent.

use std::collections::HashMap;

use domain::{
    bounce::{BounceKind, Report, Verdict},
    ids::{BroadcastId, DeliveryId},
};
use jiff::Timestamp;
use serde_json::json;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, instant, millis, parse};

const TABLE: &str = "bounces";

/// What was reported of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// What.
    pub kind: BounceKind,
    /// What followed.
    pub verdict: Verdict,
    /// In the receiving server's words; may be empty.
    pub diagnostic: String,
    /// When it happened.
    pub at: Timestamp,
}

/// The mail that a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounced {
    /// Which.
    pub id: DeliveryId,
    /// What it is part of; `None` for a letter.
    pub broadcast: Option<BroadcastId>,
}

#[derive(FromRow)]
struct Row {
    delivery_id: String,
    kind: String,
    verdict: String,
    diagnostic: String,
    reported_at: i64,
}

impl TryFrom<Row> for Bounce {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            kind: parse(TABLE, &row.kind)?,
            verdict: parse(TABLE, &row.verdict)?,
            diagnostic: row.diagnostic,
            at: instant(TABLE, row.reported_at)?,
        })
    }
}

fn bounced(row: (String, Option<String>)) -> Result<Bounced> {
    let broadcast = row.1.map(|id| parse(TABLE, &id)).transpose()?;
    Ok(Bounced { id: DeliveryId::from_stored(row.0), broadcast })
}

impl Store {
    /// What was reported last of each of these deliveries.
    pub async fn bounces_of<'a>(
        &self,
        deliveries: impl IntoIterator<Item = &'a DeliveryId>,
    ) -> Result<HashMap<DeliveryId, Bounce>> {
        let ids: Vec<_> = deliveries.into_iter().map(DeliveryId::as_str).collect();
        let query = self.engine.pick(
            "select delivery_id, kind, verdict, diagnostic, reported_at from bounces
             where delivery_id in (select value from json_each($1)) order by reported_at, id",
            "select delivery_id, kind, verdict, diagnostic, reported_at from bounces
             where delivery_id in (select value from jsonb_array_elements_text(cast($1 as jsonb)))
             order by reported_at, id",
        );
        let rows: Vec<Row> = sqlx::query_as(query).bind(json!(ids).to_string()).fetch_all(self.read()).await?;
        // Of several reports about one mail the last stays.
        let keyed = |row: Row| -> Result<(DeliveryId, Bounce)> {
            Ok((DeliveryId::from_stored(row.delivery_id.clone()), row.try_into()?))
        };
        rows.into_iter().map(keyed).collect()
    }

    /// How many mails of broadcasts came back since then because their addresses do not work.
    pub async fn count_bounced(&self, since: Timestamp) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "select count(*) from bounces
             where received_at > $1 and verdict = 'suppressed' and broadcast_id is not null",
        )
        .bind(millis(since))
        .fetch_one(self.read())
        .await?)
    }

    /// How many mails of the broadcasts since then were tried to their end, and how many of them were refused for good.
    pub async fn count_broadcast_mails(&self, since: Timestamp) -> Result<(i64, i64)> {
        // What began since then has not ended before: said for the sake of the index.
        Ok(sqlx::query_as(
            "select cast(coalesce(sum(sent + uncertain + failed), 0) as bigint), cast(coalesce(sum(failed), 0) as bigint) \
             from broadcasts where created_at > $1 and (finished_at is null or finished_at > $1)",
        )
        .bind(millis(since))
        .fetch_one(self.read())
        .await?)
    }
}

impl Write {
    /// The delivery of this id, if it went to this address. `email_canonical` is `EmailAddress::canonical`.
    pub async fn delivery_to(&mut self, id: &str, email_canonical: &str) -> Result<Option<Bounced>> {
        let delivery = DeliveryId::from_stored(id.to_owned());
        let (broadcast, subscriber) = delivery.parts();
        let row: Option<(String, Option<String>)> = sqlx::query_as(
            "select id, broadcast_id from deliveries where id = $1 and lower(address) = $2
             union all select $1, s.broadcast_id from sent s join subscribers u on u.id = s.subscriber_id
             where s.broadcast_id = $3 and s.subscriber_id = $4 and u.email_canonical = $2",
        )
        .bind(id)
        .bind(email_canonical)
        .bind(broadcast)
        .bind(subscriber)
        .fetch_optional(self.connection())
        .await?;
        row.map(bounced).transpose()
    }

    /// What was sent to an address last by then.
    pub async fn last_delivery_to(&mut self, email_canonical: &str, by: Timestamp) -> Result<Option<Bounced>> {
        let row: Option<(String, Option<String>)> = sqlx::query_as(
            "select id, broadcast_id from (
               select id, broadcast_id, updated_at as at from deliveries
               where lower(address) = $1 and updated_at <= $2 and state in ('sent', 'uncertain')
               union all select s.broadcast_id || '.' || s.subscriber_id, s.broadcast_id, s.sent_at
               from subscribers u cross join broadcasts b cross join sent s
               where u.email_canonical = $1 and s.broadcast_id = b.id and s.subscriber_id = u.id and s.sent_at <= $2
             ) as mails order by at desc, id limit 1",
        )
        .bind(email_canonical)
        .bind(millis(by))
        .fetch_optional(self.connection())
        .await?;
        row.map(bounced).transpose()
    }

    /// Notes a report; false when it was noted before. `id` is what tells it from all others, of whatever service.
    pub async fn insert_bounce(
        &mut self,
        id: &str,
        report: &Report,
        verdict: Verdict,
        about: Option<&Bounced>,
        now: Timestamp,
    ) -> Result<bool> {
        let rows = sqlx::query(
            "insert into bounces (id, kind, verdict, delivery_id, broadcast_id, diagnostic, reported_at, received_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing",
        )
        .bind(id)
        .bind(report.kind.as_str())
        .bind(verdict.as_str())
        .bind(about.map(|about| about.id.as_str()))
        .bind(about.and_then(|about| about.broadcast.as_ref()).map(BroadcastId::as_str))
        // Without the mail it could not be found when its recipient is to be forgotten, and it may quote their address.
        .bind(about.map_or("", |_| report.diagnostic.as_str()))
        .bind(millis(report.at))
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(rows.rows_affected() == 1)
    }

    /// Removes what was reported before `before`: what it was about is forgotten too.
    pub async fn delete_old_bounces(&mut self, before: Timestamp) -> Result<u64> {
        let rows = sqlx::query("delete from bounces where received_at < $1")
            .bind(millis(before))
            .execute(self.connection())
            .await?;
        Ok(rows.rows_affected())
    }
}
