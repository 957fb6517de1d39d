//! One incident with everything said about it, newest first.

use domain::{
    incident::{Incident, Standing, step},
    markdown,
    status::IncidentStatus,
    time::{full, utc_date},
};
use jiff::Timestamp;
use leptos::prelude::*;

use crate::{
    components::{duration, impact_mark, promise, stale_notice, standing_list, timestamp, update_entry},
    layout::{Head, public_page},
    site::{Freshness, Site},
};

/// What an incident's page shows.
#[derive(Clone, Debug)]
pub struct IncidentPage {
    /// The page itself.
    pub site: Site,
    /// When this was true, and whether it can be confirmed.
    pub freshness: Freshness,
    /// The present moment.
    pub now: Timestamp,
    /// The incident.
    pub incident: Incident,
}

/// Draws an incident's page.
pub fn page(model: &IncidentPage) -> String {
    let incident = &model.incident;
    let address = format!("/incidents/{}", incident.id);
    let description = incident.newest().map(|newest| {
        let excerpt = markdown::excerpt(&newest.body, 200);
        let status = if newest.is_kept() { newest.status.label() } else { "Removed" };
        format!("{status}, {}: {excerpt}", full(newest.display_at))
    });
    let description = description.unwrap_or_default();
    let changed_at = incident.updates.iter().map(|update| update.updated_at).fold(incident.updated_at, Timestamp::max);
    let article = incident.standing().map(|standing| (standing.started_at, changed_at));
    let head = Head { live: Some(model.freshness), article, ..Head::public(&incident.name, &description, &address) };
    public_page(&model.site, head, || {
        view! {
            <article class="incident">
                {heading(model)}
                {timeline(incident, model.now)}
                {postmortem(incident, model.now)}
            </article>
        }
    })
}

fn heading(model: &IncidentPage) -> impl IntoView + use<> {
    let incident = &model.incident;
    let affected = incident.affected();
    let is_stale = model.freshness.is_stale();
    let standing = incident.standing();
    let is_over = standing.is_some_and(|standing| standing.resolved_at.is_some());
    view! {
        <header data-over=is_over.then_some("")>
            <p class="facts">
                <strong>{standing.map(|standing| standing.status.label())}</strong>
                {impact_mark(incident.impact())}
                <span>
                    {standing.map(|standing| duration(standing.started_at, standing.resolved_at, model.now))}
                </span>
            </p>
            <h1 dir="auto">{incident.name.clone()}</h1>
            {standing.map(|standing| span(standing, model.now))}
            {incident.promised().map(|at| promise(at, model.now))}
            {stale_notice(model.freshness, model.now)}
            {(!affected.is_empty())
                .then(|| {
                    view! {
                        <section aria-labelledby="affected">
                            <h2 id="affected">"Affected"</h2>
                            {standing_list(affected, is_stale)}
                        </section>
                    }
                })}
            {follow(model)}
            {incident
                .postmortem()
                .map(|_| {
                    view! {
                        <ul class="actions">
                            <li><a class="button quiet" href=format!("/postmortems/{}", incident.id)>"Read the postmortem"</a></li>
                        </ul>
                    }
                })}
        </header>
    }
}

/// From when to when.
fn span(standing: Standing, now: Timestamp) -> impl IntoView {
    let end = standing.resolved_at.map(|at| {
        view! {
            <div>
                <dt>"Resolved"</dt>
                <dd>{timestamp(at, now)}</dd>
            </div>
        }
    });
    view! {
        <dl class="span">
            <div>
                <dt>"Started"</dt>
                <dd>{timestamp(standing.started_at, now)}</dd>
            </div>
            {end}
        </dl>
    }
}

fn follow(model: &IncidentPage) -> Option<impl IntoView + use<>> {
    let is_open = model.incident.standing().is_some_and(|standing| standing.resolved_at.is_none());
    let address = format!("/subscribe?incident={}", model.incident.id);
    is_open.then(|| {
        view! {
            <ul class="actions">
                <li><a class="button" href=address>"Follow this incident by mail"</a></li>
                <li><a href="/updates.atom">"Atom"</a></li>
                <li><a href="/updates.rss">"RSS"</a></li>
            </ul>
        }
    })
}

fn timeline(incident: &Incident, now: Timestamp) -> impl IntoView + use<> {
    let entries: Vec<_> = incident
        .updates
        .iter()
        .enumerate()
        .filter(|(_, update)| !(update.is_kept() && update.status == IncidentStatus::Postmortem))
        .map(|(place, update)| {
            // Newest first, so what stood before an update is behind it.
            let before = incident.updates.iter().skip(place + 1).find(|before| before.is_kept());
            update_entry(update, step(before.map(|before| before.status), update.status), now)
        })
        .collect();
    view! {
        <section aria-label="Updates, newest first">
            <ol class="timeline">{entries}</ol>
        </section>
    }
}

/// `Postmortem, 24 Nov: what happened and what…`, which leads to the whole of it.
fn postmortem(incident: &Incident, now: Timestamp) -> Option<impl IntoView + use<>> {
    let update = incident.postmortem()?;
    let date = utc_date(update.display_at);
    let form = if date.year() == utc_date(now).year() { "%-d %b" } else { "%-d %b %Y" };
    let title = format!("Postmortem, {}:", date.strftime(form));
    let address = format!("/postmortems/{}", incident.id);
    Some(view! {
        <p class="to-postmortem" id=format!("update-{}", update.id)>
            <a href=address>
                <strong>{title}</strong>
                <span dir="auto">{markdown::excerpt(&update.body, 140)}</span>
            </a>
        </p>
    })
}
