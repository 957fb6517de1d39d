//! Components and groups, from their forms to the page.

use crate::support::app::{TestApp, served_on_both};

served_on_both!(components_and_groups_are_made_changed_and_removed);

async fn components_and_groups_are_made_changed_and_removed(app: TestApp) {
    let (owner, visitor) = (app.owner().await, app.visitor());
    visitor.get("/").await.says("Nothing is listed here yet");
    owner.get("/admin").await.is(200).says("/admin/components/new");
    let added = owner.post("/admin/groups/new", &[("name", "Platform"), ("position", "1")]).await;
    assert_eq!(added.is(303).location(), "/admin/components");
    owner.get("/admin/components").await.says("Platform was saved.").says("Platform");
    let group = app.state.store.groups().await.unwrap()[0].id.to_string();
    let fields = [
        ("name", "API"),
        ("description", "REST & webhooks"),
        ("status", "operational"),
        ("group", group.as_str()),
        ("position", "2"),
    ];
    owner.post("/admin/components/new", &fields).await.is(303);
    visitor.get("/").await.says("Platform").says("API").says("REST &amp; webhooks").says("All systems operational");

    let id = app.state.store.components().await.unwrap()[0].id.clone();
    let path = format!("/admin/components/{id}");
    let form = owner.get(&path).await;
    form.is(200)
        .says("value=\"API\"")
        .says("value=\"REST &amp; webhooks\"")
        .says(&format!("value=\"{group}\" selected"));
    let mut changed = fields;
    (changed[0].1, changed[2].1) = ("API v2", "degraded_performance");
    owner.post(&path, &changed).await.is(303);
    visitor.get("/").await.says("API v2").says("All systems are degraded");

    let group_path = format!("/admin/groups/{group}");
    owner.get(&group_path).await.is(200).says("value=\"Platform\"");
    owner.post(&group_path, &[("name", "Foundations"), ("position", "1")]).await.is(303);
    visitor.get("/").await.says("Foundations").never_says("Platform");
    owner.post(&format!("{group_path}/delete"), &[]).await.is(303);
    owner.get("/admin/components").await.says("its components stay");
    visitor.get("/").await.says("API v2").never_says("Foundations");

    owner.post(&format!("{path}/delete"), &[]).await.is(303);
    visitor.get("/").await.never_says("API v2");
    for path in [path.clone(), format!("{path}/delete"), group_path.clone(), format!("{group_path}/delete")] {
        owner.post(&path, &changed).await.is(404);
    }
}

#[tokio::test]
async fn a_form_that_is_not_right_comes_back_with_all_that_is_wrong_and_all_that_was_typed() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let fields =
        [("name", "  "), ("description", "Kept words"), ("status", "green"), ("group", "gone"), ("position", "first")];
    let answer = owner.post("/admin/components/new", &fields).await;
    answer
        .is(422)
        .says("Write something here.")
        .says("Choose one of the statuses.")
        .says("This group does not exist any more: choose another.")
        .says("Write a whole number from 0 to 1,000,000.")
        .says("value=\"Kept words\"")
        .says("value=\"first\"");
    let answer = owner.post("/admin/groups/new", &[("name", "Kept name"), ("position", "-1")]).await;
    answer.is(422).says("value=\"Kept name\"").says("value=\"-1\"").says("Write a whole number");
    app.visitor().get("/").await.never_says("Kept");
}

#[tokio::test]
async fn the_page_can_be_renamed() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.post("/admin/settings", &[("name", "  ")]).await.is(422);
    owner.post("/admin/settings", &[("name", "Acme & Sons")]).await.is(303);
    for path in ["/", "/subscribe", "/nowhere", "/history.atom"] {
        app.visitor().get(path).await.says("Acme &amp; Sons");
    }
    app.visitor().get("/updates.json").await.says("Acme & Sons");
}
