//! Lists, a page at a time: `?limit=25&before=ID`, and `Link: <…>; rel="next"` while there is more.

use std::str::FromStr;

use axum::{
    Json,
    extract::{FromRequestParts, Query},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use domain::forms::{FieldErrors, Fields};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    state::AppState,
};

/// So many are listed unless something else is asked for.
const USUAL: i64 = 25;
/// And never more.
const MOST: i64 = 100;

/// Which page is asked for.
pub(crate) struct Page {
    limit: i64,
    before: Option<String>,
    path: String,
}

impl FromRequestParts<AppState> for Page {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self> {
        let fields = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map(|Query(fields)| Fields(fields));
        let fields = fields.map_err(|_| Error::Malformed("The query could not be read.".to_owned()))?;
        let limit = match fields.all("limit").next() {
            None => USUAL,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                let problem = || FieldErrors::one("limit", format!("write a number from 1 to {MOST}"));
                limit.ok_or_else(problem)?
            }
        };
        let before = fields.all("before").next().map(str::to_owned);
        Ok(Self { limit, before, path: parts.uri.path().to_owned() })
    }
}

impl Page {
    /// How many to read: one more than asked for, to know whether there is another page.
    pub(super) fn wanted(&self) -> i64 {
        self.limit + 1
    }

    /// After which one it begins, if not with the newest.
    pub(super) fn before<T: FromStr>(&self) -> Result<Option<T>> {
        let Some(text) = &self.before else { return Ok(None) };
        text.parse().map(Some).map_err(|_| not_there())
    }

    /// The answer: at most as many as asked for, without those that are not shown, and the way to the next page.
    pub(super) fn answer<T>(
        self,
        mut items: Vec<T>,
        id: impl Fn(&T) -> String,
        show: impl Fn(&T) -> Option<Value>,
    ) -> Response {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(id);
        let mut response = Json(items.iter().filter_map(show).collect::<Vec<_>>()).into_response();
        let link = next.map(|id| format!("<{}?limit={}&before={id}>; rel=\"next\"", self.path, self.limit));
        if let Some(Ok(link)) = link.map(|link| HeaderValue::from_str(&link)) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// `before` names nothing.
pub(super) fn not_there() -> Error {
    FieldErrors::one("before", "write the id of the last one of the page before").into()
}
