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
    /// Open broadcasts about the same incident become superseded: this one goes on where they stood, and first with those
    /// whom they had only claimed. A pause carries over, and so does how many it is for until someone counts. Nobody is
    /// counted here, so publishing takes as long for ten people as for a million: see [`Write::estimate_total`]. Publishing
    /// the same update again changes nothing and gives what is there.
    pub async fn publish_broadcast(&mut self, new: &NewBroadcast, now: Timestamp) -> Result<Broadcast> {
        if let Some(there) = self.broadcast_of_update(&new.update, &new.kind).await? {
            return Ok(there);
        }
        let last = self.last_subscriber_id().await?;
        let older = self.open_broadcasts_of(&new.incident).await?;
        let untold = self.untold(&older).await?;
        let carried = i64::try_from(untold.len()).unwrap_or(i64::MAX);
        let mut broadcast = Broadcast {
            id: new.id.clone(),
            kind: new.kind.clone(),
            incident: new.incident.clone(),
            update: new.update.clone(),
            lane: lane(&new.kind),
            audience: new.audience.clone(),
            state: BroadcastState::Queued,
            reason: String::new(),
            total: carried,
            expanded: carried,
            carried,
            sent: 0,
            failed: 0,
            skipped: 0,
            expired: 0,
            uncertain: 0,
            cursor: Cursor::new(last),
            version: 1,
            created_at: now,
            counted_at: None,
            started_at: None,
            finished_at: None,
            expires_at: now.checked_add(lifetime(&new.kind)).unwrap_or(now),
        };
        for older in older {
            self.close_broadcast(&older, BroadcastState::Superseded, "a newer update took its place", now).await?;
            broadcast.cursor = Cursor::taking_over(older.cursor, last);
            broadcast.total = broadcast.total.max(older.total);
            if older.state == BroadcastState::Paused {
                (broadcast.state, broadcast.reason) = (BroadcastState::Paused, older.reason);
            }
        }
        if broadcast.cursor.is_done() && carried == 0 {
            // Nobody to tell.
            (broadcast.state, broadcast.reason) = (BroadcastState::Done, String::new());
            broadcast.finished_at = Some(now);
        }
        self.insert_broadcast(&broadcast).await?;
        self.carry_over(&broadcast, &untold, now).await?;
        Ok(broadcast)
    }

    async fn insert_broadcast(&mut self, new: &Broadcast) -> Result<()> {
        let audience =
            serde_json::to_string(&new.audience).map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?;
        sqlx::query(
            "insert into broadcasts (id, kind, incident_id, update_id, lane, audience, state, reason, total, expanded, carried, \
             sent, failed, skipped, expired, uncertain, next_id, until_id, wrap_until, version, created_at, finished_at, \
             expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 0, 0, 0, 0, 0, $11, $12, $13, 1, $14, $15, $16)",
        )
        .bind(new.id.as_str())
        .bind(&new.kind)
        .bind(new.incident.as_str())
        .bind(new.update.as_str())
        .bind(new.lane.as_str())
        .bind(audience)
        .bind(new.state.as_str())
        .bind(&new.reason)
        .bind(new.total)
        .bind(new.carried)
        .bind(new.cursor.next)
        .bind(new.cursor.until)
        .bind(new.cursor.wrap_until)
        .bind(millis(new.created_at))
        .bind(new.finished_at.map(millis))
        .bind(millis(new.expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
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

    /// Takes on to count for how many people a broadcast is; false when somebody has already.
    pub async fn begin_count(&mut self, id: &BroadcastId, now: Timestamp) -> Result<bool> {
        let begun = sqlx::query("update broadcasts set counted_at = $2 where id = $1 and counted_at is null")
            .bind(id.as_str())
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(begun.rows_affected() == 1)
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
