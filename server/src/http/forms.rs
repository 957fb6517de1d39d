//! Forms as browsers send them.

use axum::{
    Form, RequestExt,
    extract::{FromRequest, Multipart, Request, multipart::MultipartError, rejection::FormRejection},
    http::{HeaderMap, header},
};
use domain::{
    forms::{FieldErrors, Fields},
    logo::LOGO_MAX,
};

use super::BODY_LIMIT;
use crate::{error::Error, state::AppState};

/// Said of a form over the limit.
pub(super) const TOO_LARGE: &str = "it is larger than 2 MiB: shorten the text and send it again";

/// Every field of a posted form, in order.
pub(crate) struct Posted(pub(crate) Fields);

impl FromRequest<AppState> for Posted {
    type Rejection = Error;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Error> {
        match request.extract::<Form<Vec<(String, String)>>, _>().await {
            Ok(Form(fields)) => Ok(Self(Fields(fields))),
            Err(FormRejection::BytesRejection(_)) => Err(Error::Invalid(FieldErrors::one("form", TOO_LARGE))),
            Err(_) => Err(no_form()),
        }
    }
}

/// A posted form that may bring a file along.
pub(crate) struct PostedFile {
    /// Every other field, in order.
    pub(crate) fields: Fields,
    /// The file: nothing when none was chosen, and its beginning when it is larger than any that we take.
    pub(crate) file: Vec<u8>,
}

impl FromRequest<AppState> for PostedFile {
    type Rejection = Error;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Error> {
        if !is_multipart(request.headers()) {
            let Posted(fields) = Posted::from_request(request, state).await?;
            return Ok(Self { fields, file: Vec::new() });
        }
        let mut multipart = request.extract::<Multipart, _>().await.map_err(|_| no_form())?;
        let (mut fields, mut file, mut length) = (Vec::new(), Vec::new(), 0);
        while let Some(mut field) = multipart.next_field().await.map_err(broken_off)? {
            let is_file = field.file_name().is_some();
            let (name, mut bytes) = (field.name().unwrap_or_default().to_owned(), Vec::new());
            while let Some(piece) = field.chunk().await.map_err(broken_off)? {
                if is_file {
                    // One byte too many says enough; what comes after it is read and forgotten, for there are more fields.
                    let room = (LOGO_MAX + 1).saturating_sub(bytes.len());
                    bytes.extend_from_slice(&piece[..piece.len().min(room)]);
                    continue;
                }
                length += piece.len();
                if length > BODY_LIMIT {
                    return Err(Error::Invalid(FieldErrors::one("form", TOO_LARGE)));
                }
                bytes.extend_from_slice(&piece);
            }
            if is_file {
                file = bytes;
            } else {
                fields.push((name, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        Ok(Self { fields: Fields(fields), file })
    }
}

/// Whether a form was sent in the way that can bring files along.
pub(super) fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

fn no_form() -> Error {
    Error::Invalid(FieldErrors::one("form", "it was not sent as a form: go back and send it again"))
}

fn broken_off(error: MultipartError) -> Error {
    tracing::debug!("An upload broke off: {error}");
    Error::Invalid(FieldErrors::one("form", "it did not arrive whole, or is far too large: go back and send it again"))
}
