//! What state something is in: always a shape and a word, never a colour alone.

use domain::status::{ComponentStatus, Impact};
use leptos::prelude::*;

/// How the style sheet names the hue of what is not known.
pub const UNKNOWN: &str = "unknown";

/// The outline of a mark in a square of 16: ● ◆ ▲ ◐ ■, and ○ for the unknown. `tone` is a component status or
/// `"unknown"`.
pub fn shape(tone: &str) -> &'static str {
    match tone.parse() {
        Ok(ComponentStatus::Operational) => "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z",
        Ok(ComponentStatus::UnderMaintenance) => "M8 .8 15.2 8 8 15.2.8 8Z",
        Ok(ComponentStatus::DegradedPerformance) => "M8 1.5 15.5 14.5H.5Z",
        Ok(ComponentStatus::PartialOutage) => "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm0 2v9a4.5 4.5 0 0 0 0-9Z",
        Ok(ComponentStatus::MajorOutage) => "M2 2h12v12H2Z",
        Err(_) => "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm0 2a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z",
    }
}

/// The shape alone, hidden from screen readers, since the word stands beside it. The colour comes from the nearest
/// `data-status` around it.
pub fn mark(tone: &str) -> impl IntoView + use<> {
    view! {
        <svg class="mark" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <path fill="currentColor" fill-rule="evenodd" d=shape(tone)></path>
        </svg>
    }
}

/// A component's status: shape and word.
pub fn status_mark(status: ComponentStatus) -> impl IntoView {
    view! {
        <span class="status" data-status=status.as_str()>
            {mark(status.as_str())}
            <span>{status.label()}</span>
        </span>
    }
}

/// An incident's impact: the shape of the component status it stems from, and words.
pub fn impact_mark(impact: Impact) -> impl IntoView {
    view! {
        <span class="status" data-status=impact_tone(impact)>
            {mark(impact_tone(impact))}
            <span>{impact_label(impact)}</span>
        </span>
    }
}

/// The hue and shape of an impact.
pub fn impact_tone(impact: Impact) -> &'static str {
    match impact {
        Impact::None => UNKNOWN,
        Impact::Minor => ComponentStatus::DegradedPerformance.as_str(),
        Impact::Major => ComponentStatus::PartialOutage.as_str(),
        Impact::Critical => ComponentStatus::MajorOutage.as_str(),
    }
}

/// The words for an impact where nothing around says that it is one.
pub fn impact_label(impact: Impact) -> &'static str {
    match impact {
        Impact::None => "No impact",
        Impact::Minor => "Minor impact",
        Impact::Major => "Major impact",
        Impact::Critical => "Critical impact",
    }
}
