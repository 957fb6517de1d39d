//! One document in every form it is sent in, with its headers.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

use super::Document;
use crate::http::encoding;

/// They are made once and sent often.
pub(super) struct Forms {
    etag: String,
    modified: Option<Timestamp>,
    plain: Form,
    /// Nothing if it cannot be made.
    brotli: Option<Form>,
    gzip: Option<Form>,
}

/// Bytes and all their headers.
struct Form {
    headers: HeaderMap,
    bytes: Bytes,
}

impl Forms {
    /// Made of a document; `always` are headers that do not come from it.
    pub(super) fn of(document: Document, always: &HeaderMap) -> Self {
        let body = document.body.as_bytes();
        let digest = Sha256::digest(body);
        let etag = digest.iter().take(12).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let mut headers = always.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(document.media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(modified) = document.modified.and_then(|at| HeaderValue::from_str(&http_date(at)).ok()) {
            headers.insert(header::LAST_MODIFIED, modified);
        }
        let form = |encoding: Option<&'static str>, suffix: &str, bytes: Bytes| {
            let mut headers = headers.clone();
            if let Ok(etag) = HeaderValue::from_str(&format!("\"{etag}{suffix}\"")) {
                headers.insert(header::ETAG, etag);
            }
            if let Some(encoding) = encoding {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            Form { headers, bytes }
        };
        let small = |encoding: &'static str, suffix: &str, bytes: Vec<u8>| {
            (!bytes.is_empty()).then(|| form(Some(encoding), suffix, bytes.into()))
        };
        Self {
            modified: document.modified,
            brotli: small("br", "-br", encoding::brotli(body)),
            gzip: small("gzip", "-gz", encoding::gzip(body)),
            plain: form(None, "", document.body.into()),
            etag,
        }
    }

    /// Answers with the one that a request asks for, or that the reader has it already.
    pub(super) fn respond(&self, request: &HeaderMap) -> Response {
        let form = match encoding::preferred(request, self.brotli.is_some(), self.gzip.is_some()) {
            Some("br") => self.brotli.as_ref(),
            Some(_) => self.gzip.as_ref(),
            None => None,
        };
        let Form { headers, bytes } = form.unwrap_or(&self.plain);
        let is_unchanged = is_unchanged(request, &self.etag, self.modified);
        let mut response = Response::new(if is_unchanged { Body::empty() } else { Body::from(bytes.clone()) });
        *response.headers_mut() = headers.clone();
        if is_unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(header::CONTENT_ENCODING);
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        response
    }
}

/// Whether the reader has this document already (RFC 9110, section 13). An ETag in any encoding counts, for the
/// document behind it is the same; `If-Modified-Since` counts only where no `If-None-Match` was sent.
fn is_unchanged(request: &HeaderMap, etag: &str, modified: Option<Timestamp>) -> bool {
    if let Some(wanted) = request.get(header::IF_NONE_MATCH) {
        let Ok(wanted) = wanted.to_str() else { return false };
        return wanted
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'))
            .any(|tag| tag == "*" || tag.trim_end_matches("-br").trim_end_matches("-gz") == etag);
    }
    let since = request.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok()).and_then(read_http_date);
    match (since, modified) {
        (Some(since), Some(modified)) => modified.as_second() <= since.as_second(),
        _ => false,
    }
}

/// `Mon, 05 Feb 2024 10:12:00 GMT` (RFC 9110, section 5.6.7).
fn http_date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn read_http_date(text: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
