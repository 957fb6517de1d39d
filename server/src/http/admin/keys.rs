//! `/admin/keys`

use app::pages::admin::keys::{self, KeyMade, KeyNew, KeyPage, KeyRow, Keys};
use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
};
use domain::{
    forms::{FieldErrors, KeyForm},
    ids::KeyId,
    key::ApiKey,
};
use tower_sessions::Session;

use super::{console, done, form_page, names::Names};
use crate::{
    actions,
    error::{Error, Result},
    http::{auth::Actor, forms::Posted},
    state::AppState,
};

/// How long a key lives unless something else is typed, in days.
const USUAL_DAYS: &str = "90";

/// Every key with how it stands.
pub(crate) async fn list(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Html<String>> {
    let names = Names::load(&state).await?;
    let row = |key: ApiKey| KeyRow { created_by: names.of(&key.created_by), key };
    let page = Keys {
        console: console(&state, &actor, &session, "/admin/keys").await?,
        now: state.clock.now(),
        keys: state.store.keys().await?.into_iter().map(row).collect(),
    };
    Ok(Html(keys::page(&page)))
}

/// An empty form.
pub(crate) async fn new(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    let form = KeyForm { days: USUAL_DAYS.to_owned(), ..KeyForm::default() };
    draw(&state, &actor, &session, form, FieldErrors::default()).await
}

/// Makes a key and shows its token: on this answer and nowhere else, so nothing is redirected and nothing stored.
pub(crate) async fn create(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Posted(fields): Posted,
) -> Result<Response> {
    let form = KeyForm::from_fields(&fields);
    match form.parse() {
        Ok(command) => {
            let (key, token) = actions::keys::create(&state, &actor, command).await?;
            let console = console(&state, &actor, &session, "/admin/keys").await?;
            Ok(Html(keys::made(&KeyMade { console, key, token })).into_response())
        }
        Err(errors) => draw(&state, &actor, &session, form, errors).await,
    }
}

/// One key.
pub(crate) async fn show(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Html<String>> {
    let key = find(&state, &id).await?;
    let created_by = Names::load(&state).await?.of(&key.created_by);
    let console = console(&state, &actor, &session, "/admin/keys").await?;
    Ok(Html(keys::one(&KeyPage { console, now: state.clock.now(), row: KeyRow { key, created_by } })))
}

/// Ends it.
pub(crate) async fn revoke(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let key = find(&state, &id).await?;
    actions::keys::revoke(&state, &actor, &key.id).await?;
    done(&session, &format!("{} was revoked.", key.name), "/admin/keys").await
}

async fn find(state: &AppState, id: &str) -> Result<ApiKey> {
    let id: KeyId = id.parse().map_err(|_| Error::NotFound)?;
    state.store.key(&id).await?.ok_or(Error::NotFound)
}

async fn draw(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    form: KeyForm,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let page = KeyNew { console: console(state, actor, session, "/admin/keys").await?, form, errors };
    Ok(form_page(keys::new(&page), has_errors))
}
