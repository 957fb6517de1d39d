//! Watching an update reach its readers.

#![expect(missing_docs, reason = "the macro makes a struct without a comment beside each island")]

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use super::{ask::ask, glance::Glance};

/// How far a broadcast is; awake, it looks again every second until all is done.
#[island]
pub fn DeliveryProgress(
    /// How far it was when the page was drawn.
    initial: Glance,
) -> impl IntoView {
    let progress = RwSignal::new(initial);
    let is_lost = RwSignal::new(false);
    Effect::new(move || watch(progress, is_lost));
    let lost = "The server does not answer just now: these figures are from before.";
    view! {
        // The style sheet puts away what can be done about a broadcast once nothing more is to come.
        <div class="delivery" data-open=move || progress.read().state.is_open().then_some("")>
            {move || figures(&progress.read())}
            <p class="hint">{move || is_lost.get().then_some(lost)}</p>
            <p class="visually-hidden" role="status">{move || progress.read().announcement()}</p>
        </div>
    }
}

/// Looks again in a second, or in five while the server does not answer, until nothing more can come.
fn watch(progress: RwSignal<Glance>, is_lost: RwSignal<bool>) {
    if !progress.with_untracked(|progress| progress.state.is_open()) {
        return;
    }
    let look = move || {
        spawn_local(async move {
            let answer = ask(&progress.with_untracked(Glance::address)).await;
            is_lost.set(answer.is_none());
            if let Some(answer) = answer {
                progress.set(answer);
            }
            watch(progress, is_lost);
        });
    };
    set_timeout(look, Duration::from_secs(if is_lost.get_untracked() { 5 } else { 1 }));
}

/// The bar and what it means, in words and numbers.
pub(crate) fn figures(progress: &Glance) -> impl IntoView + use<> {
    let (handled, total) = progress.share();
    view! {
        <progress
            aria-label="Mails dealt with"
            data-over=(!progress.state.is_open()).then_some("")
            max=total.to_string()
            value=handled.to_string()
        ></progress>
        <p class="figures">{progress.counts()}</p>
        <p class="hint">{progress.standing()}</p>
    }
}
