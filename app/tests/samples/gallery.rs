//! Every public page in many states.

use app::{
    pages::{component, confirm, error, history, home, incident, manage, sent, subscribe, unsubscribe},
    site::{Freshness, Site},
};
use domain::{
    forms::{FieldErrors, Fields, PreferencesForm, SubscribeForm},
    status::ComponentStatus,
    subscriber::Follows,
};

use super as samples;

/// Name and document of each.
pub(crate) fn pages() -> Vec<(&'static str, String)> {
    let mut pages = homes();
    pages.extend(incidents());
    pages.extend(months());
    pages.extend(components());
    pages.extend(subscriptions());
    pages.extend(letters());
    pages
}

fn homes() -> Vec<(&'static str, String)> {
    let fine = samples::fine();
    let stale = home::Home { freshness: Freshness::Stale(samples::ago(12)), ..samples::outage() };
    let monitoring = home::Home { open: vec![samples::api_errors()], ..fine.clone() };
    let mut statuses = [ComponentStatus::Operational; 6];
    statuses[2] = ComponentStatus::UnderMaintenance;
    let maintenance = home::Home { sections: samples::components(statuses), ..fine.clone() };
    let empty = home::Home { sections: vec![], past: vec![], ..fine.clone() };
    vec![
        ("home-fine", home::page(&fine)),
        ("home-outage", home::page(&samples::outage())),
        ("home-stale", home::page(&stale)),
        ("home-open-but-operational", home::page(&monitoring)),
        ("home-maintenance", home::page(&maintenance)),
        ("home-empty", home::page(&empty)),
        ("home-large", home::page(&samples::large(500))),
        ("home-long-names", home::page(&long_names())),
        ("home-rtl", home::page(&rtl())),
    ]
}

fn long_names() -> home::Home {
    let long = "A name of three hundred characters that somebody pasted here ".repeat(5)[..300].to_owned();
    let unbroken = "Unbroken".repeat(37);
    let mut home = samples::outage();
    home.site.name.clone_from(&long);
    for section in &mut home.sections {
        if let Some(group) = &mut section.group {
            group.name.clone_from(&long);
        }
        for component in &mut section.components {
            component.name.clone_from(&unbroken);
            component.description.clone_from(&long);
        }
    }
    for incident in &mut home.open {
        incident.name.clone_from(&unbroken);
        for change in incident.updates.iter_mut().flat_map(|update| &mut update.components) {
            change.name.clone_from(&long);
        }
    }
    home.past[0].name = long;
    home
}

fn rtl() -> home::Home {
    let mut home = samples::outage();
    home.site = Site { name: "מצב השירות".into(), ..home.site };
    home.sections[1].components[0].name = "ממשק תכנות".into();
    home.sections[1].components[0].description = "כל האזורים".into();
    home.open[0].name = "שגיאות בממשק התכנות (API)".into();
    home.open[0].updates[0].body = "שינוי במטמון הקצה גורם לשגיאות. אנחנו **מחזירים** את הגרסה הקודמת.".into();
    home.open.truncate(1);
    home
}

fn incidents() -> Vec<(&'static str, String)> {
    let open = samples::incident_page(samples::api_errors());
    let stale = incident::IncidentPage { freshness: Freshness::Stale(samples::ago(12)), ..open.clone() };
    let [long, ..] = &long_names().open[..] else { return vec![] };
    vec![
        ("incident-open", incident::page(&open)),
        ("incident-resolved", incident::page(&samples::incident_page(samples::reopened()))),
        ("incident-stale", incident::page(&stale)),
        ("incident-long-names", incident::page(&samples::incident_page(long.clone()))),
    ]
}

fn months() -> Vec<(&'static str, String)> {
    let month = samples::month();
    let empty = history::History { incidents: vec![], next: month.month.next(), ..month.clone() };
    let stale = history::History { freshness: Freshness::Stale(samples::ago(12)), ..month.clone() };
    let long = history::History { incidents: long_names().open, ..month.clone() };
    vec![
        ("history", history::page(&month)),
        ("history-empty", history::page(&empty)),
        ("history-stale", history::page(&stale)),
        ("history-long-names", history::page(&long)),
    ]
}

fn components() -> Vec<(&'static str, String)> {
    let fine = samples::component_page();
    let mut broken = component::ComponentPage { open: vec![samples::api_errors()], past: vec![], ..fine.clone() };
    broken.component.status = ComponentStatus::MajorOutage;
    let stale = component::ComponentPage { freshness: Freshness::Stale(samples::ago(12)), ..fine.clone() };
    let long = &long_names().sections[1];
    let [first, ..] = &long.components[..] else { return vec![] };
    let long = component::ComponentPage { component: first.clone(), group: long.group.clone(), ..fine.clone() };
    vec![
        ("component", component::page(&fine)),
        ("component-broken", component::page(&broken)),
        ("component-stale", component::page(&stale)),
        ("component-long-names", component::page(&long)),
    ]
}

fn subscriptions() -> Vec<(&'static str, String)> {
    let new = subscribe::SubscribePage {
        site: samples::site(),
        sections: samples::fine().sections,
        form: SubscribeForm::default(),
        errors: FieldErrors::default(),
        incident: None,
    };
    let broken = samples::api_errors();
    let from_incident = subscribe::SubscribePage { incident: Some((broken.id.clone(), broken.name)), ..new.clone() };
    let form = SubscribeForm::from_fields(&Fields(vec![("email".into(), "reader@example".into())]));
    let errors = form.parse(&[], &[]).unwrap_err();
    let failed = subscribe::SubscribePage { form, errors, ..new.clone() };
    let component = new.sections[1].components[0].id.clone();
    let managed = manage::Manage {
        site: samples::site(),
        token: "token".into(),
        email: "reader@example.com".into(),
        is_active: true,
        sections: new.sections.clone(),
        follows: (&Follows {
            components: [component].into(),
            incidents: [broken.id.clone()].into(),
            ..Follows::default()
        })
            .into(),
        preferences: PreferencesForm { locale: "de".into(), time_zone: "Europe/Berlin".into() },
        page_zone: "America/New_York".parse().ok(),
        incidents: vec![(broken.id, "Elevated API errors".into())],
        saved: true,
        errors: FieldErrors::default(),
    };
    vec![
        ("subscribe-new", subscribe::page(&new)),
        ("subscribe-incident", subscribe::page(&from_incident)),
        ("subscribe-failed", subscribe::page(&failed)),
        ("manage", manage::page(&managed)),
    ]
}

fn letters() -> Vec<(&'static str, String)> {
    let confirm = |state| confirm::Confirm {
        site: samples::site(),
        token: "token".into(),
        state,
        manage_token: Some("token".into()),
    };
    let leave = |done, invalid| unsubscribe::Unsubscribe {
        site: samples::site(),
        token: "token".into(),
        done,
        invalid,
        manage_token: Some("token".into()),
    };
    let wrong = |status, title: &str, detail: &str, id: Option<&str>| error::ErrorPage {
        site: samples::site(),
        status,
        title: title.into(),
        detail: detail.into(),
        id: id.map(Into::into),
    };
    let sent = sent::SubscribeSent { site: samples::site(), email: "reader@example.com".into() };
    let lost = wrong(404, "There is no such page", "The address may have a mistake, or what stood here is gone.", None);
    let broken = wrong(500, "Something broke on our side", "Try again in a minute. We have been told.", Some("7k2m9x"));
    vec![
        ("sent", sent::page(&sent)),
        ("confirm-ask", confirm::page(&confirm(confirm::ConfirmState::Ask))),
        ("confirm-done", confirm::page(&confirm(confirm::ConfirmState::Done))),
        ("confirm-invalid", confirm::page(&confirm(confirm::ConfirmState::Invalid))),
        ("unsubscribe-ask", unsubscribe::page(&leave(false, false))),
        ("unsubscribe-done", unsubscribe::page(&leave(true, false))),
        ("unsubscribe-invalid", unsubscribe::page(&leave(false, true))),
        ("error-404", error::page(&lost)),
        ("error-500", error::page(&broken)),
    ]
}
