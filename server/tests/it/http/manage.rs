//! Choosing the language and the time zone of one's mails, and the way back to the page where they are chosen.

use crate::support::{
    app::{TestApp, served_on_both},
    form::Form,
    letter::Letter,
};
use jiff::SignedDuration;

served_on_both!(
    language_and_zone_are_chosen_on_the_page_and_show_in_the_next_mail,
    a_lost_link_is_sent_again_once_an_hour_and_nobody_learns_who_is_subscribed,
    a_lost_link_is_sent_again_three_times_a_day,
);

async fn letter(app: &TestApp, number: usize) -> Letter {
    app.letters(number).await.remove(number - 1)
}

/// Subscribes to everything; gives the path of their own page.
async fn subscribed(app: &TestApp, email: &str) -> String {
    let reader = app.visitor();
    reader.post("/subscribe", &[("email", email), ("everything", "1")]).await.is(200);
    let confirm = letter(app, 1).await.path("confirm");
    let page = reader.post(&confirm, &[]).await;
    let start = page.is(200).body.find("/manage/").unwrap();
    page.body[start..].split('"').next().unwrap().to_owned()
}

async fn language_and_zone_are_chosen_on_the_page_and_show_in_the_next_mail(app: TestApp) {
    let manage = subscribed(&app, "reader@example.com").await;
    let (reader, owner) = (app.visitor(), app.owner().await);
    let page = reader.get(&manage).await;
    page.is(200).says("<option value=\"en\" lang=\"en\" selected>English</option>");
    page.says("<optgroup label=\"Asia\">").says("<option value=\"Asia/Taipei\">Taipei</option>");

    let wrong = [("time_zone", "Mars/Base"), ("locale", "fr"), ("everything", "1")];
    let answer = reader.post(&manage, &wrong).await;
    answer.is(422).says("There is no time zone of this name").says("value=\"Mars/Base\" selected");
    answer.says("lang=\"fr\" selected").says("name=\"everything\" value=\"1\" checked");
    answer.says("Not saved yet: Your subscription");

    let chosen = [("time_zone", "Asia/Taipei"), ("locale", "fr"), ("everything", "1")];
    let saved = reader.post(&manage, &chosen).await;
    saved.is(200).says("Your choice is saved.").says("value=\"Asia/Taipei\" selected").says("lang=\"fr\" selected");
    Form::incident("Slow answers").with("notify", "yes").post(&owner, "/admin/incidents/new").await.is(303);
    let mail = letter(&app, 2).await;
    assert_eq!(mail.text.lines().take(2).collect::<Vec<_>>(), ["Analyse en cours", "Slow answers"]);
    let time = mail.text.lines().nth(2).unwrap();
    assert!(time.contains(" UTC · ") && time.ends_with(" chez vous (Asia/Taipei)"), "{time}");
    assert!(mail.html.contains("<html lang=\"fr\"") && mail.html.contains("chez vous (Asia/Taipei)<"), "{}", mail.html);
    // Choosing other components alone leaves language and zone as they are.
    reader.post(&manage, &[("everything", "1")]).await.is(200).says("value=\"Asia/Taipei\" selected");
}

async fn a_lost_link_is_sent_again_once_an_hour_and_nobody_learns_who_is_subscribed(app: TestApp) {
    let manage = subscribed(&app, "reader@example.com").await;
    let stranger = app.visitor();
    stranger.get("/manage").await.is(200).says("Send me the link");
    let ask = async |email: &str| stranger.post("/manage", &[("email", email)]).await;
    let known = ask("Reader@example.com").await;
    let unknown = ask("nobody@example.com").await;
    assert_eq!(
        known.is(200).body.replace("Reader@example.com", ""),
        unknown.is(200).body.replace("nobody@example.com", "")
    );
    let mail = letter(&app, 2).await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("reader@example.com", "[Status] Your subscription"));
    app.visitor().get(&mail.path("manage")).await.is(200).says("Your subscription");
    ask("reader@example.com").await.is(200);
    ask("not an address").await.is(422).says("value=\"not an address\"");
    app.settle().await;
    assert_eq!(app.letters(2).await.len(), 2, "one an hour");
    app.state.clock.advance(SignedDuration::from_mins(61));
    ask("reader@example.com").await.is(200);
    assert_eq!(app.letters(3).await.len(), 3);

    // Who left is not written to, and a network that asks too often is told to wait.
    app.visitor().post(&manage.replace("manage", "unsubscribe"), &[]).await.is(200);
    app.state.clock.advance(SignedDuration::from_mins(61));
    for _ in 0..10 {
        ask("reader@example.com").await.is(200);
    }
    ask("reader@example.com").await.is(429);
    app.settle().await;
    assert_eq!(app.letters(3).await.len(), 3);
}

async fn a_lost_link_is_sent_again_three_times_a_day(app: TestApp) {
    subscribed(&app, "reader@example.com").await;
    let next_day = || {
        let day = 24 * 60 * 60;
        let passed = app.state.clock.now().as_second().rem_euclid(day);
        app.state.clock.advance(SignedDuration::from_secs(day - passed));
    };
    let ask = async || app.visitor().post("/manage", &[("email", "reader@example.com")]).await;
    next_day();
    for asked in 1..=6 {
        ask().await.is(200).says("reader@example.com");
        app.letters(1 + asked.min(3)).await;
        app.state.clock.advance(SignedDuration::from_mins(61));
    }
    next_day();
    ask().await.is(200);
    assert_eq!(app.letters(5).await.len(), 5, "three on the first day");
}
