//! One subscriber: what they follow, how they agreed, what they were sent, and how to part.

use domain::{
    component::Section,
    delivery::DeliveryState,
    forms::{FieldErrors, FollowsForm, PreferencesForm},
    i18n::{Preferences, Zone},
    ids::{IncidentId, SubscriberId},
    subscriber::{SubscriberState, Suppression},
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    fields::danger,
    shell::{Console, document, form_title, summary},
    subscribers::address,
};
use crate::components::{dated, follows_fields, preferences_fields, sentence};

/// One message that they were or are to be sent.
#[derive(Clone, Debug)]
pub struct SentRow {
    /// The delivery's id.
    pub id: String,
    /// What it is, in words.
    pub what: String,
    /// The incident it is about.
    pub incident: Option<IncidentId>,
    /// Where it stands.
    pub state: DeliveryState,
    /// What came in the way.
    pub reason: String,
    /// When it was their turn.
    pub created_at: Timestamp,
    /// When it got to where it stands.
    pub updated_at: Timestamp,
}

/// What a subscriber's page in the console shows.
#[derive(Clone, Debug)]
pub struct SubscriberPage {
    /// The frame.
    pub console: Console,
    /// Who.
    pub id: SubscriberId,
    /// Their address.
    pub email: String,
    /// Whether they are told.
    pub state: SubscriberState,
    /// How they are written to now.
    pub preferences: Preferences,
    /// How it is known that they want it.
    pub consent: String,
    /// When they first asked, confirmed, left: what of it there is.
    pub dates: Vec<(&'static str, Timestamp)>,
    /// Why nothing may be sent to them.
    pub suppression: Option<Suppression>,
    /// What is ticked.
    pub follows: FollowsForm,
    /// What is chosen.
    pub form: PreferencesForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
    /// All components.
    pub sections: Vec<Section>,
    /// The incidents they follow, with their titles.
    pub incidents: Vec<(IncidentId, String)>,
    /// The page's own time zone.
    pub page_zone: Option<Zone>,
    /// What they were sent, newest first.
    pub sent: Vec<SentRow>,
    /// Where what they were sent before that begins: an instant in milliseconds and an id.
    pub next: Option<(i64, String)>,
}

/// Draws the page.
pub fn page(model: &SubscriberPage) -> String {
    let place = format!("/admin/subscribers/{}", model.id);
    document(&model.console, &form_title(&model.email, &model.errors), || {
        view! {
            <p class="back"><a href="/admin/subscribers">"Subscribers"</a></p>
            <h1 dir="auto">{model.email.clone()}</h1>
            {facts(model)}
            {model.suppression.as_ref().map(|suppression| suppressed(suppression, &place))}
            {summary(&model.errors, &[("follows", ""), ("locale", "Language"), ("time_zone", "Time zone")])}
            {(model.state != SubscriberState::Unsubscribed).then(|| choices(model, &place))}
            {sent(model, &place)}
            <section aria-labelledby="parting">
                <h2 id="parting">"Parting"</h2>
                {(model.state != SubscriberState::Unsubscribed)
                    .then(|| {
                        danger(
                            "Unsubscribe",
                            "No more mail goes there. They can come back by subscribing on the page.".to_owned(),
                            format!("{place}/remove"),
                            "Unsubscribe",
                        )
                    })}
                <p><a href=format!("{place}/erase")>"Erase this person"</a></p>
            </section>
        }
    })
}

fn facts(model: &SubscriberPage) -> impl IntoView + use<> {
    let dates: Vec<_> = model
        .dates
        .iter()
        .map(|(what, at)| {
            view! {
                <dt>{*what}</dt>
                <dd>{dated(*at)}</dd>
            }
        })
        .collect();
    let zone = model.preferences.zone.as_ref().map_or_else(|| "the page’s".to_owned(), ToString::to_string);
    let written_to = format!("{}, time zone: {zone}", model.preferences.locale.label());
    view! {
        <dl class="glossary facts-list">
            <dt>"State"</dt>
            <dd>{model.state.label()}</dd>
            <dt>"Consent"</dt>
            <dd dir="auto">{model.consent.clone()}</dd>
            {dates}
            <dt>"Written to in"</dt>
            <dd>{written_to}</dd>
        </dl>
    }
}

fn suppressed(suppression: &Suppression, place: &str) -> impl IntoView + use<> {
    view! {
        <div class="box first" data-status="partial_outage">
            <h2>"Nothing is sent to this address"</h2>
            <p dir="auto">{sentence(&suppression.reason)}</p>
            <p class="hint">
                <span>"Since "</span>
                {dated(suppression.created_at)}
                {suppression.expires_at.map(|until| view! { <span>", until "</span> {dated(until)} })}
            </p>
            <form method="post" action=format!("{place}/release")>
                <button class="button quiet">"Allow mail again"</button>
            </form>
        </div>
    }
}

fn choices(model: &SubscriberPage, place: &str) -> impl IntoView + use<> {
    view! {
        <form class="box" method="post" action=place.to_owned()>
            {follows_fields("What they hear of", &model.follows, &model.sections, &model.incidents, &model.errors)}
            {preferences_fields(&model.form, model.page_zone.as_ref(), &model.errors)}
            <div class="actions"><button class="button">"Save"</button></div>
        </form>
    }
}

fn sent(model: &SubscriberPage, place: &str) -> impl IntoView + use<> {
    let rows: Vec<_> = model.sent.iter().map(message).collect();
    let nothing = rows.is_empty().then(|| view! { <p class="nothing">"Nothing yet."</p> });
    let older = model.next.as_ref().map(|(at, id)| {
        let fields = [("before", at.to_string()), ("id", id.clone())];
        view! {
            <nav class="pages" aria-label="Pages">
                <a class="button quiet" rel="next" href=format!("{}#sent", address(place, &fields))>"Older"</a>
            </nav>
        }
    });
    view! {
        <section aria-labelledby="sent">
            <h2 id="sent">"What they were sent"</h2>
            {nothing}
            {(!rows.is_empty()).then(|| view! { <ul class="rows">{rows}</ul> })}
            {older}
        </section>
    }
}

fn message(row: &SentRow) -> AnyView {
    let what = match &row.incident {
        Some(incident) => {
            view! { <a href=format!("/admin/incidents/{incident}") dir="auto">{row.what.clone()}</a> }.into_any()
        }
        None => view! { <span>{row.what.clone()}</span> }.into_any(),
    };
    let reason = (!row.reason.is_empty()).then(|| row.reason.clone());
    view! {
        <li>
            <div class="what">
                <p class="title">{what}</p>
                {reason.map(|reason| view! { <p class="hint" dir="auto">{reason}</p> })}
            </div>
            <p class="hint">{row.state.label()}</p>
            <p class="hint">{dated(row.updated_at)}</p>
        </li>
    }
    .into_any()
}

/// What the question before erasing shows.
#[derive(Clone, Debug)]
pub struct EraseSubscriber {
    /// The frame.
    pub console: Console,
    /// Who.
    pub id: SubscriberId,
    /// Their address.
    pub email: String,
}

/// Draws the question.
pub fn erase_page(model: &EraseSubscriber) -> String {
    let place = format!("/admin/subscribers/{}", model.id);
    document(&model.console, "Erase a person", || {
        view! {
            <p class="back"><a href=place.clone() dir="auto">{model.email.clone()}</a></p>
            <h1>"Erase this person?"</h1>
            <form class="box" method="post" action=format!("{place}/erase")>
                <p>
                    <span>"The address "</span>
                    <strong dir="auto">{model.email.clone()}</strong>
                    <span>
                        " goes from the list of subscribers, from everything they were sent, and from the suppressed addresses. This cannot be undone."
                    </span>
                </p>
                <ul class="consequences-list">
                    <li>"How many mails were sent stays counted, without the address."</li>
                    <li>
                        "A mark that cannot be read back keeps imports from bringing the person back. They may subscribe again themselves."
                    </li>
                    <li>
                        "The audit log never held the address. It keeps from which network the person confirmed or left, as the law allows for proof."
                    </li>
                    <li>"Backups, and mail captured on disk, are yours to clear."</li>
                </ul>
                <div class="actions">
                    <button class="button danger">"Erase for good"</button>
                    <a class="button quiet" href=place.clone()>"Keep"</a>
                </div>
            </form>
        }
    })
}
