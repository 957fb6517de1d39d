//! Lists of subscribers on their way in, kept in chunks until they are worked off.
//!
//! ```text
//! uploading ─▶ checking ─▶ ready ─(someone says yes)─▶ importing ─▶ done
//! ```
//! Any node may do the next step. Whoever imports a chunk moves the cursor in the same transaction, by compare-and-swap,
//! so that each chunk is counted once and a crash repeats nothing.

use domain::subscriber::{ListCounts, ListState, RefusedLine};
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, instant, millis, parse};

const TABLE: &str = "subscriber_lists";

/// A list on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberList {
    /// Which.
    pub id: String,
    /// Who brought it, as the audit log names them. Nobody else sees it.
    pub actor: String,
    /// What the file was called; empty for lines that were pasted.
    pub name: String,
    /// How it is known that everyone in it agrees.
    pub consent: String,
    /// Where it stands.
    pub state: ListState,
    /// Its first line, which may say what stands where.
    pub heading: String,
    /// How many lines it has.
    pub lines: i64,
    /// How many chunks it has.
    pub chunks: i64,
    /// The first that is not imported.
    pub next_chunk: i64,
    /// What would become of its lines, or, once it is on its way in, what became of them so far.
    pub counts: ListCounts,
    /// The first of those that cannot be taken.
    pub refused: Vec<RefusedLine>,
    /// When it arrived.
    pub created_at: Timestamp,
    /// When it is thrown away.
    pub expires_at: Timestamp,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ListChunk {
    /// The number of its first line, from zero.
    pub first_line: i64,
    /// Whole lines.
    pub content: String,
}

#[derive(FromRow)]
struct Row {
    id: String,
    actor: String,
    name: String,
    consent: String,
    state: String,
    heading: String,
    lines: i64,
    chunks: i64,
    next_chunk: i64,
    counts: String,
    refused: String,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for SubscriberList {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let corrupt = |error: serde_json::Error| StoreError::Corrupt(TABLE, error.to_string());
        Ok(Self {
            id: row.id,
            actor: row.actor,
            name: row.name,
            consent: row.consent,
            state: parse(TABLE, &row.state)?,
            heading: row.heading,
            lines: row.lines,
            chunks: row.chunks,
            next_chunk: row.next_chunk,
            counts: serde_json::from_str(&row.counts).map_err(corrupt)?,
            refused: serde_json::from_str(&row.refused).map_err(corrupt)?,
            created_at: instant(TABLE, row.created_at)?,
            expires_at: instant(TABLE, row.expires_at)?,
        })
    }
}

macro_rules! select_list {
    ($rest:literal) => {
        concat!(
            "select id, actor, name, consent, state, heading, lines, chunks, next_chunk, counts, refused, created_at,
                    expires_at
             from subscriber_lists ",
            $rest
        )
    };
}

impl Store {
    /// One list.
    pub async fn subscriber_list(&self, id: &str) -> Result<Option<SubscriberList>> {
        let row: Option<Row> =
            sqlx::query_as(select_list!("where id = $1")).bind(id).fetch_optional(self.read()).await?;
        row.map(SubscriberList::try_from).transpose()
    }

    /// The oldest list with something to be done for it.
    pub async fn next_subscriber_list(&self) -> Result<Option<SubscriberList>> {
        let row: Option<Row> =
            sqlx::query_as(select_list!("where state in ('checking', 'importing') order by created_at, id limit 1"))
                .fetch_optional(self.read())
                .await?;
        row.map(SubscriberList::try_from).transpose()
    }

    /// A part of a list.
    pub async fn list_chunk(&self, id: &str, position: i64) -> Result<Option<ListChunk>> {
        Ok(sqlx::query_as(
            "select first_line, content from subscriber_list_chunks where list_id = $1 and position = $2",
        )
        .bind(id)
        .bind(position)
        .fetch_optional(self.read())
        .await?)
    }
}

impl Write {
    /// Makes room for a list that arrives.
    pub async fn insert_list(&mut self, id: &str, actor: &str, now: Timestamp, expires_at: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into subscriber_lists (id, actor, name, consent, state, heading, lines, chunks, next_chunk, counts,
                                           refused, created_at, expires_at)
             values ($1, $2, '', '', 'uploading', '', 0, 0, 0, $3, '[]', $4, $5)",
        )
        .bind(id)
        .bind(actor)
        .bind(json(&ListCounts::default())?)
        .bind(millis(now))
        .bind(millis(expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps the next part of it.
    pub async fn insert_list_chunk(&mut self, id: &str, position: i64, chunk: &ListChunk) -> Result<()> {
        sqlx::query(
            "insert into subscriber_list_chunks (list_id, position, first_line, content) values ($1, $2, $3, $4)",
        )
        .bind(id)
        .bind(position)
        .bind(chunk.first_line)
        .bind(&chunk.content)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// It has arrived, and is to be looked through: name, consent, heading, lines and chunks as they are in `list`.
    pub async fn finish_list(&mut self, list: &SubscriberList) -> Result<()> {
        sqlx::query(
            "update subscriber_lists
             set name = $2, consent = $3, heading = $4, lines = $5, chunks = $6, state = 'checking'
             where id = $1 and state = 'uploading'",
        )
        .bind(&list.id)
        .bind(&list.name)
        .bind(&list.consent)
        .bind(&list.heading)
        .bind(list.lines)
        .bind(list.chunks)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// It was looked through: this is what would become of it.
    pub async fn set_list_checked(&mut self, id: &str, counts: &ListCounts, refused: &[RefusedLine]) -> Result<()> {
        sqlx::query(
            "update subscriber_lists set state = 'ready', counts = $2, refused = $3 where id = $1 and state = 'checking'",
        )
        .bind(id)
        .bind(json(counts)?)
        .bind(json(&refused)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Someone said yes; false when it was not waiting for that. Counting starts over, with what cannot be taken.
    pub async fn begin_list(&mut self, id: &str, counts: &ListCounts) -> Result<bool> {
        let begun = sqlx::query(
            "update subscriber_lists set state = 'importing', counts = $2 where id = $1 and state = 'ready'",
        )
        .bind(id)
        .bind(json(counts)?)
        .execute(self.connection())
        .await?;
        Ok(begun.rows_affected() == 1)
    }

    /// A chunk of `list` is imported in this transaction; false when another node was faster, and then nothing of this
    /// transaction may be kept.
    pub async fn advance_list(&mut self, list: &SubscriberList, counts: &ListCounts) -> Result<bool> {
        let advanced = sqlx::query(
            "update subscriber_lists
             set next_chunk = next_chunk + 1, counts = $3,
                 state = case when next_chunk + 1 >= chunks then 'done' else 'importing' end
             where id = $1 and next_chunk = $2 and state = 'importing'",
        )
        .bind(&list.id)
        .bind(list.next_chunk)
        .bind(json(counts)?)
        .execute(self.connection())
        .await?;
        // What was imported need not be kept as a list as well.
        sqlx::query("delete from subscriber_list_chunks where list_id = $1 and position = $2")
            .bind(&list.id)
            .bind(list.next_chunk)
            .execute(self.connection())
            .await?;
        Ok(advanced.rows_affected() == 1)
    }

    /// Throws a list away unless it is on its way in or is in; false when it is not there any more.
    pub async fn delete_list(&mut self, id: &str) -> Result<bool> {
        let deleted =
            sqlx::query("delete from subscriber_lists where id = $1 and state in ('uploading', 'checking', 'ready')")
                .bind(id)
                .execute(self.connection())
                .await?;
        Ok(deleted.rows_affected() == 1)
    }

    /// Throws old lists away, whatever became of them; says how many.
    pub async fn delete_expired_lists(&mut self, now: Timestamp) -> Result<u64> {
        let deleted = sqlx::query("delete from subscriber_lists where expires_at <= $1 and state <> 'importing'")
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(deleted.rows_affected())
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))
}
