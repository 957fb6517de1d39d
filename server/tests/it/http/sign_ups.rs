//! Sign-ups in numbers that are not people's.

use std::time::Duration;

use domain::{forms::Subscribe, i18n::Locale, ids::SubscriberId, key::Scope, subscriber::Follows, surge::Cause};
use jiff::SignedDuration;
use reqwest::Method;
use server::{
    actions::{mail, sign_ups, subscriptions},
    config::Settings,
    http::client::Client as From,
};
use sha2::{Digest as _, Sha256};

use super::subscribe::{EVERYTHING, ask};
use crate::support::{
    app::{OWNER, TestApp, served_on_both},
    client::{Answer, Client},
    letter::Letter,
    smtp::{Act, SmtpServer, Step},
};

served_on_both!(
    in_a_surge_whoever_solves_the_puzzle_is_written_to_first_and_the_others_are_kept,
    the_link_to_ones_choices_is_put_off_in_a_surge_too,
    an_answer_counts_once_for_its_address_and_in_time,
    a_surge_ends_by_itself_and_those_who_were_put_off_are_written_to,
    whoever_is_put_off_waits_for_one_letter_to_each_other_network,
);

/// The value of one of the page's hidden fields.
pub(super) fn hidden(page: &Answer, name: &str) -> String {
    let start = page.body.split(&format!("name=\"{name}\" value=\"")).nth(1);
    start.unwrap_or_else(|| panic!("no {name} in {}", page.body)).split('"').next().unwrap().to_owned()
}

/// What a browser's script finds.
pub(super) fn solve(challenge: &str) -> String {
    let is_answer = |answer: &u64| Sha256::digest(format!("{challenge}.{answer}"))[..2] == [0, 0];
    (0..u64::MAX).find(is_answer).unwrap().to_string()
}

/// Sends what the puzzle's page sends.
pub(super) async fn answer(client: &Client, page: &Answer, answer: &str) -> Answer {
    let [email, asked, challenge] = ["email", "asked", "challenge"].map(|name| hidden(page, name));
    let fields = [("email", email.as_str()), ("asked", &asked), ("challenge", &challenge), ("answer", answer)];
    client.post("/subscribe/challenge", &fields).await
}

/// Lets the next sign-up be one too many.
async fn flood(app: &TestApp) {
    let mut write = app.state.store.write().await.unwrap();
    for _ in 0..200 {
        write.count_sign_up(false, app.state.clock.now()).await.unwrap();
    }
    write.commit().await.unwrap();
}

/// The captured mails to others than the owner, who is told of surges, once there are `count`.
async fn letters(app: &TestApp, count: usize) -> Vec<Letter> {
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    loop {
        let letters: Vec<_> = app.letters(0).await.into_iter().filter(|letter| letter.to != OWNER).collect();
        if letters.len() >= count {
            return letters;
        }
        assert!(tokio::time::Instant::now() < deadline, "{} of {count} mails after a minute", letters.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How many letters there are to subscribers, sent or not, and how many are put off.
async fn letters_and_put_off(app: &TestApp) -> (usize, i64) {
    let mut letters = 0;
    for id in 1..=9 {
        letters += app.state.store.mails_to(SubscriberId(id), None, 9, 0).await.unwrap().len();
    }
    (letters, app.state.store.owed_letters().await.unwrap().0)
}

async fn in_a_surge_whoever_solves_the_puzzle_is_written_to_first_and_the_others_are_kept(app: TestApp) {
    app.followers(&["active@example.com"], &Follows::everything()).await;
    let (owner, visitor) = (app.actor().await, app.visitor());
    // Nothing leaves before it was looked at.
    mail::hold(&app.state, &owner, true).await.unwrap();
    ask(&visitor, "calm@example.com", EVERYTHING).await.is(200).says("Check your inbox");
    flood(&app).await;
    let mut pages = Vec::new();
    for email in ["active@example.com", "new@example.com", "solver@example.com", "calm@example.com"] {
        let page = ask(&visitor, email, EVERYTHING).await;
        page.is(200).says("Your request is kept").says("/challenge.js");
        let same = page.body.replace(&hidden(&page, "challenge"), "").replace(email, "");
        pages.push((page, same));
    }
    assert!(pages.iter().all(|(_, page)| *page == pages[0].1), "the page tells who is known");
    let trap = [("email", "trap@example.com"), ("website", "https://spam.example"), EVERYTHING];
    visitor.post("/subscribe", &trap).await.is(200).says("Your request is kept");
    let alerts = app.state.store.alerts(9).await.unwrap();
    let surges = alerts.iter().filter(|alert| alert.message.contains("202 people or programs signed up"));
    assert_eq!(surges.count(), 1, "{alerts:?}");
    assert_eq!(letters_and_put_off(&app).await, (1, 3));

    let solver = &pages[2].0;
    let solved = answer(&visitor, solver, &solve(&hidden(solver, "challenge"))).await;
    solved.is(200).says("Check your inbox").says("solver@example.com");
    assert_eq!(letters_and_put_off(&app).await, (2, 2));
    mail::hold(&app.state, &owner, false).await.unwrap();
    let mut letters = letters(&app, 2).await;
    letters.truncate(2);
    letters.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!((&*letters[0].to, &*letters[1].to), ("calm@example.com", "solver@example.com"));
    visitor.post(&letters[1].path("confirm"), &[]).await.is(200).says("You are subscribed");
}

async fn the_link_to_ones_choices_is_put_off_in_a_surge_too(app: TestApp) {
    app.followers(&["active@example.com"], &Follows::everything()).await;
    let (owner, visitor) = (app.actor().await, app.visitor());
    mail::hold(&app.state, &owner, true).await.unwrap();
    flood(&app).await;
    let unknown = visitor.post("/manage", &[("email", "nobody@example.com")]).await;
    let known = visitor.post("/manage", &[("email", "active@example.com")]).await;
    unknown.is(200).says("Your request is kept");
    known.is(200).says("Your request is kept");
    assert_eq!(letters_and_put_off(&app).await, (0, 1));
    for page in [&unknown, &known] {
        let solved = answer(&visitor, page, &solve(&hidden(page, "challenge"))).await;
        solved.is(200).says("gets mail from us, the link is on its way there");
    }
    assert_eq!(letters_and_put_off(&app).await, (1, 0));
    // Not twice within the hour, solved or not.
    let again = visitor.post("/manage", &[("email", "active@example.com")]).await;
    answer(&visitor, &again, &solve(&hidden(&again, "challenge"))).await.is(200);
    assert_eq!(letters_and_put_off(&app).await, (1, 0));
}

async fn an_answer_counts_once_for_its_address_and_in_time(app: TestApp) {
    let (owner, visitor) = (app.actor().await, app.visitor());
    mail::hold(&app.state, &owner, true).await.unwrap();
    flood(&app).await;
    let one = ask(&visitor, "one@example.com", EVERYTHING).await;
    let two = ask(&visitor, "two@example.com", EVERYTHING).await;
    let solution = solve(&hidden(&one, "challenge"));
    let fields = |email: &'static str, challenge: String, answer: String| {
        [("email".to_owned(), email.to_owned()), ("challenge".to_owned(), challenge), ("answer".to_owned(), answer)]
    };
    for (email, page, answer) in [
        ("two@example.com", &one, solution.as_str()),
        ("one@example.com", &two, &solution),
        ("one@example.com", &one, ""),
        ("one@example.com", &one, "99999999999999999999999"),
    ] {
        let fields = fields(email, hidden(page, "challenge"), answer.to_owned());
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let refused = visitor.post("/subscribe/challenge", &fields).await;
        refused.is(422).says("That did not work").says(&format!("value=\"{email}\""));
    }
    assert_eq!(letters_and_put_off(&app).await, (0, 2));
    answer(&visitor, &one, &solution).await.is(200).says("Check your inbox");
    assert_eq!(letters_and_put_off(&app).await, (1, 1));
    answer(&visitor, &one, &solution).await.is(422).says("That did not work");
    // The page that says so sets another one.
    let refused = answer(&visitor, &two, "0").await;
    app.state.clock.advance(SignedDuration::from_mins(61));
    answer(&visitor, &refused, &solve(&hidden(&refused, "challenge"))).await.is(422);
    let fresh = answer(&visitor, &two, "0").await;
    answer(&visitor, &fresh, &solve(&hidden(&fresh, "challenge"))).await.is(200).says("Check your inbox");
    visitor.post("/subscribe/challenge", &[("email", "nonsense")]).await.is(422);
    assert_eq!(app.state.store.owed_letters().await.unwrap(), (0, None));
}

async fn a_surge_ends_by_itself_and_those_who_were_put_off_are_written_to(app: TestApp) {
    let (owner, visitor) = (app.owner().await, app.visitor());
    mail::hold(&app.state, &app.actor().await, true).await.unwrap();
    flood(&app).await;
    for email in ["ann@example.com", "ben@example.com"] {
        ask(&visitor, email, EVERYTHING).await.is(200).says("Your request is kept");
    }
    let program = app.key(&[Scope::Subscribers]).await;
    let bearer = format!("Bearer {program}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = br#"{"email": "program@example.com"}"#.to_vec();
    let made = visitor.send(Method::POST, "/api/v1/subscribers", &headers, Some(body)).await.unwrap();
    made.is(201).says("\"state\":\"pending\"");
    assert_eq!(letters_and_put_off(&app).await, (0, 3));
    owner.get("/admin/mail").await.says("Sign-ups are checked").says("3 requests are put off");
    owner.get("/admin").await.says("Sign-ups are checked");
    visitor.get_until("/metrics", |text| text.contains("tidings_sign_up_surge 1")).await;

    // Held as all mail, they stay; the surge is over when the hour is.
    app.state.clock.advance(SignedDuration::from_hours(2));
    sign_ups::round(&app.state).await.unwrap();
    assert_eq!(app.state.store.surge().await.unwrap(), None);
    ask(&visitor, "calm@example.com", EVERYTHING).await.is(200).says("Check your inbox");
    assert_eq!(app.state.store.owed_letters().await.unwrap().0, 3);
    mail::hold(&app.state, &app.actor().await, false).await.unwrap();
    let mut to: Vec<_> = letters(&app, 4).await.into_iter().map(|letter| letter.to).collect();
    to.sort();
    assert_eq!(to, ["ann@example.com", "ben@example.com", "calm@example.com", "program@example.com"]);
    assert_eq!(app.state.store.owed_letters().await.unwrap(), (0, None));
}

async fn whoever_is_put_off_waits_for_one_letter_to_each_other_network(app: TestApp) {
    app.followers(&["active@example.com"], &Follows::everything()).await;
    mail::hold(&app.state, &app.actor().await, true).await.unwrap();
    // A day begins, and with it every network's turns.
    let day = 24 * 60 * 60;
    let since_midnight = app.state.clock.now().as_second().rem_euclid(day);
    app.state.clock.advance(SignedDuration::from_secs(day - since_midnight));
    flood(&app).await;
    let asks = async |network: u8, email: &str| {
        let client = From { address: [10, 0, network, 1].into(), is_relayed: false };
        let command = Subscribe { email: email.parse().unwrap(), follows: Follows::everything() };
        subscriptions::subscribe(&app.state, &client, command, Locale::default()).await.unwrap();
    };
    for number in 1..=4 {
        asks(1, &format!("bogus{number}@example.com")).await;
    }
    asks(2, "ann@example.com").await;
    asks(3, "ben@example.com").await;
    // Neither asking again costs a place, nor somebody who asks for them.
    asks(1, "ben@example.com").await;
    asks(4, "bogus4@example.com").await;
    let client = From { address: [10, 0, 2, 9].into(), is_relayed: false };
    subscriptions::send_manage_link(&app.state, &client, &"active@example.com".parse().unwrap()).await.unwrap();
    let line = app.state.store.write().await.unwrap().next_owed(9).await.unwrap();
    let mut emails = Vec::new();
    for id in line {
        emails.push(app.state.store.subscriber(id).await.unwrap().unwrap().email.to_string());
    }
    let expected = ["bogus1", "bogus4", "ann", "ben", "bogus2", "active", "bogus3"];
    assert_eq!(emails, expected.map(|name| format!("{name}@example.com")));
}

#[tokio::test]
async fn confirmations_that_come_back_begin_a_surge() {
    let refusing = SmtpServer::script().on(Step::Rcpt, Act::reply("550 5.1.1 No such mailbox")).start().await;
    let app = TestApp::with(Settings { smtp_url: Some(refusing.url()), ..Settings::default() }).await;
    let owner = app.owner().await;
    for number in 0..20 {
        let client = From { address: [10, 0, number, 1].into(), is_relayed: false };
        let email = format!("reader{number}@example.com").parse().unwrap();
        let command = Subscribe { email, follows: Follows::everything() };
        subscriptions::subscribe(&app.state, &client, command, Locale::default()).await.unwrap();
    }
    let page = owner.get_until("/admin/mail", |page| page.contains("Sign-ups are checked")).await;
    page.says("20 of 20 confirmations of the last hour did not arrive");
    let surge = app.state.store.surge().await.unwrap().unwrap();
    assert_eq!((surge.cause, surge.limit), (Cause::Bounces, 200));
    app.state.clock.advance(SignedDuration::from_hours(2));
    owner.get_until("/admin/mail", |page| !page.contains("Sign-ups are checked")).await;
}
