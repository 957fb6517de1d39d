//! While sign-ups come in numbers that are not people's: the request is kept, and a puzzle tells people from programs.
//!
//! A script solves it and sends the form; without one the request is answered too, only later.

use leptos::prelude::*;

use crate::{
    layout::{Head, public_page},
    site::Site,
};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct ChallengePage {
    /// The page itself.
    pub site: Site,
    /// The address, as it was typed.
    pub email: String,
    /// What was asked for.
    pub asked: Asked,
    /// The puzzle.
    pub challenge: String,
    /// How many zero bits are looked for.
    pub difficulty: u8,
    /// Whether an answer was refused just now: then it is not tried again unasked.
    pub has_failed: bool,
}

/// What someone asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To be told.
    Subscription,
    /// For the link to what they are told of.
    ManageLink,
}

impl Asked {
    /// As the form names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::ManageLink => "manage-link",
        }
    }
}

/// Draws the page: the same whether the address is known or not.
pub fn page(model: &ChallengePage) -> String {
    let title = if model.has_failed { "Not checked yet: Your request is kept" } else { "Your request is kept" };
    let head = Head { script: "challenge.js", ..Head::private(title) };
    public_page(&model.site, head, || {
        view! {
            <div class="sheet challenge">
                {model.has_failed.then(failed)}
                <h1>"Your request is kept"</h1>
                <p class="lead">
                    <span>"We have it for "</span>
                    <strong dir="auto">{model.email.clone()}</strong>
                    <span>". Far more people or programs than usual are signing up just now, so we check first whom we write to."</span>
                </p>
                {form(model)}
                <h2>"You need not do anything"</h2>
                <p>
                    "Your browser does a small calculation, which takes a few seconds and shows that no program sends thousands of requests. Then the mail goes out at once."
                </p>
                <p>
                    "Without JavaScript, or if you close this page, your request stays where it is. Such requests are answered one after the other as room is left, within 48 hours; if no mail has come by then, please ask again."
                </p>
                <p class="back"><a href="/">"Back to the current state"</a></p>
            </div>
        }
    })
}

fn failed() -> impl IntoView {
    view! {
        <div class="notice" data-status="degraded_performance">
            <p>
                <strong>"That did not work. "</strong>
                <span>"The answer came too late, or was sent twice. Here is a new calculation."</span>
            </p>
        </div>
    }
}

fn form(model: &ChallengePage) -> impl IntoView + use<> {
    view! {
        <form
            method="post"
            action="/subscribe/challenge"
            id="challenge"
            data-difficulty=model.difficulty.to_string()
            data-failed=model.has_failed.then_some("")
        >
            <input type="hidden" name="email" value=model.email.clone()/>
            <input type="hidden" name="asked" value=model.asked.as_str()/>
            <input type="hidden" name="challenge" value=model.challenge.clone()/>
            <input type="hidden" name="answer" value=""/>
            <button type="submit" hidden>"Check now"</button>
            <p class="working" role="status"></p>
        </form>
    }
}
