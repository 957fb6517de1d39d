//! What programs act with. A token is stored as its hash only.

use std::collections::BTreeSet;

use domain::{
    ids::KeyId,
    key::{ApiKey, Scope},
};
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, instant, millis, parse};

#[derive(FromRow)]
struct KeyRow {
    id: String,
    name: String,
    scopes: String,
    created_by: String,
    created_at: i64,
    expires_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

const TABLE: &str = "api_keys";

impl TryFrom<KeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self> {
        let maybe = |at: Option<i64>| at.map(|at| instant(TABLE, at)).transpose();
        let scopes: Result<BTreeSet<Scope>> = row.scopes.split(' ').map(|word| parse(TABLE, word)).collect();
        Ok(Self {
            id: parse(TABLE, &row.id)?,
            name: row.name,
            scopes: scopes?,
            created_by: row.created_by,
            created_at: instant(TABLE, row.created_at)?,
            expires_at: instant(TABLE, row.expires_at)?,
            last_used_at: maybe(row.last_used_at)?,
            revoked_at: maybe(row.revoked_at)?,
        })
    }
}

macro_rules! select_key {
    ($rest:literal) => {
        concat!(
            "select id, name, scopes, created_by, created_at, expires_at, last_used_at, revoked_at from api_keys ",
            $rest
        )
    };
}

impl Store {
    /// One key.
    pub async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>> {
        let row: Option<KeyRow> =
            sqlx::query_as(select_key!("where id = $1")).bind(id.as_str()).fetch_optional(self.read()).await?;
        row.map(ApiKey::try_from).transpose()
    }

    /// The key whose token has this hash, whether it still works or not.
    pub async fn key_by_hash(&self, hash: &str) -> Result<Option<ApiKey>> {
        let row: Option<KeyRow> =
            sqlx::query_as(select_key!("where hash = $1")).bind(hash).fetch_optional(self.read()).await?;
        row.map(ApiKey::try_from).transpose()
    }

    /// Every key there ever was, newest first.
    pub async fn keys(&self) -> Result<Vec<ApiKey>> {
        let rows: Vec<KeyRow> =
            sqlx::query_as(select_key!("order by created_at desc, id desc")).fetch_all(self.read()).await?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    /// The keys that work at `now` and end by `until`, the next one first.
    pub async fn keys_ending(&self, now: Timestamp, until: Timestamp) -> Result<Vec<ApiKey>> {
        let rows: Vec<KeyRow> = sqlx::query_as(select_key!(
            "where revoked_at is null and expires_at > $1 and expires_at <= $2 order by expires_at, id"
        ))
        .bind(millis(now))
        .bind(millis(until))
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }
}

impl Write {
    /// Adds a key. `hash` is the stored form of its token.
    pub async fn insert_key(&mut self, key: &ApiKey, hash: &str) -> Result<()> {
        let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        sqlx::query(
            "insert into api_keys (id, name, hash, scopes, created_by, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(key.id.as_str())
        .bind(&key.name)
        .bind(hash)
        .bind(scopes.join(" "))
        .bind(&key.created_by)
        .bind(millis(key.created_at))
        .bind(millis(key.expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that a key was used.
    pub async fn note_key_use(&mut self, id: &KeyId, now: Timestamp) -> Result<()> {
        sqlx::query("update api_keys set last_used_at = $2 where id = $1")
            .bind(id.as_str())
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Ends a key at once. `false`: it was revoked before, or there is none.
    pub async fn revoke_key(&mut self, id: &KeyId, now: Timestamp) -> Result<bool> {
        let revoked = sqlx::query("update api_keys set revoked_at = $2 where id = $1 and revoked_at is null")
            .bind(id.as_str())
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(revoked.rows_affected() == 1)
    }
}
