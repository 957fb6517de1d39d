//! Showing that mail reaches someone who runs the page, behind a link that works once.

use leptos::prelude::*;

use super::shell::entrance;
use crate::site::Site;

/// What the page behind the link shows.
#[derive(Clone, Debug)]
pub struct ConfirmAddress {
    /// The status page.
    pub site: Site,
    /// The link's secret.
    pub token: String,
    /// Whose address it is.
    pub email: String,
}

/// Draws the page. Looking confirms nothing, for mail scanners look.
pub fn page(model: &ConfirmAddress) -> String {
    entrance(&model.site, "Confirm your address", || {
        view! {
            <h1>"Confirm your address"</h1>
            <p class="facts"><span dir="auto">{format!("For {}", model.email)}</span></p>
            <form class="box" method="post" action=format!("/admin/confirm/{}", model.token)>
                <p>"When something is wrong with the page’s mail, alerts go to this address."</p>
                <div class="actions"><button class="button">"Confirm this address"</button></div>
            </form>
        }
    })
}
