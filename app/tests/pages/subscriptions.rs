//! What readers can see of their subscription.

use app::pages::{challenge, manage, subscribe};
use domain::{
    forms::{FieldErrors, Fields, PreferencesForm, SubscribeForm},
    subscriber::Follows,
};

use super::{
    samples::{api_errors, fine, site},
    tags,
};

pub(super) fn subscribe_page(fields: &[(&str, &str)], errors: FieldErrors) -> subscribe::SubscribePage {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let form = SubscribeForm::from_fields(&Fields(fields));
    subscribe::SubscribePage { site: site(), sections: fine().sections, form, errors, incident: None }
}

fn is_ticked(html: &str, id: &str) -> bool {
    tags(html).any(|tag| tag.contains(&format!("id=\"{id}\"")) && tag.contains(" checked"))
}

#[test]
fn a_failed_form_keeps_what_was_typed_and_says_what_is_wrong() {
    let api = fine().sections[1].components[0].id.clone();
    let errors = FieldErrors::one("email", "check the part after the @");
    let html = subscribe::page(&subscribe_page(&[("email", "reader@"), ("component", api.as_str())], errors));
    assert!(html.contains("value=\"reader@\""), "{html}");
    assert!(is_ticked(&html, &format!("component-{api}")) && !is_ticked(&html, "everything"));
    assert!(html.contains("<a href=\"#email\">Check the part after the @"));
    assert!(html.contains("aria-describedby=\"email-error\"") && html.contains("id=\"email-error\""));
    assert!(html.contains("<title>Not saved yet: Subscribe"));
}

#[test]
fn a_form_that_chose_nothing_is_not_ticked_behind_the_readers_back() {
    let errors = FieldErrors::one("follows", "choose what you want to hear of");
    let html = subscribe::page(&subscribe_page(&[("email", "reader@example.com")], errors));
    assert!(!is_ticked(&html, "everything"));
    assert!(html.contains("<a href=\"#follows\">Choose what you want to hear of."));
}

#[test]
fn a_new_form_suggests_everything_or_the_incident_the_reader_comes_from() {
    let new = subscribe_page(&[], FieldErrors::default());
    assert!(is_ticked(&subscribe::page(&new), "everything"));
    let id = api_errors().id;
    let from_incident = subscribe::SubscribePage { incident: Some((id.clone(), "Elevated API errors".into())), ..new };
    let html = subscribe::page(&from_incident);
    assert!(is_ticked(&html, &format!("incident-{id}")) && !is_ticked(&html, "everything"));
}

#[test]
fn a_subscriber_sees_what_they_chose_and_can_leave() {
    let api = fine().sections[1].components[0].id.clone();
    let html = manage::page(&manage::Manage {
        site: site(),
        token: "secret".into(),
        email: "reader@example.com".into(),
        is_active: true,
        sections: fine().sections,
        follows: (&Follows { components: [api.clone()].into(), ..Follows::default() }).into(),
        preferences: PreferencesForm { locale: "fr".into(), time_zone: "Asia/Taipei".into() },
        page_zone: None,
        incidents: vec![],
        saved: true,
        errors: FieldErrors::default(),
    });
    assert!(is_ticked(&html, &format!("component-{api}")) && !is_ticked(&html, "everything"));
    assert!(html.contains("action=\"/manage/secret\"") && html.contains("action=\"/unsubscribe/secret\""));
    assert!(html.contains("role=\"status\"") && html.contains("reader@example.com"));
    let chosen = ["value=\"fr\" lang=\"fr\" selected>Français<", "value=\"Asia/Taipei\" selected>Taipei<"];
    assert!(chosen.iter().all(|chosen| html.contains(chosen)) && html.matches(" selected>").count() == 2, "{html}");
    assert!(html.contains("<optgroup label=\"Asia\">") && html.contains("<option value=\"\">UTC</option>"), "{html}");
    assert!(html.contains("<meta name=\"robots\" content=\"noindex\">") && !html.contains("rel=\"canonical\""));
}

#[test]
fn who_left_is_offered_the_way_back_and_no_choices() {
    let html = manage::page(&manage::Manage {
        site: site(),
        token: "secret".into(),
        email: "reader@example.com".into(),
        is_active: false,
        sections: fine().sections,
        follows: (&Follows::everything()).into(),
        preferences: PreferencesForm::default(),
        page_zone: None,
        incidents: vec![],
        saved: false,
        errors: FieldErrors::default(),
    });
    assert!(html.contains("<h1>You are not subscribed</h1>") && html.contains("href=\"/subscribe\""));
    assert!(!html.contains("<form"), "{html}");
}

#[test]
fn a_request_that_is_kept_says_so_without_a_script_and_offers_no_button_that_does_nothing() {
    let model = |has_failed| challenge::ChallengePage {
        site: site(),
        email: "reader@example.com".into(),
        asked: challenge::Asked::Subscription,
        challenge: "AQEAAA".into(),
        difficulty: 16,
        has_failed,
    };
    let html = challenge::page(&model(false));
    assert!(html.contains("<h1>Your request is kept</h1>") && html.contains("Without JavaScript"), "{html}");
    assert!(html.contains("/challenge.js\"></script>") && !html.contains("public.js"), "{html}");
    assert!(tags(&html).any(|tag| tag.starts_with("button") && tag.contains(" hidden")), "{html}");
    assert!(html.contains("data-difficulty=\"16\"") && !html.contains("data-failed"), "{html}");
    let again = challenge::page(&model(true));
    assert!(again.contains("data-failed") && again.contains("That did not work"), "{again}");
}
