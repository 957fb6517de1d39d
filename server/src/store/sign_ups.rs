//! How many sign up, whether that is a surge, and to whom it owes a letter: one truth for all nodes.

use domain::{
    ids::SubscriberId,
    surge::{Surge, Traffic},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::{Result, Store, StoreError, Write, instant, millis, parse};

/// Sign-ups are counted as attempts of this kind, apart in calm and in a surge.
const KIND: &str = "sign up";
const CALM: &str = "calm";
const SURGE: &str = "surge";
/// How long they are counted together.
const BUCKET: SignedDuration = SignedDuration::from_mins(5);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Hours before the last one that tell what is usual: as long as attempts are kept.
const HOURS: i64 = 46;
/// The setting whose presence is a surge.
const SETTING: &str = "sign_up_surge";

#[derive(Deserialize, Serialize)]
struct Row {
    cause: String,
    limit: i64,
}

fn surge(row: Option<(String, i64)>) -> Result<Option<Surge>> {
    let Some((text, since)) = row.filter(|(text, _)| !text.is_empty()) else { return Ok(None) };
    let row: Row = serde_json::from_str(&text).map_err(|error| StoreError::Corrupt("settings", error.to_string()))?;
    Ok(Some(Surge { since: instant("settings", since)?, cause: parse("settings", &row.cause)?, limit: row.limit }))
}

const SURGE_ROW: &str = "select value, updated_at from settings where name = $1";

impl Store {
    /// The surge of sign-ups that lasts, if one does.
    pub async fn surge(&self) -> Result<Option<Surge>> {
        surge(sqlx::query_as(SURGE_ROW).bind(SETTING).fetch_optional(self.read()).await?)
    }

    /// How many sign up.
    pub async fn traffic(&self, now: Timestamp) -> Result<Traffic> {
        let mut snapshot = self.snapshot().await?;
        let traffic = traffic(&mut snapshot, now).await?;
        snapshot.commit().await?;
        Ok(traffic)
    }

    /// How many are owed a letter that was put off, and since when the first of them.
    pub async fn owed_letters(&self) -> Result<(i64, Option<Timestamp>)> {
        let (count, oldest): (i64, Option<i64>) =
            sqlx::query_as("select count(*), min(owed_since) from subscribers where owed_since is not null")
                .fetch_one(self.read())
                .await?;
        Ok((count, oldest.map(|at| instant("subscribers", at)).transpose()?))
    }
}

impl Write {
    /// As [`Store::surge`].
    pub async fn surge(&mut self) -> Result<Option<Surge>> {
        surge(sqlx::query_as(SURGE_ROW).bind(SETTING).fetch_optional(self.connection()).await?)
    }

    /// Notes that a surge began at its `since`.
    pub async fn begin_surge(&mut self, surge: &Surge) -> Result<()> {
        let row = Row { cause: surge.cause.as_str().to_owned(), limit: surge.limit };
        let text = serde_json::to_string(&row).map_err(|error| StoreError::Corrupt("settings", error.to_string()))?;
        self.put_setting(SETTING, &text, surge.since).await
    }

    /// Notes that it is over.
    pub async fn end_surge(&mut self, now: Timestamp) -> Result<()> {
        self.put_setting(SETTING, "", now).await
    }

    /// Counts one sign-up, and says how many there were in the last hour, this one included. What comes in a surge does
    /// not become usual.
    pub async fn count_sign_up(&mut self, is_surge: bool, now: Timestamp) -> Result<i64> {
        self.count_attempt(KIND, if is_surge { SURGE } else { CALM }, BUCKET, now).await?;
        last_hour(self.connection(), now).await
    }

    /// As [`Store::traffic`], seeing what this transaction did.
    pub async fn traffic(&mut self, now: Timestamp) -> Result<Traffic> {
        traffic(self.connection(), now).await
    }

    /// The next to whom a letter is owed: the first of each network, then the second of each; among them whoever waits longest.
    pub async fn next_owed(&mut self, limit: i64) -> Result<Vec<SubscriberId>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "select id from subscribers where owed_since is not null order by owed_turn, owed_since, id limit $1",
        )
        .bind(limit)
        .fetch_all(self.connection())
        .await?;
        Ok(ids.into_iter().map(SubscriberId).collect())
    }

    /// Forgets those beyond `most` to whom a letter is owed, whose turn would come last, at most `limit` at a time; says how
    /// many. Who is a subscriber or was one is never forgotten, nor who was written to.
    pub async fn cap_owed(&mut self, most: i64, limit: i64) -> Result<u64> {
        let (owed,): (i64,) = sqlx::query_as("select count(*) from subscribers where owed_since is not null")
            .fetch_one(self.connection())
            .await?;
        let rows = sqlx::query(
            "delete from subscribers where id in (select id from subscribers \
             where owed_since is not null and state = 'pending' and unsubscribed_at is null \
             order by owed_turn desc, owed_since desc, id desc limit $1)",
        )
        .bind((owed - most).clamp(0, limit))
        .execute(self.connection())
        .await?;
        Ok(rows.rows_affected())
    }
}

async fn last_hour(connection: &mut AnyConnection, now: Timestamp) -> Result<i64> {
    let hour_ago = now.checked_sub(HOUR).unwrap_or(now);
    sign_ups(connection, &[CALM, SURGE], hour_ago, now).await
}

/// How many signed up in the buckets that began after `after` and until `until`.
async fn sign_ups(
    connection: &mut AnyConnection,
    subjects: &[&str],
    after: Timestamp,
    until: Timestamp,
) -> Result<i64> {
    let mut all = 0;
    for subject in subjects {
        let (count,): (i64,) = sqlx::query_as(
            "select cast(coalesce(sum(tries), 0) as bigint) from attempts \
             where kind = $1 and subject = $2 and window_start > $3 and window_start <= $4",
        )
        .bind(KIND)
        .bind(*subject)
        .bind(millis(after))
        .bind(millis(until))
        .fetch_one(&mut *connection)
        .await?;
        all += count;
    }
    Ok(all)
}

async fn traffic(connection: &mut AnyConnection, now: Timestamp) -> Result<Traffic> {
    let hour_ago = now.checked_sub(HOUR).unwrap_or(now);
    let first = hour_ago.checked_sub(HOUR * i32::try_from(HOURS).unwrap_or(1)).unwrap_or(now);
    let calm = sign_ups(connection, &[CALM], first, hour_ago).await?;
    // A letter that was taken may come back: then its address is not written to any more.
    let (confirmations, bounced): (i64, i64) = sqlx::query_as(
        "select count(*), cast(coalesce(sum(case when state = 'failed' or exists (select 1 from suppressions \
         where email_canonical = lower(address) and suppressions.created_at > $1) then 1 else 0 end), 0) as bigint) \
         from deliveries where kind = 'confirmation' and state in ('sent', 'failed', 'uncertain') and updated_at > $1",
    )
    .bind(millis(hour_ago))
    .fetch_one(&mut *connection)
    .await?;
    Ok(Traffic {
        last_hour: last_hour(connection, now).await?,
        usual: calm.div_euclid(HOURS) + i64::from(calm.rem_euclid(HOURS) > 0),
        confirmations,
        bounced,
    })
}
