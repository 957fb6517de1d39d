//! Those whom a newer update takes over from the one before: claimed by it, and not told.
//!
//! The cursor has passed them, so without this they would come last in the next walk, at every update anew, behind those
//! who were told already. Rows are carried over in the transaction that publishes and at no other time.

use std::collections::BTreeMap;

use domain::ids::{DeliveryId, SubscriberId};
use jiff::Timestamp;
use serde::Serialize;

use super::{Result, StoreError, Write, broadcasts::Broadcast, deliveries::TABLE, millis};

/// How someone waits who was claimed and not told.
#[derive(Clone, Debug)]
pub(super) struct Untold {
    /// Where to.
    address: String,
    /// Since when, or until when another try must wait.
    due_at: i64,
}

#[derive(Serialize)]
struct CarriedRow<'a> {
    id: DeliveryId,
    subscriber: i64,
    address: &'a str,
    due_at: i64,
}

impl Write {
    /// Those without an outcome whom these broadcasts have claimed, each once, however many of them owe a mail.
    ///
    /// Also those who are being sent one right now: they get the newer one after it.
    pub(super) async fn untold(&mut self, broadcasts: &[Broadcast]) -> Result<BTreeMap<SubscriberId, Untold>> {
        let mut untold: BTreeMap<SubscriberId, Untold> = BTreeMap::new();
        for broadcast in broadcasts {
            // Two parts, so that SQLite reads the indexes of what waits and of what is leased, not all that was ever sent of
            // this broadcast.
            let rows: Vec<(i64, String, i64)> = sqlx::query_as(
                "select subscriber_id, address, due_at from deliveries \
                 where state = 'waiting' and lane >= 0 and coalesce(broadcast_id, '') = $1 and subscriber_id is not null \
                 union all \
                 select subscriber_id, address, due_at from deliveries \
                 where state = 'leased' and node > '' and coalesce(broadcast_id, '') = $1 and subscriber_id is not null",
            )
            .bind(broadcast.id.as_str())
            .fetch_all(self.connection())
            .await?;
            for (subscriber, address, due_at) in rows {
                let known = untold.entry(SubscriberId(subscriber)).or_insert(Untold { address, due_at });
                known.due_at = known.due_at.min(due_at);
            }
        }
        Ok(untold)
    }

    /// Lets a broadcast that was just published begin with them: each is due when they were, so that who has waited longest
    /// goes first, and who was told to come again comes when they were told to.
    pub(super) async fn carry_over(
        &mut self,
        broadcast: &Broadcast,
        untold: &BTreeMap<SubscriberId, Untold>,
        now: Timestamp,
    ) -> Result<()> {
        if untold.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = untold
            .iter()
            .map(|(subscriber, untold)| CarriedRow {
                id: DeliveryId::of_broadcast(&broadcast.id, *subscriber),
                subscriber: subscriber.0,
                address: &untold.address,
                due_at: untold.due_at,
            })
            .collect();
        let rows = serde_json::to_string(&rows).map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?;
        let query = self.pick(
            "insert into deliveries (id, broadcast_id, subscriber_id, kind, lane, address, state, attempts, uncertain, reason, \
             due_at, expires_at, created_at, updated_at) \
             select json_extract(value, '$.id'), $2, json_extract(value, '$.subscriber'), $3, $4, \
             json_extract(value, '$.address'), 'waiting', 0, 0, '', json_extract(value, '$.due_at'), $5, $6, $6 \
             from json_each($1)",
            "insert into deliveries (id, broadcast_id, subscriber_id, kind, lane, address, state, attempts, uncertain, reason, \
             due_at, expires_at, created_at, updated_at) \
             select id, $2, subscriber, $3, $4, address, 'waiting', 0, 0, '', due_at, $5, $6, $6 \
             from json_to_recordset(cast($1 as json)) as new (id text, subscriber bigint, address text, due_at bigint)",
        );
        sqlx::query(query)
            .bind(rows)
            .bind(broadcast.id.as_str())
            .bind(&broadcast.kind)
            .bind(broadcast.lane.rank())
            .bind(millis(broadcast.expires_at))
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
