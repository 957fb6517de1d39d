//! The way out, in one click. Opening the link changes nothing, because mail scanners open links too.

use leptos::prelude::*;

use crate::{
    layout::{Head, public_page},
    site::Site,
};

/// What the page behind the link to leave shows.
#[derive(Clone, Debug)]
pub struct Unsubscribe {
    /// The page itself.
    pub site: Site,
    /// The token in the link.
    pub token: String,
    /// Whether they have left.
    pub done: bool,
    /// Whether the link is wrong or belongs to nobody any more.
    pub invalid: bool,
    /// Leads to the choices, as long as they have not left.
    pub manage_token: Option<String>,
}

/// Draws the page behind the link to leave.
pub fn page(model: &Unsubscribe) -> String {
    let title = match (model.invalid, model.done) {
        (true, _) => "This link does not work",
        (false, true) => "You are unsubscribed",
        (false, false) => "Unsubscribe",
    };
    public_page(&model.site, Head::private(title), || {
        view! {
            <div class="sheet">
                <h1>{title}</h1>
                {content(model)}
                <p class="back"><a href="/">"Back to the current state"</a></p>
            </div>
        }
    })
}

fn content(model: &Unsubscribe) -> AnyView {
    match (model.invalid, model.done) {
        (true, _) => view! {
            <p class="lead">
                "It may have lost a part on its way. Open the link from the newest mail you have from us, and copy it whole if your mail program breaks lines."
            </p>
            <p><a class="button quiet" href="/manage">"Send me a new link"</a></p>
        }
        .into_any(),
        (false, true) => view! {
            <p class="lead">"You get no more mail from us."</p>
            <p><a class="button quiet" href="/subscribe">"Subscribe again"</a></p>
        }
        .into_any(),
        (false, false) => view! {
            <p class="lead">
                <span>"No more mail about incidents from "</span>
                <strong dir="auto">{model.site.name.clone()}</strong>
                <span>"."</span>
            </p>
            <form method="post" action=format!("/unsubscribe/{}", model.token)>
                <button type="submit">"Unsubscribe"</button>
            </form>
            {model
                .manage_token
                .as_ref()
                .map(|token| {
                    view! {
                        <p class="hint">
                            <span>"Too many mails? "</span>
                            <a href=format!("/manage/{token}")>"Choose what you hear of"</a>
                        </p>
                    }
                })}
        }
        .into_any(),
    }
}
