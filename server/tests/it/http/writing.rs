//! What helps while writing: drafts, templates, the look before publishing, and forms that could not be saved.

use domain::{email_address::EmailAddress, ids::ComponentId, subscriber::Follows};
use server::actions::accounts;

use crate::support::{
    app::{PASSWORD, TestApp, served_on_both},
    client::Client,
    form::Form,
};

served_on_both!(
    what_was_typed_comes_back_to_its_author_until_it_is_published,
    a_template_fills_the_form_and_asks_before_it_replaces_words,
    a_form_that_cannot_be_saved_comes_back_with_all_that_was_typed,
);

/// A second person at the console.
async fn colleague(app: &TestApp) -> Client {
    let email: EmailAddress = "maria@example.com".parse().unwrap();
    accounts::create_owner(&app.state.store, &app.state.clock, &email, Some(PASSWORD.to_owned())).await.unwrap();
    let client = app.visitor();
    client.post("/admin/sign-in", &[("email", "maria@example.com"), ("password", PASSWORD)]).await.is(303);
    client
}

async fn what_was_typed_comes_back_to_its_author_until_it_is_published(app: TestApp) {
    let api = app.component("API").await;
    let owner = app.owner().await;
    let maria = colleague(&app).await;
    let id = Form::incident("Slow").open(&owner).await;
    let (page, draft) = (format!("/admin/incidents/{id}"), format!("/admin/drafts/{id}"));
    owner.get(&page).await.never_says("Draft from");

    let form = Form::update("identified", "Half a <sentence").listing(&api, "major_outage").with("notify", "yes");
    let kept = form.post(&owner, &draft).await;
    kept.is(200).says("UTC\"").says("owner@example.com posted Investigating");
    let restored = owner.get(&page).await;
    restored.says("Draft from").says("Half a &lt;sentence</textarea>").says("value=\"major_outage\" selected");
    maria.get(&page).await.never_says("Half a");
    maria.get(&format!("{draft}/mail")).await.is(404);

    // Without a script there is a button.
    let form = form.with("body", "A whole sentence.").with("intent", "draft");
    assert_eq!(form.post(&owner, &page).await.is(303).location(), page);
    owner.get(&page).await.says("A whole sentence.</textarea>").says("The draft is kept.");

    // A colleague posts meanwhile: their words are shown, ours are kept, and nothing is published over them.
    let seen = form.post(&owner, &draft).await;
    Form::update("identified", "Found by Maria.").say(&maria, &id).await;
    let news = owner.get(&draft).await;
    news.is(200).says("maria@example.com posted Identified");
    assert_ne!(news.body.split("newest").nth(1), seen.body.split("newest").nth(1));

    form.clone().with("intent", "publish").with("notify", "no").say(&owner, &id).await;
    owner.get(&page).await.never_says("Draft from");
    // What was still on its way when it was published does not bring it back.
    form.post(&owner, &draft).await.is(200).says("\"saved\":\"\"");
    owner.get(&page).await.never_says("Draft from");

    // Thrown away.
    let form = Form::incident("New trouble");
    form.post(&owner, "/admin/drafts/new").await.is(200);
    owner.get("/admin/incidents/new").await.says("Draft from").says("value=\"New trouble\"");
    owner.post("/admin/drafts/new/discard", &[]).await.is(303);
    owner.get("/admin/incidents/new").await.never_says("New trouble");
    form.post(&owner, "/admin/drafts/nonsense").await.is(404);
    form.post(&owner, "/admin/drafts/000000000000").await.is(404);
}

async fn a_template_fills_the_form_and_asks_before_it_replaces_words(app: TestApp) {
    let api = app.component("API").await;
    let owner = app.owner().await;
    owner.get("/admin/templates").await.is(200).says("There are no templates yet.");
    let listed = format!("component.{api}");
    let fields = [
        ("name", "Database"),
        ("title", "Slow database"),
        ("status", "identified"),
        ("body", "Queries are **slow**."),
        (listed.as_str(), "partial_outage"),
    ];
    owner.post("/admin/templates/new", &fields).await.is(303);
    owner.post("/admin/templates/new", &fields).await.is(422).says("Another template is called so").says("Queries are");
    owner.post("/admin/templates/new", &[("name", "")]).await.is(422).says("Write something here");
    let list = owner.get("/admin/templates").await;
    let id =
        list.says("Database").body.split("/admin/templates/").find_map(|rest| rest.split('"').next()?.parse().ok());
    let id: domain::ids::TemplateId = id.unwrap();
    owner.get(&format!("/admin/templates/{id}")).await.is(200).says("Queries are **slow**.</textarea>");

    let filled = owner.get(&format!("/admin/incidents/new?template={id}")).await;
    filled.says("value=\"Slow database\"").says("Queries are **slow**.</textarea>");
    filled.says("value=\"partial_outage\" selected");
    assert!(filled.body.contains("id=\"status-identified\" name=\"status\" value=\"identified\" checked"));

    let template = id.to_string();
    let form = Form::incident("").with("body", "My own words.").with("template", &template).with("intent", "template");
    let asked = form.post(&owner, "/admin/incidents/new").await;
    asked.is(200).says("would replace the words you typed").says("My own words.</textarea>").never_says("**slow**");
    let sure = form.with("intent", "replace").post(&owner, "/admin/incidents/new").await;
    sure.is(200).says("Queries are **slow**.</textarea>").never_says("My own words.");

    // In an update too; a draft is never replaced without asking.
    let incident = Form::incident("Slow").open(&owner).await;
    let page = format!("/admin/incidents/{incident}?template={id}");
    owner.get(&page).await.says("Queries are **slow**.</textarea>");
    Form::update("identified", "Mine.").post(&owner, &format!("/admin/drafts/{incident}")).await.is(200);
    owner.get(&page).await.says("Mine.</textarea>").says("Discard and use “Database”");
    let discarded = owner.post(&format!("/admin/drafts/{incident}/discard"), &[("template", &template)]).await;
    assert_eq!(discarded.is(303).location(), page);
    owner.get(&page).await.says("Queries are **slow**.</textarea>").never_says("Mine.");

    owner.post(&format!("/admin/templates/{id}/delete"), &[]).await.is(303);
    owner.get(&format!("/admin/templates/{id}")).await.is(404);
    owner.get(&page).await.is(404);
}

async fn a_form_that_cannot_be_saved_comes_back_with_all_that_was_typed(app: TestApp) {
    let api = app.component("API").await;
    let owner = app.owner().await;
    let id = Form::incident("Slow").open(&owner).await;
    let form = Form::update("identified", "Kept & <typed> words").listing(&api, "major_outage").with("key", "the-key");
    app.state.store.close().await;
    let answer = form.post(&owner, &format!("/admin/incidents/{id}")).await;
    answer.is(503).says("It could not be saved just now").says("Kept &amp; &lt;typed&gt; words");
    answer.says(&format!("action=\"/admin/incidents/{id}\"")).says("value=\"the-key\"").says("value=\"publish\"");
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = owner.post("/admin/account/password", &[("current", "a secret"), ("new", "another secret")]).await;
    answer.is(503).never_says("secret");
}

#[tokio::test]
async fn a_review_shows_the_mail_who_gets_it_and_what_holds_it() {
    let app = TestApp::start().await;
    let (api, web) = (app.component("API").await, app.component("Website").await);
    let only = |id: &ComponentId| Follows { components: [id.clone()].into(), ..Follows::default() };
    app.followers(&["a@example.com", "b@example.com"], &Follows::everything()).await;
    app.followers(&["c@example.com"], &only(&api)).await;
    app.followers(&["d@example.com"], &only(&web)).await;
    let owner = app.owner().await;
    let form = Form::incident("Elevated API errors").listing(&api, "major_outage").with("notify", "yes");
    let form = form.with("body", "Requests **fail**.").with("intent", "review");
    let review = form.post(&owner, "/admin/incidents/new").await;
    review.is(200).says("They follow: everything 2 · components 1").says("[Status] Elevated API errors");
    review.says("src=\"/admin/drafts/new/mail?locale=en&amp;time_zone=\" sandbox=\"\"");
    let mail = owner.get("/admin/drafts/new/mail").await;
    mail.is(200).says("<strong>fail</strong>").says("API");
    assert!(mail.header("content-security-policy").contains("default-src 'none'"));
    assert!(mail.header("content-security-policy").contains("sandbox"));
    assert!(app.captured().is_empty());
    app.visitor().get("/").await.never_says("Elevated API errors");
    form.with("notify", "no").post(&owner, "/admin/incidents/new").await.is(200).never_says("The mail as it will look");
}
