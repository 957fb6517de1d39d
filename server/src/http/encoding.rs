//! Which of the forms we have a client likes best, and how they are made.

use std::io::Write as _;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::error::Error;

/// Compresses a public page that was drawn for one reader; what the page cache answers is in its form already.
///
/// That is safe there, for no public page holds both a secret and words that somebody else chose. The console's pages do,
/// and stay as they are: the length of both together, compressed, tells what the secret has in common with the words
/// (BREACH).
pub(super) async fn compress(request: Request, next: Next) -> Response {
    let encoding = preferred(request.headers(), true, true);
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
    if !is_page || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    head.headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let Some(encoding) = encoding else { return Response::from_parts(head, body) };
    let plain = match to_bytes(body, usize::MAX).await {
        Ok(plain) => plain,
        Err(error) => return Error::Internal(format!("a page could not be read: {error}")).into_response(),
    };
    let small = if encoding == "br" { brotli(&plain) } else { gzip(&plain) };
    if small.is_empty() {
        return Response::from_parts(head, Body::from(plain));
    }
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    Response::from_parts(head, Body::from(small))
}

/// The encoding to send, `None` for plain bytes: the one the client likes best, of those it likes equally the smallest.
///
/// A client that refuses every form gets the plain one: RFC 9110 §12.5.3 allows that, and a page beats a 406.
pub(super) fn preferred(headers: &HeaderMap, has_brotli: bool, has_gzip: bool) -> Option<&'static str> {
    let mut best = (0.0, "identity");
    for (encoding, is_there) in [("br", has_brotli), ("gzip", has_gzip), ("identity", true)] {
        let liking = liking(headers, encoding);
        if is_there && liking > best.0 {
            best = (liking, encoding);
        }
    }
    Some(best.1).filter(|encoding| *encoding != "identity")
}

/// How much a client likes an encoding, 0 (refuses it) to 1, by its `Accept-Encoding` (RFC 9110 §12.5.3).
fn liking(headers: &HeaderMap, encoding: &str) -> f32 {
    let named = |wanted: &str| {
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).find_map(|item| {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            name.trim().eq_ignore_ascii_case(wanted).then(|| quality(parameters))
        })
    };
    // Plain bytes are welcome unless refused, but anything named comes first.
    let unnamed = if encoding == "identity" { f32::MIN_POSITIVE } else { 0.0 };
    named(encoding).or_else(|| named("*")).unwrap_or(unnamed)
}

/// The `q` among an item's parameters; 1 without one, 0 if it cannot be read.
fn quality(parameters: &str) -> f32 {
    parameters
        .split(';')
        .find_map(|parameter| parameter.trim().strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('='))
        .map_or(1.0, |value| value.trim().parse().ok().filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(0.0))
}

/// The smallest form; empty if it cannot be made.
pub(super) fn brotli(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 4);
    {
        let mut writer = brotli::CompressorWriter::new(&mut out, 16 * 1024, 5, 20);
        if writer.write_all(body).is_err() {
            return Vec::new();
        }
    }
    out
}

/// A small form that every client understands; empty if it cannot be made.
pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::default());
    let written = writer.write_all(body);
    match (written, writer.finish()) {
        (Ok(()), Ok(bytes)) => bytes,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    fn chosen(value: &'static str) -> &'static str {
        preferred(&accepting(value), true, true).unwrap_or("plain")
    }

    #[test]
    fn the_smallest_form_the_client_understands_is_sent() {
        assert_eq!(preferred(&HeaderMap::new(), true, true), None);
        assert_eq!(preferred(&accepting("br, gzip"), false, true), Some("gzip"));
        assert_eq!(chosen(""), "plain");
        assert_eq!(chosen("gzip, deflate, br, zstd"), "br");
        assert_eq!(chosen("GZIP"), "gzip");
        assert_eq!(chosen("*"), "br");
        assert_eq!(chosen("deflate"), "plain");
    }

    #[test]
    fn what_the_client_prefers_or_refuses_is_respected() {
        assert_eq!(chosen("br;q=0, gzip"), "gzip");
        assert_eq!(chosen("br;q=0.1, gzip;q=0.8"), "gzip");
        assert_eq!(chosen("br ; q=0.000, *"), "gzip");
        assert_eq!(chosen("*;q=0"), "plain");
        assert_eq!(chosen("gzip;q=0.5, identity"), "plain");
        assert_eq!(chosen("gzip;Q=0.5"), "gzip");
        assert_eq!(chosen("br;q=nonsense"), "plain");
    }
}
