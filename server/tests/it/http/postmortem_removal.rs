//! What is left of a postmortem when its update, or its incident, is taken back.

use domain::subscriber::Follows;

use crate::support::{
    app::{TestApp, served_on_both},
    client::Client,
    form::Form,
};

served_on_both!(
    a_removed_incident_takes_its_draft_along,
    a_removed_incident_takes_its_published_postmortem_along,
    a_removed_postmortem_is_a_draft_again,
    reviewers_of_a_postmortem_do_not_see_what_becomes_of_it_once_it_is_removed,
);

/// An incident that is over and of which nobody was mailed, or one person; and where its postmortem is written.
async fn over(app: &TestApp, owner: &Client, is_mailed: bool) -> (String, String) {
    let notify = if is_mailed { "yes" } else { "no" };
    let form = Form::incident("Customer X lost data").with("notify", notify);
    form.post(owner, "/admin/incidents/new").await.is(303);
    // Else the postmortem may take its place.
    app.all_sent().await;
    let id = app.state.store.open_incidents().await.unwrap()[0].id.to_string();
    Form::update("resolved", "Over.").say(owner, &id).await;
    let path = format!("/admin/incidents/{id}/postmortem");
    (id, path)
}

fn postmortem(intent: &str) -> Form {
    Form::postmortem(0, "A secret.").with("follow_up.0.text", "Page louder").with("intent", intent)
}

/// The link for reviewers that was made last.
async fn preview(owner: &Client, path: &str) -> String {
    let page = owner.get(path).await;
    let (_, link) = page.body.split_once("/postmortems/preview/").unwrap();
    format!("/postmortems/preview/{}", link.split('"').next().unwrap())
}

/// The incident is gone, or says no more than that it was; the rest of it is not there.
async fn is_gone(owner: &Client, visitor: &Client, id: &str, path: &str) {
    visitor.get(&format!("/postmortems/{id}")).await.is(404);
    owner.get(path).await.is(404);
    Form::postmortem(1, "Words.").post(owner, path).await.is(404);
    let list = owner.get("/admin/postmortems").await;
    list.is(200).never_says("Customer X").never_says("Page louder").never_says("Removed incident").never_says(path);
    for page in ["/", "/history", "/sitemap.xml", "/updates.atom"] {
        visitor.get(page).await.is(200).never_says("A secret.").never_says("/postmortems/");
    }
}

async fn a_removed_incident_takes_its_draft_along(app: TestApp) {
    app.followers(&["all@example.com"], &Follows::everything()).await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    for (is_mailed, left, letters) in [(false, 404, 0), (true, 200, 1)] {
        let (id, path) = over(&app, &owner, is_mailed).await;
        app.letters(letters).await;
        app.settle().await;
        postmortem("save").post(&owner, &path).await.is(303);
        owner.post(&format!("{path}/preview"), &[]).await.is(303);
        let link = preview(&owner, &path).await;
        visitor.get(&link).await.is(200).says("A secret.");
        owner.get(&format!("/admin/incidents/{id}/remove")).await.is(200);
        owner.post(&format!("/admin/incidents/{id}/remove"), &[]).await.is(303);
        visitor.get(&format!("/incidents/{id}")).await.is(left).never_says("Customer X");
        visitor.get(&link).await.is(404);
        is_gone(&owner, &visitor, &id, &path).await;
        assert_eq!(app.state.store.postmortem(&id.parse().unwrap()).await.unwrap(), None);
    }
}

async fn a_removed_incident_takes_its_published_postmortem_along(app: TestApp) {
    app.followers(&["all@example.com"], &Follows::everything()).await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    for (is_mailed, notify, left, letters) in [(false, "no", 404, 0), (true, "no", 200, 1), (true, "yes", 200, 3)] {
        let (id, path) = over(&app, &owner, is_mailed).await;
        postmortem("publish").with("notify", notify).post(&owner, &path).await.is(303);
        app.letters(letters).await;
        app.settle().await;
        visitor.get(&format!("/postmortems/{id}")).await.is(200).says("A secret.");
        owner.post(&format!("/admin/incidents/{id}/remove"), &[]).await.is(303);
        visitor.get(&format!("/incidents/{id}")).await.is(left).never_says("A secret.").never_says("ostmortem");
        is_gone(&owner, &visitor, &id, &path).await;
        assert_eq!(app.state.store.postmortem(&id.parse().unwrap()).await.unwrap(), None);
    }
}

async fn a_removed_postmortem_is_a_draft_again(app: TestApp) {
    app.followers(&["all@example.com"], &Follows::everything()).await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    for (is_mailed, notify, letters) in [(false, "no", 0), (true, "yes", 2)] {
        let (id, path) = over(&app, &owner, is_mailed).await;
        postmortem("publish").with("notify", notify).post(&owner, &path).await.is(303);
        app.letters(letters).await;
        app.settle().await;
        let incident = app.state.store.incident(&id.parse().unwrap()).await.unwrap().unwrap();
        let carrier = incident.postmortem().unwrap().id.clone();
        let remove = format!("/admin/incidents/{id}/updates/{carrier}/remove");
        owner.get(&remove).await.is(200);
        owner.post(&remove, &[]).await.is(303);
        visitor.get(&format!("/postmortems/{id}")).await.is(404);
        visitor.get(&format!("/incidents/{id}")).await.is(200).never_says("A secret.").never_says("/postmortems/");
        owner.get(&path).await.is(200).says("A secret.</textarea>").says("Page louder").says("Save draft");
        // Better words can take its place.
        Form::postmortem(1, "No secret.").with("intent", "publish").post(&owner, &path).await.is(303);
        visitor.get(&format!("/postmortems/{id}")).await.is(200).says("No secret.").never_says("A secret.");
    }
}

async fn reviewers_of_a_postmortem_do_not_see_what_becomes_of_it_once_it_is_removed(app: TestApp) {
    app.followers(&["all@example.com"], &Follows::everything()).await;
    let (owner, visitor) = (app.owner().await, app.visitor());
    for (is_mailed, notify, letters) in [(false, "no", 0), (true, "yes", 2)] {
        let (id, path) = over(&app, &owner, is_mailed).await;
        postmortem("save").post(&owner, &path).await.is(303);
        owner.post(&format!("{path}/preview"), &[]).await.is(303);
        let link = preview(&owner, &path).await;
        visitor.get(&link).await.is(200).says("A secret.");
        Form::postmortem(1, "A secret.")
            .with("intent", "publish")
            .with("notify", notify)
            .post(&owner, &path)
            .await
            .is(303);
        app.letters(letters).await;
        app.settle().await;
        assert_eq!(visitor.get(&link).await.is(303).location(), format!("/postmortems/{id}"));
        let incident = app.state.store.incident(&id.parse().unwrap()).await.unwrap().unwrap();
        let carrier = incident.postmortem().unwrap().id.clone();
        owner.post(&format!("/admin/incidents/{id}/updates/{carrier}/remove"), &[]).await.is(303);
        visitor.get(&link).await.is(404);
        // Who is to review it again gets another link.
        let other = preview(&owner, &path).await;
        assert_ne!(other, link);
        visitor.get(&other).await.is(200).says("A secret.");
    }
}
