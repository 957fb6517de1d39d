//! `/admin/audit`

use app::pages::admin::audit::{self, Audit, AuditLine};
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use domain::forms::{AuditForm, FieldErrors, Fields};
use tower_sessions::Session;

use super::{console, names::Names};
use crate::{error::Result, http::auth::Actor, state::AppState, store::audit::AuditRow};

/// How many acts a page holds.
const LISTED: i64 = 50;
/// Who is known by no id.
const NAMELESS: [(&str, &str); 3] =
    [("anyone", "Somebody who is not known"), ("command line", "Command line"), ("subscriber", "Subscribers")];

/// What was done, newest first, as far as it fits what is asked.
pub(crate) async fn show(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let fields = Fields(query);
    let form = AuditForm::from_fields(&fields);
    let before = fields.get("before").parse().unwrap_or(i64::MAX);
    let (mut rows, errors) = match form.parse() {
        Ok(question) => (state.store.audit_page(&question, before, LISTED + 1).await?, FieldErrors::default()),
        Err(errors) => (Vec::new(), errors),
    };
    let has_more = rows.len() > usize::try_from(LISTED).unwrap_or(usize::MAX);
    rows.truncate(usize::try_from(LISTED).unwrap_or(usize::MAX));
    let older = rows.last().filter(|_| has_more).map(|last| query_of(&form, last.seq));
    let names = Names::load(&state).await?;
    let owned = |(actor, name): (&str, &str)| (actor.to_owned(), name.to_owned());
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = Audit {
        console: console(&state, &actor, &session, "/admin/audit").await?,
        form,
        actors: names.all().chain(NAMELESS).map(owned).collect(),
        actions: state.store.audit_actions().await?,
        lines: rows.into_iter().map(|row| line(row, &names)).collect(),
        older,
        errors,
    };
    Ok((status, Html(audit::page(&page))).into_response())
}

/// The same question, going on before a number.
fn query_of(form: &AuditForm, before: i64) -> String {
    let fields = [
        ("actor", &form.actor),
        ("action", &form.action),
        ("text", &form.text),
        ("from", &form.from),
        ("to", &form.to),
    ];
    let asked = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(asked).append_pair("before", &before.to_string()).finish()
}

fn line(row: AuditRow, names: &Names) -> AuditLine {
    let address = match row.action.split('.').next() {
        Some(kind @ ("component" | "group" | "incident" | "broadcast" | "key")) if !row.action.ends_with("delete") => {
            format!("/admin/{kind}s/{}", row.subject)
        }
        _ => String::new(),
    };
    AuditLine {
        seq: row.seq,
        at: row.at,
        actor: names.of(&row.actor),
        action: row.action,
        subject: row.subject,
        address,
        detail: row.detail,
        from: row.address,
    }
}
