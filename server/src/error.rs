//! What can go wrong while answering a request, and what the person is told.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::forms::FieldErrors;

use crate::store::StoreError;

/// Every error of the server. `http` draws it as a page or as `application/problem+json`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400: the body is no JSON object.
    #[error("{0}")]
    Malformed(String),
    /// 401: no key, or one that is worth nothing; with `WWW-Authenticate: Bearer`.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// 404: there is no such thing, or it is not for this person to know.
    #[error("not found")]
    NotFound,
    /// 403: known, but not allowed.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 422: the form or body is wrong; every field is named.
    #[error("the form is not complete")]
    Invalid(FieldErrors),
    /// 409: it was changed or done by someone else meanwhile.
    #[error("{0}")]
    Conflict(&'static str),
    /// 409: the same request has acted at the same moment. `http/api` answers with what that one was answered.
    #[error("the same request is being carried out")]
    Repeated,
    /// 408: it did not arrive in time.
    #[error("{0}")]
    TooSlow(&'static str),
    /// 413: there is a limit, and it is named.
    #[error("{0}")]
    TooLarge(&'static str),
    /// 415: the body is of another kind than the one that is named.
    #[error("{0}")]
    Unsupported(&'static str),
    /// 429: too often; try again after so many seconds.
    #[error("too many attempts")]
    TooMany {
        /// Seconds.
        retry_after: i64,
    },
    /// 503: too many others come at once; try again after so many seconds.
    #[error("too many come at once")]
    Busy {
        /// Seconds.
        retry_after: i64,
    },
    /// 503: the store cannot be reached just now.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// 500: our fault. Logged once at the edge under an id, which is all that the person sees.
    #[error("{0}")]
    Internal(String),
}

/// What actions and handlers answer.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) | Self::Repeated => StatusCode::CONFLICT,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unsupported(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if error.is_unreachable() { Self::Unavailable(error.to_string()) } else { Self::Internal(error.to_string()) }
    }
}

impl From<FieldErrors> for Error {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

impl From<tower_sessions::session::Error> for Error {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The bare status with the error attached; `http/error_pages.rs` draws it, for it knows the site.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}
