//! What the owners should know about their mail: kept to be shown, and told by letter a few times an hour.

use jiff::{SignedDuration, Timestamp};

use super::{Result, Store, Write, instant, millis};

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What happened, in words.
    pub message: String,
    /// When it was noticed.
    pub raised_at: Timestamp,
    /// When a letter told of it.
    pub mailed_at: Option<Timestamp>,
}

fn alerts(rows: Vec<(String, i64, Option<i64>)>) -> Result<Vec<Alert>> {
    let alert = |(message, raised_at, mailed_at): (String, i64, Option<i64>)| {
        let mailed_at = mailed_at.map(|at| instant("alerts", at)).transpose()?;
        Ok(Alert { message, raised_at: instant("alerts", raised_at)?, mailed_at })
    };
    rows.into_iter().map(alert).collect()
}

impl Store {
    /// The latest, newest first.
    pub async fn alerts(&self, limit: i64) -> Result<Vec<Alert>> {
        let rows =
            sqlx::query_as("select message, raised_at, mailed_at from alerts order by raised_at desc, key limit $1")
                .bind(limit)
                .fetch_all(self.read())
                .await?;
        alerts(rows)
    }

    /// Whether there is anything that no letter told of.
    pub async fn has_new_alerts(&self) -> Result<bool> {
        let (is_so,): (i64,) =
            sqlx::query_as("select case when exists (select 1 from alerts where mailed_at is null) then 1 else 0 end")
                .fetch_one(self.read())
                .await?;
        Ok(is_so == 1)
    }
}

impl Write {
    /// Notes something; false when something with this key was noted before.
    pub async fn raise_alert(&mut self, key: &str, message: &str, now: Timestamp) -> Result<bool> {
        let rows = sqlx::query(
            "insert into alerts (key, message, raised_at) values ($1, $2, $3) on conflict (key) do nothing",
        )
        .bind(key)
        .bind(message)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(rows.rows_affected() == 1)
    }

    /// Everything that no letter told of, for one letter that does so now. Nothing while `most` letters told of something
    /// within the last hour: what is left goes into the next.
    pub async fn take_new_alerts(&mut self, most: i64, now: Timestamp) -> Result<Vec<Alert>> {
        let hour_ago = now.checked_sub(SignedDuration::from_hours(1)).unwrap_or(now);
        let (letters,): (i64,) =
            sqlx::query_as("select count(distinct mailed_at) from alerts where mailed_at > $1 and mailed_at <= $2")
                .bind(millis(hour_ago))
                .bind(millis(now))
                .fetch_one(self.connection())
                .await?;
        if letters >= most {
            return Ok(Vec::new());
        }
        let rows = sqlx::query_as(
            "update alerts set mailed_at = $1 where mailed_at is null returning message, raised_at, mailed_at",
        )
        .bind(millis(now))
        .fetch_all(self.connection())
        .await?;
        let mut found = alerts(rows)?;
        found.sort_by(|a, b| (a.raised_at, &a.message).cmp(&(b.raised_at, &b.message)));
        Ok(found)
    }

    /// Removes those raised before `before`.
    pub async fn delete_old_alerts(&mut self, before: Timestamp) -> Result<u64> {
        let rows = sqlx::query("delete from alerts where raised_at < $1")
            .bind(millis(before))
            .execute(self.connection())
            .await?;
        Ok(rows.rows_affected())
    }
}
