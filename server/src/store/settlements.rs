//! What fills and empties the queue in groups: expanding a broadcast, and writing down what became of deliveries.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    broadcast::{BroadcastState, Cursor},
    delivery::DeliveryState,
    email_address::EmailAddress,
    ids::{BroadcastId, DeliveryId, IncidentId},
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Engine, Result, StoreError, Write,
    audience::Recipient,
    broadcasts::Broadcast,
    deliveries::{Delivery, TABLE},
    millis,
    nodes::Node,
    parse,
    suppressions::NOBODY,
};

/// What became of a delivery that a node had leased.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Which.
    pub id: DeliveryId,
    /// What it is part of.
    pub broadcast: Option<BroadcastId>,
    /// An outcome, or [`DeliveryState::Waiting`] for another try.
    pub state: DeliveryState,
    /// Why; empty when there is nothing to say.
    pub reason: String,
    /// How many attempts counted so far.
    pub attempts: u32,
    /// Whether an attempt may have reached them.
    pub was_uncertain: bool,
    /// When it is due again; kept for outcomes.
    pub due_at: Timestamp,
    /// What it showed of an address, if anything.
    pub finding: Option<(Finding, EmailAddress)>,
}

impl Settlement {
    /// Whether there is no more to say of it than that it was sent.
    fn is_sent_at_once(&self) -> bool {
        self.state == DeliveryState::Sent && self.broadcast.is_some() && self.attempts <= 1 && !self.was_uncertain
    }
}

/// What an attempt showed of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It does not exist: never write to it again.
    Nobody,
    /// There was no room. When that happens again and again, it is left alone for a while.
    FullMailbox,
}

/// What a transaction of a fenced node says: it wrote nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced;

#[derive(Serialize)]
struct NewRow<'a> {
    id: &'a str,
    subscriber: i64,
    address: &'a str,
}

#[derive(Serialize)]
struct SettledRow<'a> {
    id: &'a str,
    state: &'static str,
    reason: &'a str,
    attempts: u32,
    uncertain: u8,
    due_at: i64,
}

fn json<T: Serialize>(rows: &[T]) -> Result<String> {
    serde_json::to_string(rows).map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))
}

impl Write {
    /// Turns the next recipients of a broadcast into deliveries that are already leased to `node`, and moves the cursor, in
    /// one transaction. `None`: another node moved the cursor first, or the broadcast is not to be sent any more.
    pub async fn expand(
        &mut self,
        node: &Node,
        broadcast: &Broadcast,
        recipients: &[Recipient],
        cursor: Cursor,
        now: Timestamp,
    ) -> Result<Option<Vec<Delivery>>> {
        let count = i64::try_from(recipients.len()).unwrap_or(i64::MAX);
        // What was estimated at publish gives way to what is found.
        let moved = sqlx::query(
            "update broadcasts set state = 'sending', started_at = coalesce(started_at, $8), version = version + 1, \
             next_id = $3, until_id = $4, wrap_until = $5, expanded = expanded + $6, \
             total = case when $7 = 1 or expanded + $6 > total then expanded + $6 else total end \
             where id = $1 and version = $2 and state in ('queued', 'sending') and expires_at > $8",
        )
        .bind(broadcast.id.as_str())
        .bind(broadcast.version)
        .bind(cursor.next)
        .bind(cursor.until)
        .bind(cursor.wrap_until)
        .bind(count)
        .bind(i64::from(cursor.is_done()))
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(None);
        }
        let deliveries: Vec<_> = recipients.iter().map(|recipient| first_attempt(broadcast, recipient, now)).collect();
        self.insert_leased(node, broadcast, &deliveries, now).await?;
        if cursor.is_done() {
            self.finish_broadcast(&broadcast.id, now).await?;
        }
        Ok(Some(deliveries))
    }

    async fn insert_leased(
        &mut self,
        node: &Node,
        broadcast: &Broadcast,
        deliveries: &[Delivery],
        now: Timestamp,
    ) -> Result<()> {
        let rows: Vec<_> = deliveries
            .iter()
            .map(|delivery| NewRow {
                id: delivery.id.as_str(),
                subscriber: delivery.subscriber.map_or(0, |id| id.0),
                address: delivery.address.as_str(),
            })
            .collect();
        let query = self.pick(
            "insert into deliveries (id, broadcast_id, subscriber_id, kind, lane, address, state, attempts, uncertain, reason, \
             node, epoch, due_at, expires_at, created_at, updated_at) \
             select json_extract(value, '$.id'), $2, json_extract(value, '$.subscriber'), $3, $4, \
             json_extract(value, '$.address'), 'leased', 0, 0, '', $5, $6, $7, $8, $7, $7 from json_each($1)",
            "insert into deliveries (id, broadcast_id, subscriber_id, kind, lane, address, state, attempts, uncertain, reason, \
             node, epoch, due_at, expires_at, created_at, updated_at) \
             select id, $2, subscriber, $3, $4, address, 'leased', 0, 0, '', $5, $6, $7, $8, $7, $7 \
             from json_to_recordset(cast($1 as json)) as new (id text, subscriber bigint, address text)",
        );
        for rows in rows.chunks(self.engine.rows_at_once()) {
            sqlx::query(query)
                .bind(json(rows)?)
                .bind(broadcast.id.as_str())
                .bind(&broadcast.kind)
                .bind(broadcast.lane.rank())
                .bind(&node.id)
                .bind(node.epoch)
                .bind(millis(now))
                .bind(millis(broadcast.expires_at))
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Writes down what became of deliveries that `node` had leased, and counts it, in one transaction. Of what was sent of a
    /// broadcast at the first attempt only a row in `sent` stays.
    ///
    /// Rows that are not leased to this node in this epoch stay as they are. Another try is refused to a broadcast that
    /// has stopped meanwhile: it becomes skipped. What was refused of one that was paused meanwhile, perhaps because too many
    /// were, is tried again when it goes on, and its address is not blamed. The words of a letter, with links that work, are
    /// not kept longer than they may be needed.
    pub async fn settle(
        &mut self,
        node: &Node,
        settlements: &[Settlement],
        now: Timestamp,
    ) -> Result<std::result::Result<usize, Fenced>> {
        if !self.is_alive(node, now).await? {
            return Ok(Err(Fenced));
        }
        // In the order of ids, so that two nodes never wait for each other.
        let touched: BTreeSet<_> = settlements.iter().filter_map(|settlement| settlement.broadcast.clone()).collect();
        let (mut states, mut incidents) = (BTreeMap::new(), BTreeMap::new());
        for id in &touched {
            if let Some(broadcast) = self.locked_broadcast(id).await? {
                states.insert(id, broadcast.state);
                incidents.insert(id, broadcast.incident);
            }
        }
        let (sent, others): (Vec<_>, Vec<_>) = settlements.iter().partition(|settlement| settlement.is_sent_at_once());
        let sent: Vec<_> = sent.iter().map(|settlement| settlement.id.as_str()).collect();
        let others: Vec<_> = others.iter().map(|settlement| row(settlement, &states)).collect();
        let mut changed = Vec::with_capacity(settlements.len());
        for sent in sent.chunks(self.engine.rows_at_once()) {
            changed.extend(self.store_sent(node, sent, now).await?);
        }
        changed.extend(self.store_others(node, &others, now).await?);
        self.count_outcomes(&changed, now).await?;
        for settlement in settlements {
            let Some((finding, address)) = &settlement.finding else { continue };
            let about = settlement.broadcast.as_ref().and_then(|id| incidents.get(id));
            let about = about.map_or(settlement.id.as_str(), IncidentId::as_str);
            match finding {
                Finding::Nobody if is_put_off(settlement, &states) => {}
                Finding::Nobody => self.suppress(&address.canonical(), NOBODY, None, now).await?,
                Finding::FullMailbox => self.note_full_mailbox(&address.canonical(), about, now).await?,
            }
        }
        Ok(Ok(changed.len()))
    }

    /// Keeps of what was sent at once no more than that it was; says of which broadcasts.
    async fn store_sent(&mut self, node: &Node, ids: &[&str], now: Timestamp) -> Result<Vec<(Option<String>, String)>> {
        match self.engine {
            Engine::Sqlite => {
                // The plus keeps SQLite from going through all that is leased for each row: it shall look each id up.
                macro_rules! these {
                    () => {
                        " from deliveries where id in (select value from json_each($1)) and +state = 'leased' \
                         and node = $2 and epoch = $3"
                    };
                }
                let ids = json(ids)?;
                sqlx::query(concat!(
                    "insert into sent (broadcast_id, subscriber_id, sent_at) select broadcast_id, subscriber_id, $4",
                    these!(),
                    " on conflict (broadcast_id, subscriber_id) do nothing"
                ))
                .bind(&ids)
                .bind(&node.id)
                .bind(node.epoch)
                .bind(millis(now))
                .execute(self.connection())
                .await?;
                Ok(sqlx::query_as(concat!("delete", these!(), " returning broadcast_id, 'sent'"))
                    .bind(ids)
                    .bind(&node.id)
                    .bind(node.epoch)
                    .fetch_all(self.connection())
                    .await?)
            }
            // As the plus: whatever the planner believes of the table, it looks each id up. The inner select has the array
            // read once, not for each row.
            Engine::Postgres => {
                Ok(sqlx::query_as(
                    "with gone as (delete from deliveries where id = any (cast((select cast($1 as text[])) as text[])) \
                     and state || '' = 'leased' and node = $2 and epoch = $3 returning broadcast_id, subscriber_id), \
                     kept as (insert into sent (broadcast_id, subscriber_id, sent_at) \
                     select broadcast_id, subscriber_id, $4 from gone on conflict (broadcast_id, subscriber_id) do nothing) \
                     select broadcast_id, 'sent' from gone",
                )
                .bind(format!("{{{}}}", ids.join(",")))
                .bind(&node.id)
                .bind(node.epoch)
                .bind(millis(now))
                .fetch_all(self.connection())
                .await?)
            }
        }
    }

    /// Writes down how deliveries stand that stay; says of which broadcasts.
    async fn store_others(
        &mut self,
        node: &Node,
        rows: &[SettledRow<'_>],
        now: Timestamp,
    ) -> Result<Vec<(Option<String>, String)>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        // The plus as above.
        let query = self.pick(
            "update deliveries set state = new.state, reason = new.reason, attempts = new.attempts, \
             uncertain = new.uncertain, due_at = new.due_at, node = null, epoch = null, updated_at = $2, \
             message = case when new.state = 'waiting' then deliveries.message end \
             from (select json_extract(value, '$.id') as id, json_extract(value, '$.state') as state, \
             json_extract(value, '$.reason') as reason, json_extract(value, '$.attempts') as attempts, \
             json_extract(value, '$.uncertain') as uncertain, json_extract(value, '$.due_at') as due_at \
             from json_each($1)) as new \
             where deliveries.id = new.id and +deliveries.state = 'leased' and deliveries.node = $3 and deliveries.epoch = $4 \
             returning deliveries.broadcast_id, deliveries.state",
            "update deliveries set state = new.state, reason = new.reason, attempts = new.attempts, \
             uncertain = new.uncertain, due_at = new.due_at, node = null, epoch = null, updated_at = $2, \
             message = case when new.state = 'waiting' then deliveries.message end \
             from json_to_recordset(cast($1 as json)) \
             as new (id text, state text, reason text, attempts bigint, uncertain bigint, due_at bigint) \
             where deliveries.id = new.id and deliveries.state = 'leased' and deliveries.node = $3 and deliveries.epoch = $4 \
             returning deliveries.broadcast_id, deliveries.state",
        );
        Ok(sqlx::query_as(query)
            .bind(json(rows)?)
            .bind(millis(now))
            .bind(&node.id)
            .bind(node.epoch)
            .fetch_all(self.connection())
            .await?)
    }

    async fn count_outcomes(&mut self, changed: &[(Option<String>, String)], now: Timestamp) -> Result<()> {
        let mut counts: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
        for (broadcast, state) in changed {
            if let Some(broadcast) = broadcast {
                *counts.entry(broadcast).or_default().entry(state).or_default() += 1;
            }
        }
        for (id, counts) in counts {
            let count = |state: DeliveryState| counts.get(state.as_str()).copied().unwrap_or(0);
            sqlx::query(
                "update broadcasts set sent = sent + $2, failed = failed + $3, skipped = skipped + $4, \
                 expired = expired + $5, uncertain = uncertain + $6 where id = $1",
            )
            .bind(id)
            .bind(count(DeliveryState::Sent))
            .bind(count(DeliveryState::Failed))
            .bind(count(DeliveryState::Skipped))
            .bind(count(DeliveryState::Expired))
            .bind(count(DeliveryState::Uncertain))
            .execute(self.connection())
            .await?;
            self.finish_broadcast(&parse(TABLE, id)?, now).await?;
        }
        Ok(())
    }
}

fn first_attempt(broadcast: &Broadcast, recipient: &Recipient, now: Timestamp) -> Delivery {
    Delivery {
        id: DeliveryId::of_broadcast(&broadcast.id, recipient.id),
        broadcast: Some(broadcast.id.clone()),
        subscriber: Some(recipient.id),
        generation: recipient.generation,
        preferences: recipient.preferences.clone(),
        kind: broadcast.kind.clone(),
        lane: broadcast.lane,
        address: recipient.email.clone(),
        letter: None,
        attempts: 0,
        was_uncertain: false,
        created_at: now,
        due_at: now,
        expires_at: broadcast.expires_at,
    }
}

/// Whether it was refused when its broadcast had been paused.
fn is_put_off(settlement: &Settlement, states: &BTreeMap<&BroadcastId, BroadcastState>) -> bool {
    let state = settlement.broadcast.as_ref().and_then(|id| states.get(id));
    settlement.state == DeliveryState::Failed && state == Some(&BroadcastState::Paused)
}

fn row<'a>(settlement: &'a Settlement, states: &BTreeMap<&BroadcastId, BroadcastState>) -> SettledRow<'a> {
    let stopped = settlement.broadcast.as_ref().and_then(|id| states.get(id)).filter(|state| !state.is_open());
    let (state, reason) = match (settlement.state, stopped) {
        _ if is_put_off(settlement, states) => (DeliveryState::Waiting, settlement.reason.as_str()),
        (DeliveryState::Waiting, Some(_)) if settlement.was_uncertain => {
            (DeliveryState::Uncertain, settlement.reason.as_str())
        }
        (DeliveryState::Waiting, Some(BroadcastState::Expired)) => (DeliveryState::Expired, "expired"),
        (DeliveryState::Waiting, Some(state)) => (DeliveryState::Skipped, state.as_str()),
        // What took its place was taken back meanwhile, and it goes on.
        (DeliveryState::Skipped, None) if settlement.reason == BroadcastState::Superseded.as_str() => {
            (DeliveryState::Waiting, "")
        }
        (state, _) => (state, settlement.reason.as_str()),
    };
    SettledRow {
        id: settlement.id.as_str(),
        state: state.as_str(),
        reason,
        attempts: settlement.attempts,
        uncertain: u8::from(settlement.was_uncertain),
        due_at: millis(settlement.due_at),
    }
}
