//! The last look before publishing: what readers will see, who is mailed, and when they will have it.

use domain::{forms::UpdateForm, incident::Step, status::IncidentStatus};
use leptos::prelude::*;

use crate::islands::people;

/// What the server found out about an update that is not published yet.
#[derive(Clone, Debug)]
pub struct Review {
    /// The text, drawn by `domain::markdown`.
    pub html: String,
    /// How many people it would be mailed to.
    pub recipients: i64,
    /// When they would all have it: "about 13:57 UTC". Empty when it cannot be said.
    pub finish: String,
    /// What the update does to the incident.
    pub step: Step,
}

/// Draws the review inside the form, above its buttons.
pub(super) fn review(review: &Review, form: &UpdateForm) -> AnyView {
    let status = form.status.parse().map_or("", IncidentStatus::label);
    let when = match form.display_at.trim() {
        "" => "now".to_owned(),
        typed => typed.to_owned(),
    };
    let step = match review.step {
        Step::Opened => Some("This opens the incident."),
        Step::Reopened => Some("This reopens the incident."),
        Step::Resolved => Some("This resolves the incident."),
        Step::Continued => None,
    };
    let restores = form.restore && form.status == IncidentStatus::Resolved.as_str();
    let mail = match (form.notify.as_str(), review.finish.as_str()) {
        ("no", _) => "Nobody is mailed.".to_owned(),
        (_, "") => format!("Mails {}.", people(review.recipients)),
        _ if review.recipients == 0 => "Mails nobody: nobody follows this yet.".to_owned(),
        (_, finish) => format!("Mails {}, done {finish}.", people(review.recipients)),
    };
    view! {
        <section class="review" id="review" tabindex="-1" autofocus="autofocus" aria-labelledby="review-title">
            <h2 id="review-title">"Not published yet: one last look"</h2>
            <p class="consequences">
                {step.map(|step| view! { <strong>{step}</strong> })}
                {restores.then(|| view! { <span>"The affected components go back to operational."</span> })}
                <span>{mail}</span>
            </p>
            <div class="as-published">
                <p class="what">
                    <strong>{status}</strong>
                    <span>{when}</span>
                </p>
                <div class="prose" inner_html=review.html.clone()></div>
            </div>
        </section>
    }
    .into_any()
}
