//! Incidents of the past: one line each, by the day on which they began.

use domain::{
    incident::{Incident, Update},
    markdown,
    status::IncidentStatus,
    time::{long_date, utc_date},
};
use jiff::{Timestamp, civil::Date};
use leptos::prelude::*;

use super::{duration, impact_mark};

/// How much of the newest word stands in a list.
const EXCERPT: usize = 200;

/// A day and what began on it, which may be nothing.
#[derive(Clone, Debug)]
pub struct Day<'a> {
    /// In UTC.
    pub date: Date,
    /// Newest first.
    pub incidents: Vec<&'a Incident>,
}

/// The days on which incidents began, as the incidents are given: newest first.
pub fn days_of(incidents: &[Incident]) -> Vec<Day<'_>> {
    let begun: Vec<_> = incidents.iter().filter_map(|it| Some((utc_date(it.standing()?.started_at), it))).collect();
    begun
        .chunk_by(|(a, _), (b, _)| a == b)
        .filter_map(|day| Some(Day { date: day.first()?.0, incidents: day.iter().map(|(_, it)| *it).collect() }))
        .collect()
}

/// The day of `now` and those before it, `count` in all, newest first, each with what began on it.
pub fn last_days(incidents: &[Incident], now: Timestamp, count: usize) -> Vec<Day<'_>> {
    let mut begun = days_of(incidents);
    let mut date = utc_date(now);
    let mut days = Vec::with_capacity(count);
    for _ in 0..count {
        let incidents = begun.iter_mut().find(|day| day.date == date).map(|day| std::mem::take(&mut day.incidents));
        days.push(Day { date, incidents: incidents.unwrap_or_default() });
        let Ok(yesterday) = date.yesterday() else { break };
        date = yesterday;
    }
    days
}

/// Days as a list. What is empty says so in words.
pub fn day_list(days: Vec<Day<'_>>, now: Timestamp) -> impl IntoView + use<> {
    let days: Vec<_> = days.into_iter().map(|day| day_entry(&day, now)).collect();
    view! { <ol class="days">{days}</ol> }
}

fn day_entry(day: &Day<'_>, now: Timestamp) -> impl IntoView + use<> {
    let content = if day.incidents.is_empty() {
        view! { <p class="none">"Nothing reported"</p> }.into_any()
    } else {
        incident_list(&day.incidents, now).into_any()
    };
    view! {
        <li class="day" id=format!("day-{}", day.date)>
            <h3>
                <time datetime=day.date.to_string()>{long_date(day.date)}</time>
            </h3>
            {content}
        </li>
    }
}

fn incident_list(incidents: &[&Incident], now: Timestamp) -> impl IntoView + use<> {
    let entries: Vec<_> = incidents.iter().filter_map(|incident| entry(incident, now)).collect();
    view! { <ul>{entries}</ul> }
}

fn entry(incident: &Incident, now: Timestamp) -> Option<impl IntoView + use<>> {
    let standing = incident.standing()?;
    // The postmortem is linked to; a few words of it tell less than the last update.
    let is_said = |update: &&Update| update.is_kept() && update.status != IncidentStatus::Postmortem;
    let newest = incident.updates.iter().find(is_said).or(incident.newest())?;
    let excerpt = markdown::excerpt(&newest.body, EXCERPT);
    Some(view! {
        <li>
            <h4 dir="auto">
                <a href=format!("/incidents/{}", incident.id)>{incident.name.clone()}</a>
            </h4>
            <p class="facts">
                <span>{standing.status.label()}</span>
                {impact_mark(incident.impact())}
                <span>{duration(standing.started_at, standing.resolved_at, now)}</span>
            </p>
            {(!excerpt.is_empty()).then(|| view! { <p class="excerpt" dir="auto">{excerpt}</p> })}
            {incident.postmortem().map(|_| to_postmortem(incident))}
        </li>
    })
}

fn to_postmortem(incident: &Incident) -> impl IntoView + use<> {
    view! {
        <p class="excerpt">
            <a href=format!("/postmortems/{}", incident.id)>
                <span>"Read the postmortem"</span>
                <span class="visually-hidden">{format!(" of {}", incident.name)}</span>
            </a>
        </p>
    }
}
