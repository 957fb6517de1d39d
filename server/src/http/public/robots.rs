//! `/robots.txt` (RFC 9309)

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::state::AppState;

/// The public page is for everyone; the console and the pages mailed to one person are not.
pub(crate) async fn show(State(state): State<AppState>) -> Response {
    let text = format!(
        "User-agent: *\nDisallow: /admin\nDisallow: /confirm/\nDisallow: /manage/\nDisallow: /unsubscribe/\n\n\
         Sitemap: {}/sitemap.xml\n",
        state.public_url()
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=86400")], text)
        .into_response()
}
