//! Broadcasts: one row per published thing, however many people it is for.
//!
//! Whoever touches several tables takes their locks in this order: nodes, incidents, broadcasts, deliveries. Rows are locked
//! `for no key update`: PostgreSQL locks what a changed row refers to, which would turn that order round.

use std::collections::BTreeSet;

use domain::{
    audience::Audience,
    broadcast::{BroadcastState, Cursor, Lane, Progress},
    ids::{BroadcastId, IncidentId, SubscriberId, UpdateId},
    rate::Rate,
};
use jiff::Timestamp;
use serde_json::json;
use sqlx::FromRow;

use super::{Result, Store, StoreError, audience::Recipient, instant, millis, parse};

/// One published thing on its way to many.
#[derive(Clone, Debug)]
pub struct Broadcast {
    /// Which.
    pub id: BroadcastId,
    /// What it carries: `update`, or `correction.2` for the second time its text was put right.
    pub kind: String,
    /// The incident it is about.
    pub incident: IncidentId,
    /// The update it carries.
    pub update: UpdateId,
    /// Its priority.
    pub lane: Lane,
    /// Who is told.
    pub audience: Audience,
    /// Where it stands.
    pub state: BroadcastState,
    /// Why it waits or stopped; empty when there is nothing to say.
    pub reason: String,
    /// How many people it is for: an estimate until the cursor has seen everyone.
    pub total: i64,
    /// How many of them have a delivery row.
    pub expanded: i64,
    /// How many of those were taken over at publish from the broadcast whose place it took.
    pub carried: i64,
    /// How many the server took.
    pub sent: i64,
    /// How many the server refused for good.
    pub failed: i64,
    /// How many no longer wanted it when their turn came, or were dropped when it stopped.
    pub skipped: i64,
    /// How many it was too late for.
    pub expired: i64,
    /// How many may or may not have got it.
    pub uncertain: i64,
    /// How far the list was walked.
    pub cursor: Cursor,
    /// Grows with every move of the cursor: what compare-and-swap compares.
    pub version: i64,
    /// When it was published.
    pub created_at: Timestamp,
    /// When somebody took on to count for how many people it is.
    pub counted_at: Option<Timestamp>,
    /// When the first recipients were claimed.
    pub started_at: Option<Timestamp>,
    /// When nothing was left to do.
    pub finished_at: Option<Timestamp>,
    /// When it is no longer worth sending.
    pub expires_at: Timestamp,
}

impl Broadcast {
    /// Whether it carries an update that was mailed before and says something else since.
    pub fn is_correction(&self) -> bool {
        self.kind.starts_with("correction")
    }

    /// How many have not had their turn, or are being sent or tried again.
    pub fn waiting(&self) -> i64 {
        self.total - self.sent - self.failed - self.skipped - self.expired - self.uncertain
    }

    /// How many of them have been claimed: they are being sent, or wait to be tried again.
    pub fn claimed(&self) -> i64 {
        self.waiting() - (self.total - self.expanded)
    }

    /// How many were written to, whatever came of it.
    pub fn mailed(&self) -> i64 {
        self.sent + self.failed + self.uncertain
    }

    /// How far it has come, and when it will be done at this rate.
    pub fn progress(&self, rate: Rate, now: Timestamp) -> Progress {
        let moves = matches!(self.state, BroadcastState::Queued | BroadcastState::Sending) && !rate.is_unlimited();
        let left = rate.time_for(u64::try_from(self.waiting()).unwrap_or(0));
        Progress {
            id: self.id.clone(),
            state: self.state,
            reason: self.reason.clone(),
            total: self.total,
            sent: self.sent,
            waiting: self.waiting(),
            failed: self.failed,
            skipped: self.skipped,
            expired: self.expired,
            uncertain: self.uncertain,
            created_at: self.created_at,
            finished_at: self.finished_at,
            eta: if moves { now.checked_add(left).ok() } else { None },
        }
    }
}

#[derive(FromRow)]
pub(super) struct BroadcastRow {
    id: String,
    kind: String,
    incident_id: String,
    update_id: String,
    lane: String,
    audience: String,
    state: String,
    reason: String,
    total: i64,
    expanded: i64,
    carried: i64,
    sent: i64,
    failed: i64,
    skipped: i64,
    expired: i64,
    uncertain: i64,
    next_id: i64,
    until_id: i64,
    wrap_until: i64,
    version: i64,
    created_at: i64,
    counted_at: Option<i64>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    expires_at: i64,
}

pub(super) const TABLE: &str = "broadcasts";

/// A query for those of `$2`, a JSON array, to whom the broadcast `$1` was sent, or for whom it has a delivery of this kind.
macro_rules! told {
    ($kind:literal, $subscribers:literal) => {
        concat!(
            "select subscriber_id from sent where broadcast_id = $1 and subscriber_id in (",
            $subscribers,
            ") union all select subscriber_id from deliveries where broadcast_id = $1 and subscriber_id in (",
            $subscribers,
            ")",
            $kind
        )
    };
}

/// A query for whole broadcasts: the columns once, the rest as given.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, kind, incident_id, update_id, lane, audience, state, reason, total, expanded, carried, sent, ",
            "failed, skipped, expired, uncertain, next_id, until_id, wrap_until, version, created_at, counted_at, ",
            "started_at, finished_at, expires_at from broadcasts ",
            $rest
        )
    };
}
pub(super) use select;

impl TryFrom<BroadcastRow> for Broadcast {
    type Error = StoreError;

    fn try_from(row: BroadcastRow) -> Result<Self> {
        let maybe = |at: Option<i64>| at.map(|at| instant(TABLE, at)).transpose();
        Ok(Self {
            id: parse(TABLE, &row.id)?,
            kind: row.kind,
            incident: parse(TABLE, &row.incident_id)?,
            update: parse(TABLE, &row.update_id)?,
            lane: parse(TABLE, &row.lane)?,
            audience: serde_json::from_str(&row.audience)
                .map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?,
            state: parse(TABLE, &row.state)?,
            reason: row.reason,
            total: row.total,
            expanded: row.expanded,
            carried: row.carried,
            sent: row.sent,
            failed: row.failed,
            skipped: row.skipped,
            expired: row.expired,
            uncertain: row.uncertain,
            cursor: Cursor { next: row.next_id, until: row.until_id, wrap_until: row.wrap_until },
            version: row.version,
            created_at: instant(TABLE, row.created_at)?,
            counted_at: maybe(row.counted_at)?,
            started_at: maybe(row.started_at)?,
            finished_at: maybe(row.finished_at)?,
            expires_at: instant(TABLE, row.expires_at)?,
        })
    }
}

pub(super) fn broadcasts(rows: Vec<BroadcastRow>) -> Result<Vec<Broadcast>> {
    rows.into_iter().map(Broadcast::try_from).collect()
}

impl Store {
    /// One broadcast.
    pub async fn broadcast(&self, id: &BroadcastId) -> Result<Option<Broadcast>> {
        let row: Option<BroadcastRow> =
            sqlx::query_as(select!("where id = $1")).bind(id.as_str()).fetch_optional(self.read()).await?;
        row.map(Broadcast::try_from).transpose()
    }

    /// The latest broadcasts, newest first.
    pub async fn broadcasts(&self, limit: i64) -> Result<Vec<Broadcast>> {
        let rows =
            sqlx::query_as(select!("order by created_at desc, id limit $1")).bind(limit).fetch_all(self.read()).await?;
        broadcasts(rows)
    }

    /// The broadcasts behind the `skip` newest, newest first.
    pub async fn broadcasts_behind(&self, skip: i64, limit: i64) -> Result<Vec<Broadcast>> {
        let rows = sqlx::query_as(select!("order by created_at desc, id limit $1 offset $2"))
            .bind(limit)
            .bind(skip)
            .fetch_all(self.read())
            .await?;
        broadcasts(rows)
    }

    /// Those that are not over, oldest first.
    pub async fn open_broadcasts(&self) -> Result<Vec<Broadcast>> {
        let rows = sqlx::query_as(select!("where state in ('queued', 'sending', 'paused') order by created_at, id"))
            .fetch_all(self.read())
            .await?;
        broadcasts(rows)
    }

    /// Those that are not over, and those published after an instant, newest first.
    pub async fn broadcasts_since(&self, since: Timestamp) -> Result<Vec<Broadcast>> {
        let rows = sqlx::query_as(select!(
            "where state in ('queued', 'sending', 'paused') or created_at > $1 order by created_at desc, id"
        ))
        .bind(millis(since))
        .fetch_all(self.read())
        .await?;
        broadcasts(rows)
    }

    /// All broadcasts about an incident, newest first.
    pub async fn broadcasts_of(&self, incident: &IncidentId) -> Result<Vec<Broadcast>> {
        let rows = sqlx::query_as(select!("where incident_id = $1 order by created_at desc, id"))
            .bind(incident.as_str())
            .fetch_all(self.read())
            .await?;
        broadcasts(rows)
    }

    /// The broadcast of a lane whose turn it is: the oldest with people left whom the cursor has not reached, and fewer than
    /// `most` whom it has, but who have no outcome.
    pub async fn next_broadcast(&self, lane: Lane, most: i64, now: Timestamp) -> Result<Option<Broadcast>> {
        let row: Option<BroadcastRow> = sqlx::query_as(select!(
            "\
             where state in ('queued', 'sending') and (next_id <= until_id or wrap_until > 0) and expires_at > $1 \
             and lane = $2 and expanded - sent - failed - skipped - expired - uncertain < $3 \
             order by created_at, id limit 1"
        ))
        .bind(millis(now))
        .bind(lane.as_str())
        .bind(most)
        .fetch_optional(self.read())
        .await?;
        row.map(Broadcast::try_from).transpose()
    }

    /// The next people of a broadcast, out of at most `limit` whom its cursor finds, and where the cursor stands after them.
    ///
    /// Whoever was carried over has a delivery already and is passed by. There are none but those who were carried over when
    /// it was published, so the answer stays true until the cursor moves.
    pub async fn next_recipients(
        &self,
        broadcast: &Broadcast,
        limit: i64,
        now: Timestamp,
    ) -> Result<(Vec<Recipient>, Cursor)> {
        let cursor = broadcast.cursor;
        let mut found = self.audience_batch(&broadcast.audience, cursor.next, cursor.until, limit, now).await?;
        let cursor = match found.last() {
            Some(last) if i64::try_from(found.len()).unwrap_or(i64::MAX) == limit => cursor.after(last.id),
            _ => cursor.walk_ended(),
        };
        if broadcast.carried > 0 {
            let ids: Vec<_> = found.iter().map(|recipient| recipient.id).collect();
            let has_one = self.with_delivery(&broadcast.id, &ids).await?;
            found.retain(|recipient| !has_one.contains(&recipient.id));
        }
        Ok((found, cursor))
    }

    /// Those of `subscribers` who have a delivery of this broadcast, whatever became of it.
    async fn with_delivery(
        &self,
        broadcast: &BroadcastId,
        subscribers: &[SubscriberId],
    ) -> Result<BTreeSet<SubscriberId>> {
        let query = self.engine.pick(
            told!("", "select value from json_each($2)"),
            told!("", "select cast(value as bigint) from jsonb_array_elements_text(cast($2 as jsonb))"),
        );
        let rows: Vec<(i64,)> = sqlx::query_as(query)
            .bind(broadcast.as_str())
            .bind(json!(subscribers).to_string())
            .fetch_all(self.read())
            .await?;
        Ok(rows.into_iter().map(|(id,)| SubscriberId(id)).collect())
    }

    /// When those broadcasts were published that go on, are older than `before`, and have not been carried to everyone once or
    /// wait for more than a twentieth of all.
    pub async fn unfinished_broadcasts(&self, before: Timestamp) -> Result<Vec<Timestamp>> {
        let rows: Vec<(i64,)> = sqlx::query_as(
            "select created_at from broadcasts where state in ('queued', 'sending') \
             and (next_id <= until_id or wrap_until > 0 \
             or (total - sent - failed - skipped - expired - uncertain) * 20 > total) \
             and created_at < $1 order by created_at",
        )
        .bind(millis(before))
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(|(at,)| instant(TABLE, at)).collect()
    }

    /// Who is being sent an older broadcast about the same incident right now, so that nobody hears the end before the
    /// beginning.
    ///
    /// Stopped broadcasts have nobody waiting but those whose mail is under way, so this looks at deliveries only when
    /// there are any, and then only at what is leased (the range of nodes makes SQLite use that index).
    pub async fn busy_with_older(&self, broadcast: &Broadcast) -> Result<Vec<SubscriberId>> {
        let older: Vec<(String,)> = sqlx::query_as(
            "select id from broadcasts where incident_id = $1 and id <> $2 and state in ('superseded', 'cancelled', 'expired') \
             and total > sent + failed + skipped + expired + uncertain",
        )
        .bind(broadcast.incident.as_str())
        .bind(broadcast.id.as_str())
        .fetch_all(self.read())
        .await?;
        let mut busy = Vec::new();
        for (id,) in older {
            let rows: Vec<(i64,)> = sqlx::query_as(
                "select subscriber_id from deliveries \
                 where state = 'leased' and node > '' and coalesce(broadcast_id, '') = $1 and subscriber_id is not null",
            )
            .bind(id)
            .fetch_all(self.read())
            .await?;
            busy.extend(rows.into_iter().map(|(id,)| SubscriberId(id)));
        }
        Ok(busy)
    }

    /// Those of `subscribers` whom a later broadcast about the same incident told, or may have.
    ///
    /// There is none unless that was taken back and this one goes on in its place: a later one ends what is open.
    pub async fn told_since(&self, broadcast: &Broadcast, subscribers: &[SubscriberId]) -> Result<Vec<SubscriberId>> {
        let later: Vec<(String,)> = sqlx::query_as(
            "select id from broadcasts where incident_id = $1 and created_at > $2 and sent + uncertain > 0 order by id",
        )
        .bind(broadcast.incident.as_str())
        .bind(millis(broadcast.created_at))
        .fetch_all(self.read())
        .await?;
        let query = self.engine.pick(
            told!(" and state in ('sent', 'uncertain')", "select value from json_each($2)"),
            told!(
                " and state in ('sent', 'uncertain')",
                "select cast(value as bigint) from jsonb_array_elements_text(cast($2 as jsonb))"
            ),
        );
        let subscribers = json!(subscribers).to_string();
        let mut told = Vec::new();
        for (id,) in later {
            let rows: Vec<(i64,)> = sqlx::query_as(query).bind(id).bind(&subscribers).fetch_all(self.read()).await?;
            told.extend(rows.into_iter().map(|(id,)| SubscriberId(id)));
        }
        Ok(told)
    }
}
