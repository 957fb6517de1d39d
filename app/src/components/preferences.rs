//! In which language and by which clock someone wants to be written to.

use domain::{
    forms::{FieldErrors, PreferencesForm},
    i18n::{Locale, Zone},
};
use leptos::prelude::*;

use super::field_error;

/// The lists `locale` and `time_zone`, as chosen; `page` is the page's own zone.
pub fn preferences_fields(form: &PreferencesForm, page: Option<&Zone>, errors: &FieldErrors) -> impl IntoView + use<> {
    let languages =
        Locale::ALL.iter().map(|locale| option(locale.as_str(), locale.label().to_owned(), &form.locale, *locale));
    let error = |field| (errors.get(field).map(str::to_owned), format!("{field}-error"));
    let ((locale_error, locale_id), (zone_error, zone_id)) = (error("locale"), error("time_zone"));
    let zone_ids = if zone_error.is_some() { "time_zone-error time_zone-hint" } else { "time_zone-hint" };
    view! {
        <div class="field">
            <label for="locale">"Language of the mails"</label>
            {field_error(locale_id.clone(), locale_error.as_deref())}
            <select
                id="locale"
                name="locale"
                aria-invalid=locale_error.as_ref().map(|_| "true")
                aria-describedby=locale_error.as_ref().map(|_| locale_id)
            >
                {languages.collect_view()}
            </select>
        </div>
        <div class="field">
            <label for="time_zone">"Time zone"</label>
            <p class="hint" id="time_zone-hint">"Mails give every time in UTC and by this clock."</p>
            {field_error(zone_id, zone_error.as_deref())}
            <select
                id="time_zone"
                name="time_zone"
                aria-invalid=zone_error.as_ref().map(|_| "true")
                aria-describedby=zone_ids
            >
                {zones(&form.time_zone, page)}
            </select>
        </div>
    }
}

/// Every zone under its region, so that a browser's own search finds a city by its first letters.
pub fn zones(chosen: &str, page: Option<&Zone>) -> impl IntoView + use<> {
    let page = page.filter(|zone| !zone.is_utc());
    let own = page.map_or_else(|| "UTC".to_owned(), |zone| format!("The page’s own: {zone}"));
    let regions = Zone::regions();
    let is_listed = chosen.is_empty() || chosen == "UTC" || regions.values().flatten().any(|name| name == chosen);
    let groups: Vec<_> = regions
        .iter()
        .map(|(region, names)| {
            let names = names.iter().map(|name| {
                let city = name.split_once('/').map_or(name.as_str(), |(_, city)| city).replace('_', " ");
                plain(name, city, chosen)
            });
            view! { <optgroup label=*region>{names.collect_view()}</optgroup> }
        })
        .collect();
    view! {
        {plain("", own, chosen)}
        {(page.is_some() || chosen == "UTC").then(|| plain("UTC", "UTC".to_owned(), chosen))}
        {(!is_listed).then(|| plain(chosen, chosen.to_owned(), chosen))}
        {groups}
    }
}

fn option(value: &'static str, label: String, chosen: &str, locale: Locale) -> impl IntoView + use<> {
    view! { <option value=value lang=locale.as_str() selected=value == chosen>{label}</option> }
}

fn plain(value: &str, label: String, chosen: &str) -> impl IntoView + use<> {
    view! { <option value=value.to_owned() selected=value == chosen>{label}</option> }
}
