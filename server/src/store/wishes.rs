//! What active subscribers asked for and have not confirmed yet.
//!
//! Whoever types an address may not be its owner, so what is asked for in its name waits for the link in the mail.

use domain::{ids::SubscriberId, subscriber::Follows};
use jiff::Timestamp;

use super::{Result, Store, StoreError, Write, millis};

const SELECT: &str = "select follows from subscriber_wishes where subscriber_id = $1";

impl Store {
    /// What waits for someone's confirmation.
    pub async fn wish(&self, id: SubscriberId) -> Result<Option<Follows>> {
        let text: Option<String> = sqlx::query_scalar(SELECT).bind(id.0).fetch_optional(self.read()).await?;
        text.map(|text| read(&text)).transpose()
    }
}

impl Write {
    /// As [`Store::wish`], seeing what this transaction did.
    pub async fn wish(&mut self, id: SubscriberId) -> Result<Option<Follows>> {
        let text: Option<String> = sqlx::query_scalar(SELECT).bind(id.0).fetch_optional(self.connection()).await?;
        text.map(|text| read(&text)).transpose()
    }

    /// Keeps what someone asks for instead of what waited before.
    pub async fn put_wish(&mut self, id: SubscriberId, follows: &Follows, now: Timestamp) -> Result<()> {
        let text = serde_json::to_string(follows)
            .map_err(|error| StoreError::Corrupt("subscriber_wishes", error.to_string()))?;
        sqlx::query(
            "insert into subscriber_wishes (subscriber_id, follows, created_at) values ($1, $2, $3)
             on conflict (subscriber_id) do update set follows = excluded.follows, created_at = excluded.created_at",
        )
        .bind(id.0)
        .bind(text)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets what someone asked for.
    pub async fn delete_wish(&mut self, id: SubscriberId) -> Result<()> {
        sqlx::query("delete from subscriber_wishes where subscriber_id = $1")
            .bind(id.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets what was asked for before an instant and never confirmed. Whoever was not asked yet whether it was them, or
    /// not before that instant, has time left.
    pub async fn delete_stale_wishes(&mut self, before: Timestamp) -> Result<()> {
        sqlx::query(
            "delete from subscriber_wishes where created_at < $1 and not exists (select 1 from subscribers
             where id = subscriber_id and (owed_since is not null or confirmation_sent_at >= $1))",
        )
        .bind(millis(before))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn read(text: &str) -> Result<Follows> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt("subscriber_wishes", error.to_string()))
}
