//! Who did what, from where, when. Rows are only ever added, and each carries the hash of the one before:
//!
//! ```text
//! row 1: hash = H("", row 1)      row 2: hash = H(row 1's hash, row 2)      …
//! ```
//! Whoever keeps the newest hash elsewhere can prove that nothing written before was changed or taken out.

use domain::{forms::AuditQuestion, token};
use jiff::Timestamp;
use serde_json::json;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, instant, millis};

/// What is about to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Who did it: a user's id, or a word such as `command line`.
    pub actor: String,
    /// What was done, as `incident.opened`.
    pub action: &'static str,
    /// To what: an id.
    pub subject: String,
    /// Whatever else a reader needs to know.
    pub detail: String,
    /// From which network address; empty for the command line.
    pub address: String,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// From 1, without gaps.
    pub seq: i64,
    /// When, to the millisecond.
    pub at: Timestamp,
    /// As in [`AuditEntry`].
    pub actor: String,
    /// As in [`AuditEntry`].
    pub action: String,
    /// As in [`AuditEntry`].
    pub subject: String,
    /// As in [`AuditEntry`].
    pub detail: String,
    /// As in [`AuditEntry`].
    pub address: String,
    /// [`audit_hash`] of this row and the hash of the one before.
    pub hash: String,
}

/// SHA-256, in hexadecimal, of the compact JSON array
/// `[previous, seq, at in unix milliseconds, actor, action, subject, detail, address]`.
///
/// JSON, because it says without doubt where each field ends, and any language can check it. `previous` is empty for
/// the first row; `row.hash` is not looked at.
pub fn audit_hash(previous: &str, row: &AuditRow) -> String {
    let AuditRow { seq, at, actor, action, subject, detail, address, hash: _ } = row;
    token::hash(&json!([previous, seq, millis(*at), actor, action, subject, detail, address]).to_string())
}

#[derive(FromRow)]
struct Row {
    seq: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    detail: String,
    address: String,
    hash: String,
}

impl TryFrom<Row> for AuditRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let Row { seq, at, actor, action, subject, detail, address, hash } = row;
        Ok(Self { seq, at: instant("audit", at)?, actor, action, subject, detail, address, hash })
    }
}

impl Store {
    /// At most `limit` rows after number `after_seq`, oldest first.
    pub async fn audit_rows(&self, after_seq: i64, limit: i64) -> Result<Vec<AuditRow>> {
        let rows: Vec<Row> = sqlx::query_as(
            "select seq, at, actor, action, subject, detail, address, hash from audit
             where seq > $1 order by seq limit $2",
        )
        .bind(after_seq)
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(AuditRow::try_from).collect()
    }
}

impl Store {
    /// At most `limit` rows before number `before`, newest first, as far as they fit.
    pub async fn audit_page(&self, question: &AuditQuestion, before: i64, limit: i64) -> Result<Vec<AuditRow>> {
        // What is looked for may hold what `like` would take for a sign: its place is asked for instead.
        let contains = self.engine.pick(
            "select seq, at, actor, action, subject, detail, address, hash from audit
             where seq < $1 and at >= $2 and at < $3 and substr(actor, 1, length($4)) = $4 and ($5 = '' or action = $5)
               and ($6 = '' or instr(lower(subject || ' ' || detail || ' ' || address), $6) > 0)
             order by seq desc limit $7",
            "select seq, at, actor, action, subject, detail, address, hash from audit
             where seq < $1 and at >= $2 and at < $3 and substr(actor, 1, length($4)) = $4 and ($5 = '' or action = $5)
               and ($6 = '' or strpos(lower(subject || ' ' || detail || ' ' || address), $6) > 0)
             order by seq desc limit $7",
        );
        let rows: Vec<Row> = sqlx::query_as(contains)
            .bind(before)
            .bind(millis(question.from))
            .bind(millis(question.to))
            .bind(&question.actor)
            .bind(&question.action)
            .bind(&question.text)
            .bind(limit)
            .fetch_all(self.read())
            .await?;
        rows.into_iter().map(AuditRow::try_from).collect()
    }

    /// Everything that was ever done, by name. Steps from one name to the next in their index, however long the log is.
    pub async fn audit_actions(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "with recursive found (action) as (
               select min(action) from audit
               union all
               select (select min(a.action) from audit a where a.action > f.action) from found f where f.action is not null)
             select action from found where action is not null order by action",
        )
        .fetch_all(self.read())
        .await?)
    }

    /// How many rows were ever written.
    pub async fn audit_count(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("select value from counters where name = 'audit'").fetch_one(self.read()).await?)
    }
}

impl Write {
    /// Records what this transaction does.
    pub async fn audit(&mut self, entry: &AuditEntry, now: Timestamp) -> Result<()> {
        // The counter's row stays locked until the transaction ends, so the row before is there to be seen.
        let seq: i64 = sqlx::query_scalar("update counters set value = value + 1 where name = 'audit' returning value")
            .fetch_one(self.connection())
            .await?;
        let previous: Option<String> = sqlx::query_scalar("select hash from audit where seq = $1")
            .bind(seq - 1)
            .fetch_optional(self.connection())
            .await?;
        let row = AuditRow {
            seq,
            at: now,
            actor: entry.actor.clone(),
            action: entry.action.to_owned(),
            subject: entry.subject.clone(),
            detail: entry.detail.clone(),
            address: entry.address.clone(),
            hash: String::new(),
        };
        sqlx::query(
            "insert into audit (seq, at, actor, action, subject, detail, address, hash)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(seq)
        .bind(millis(now))
        .bind(&row.actor)
        .bind(&row.action)
        .bind(&row.subject)
        .bind(&row.detail)
        .bind(&row.address)
        .bind(audit_hash(previous.as_deref().unwrap_or_default(), &row))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
