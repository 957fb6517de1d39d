//! `/admin/subscribers/export`: everyone a search finds, line by line, however many there are.

use std::collections::BTreeMap;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{
    forms::SubscriberSearch,
    i18n::Zone,
    ids::{ComponentId, SubscriberId},
    subscriber::SubscriberFilter,
    time,
};
use futures_util::stream;

use crate::{
    actions,
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    state::AppState,
    store::subscribers::Subscriber,
};

/// How many are read at once: what an export takes in memory, however long it is.
const BATCH: i64 = 1_000;
/// The first line, by which an import finds its way.
const HEADING: &[&str] =
    &["email", "components", "state", "language", "time_zone", "consent", "asked_at", "confirmed_at", "left_at"];

/// What is left to be written.
struct Export {
    state: AppState,
    filter: SubscriberFilter,
    names: BTreeMap<ComponentId, String>,
    before: Option<SubscriberId>,
    is_first: bool,
    is_over: bool,
}

/// Streams the list as CSV (RFC 4180).
pub(crate) async fn csv(State(state): State<AppState>, actor: Actor, Posted(fields): Posted) -> Result<Response> {
    let filter = SubscriberSearch::from_fields(&fields).filter();
    actions::subscribers::note_export(&state, &actor).await?;
    let components = state.store.components().await?;
    let names = components.into_iter().map(|component| (component.id, component.name)).collect();
    let export = Export { state, filter, names, before: None, is_first: true, is_over: false };
    let lines = stream::try_unfold(export, |mut export| async move {
        Ok::<_, Error>(export.next().await?.map(|lines| (lines, export)))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"subscribers.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

impl Export {
    /// The next lines; `None` when all are written.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.is_over {
            return Ok(None);
        }
        let mut csv = csv::Writer::from_writer(Vec::new());
        if std::mem::take(&mut self.is_first) {
            csv.write_record(HEADING).map_err(unwritten)?;
        }
        let (subscribers, next) = actions::subscribers::list(&self.state, &self.filter, self.before, BATCH).await?;
        for subscriber in &subscribers {
            csv.write_record(record(subscriber, &self.names)).map_err(unwritten)?;
        }
        self.before = next;
        self.is_over = next.is_none();
        let lines = csv.into_inner().map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Some(lines.into()))
    }
}

fn unwritten(error: csv::Error) -> Error {
    Error::Internal(error.to_string())
}

fn record(subscriber: &Subscriber, names: &BTreeMap<ComponentId, String>) -> Vec<String> {
    let Subscriber { follows, preferences, .. } = subscriber;
    let components: Vec<_> = if follows.everything {
        Vec::new()
    } else {
        follows.components.iter().filter_map(|id| names.get(id).map(String::as_str)).collect()
    };
    let at = |at: Option<_>| at.map(time::rfc3339).unwrap_or_default();
    let cells = [
        subscriber.email.to_string(),
        components.join("; "),
        subscriber.state.as_str().to_owned(),
        preferences.locale.as_str().to_owned(),
        preferences.zone.as_ref().map(Zone::to_string).unwrap_or_default(),
        subscriber.consent.clone(),
        at(Some(subscriber.created_at)),
        at(subscriber.confirmed_at),
        at(subscriber.unsubscribed_at),
    ];
    cells.into_iter().map(|cell| harmless(&cell)).collect()
}

/// A cell that no spreadsheet takes for a formula: what begins like one gets an apostrophe in front, as OWASP advises.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for formula in ["=1+1", "+49", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("a@example.com"), "a@example.com");
    }
}
