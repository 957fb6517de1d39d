//! What became of the mails to whom: for looking up, never for sending.

use domain::{
    delivery::DeliveryState,
    ids::{BroadcastId, DeliveryId, SubscriberId},
};
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, StoreError, deliveries::TABLE, instant, parse};

/// One mail and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Which.
    pub id: DeliveryId,
    /// What it is part of; `None` for a letter.
    pub broadcast: Option<BroadcastId>,
    /// `update`, `confirmation` and so on.
    pub kind: String,
    /// Whose it is; 0 for a letter to nobody who subscribed.
    pub subscriber: SubscriberId,
    /// Where it goes.
    pub address: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why; empty when there is nothing to say.
    pub reason: String,
    /// Attempts so far that counted against the recipient.
    pub attempts: i64,
    /// When it is tried (again), if it waits.
    pub due_at: Timestamp,
    /// When it was written; of what was sent of a broadcast at once, when that was.
    pub created_at: Timestamp,
    /// When it came to stand so.
    pub updated_at: Timestamp,
}

#[derive(FromRow)]
struct RecipientRow {
    id: String,
    broadcast_id: Option<String>,
    kind: String,
    subscriber_id: Option<i64>,
    address: String,
    state: String,
    reason: String,
    attempts: i64,
    due_at: i64,
    created_at: i64,
    updated_at: i64,
}

macro_rules! kept {
    () => {
        "id, broadcast_id, kind, subscriber_id, address, state, reason, attempts, due_at, created_at, updated_at"
    };
}

/// The same of what was sent of broadcasts at the first attempt, with the tables it is read from.
macro_rules! sent {
    () => {
        "s.broadcast_id || '.' || s.subscriber_id as id, s.broadcast_id, b.kind, s.subscriber_id,
         coalesce(u.email, 'erased@erased.invalid') as address, 'sent' as state, '' as reason, 1 as attempts,
         s.sent_at as due_at, s.sent_at as created_at, s.sent_at as updated_at
         from broadcasts b cross join sent s left join subscribers u on u.id = s.subscriber_id"
    };
}

impl TryFrom<RecipientRow> for Recipient {
    type Error = StoreError;

    fn try_from(row: RecipientRow) -> Result<Self> {
        Ok(Self {
            id: DeliveryId::from_stored(row.id),
            broadcast: row.broadcast_id.map(|id| parse(TABLE, &id)).transpose()?,
            kind: row.kind,
            subscriber: SubscriberId(row.subscriber_id.unwrap_or(0)),
            address: row.address,
            state: parse(TABLE, &row.state)?,
            reason: row.reason,
            attempts: row.attempts,
            due_at: instant(TABLE, row.due_at)?,
            created_at: instant(TABLE, row.created_at)?,
            updated_at: instant(TABLE, row.updated_at)?,
        })
    }
}

fn recipients(rows: Vec<RecipientRow>) -> Result<Vec<Recipient>> {
    rows.into_iter().map(Recipient::try_from).collect()
}

impl Store {
    /// The people of a broadcast in the order in which they are reached, after the subscriber `after`; only those who
    /// stand in `state` when one is named.
    pub async fn recipients(
        &self,
        broadcast: &BroadcastId,
        state: Option<DeliveryState>,
        after: SubscriberId,
        limit: i64,
    ) -> Result<Vec<Recipient>> {
        let rows = sqlx::query_as(concat!(
            "select * from (select ",
            kept!(),
            " from deliveries where broadcast_id = $1 and subscriber_id > $2 and ($3 = '' or state = $3)
             order by subscriber_id limit $4) as kept
             union all select * from (select ",
            sent!(),
            " where b.id = $1 and s.broadcast_id = $1 and s.subscriber_id > $2 and $3 in ('', 'sent')
             order by s.subscriber_id limit $4) as sent
             order by subscriber_id limit $4",
        ))
        .bind(broadcast.as_str())
        .bind(after.0)
        .bind(state.map_or("", DeliveryState::as_str))
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        recipients(rows)
    }

    /// The mails to one subscriber that are still remembered, newest first; those of one broadcast when it is named.
    pub async fn mails_to(
        &self,
        subscriber: SubscriberId,
        broadcast: Option<&BroadcastId>,
        limit: i64,
        skip: i64,
    ) -> Result<Vec<Recipient>> {
        let rows = sqlx::query_as(concat!(
            "select ",
            kept!(),
            " from deliveries where subscriber_id = $1 and ($2 = '' or broadcast_id = $2)
             union all select ",
            sent!(),
            " where s.broadcast_id = b.id and s.subscriber_id = $1 and ($2 = '' or b.id = $2)
             order by created_at desc, id limit $3 offset $4",
        ))
        .bind(subscriber.0)
        .bind(broadcast.map_or("", BroadcastId::as_str))
        .bind(limit)
        .bind(skip)
        .fetch_all(self.read())
        .await?;
        recipients(rows)
    }

    /// The letters to an address of nobody who subscribed, such as sign-in links, newest first.
    pub async fn letters_to(&self, address: &str, limit: i64) -> Result<Vec<Recipient>> {
        let rows = sqlx::query_as(concat!(
            "select ",
            kept!(),
            " from deliveries where subscriber_id is null and address = $1 order by created_at desc, id limit $2",
        ))
        .bind(address)
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        recipients(rows)
    }

    /// The subscriber with this address, whatever became of them. `email_canonical` is `EmailAddress::canonical`.
    pub async fn subscriber_with(&self, email_canonical: &str) -> Result<Option<SubscriberId>> {
        let id: Option<(i64,)> = sqlx::query_as("select id from subscribers where email_canonical = $1")
            .bind(email_canonical)
            .fetch_optional(self.read())
            .await?;
        Ok(id.map(|(id,)| SubscriberId(id)))
    }
}
