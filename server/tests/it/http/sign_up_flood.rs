//! Floods of bogus sign-ups, and what they must not hold up.

use std::time::Duration;

use domain::{
    email_address::EmailAddress,
    forms::Subscribe,
    i18n::{Locale, Preferences},
    subscriber::{Follows, SubscriberState},
};
use jiff::SignedDuration;
use server::{
    actions::{sign_ups, subscriptions},
    config::Settings,
    http::client::Client,
    store::import::ImportRow,
};
use sqlx::{AnyConnection, Connection};
use tokio::time::{Instant, interval, sleep, sleep_until};

use super::{
    sign_ups::{answer, hidden, solve},
    subscribe::{EVERYTHING, ask},
};
use crate::support::{
    app::{OWNER, TestApp, serve_with},
    db::Database,
    form::Form,
    smtp::{Accepted, SmtpServer},
};

/// What the first half hour has left behind: requests of which none was answered.
const PUT_OFF: u32 = 20_000;
/// 100,000 sign-ups an hour.
const PAUSE: Duration = Duration::from_millis(36);
/// Networks that they come from.
const NETWORKS: u32 = 5_000;
const PEOPLE: usize = 100;
const HONEST: usize = 5;
/// For what is waited for and not measured.
const PATIENCE: Duration = Duration::from_mins(3);

fn email(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

/// One sign-up, from the `number`th of many networks.
async fn sign_up(app: &TestApp, number: u32, address: &str) {
    let [.., high, low] = (number % NETWORKS).to_be_bytes();
    let client = Client { address: [10, high, low, 1].into(), is_relayed: false };
    let command = Subscribe { email: email(address), follows: Follows::everything() };
    subscriptions::subscribe(&app.state, &client, command, Locale::default()).await.unwrap();
}

/// Waits for mails; fails the test when they do not come at all.
async fn taken(server: &SmtpServer, count: usize, is_one: impl Fn(&Accepted) -> bool) -> Vec<Accepted> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found: Vec<_> = server.accepted().into_iter().filter(&is_one).collect();
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "{} of {count} mails", found.len());
        sleep(Duration::from_millis(20)).await;
    }
}

/// Publishes an incident to everyone; says how long it takes until the last of them has it.
async fn publish(app: &TestApp, server: &SmtpServer, name: &str) -> Duration {
    let owner = app.owner().await;
    let began = Instant::now();
    Form::incident(name).with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    let is_of_it = |mail: &Accepted| String::from_utf8_lossy(&mail.message).contains(name);
    let mails = taken(server, PEOPLE, is_of_it).await;
    mails.last().unwrap().at - began
}

/// Leaves behind what a flood of half an hour does.
async fn leave_behind(app: &TestApp, database_url: &str) {
    let now = app.state.clock.now();
    let rows: Vec<_> = (0..PUT_OFF)
        .map(|number| ImportRow {
            email: email(&format!("before{number}@bogus.example")),
            follows: Follows::everything(),
            preferences: Preferences::default(),
        })
        .collect();
    let mut write = app.state.store.write().await.unwrap();
    write.import_subscribers(&rows, "", now).await.unwrap();
    for _ in 0..190 {
        write.count_sign_up(false, now).await.unwrap();
    }
    write.commit().await.unwrap();
    let mut beside = AnyConnection::connect(database_url).await.unwrap();
    let put_off =
        "update subscribers set state = 'pending', confirmed_at = null, owed_since = $1 where email like 'before%'";
    let put_off = sqlx::query(put_off).bind(now.as_millisecond()).execute(&mut beside).await.unwrap();
    assert_eq!(put_off.rows_affected(), u64::from(PUT_OFF));
    beside.close().await.unwrap();
}

/// Somebody who wants to be told, and whose browser solves the puzzle if there is one; says how long they wait for the mail.
async fn honest(app: &TestApp, server: &SmtpServer, number: usize) -> Duration {
    let (visitor, address) = (app.visitor(), format!("honest{number}@example.com"));
    let began = Instant::now();
    let page = ask(&visitor, &address, EVERYTHING).await;
    if page.is(200).body.contains("Your request is kept") {
        answer(&visitor, &page, &solve(&hidden(&page, "challenge"))).await.is(200).says("Check your inbox");
    }
    taken(server, 1, |mail| mail.to[0] == address).await[0].at - began
}

/// Test 39. Of the hour in which 100,000 bogus sign-ups come from 5,000 addresses, this is the part after the first half, at
/// its own pace, 28 sign-ups a second, and with the server's 14 mails a second; what the first half left behind is put
/// there. The incident goes to 100 people instead of 10,000, for each of them leaves at the same rate.
async fn a_hundred_thousand_an_hour(database: Database) {
    let server = SmtpServer::start().await;
    let settings = Settings {
        smtp_url: Some(server.url()),
        mail_rate: Some("14/s".into()),
        mail_quota: Some("50000/day".into()),
        ..Settings::default()
    };
    let url = database.url.clone();
    serve_with(settings, database, async |app| neither_is_held_up(&app, &server, &url).await).await;
}

/// Neither an incident nor people.
async fn neither_is_held_up(app: &TestApp, server: &SmtpServer, database_url: &str) {
    app.add_owner().await;
    let people: Vec<_> = (0..PEOPLE).map(|number| format!("reader{number}@example.com")).collect();
    let people: Vec<_> = people.iter().map(String::as_str).collect();
    app.followers(&people, &Follows::everything()).await;
    let undisturbed = publish(app, server, "Before the flood").await;

    leave_behind(app, database_url).await;
    let flood = async {
        let mut pace = interval(PAUSE);
        for number in 0.. {
            pace.tick().await;
            sign_up(app, number, &format!("flood{number}@bogus.example")).await;
        }
    };
    let told = async {
        let deadline = Instant::now() + PATIENCE;
        while app.state.store.surge().await.unwrap().is_none() {
            assert!(Instant::now() < deadline, "nobody notices the flood");
            sleep(Duration::from_millis(20)).await;
        }
        let noticed = Instant::now();
        let is_alert = |mail: &Accepted| mail.to[0] == OWNER && holds(mail, "signed up within an hour");
        taken(server, 1, is_alert).await[0].at - noticed
    };
    let honest = futures_util::future::join_all((0..HONEST).map(|number| {
        let at = Instant::now() + Duration::from_secs(2 * number as u64);
        async move {
            sleep_until(at).await;
            honest(app, server, number).await
        }
    }));
    let incident = async {
        sleep(Duration::from_secs(2)).await;
        publish(app, server, "In the flood").await
    };
    let measured = futures_util::future::join3(told, honest, incident);
    let (told, honest, disturbed) = tokio::select! {
        () = flood => panic!("it does not end"),
        measured = measured => measured,
    };

    assert!(disturbed <= undisturbed.mul_f64(1.3), "{disturbed:?} instead of {undisturbed:?}");
    assert!(told <= Duration::from_secs(10), "the owner heard after {told:?}");
    assert!(honest.iter().all(|waited| *waited <= Duration::from_mins(2)), "{honest:?}");
    // Whoever has no JavaScript is kept, and in turn.
    ask(&app.visitor(), "patient@example.com", EVERYTHING).await.is(200).says("Your request is kept");
    let mut write = app.state.store.write().await.unwrap();
    let patient = write.subscriber_by_email(&email("patient@example.com")).await.unwrap().unwrap();
    assert!(patient.state == SubscriberState::Pending && patient.owed.is_some());
    assert!(write.subscriber_by_email(&email("before19999@bogus.example")).await.unwrap().is_some());
    drop(write);
    let bogus = server.accepted().iter().filter(|mail| mail.to[0].ends_with("@bogus.example")).count();
    assert!(bogus <= 40, "{bogus} mails to addresses that nobody vouched for");
}

fn holds(mail: &Accepted, text: &str) -> bool {
    // Lines of quoted-printable may break anywhere.
    String::from_utf8_lossy(&mail.message).replace("=\r\n", "").contains(text)
}

#[tokio::test]
async fn a_hundred_thousand_bogus_sign_ups_an_hour_hold_up_neither_an_incident_nor_people_on_sqlite() {
    a_hundred_thousand_an_hour(Database::sqlite().await).await;
}

#[tokio::test]
async fn a_hundred_thousand_bogus_sign_ups_an_hour_hold_up_neither_an_incident_nor_people_on_postgres() {
    a_hundred_thousand_an_hour(Database::postgres().await).await;
}

/// Test 40.
#[tokio::test]
async fn an_address_that_is_entered_a_thousand_times_gets_one_mail_a_day() {
    let app = TestApp::start().await;
    for (day, times) in [(1, 1_000), (2, 20)] {
        for number in 0..times {
            sign_up(&app, number, if number % 2 == 0 { "reader@example.com" } else { "Reader@Example.com" }).await;
        }
        app.letters(day).await;
        app.state.clock.advance(SignedDuration::from_hours(25));
        // The surge that this was is over, and nothing was put off by it.
        sign_ups::round(&app.state).await.unwrap();
        assert_eq!(app.state.store.surge().await.unwrap(), None);
        assert_eq!(app.state.store.owed_letters().await.unwrap().0, 0);
        assert_eq!(app.letters(day).await.len(), day);
    }
}
