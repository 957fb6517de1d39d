//! After asking for a mail: the same words whether the address is known or not.

use leptos::prelude::*;

use crate::{
    layout::{Head, public_page},
    site::Site,
};

/// What to say after someone subscribed.
#[derive(Clone, Debug)]
pub struct SubscribeSent {
    /// The page itself.
    pub site: Site,
    /// The address, as it was typed.
    pub email: String,
}

/// Draws "Check your inbox".
pub fn page(model: &SubscribeSent) -> String {
    public_page(&model.site, Head::private("Check your inbox"), || {
        let lead = Lead {
            before: "We are writing to ",
            email: &model.email,
            after: ". Follow the link in that mail to confirm; until then nothing else is sent.",
        };
        view! { <div class="sheet">{check_inbox(&lead, "/subscribe", None)}</div> }
    })
}

/// What happens now, in a sentence around the address.
pub(super) struct Lead<'a> {
    pub(super) before: &'static str,
    /// As it was typed.
    pub(super) email: &'a str,
    pub(super) after: &'static str,
}

/// What to do while a mail is on its way; `again` is the form it was asked for in, `more` another reason why none comes.
pub(super) fn check_inbox(lead: &Lead<'_>, again: &'static str, more: Option<AnyView>) -> AnyView {
    view! {
        <h1>"Check your inbox"</h1>
        <p class="lead">
            <span>{lead.before}</span>
            <strong dir="auto">{lead.email.to_owned()}</strong>
            <span>{lead.after}</span>
        </p>
        <h2>"No mail after a few minutes?"</h2>
        <ul class="steps">
            <li>"Look in the folder for spam."</li>
            <li>
                <span>"Check the address above, and "</span>
                <a href=again>"ask again"</a>
                <span>" if it has a mistake."</span>
            </li>
            {more}
        </ul>
        <p class="back"><a href="/">"Back to the current state"</a></p>
    }
    .into_any()
}
