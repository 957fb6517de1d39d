//! Floods of bogus sign-ups, and what they must not hold up.

use std::{cell::Cell, time::Duration};

use domain::{
    quota::{Quota, Used},
    rate::Share,
    subscriber::{Follows, SubscriberState},
};
use futures_util::future::{join_all, join3};
use jiff::SignedDuration;
use server::{actions::sign_ups, config::Settings};
use sqlx::{AnyConnection, Connection};
use tokio::{
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::sign_ups::{answer, hidden, solve};
use crate::support::{
    app::{OWNER, TestApp, serve_with},
    client::{Answer, Client},
    db::Database,
    form::Form,
    letter::Letter,
    smtp::{Accepted, SmtpServer},
};

/// So many times as fast the hour goes by: the mails of it, the sign-ups, and those who are told.
const HASTE: u32 = 10;
/// 14 mails a second, in haste.
const RATE: u32 = 14 * HASTE;
/// 100,000 sign-ups an hour, in haste.
const PAUSE: Duration = Duration::from_micros(36_000 / HASTE as u64);
/// What most of the hour has left behind: requests of which none was answered.
const PUT_OFF: i64 = 95_000;
/// Networks that they come from.
const NETWORKS: u32 = 5_000;
/// How many sign up at the same time.
const AT_ONCE: u32 = 4;
const PEOPLE: usize = 100 * HASTE as usize;
const HONEST: u8 = 5;
const QUOTA: &str = "50000/day";
/// What sign-ups have used of it: a little less than the half that is for those who were put off.
const USED: u64 = 4_980;
/// For what is waited for and not measured.
const PATIENCE: Duration = Duration::from_mins(3);

/// One sign-up through a proxy, from the `number`th of many networks.
async fn sign_up(client: &Client, number: u32, address: &str) -> Answer {
    let [.., high, low] = (number % NETWORKS).to_be_bytes();
    ask_from(client, &format!("10.{high}.{low}.1"), address).await
}

async fn ask_from(client: &Client, network: &str, address: &str) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", network)];
    client.post_with("/subscribe", &headers, &[("email", address), ("website", ""), ("everything", "1")]).await
}

/// Behind a proxy that says whom it speaks for.
fn behind_a_proxy() -> Settings {
    Settings { trusted_proxies: Some("127.0.0.1".to_owned()), ..Settings::default() }
}

/// Waits for mails after the first `skipped`; fails the test when they do not come at all.
async fn taken(server: &SmtpServer, skipped: usize, count: usize, is_one: impl Fn(&Accepted) -> bool) -> Vec<Instant> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = server.pick(skipped, |mail| is_one(mail).then_some(mail.at));
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "{} of {count} mails", found.len());
        sleep(Duration::from_millis(20)).await;
    }
}

fn is_to_a_reader(mail: &Accepted) -> bool {
    mail.to[0].starts_with("reader")
}

/// Publishes an incident to everyone; says how many mails had left before.
async fn publish(owner: &Client, server: &SmtpServer, name: &str) -> usize {
    let before = server.count();
    Form::incident(name).with("notify", "yes").post(owner, "/admin/incidents/new").await.is(303);
    before
}

/// How long it takes from the request until the last of its readers has it.
async fn publish_and_wait(owner: &Client, server: &SmtpServer, name: &str) -> Duration {
    let began = Instant::now();
    let before = publish(owner, server, name).await;
    let mails = taken(server, before, PEOPLE, is_to_a_reader).await;
    *mails.last().unwrap() - began
}

/// Leaves behind what a flood does that has lasted for most of an hour. The first of each network were written to.
async fn leave_behind(app: &TestApp, database_url: &str) {
    let now = app.state.clock.now();
    let mut write = app.state.store.write().await.unwrap();
    let first = write.reserve_subscriber_ids(PUT_OFF).await.unwrap();
    write.book("main", Share::Account, USED, now).await.unwrap();
    for _ in 0..200 {
        write.count_sign_up(false, now).await.unwrap();
    }
    write.commit().await.unwrap();
    let mut beside = AnyConnection::connect(database_url).await.unwrap();
    let put_off =
        "with recursive flood (i) as (select cast(0 as bigint) union all select i + 1 from flood where i + 1 < $3)
        insert into subscribers (id, email, email_canonical, state, everything, generation, consent, created_at,
                                 updated_at, owed_since, owed_turn)
        select $1 + i, 'before' || i || '@bogus.example', 'before' || i || '@bogus.example', 'pending',
               1, 1, '', cast($2 as bigint), cast($2 as bigint), cast($2 as bigint), 2 + i / $4
        from flood";
    let put_off = sqlx::query(put_off).bind(first.0).bind(now.as_millisecond()).bind(PUT_OFF).bind(i64::from(NETWORKS));
    assert_eq!(put_off.execute(&mut beside).await.unwrap().rows_affected(), PUT_OFF.unsigned_abs());
    beside.close().await.unwrap();
}

/// Sign-ups without an end, of which the answers are counted.
async fn flood(app: &TestApp, answered: &Cell<i64>) {
    join_all((0..AT_ONCE).map(async |first| {
        let (client, mut pace) = (app.visitor(), interval(PAUSE * AT_ONCE));
        // What a slow machine cannot bear is not made up for.
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in (first..).step_by(AT_ONCE as usize) {
            pace.tick().await;
            let began = Instant::now();
            sign_up(&client, number, &format!("flood{number}@bogus.example")).await.is(200);
            answered.set(answered.get() + 1);
            // Half of a slow machine is left to the others.
            sleep(began.elapsed().saturating_sub(PAUSE * AT_ONCE)).await;
        }
    }))
    .await;
}

/// Somebody who follows the link in their mail.
async fn confirm(app: &TestApp, server: &SmtpServer, address: &str) {
    taken(server, 0, 1, |mail| mail.to[0] == address).await;
    let mail = server.pick(0, |mail| (mail.to[0] == address).then(|| mail.message.clone())).remove(0);
    let path = Letter::read(String::from_utf8(mail).unwrap()).path("confirm");
    app.visitor().post(&path, &[]).await.is(200).says("You are subscribed");
    let mut write = app.state.store.write().await.unwrap();
    let person = write.subscriber_by_email(&address.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((person.state, person.owed), (SubscriberState::Active, None));
}

/// Somebody who wants to be told, and whose browser solves the puzzle; says how long they wait for the mail.
async fn honest(app: &TestApp, server: &SmtpServer, number: u8) -> Duration {
    let (visitor, address) = (app.visitor(), format!("honest{number}@example.com"));
    let began = Instant::now();
    let page = ask_from(&visitor, &format!("203.0.{number}.1"), &address).await;
    let challenge = hidden(page.is(200).says("Your request is kept"), "challenge");
    let solution = spawn_blocking(move || solve(&challenge)).await.unwrap();
    answer(&visitor, &page, &solution).await.is(200).says("Check your inbox");
    let waited = taken(server, 0, 1, |mail| mail.to[0] == address).await[0] - began;
    confirm(app, server, &address).await;
    waited
}

/// Test 39: an hour in which 100,000 bogus sign-ups come from 5,000 networks, ten times as fast, and with it the server's 14
/// mails a second. What the flood has left behind is put there; the rest comes over HTTP, up to 278 a second, as many as a
/// machine bears that does all of it unoptimised. The incident goes to a tenth of 10,000 people, for they leave at the same
/// rate. All of it against the released program is a part of `make bench`.
async fn a_hundred_thousand_an_hour(database: Database) {
    let server = SmtpServer::start().await;
    let settings = Settings {
        smtp_url: Some(server.url()),
        mail_rate: Some(format!("{RATE}/s")),
        mail_quota: Some(QUOTA.to_owned()),
        ..behind_a_proxy()
    };
    let url = database.url.clone();
    serve_with(settings, database, async |app| neither_is_held_up(&app, &server, &url).await).await;
}

/// Neither an incident nor people.
async fn neither_is_held_up(app: &TestApp, server: &SmtpServer, database_url: &str) {
    let owner = app.owner().await;
    let people: Vec<_> = (0..PEOPLE).map(|number| format!("reader{number}@example.com")).collect();
    let people: Vec<_> = people.iter().map(String::as_str).collect();
    app.followers(&people, &Follows::everything()).await;
    let undisturbed = publish_and_wait(&owner, server, "Before the flood").await;

    leave_behind(app, database_url).await;
    // One too many: somebody without JavaScript.
    let noticed = Instant::now();
    ask_from(&app.visitor(), "203.0.113.1", "early@example.com").await.is(200).says("Your request is kept");
    let answered = Cell::new(0);
    let measured = async {
        let told = async {
            let is_alert = |mail: &Accepted| mail.to[0] == OWNER && holds(mail, "signed up within an hour");
            taken(server, 0, 1, is_alert).await[0] - noticed
        };
        let honest = join_all((0..HONEST).map(async |number| {
            sleep_until(noticed + Duration::from_secs(2) * u32::from(number)).await;
            honest(app, server, number).await
        }));
        let incident = async {
            sleep(Duration::from_secs(1)).await;
            // Other programs on this machine are no flood: of three times the best.
            let mut disturbed = Duration::MAX;
            for number in 1..=3 {
                disturbed = publish_and_wait(&owner, server, &format!("In the flood {number}")).await.min(disturbed);
                if disturbed <= undisturbed.mul_f64(1.3) {
                    break;
                }
            }
            disturbed
        };
        let (told, honest, disturbed) = join3(told, honest, incident).await;
        assert!(disturbed <= undisturbed.mul_f64(1.3), "{disturbed:?} instead of {undisturbed:?}");
        assert!(told <= Duration::from_secs(10), "the owner heard after {told:?}");
        assert!(honest.iter().all(|waited| *waited <= Duration::from_mins(2) / HASTE), "{honest:?}");
        confirm(app, server, "early@example.com").await;
        beyond_the_quota(app, server, &owner).await;
    };
    tokio::select! {
        () = flood(app, &answered) => panic!("it does not end"),
        () = measured => {}
    }
    assert!(answered.get() > 100, "that was no flood: {}", answered.get());
    nothing_is_lost(app, database_url, answered.get()).await;
}

/// Whatever is left of the quota is kept: broadcasts stop, and alerts and people who sign up are written to all the same.
async fn beyond_the_quota(app: &TestApp, server: &SmtpServer, owner: &Client) {
    let (quota, now): (Quota, _) = (QUOTA.parse().unwrap(), app.state.clock.now());
    let mut write = app.state.store.write().await.unwrap();
    let left = quota.left(write.used("main", quota, now).await.unwrap(), Share::Bulk);
    write.book("main", Share::Bulk, left - 60, now).await.unwrap();
    write.commit().await.unwrap();
    let before = publish(owner, server, "Beyond the quota").await;
    let is_alert = |mail: &Accepted| mail.to[0] == OWNER && holds(mail, "is kept for alerts and confirmations");
    taken(server, before, 1, is_alert).await;
    let waited = honest(app, server, HONEST).await;
    assert!(waited <= Duration::from_mins(2) / HASTE, "{waited:?}");
    let sent = server.pick(before, |mail| is_to_a_reader(mail).then_some(())).len();
    // And what the node had booked before, which is half a second's worth at most.
    assert!((1..=60 + RATE as usize / 2).contains(&sent), "{sent} mails that the reserves are made of");
    let Used { all, account } = app.state.store.write().await.unwrap().used("main", quota, now).await.unwrap();
    assert!(all <= quota.mails() - 1_000 && account < quota.mails() / 5, "{all}, {account} of them for sign-ups");
}

/// Of what people sent, and of what only may be theirs.
async fn nothing_is_lost(app: &TestApp, database_url: &str, answered: i64) {
    ask_from(&app.visitor(), "203.0.114.1", "late@example.com").await.is(200).says("Your request is kept");
    let (owed, _) = app.state.store.owed_letters().await.unwrap();
    let bogus = letters(database_url, "%@bogus.example").await;
    assert!(bogus <= 30, "{bogus} letters to addresses that nobody vouched for");
    assert!(owed + bogus > PUT_OFF + answered, "{owed} and {bogus} of {PUT_OFF} and {answered} and one");
    // One letter to each network, and it is their turn.
    let mut write = app.state.store.write().await.unwrap();
    let late = write.subscriber_by_email(&"late@example.com".parse().unwrap()).await.unwrap().unwrap().id;
    let line = write.next_owed(i64::from(NETWORKS) + 1).await.unwrap();
    assert!(line.contains(&late));
}

/// How many letters to such addresses there are: sent, waiting or given up.
async fn letters(database_url: &str, to: &str) -> i64 {
    let mut beside = AnyConnection::connect(database_url).await.unwrap();
    let text = "select count(*) from deliveries where lower(address) like $1";
    let letters = sqlx::query_scalar(text).bind(to).fetch_one(&mut beside).await.unwrap();
    beside.close().await.unwrap();
    letters
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

/// Test 40, on one database.
async fn one_mail_a_day(database: Database) {
    let url = database.url.clone();
    serve_with(behind_a_proxy(), database, async |app| {
        let clients: Vec<_> = (0..20).map(|_| app.visitor()).collect();
        for (day, times) in [(1, 50), (2, 1)] {
            for round in 0..times {
                // Twenty at a time, each from a network of its own, in two ways to write it.
                let answers = join_all((0..20).zip(&clients).map(async |(number, client)| {
                    let address = if number % 2 == 0 { "reader@example.com" } else { "Reader@Example.com" };
                    sign_up(client, 20 * round + number, address).await
                }));
                for answer in answers.await {
                    answer.is(200);
                }
            }
            app.letters(usize::try_from(day).unwrap()).await;
            app.state.clock.advance(SignedDuration::from_hours(25));
            // The surge that this was is over, and nothing was put off by it.
            sign_ups::round(&app.state).await.unwrap();
            assert_eq!(app.state.store.surge().await.unwrap(), None);
            assert_eq!(app.state.store.owed_letters().await.unwrap().0, 0);
            assert_eq!(letters(&url, "reader@example.com").await, day);
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_entered_a_thousand_times_gets_one_mail_a_day_on_sqlite() {
    one_mail_a_day(Database::sqlite().await).await;
}

#[tokio::test]
async fn an_address_that_is_entered_a_thousand_times_gets_one_mail_a_day_on_postgres() {
    one_mail_a_day(Database::postgres().await).await;
}
