//! The audience of an update among the subscribers: counted before publishing, walked while sending.
//!
//! Told are active subscribers who follow everything, one of the components, or the incident, and whose address is
//! not suppressed. The components are bound as one JSON array, and each way of following is looked up in its own
//! index, so that an audience of a thousand costs a thousand lookups however long the list is. `cross join` with the
//! condition below keeps SQLite to the order written; PostgreSQL is free to choose.

use domain::{
    audience::Audience,
    email_address::EmailAddress,
    i18n::{Locale, Preferences},
    ids::SubscriberId,
};
use jiff::Timestamp;
use serde_json::json;
use sqlx::FromRow;

use super::{Result, Store, StoreError, millis, parse, preferences};

/// Someone who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub id: SubscriberId,
    /// Where to.
    pub email: EmailAddress,
    /// For the links in their mail.
    pub generation: i64,
    /// How they want to be written to.
    pub preferences: Preferences,
}

#[derive(FromRow)]
struct RecipientRow {
    id: i64,
    email: String,
    generation: i64,
    locale: String,
    time_zone: Option<String>,
}

impl TryFrom<RecipientRow> for Recipient {
    type Error = StoreError;

    fn try_from(row: RecipientRow) -> Result<Self> {
        Ok(Self {
            id: SubscriberId(row.id),
            email: parse("subscribers", &row.email)?,
            generation: row.generation,
            preferences: preferences("subscribers", Some(&row.locale), row.time_zone.as_deref())?,
        })
    }
}

/// At most this many numbers are looked at by one query of [`Store::audience_batch`].
const WIDEST_WINDOW: i64 = 1 << 16;

/// So many subscribers are counted in next to no time.
pub const COUNTED_AT_ONCE: i64 = 5_000;

/// What follows it counts followers of `$1`, the components as JSON, and `$2`, the incident, less those who are suppressed at
/// `$3`, now.
macro_rules! counting {
    ($components:literal, $counts:literal) => {
        concat!(
            "with followers as (
               select subscriber_id from subscriber_components where component_id in (",
            $components,
            ")
               union select subscriber_id from subscriber_incidents where incident_id = $2),
             suppressed as (
               select s.id, s.everything, s.locale from suppressions x
               cross join subscribers s
               where s.email_canonical = x.email_canonical and (x.expires_at is null or x.expires_at > $3) and s.state = 'active') ",
            $counts
        )
    };
}

macro_rules! count_text {
    ($components:literal) => {
        counting!(
            $components,
            "select (select count(*) from subscribers where state = 'active' and everything = 1)
                    + (select count(*) from followers f cross join subscribers s
                       where s.id = f.subscriber_id and s.state = 'active' and s.everything = 0)
                    - (select count(*) from suppressed
                       where everything = 1 or id in (select subscriber_id from followers))"
        )
    };
}

macro_rules! languages_text {
    ($components:literal) => {
        counting!(
            $components,
            ", counted as (
               select locale, count(*) as people from subscribers where state = 'active' and everything = 1 group by locale
               union all
               select s.locale, count(*) as people from followers f cross join subscribers s
               where s.id = f.subscriber_id and s.state = 'active' and s.everything = 0 group by s.locale
               union all
               select locale, -count(*) as people from suppressed
               where everything = 1 or id in (select subscriber_id from followers) group by locale)
             select locale, cast(sum(people) as bigint) as people from counted
             group by locale having sum(people) > 0 order by people desc, locale"
        )
    };
}

/// Binds `$1` the components as JSON, `$2` the incident, `$3` now, `$4` and `$5` the first and last number, `$6` the
/// limit.
macro_rules! batch_text {
    ($components:literal) => {
        concat!(
            "with wanted as (
               select id from subscribers where state = 'active' and everything = 1 and id between $4 and $5
               union select subscriber_id from subscriber_components
                     where component_id in (",
            $components,
            ") and subscriber_id between $4 and $5
               union select subscriber_id from subscriber_incidents
                     where incident_id = $2 and subscriber_id between $4 and $5)
             select s.id, s.email, s.generation, s.locale, s.time_zone from wanted w cross join subscribers s
             where s.id = w.id and s.id between $4 and $5 and s.state = 'active'
               and not exists (select 1 from suppressions x where x.email_canonical = s.email_canonical
                                                              and (x.expires_at is null or x.expires_at > $3))
             order by s.id limit $6"
        )
    };
}

/// Binds `$1` the components as JSON, `$2` the incident, `$3` now, `$4` the subscribers as JSON.
macro_rules! wanted_text {
    ($components:literal, $subscribers:literal) => {
        concat!(
            "with asked as (",
            $subscribers,
            "),
             followers as (
               select c.subscriber_id from asked a cross join subscriber_components c
               where c.subscriber_id = a.id and c.component_id in (",
            $components,
            ")
               union select i.subscriber_id from asked a cross join subscriber_incidents i
               where i.subscriber_id = a.id and i.incident_id = $2)
             select s.id from asked a cross join subscribers s left join followers f on f.subscriber_id = s.id
             where s.id = a.id and s.state = 'active' and (s.everything = 1 or f.subscriber_id is not null)
               and not exists (select 1 from suppressions x where x.email_canonical = s.email_canonical
                                                              and (x.expires_at is null or x.expires_at > $3))
             order by s.id"
        )
    };
}

impl Store {
    /// How many are told.
    pub async fn count_audience(&self, audience: &Audience, now: Timestamp) -> Result<i64> {
        let text = self.engine.pick(
            count_text!("select value from json_each($1)"),
            count_text!("select value from jsonb_array_elements_text(cast($1 as jsonb))"),
        );
        Ok(sqlx::query_scalar(text)
            .bind(components(audience))
            .bind(audience.incident.as_str())
            .bind(millis(now))
            .fetch_one(self.read())
            .await?)
    }

    /// How many are told in each language, most first.
    pub async fn count_languages(&self, audience: &Audience, now: Timestamp) -> Result<Vec<(Locale, i64)>> {
        let text = self.engine.pick(
            languages_text!("select value from json_each($1)"),
            languages_text!("select value from jsonb_array_elements_text(cast($1 as jsonb))"),
        );
        let rows: Vec<(String, i64)> = sqlx::query_as(text)
            .bind(components(audience))
            .bind(audience.incident.as_str())
            .bind(millis(now))
            .fetch_all(self.read())
            .await?;
        rows.into_iter().map(|(locale, people)| Ok((parse("subscribers", &locale)?, people))).collect()
    }

    /// As [`Store::count_audience`] while somebody waits for an answer that takes as long for ten people as for a million: only if
    /// [`COUNTED_AT_ONCE`] or fewer ever subscribed.
    pub async fn count_small_audience(&self, audience: &Audience, now: Timestamp) -> Result<Option<i64>> {
        let last: Option<i64> = sqlx::query_scalar("select max(id) from subscribers").fetch_one(self.read()).await?;
        if last.is_some_and(|last| last > COUNTED_AT_ONCE) {
            return Ok(None);
        }
        self.count_audience(audience, now).await.map(Some)
    }

    /// The next at most `limit` who are told, by number, from `from` up to and including `until`. Fewer than `limit`:
    /// there is nobody else up to `until`.
    pub async fn audience_batch(
        &self,
        audience: &Audience,
        from: i64,
        until: i64,
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<Recipient>> {
        let text = self.engine.pick(
            batch_text!("select value from json_each($1)"),
            batch_text!("select value from jsonb_array_elements_text(cast($1 as jsonb))"),
        );
        let last: Option<i64> = sqlx::query_scalar("select max(id) from subscribers").fetch_one(self.read()).await?;
        let until = until.min(last.unwrap_or(0));
        let components = components(audience);
        let mut recipients = Vec::new();
        let (mut start, mut width, mut missing) = (from, limit.saturating_mul(2).max(1), limit);
        // Windows grow while little is found: few queries on a sparse audience, little sorting on a dense one.
        while start <= until && missing > 0 {
            let end = start.saturating_add(width - 1).min(until);
            let rows: Vec<RecipientRow> = sqlx::query_as(text)
                .bind(&components)
                .bind(audience.incident.as_str())
                .bind(millis(now))
                .bind(start)
                .bind(end)
                .bind(missing)
                .fetch_all(self.read())
                .await?;
            missing -= i64::try_from(rows.len()).unwrap_or(i64::MAX);
            for row in rows {
                recipients.push(row.try_into()?);
            }
            start = end.saturating_add(1);
            width = width.saturating_mul(2).min(WIDEST_WINDOW.max(limit));
        }
        Ok(recipients)
    }

    /// Those of `subscribers` who are still told, by number: asked again just before sending.
    pub async fn still_wanted(
        &self,
        audience: &Audience,
        subscribers: &[SubscriberId],
        now: Timestamp,
    ) -> Result<Vec<SubscriberId>> {
        let text = self.engine.pick(
            wanted_text!("select value from json_each($1)", "select value as id from json_each($4)"),
            wanted_text!(
                "select value from jsonb_array_elements_text(cast($1 as jsonb))",
                "select cast(value as bigint) as id from jsonb_array_elements_text(cast($4 as jsonb))"
            ),
        );
        let ids: Vec<i64> = sqlx::query_scalar(text)
            .bind(components(audience))
            .bind(audience.incident.as_str())
            .bind(millis(now))
            .bind(json!(subscribers).to_string())
            .fetch_all(self.read())
            .await?;
        Ok(ids.into_iter().map(SubscriberId).collect())
    }
}

fn components(audience: &Audience) -> String {
    json!(audience.components).to_string()
}
