//! What changes broadcasts: publishing, superseding, pausing, ending.

use domain::{
    audience::Audience,
    broadcast::{BroadcastState, Cursor, lane, lifetime},
    ids::{BroadcastId, IncidentId, UpdateId},
};
use jiff::Timestamp;

#[cfg(doc)]
use super::Store;
use super::{
    Result, StoreError, Write,
    broadcasts::{Broadcast, BroadcastRow, TABLE, broadcasts, select},
    millis, parse,
};

/// What publishing needs to know.
#[derive(Clone, Debug)]
pub struct NewBroadcast {
    /// Its id.
    pub id: BroadcastId,
    /// The incident it is about.
    pub incident: IncidentId,
    /// What it carries: `update`, `postmortem`, or `correction.2` for the second time its text was put right.
    pub kind: String,
    /// The update it is about.
    pub update: UpdateId,
    /// Who is told.
    pub audience: Audience,
}

impl Write {
    /// Puts a published update on its way, in the transaction that publishes it.
    ///
    /// Open broadcasts about the same incident become superseded: whoever they have not reached, or had only claimed, gets
    /// this one instead, and first. A pause carries over. Nobody is counted here, so publishing takes as long for ten people as for a million: see
    /// [`Write::estimate_total`]. Publishing the same update again changes nothing and gives what is there.
    pub async fn publish_broadcast(&mut self, new: &NewBroadcast, now: Timestamp) -> Result<Broadcast> {
        if let Some(there) = self.broadcast_of_update(&new.update, &new.kind).await? {
            return Ok(there);
        }
        let last = self.last_subscriber_id().await?;
        let mut cursor = Cursor::new(last);
        let mut state = BroadcastState::Queued;
        let mut reason = String::new();
        for older in self.open_broadcasts_of(&new.incident).await? {
            let next = self.first_untold(&older).await?;
            self.close_broadcast(&older, BroadcastState::Superseded, "a newer update took its place", now).await?;
            cursor = Cursor::taking_over(Cursor { next, ..older.cursor }, last);
            if older.state == BroadcastState::Paused {
                (state, reason) = (BroadcastState::Paused, older.reason);
            }
        }
        // Nobody to tell.
        let finished_at = cursor.is_done().then_some(now);
        if cursor.is_done() {
            (state, reason) = (BroadcastState::Done, String::new());
        }
        let expires_at = now.checked_add(lifetime(&new.kind)).unwrap_or(now);
        let audience =
            serde_json::to_string(&new.audience).map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?;
        sqlx::query(
            "insert into broadcasts (id, kind, incident_id, update_id, lane, audience, state, reason, total, expanded, sent, \
             failed, skipped, expired, uncertain, next_id, until_id, wrap_until, version, created_at, finished_at, expires_at) \
             values ($1, $14, $2, $3, $4, $5, $6, $7, 0, 0, 0, 0, 0, 0, 0, $8, $9, $10, 1, $11, $12, $13)",
        )
        .bind(new.id.as_str())
        .bind(new.incident.as_str())
        .bind(new.update.as_str())
        .bind(lane(&new.kind).as_str())
        .bind(audience)
        .bind(state.as_str())
        .bind(&reason)
        .bind(cursor.next)
        .bind(cursor.until)
        .bind(cursor.wrap_until)
        .bind(millis(now))
        .bind(finished_at.map(millis))
        .bind(millis(expires_at))
        .bind(&new.kind)
        .execute(self.connection())
        .await?;
        Ok(Broadcast {
            id: new.id.clone(),
            kind: new.kind.clone(),
            incident: new.incident.clone(),
            update: new.update.clone(),
            lane: lane(&new.kind),
            audience: new.audience.clone(),
            state,
            reason,
            total: 0,
            expanded: 0,
            sent: 0,
            failed: 0,
            skipped: 0,
            expired: 0,
            uncertain: 0,
            cursor,
            version: 1,
            created_at: now,
            started_at: None,
            finished_at,
            expires_at,
        })
    }

    /// Lets a superseded broadcast go on because what took its place was taken back: from where it was, and with those whose
    /// next try was dropped. With a reason to pause it waits first.
    ///
    /// Whoever was told by what took its place is skipped when their turn comes: see [`Store::told_since`].
    pub async fn revive_broadcast(&mut self, id: &BroadcastId, pause: Option<&str>, now: Timestamp) -> Result<()> {
        let found = self.locked_broadcast(id).await?;
        let Some(broadcast) = found.filter(|found| found.state == BroadcastState::Superseded) else { return Ok(()) };
        let revived = sqlx::query(
            "update deliveries set state = 'waiting', reason = '', due_at = $3, updated_at = $3 \
             where broadcast_id = $1 and state = 'skipped' and reason = $2",
        )
        .bind(id.as_str())
        .bind(BroadcastState::Superseded.as_str())
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        let revived = i64::try_from(revived.rows_affected()).unwrap_or(i64::MAX);
        let state = if pause.is_some() { BroadcastState::Paused } else { BroadcastState::Sending };
        sqlx::query(
            "update broadcasts set state = $2, reason = $3, finished_at = null, version = version + 1, \
             skipped = skipped - $4 where id = $1",
        )
        .bind(id.as_str())
        .bind(state.as_str())
        .bind(pause.unwrap_or("the newer update was removed"))
        // As `close_broadcast` counted them.
        .bind(revived + broadcast.total - broadcast.expanded)
        .execute(self.connection())
        .await?;
        self.finish_broadcast(id, now).await
    }

    /// Notes how many people a broadcast is for, while they are still being found; at the end of its walk the number is
    /// exact anyway.
    pub async fn estimate_total(&mut self, id: &BroadcastId, total: i64) -> Result<()> {
        sqlx::query(
            "update broadcasts set total = $2 where id = $1 and total < $2 and state in ('queued', 'sending', 'paused') \
             and (next_id <= until_id or wrap_until > 0)",
        )
        .bind(id.as_str())
        .bind(total)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Pauses, resumes ([`BroadcastState::Sending`]) or cancels a broadcast; false when it is over already or stands so.
    ///
    /// Effective within a second, but for what is under way.
    pub async fn set_broadcast_state(
        &mut self,
        id: &BroadcastId,
        state: BroadcastState,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let Some(broadcast) = self.locked_broadcast(id).await? else { return Ok(false) };
        match state {
            _ if !broadcast.state.is_open() || broadcast.state == state => return Ok(false),
            BroadcastState::Queued | BroadcastState::Sending | BroadcastState::Paused => {
                sqlx::query("update broadcasts set state = $2, reason = $3, version = version + 1 where id = $1")
                    .bind(id.as_str())
                    .bind(state.as_str())
                    .bind(reason)
                    .execute(self.connection())
                    .await?;
                // The last mail may have been acknowledged while it was paused.
                self.finish_broadcast(id, now).await?;
            }
            _ => self.close_broadcast(&broadcast, state, reason, now).await?,
        }
        Ok(true)
    }

    /// Ends broadcasts that are no longer worth sending; says how many.
    pub async fn expire_broadcasts(&mut self, now: Timestamp) -> Result<usize> {
        let due: Vec<(String,)> = sqlx::query_as(
            "select id from broadcasts where state in ('queued', 'sending', 'paused') and expires_at <= $1 order by id",
        )
        .bind(millis(now))
        .fetch_all(self.connection())
        .await?;
        for (id,) in &due {
            let id = parse(TABLE, id)?;
            self.set_broadcast_state(&id, BroadcastState::Expired, "it was too late to be worth sending", now).await?;
        }
        Ok(due.len())
    }

    /// Moves a broadcast to `done` when the list was walked to its end and every delivery has an outcome.
    pub(super) async fn finish_broadcast(&mut self, id: &BroadcastId, now: Timestamp) -> Result<()> {
        sqlx::query(
            "update broadcasts set state = 'done', reason = '', finished_at = $2 where id = $1 \
             and state in ('queued', 'sending', 'paused') and next_id > until_id and wrap_until = 0 \
             and total = sent + failed + skipped + expired + uncertain",
        )
        .bind(id.as_str())
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// One broadcast, that nobody else changes until this transaction ends.
    pub(super) async fn locked_broadcast(&mut self, id: &BroadcastId) -> Result<Option<Broadcast>> {
        let query = self.pick(select!("where id = $1"), select!("where id = $1 for no key update"));
        let row: Option<BroadcastRow> =
            sqlx::query_as(query).bind(id.as_str()).fetch_optional(self.connection()).await?;
        row.map(Broadcast::try_from).transpose()
    }

    /// Cancels what is still being sent of an update.
    pub async fn cancel_broadcasts_of_update(&mut self, update: &UpdateId, reason: &str, now: Timestamp) -> Result<()> {
        let query = self.pick(
            select!("where update_id = $1 and state in ('queued', 'sending', 'paused') order by id"),
            select!("where update_id = $1 and state in ('queued', 'sending', 'paused') order by id for update"),
        );
        let open = broadcasts(sqlx::query_as(query).bind(update.as_str()).fetch_all(self.connection()).await?)?;
        for broadcast in open {
            self.close_broadcast(&broadcast, BroadcastState::Cancelled, reason, now).await?;
        }
        Ok(())
    }

    /// All broadcasts about an incident, newest first.
    pub async fn broadcasts_of(&mut self, incident: &IncidentId) -> Result<Vec<Broadcast>> {
        let query = sqlx::query_as(select!("where incident_id = $1 order by created_at desc, id"));
        broadcasts(query.bind(incident.as_str()).fetch_all(self.connection()).await?)
    }

    /// The broadcast of this kind that is about an update, if there is one.
    pub async fn broadcast_of_update(&mut self, update: &UpdateId, kind: &str) -> Result<Option<Broadcast>> {
        let row: Option<BroadcastRow> = sqlx::query_as(select!("where update_id = $1 and kind = $2"))
            .bind(update.as_str())
            .bind(kind)
            .fetch_optional(self.connection())
            .await?;
        row.map(Broadcast::try_from).transpose()
    }

    /// Oldest first, so that the cursor of the newest is what remains.
    async fn open_broadcasts_of(&mut self, incident: &IncidentId) -> Result<Vec<Broadcast>> {
        let query = self.pick(
            select!("where incident_id = $1 and state in ('queued', 'sending', 'paused') order by created_at, id"),
            select!(
                "where incident_id = $1 and state in ('queued', 'sending', 'paused') order by created_at, id for no key update"
            ),
        );
        broadcasts(sqlx::query_as(query).bind(incident.as_str()).fetch_all(self.connection()).await?)
    }

    /// The first one, in the order of the walk, who was claimed and then not tried; else where the cursor stands.
    ///
    /// Without it those would come last in the next walk, and at every update the same again: some would hear of none.
    /// Whoever was tried and waits has a reason, and holds nobody up.
    async fn first_untold(&mut self, broadcast: &Broadcast) -> Result<i64> {
        // Those above the cursor were claimed before the walk began anew at 1. Two parts, so that SQLite reads the indexes
        // of what waits and of what is leased, not all that was ever sent of this broadcast.
        let (above, lowest): (Option<i64>, Option<i64>) = sqlx::query_as(
            "select min(case when subscriber_id >= $2 then subscriber_id end), min(subscriber_id) from ( \
             select subscriber_id from deliveries \
             where state = 'waiting' and lane >= 0 and coalesce(broadcast_id, '') = $1 and attempts = 0 and reason = '' \
             union all \
             select subscriber_id from deliveries \
             where state = 'leased' and node > '' and coalesce(broadcast_id, '') = $1 and attempts = 0 and reason = '' \
             ) as claimed",
        )
        .bind(broadcast.id.as_str())
        .bind(broadcast.cursor.next)
        .fetch_one(self.connection())
        .await?;
        Ok(above.or(lowest).unwrap_or(broadcast.cursor.next))
    }

    /// Ends a locked, open broadcast: who was not reached and who waits for another try is counted, and never sent to.
    /// What is under way gets its outcome from whoever sends it.
    async fn close_broadcast(
        &mut self,
        broadcast: &Broadcast,
        state: BroadcastState,
        reason: &str,
        now: Timestamp,
    ) -> Result<()> {
        let outcome = if state == BroadcastState::Expired { "expired" } else { "skipped" };
        // Written so that SQLite reads the index of what waits, not all that was ever sent of this broadcast.
        let dropped: Vec<(String,)> = sqlx::query_as(
            "update deliveries set state = case when uncertain = 1 then 'uncertain' else $2 end, reason = $3, updated_at = $4 \
             where state = 'waiting' and lane >= 0 and coalesce(broadcast_id, '') = $1 returning state",
        )
        .bind(broadcast.id.as_str())
        .bind(outcome)
        .bind(state.as_str())
        .bind(millis(now))
        .fetch_all(self.connection())
        .await?;
        let count = |wanted: &str| dropped.iter().filter(|(state,)| state == wanted).count();
        let uncertain = i64::try_from(count("uncertain")).unwrap_or(i64::MAX);
        let dropped = i64::try_from(count(outcome)).unwrap_or(i64::MAX) + broadcast.total - broadcast.expanded;
        let (skipped, expired) = if state == BroadcastState::Expired { (0, dropped) } else { (dropped, 0) };
        sqlx::query(
            "update broadcasts set state = $2, reason = $3, finished_at = $4, version = version + 1, \
             skipped = skipped + $5, expired = expired + $6, uncertain = uncertain + $7 where id = $1",
        )
        .bind(broadcast.id.as_str())
        .bind(state.as_str())
        .bind(reason)
        .bind(millis(now))
        .bind(skipped)
        .bind(expired)
        .bind(uncertain)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
