//! One update on its way to its readers.

use domain::{
    broadcast::{BroadcastState, Progress},
    ids::IncidentId,
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    fields::danger,
    shell::{Console, document},
};
use crate::{
    components::timestamp,
    islands::{DeliveryProgress, Glance, delivery_progress::figures, people, thousands},
};

/// What the page of a broadcast shows.
#[derive(Clone, Debug)]
pub struct BroadcastPage {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// What the incident is called.
    pub incident_name: String,
    /// The incident.
    pub incident: IncidentId,
    /// What it carries.
    pub kind: String,
    /// How far it is.
    pub progress: Progress,
}

/// Draws the page.
pub fn page(model: &BroadcastPage) -> String {
    let progress = &model.progress;
    let is_correction = model.kind.starts_with("correction");
    document(&model.console, &format!("Mails: {}", model.incident_name), || {
        view! {
            <p class="back"><a href=format!("/admin/incidents/{}", model.incident) dir="auto">{model.incident_name.clone()}</a></p>
            <h1>{if is_correction { "Mails of a correction" } else { "Mails of this update" }}</h1>
            <p class="facts">
                <span>{format!("For {}", people(progress.total))}</span>
                <span>
                    <span>"published "</span>
                    {timestamp(progress.created_at, model.now)}
                </span>
                <a href=format!("/admin/broadcasts/{}/recipients", progress.id)>"Who?"</a>
            </p>
            <div class="box">
                {watched(progress)}
                {progress.state.is_open().then(|| controls(progress))}
            </div>
            {(progress.failed + progress.skipped + progress.expired + progress.uncertain > 0).then(glossary)}
        }
    })
}

/// What a mail carries, in words.
pub(super) fn kind_words(kind: &str) -> String {
    match kind.split('.').next().unwrap_or_default() {
        "update" => "Update".to_owned(),
        "correction" => "Correction".to_owned(),
        "confirmation" => "Confirmation".to_owned(),
        "sign_in" => "Sign-in link".to_owned(),
        other => other.replace('_', " "),
    }
}

/// A broadcast's progress: watched while more may come, as it ended otherwise.
pub(super) fn watched(progress: &Progress) -> AnyView {
    if progress.state.is_open() {
        view! { <DeliveryProgress initial=Glance::of(progress)/> }.into_any()
    } else {
        view! { <div class="delivery">{figures(&Glance::of(progress))}</div> }.into_any()
    }
}

fn controls(progress: &Progress) -> impl IntoView + use<> {
    let address = format!("/admin/broadcasts/{}", progress.id);
    let (step, word) = if progress.state == BroadcastState::Paused { ("resume", "Resume") } else { ("pause", "Pause") };
    let consequence = format!(
        "{} of {} mails are not sent yet and never will be. What was sent cannot be called back.",
        thousands(progress.waiting),
        thousands(progress.total)
    );
    view! {
        <div class="controls">
            <form method="post" action=format!("{address}/{step}")>
                <button class="button quiet">{word}</button>
            </form>
            {danger("Cancel the rest", consequence, format!("{address}/cancel"), "Cancel the rest for good")}
        </div>
    }
}

/// What the rarer words in the figures mean.
fn glossary() -> impl IntoView {
    view! {
        <dl class="glossary">
            <dt>"failed"</dt>
            <dd>"The receiving server refused the mail for good."</dd>
            <dt>"left meanwhile"</dt>
            <dd>"Before their turn came they unsubscribed, their address was found not to work, or a newer update reached them."</dd>
            <dt>"too late"</dt>
            <dd>"It could not be delivered while it was still news."</dd>
            <dt>"sent perhaps"</dt>
            <dd>"The connection broke after the mail was handed over, so the mail may have arrived. It is tried once more after ten minutes while it is still news, and then no more."</dd>
        </dl>
    }
}
