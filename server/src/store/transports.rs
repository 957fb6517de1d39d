//! How transports fare, for all nodes, and whether mail is held as a whole.

use std::collections::BTreeMap;

use domain::{email_address::EmailAddress, health::Health};
use jiff::{SignedDuration, Timestamp};
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, instant, millis, parse};

const TABLE: &str = "transports";
/// The setting whose presence holds all mail.
const HELD: &str = "mail_held";

#[derive(FromRow)]
struct TransportRow {
    condition: String,
    reason: String,
    since: i64,
    noted_at: i64,
    not_before: i64,
    failures: i64,
    pace: i64,
    cap: Option<i64>,
}

/// A query for a transport: the columns once, the rest as given.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select condition, reason, since, noted_at, not_before, failures, pace, cap from transports where name = $1",
            $rest
        )
    };
}

/// The broadcasts of which anything can have been sent since `$2`.
macro_rules! lately {
    () => {
        "(select id from broadcasts where state in ('queued', 'sending', 'paused') \
         union all select id from broadcasts where finished_at > $2)"
    };
}

/// The letters to the addresses `$1`, and the mails of broadcasts that needed more than one attempt, since `$2`.
macro_rules! letters {
    ($addresses:literal) => {
        concat!(
            "from deliveries where lower(address) in (",
            $addresses,
            ") and state in ('sent', 'uncertain') and updated_at > $2"
        )
    };
}

/// How many mails at most any of the addresses `$1` got since `$2`.
macro_rules! possible {
    ($addresses:literal) => {
        concat!(
            "select (select count(*) from ",
            lately!(),
            " as lately) + coalesce((select max(letters) from (select count(*) as letters ",
            letters!($addresses),
            " group by lower(address)) as counted), 0)"
        )
    };
}

/// When the addresses `$1` got mails since `$2`. What was sent of a broadcast is looked up person by person: joined,
/// PostgreSQL reads everything that was ever sent.
macro_rules! mailed {
    ($addresses:literal) => {
        concat!(
            "select lower(address), updated_at ",
            letters!($addresses),
            " union all select s.email_canonical, (select sent_at from sent where broadcast_id = lately.id \
             and subscriber_id = s.id and sent_at > $2) from subscribers s cross join ",
            lately!(),
            " as lately where s.email_canonical in (",
            $addresses,
            ")"
        )
    };
}

impl TryFrom<TransportRow> for Health {
    type Error = StoreError;

    fn try_from(row: TransportRow) -> Result<Self> {
        Ok(Self {
            condition: parse(TABLE, &row.condition)?,
            reason: row.reason,
            since: instant(TABLE, row.since)?,
            noted_at: instant(TABLE, row.noted_at)?,
            not_before: instant(TABLE, row.not_before)?,
            failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
            pace: u32::try_from(row.pace).unwrap_or(100),
            cap: row.cap.and_then(|cap| u32::try_from(cap).ok()),
        })
    }
}

impl Store {
    /// How a transport fares; `None` when it was never used.
    pub async fn transport(&self, name: &str) -> Result<Option<Health>> {
        let row: Option<TransportRow> = sqlx::query_as(select!("")).bind(name).fetch_optional(self.read()).await?;
        row.map(Health::try_from).transpose()
    }

    /// Since when all mail is held, if it is.
    pub async fn mail_held_since(&self) -> Result<Option<Timestamp>> {
        let at: Option<i64> = sqlx::query_scalar("select updated_at from settings where name = $1 and value <> ''")
            .bind(HELD)
            .fetch_optional(self.read())
            .await?;
        at.map(|at| instant("settings", at)).transpose()
    }

    /// Of these addresses, those that got `most` mails or more in the last hour, with the moment from which they may get
    /// another.
    pub async fn busy_addresses(
        &self,
        addresses: &[&EmailAddress],
        most: u64,
        now: Timestamp,
    ) -> Result<Vec<(String, Timestamp)>> {
        let hour_ago = millis(now.checked_sub(SignedDuration::from_hours(1)).unwrap_or(now));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let wanted: Vec<_> = addresses.iter().map(|address| address.canonical()).collect();
        let wanted = serde_json::to_string(&wanted).map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?;
        // Nobody gets two mails of one broadcast: while there are few of them, what was sent is not looked for.
        let query = self.engine.pick(
            possible!("select value from json_each($1)"),
            possible!("select json_array_elements_text(cast($1 as json))"),
        );
        let possible: i64 = sqlx::query_scalar(query).bind(&wanted).bind(hour_ago).fetch_one(self.read()).await?;
        if usize::try_from(possible).is_ok_and(|possible| possible < most) {
            return Ok(Vec::new());
        }
        let query = self.engine.pick(
            mailed!("select value from json_each($1)"),
            mailed!("select json_array_elements_text(cast($1 as json))"),
        );
        let rows: Vec<(String, Option<i64>)> =
            sqlx::query_as(query).bind(&wanted).bind(hour_ago).fetch_all(self.read()).await?;
        let mut mailed: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (address, at) in rows {
            mailed.entry(address).or_default().extend(at);
        }
        let mut busy = Vec::new();
        for (address, times) in mailed {
            if let Some(oldest) = times.iter().min().filter(|_| times.len() >= most) {
                let free = instant(TABLE, *oldest)?.checked_add(SignedDuration::from_hours(1)).unwrap_or(now);
                busy.push((address, free));
            }
        }
        Ok(busy)
    }
}

impl Write {
    /// How a transport fares, to be changed by nobody else until this transaction ends.
    pub async fn transport(&mut self, name: &str, now: Timestamp) -> Result<Health> {
        let query = self.pick(select!(""), select!(" for no key update"));
        let row: Option<TransportRow> = sqlx::query_as(query).bind(name).fetch_optional(self.connection()).await?;
        match row {
            Some(row) => row.try_into(),
            None => Ok(Health::new(now)),
        }
    }

    /// Notes how a transport fares.
    pub async fn put_transport(&mut self, name: &str, health: &Health) -> Result<()> {
        sqlx::query(
            "insert into transports (name, settings, condition, reason, since, noted_at, not_before, failures, pace, cap) \
             values ($1, '', $2, $3, $4, $5, $6, $7, $8, $9) on conflict (name) do update set condition = excluded.condition, \
             reason = excluded.reason, since = excluded.since, noted_at = excluded.noted_at, \
             not_before = excluded.not_before, failures = excluded.failures, pace = excluded.pace, cap = excluded.cap",
        )
        .bind(name)
        .bind(health.condition.as_str())
        .bind(&health.reason)
        .bind(millis(health.since))
        .bind(millis(health.noted_at))
        .bind(millis(health.not_before))
        .bind(i64::from(health.failures))
        .bind(i64::from(health.pace))
        .bind(health.cap.map(i64::from))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Begins to use a transport under these settings, of which `tag` is a hash; says whether they were others before. Then
    /// nothing is known of how it fares.
    pub async fn adopt_transport(&mut self, name: &str, tag: &str, now: Timestamp) -> Result<bool> {
        let known: Option<String> = sqlx::query_scalar("select settings from transports where name = $1")
            .bind(name)
            .fetch_optional(self.connection())
            .await?;
        if known.as_deref() == Some(tag) {
            return Ok(false);
        }
        self.put_transport(name, &Health::new(now)).await?;
        sqlx::query("update transports set settings = $2 where name = $1")
            .bind(name)
            .bind(tag)
            .execute(self.connection())
            .await?;
        Ok(known.is_some())
    }

    /// Whether all mail is held.
    pub async fn is_mail_held(&mut self) -> Result<bool> {
        let held: Option<i64> = sqlx::query_scalar("select updated_at from settings where name = $1 and value <> ''")
            .bind(HELD)
            .fetch_optional(self.connection())
            .await?;
        Ok(held.is_some())
    }

    /// Holds all mail, or lets it go on; false when that is so already.
    pub async fn hold_mail(&mut self, is_held: bool, now: Timestamp) -> Result<bool> {
        if self.is_mail_held().await? == is_held {
            return Ok(false);
        }
        self.put_setting(HELD, if is_held { "held" } else { "" }, now).await?;
        Ok(true)
    }
}
