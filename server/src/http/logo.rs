//! `/logo/{hash}`: the owner's picture.

use std::sync::{Mutex, PoisonError};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use domain::logo::LogoKind;

use super::assets::FOR_EVER;
use crate::{
    error::{Error, Result},
    state::AppState,
};

/// Whatever the file holds: it is a picture and nothing else, also for whoever opens it alone.
const POLICY: &str = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The file as it was last read, so that a crowd of new readers costs the store nothing.
#[derive(Debug, Default)]
pub struct LogoCache(Mutex<Option<Kept>>);

#[derive(Clone, Debug)]
struct Kept {
    /// The page's version before it was read.
    version: i64,
    hash: String,
    kind: LogoKind,
    bytes: Bytes,
}

impl LogoCache {
    fn get(&self, hash: &str) -> Option<Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|kept| kept.hash == hash)
    }

    fn put(&self, kept: Kept) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }
}

/// The file with this hash, as long as it is the page's logo. Its address changes with its content.
pub(crate) async fn show(State(state): State<AppState>, Path(hash): Path<String>) -> Result<Response> {
    let version = state.pages().version();
    let kept = state.logo().get(&hash);
    let kept = match kept {
        Some(kept) if kept.version == version => kept,
        _ => match state.store.logo_file(&hash).await {
            Ok(Some((kind, bytes))) => {
                let read = Kept { version, hash, kind, bytes: bytes.into() };
                state.logo().put(read.clone());
                read
            }
            Ok(None) => return Err(Error::NotFound),
            // It goes on when the store is lost, like the pages around it.
            Err(error) => kept.ok_or(error)?,
        },
    };
    let headers = [
        (header::CONTENT_TYPE, kept.kind.as_str()),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, kept.bytes).into_response())
}
