//! What a request with an `Idempotency-Key` did, so that sending it again does nothing more.
//!
//! ```text
//! one transaction: the act + its row here ──▶ commit ──▶ the answer goes into the row ──▶ the client
//! ```
//! Whoever dies after the commit leaves a row without an answer: the repetition finds what was acted on, and answers.

use domain::ids::KeyId;
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, Write, millis};

/// A request that has acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repetition {
    /// A hash of method, path and body: the same name with another request is a mistake.
    pub request: String,
    /// What was acted on.
    pub subject: String,
    /// Status and body, once they were written down.
    pub answer: Option<(i64, String)>,
}

#[derive(FromRow)]
struct Row {
    request: String,
    subject: String,
    status: Option<i64>,
    answer: Option<String>,
}

impl Store {
    /// The request that this key has sent under this name.
    pub async fn repetition(&self, key: &KeyId, name: &str) -> Result<Option<Repetition>> {
        let row: Option<Row> =
            sqlx::query_as("select request, subject, status, answer from repetitions where key_id = $1 and name = $2")
                .bind(key.as_str())
                .bind(name)
                .fetch_optional(self.read())
                .await?;
        Ok(row.map(|Row { request, subject, status, answer }| Repetition {
            request,
            subject,
            answer: status.zip(answer),
        }))
    }
}

impl Write {
    /// Claims a name for a request, in the transaction of its act. `false`: it was claimed before; then the
    /// transaction must not be committed. Waits for another transaction that is claiming it.
    pub async fn claim_repetition(
        &mut self,
        key: &KeyId,
        name: &str,
        request: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let claimed = sqlx::query(
            "insert into repetitions (key_id, name, request, subject, created_at) values ($1, $2, $3, $4, $5)
             on conflict (key_id, name) do nothing",
        )
        .bind(key.as_str())
        .bind(name)
        .bind(request)
        .bind(subject)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// Writes down what a request was answered; the first answer stands.
    pub async fn answer_repetition(&mut self, key: &KeyId, name: &str, status: i64, answer: &str) -> Result<()> {
        sqlx::query(
            "update repetitions set status = $3, answer = $4 where key_id = $1 and name = $2 and answer is null",
        )
        .bind(key.as_str())
        .bind(name)
        .bind(status)
        .bind(answer)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets the requests from before an instant, and says how many there were.
    pub async fn delete_old_repetitions(&mut self, before: Timestamp) -> Result<u64> {
        let deleted = sqlx::query("delete from repetitions where created_at < $1").bind(millis(before));
        Ok(deleted.execute(self.connection()).await?.rows_affected())
    }
}
