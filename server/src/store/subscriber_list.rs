//! Finding subscribers among many, newest first, and what one of them was sent.
//!
//! A page begins below a number, so that the thousandth costs what the first does. Whom a filter finds is read from one
//! index (`subscribers_found`, or the component's own), and only those are looked up.

use std::collections::BTreeMap;

use domain::{
    delivery::DeliveryState,
    ids::{DeliveryId, IncidentId, SubscriberId},
    subscriber::{Followed, SubscriberFilter, SubscriberState},
};
use jiff::Timestamp;
use serde_json::json;
use sqlx::FromRow;

use super::{
    Result, Store, instant, millis, parse,
    subscribers::{Row, Subscriber},
};

/// One message that someone was or is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// Which.
    pub id: DeliveryId,
    /// `update`, or what kind of letter.
    pub kind: String,
    /// The incident it is about, with its title.
    pub incident: Option<(IncidentId, String)>,
    /// Where it stands.
    pub state: DeliveryState,
    /// What came in the way.
    pub reason: String,
    /// When it was their turn.
    pub created_at: Timestamp,
    /// When it got to where it stands.
    pub updated_at: Timestamp,
}

#[derive(FromRow)]
struct SentRow {
    id: String,
    kind: String,
    incident_id: Option<String>,
    name: Option<String>,
    state: String,
    reason: String,
    created_at: i64,
    updated_at: i64,
}

/// Binds `$1` the number before which to begin, `$2` the state or nothing, `$3` the text or nothing, `$4` whether they
/// follow everything, `$5` the limit.
macro_rules! found_text {
    ($position:literal) => {
        concat!(
            "select id from subscribers
             where id < $1 and ($2 = '' or state = $2) and ($3 = '' or ",
            $position,
            "(email_canonical, $3) > 0) and everything >= $4 order by id desc limit $5"
        )
    };
}

/// As `found_text`, and `$6` the component.
macro_rules! followers_text {
    ($position:literal) => {
        concat!(
            "select c.subscriber_id from subscriber_components c cross join subscribers s
             where c.component_id = $6 and c.subscriber_id < $1 and s.id = c.subscriber_id
               and ($2 = '' or s.state = $2) and ($3 = '' or ",
            $position,
            "(s.email_canonical, $3) > 0) and s.everything >= $4 order by c.subscriber_id desc limit $5"
        )
    };
}

impl Store {
    /// The next at most `limit` whom a filter finds, newest first, with a number below `before`.
    pub async fn find_subscribers(
        &self,
        filter: &SubscriberFilter,
        before: SubscriberId,
        limit: i64,
    ) -> Result<Vec<SubscriberId>> {
        let text = match filter.follows {
            Followed::Component(_) => self.engine.pick(followers_text!("instr"), followers_text!("strpos")),
            _ => self.engine.pick(found_text!("instr"), found_text!("strpos")),
        };
        let mut query = sqlx::query_scalar(text)
            .bind(before.0)
            .bind(filter.state.map_or("", SubscriberState::as_str))
            .bind(&filter.text)
            .bind(i64::from(filter.follows == Followed::Everything))
            .bind(limit);
        if let Followed::Component(component) = &filter.follows {
            query = query.bind(component.as_str());
        }
        let ids: Vec<i64> = query.fetch_all(self.read()).await?;
        Ok(ids.into_iter().map(SubscriberId).collect())
    }

    /// These subscribers, newest first.
    pub async fn subscribers(&self, ids: &[SubscriberId]) -> Result<Vec<Subscriber>> {
        let ids = json!(ids).to_string();
        let rows_text = self.engine.pick(
            "select id, email, state, everything, locale, time_zone, generation, consent, created_at, updated_at,
                    confirmation_sent_at, confirmed_at, unsubscribed_at, owed_since, owed_turn
             from subscribers where id in (select value from json_each($1)) order by id desc",
            "select id, email, state, everything, locale, time_zone, generation, consent, created_at, updated_at,
                    confirmation_sent_at, confirmed_at, unsubscribed_at, owed_since, owed_turn
             from subscribers
             where id in (select cast(value as bigint) from jsonb_array_elements_text(cast($1 as jsonb)))
             order by id desc",
        );
        let components_text = self.engine.pick(
            "select subscriber_id, component_id from subscriber_components
             where subscriber_id in (select value from json_each($1)) order by subscriber_id, component_id",
            "select subscriber_id, component_id from subscriber_components
             where subscriber_id in (select cast(value as bigint) from jsonb_array_elements_text(cast($1 as jsonb)))
             order by subscriber_id, component_id",
        );
        let incidents_text = self.engine.pick(
            "select subscriber_id, incident_id from subscriber_incidents
             where subscriber_id in (select value from json_each($1)) order by subscriber_id, incident_id",
            "select subscriber_id, incident_id from subscriber_incidents
             where subscriber_id in (select cast(value as bigint) from jsonb_array_elements_text(cast($1 as jsonb)))
             order by subscriber_id, incident_id",
        );
        let mut snapshot = self.snapshot().await?;
        let rows: Vec<Row> = sqlx::query_as(rows_text).bind(&ids).fetch_all(&mut *snapshot).await?;
        let components: Vec<(i64, String)> =
            sqlx::query_as(components_text).bind(&ids).fetch_all(&mut *snapshot).await?;
        let incidents: Vec<(i64, String)> = sqlx::query_as(incidents_text).bind(&ids).fetch_all(&mut *snapshot).await?;
        snapshot.commit().await?;

        let (mut components, mut incidents) = (by_subscriber(components), by_subscriber(incidents));
        let with_follows = |row: Row| {
            let components = components.remove(&row.id()).unwrap_or_default();
            let incidents = incidents.remove(&row.id()).unwrap_or_default();
            row.following(&components, &incidents)
        };
        rows.into_iter().map(with_follows).collect()
    }

    /// What someone was sent or is to be sent, newest first, before an instant and, at that instant, before an id.
    pub async fn sent_to(
        &self,
        subscriber: SubscriberId,
        before: (Timestamp, &str),
        limit: i64,
    ) -> Result<Vec<SentMessage>> {
        let rows: Vec<SentRow> = sqlx::query_as(
            "select d.id, d.kind, b.incident_id, i.name, d.state, d.reason, d.created_at, d.updated_at
             from (select id, kind, broadcast_id, state, reason, created_at, updated_at
                   from deliveries where subscriber_id = $1
                   union all
                   select s.broadcast_id || '.' || s.subscriber_id, b.kind, b.id, 'sent', '', s.sent_at, s.sent_at
                   from broadcasts b cross join sent s where s.broadcast_id = b.id and s.subscriber_id = $1) as d
             left join broadcasts b on b.id = d.broadcast_id left join incidents i on i.id = b.incident_id
             where d.created_at <= $2 and (d.created_at < $2 or d.id < $3)
             order by d.created_at desc, d.id desc limit $4",
        )
        .bind(subscriber.0)
        .bind(millis(before.0))
        .bind(before.1)
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(sent).collect()
    }
}

fn sent(row: SentRow) -> Result<SentMessage> {
    const TABLE: &str = "deliveries";
    let incident = match (row.incident_id, row.name) {
        (Some(id), Some(name)) => Some((parse(TABLE, &id)?, name)),
        _ => None,
    };
    Ok(SentMessage {
        id: DeliveryId::from_stored(row.id),
        kind: row.kind,
        incident,
        state: parse(TABLE, &row.state)?,
        reason: row.reason,
        created_at: instant(TABLE, row.created_at)?,
        updated_at: instant(TABLE, row.updated_at)?,
    })
}

fn by_subscriber(pairs: Vec<(i64, String)>) -> BTreeMap<i64, Vec<String>> {
    let mut lists: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (subscriber, id) in pairs {
        lists.entry(subscriber).or_default().push(id);
    }
    lists
}
