//! Addresses that must not be written to, whatever they subscribed to.

use domain::subscriber::Suppression;
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, instant, millis};

/// The reason when a mail server said, as a mail was handed to it, that there is nobody of this name.
pub const NOBODY: &str = "the address does not exist";

#[derive(FromRow)]
struct Row {
    email_canonical: String,
    reason: String,
    created_at: i64,
    expires_at: Option<i64>,
}

impl TryFrom<Row> for Suppression {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            email: row.email_canonical,
            reason: row.reason,
            created_at: instant("suppressions", row.created_at)?,
            expires_at: row.expires_at.map(|at| instant("suppressions", at)).transpose()?,
        })
    }
}

impl Store {
    /// Whether nothing may be sent to an address. `email_canonical` is `EmailAddress::canonical`.
    pub async fn is_suppressed(&self, email_canonical: &str, now: Timestamp) -> Result<bool> {
        Ok(self.suppressed_since(email_canonical, now).await?.is_some())
    }

    /// When it was last found that nothing may be sent to an address, if that still holds.
    pub async fn suppressed_since(&self, email_canonical: &str, now: Timestamp) -> Result<Option<Timestamp>> {
        let found: Option<i64> = sqlx::query_scalar(
            "select created_at from suppressions
             where email_canonical = $1 and (expires_at is null or expires_at > $2)",
        )
        .bind(email_canonical)
        .bind(millis(now))
        .fetch_optional(self.read())
        .await?;
        found.map(|at| instant("suppressions", at)).transpose()
    }

    /// What forbids mail to an address, if anything does now.
    pub async fn suppression(&self, email_canonical: &str, now: Timestamp) -> Result<Option<Suppression>> {
        let row: Option<Row> = sqlx::query_as(
            "select email_canonical, reason, created_at, expires_at from suppressions
             where email_canonical = $1 and (expires_at is null or expires_at > $2)",
        )
        .bind(email_canonical)
        .bind(millis(now))
        .fetch_optional(self.read())
        .await?;
        row.map(Suppression::try_from).transpose()
    }

    /// The next at most `limit` addresses behind `after` that must not be written to now, in their order; those with
    /// `text` in them, which is lower-case.
    pub async fn suppressions(&self, text: &str, after: &str, limit: i64, now: Timestamp) -> Result<Vec<Suppression>> {
        let query = self.engine.pick(
            "select email_canonical, reason, created_at, expires_at from suppressions
             where email_canonical > $1 and ($2 = '' or instr(email_canonical, $2) > 0)
               and (expires_at is null or expires_at > $3)
             order by email_canonical limit $4",
            "select email_canonical, reason, created_at, expires_at from suppressions
             where email_canonical > $1 and ($2 = '' or strpos(email_canonical, $2) > 0)
               and (expires_at is null or expires_at > $3)
             order by email_canonical limit $4",
        );
        let rows: Vec<Row> =
            sqlx::query_as(query).bind(after).bind(text).bind(millis(now)).bind(limit).fetch_all(self.read()).await?;
        rows.into_iter().map(Suppression::try_from).collect()
    }

    /// How many addresses must not be written to now.
    pub async fn count_suppressions(&self, now: Timestamp) -> Result<i64> {
        Ok(sqlx::query_scalar("select count(*) from suppressions where expires_at is null or expires_at > $1")
            .bind(millis(now))
            .fetch_one(self.read())
            .await?)
    }

    /// How many addresses were found after an instant not to take mail.
    pub async fn count_suppressions_since(&self, since: Timestamp, now: Timestamp) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "select count(*) from suppressions where created_at > $1 and (expires_at is null or expires_at > $2)",
        )
        .bind(millis(since))
        .bind(millis(now))
        .fetch_one(self.read())
        .await?)
    }

    /// How many addresses must not be written to because a mail server said at `since` or later that they do not exist.
    pub async fn count_nobody_since(&self, since: Timestamp) -> Result<i64> {
        Ok(sqlx::query_scalar("select count(*) from suppressions where reason = $1 and created_at >= $2")
            .bind(NOBODY)
            .bind(millis(since))
            .fetch_one(self.read())
            .await?)
    }
}

impl Write {
    /// Stops everything to an address until `expires_at`, or for good. Never shortens what was said before; said again as
    /// it stands, it counts from now.
    pub async fn suppress(
        &mut self,
        email_canonical: &str,
        reason: &str,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "insert into suppressions (email_canonical, reason, created_at, expires_at) values ($1, $2, $3, $4)
             on conflict (email_canonical) do update
             set reason = excluded.reason, created_at = excluded.created_at, expires_at = excluded.expires_at
             where suppressions.expires_at <= excluded.expires_at or excluded.expires_at is null",
        )
        .bind(email_canonical)
        .bind(reason)
        .bind(millis(now))
        .bind(expires_at.map(millis))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Allows mail to an address again: its owner has shown that it arrives. False when nothing forbade it.
    pub async fn lift_suppression(&mut self, email_canonical: &str) -> Result<bool> {
        let lifted = sqlx::query("delete from suppressions where email_canonical = $1")
            .bind(email_canonical)
            .execute(self.connection())
            .await?;
        Ok(lifted.rows_affected() == 1)
    }

    /// Allows mail again to all of whom a mail server said at `since` or later that they do not exist; says how many. What was
    /// found in any other way stays.
    pub async fn lift_nobody_since(&mut self, since: Timestamp) -> Result<u64> {
        let lifted = sqlx::query("delete from suppressions where reason = $1 and created_at >= $2")
            .bind(NOBODY)
            .bind(millis(since))
            .execute(self.connection())
            .await?;
        Ok(lifted.rows_affected())
    }
}
