//! Forgetting people, and remembering that they are to stay forgotten.
//!
//! What was counted stays, and so do the rows of what was sent, without the address. Of the address a tag is kept
//! (`Secret::erased_tag`), which only this installation can tell again: without it, the next import of an old list would
//! bring the person back.

use jiff::Timestamp;
use serde_json::json;

use super::{Result, Store, Write, millis, subscribers::Subscriber};

/// Stands where an address stood. Nothing can be sent there (RFC 2606).
const NOWHERE: &str = "erased@erased.invalid";

impl Store {
    /// Whether anyone was ever erased: else there is nothing to look for, and no secret needed for it.
    pub async fn has_erased(&self) -> Result<bool> {
        let (has,): (i64,) =
            sqlx::query_as("select case when exists (select 1 from erased_addresses) then 1 else 0 end")
                .fetch_one(self.read())
                .await?;
        Ok(has == 1)
    }

    /// Those among these tags that belong to people who were erased.
    pub async fn erased_among(&self, tags: &[String]) -> Result<Vec<String>> {
        let text = self.engine.pick(
            "select tag from erased_addresses where tag in (select value from json_each($1)) order by tag",
            "select tag from erased_addresses
             where tag in (select value from jsonb_array_elements_text(cast($1 as jsonb))) order by tag",
        );
        Ok(sqlx::query_scalar(text).bind(json!(tags).to_string()).fetch_all(self.read()).await?)
    }
}

impl Write {
    /// Removes a subscriber and their address wherever it is kept.
    pub async fn erase_subscriber(&mut self, subscriber: &Subscriber, tag: &str, now: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into erased_addresses (tag, erased_at) values ($1, $2)
             on conflict (tag) do update set erased_at = excluded.erased_at",
        )
        .bind(tag)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        self.lift_suppression(&subscriber.email.canonical()).await?;
        self.forget_full_mailbox(&subscriber.email.canonical()).await?;
        // What a server said may quote the address, here and below.
        sqlx::query(
            "update bounces set diagnostic = '' where delivery_id in (select id from deliveries where subscriber_id = $1
             union all select s.broadcast_id || '.' || s.subscriber_id from broadcasts b cross join sent s
             where s.broadcast_id = b.id and s.subscriber_id = $1)",
        )
        .bind(subscriber.id.0)
        .execute(self.connection())
        .await?;
        // A broadcast's rows that wait are skipped when their turn comes, and counted then; letters have no counter.
        sqlx::query(
            "update deliveries
             set address = $1, message = null, reason = '', updated_at = $2,
                 state = case when state = 'waiting' and broadcast_id is null then 'skipped' else state end
             where subscriber_id = $3",
        )
        .bind(NOWHERE)
        .bind(millis(now))
        .bind(subscriber.id.0)
        .execute(self.connection())
        .await?;
        sqlx::query("delete from subscribers where id = $1").bind(subscriber.id.0).execute(self.connection()).await?;
        Ok(())
    }

    /// Whoever was erased asked to be told again.
    pub async fn forget_erasure(&mut self, tag: &str) -> Result<()> {
        sqlx::query("delete from erased_addresses where tag = $1").bind(tag).execute(self.connection()).await?;
        Ok(())
    }
}
