//! What was reported in one month.

use domain::{incident::Incident, month::Month};
use jiff::Timestamp;
use leptos::prelude::*;

use crate::{
    components::{day_list, days_of, stale_notice},
    layout::{Head, public_page},
    site::{Freshness, Site},
};

/// What a month's page shows.
#[derive(Clone, Debug)]
pub struct History {
    /// The page itself.
    pub site: Site,
    /// When this was true, and whether it can be confirmed.
    pub freshness: Freshness,
    /// The present moment.
    pub now: Timestamp,
    /// Which month.
    pub month: Month,
    /// The incidents that began in it, newest first.
    pub incidents: Vec<Incident>,
    /// The month before, unless history begins with this one.
    pub previous: Option<Month>,
    /// The month after, unless it is yet to come.
    pub next: Option<Month>,
}

/// Draws a month's page.
pub fn page(model: &History) -> String {
    let month = model.month.title();
    let title = format!("Incidents in {month}");
    let description = match model.incidents.len() {
        0 => format!("Nothing was reported in {month}."),
        1 => format!("One incident was reported in {month}."),
        count => format!("{count} incidents were reported in {month}."),
    };
    let address = format!("/history/{}", model.month);
    let head = Head { live: Some(model.freshness), ..Head::public(&title, &description, &address) };
    public_page(&model.site, head, || {
        view! {
            <section class="history">
                <header>
                    <h1>{title.clone()}</h1>
                    {stale_notice(model.freshness, model.now)}
                    <h2 class="description">{description.clone()}</h2>
                </header>
                {(!model.incidents.is_empty()).then(|| day_list(days_of(&model.incidents), model.now))}
                {months(model)}
            </section>
        }
    })
}

/// The way to the months around.
fn months(model: &History) -> impl IntoView + use<> {
    let link = |month: Option<Month>, rel: &'static str| {
        month.map(|month| {
            view! {
                <li>
                    <a rel=rel href=format!("/history/{month}")>{month.title()}</a>
                </li>
            }
        })
    };
    let is_alone = model.previous.is_none() && model.next.is_none();
    (!is_alone).then(|| {
        view! {
            <nav class="months" aria-label="Months">
                <ul>
                    {link(model.previous, "prev")}
                    {link(model.next, "next")}
                </ul>
            </nav>
        }
    })
}
