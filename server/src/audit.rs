//! The audit log outside the console: is it whole, and all of it as JSON lines.

use std::io::{self, Write};

use domain::time::rfc3339;
use serde_json::json;

use crate::{
    Failure,
    store::{
        Store,
        audit::{AuditRow, audit_hash},
    },
};

/// So many rows are read at once, however long the log is.
const CHUNK: i64 = 1_000;

/// Walks the chain from its beginning and says how many rows it has, or which is the first that is not as it was written.
pub async fn verify(store: &Store) -> Result<String, Failure> {
    let (mut seq, mut previous) = (0, String::new());
    loop {
        let rows = read(store, seq).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            seq += 1;
            if row.seq != seq {
                return Err(Failure(format!("row {seq} of the audit log is missing; {} comes next", row.seq)));
            }
            if row.hash != audit_hash(&previous, &row) {
                return Err(Failure(format!(
                    "row {seq} of the audit log ({} by {}, {}) is not as it was written, or one before it was",
                    row.action,
                    row.actor,
                    rfc3339(row.at),
                )));
            }
            previous = row.hash;
        }
    }
    // Whoever cuts the end off leaves a chain that fits; the counter knows how many were written.
    let written = store.audit_count().await.map_err(|error| Failure(error.to_string()))?;
    if written != seq {
        return Err(Failure(format!("row {} of the audit log is missing: {written} were written", seq + 1)));
    }
    let newest = if previous.is_empty() { String::new() } else { format!("; the newest hash is {previous}") };
    Ok(format!("The audit log is whole: {seq} rows{newest}."))
}

/// Writes every row as one line of JSON, oldest first.
pub async fn export(store: &Store, mut out: impl Write) -> Result<(), Failure> {
    let mut seq = 0;
    loop {
        let rows = read(store, seq).await?;
        let Some(last) = rows.last() else { return out.flush().map_err(closed) };
        seq = last.seq;
        for row in rows {
            writeln!(out, "{}", line(&row)).map_err(closed)?;
        }
    }
}

fn line(row: &AuditRow) -> serde_json::Value {
    json!({
        "seq": row.seq,
        "at": rfc3339(row.at),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "detail": row.detail,
        "address": row.address,
        "hash": row.hash,
    })
}

async fn read(store: &Store, after: i64) -> Result<Vec<AuditRow>, Failure> {
    store.audit_rows(after, CHUNK).await.map_err(|error| Failure(error.to_string()))
}

fn closed(error: io::Error) -> Failure {
    Failure(format!("standard output cannot be written: {error}"))
}
