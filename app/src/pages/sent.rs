//! After asking to be told: the same words whether the address is known or not.

use leptos::prelude::*;

use crate::{
    layout::{Head, public_page},
    site::Site,
};

/// What to say after the form was sent.
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
        view! {
            <div class="sheet">
                <h1>"Check your inbox"</h1>
                <p class="lead">
                    <span>"We are writing to "</span>
                    <strong dir="auto">{model.email.clone()}</strong>
                    <span>". Follow the link in that mail to confirm; until then nothing else is sent."</span>
                </p>
                <h2>"No mail after a few minutes?"</h2>
                <ul class="steps">
                    <li>"Look in the folder for spam."</li>
                    <li>
                        <span>"Check the address above, and "</span>
                        <a href="/subscribe">"ask again"</a>
                        <span>" if it has a mistake."</span>
                    </li>
                </ul>
                <p class="back"><a href="/">"Back to the current state"</a></p>
            </div>
        }
    })
}
