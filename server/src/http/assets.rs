//! What browsers download besides pages: styles, scripts, islands, icons.
//!
//! All of it is inside the binary, already compressed (`server/build.rs`). Files live in a folder named after their
//! content, so that they can be kept for ever and a new build never meets an old file.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use domain::colour::{Accent, Colour};

use super::encoding;

/// One embedded file and its smaller forms, if they are smaller.
struct File {
    name: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

const ASSETS: &[File] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));
const ROOT_FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/root_files.rs"));

pub(super) const FOR_EVER: &str = "public, max-age=31536000, immutable";
const A_DAY: &str = "public, max-age=86400";

/// The folder pages link into: `/assets/{version}`, without a slash at its end.
pub(crate) fn folder() -> &'static str {
    concat!("/assets/", env!("ASSETS_VERSION"))
}

/// `GET /assets/{version}/{name}`. A file of another build is not found rather than wrong.
pub(crate) async fn asset(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    if version == env!("ASSETS_VERSION") {
        send(ASSETS, &name, &headers, FOR_EVER)
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// `GET /favicon.svg`, and `GET /favicon.ico`, which browsers ask for unasked and take in any format.
pub(crate) async fn favicon(headers: HeaderMap) -> Response {
    send(ROOT_FILES, "favicon.svg", &headers, A_DAY)
}

/// `GET /share.png`, which link previews show beside a page's title. It says nothing of how things are: previews are kept
/// for days.
pub(crate) async fn share(headers: HeaderMap) -> Response {
    send(ROOT_FILES, "share.png", &headers, A_DAY)
}

/// Where the style sheet of an accent colour is.
pub(crate) fn accent_path(colour: Colour) -> String {
    format!("/accent/{}.css", colour.to_string().trim_start_matches('#'))
}

/// `GET /accent/{name}`: the colour is its name, so there is nothing to look up.
pub(crate) async fn accent(Path(name): Path<String>) -> Response {
    let colour = name.strip_suffix(".css").and_then(|digits| digits.parse::<Colour>().ok());
    match colour.filter(|colour| accent_path(*colour).ends_with(&name)) {
        Some(colour) => {
            let headers = [(header::CONTENT_TYPE, content_type("css")), (header::CACHE_CONTROL, A_DAY)];
            (headers, Accent::of(colour).css()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn send(files: &[File], name: &str, headers: &HeaderMap, keep: &'static str) -> Response {
    let Some(file) = files.iter().find(|file| file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (encoding, bytes) = choose(file, headers);
    let mut response = (
        [
            (header::CONTENT_TYPE, content_type(name)),
            (header::CACHE_CONTROL, keep),
            (header::VARY, "accept-encoding"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        bytes,
    )
        .into_response();
    if let Some(encoding) = encoding {
        let encoding = HeaderValue::from_static(encoding);
        response.headers_mut().insert(header::CONTENT_ENCODING, encoding);
    }
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// The form the client likes best.
fn choose(file: &File, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let encoding = encoding::preferred(headers, file.brotli.is_some(), file.gzip.is_some());
    let bytes = match encoding {
        Some("br") => file.brotli,
        Some(_) => file.gzip,
        None => None,
    };
    (encoding, bytes.unwrap_or(file.plain))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::body::to_bytes;

    use super::*;

    const FILE: File = File { name: "site.css", plain: b"plain", brotli: Some(b"br"), gzip: Some(b"gzip") };

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_bytes_are_those_of_the_encoding() {
        assert_eq!(choose(&FILE, &HeaderMap::new()), (None, &b"plain"[..]));
        assert_eq!(choose(&FILE, &accepting("gzip, br")), (Some("br"), &b"br"[..]));
        assert_eq!(choose(&FILE, &accepting("gzip")), (Some("gzip"), &b"gzip"[..]));
    }

    #[test]
    fn a_form_that_is_not_smaller_is_not_offered() {
        let file = File { brotli: None, gzip: None, ..FILE };
        assert_eq!(choose(&file, &accepting("br, gzip")), (None, &b"plain"[..]));
    }

    #[test]
    fn every_form_holds_the_same_file() {
        assert!(ASSETS.iter().chain(ROOT_FILES).any(|file| file.brotli.is_some() && file.gzip.is_some()));
        for file in ASSETS.iter().chain(ROOT_FILES) {
            assert_ne!(content_type(file.name), "application/octet-stream", "{} has no media type", file.name);
            if let Some(bytes) = file.brotli {
                let mut plain = Vec::new();
                brotli::BrotliDecompress(&mut &*bytes, &mut plain).unwrap();
                assert_eq!(plain, file.plain, "{}", file.name);
                assert!(bytes.len() < file.plain.len(), "{}", file.name);
            }
            if let Some(bytes) = file.gzip {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
                assert_eq!(plain, file.plain, "{}", file.name);
                assert!(bytes.len() < file.plain.len(), "{}", file.name);
            }
        }
    }

    #[test]
    fn public_pages_run_next_to_no_script() {
        for name in ["public.js", "challenge.js"] {
            let script = ASSETS.iter().find(|file| file.name == name).unwrap();
            assert!(script.plain.len() <= 2 * 1024, "{name}: {} bytes", script.plain.len());
            assert!(!script.plain.windows(2).any(|two| two == b"//"), "{name}: comments are sent");
        }
    }

    #[tokio::test]
    async fn an_asset_is_kept_for_ever_and_another_builds_asset_is_not_found() {
        let version = folder().strip_prefix("/assets/").unwrap().to_owned();
        let name = ASSETS[0].name.to_owned();

        let found = asset(Path((version.clone(), name.clone())), HeaderMap::new()).await;
        assert_eq!(found.status(), StatusCode::OK);
        assert_eq!(found.headers()[header::CACHE_CONTROL], FOR_EVER);
        assert_eq!(found.headers()[header::VARY], "accept-encoding");
        assert_eq!(to_bytes(found.into_body(), usize::MAX).await.unwrap(), ASSETS[0].plain);

        let stale = asset(Path(("0".repeat(version.len()), name)), HeaderMap::new()).await;
        assert_eq!(stale.status(), StatusCode::NOT_FOUND);
        let unknown = asset(Path((version, "secret".into())), HeaderMap::new()).await;
        assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn the_icon_is_an_image_that_may_be_replaced_tomorrow() {
        let icon = favicon(accepting("gzip")).await;
        assert_eq!(icon.status(), StatusCode::OK);
        assert_eq!(icon.headers()[header::CONTENT_TYPE], "image/svg+xml");
        assert_eq!(icon.headers()[header::CACHE_CONTROL], A_DAY);
    }
}
