//! Subscribers and what they follow.
//!
//! Their numbers only grow, in the order of commits: whoever holds the counter's row keeps everyone else from taking
//! a number until the transaction ends. So the highest number seen at publish has no smaller one still to come.

use std::collections::BTreeSet;

use domain::{
    delivery::DeliveryState,
    email_address::EmailAddress,
    i18n::{Preferences, Zone},
    ids::SubscriberId,
    subscriber::{Follows, SubscriberState},
};
use jiff::Timestamp;
use sqlx::{AnyConnection, FromRow};

use super::{Result, Store, Write, instant, millis, parse, preferences};

/// Someone who asked to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// Never changes.
    pub id: SubscriberId,
    /// As they wrote it; its canonical form is unique.
    pub email: EmailAddress,
    /// Whether they are told.
    pub state: SubscriberState,
    /// Of what.
    pub follows: Follows,
    /// How they are written to.
    pub preferences: Preferences,
    /// Part of every link mailed to them: raising it makes the confirmations sent before worthless.
    pub generation: i64,
    /// How it is known that they want this: where and when they asked, in words.
    pub consent: String,
    /// When they first asked.
    pub created_at: Timestamp,
    /// When anything about them last changed.
    pub updated_at: Timestamp,
    /// When the last confirmation mail was queued.
    pub confirmation_sent_at: Option<Timestamp>,
    /// When they followed its link.
    pub confirmed_at: Option<Timestamp>,
    /// When they last left.
    pub unsubscribed_at: Option<Timestamp>,
    /// The letter that a surge of sign-ups puts off, if they are owed one.
    pub owed: Option<Owed>,
}

/// A letter that is put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Since when it is owed.
    pub since: Timestamp,
    /// Whether it was the first that was put off that day to somebody of their network, the second, and so on. The first of
    /// each network come before the second of any: a flood waits for itself, and not people for a flood.
    pub turn: i64,
}

/// How many subscribers there are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriberCounts {
    /// Have not followed the link yet.
    pub pending: i64,
    /// Are told.
    pub active: i64,
    /// Left.
    pub unsubscribed: i64,
}

#[derive(FromRow)]
pub(super) struct Row {
    id: i64,
    email: String,
    state: String,
    everything: i64,
    locale: String,
    time_zone: Option<String>,
    generation: i64,
    consent: String,
    created_at: i64,
    updated_at: i64,
    confirmation_sent_at: Option<i64>,
    confirmed_at: Option<i64>,
    unsubscribed_at: Option<i64>,
    owed_since: Option<i64>,
    owed_turn: i64,
}

impl Row {
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// With the components and incidents they follow.
    pub(super) fn following(self, components: &[String], incidents: &[String]) -> Result<Subscriber> {
        let follows = Follows {
            everything: self.everything == 1,
            components: ids("subscriber_components", components)?,
            incidents: ids("subscriber_incidents", incidents)?,
        };
        self.with(follows)
    }

    fn with(self, follows: Follows) -> Result<Subscriber> {
        let optional = |at: Option<i64>| at.map(|at| instant("subscribers", at)).transpose();
        Ok(Subscriber {
            id: SubscriberId(self.id),
            email: parse("subscribers", &self.email)?,
            state: parse("subscribers", &self.state)?,
            follows,
            preferences: preferences("subscribers", Some(&self.locale), self.time_zone.as_deref())?,
            generation: self.generation,
            consent: self.consent,
            created_at: instant("subscribers", self.created_at)?,
            updated_at: instant("subscribers", self.updated_at)?,
            confirmation_sent_at: optional(self.confirmation_sent_at)?,
            confirmed_at: optional(self.confirmed_at)?,
            unsubscribed_at: optional(self.unsubscribed_at)?,
            owed: optional(self.owed_since)?.map(|since| Owed { since, turn: self.owed_turn }),
        })
    }
}

/// A query for whole subscribers: the columns once, the rest as given.
macro_rules! select_subscriber {
    ($rest:literal) => {
        concat!(
            "select id, email, state, everything, locale, time_zone, generation, consent, created_at, updated_at,
                    confirmation_sent_at, confirmed_at, unsubscribed_at, owed_since, owed_turn
             from subscribers where ",
            $rest
        )
    };
}
pub(super) use select_subscriber;

/// A statement about at most $3 who asked and never followed the link: written to before $1, or owed a letter since before
/// $2; and who had left before, or had not.
macro_rules! of_stale_pending {
    ($statement:literal, $left:literal) => {
        concat!(
            $statement,
            " where id in (select id from (
                  select id, unsubscribed_at from subscribers
                  where state = 'pending' and owed_since is null and updated_at < $1
                        and coalesce(confirmation_sent_at, 0) < $1
                  union all
                  select id, unsubscribed_at from subscribers where state = 'pending' and owed_since < $2
              ) as stale where unsubscribed_at is ",
            $left,
            " limit $3)"
        )
    };
}

impl Store {
    /// One subscriber.
    pub async fn subscriber(&self, id: SubscriberId) -> Result<Option<Subscriber>> {
        let mut snapshot = self.snapshot().await?;
        let row = sqlx::query_as(select_subscriber!("id = $1")).bind(id.0).fetch_optional(&mut *snapshot).await?;
        let subscriber = with_follows(&mut snapshot, row).await?;
        snapshot.commit().await?;
        Ok(subscriber)
    }

    /// How many subscribers there are.
    pub async fn count_subscribers(&self) -> Result<SubscriberCounts> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("select state, count(*) from subscribers group by state order by state")
                .fetch_all(self.read())
                .await?;
        let mut counts = SubscriberCounts::default();
        for (state, count) in rows {
            match parse("subscribers", &state)? {
                SubscriberState::Pending => counts.pending = count,
                SubscriberState::Active => counts.active = count,
                SubscriberState::Unsubscribed => counts.unsubscribed = count,
            }
        }
        Ok(counts)
    }
}

impl Write {
    /// One subscriber, whom nobody else changes until this transaction ends.
    pub async fn subscriber(&mut self, id: SubscriberId) -> Result<Option<Subscriber>> {
        let text = self.pick(select_subscriber!("id = $1"), select_subscriber!("id = $1 for update"));
        let row = sqlx::query_as(text).bind(id.0).fetch_optional(self.connection()).await?;
        with_follows(self.connection(), row).await
    }

    /// The subscriber with this address, however it is written; nobody else changes them until this transaction ends.
    ///
    /// To add someone who may be new, take [`Write::next_subscriber_id`] first and look then: of two who add the
    /// same address at once, the second sees what the first did.
    pub async fn subscriber_by_email(&mut self, email: &EmailAddress) -> Result<Option<Subscriber>> {
        let text = self
            .pick(select_subscriber!("email_canonical = $1"), select_subscriber!("email_canonical = $1 for update"));
        let row = sqlx::query_as(text).bind(email.canonical()).fetch_optional(self.connection()).await?;
        with_follows(self.connection(), row).await
    }

    /// Whether the newest confirmation mail to someone did not reach them: it was refused, held back, or waited for too long.
    pub async fn is_confirmation_lost(&mut self, id: SubscriberId) -> Result<bool> {
        let state: Option<String> = sqlx::query_scalar(
            "select state from deliveries where subscriber_id = $1 and kind = 'confirmation'
             order by created_at desc, id desc limit 1",
        )
        .bind(id.0)
        .fetch_optional(self.connection())
        .await?;
        let state = state.map(|state| parse("deliveries", &state)).transpose()?;
        Ok(matches!(state, Some(DeliveryState::Failed | DeliveryState::Skipped | DeliveryState::Expired)))
    }

    /// A number for a new subscriber.
    pub async fn next_subscriber_id(&mut self) -> Result<SubscriberId> {
        self.reserve_subscriber_ids(1).await
    }

    /// Numbers for `count` new subscribers, one after the other from the one returned.
    pub async fn reserve_subscriber_ids(&mut self, count: i64) -> Result<SubscriberId> {
        let last: i64 =
            sqlx::query_scalar("update counters set value = value + $1 where name = 'subscribers' returning value")
                .bind(count)
                .fetch_one(self.connection())
                .await?;
        Ok(SubscriberId(last - count + 1))
    }

    /// The highest number handed out. Waits for those who took one and have not committed yet, and keeps others from
    /// taking one until this transaction ends: every subscriber up to it is there to be seen.
    pub async fn last_subscriber_id(&mut self) -> Result<SubscriberId> {
        Ok(SubscriberId(
            sqlx::query_scalar("update counters set value = value where name = 'subscribers' returning value")
                .fetch_one(self.connection())
                .await?,
        ))
    }

    /// Creates a subscriber or changes them, with all they follow.
    pub async fn put_subscriber(&mut self, subscriber: &Subscriber) -> Result<()> {
        sqlx::query(
            "insert into subscribers (id, email, email_canonical, state, everything, generation, consent, created_at,
                                      updated_at, confirmation_sent_at, confirmed_at, unsubscribed_at, locale,
                                      time_zone, owed_since, owed_turn)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             on conflict (id) do update
             set email = excluded.email, email_canonical = excluded.email_canonical, state = excluded.state,
                 everything = excluded.everything, generation = excluded.generation, consent = excluded.consent,
                 updated_at = excluded.updated_at, confirmation_sent_at = excluded.confirmation_sent_at,
                 confirmed_at = excluded.confirmed_at, unsubscribed_at = excluded.unsubscribed_at,
                 locale = excluded.locale, time_zone = excluded.time_zone, owed_since = excluded.owed_since,
                 owed_turn = excluded.owed_turn",
        )
        .bind(subscriber.id.0)
        .bind(subscriber.email.as_str())
        .bind(subscriber.email.canonical())
        .bind(subscriber.state.as_str())
        .bind(i64::from(subscriber.follows.everything))
        .bind(subscriber.generation)
        .bind(&subscriber.consent)
        .bind(millis(subscriber.created_at))
        .bind(millis(subscriber.updated_at))
        .bind(subscriber.confirmation_sent_at.map(millis))
        .bind(subscriber.confirmed_at.map(millis))
        .bind(subscriber.unsubscribed_at.map(millis))
        .bind(subscriber.preferences.locale.as_str())
        .bind(subscriber.preferences.zone.as_ref().map(Zone::as_str))
        .bind(subscriber.owed.map(|owed| millis(owed.since)))
        .bind(subscriber.owed.map_or(0, |owed| owed.turn))
        .execute(self.connection())
        .await?;
        self.put_follows(subscriber.id, &subscriber.follows).await
    }

    async fn put_follows(&mut self, id: SubscriberId, follows: &Follows) -> Result<()> {
        sqlx::query("delete from subscriber_components where subscriber_id = $1")
            .bind(id.0)
            .execute(self.connection())
            .await?;
        sqlx::query("delete from subscriber_incidents where subscriber_id = $1")
            .bind(id.0)
            .execute(self.connection())
            .await?;
        for component in &follows.components {
            sqlx::query("insert into subscriber_components (component_id, subscriber_id) values ($1, $2)")
                .bind(component.as_str())
                .bind(id.0)
                .execute(self.connection())
                .await?;
        }
        for incident in &follows.incidents {
            sqlx::query("insert into subscriber_incidents (incident_id, subscriber_id) values ($1, $2)")
                .bind(incident.as_str())
                .bind(id.0)
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Forgets those who asked and never followed the link, at most `limit` at a time; says how many. Whoever was written to
    /// has until the letter is from before `sent_before`; whoever is still owed it, until they asked before `owed_before`.
    ///
    /// Who had left before and asked again is not forgotten but counts as having left, so that an import does not
    /// bring them back.
    pub async fn delete_stale_pending(
        &mut self,
        sent_before: Timestamp,
        owed_before: Timestamp,
        limit: i64,
    ) -> Result<u64> {
        let returned =
            of_stale_pending!("update subscribers set state = 'unsubscribed', owed_since = null", "not null");
        let deleted = of_stale_pending!("delete from subscribers", "null");
        let mut rows = 0;
        for text in [returned, deleted] {
            let query = sqlx::query(text).bind(millis(sent_before)).bind(millis(owed_before)).bind(limit);
            rows += query.execute(self.connection()).await?.rows_affected();
        }
        Ok(rows)
    }
}

pub(super) async fn with_follows(connection: &mut AnyConnection, row: Option<Row>) -> Result<Option<Subscriber>> {
    let Some(row) = row else { return Ok(None) };
    let components: Vec<String> = sqlx::query_scalar(
        "select component_id from subscriber_components where subscriber_id = $1 order by component_id",
    )
    .bind(row.id)
    .fetch_all(&mut *connection)
    .await?;
    let incidents: Vec<String> = sqlx::query_scalar(
        "select incident_id from subscriber_incidents where subscriber_id = $1 order by incident_id",
    )
    .bind(row.id)
    .fetch_all(&mut *connection)
    .await?;
    row.following(&components, &incidents).map(Some)
}

fn ids<T: std::str::FromStr<Err: ToString> + Ord>(table: &'static str, texts: &[String]) -> Result<BTreeSet<T>> {
    texts.iter().map(|text| parse(table, text)).collect()
}
