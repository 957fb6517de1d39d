//! What a subscriber hears of, and the way out.

use domain::{
    component::Section,
    forms::{FieldErrors, FollowsForm, PreferencesForm},
    i18n::Zone,
    ids::IncidentId,
};
use leptos::prelude::*;

use crate::{
    components::{error_summary, follows_fields, preferences_fields},
    layout::{Head, public_page},
    site::Site,
};

/// What a subscriber's own page shows.
#[derive(Clone, Debug)]
pub struct Manage {
    /// The page itself.
    pub site: Site,
    /// The token in the link.
    pub token: String,
    /// Whose subscription it is.
    pub email: String,
    /// Whether they are told at all: not when they left, nor before they confirmed.
    pub is_active: bool,
    /// All components, in the page's order.
    pub sections: Vec<Section>,
    /// What they hear of now, or what was ticked when it could not be saved.
    pub follows: FollowsForm,
    /// How they are written to now, or what was chosen.
    pub preferences: PreferencesForm,
    /// The page's own time zone.
    pub page_zone: Option<Zone>,
    /// The incidents they follow, with their titles.
    pub incidents: Vec<(IncidentId, String)>,
    /// Whether it was saved just now.
    pub saved: bool,
    /// What is wrong with what was ticked.
    pub errors: FieldErrors,
}

/// Draws a subscriber's own page.
pub fn page(model: &Manage) -> String {
    let title = if model.is_active { "Your subscription" } else { "You are not subscribed" };
    let head = if model.errors.is_empty() { title.to_owned() } else { format!("Not saved yet: {title}") };
    public_page(&model.site, Head::private(&head), || {
        view! {
            <div class="sheet">
                {model
                    .saved
                    .then(|| {
                        view! { <p class="notice" data-status="operational" role="status">"Your choice is saved."</p> }
                    })}
                {error_summary(&model.errors, &[("follows", ""), ("locale", "Language"), ("time_zone", "Time zone")])}
                <h1>{title}</h1>
                {if model.is_active { choices(model) } else { way_back(model) }}
            </div>
        }
    })
}

fn choices(model: &Manage) -> AnyView {
    view! {
        <p class="lead">
            <span>"Mail goes to "</span>
            <strong dir="auto">{model.email.clone()}</strong>
        </p>
        <form method="post" action=format!("/manage/{}", model.token)>
            {follows_fields(
                "What do you want to hear of?",
                &model.follows,
                &model.sections,
                &model.incidents,
                &model.errors,
            )}
            {preferences_fields(&model.preferences, model.page_zone.as_ref(), &model.errors)}
            <button type="submit">"Save"</button>
        </form>
        <section class="leave" aria-labelledby="leave">
            <h2 id="leave">"Stop all mail"</h2>
            <p>"You can come back at any time."</p>
            <form method="post" action=format!("/unsubscribe/{}", model.token)>
                <button type="submit" class="quiet">"Unsubscribe"</button>
            </form>
        </section>
    }
    .into_any()
}

/// An old mail is no proof that its reader wants more: they ask again and confirm, as everyone does.
fn way_back(model: &Manage) -> AnyView {
    view! {
        <p class="lead">
            <span>"No mail goes to "</span>
            <strong dir="auto">{model.email.clone()}</strong>
            <span>"."</span>
        </p>
        <p><a class="button" href="/subscribe">"Subscribe again"</a></p>
        <p class="back"><a href="/">"Back to the current state"</a></p>
    }
    .into_any()
}
