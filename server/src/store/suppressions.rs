//! Addresses that must not be written to, whatever they subscribed to.

use jiff::Timestamp;

use super::{Result, Store, Write, instant, millis};

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
}
