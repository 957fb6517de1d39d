//! Who is signed in.
//!
//! The session holds the user's id and a print of their password hash: choosing another password ends every session.

use app::pages::admin::signed_out::{self, SignedOut};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use domain::{
    forms::{FieldErrors, Fields},
    key::ApiKey,
    token,
};
use tower_sessions::Session;

use super::{
    BODY_LIMIT,
    client::Client,
    forms::{PostedFile, TOO_LARGE, is_multipart},
};
use crate::{
    error::{Error, Result},
    state::AppState,
    store::users::User,
};

/// Under this key the session store finds whose session it is.
const USER: &str = "user";
const PRINT: &str = "print";
/// No form of the console has so many fields; each one given back takes more memory than it took to send.
const FIELDS_KEPT: usize = 2_000;

/// Who acts, and where from: what every action that is audited needs to know.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who.
    pub by: By,
    /// From which address.
    pub address: String,
}

/// A person or a program.
#[derive(Clone, Debug)]
pub enum By {
    /// Someone who is signed in to the console.
    User(User),
    /// A program with a key.
    Key(Caller),
}

/// A program with a key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What it acts with.
    pub key: ApiKey,
    /// The request, when the program has named it so that it may send it again.
    pub request: Option<NamedRequest>,
}

/// A request with an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRequest {
    /// The name it was given.
    pub name: String,
    /// A hash of method, path and body.
    pub hash: String,
}

impl Actor {
    /// As the audit log names them: `user:ID` or `key:ID`.
    pub fn name(&self) -> String {
        match &self.by {
            By::User(user) => format!("user:{}", user.id),
            By::Key(caller) => format!("key:{}", caller.key.id),
        }
    }

    /// As people know them: the person's address, or what the key is for.
    pub fn label(&self) -> &str {
        match &self.by {
            By::User(user) => user.email.as_str(),
            By::Key(caller) => &caller.key.name,
        }
    }

    /// The person, for what only a person can do.
    pub fn user(&self) -> Result<&User> {
        match &self.by {
            By::User(user) => Ok(user),
            By::Key(_) => Err(Error::Forbidden("Only a person who is signed in can do that.")),
        }
    }
}

/// Why a request for the console is not answered.
pub enum NotSignedIn {
    /// Sign in first; then this path.
    SignIn(String),
    /// It could not be found out.
    Failed(Error),
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(next) => {
                let next = percent_encoding::utf8_percent_encode(&next, percent_encoding::NON_ALPHANUMERIC);
                Redirect::to(&format!("/admin/sign-in?next={next}")).into_response()
            }
            Self::Failed(error) => error.into_response(),
        }
    }
}

impl FromRequestParts<AppState> for Actor {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> std::result::Result<Self, NotSignedIn> {
        let session = parts.extensions.get::<Session>().cloned();
        let user = match session {
            Some(session) => signed_in(state, &session).await.map_err(NotSignedIn::Failed)?,
            None => None,
        };
        let Ok(client) = Client::from_request_parts(parts, state).await;
        match user {
            Some(user) => Ok(Self { by: By::User(user), address: client.address.to_string() }),
            None => Err(NotSignedIn::SignIn(path(parts))),
        }
    }
}

/// Lets only those on who are signed in: others are asked to, and what they sent is given back to be sent again.
pub(super) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (request, sent) = match sent(request).await {
        Ok(read) => read,
        Err(error) => return error.into_response(),
    };
    let kind = kind(&request);
    let (mut parts, body) = request.into_parts();
    let path = path(&parts);
    let mut response = match Actor::from_request_parts(&mut parts, &state).await {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(NotSignedIn::SignIn(path)) if parts.method == Method::POST => {
            keep(&state, path, Request::from_parts(parts, body)).await.unwrap_or_else(IntoResponse::into_response)
        }
        Err(rejection) => rejection.into_response(),
    };
    // Should it end in an error, the page that says so gives back what was typed.
    response.extensions_mut().insert(Sent { path, kind, body: sent });
    response
}

/// A form as it was sent, and where to.
#[derive(Clone)]
pub(super) struct Sent {
    path: String,
    kind: HeaderValue,
    body: Bytes,
}

/// What somebody typed into a form.
pub(super) struct Typed {
    /// Where it was sent.
    pub(super) path: String,
    /// Its fields without passwords and files.
    pub(super) fields: Vec<(String, String)>,
    /// Whether it may bring a file along.
    pub(super) is_multipart: bool,
}

impl Sent {
    /// What it says; `None` when nobody typed anything, or too much to give back.
    pub(super) async fn typed(self, state: &AppState) -> Option<Typed> {
        let request = Request::post("/").header(header::CONTENT_TYPE, self.kind).body(Body::from(self.body)).ok()?;
        let is_multipart = is_multipart(request.headers());
        let Fields(fields) = PostedFile::from_request(request, state).await.ok()?.fields;
        let has_words = fields.iter().any(|(name, value)| name != "key" && name != "seen" && !value.is_empty());
        let is_typed = has_words && fields.len() <= FIELDS_KEPT;
        is_typed.then(|| Typed { fields: without_secrets(&self.path, fields), path: self.path, is_multipart })
    }
}

/// The kind of body.
fn kind(request: &Request) -> HeaderValue {
    request.headers().get(header::CONTENT_TYPE).cloned().unwrap_or_else(|| HeaderValue::from_static(""))
}

/// Whether it is a form with files that is no larger than other forms may be.
fn is_small_upload(request: &Request) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    is_multipart(request.headers()) && length.is_some_and(|length: usize| length <= BODY_LIMIT)
}

/// Reads a form, which is then still there for whoever is asked next. Anything else passes unread.
async fn sent(request: Request) -> Result<(Request, Bytes)> {
    let is_form = kind(&request).as_bytes().starts_with(b"application/x-www-form-urlencoded");
    if request.method() != Method::POST || !(is_form || is_small_upload(&request)) {
        return Ok((request, Bytes::new()));
    }
    let (parts, body) = request.into_parts();
    let read = to_bytes(body, BODY_LIMIT).await;
    let bytes = read.map_err(|_| Error::Invalid(FieldErrors::one("form", TOO_LARGE)))?;
    Ok((Request::from_parts(parts, Body::from(bytes.clone())), bytes))
}

/// A password is not written into any page.
fn without_secrets(path: &str, fields: Vec<(String, String)>) -> Vec<(String, String)> {
    let is_secret = |name: &str| path.contains("password") || name.contains("password");
    fields.into_iter().filter(|(name, _)| !is_secret(name)).collect()
}

/// A page with the form that was sent, for nobody but its sender. A password is not written into any page.
async fn keep(state: &AppState, path: String, request: Request) -> Result<Response> {
    let is_multipart = is_multipart(request.headers());
    if is_multipart && !is_small_upload(&request) {
        return Ok(signed_out(&SignedOut { site: state.site().await?, path, is_multipart, fields: None }));
    }
    let fields = PostedFile::from_request(request, state).await?.fields;
    if fields.0.len() > FIELDS_KEPT {
        return Err(Error::Invalid(FieldErrors::one("form", "it has too many fields: sign in, then fill it in again")));
    }
    let fields = without_secrets(&path, fields.0);
    Ok(signed_out(&SignedOut { site: state.site().await?, path, is_multipart, fields: Some(fields) }))
}

fn signed_out(page: &SignedOut) -> Response {
    (StatusCode::UNAUTHORIZED, Html(signed_out::page(page))).into_response()
}

/// The path of a request to the console, with its query.
fn path(parts: &Parts) -> String {
    parts.uri.path_and_query().map_or("/admin", |path| path.as_str()).to_owned()
}

/// The user this session belongs to, unless they changed their password since.
pub(crate) async fn signed_in(state: &AppState, session: &Session) -> Result<Option<User>> {
    let Some(id) = session.get::<String>(USER).await? else { return Ok(None) };
    let Ok(id) = id.parse() else { return Ok(None) };
    let print = session.get::<String>(PRINT).await?;
    let user = state.store.user(&id).await?;
    Ok(user.filter(|user| user.password_hash.as_deref().map(token::hash) == print && print.is_some()))
}

/// Starts a session under a new id, so that an id planted before sign-in is worth nothing.
pub(crate) async fn start(session: &Session, user: &User) -> Result<()> {
    let Some(password_hash) = &user.password_hash else {
        return Err(Error::Forbidden("Choose a password first."));
    };
    session.cycle_id().await?;
    session.insert(USER, user.id.as_str()).await?;
    session.insert(PRINT, token::hash(password_hash)).await?;
    session.save().await?;
    Ok(())
}
