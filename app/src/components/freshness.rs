//! What a page says of its age.

use jiff::Timestamp;
use leptos::prelude::*;

use super::{UNKNOWN, timestamp};
use crate::site::Freshness;

/// When the page was true, and whether that can be confirmed: a banner's last line.
pub fn as_of(freshness: Freshness, now: Timestamp) -> impl IntoView {
    let warning =
        freshness.is_stale().then(|| view! { <span>"; we cannot confirm the present state right now"</span> });
    view! {
        <p class="as-of">
            <span>"As of "</span>
            {timestamp(freshness.as_of(), now)}
            {warning}
        </p>
    }
}

/// Nothing while the store can be read; else since when it is not known, and that there may be more.
pub fn stale_notice(freshness: Freshness, now: Timestamp) -> Option<impl IntoView> {
    freshness.is_stale().then(|| {
        view! {
            <p class="notice" data-status=UNKNOWN>
                <span>"As of "</span>
                {timestamp(freshness.as_of(), now)}
                <span>"; we cannot confirm the present state right now. There may be newer updates."</span>
            </p>
        }
    })
}
