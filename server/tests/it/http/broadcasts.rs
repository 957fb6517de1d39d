//! A broadcast on its way, as those see it who wait for it, leave it, or watch it.

use std::time::Duration;

use domain::{broadcast::BroadcastState, ids::SubscriberId, subscriber::Follows, token::Purpose};
use server::{actions::subscriptions, config::Settings, mail::outlook::Outlook, store::broadcasts::Broadcast};
use tokio::time::{Instant, sleep};

use crate::support::{
    app::{TestApp, served_on_both},
    db::Database,
    form::Form,
    smtp::{Act, SmtpServer, Step},
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

/// An app that mails so many people by this server at this rate over eight connections, and has begun to.
async fn under_way(database: Database, server: &SmtpServer, rate: &str, people: usize) -> TestApp {
    let settings = Settings {
        smtp_url: Some(server.url()),
        mail_rate: Some(rate.to_owned()),
        mail_connections: Some("8".to_owned()),
        ..Settings::default()
    };
    let app = TestApp::on(database, settings).await;
    let addresses: Vec<_> = (1..=people).map(|number| format!("p{number}@example.com")).collect();
    app.followers(&addresses.iter().map(String::as_str).collect::<Vec<_>>(), &Follows::everything()).await;
    let owner = app.owner().await;
    Form::incident("Slow").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    app
}

/// Runs each of the given `async fn(Database)` with each database: tests `name::sqlite` and `name::postgres`.
macro_rules! with_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::support::db::Database;

            #[tokio::test]
            async fn sqlite() {
                super::$name(Database::sqlite().await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(Database::postgres().await).await;
            }
        }
    )+};
}

with_both!(
    one_click_in_the_middle_of_a_broadcast_is_heeded_within_fifty_mails,
    at_a_tenth_of_the_way_the_end_is_known_when_the_rate_is_what_holds_it_up,
    at_a_tenth_of_the_way_the_end_is_known_when_the_server_is_what_holds_it_up,
);

async fn one_click_in_the_middle_of_a_broadcast_is_heeded_within_fifty_mails(database: Database) {
    let server = SmtpServer::start().await;
    let app = under_way(database, &server, "60/s", 300).await;
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

/// The one there is.
async fn look(app: &TestApp) -> Broadcast {
    app.state.store.broadcasts(1).await.unwrap().remove(0)
}

/// Waits until so many are known to be mailed.
async fn until_mailed(app: &TestApp, people: i64) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while look(app).await.mailed() < people {
        assert!(Instant::now() < deadline, "it stays {:?}", look(app).await);
        sleep(Duration::from_millis(10)).await;
    }
}

/// Makes sure that the end that is foreseen now comes, give or take 15 % of the time until then. A machine that has other work
/// changes the pace on the way: then another incident is told, twice at most.
async fn ends_as_foreseen(app: &TestApp) {
    let mailed = look(app).await.mailed();
    let mut missed = Vec::new();
    loop {
        let asked = app.state.clock.now();
        let eta = Outlook::read(&app.state).await.unwrap().progress(&look(app).await).eta.unwrap();
        app.all_sent().await;
        let finished = look(app).await.finished_at.unwrap();
        let (error, took) = (eta.duration_since(finished).abs(), finished.duration_since(asked));
        if error * 100 <= took * 15 {
            return;
        }
        missed.push(format!("{error} off, {took} were left"));
        assert!(missed.len() < 3, "{missed:?}");
        let owner = app.owner().await;
        Form::incident("Slow again").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
        until_mailed(app, mailed).await;
    }
}

async fn at_a_tenth_of_the_way_the_end_is_known_when_the_rate_is_what_holds_it_up(database: Database) {
    let server = SmtpServer::start().await;
    let app = under_way(database, &server, "60/s", 500).await;
    until_mailed(&app, 50).await;
    ends_as_foreseen(&app).await;
    app.stop().await;
}

/// It takes twenty a second, whatever is allowed.
async fn slow_server() -> SmtpServer {
    SmtpServer::script().on(Step::Dot, Act::usual().after(Duration::from_millis(400))).start().await
}

async fn at_a_tenth_of_the_way_the_end_is_known_when_the_server_is_what_holds_it_up(database: Database) {
    let server = slow_server().await;
    let app = under_way(database, &server, "60/s", 500).await;
    until_mailed(&app, 50).await;
    ends_as_foreseen(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn after_a_pause_the_end_is_known_as_well_as_before() {
    let server = slow_server().await;
    let app = under_way(Database::sqlite().await, &server, "0", 240).await;
    until_mailed(&app, 60).await;
    let id = look(&app).await.id;
    let owner = app.owner().await;
    owner.post(&format!("/admin/broadcasts/{id}/pause"), &[]).await.is(303);
    let paused = Outlook::read(&app.state).await.unwrap().progress(&look(&app).await);
    assert_eq!((paused.state, paused.eta), (BroadcastState::Paused, None));
    // Longer than any wait for a mail server, and for as long as mailing went before.
    sleep(Duration::from_secs(7)).await;
    owner.post(&format!("/admin/broadcasts/{id}/resume"), &[]).await.is(303);
    until_mailed(&app, look(&app).await.mailed() + 8).await;
    ends_as_foreseen(&app).await;
    app.stop().await;
}
