//! How often something was tried: what throttles sign-ins and sign-ups, for all nodes together.

use jiff::{SignedDuration, Timestamp};

use super::{Result, Store, Write, millis};

impl Store {
    /// How many tries [`Write::count_attempt`] has counted in the current window.
    pub async fn attempts(&self, kind: &str, subject: &str, window: SignedDuration, now: Timestamp) -> Result<i64> {
        let tries: Option<i64> =
            sqlx::query_scalar("select tries from attempts where kind = $1 and subject = $2 and window_start = $3")
                .bind(kind)
                .bind(subject)
                .bind(window_start(window, now))
                .fetch_optional(self.read())
                .await?;
        Ok(tries.unwrap_or(0))
    }
}

impl Write {
    /// Counts a try and says how many there were in the current window, this one included.
    ///
    /// Windows stand side by side from 1970 on: a window of an hour ends with the hour.
    pub async fn count_attempt(
        &mut self,
        kind: &str,
        subject: &str,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "insert into attempts (kind, subject, window_start, tries) values ($1, $2, $3, 1)
             on conflict (kind, subject, window_start) do update set tries = attempts.tries + 1
             returning tries",
        )
        .bind(kind)
        .bind(subject)
        .bind(window_start(window, now))
        .fetch_one(self.connection())
        .await?)
    }

    /// Takes one try back that [`Write::count_attempt`] counted at `now`, as when it turned out to be none.
    pub async fn give_attempt_back(
        &mut self,
        kind: &str,
        subject: &str,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "update attempts set tries = tries - 1
             where kind = $1 and subject = $2 and window_start = $3 and tries > 0",
        )
        .bind(kind)
        .bind(subject)
        .bind(window_start(window, now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Starts over, as after a sign-in that succeeded.
    pub async fn forget_attempts(&mut self, kind: &str, subject: &str) -> Result<()> {
        sqlx::query("delete from attempts where kind = $1 and subject = $2")
            .bind(kind)
            .bind(subject)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Clears away the windows that began before an instant, and says how many there were.
    pub async fn delete_old_attempts(&mut self, before: Timestamp) -> Result<u64> {
        let deleted = sqlx::query("delete from attempts where window_start < $1")
            .bind(millis(before))
            .execute(self.connection())
            .await?;
        Ok(deleted.rows_affected())
    }
}

fn window_start(window: SignedDuration, now: Timestamp) -> i64 {
    let length = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1);
    millis(now) - millis(now).rem_euclid(length)
}
