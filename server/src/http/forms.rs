//! Forms as browsers send them.

use axum::{
    Form, RequestExt,
    extract::{FromRequest, Request, rejection::FormRejection},
};
use domain::forms::{FieldErrors, Fields};

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
            Err(_) => {
                Err(Error::Invalid(FieldErrors::one("form", "it was not sent as a form: go back and send it again")))
            }
        }
    }
}
