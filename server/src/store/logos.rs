//! The logo.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::logo::{Logo, LogoKind};
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, millis, parse};

const TABLE: &str = "logos";

/// What a page needs to know of the logo to leave room for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoPlace {
    /// Of the file: its name.
    pub hash: String,
    /// How it is written down.
    pub kind: LogoKind,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

#[derive(FromRow)]
struct Row {
    hash: String,
    media_type: String,
    width: i64,
    height: i64,
}

impl TryFrom<Row> for LogoPlace {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let edge = |edge: i64| u32::try_from(edge).map_err(|_| StoreError::Corrupt(TABLE, format!("the edge {edge}")));
        let (width, height) = (edge(row.width)?, edge(row.height)?);
        Ok(Self { hash: row.hash, kind: parse(TABLE, &row.media_type)?, width, height })
    }
}

impl Store {
    /// The page's logo, without its file.
    pub async fn logo(&self) -> Result<Option<LogoPlace>> {
        let row: Option<Row> =
            sqlx::query_as("select hash, media_type, width, height from logos").fetch_optional(self.read()).await?;
        row.map(LogoPlace::try_from).transpose()
    }

    /// The file of the logo with this hash.
    pub async fn logo_file(&self, hash: &str) -> Result<Option<(LogoKind, Vec<u8>)>> {
        let row: Option<(String, String)> = sqlx::query_as("select media_type, content from logos where hash = $1")
            .bind(hash)
            .fetch_optional(self.read())
            .await?;
        let Some((media_type, content)) = row else { return Ok(None) };
        let bytes = BASE64_STANDARD.decode(content);
        let bytes = bytes.map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?;
        Ok(Some((parse(TABLE, &media_type)?, bytes)))
    }
}

impl Write {
    /// As [`Store::logo`], seeing what this transaction did.
    pub async fn logo(&mut self) -> Result<Option<LogoPlace>> {
        let row: Option<Row> = sqlx::query_as("select hash, media_type, width, height from logos")
            .fetch_optional(self.connection())
            .await?;
        row.map(LogoPlace::try_from).transpose()
    }

    /// Keeps a logo in place of the one before.
    pub async fn put_logo(&mut self, logo: &Logo, now: Timestamp) -> Result<()> {
        self.delete_logo().await?;
        sqlx::query(
            "insert into logos (hash, media_type, width, height, content, created_at) values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(logo.hash())
        .bind(logo.kind.as_str())
        .bind(i64::from(logo.width))
        .bind(i64::from(logo.height))
        .bind(BASE64_STANDARD.encode(&logo.bytes))
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes the logo, if there is one.
    pub async fn delete_logo(&mut self) -> Result<()> {
        sqlx::query("delete from logos").execute(self.connection()).await?;
        Ok(())
    }
}
