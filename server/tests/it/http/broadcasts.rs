//! A broadcast on its way, as those see it who wait for it, leave it, or watch it.

use domain::{ids::SubscriberId, subscriber::Follows, token::Purpose};
use server::{actions::subscriptions, config::Settings, mail::outlook::Outlook};

use crate::support::{
    app::{TestApp, served_on_both},
    db::Database,
    form::Form,
    smtp::SmtpServer,
};

served_on_both!(narrowing_an_incident_leaves_nobody_without_its_end);

async fn narrowing_an_incident_leaves_nobody_without_its_end(app: TestApp) {
    let (api, web) = (app.component("API").await, app.component("Website").await);
    for (address, component) in [("api@example.com", &api), ("web@example.com", &web)] {
        let follows = Follows { components: [component.clone()].into(), ..Follows::default() };
        app.followers(&[address], &follows).await;
    }
    let owner = app.owner().await;
    let both = Form::incident("Slow").listing(&api, "major_outage").listing(&web, "major_outage");
    both.with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    app.letters(2).await;
    let id = app.state.store.open_incidents().await.unwrap()[0].id.clone();
    let one = Form::update("identified", "It is the API alone.").listing(&api, "major_outage").with("notify", "yes");
    one.post(&owner, &format!("/admin/incidents/{id}")).await.is(303);
    let letters = app.letters(4).await;
    let mut told: Vec<_> =
        letters.iter().filter(|letter| letter.text.contains("the API alone")).map(|letter| &letter.to).collect();
    told.sort();
    assert_eq!(told, ["api@example.com", "web@example.com"]);
}

/// A server that mails so many people at this rate, and has begun to.
async fn under_way(database: Database, rate: &str, people: usize) -> (TestApp, SmtpServer) {
    let server = SmtpServer::start().await;
    let settings = Settings { smtp_url: Some(server.url()), mail_rate: Some(rate.to_owned()), ..Settings::default() };
    let app = TestApp::on(database, settings).await;
    let addresses: Vec<_> = (1..=people).map(|number| format!("p{number}@example.com")).collect();
    app.followers(&addresses.iter().map(String::as_str).collect::<Vec<_>>(), &Follows::everything()).await;
    let owner = app.owner().await;
    Form::incident("Slow").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    (app, server)
}

async fn leave_in_the_middle(database: Database) {
    let (app, server) = under_way(database, "60/s", 300).await;
    server.until(20).await;
    let mut leaving = Vec::new();
    for number in [100, 150, 200, 250, 300] {
        let subscriber = app.state.store.subscriber(SubscriberId(number)).await.unwrap().unwrap();
        leaving.push(subscriber.email.as_str().to_owned());
        let token = subscriptions::link(&app.state, Purpose::Unsubscribe, &subscriber);
        let click = [("List-Unsubscribe", "One-Click")];
        app.visitor().post(&format!("/unsubscribe/{token}"), &click).await.is(200);
    }
    // Whoever comes within the next fifty may have been asked before.
    let late = server.count() + 50;
    server.until(295).await;
    app.settle().await;
    app.stop().await;
    for (place, mail) in server.accepted().iter().enumerate().skip(late) {
        assert!(
            !leaving.iter().any(|id| mail.to[0] == format!("p{id}@example.com")),
            "{:?} was the {place}th",
            mail.to
        );
    }
}

#[tokio::test]
async fn one_click_in_the_middle_of_a_broadcast_is_heeded_within_fifty_mails_on_sqlite() {
    leave_in_the_middle(Database::sqlite().await).await;
}

#[tokio::test]
async fn one_click_in_the_middle_of_a_broadcast_is_heeded_within_fifty_mails_on_postgres() {
    leave_in_the_middle(Database::postgres().await).await;
}

#[tokio::test]
async fn at_a_tenth_of_the_way_the_end_is_known_within_fifteen_percent() {
    let (app, server) = under_way(Database::sqlite().await, "60/s", 500).await;
    server.until(50).await;
    let look = async || app.state.store.broadcasts(1).await.unwrap().remove(0);
    let asked = app.state.clock.now();
    let eta = Outlook::read(&app.state).await.unwrap().progress(&look().await).eta.unwrap();
    server.until(500).await;
    let finished = loop {
        if let Some(at) = look().await.finished_at {
            break at;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    let (error, took) = (eta.duration_since(finished).abs(), finished.duration_since(asked));
    assert!(error * 100 <= took * 15, "{error} off, {took} were left");
    app.stop().await;
}
