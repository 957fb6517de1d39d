//! The link in the confirmation mail. Opening it changes nothing, because mail scanners open links too: the button does.

use leptos::prelude::*;

use crate::{
    layout::{Head, public_page},
    site::Site,
};

/// How far the confirmation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmState {
    /// The link is good; the button is still to be pressed.
    Ask,
    /// The subscription is on.
    Done,
    /// The link is wrong, used up or too old.
    Invalid,
}

/// What the page behind the confirmation link shows.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// The page itself.
    pub site: Site,
    /// The token in the link.
    pub token: String,
    /// How far it is.
    pub state: ConfirmState,
    /// Leads to the choices, once the subscription is on.
    pub manage_token: Option<String>,
}

/// Draws the page behind the confirmation link.
pub fn page(model: &Confirm) -> String {
    let title = match model.state {
        ConfirmState::Ask => "Confirm your subscription",
        ConfirmState::Done => "You are subscribed",
        ConfirmState::Invalid => "This link no longer works",
    };
    public_page(&model.site, Head::private(title), || {
        view! {
            <div class="sheet">
                <h1>{title}</h1>
                {content(model)}
            </div>
        }
    })
}

fn content(model: &Confirm) -> AnyView {
    match model.state {
        ConfirmState::Ask => view! {
            <p class="lead">"One click and we write to you when something breaks."</p>
            <form method="post" action=format!("/confirm/{}", model.token)>
                <button type="submit">"Confirm subscription"</button>
            </form>
            <p class="hint">"You did not ask for this? Close this page, and nothing is sent."</p>
        }
        .into_any(),
        ConfirmState::Done => view! {
            <p class="lead">"We write when something breaks, when we know more, and when it works again."</p>
            {model
                .manage_token
                .as_ref()
                .map(|token| {
                    view! {
                        <p>
                            <a class="button" href=format!("/manage/{token}")>"Change what you hear of"</a>
                        </p>
                    }
                })}
            <p class="back"><a href="/">"Back to the current state"</a></p>
        }
        .into_any(),
        ConfirmState::Invalid => view! {
            <p class="lead">
                "It is too old, was already used, or lost a part on its way. Ask again, and you get a fresh one."
            </p>
            <p><a class="button" href="/subscribe">"Subscribe again"</a></p>
            <p class="back"><a href="/">"Back to the current state"</a></p>
        }
        .into_any(),
    }
}
