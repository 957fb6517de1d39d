//! What somebody was typing: private to its author, one for each incident and one for a new one.
//!
//! A draft that was published or discarded leaves an empty row with the form's key, so that a copy of it that was still on
//! its way does not bring it back.

use domain::{forms::Fields, ids::UserId};
use jiff::Timestamp;

use super::{Result, Store, StoreError, Write, instant, millis};

const TABLE: &str = "drafts";

/// A form as it was when it was last kept.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Every field, in order.
    pub fields: Fields,
    /// When it was kept.
    pub saved_at: Timestamp,
}

impl Store {
    /// What a person was typing about `subject`: an incident's id, or `new`.
    pub async fn draft(&self, user: &UserId, subject: &str) -> Result<Option<Draft>> {
        let row: Option<(String, i64)> =
            sqlx::query_as("select fields, saved_at from drafts where user_id = $1 and subject = $2 and fields <> ''")
                .bind(user.as_str())
                .bind(subject)
                .fetch_optional(self.read())
                .await?;
        row.map(|(fields, saved_at)| {
            let fields =
                serde_json::from_str(&fields).map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?;
            Ok(Draft { fields: Fields(fields), saved_at: instant(TABLE, saved_at)? })
        })
        .transpose()
    }
}

impl Write {
    /// Keeps what a person is typing. `false`: the form with this key was published or discarded already.
    pub async fn save_draft(
        &mut self,
        user: &UserId,
        subject: &str,
        key: &str,
        fields: &Fields,
        now: Timestamp,
    ) -> Result<bool> {
        self.keep_draft(user, subject, key, fields, true, now).await
    }

    /// As [`Write::save_draft`], for what its author has not typed just now: `false` when there is a draft, which stays.
    pub async fn begin_draft(
        &mut self,
        user: &UserId,
        subject: &str,
        key: &str,
        fields: &Fields,
        now: Timestamp,
    ) -> Result<bool> {
        self.keep_draft(user, subject, key, fields, false, now).await
    }

    async fn keep_draft(
        &mut self,
        user: &UserId,
        subject: &str,
        key: &str,
        fields: &Fields,
        is_typed: bool,
        now: Timestamp,
    ) -> Result<bool> {
        let fields = serde_json::to_string(&fields.0).map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?;
        let kept = sqlx::query(
            "insert into drafts (user_id, subject, form_key, fields, saved_at) values ($1, $2, $3, $4, $5)
             on conflict (user_id, subject) do update
             set form_key = excluded.form_key, fields = excluded.fields, saved_at = excluded.saved_at
             where ($6 = 1 and (drafts.fields <> '' or drafts.form_key <> excluded.form_key))
                or ($6 = 0 and drafts.fields = '')",
        )
        .bind(user.as_str())
        .bind(subject)
        .bind(key)
        .bind(fields)
        .bind(millis(now))
        .bind(i64::from(is_typed))
        .execute(self.connection())
        .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Ends the draft of the form with this key: it was published.
    pub async fn end_draft(&mut self, user: &UserId, subject: &str, key: &str, now: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into drafts (user_id, subject, form_key, fields, saved_at) values ($1, $2, $3, '', $4)
             on conflict (user_id, subject) do update
             set form_key = excluded.form_key, fields = '', saved_at = excluded.saved_at",
        )
        .bind(user.as_str())
        .bind(subject)
        .bind(key)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Throws away what a person was typing; `false` when there was nothing.
    pub async fn discard_draft(&mut self, user: &UserId, subject: &str, now: Timestamp) -> Result<bool> {
        let discarded = sqlx::query(
            "update drafts set fields = '', saved_at = $3 where user_id = $1 and subject = $2 and fields <> ''",
        )
        .bind(user.as_str())
        .bind(subject)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(discarded.rows_affected() == 1)
    }

    /// Removes drafts that nobody touched since `before`; says how many.
    pub async fn delete_old_drafts(&mut self, before: Timestamp) -> Result<u64> {
        let deleted = sqlx::query("delete from drafts where saved_at < $1")
            .bind(millis(before))
            .execute(self.connection())
            .await?;
        Ok(deleted.rows_affected())
    }
}
