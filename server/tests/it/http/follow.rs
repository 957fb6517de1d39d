//! Following one incident, and asking for more than one has.

use domain::{ids::SubscriberId, token::Purpose};
use jiff::SignedDuration;
use server::actions::subscriptions;

use super::subscribe::{EVERYTHING, ask, letter};
use crate::support::{
    app::{TestApp, served_on_both},
    form::Form,
};

served_on_both!(
    a_stranger_follows_one_incident_and_hears_of_no_other,
    whoever_is_active_gets_what_they_ask_for_once_they_follow_the_link,
);

async fn a_stranger_follows_one_incident_and_hears_of_no_other(app: TestApp) {
    let (owner, reader) = (app.owner().await, app.visitor());
    let (id, other) = (Form::incident("Slow").open(&owner).await, Form::incident("Down").open(&owner).await);
    let offer = reader.get(&format!("/incidents/{id}")).await;
    let address = format!("/subscribe?incident={id}");
    offer.is(200).says(&format!("href=\"{address}\"")).says("Follow this incident by mail");
    let form = reader.get(&address).await;
    form.is(200)
        .says(&format!("value=\"{id}\" checked"))
        .never_says("id=\"everything\" name=\"everything\" value=\"1\" checked");
    ask(&reader, "reader@example.com", ("incident", &id)).await.is(200).says("Check your inbox");
    reader.post(&letter(&app, 1).await.path("confirm"), &[]).await.is(200).says("You are subscribed");
    let tell = |body: &str| Form::update("identified", body).with("notify", "yes");
    tell("Not for them.").say(&owner, &other).await;
    tell("For them.").say(&owner, &id).await;
    let mail = letter(&app, 2).await;
    assert!(mail.subject.contains("Slow"), "{}", mail.subject);
    // They see what they follow, and can drop it for something else.
    let manage = mail.path("manage");
    reader.get(&manage).await.is(200).says("Slow").says(&format!("value=\"{id}\" checked")).never_says("Down");
    reader.post(&manage, &[("everything", "1")]).await.is(200).says("Your choice is saved.").never_says(&id);
    // An incident that does not exist cannot be followed.
    reader.get("/subscribe?incident=000000000000").await.is(200).says("value=\"1\" checked").never_says("000000000000");
    ask(&reader, "other@example.com", ("incident", "000000000000"))
        .await
        .is(422)
        .says("Choose what you want to hear of.");
}

async fn whoever_is_active_gets_what_they_ask_for_once_they_follow_the_link(app: TestApp) {
    let (api, web) = (app.component("API").await, app.component("Website").await);
    let (owner, reader) = (app.owner().await, app.visitor());
    let id = Form::incident("Slow").open(&owner).await;
    ask(&reader, "reader@example.com", ("component", api.as_str())).await.is(200);
    reader.post(&letter(&app, 1).await.path("confirm"), &[]).await.is(200);
    let follows = async || app.state.store.subscriber(SubscriberId(1)).await.unwrap().unwrap().follows;
    let before = follows().await;

    // On the same day: the last letter was followed, so they are there.
    ask(&reader, "reader@example.com", ("incident", &id)).await.is(200).says("Check your inbox");
    ask(&reader, "reader@example.com", ("component", web.as_str())).await.is(200).says("Check your inbox");
    assert_eq!(follows().await, before, "typing an address changed it");
    let confirm = letter(&app, 2).await.path("confirm");
    app.state.clock.advance(SignedDuration::from_hours(1));
    reader.get(&confirm).await.is(200).says("Confirm subscription");
    assert_eq!(follows().await, before, "a GET changed it");
    for _ in 0..2 {
        reader.post(&confirm, &[]).await.is(200).says("You are subscribed");
    }
    let after = follows().await;
    assert!(after.components.contains(&api) && after.components.contains(&web), "{after:?}");
    assert!(after.incidents.contains(&id.parse().unwrap()) && !after.everything, "{after:?}");
    assert_eq!(app.letters(2).await.len(), 2);

    // Whoever leaves takes back what they asked for.
    ask(&reader, "reader@example.com", EVERYTHING).await.is(200);
    let third = letter(&app, 3).await;
    let asked = app.state.store.subscriber(SubscriberId(1)).await.unwrap().unwrap();
    let leave = subscriptions::link(&app.state, Purpose::Unsubscribe, &asked);
    reader.post(&format!("/unsubscribe/{leave}"), &[]).await.is(200).says("You are unsubscribed");
    reader.post(&third.path("confirm"), &[]).await.is(410);
    assert_eq!(app.state.store.wish(SubscriberId(1)).await.unwrap(), None);
    assert!(!follows().await.everything);
}
