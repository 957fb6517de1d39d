//! `/admin/subscribers/import`: a list arrives, is looked through, is let in.

use app::pages::admin::subscriber_import::{self, ImportNew, ImportPage};
use axum::{
    extract::{Multipart, Path, State, multipart::MultipartError},
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    forms::{CONSENT_MAX, FieldErrors, ImportForm, line},
    subscriber::ListState,
};
use tower_sessions::Session;

use super::{console, done, form_page};
use crate::{
    actions::subscriber_lists::{self as actions, Arriving},
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
};

/// What may be pasted, in bytes: as much as in any other form.
const PASTED: usize = 2 * 1024 * 1024;
/// While a list is worked on, its page is drawn anew after so many seconds.
const REFRESH: &str = "2";

/// An empty form.
pub(crate) async fn new(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    draw_new(&state, &actor, &session, ImportForm::default(), FieldErrors::default()).await
}

/// Takes a file or pasted lines.
pub(crate) async fn upload(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    multipart: std::result::Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response> {
    let mut form = ImportForm::default();
    let mut errors = FieldErrors::default();
    let mut arriving = Arriving::new(&state, &actor).await?;
    let name = match multipart {
        Ok(multipart) => receive(multipart, &mut form, &mut arriving, &mut errors).await?,
        Err(_) => String::new(),
    };
    let reason = errors.take("reason", line(&form.reason, CONSENT_MAX));
    if errors.get("file").is_none()
        && name.is_empty()
        && let Err(unfit) = arriving.take(form.lines.as_bytes()).await?
    {
        errors.add("file", unfit.to_string());
    }
    let Some(reason) = reason.filter(|_| errors.is_empty()) else {
        arriving.discard().await?;
        return draw_new(&state, &actor, &session, form, errors).await;
    };
    match arriving.finish(&name, &reason).await? {
        Ok(id) => Ok(Redirect::to(&format!("/admin/subscribers/import/{id}")).into_response()),
        Err(unfit) => draw_new(&state, &actor, &session, form, FieldErrors::one("file", unfit.to_string())).await,
    }
}

/// Reads the form's parts; gives the file's name, empty when there is none.
async fn receive(
    mut multipart: Multipart,
    form: &mut ImportForm,
    arriving: &mut Arriving,
    errors: &mut FieldErrors,
) -> Result<String> {
    let mut name = String::new();
    while let Some(mut field) = multipart.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("file") => {
                let file = field.file_name().unwrap_or_default().to_owned();
                while let Some(piece) = field.chunk().await.map_err(unreadable)? {
                    if errors.get("file").is_none()
                        && let Err(unfit) = arriving.take(&piece).await?
                    {
                        // The rest of a list that is not taken is not worth waiting for much longer.
                        errors.add("file", unfit.to_string());
                        return Ok(file);
                    }
                }
                name = file;
            }
            Some("reason") => form.reason = text(field, CONSENT_MAX * 8).await?,
            Some("lines") => form.lines = text(field, PASTED).await?,
            _ => {}
        }
    }
    Ok(name)
}

/// A field of words.
async fn text(mut field: axum::extract::multipart::Field<'_>, max: usize) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(unreadable)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > max {
            return Err(Error::Invalid(FieldErrors::one("form", "it is larger than 2 MiB: choose a file instead")));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unreadable(error: MultipartError) -> Error {
    tracing::debug!("An upload broke off: {error}");
    Error::Invalid(FieldErrors::one("form", "it did not arrive whole: go back and send it again"))
}

async fn draw_new(
    state: &AppState,
    actor: &Actor,
    session: &Session,
    form: ImportForm,
    errors: FieldErrors,
) -> Result<Response> {
    let has_errors = !errors.is_empty();
    let console = console(state, actor, session, "/admin/subscribers/import").await?;
    Ok(form_page(subscriber_import::new_page(&ImportNew { console, form, errors }), has_errors))
}

/// What would become of it, how far it is, or what became of it.
pub(crate) async fn show(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let list = actions::find(&state, &actor, &id).await?;
    let is_moving = matches!(list.state, ListState::Checking | ListState::Importing);
    let page = ImportPage {
        console: console(&state, &actor, &session, "/admin/subscribers/import/one").await?,
        id: list.id,
        name: list.name,
        consent: list.consent,
        state: list.state,
        lines: list.lines,
        counts: list.counts,
        refused: list.refused,
    };
    let mut response = form_page(subscriber_import::page(&page), false);
    if is_moving {
        response.headers_mut().insert(HeaderName::from_static("refresh"), HeaderValue::from_static(REFRESH));
    }
    Ok(response)
}

/// Lets it in.
pub(crate) async fn begin(State(state): State<AppState>, actor: Actor, Path(id): Path<String>) -> Result<Redirect> {
    actions::begin(&state, &actor, &id).await?;
    Ok(Redirect::to(&format!("/admin/subscribers/import/{id}")))
}

/// Throws it away.
pub(crate) async fn discard(
    State(state): State<AppState>,
    actor: Actor,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    actions::discard(&state, &actor, &id).await?;
    done(&session, "The list was thrown away; nothing was imported.", "/admin/subscribers").await
}
