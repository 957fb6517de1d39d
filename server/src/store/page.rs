//! The page as a whole: its version, which caches compare, and the owner's settings.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Result, Store, Write, instant, millis};

impl Store {
    /// The page's version and when it last changed.
    pub async fn page_version(&self) -> Result<(i64, Timestamp)> {
        let (version, changed_at): (i64, i64) =
            sqlx::query_as("select version, changed_at from page_version where id = 1").fetch_one(self.read()).await?;
        Ok((version, instant("page_version", changed_at)?))
    }

    /// When any incident last changed; `None` while there is none.
    pub async fn incidents_changed_at(&self) -> Result<Option<Timestamp>> {
        let at: Option<i64> =
            sqlx::query_scalar("select max(updated_at) from incidents").fetch_one(self.read()).await?;
        at.map(|at| instant("incidents", at)).transpose()
    }

    /// Everything the owner chose, by name.
    pub async fn settings(&self) -> Result<BTreeMap<String, String>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("select name, value from settings order by name").fetch_all(self.read()).await?;
        Ok(rows.into_iter().collect())
    }

    /// What the owner chose for `name`.
    pub async fn setting(&self, name: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("select value from settings where name = $1")
            .bind(name)
            .fetch_optional(self.read())
            .await?)
    }
}

impl Write {
    /// As [`Store::settings`], seeing what this transaction did.
    pub async fn settings(&mut self) -> Result<BTreeMap<String, String>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("select name, value from settings order by name").fetch_all(self.connection()).await?;
        Ok(rows.into_iter().collect())
    }

    /// Tells every cache that the page changed. Belongs into the transaction of each public change.
    ///
    /// The row stays locked until the transaction ends: done first, it lets one publisher at a time through.
    pub async fn bump_page_version(&mut self, now: Timestamp) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "update page_version set version = version + 1, changed_at = $1 where id = 1 returning version",
        )
        .bind(millis(now))
        .fetch_one(self.connection())
        .await?)
    }

    /// Sets `name` unless it is set already.
    pub async fn default_setting(&mut self, name: &str, value: &str, now: Timestamp) -> Result<()> {
        sqlx::query("insert into settings (name, value, updated_at) values ($1, $2, $3) on conflict (name) do nothing")
            .bind(name)
            .bind(value)
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Keeps what the owner chose for `name`.
    pub async fn put_setting(&mut self, name: &str, value: &str, now: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into settings (name, value, updated_at) values ($1, $2, $3)
             on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at",
        )
        .bind(name)
        .bind(value)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
