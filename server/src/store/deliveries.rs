//! Deliveries: one row per recipient that a broadcast's cursor has reached, and one per single letter.
//!
//! ```text
//!    carry_over ─┐
//! insert_letter ─▶ waiting ─ claim ─▶ leased ─ settle ─▶ sent · failed · skipped · expired · uncertain
//!                     ▲                 ▲  └── again ──▶ waiting, due later
//!                     └─ node is dead ──┤
//!                        expand ────────┘ (rows are born leased)
//! ```
//! What was sent of a broadcast at the first attempt leaves this table for the narrow one `sent` (`broadcast_id,
//! subscriber_id, sent_at`).

use std::ops::RangeInclusive;

use domain::{
    broadcast::Lane,
    delivery::DeliveryState,
    email_address::EmailAddress,
    i18n::Preferences,
    ids::{BroadcastId, DeliveryId, SubscriberId},
};
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, instant, millis, nodes::Node, parse, preferences};

/// What a single letter says.
pub use app::emails::Mail as Letter;

/// One message to one recipient, leased by this node.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which.
    pub id: DeliveryId,
    /// What it is part of; `None` for a letter.
    pub broadcast: Option<BroadcastId>,
    /// The subscriber it is for, if any.
    pub subscriber: Option<SubscriberId>,
    /// The subscriber's generation, which their links carry.
    pub generation: i64,
    /// How the subscriber wants to be written to.
    pub preferences: Preferences,
    /// `update`, or what kind of letter.
    pub kind: String,
    /// Its priority.
    pub lane: Lane,
    /// Where it goes.
    pub address: EmailAddress,
    /// What it says, if it is a letter.
    pub letter: Option<Letter>,
    /// Attempts so far that counted against the recipient.
    pub attempts: u32,
    /// Whether an earlier attempt may have reached them.
    pub was_uncertain: bool,
    /// When it was first asked for.
    pub created_at: Timestamp,
    /// When it was due.
    pub due_at: Timestamp,
    /// When it is no longer worth sending.
    pub expires_at: Timestamp,
}

/// A single letter to be sent.
#[derive(Clone, Debug)]
pub struct NewLetter {
    /// Its id.
    pub id: DeliveryId,
    /// `confirmation`, `sign_in`, `test`.
    pub kind: &'static str,
    /// Its priority.
    pub lane: Lane,
    /// Where it goes.
    pub to: EmailAddress,
    /// The subscriber it is for, if any.
    pub subscriber: Option<SubscriberId>,
    /// What it says.
    pub message: Letter,
    /// Asking for a letter twice with the same key sends one.
    pub dedupe_key: Option<String>,
    /// When it is no longer worth sending.
    pub expires_at: Timestamp,
}

/// What became of one message, or how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it stands.
    pub state: DeliveryState,
    /// Why, often in the server's words.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// How much waits in one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneCount {
    /// Which lane.
    pub lane: Lane,
    /// How many mails have no outcome yet.
    pub waiting: i64,
    /// When the oldest of them was asked for, however often it was tried since.
    pub oldest: Option<Timestamp>,
    /// Of those that are due, since when the one waits that has done so longest: for us, and not because its own server told
    /// us to come again later.
    pub due_since: Option<Timestamp>,
}

#[derive(FromRow)]
struct DeliveryRow {
    id: String,
    broadcast_id: Option<String>,
    subscriber_id: Option<i64>,
    generation: i64,
    locale: Option<String>,
    time_zone: Option<String>,
    kind: String,
    lane: i64,
    address: String,
    message: Option<String>,
    attempts: i64,
    uncertain: i64,
    created_at: i64,
    due_at: i64,
    expires_at: i64,
}

pub(super) const TABLE: &str = "deliveries";

fn lane(rank: i64) -> Result<Lane> {
    let found = Lane::ALL.iter().copied().find(|lane| lane.rank() == rank);
    found.ok_or_else(|| StoreError::Corrupt(TABLE, format!("the lane {rank}")))
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self> {
        let letter = row.message.as_deref().map(serde_json::from_str).transpose();
        Ok(Self {
            id: DeliveryId::from_stored(row.id),
            broadcast: row.broadcast_id.map(|id| parse(TABLE, &id)).transpose()?,
            subscriber: row.subscriber_id.map(SubscriberId),
            generation: row.generation,
            preferences: preferences(TABLE, row.locale.as_deref(), row.time_zone.as_deref())?,
            kind: row.kind,
            lane: lane(row.lane)?,
            address: parse(TABLE, &row.address)?,
            letter: letter.map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            was_uncertain: row.uncertain == 1,
            created_at: instant(TABLE, row.created_at)?,
            due_at: instant(TABLE, row.due_at)?,
            expires_at: instant(TABLE, row.expires_at)?,
        })
    }
}

impl Store {
    /// Whether a letter or another try is due in these lanes: spares the writer a claim that finds nothing.
    pub async fn has_due(&self, lanes: &RangeInclusive<Lane>, now: Timestamp) -> Result<bool> {
        let (due,): (i64,) = sqlx::query_as(
            "select case when exists (select 1 from deliveries where state = 'waiting' and due_at <= $1 \
             and lane between $2 and $3 \
             and (broadcast_id is null or broadcast_id not in (select id from broadcasts where state = 'paused'))) \
             then 1 else 0 end",
        )
        .bind(millis(now))
        .bind(lanes.start().rank())
        .bind(lanes.end().rank())
        .fetch_one(self.read())
        .await?;
        Ok(due == 1)
    }

    /// How one message stands, why and since when.
    pub async fn delivery_outcome(&self, id: &DeliveryId) -> Result<Option<Outcome>> {
        let (broadcast, subscriber) = id.parts();
        let row: Option<(String, String, i64)> = sqlx::query_as(
            "select state, reason, updated_at from deliveries where id = $1 \
             union all select 'sent', '', sent_at from sent where broadcast_id = $2 and subscriber_id = $3",
        )
        .bind(id.as_str())
        .bind(broadcast)
        .bind(subscriber)
        .fetch_optional(self.read())
        .await?;
        let outcome = |(state, reason, at): (String, String, i64)| {
            Ok(Outcome { state: parse(TABLE, &state)?, reason, at: instant(TABLE, at)? })
        };
        row.map(outcome).transpose()
    }

    /// How much waits in each lane: letters, also those that a node has leased and not sent, and everyone whom an open
    /// broadcast has not reached.
    ///
    /// Broadcasts are counted by their counters, however many deliveries they have. The ranges of lanes and nodes and the
    /// `coalesce` make SQLite read the indexes of what waits and what is leased, not all letters ever sent.
    pub async fn queue_counts(&self, now: Timestamp) -> Result<Vec<LaneCount>> {
        let rows: Vec<(i64, i64, Option<i64>, Option<i64>)> = sqlx::query_as(
            "select lane, cast(sum(waiting) as bigint), min(oldest), min(due_since) from ( \
             select lane, count(*) as waiting, min(created_at) as oldest, \
             min(case when due_at > $1 then null when attempts = 0 then created_at else due_at end) as due_since \
             from deliveries where state = 'waiting' and lane >= 0 and coalesce(broadcast_id, '') = '' group by lane \
             union all \
             select lane, count(*) as waiting, min(created_at) as oldest, \
             min(case when attempts = 0 then created_at else due_at end) as due_since \
             from deliveries where state = 'leased' and node >= '' and coalesce(broadcast_id, '') = '' group by lane \
             union all \
             select case lane when 'alert' then 0 when 'account' then 1 when 'incident' then 2 else 3 end as lane, \
             cast(sum(total - sent - failed - skipped - expired - uncertain) as bigint) as waiting, \
             min(created_at) as oldest, min(created_at) as due_since \
             from broadcasts where state in ('queued', 'sending', 'paused') group by lane) as queue \
             where waiting > 0 group by lane order by lane",
        )
        .bind(millis(now))
        .fetch_all(self.read())
        .await?;
        let count = |(rank, waiting, oldest, due_since): (i64, i64, Option<i64>, Option<i64>)| {
            let at = |at: Option<i64>| at.map(|at| instant(TABLE, at)).transpose();
            Ok(LaneCount { lane: lane(rank)?, waiting, oldest: at(oldest)?, due_since: at(due_since)? })
        };
        rows.into_iter().map(count).collect()
    }

    /// How many mails left after an instant, as far as is known.
    pub async fn count_sent(&self, since: Timestamp) -> Result<i64> {
        // Said twice, so that SQLite sees that the index of what is over holds all of them. Broadcasts that began since then
        // have counted what they sent.
        Ok(sqlx::query_scalar(
            "select (select count(*) from deliveries where state in ('sent', 'failed', 'skipped', 'expired', 'uncertain') \
             and updated_at > $1 and (state = 'uncertain' or state = 'sent' and (broadcast_id is null \
             or broadcast_id not in (select id from broadcasts where created_at > $1)))) \
             + (select cast(coalesce(sum(sent), 0) as bigint) from broadcasts where created_at > $1) \
             + (select count(*) from broadcasts b cross join sent s where s.broadcast_id = b.id and s.sent_at > $1 \
             and b.created_at <= $1 and coalesce(b.finished_at, $1 + 1) > $1)",
        )
        .bind(millis(since))
        .fetch_one(self.read())
        .await?)
    }
}

impl Write {
    /// Puts a single letter into the queue; false when one with this dedupe key is or was there.
    pub async fn insert_letter(&mut self, new: &NewLetter, now: Timestamp) -> Result<bool> {
        let message =
            serde_json::to_string(&new.message).map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?;
        let rows = sqlx::query(
            "insert into deliveries (id, subscriber_id, kind, lane, address, message, state, attempts, uncertain, reason, \
             dedupe_key, due_at, expires_at, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, 'waiting', 0, 0, '', $7, $8, $9, $8, $8) \
             on conflict (dedupe_key) where dedupe_key is not null do nothing",
        )
        .bind(new.id.as_str())
        .bind(new.subscriber.map(|id| id.0))
        .bind(new.kind)
        .bind(new.lane.rank())
        .bind(new.to.as_str())
        .bind(message)
        .bind(new.dedupe_key.as_deref())
        .bind(millis(now))
        .bind(millis(new.expires_at))
        .execute(self.connection())
        .await?;
        Ok(rows.rows_affected() == 1)
    }

    /// Leases up to `limit` due letters and retries to a node: most urgent lane first, in these lanes.
    pub async fn claim(
        &mut self,
        node: &Node,
        lanes: &RangeInclusive<Lane>,
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<Delivery>> {
        macro_rules! claim {
            ($lock:literal) => {
                concat!(
                    "with due as materialized (select id from deliveries \
                     where state = 'waiting' and due_at <= $1 and lane between $2 and $6 \
                     and (broadcast_id is null or broadcast_id not in (select id from broadcasts where state = 'paused')) \
                     order by lane, due_at, id limit $3",
                    $lock,
                    // The state again: on PostgreSQL another claim may have been faster since the rows were chosen.
                    ") update deliveries set state = 'leased', node = $4, epoch = $5, updated_at = $1 \
                     where id in (select id from due) and state = 'waiting' \
                     returning id, broadcast_id, subscriber_id, \
                     coalesce((select generation from subscribers where subscribers.id = deliveries.subscriber_id), 0) \
                     as generation, \
                     (select locale from subscribers where subscribers.id = deliveries.subscriber_id) as locale, \
                     (select time_zone from subscribers where subscribers.id = deliveries.subscriber_id) as time_zone, \
                     kind, lane, address, message, attempts, uncertain, created_at, due_at, expires_at"
                )
            };
        }
        let query = self.pick(claim!(""), claim!(" for update skip locked"));
        let rows: Vec<DeliveryRow> = sqlx::query_as(query)
            .bind(millis(now))
            .bind(lanes.start().rank())
            .bind(limit)
            .bind(&node.id)
            .bind(node.epoch)
            .bind(lanes.end().rank())
            .fetch_all(self.connection())
            .await?;
        let mut claimed = rows.into_iter().map(Delivery::try_from).collect::<Result<Vec<_>>>()?;
        claimed.sort_by_key(|delivery| (delivery.lane.rank(), delivery.due_at, delivery.subscriber));
        Ok(claimed)
    }

    /// Removes up to `limit` deliveries that had their outcome before `before`, if they are letters or of broadcasts that
    /// have ended by then, and as many that were sent of such broadcasts; says how many. What broadcasts counted stays.
    pub async fn delete_old_deliveries(&mut self, before: Timestamp, limit: i64) -> Result<u64> {
        // The states as the index has them, and `coalesce`, or SQLite reads everything.
        let rows = sqlx::query(
            "delete from deliveries where id in (select id from deliveries \
             where state in ('sent', 'failed', 'skipped', 'expired', 'uncertain') and updated_at < $1 \
             and (coalesce(broadcast_id, '') = '' \
             or coalesce(broadcast_id, '') in (select id from broadcasts where finished_at < $1)) \
             order by updated_at limit $2)",
        )
        .bind(millis(before))
        .bind(limit)
        .execute(self.connection())
        .await?;
        let sent = sqlx::query(
            "delete from sent where (broadcast_id, subscriber_id) in (select s.broadcast_id, s.subscriber_id \
             from broadcasts b cross join sent s where b.finished_at < $1 and s.broadcast_id = b.id limit $2)",
        )
        .bind(millis(before))
        .bind(limit)
        .execute(self.connection())
        .await?;
        Ok(rows.rows_affected().max(sent.rows_affected()))
    }

    /// Brings forward what waits since a later moment than now: a clock that was ahead named both that moment and when it is
    /// due. Says how many there were.
    pub async fn bring_forward(&mut self, now: Timestamp) -> Result<u64> {
        // A minute, because what another node wrote just now is no reason.
        let rows = sqlx::query(
            "update deliveries set due_at = due_at - (updated_at - $1), updated_at = $1 \
             where state = 'waiting' and lane >= 0 and due_at > $1 and updated_at > $1 + 60000",
        )
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(rows.rows_affected())
    }

    /// Marks letters that are no longer worth sending; says how many. Broadcasts expire as a whole.
    pub async fn expire_letters(&mut self, now: Timestamp) -> Result<u64> {
        let rows = sqlx::query(
            "update deliveries set state = 'expired', message = null, updated_at = $1 \
             where state = 'waiting' and lane >= 0 and coalesce(broadcast_id, '') = '' and expires_at <= $1",
        )
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(rows.rows_affected())
    }
}
