//! Instants and lengths of time, readable without a script and by programs.

use domain::time::{full, rfc3339, short};
use jiff::Timestamp;
use leptos::prelude::*;

/// `14:32 UTC`, with the date when it is not today. `public.js` adds the reader's own time.
pub fn timestamp(at: Timestamp, now: Timestamp) -> impl IntoView {
    view! { <time datetime=rfc3339(at)>{short(at, now)}</time> }
}

/// `5 Feb 2024, 10:12 UTC`: always with the date, for what is read long afterwards.
pub fn dated(at: Timestamp) -> impl IntoView {
    view! { <time datetime=rfc3339(at)>{full(at)}</time> }
}

/// `Next update by 13:50 UTC`, and honest about it once that time has passed.
pub fn promise(at: Timestamp, now: Timestamp) -> impl IntoView {
    let words = if at > now { "Next update by " } else { "The next update was due " };
    view! {
        <p class="promise" data-missed=(at <= now).then_some("")>
            <span>{words}</span>
            {timestamp(at, now)}
        </p>
    }
}

/// `lasted 1 h 27 min`, or `ongoing for 47 min` while it has no end.
pub fn duration(started_at: Timestamp, ended_at: Option<Timestamp>, now: Timestamp) -> String {
    match ended_at {
        Some(end) => format!("lasted {}", domain::time::duration(started_at, end)),
        None => format!("ongoing for {}", domain::time::duration(started_at, now)),
    }
}
