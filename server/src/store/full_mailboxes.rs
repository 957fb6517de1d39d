//! Mailboxes that were found full, and what they were to hear of then.

use domain::delivery::{FULL_MAILBOX_INCIDENTS, FULL_MAILBOX_REST, FULL_MAILBOX_WINDOW};
use jiff::Timestamp;

use super::{Result, Write, millis};

impl Write {
    /// Notes that a mailbox was full when it was to hear of something: an incident, however many updates it has, or a letter.
    /// When that is one too many within two weeks, nothing is sent there for a month, and counting begins anew.
    pub async fn note_full_mailbox(&mut self, email_canonical: &str, about: &str, now: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into full_mailboxes (email_canonical, about, found_at) values ($1, $2, $3) \
             on conflict (email_canonical, about) do nothing",
        )
        .bind(email_canonical)
        .bind(about)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        let since = now.checked_sub(FULL_MAILBOX_WINDOW).unwrap_or(now);
        let (times,): (i64,) =
            sqlx::query_as("select count(*) from full_mailboxes where email_canonical = $1 and found_at > $2")
                .bind(email_canonical)
                .bind(millis(since))
                .fetch_one(self.connection())
                .await?;
        if times >= FULL_MAILBOX_INCIDENTS {
            let until = now.checked_add(FULL_MAILBOX_REST).unwrap_or(now);
            self.suppress(email_canonical, "the mailbox is full", Some(until), now).await?;
            self.forget_full_mailbox(email_canonical).await?;
        }
        Ok(())
    }

    /// Forgets that a mailbox was ever full.
    pub async fn forget_full_mailbox(&mut self, email_canonical: &str) -> Result<()> {
        sqlx::query("delete from full_mailboxes where email_canonical = $1")
            .bind(email_canonical)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Removes what counts no more.
    pub async fn delete_old_full_mailboxes(&mut self, now: Timestamp) -> Result<u64> {
        let before = now.checked_sub(FULL_MAILBOX_WINDOW).unwrap_or(now);
        let rows = sqlx::query("delete from full_mailboxes where found_at <= $1")
            .bind(millis(before))
            .execute(self.connection())
            .await?;
        Ok(rows.rows_affected())
    }
}
