//! How long until what was promised is due.

#![expect(missing_docs, reason = "the macro makes a struct without a comment beside each island")]

use std::time::Duration;

use leptos::prelude::*;
use web_sys::js_sys::Date;

/// How often it is looked at the clock.
const LOOK: Duration = Duration::from_secs(5);

/// "in 12 min" or "5 min late", true when the page is drawn and, awake, ever after.
#[island]
pub fn Countdown(
    /// When it is due, in unix seconds.
    due: i64,
    /// When the page was drawn, in unix seconds.
    now: i64,
) -> impl IntoView {
    let left = RwSignal::new(due - now);
    Effect::new(move || {
        // Two clocks may differ: what passed since the page was drawn is the same on both.
        let began = Date::now();
        let look = move || {
            #[expect(clippy::cast_possible_truncation, reason = "seconds since a page was drawn")]
            let passed = ((Date::now() - began) / 1000.0) as i64;
            left.set(due - now - passed);
        };
        set_interval(look, LOOK);
    });
    view! { <span class="countdown" data-missed=move || (left.get() <= 0).then_some("")>{move || left_words(left.get())}</span> }
}

/// `in 12 min`, `in 1 h 5 min`, `due now`, `5 min late`.
pub fn left_words(seconds: i64) -> String {
    let minutes = seconds.unsigned_abs().div_ceil(60);
    let (hours, rest) = (minutes / 60, minutes % 60);
    let span = match (hours, rest) {
        (0, rest) => format!("{rest} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, rest) => format!("{hours} h {rest} min"),
    };
    match seconds {
        0 => "due now".to_owned(),
        seconds if seconds > 0 => format!("in {span}"),
        _ => format!("{span} late"),
    }
}

#[cfg(test)]
mod tests {
    use super::left_words;

    #[test]
    fn what_is_left_reads_like_words() {
        let words = [720, 61, 3_600, 3_901, 0, -1, -300].map(left_words);
        assert_eq!(words, ["in 12 min", "in 2 min", "in 1 h", "in 1 h 6 min", "due now", "1 min late", "5 min late"]);
    }
}
