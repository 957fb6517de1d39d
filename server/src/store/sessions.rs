//! Who is signed in: [`tower_sessions`] over our own tables.

use async_trait::async_trait;
use domain::{ids::UserId, token};
use jiff::Timestamp;
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

use super::{Result, Store, Write, millis};
use crate::clock::Clock;

/// Sessions in the product's own tables, expiring by the product's own clock.
#[derive(Clone, Debug)]
pub struct Sessions(pub Store, pub Clock);

impl Write {
    /// Signs a user out everywhere.
    pub async fn delete_sessions_of(&mut self, user: &UserId) -> Result<()> {
        sqlx::query("delete from sessions where user_id = $1").bind(user.as_str()).execute(self.connection()).await?;
        Ok(())
    }

    /// Clears away what has expired, and says how many there were.
    pub async fn delete_expired_sessions(&mut self, now: Timestamp) -> Result<u64> {
        let deleted = sqlx::query("delete from sessions where expires_at <= $1")
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(deleted.rows_affected())
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // 128 random bits do not collide; if they ever do, the insert says so.
        let row = Row::of(record)?;
        let mut write = self.0.write().await.map_err(backend)?;
        sqlx::query("insert into sessions (id, user_id, data, expires_at) values ($1, $2, $3, $4)")
            .bind(row.id)
            .bind(row.user_id)
            .bind(row.data)
            .bind(row.expires_at)
            .execute(write.connection())
            .await
            .map_err(backend)?;
        write.commit().await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let row = Row::of(record)?;
        let mut write = self.0.write().await.map_err(backend)?;
        // An update, not an upsert: a session deleted meanwhile (sign-out) must not come back.
        sqlx::query("update sessions set user_id = $2, data = $3, expires_at = $4 where id = $1")
            .bind(row.id)
            .bind(row.user_id)
            .bind(row.data)
            .bind(row.expires_at)
            .execute(write.connection())
            .await
            .map_err(backend)?;
        write.commit().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let found: Option<(String, i64)> =
            sqlx::query_as("select data, expires_at from sessions where id = $1 and expires_at > $2")
                .bind(key(id))
                .bind(millis(self.1.now()))
                .fetch_optional(self.0.read())
                .await
                .map_err(backend)?;
        let Some((data, expires_at)) = found else { return Ok(None) };
        Ok(Some(Record {
            id: *id,
            data: serde_json::from_str(&data).map_err(decode)?,
            expiry_date: OffsetDateTime::from_unix_timestamp_nanos(i128::from(expires_at) * 1_000_000)
                .map_err(decode)?,
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let mut write = self.0.write().await.map_err(backend)?;
        sqlx::query("delete from sessions where id = $1")
            .bind(key(id))
            .execute(write.connection())
            .await
            .map_err(backend)?;
        write.commit().await.map_err(backend)
    }
}

struct Row {
    id: String,
    user_id: Option<String>,
    data: String,
    expires_at: i64,
}

impl Row {
    fn of(record: &Record) -> session_store::Result<Self> {
        let encode = |error: serde_json::Error| session_store::Error::Encode(error.to_string());
        let expires_at = record.expiry_date.unix_timestamp_nanos() / 1_000_000;
        Ok(Self {
            id: key(&record.id),
            user_id: record.data.get("user").and_then(|user| user.as_str()).map(str::to_owned),
            data: serde_json::to_string(&record.data).map_err(encode)?,
            expires_at: i64::try_from(expires_at).unwrap_or(i64::MAX),
        })
    }
}

/// What is stored instead of the id, so that reading the table does not let anyone in.
fn key(id: &Id) -> String {
    token::hash(&id.to_string())
}

fn backend(error: impl std::fmt::Display) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

fn decode(error: impl std::fmt::Display) -> session_store::Error {
    session_store::Error::Decode(error.to_string())
}
