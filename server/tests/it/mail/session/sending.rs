//! Mails over a connection to a server that keeps to the rules.

use domain::delivery::{Answer, Outcome, Recipient, Stage, meaning};
use server::mail::session::Envelope;

use super::{connect, is_sent, recipients, send};
use crate::support::smtp::{Act, Script, SmtpServer, Step, When};

/// With and without PIPELINING: what holds for one must hold for the other.
fn both() -> [Script; 2] {
    [SmtpServer::script(), SmtpServer::script().without_pipelining()]
}

#[tokio::test]
async fn mails_arrive_over_one_connection() {
    for script in both() {
        let server = script.start().await;
        let mut session = connect(&server).await;
        for to in ["ada@example.org", "bob@example.org", "eve@example.org"] {
            let (outcome, is_usable) = send(&mut session, to).await;
            assert!(is_sent(&outcome) && is_usable, "{outcome:?}");
        }
        assert_eq!(session.mails_sent(), 3);
        session.quit().await;
        let accepted = server.wait_for(3).await;
        assert_eq!(recipients(&server), ["ada@example.org", "bob@example.org", "eve@example.org"]);
        assert!(accepted.iter().all(|mail| mail.from == "status@example.com" && mail.connection == 1));
        assert!(accepted.is_sorted_by_key(|mail| mail.at));
        assert_eq!(accepted[1].message, b"To: bob@example.org\r\n\r\nHello\r\n");
        assert_eq!(server.commands().last().unwrap().1, "QUIT");
    }
}

#[tokio::test]
async fn a_mail_that_never_bounces_has_an_empty_sender() {
    let server = SmtpServer::start().await;
    let envelope = Envelope { from: "", to: "ada@example.org" };
    let (outcome, _) = connect(&server).await.send(&envelope, b"Hello").await;
    assert!(is_sent(&outcome));
    assert_eq!(server.accepted()[0].from, "");
}

#[tokio::test]
async fn every_line_arrives_as_it_was_and_nothing_is_smuggled() {
    let hostile = [
        ".\r\n..\r\n.a\r\n...b\r\n",
        "a\n.\nMAIL FROM:<eve@example.net>\nRCPT TO:<all@example.net>\nDATA\nSmuggled\n",
        "a\r.\rRSET\r",
        "a\r\n.\rb",
        "a\n.\r\nQUIT\r\n",
        "a\r\r\n.\r\r\nb",
        "a\r\n.\nb\r\n",
        "",
        "\r",
        "no line end",
    ];
    for script in both().into_iter().chain(both().map(Script::with_loose_line_ends)) {
        let server = script.start().await;
        let mut session = connect(&server).await;
        for message in hostile {
            let envelope = Envelope { from: "status@example.com", to: "ada@example.org" };
            let (outcome, is_usable) = session.send(&envelope, message.as_bytes()).await;
            assert!(is_sent(&outcome) && is_usable, "{message:?}: {outcome:?}");
        }
        let accepted = server.accepted();
        assert_eq!(accepted.len(), hostile.len());
        for (mail, message) in accepted.iter().zip(hostile) {
            let mut expected = message.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
            if !expected.is_empty() && !expected.ends_with('\n') {
                expected.push_str("\r\n");
            }
            assert_eq!(String::from_utf8_lossy(&mail.message), expected);
            assert_eq!(mail.to, ["ada@example.org"]);
        }
    }
}

#[tokio::test]
async fn a_large_message_arrives_whole() {
    let server = SmtpServer::start().await;
    let message = ".x".repeat(37) + "\r\n";
    let message = message.repeat(20_000);
    let envelope = Envelope { from: "status@example.com", to: "ada@example.org" };
    let (outcome, _) = connect(&server).await.send(&envelope, message.as_bytes()).await;
    assert!(is_sent(&outcome), "{outcome:?}");
    assert!(server.accepted()[0].message == message.as_bytes());
}

#[tokio::test]
async fn refused_recipients_leave_their_neighbours_alone() {
    for script in both() {
        let refuse = Act::reply("550-5.1.1 Nobody\n550 5.1.1 of this name");
        let server = script.when(Step::Rcpt, When::Every(4), refuse).start().await;
        let mut session = connect(&server).await;
        let people: Vec<_> = (1..=40).map(|number| format!("person{number}@example.org")).collect();
        let mut told = Vec::new();
        for (index, to) in people.iter().enumerate() {
            let (outcome, is_usable) = send(&mut session, to).await;
            assert!(is_usable);
            if is_sent(&outcome) {
                told.push(to.clone());
            } else {
                assert_eq!((index + 1) % 4, 0);
                let refusal = Answer::new(550, ["5.1.1 Nobody of this name"]);
                assert_eq!(outcome, Outcome::Answered(Stage::Rcpt, refusal));
            }
        }
        assert_eq!(told.len(), 30);
        assert_eq!(recipients(&server), told);
        assert!(server.accepted().iter().all(|mail| mail.connection == 1));
    }
}

#[tokio::test]
async fn a_refused_recipient_for_whom_a_message_is_still_expected_gets_a_lone_dot() {
    let server = SmtpServer::script()
        .when(Step::Rcpt, When::Holding("bob".into()), Act::reply("550 5.1.1 No such user"))
        .on(Step::Data, Act::reply("354 Go on"))
        .start()
        .await;
    let mut session = connect(&server).await;
    let (refused, is_usable) = send(&mut session, "bob@example.org").await;
    assert_eq!(refused, Outcome::Answered(Stage::Rcpt, Answer::new(550, ["5.1.1 No such user"])));
    assert!(is_usable);
    let ended: Vec<_> = server.refused().iter().map(|refused| refused.bytes).collect();
    assert_eq!(ended, [0], "nothing but a dot");
    let (sent, _) = send(&mut session, "ada@example.org").await;
    assert!(is_sent(&sent), "{sent:?}");
    assert_eq!(recipients(&server), ["ada@example.org"]);
    assert_eq!(server.accepted()[0].connection, 1);
}

#[tokio::test]
async fn a_recipient_taken_without_a_sender_gets_no_empty_mail() {
    let server = SmtpServer::script()
        .on(Step::Mail, Act::reply("451 4.3.0 Not now"))
        .on(Step::Rcpt, Act::reply("250 Ok"))
        .on(Step::Data, Act::reply("354 Go on"))
        .start()
        .await;
    let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
    assert_eq!(outcome.stage(), Stage::Mail);
    assert!(!is_usable);
    assert!(server.accepted().is_empty());
}

#[tokio::test]
async fn a_refusal_at_any_step_is_reported_there_and_the_next_mail_goes_through() {
    for (step, stage) in
        [(Step::Mail, Stage::Mail), (Step::Rcpt, Stage::Rcpt), (Step::Data, Stage::Data), (Step::Dot, Stage::Dot)]
    {
        for script in both() {
            let server = script.when(step, When::Nth(1), Act::reply("451 4.3.0 Not now")).start().await;
            let mut session = connect(&server).await;
            let (outcome, is_usable) = send(&mut session, "ada@example.org").await;
            assert_eq!(outcome, Outcome::Answered(stage, Answer::new(451, ["4.3.0 Not now"])));
            assert!(is_usable);
            let (outcome, is_usable) = send(&mut session, "bob@example.org").await;
            assert!(is_sent(&outcome) && is_usable, "after a refusal at {stage:?}: {outcome:?}");
            assert_eq!(recipients(&server), ["bob@example.org"]);
        }
    }
}

#[tokio::test]
async fn an_address_cannot_bring_commands_along() {
    let server = SmtpServer::start().await;
    let mut session = connect(&server).await;
    let evil = "ada@example.org>\r\nRCPT TO:<eve@example.net";
    let nobody = Outcome::Answered(Stage::Rcpt, Answer::new(553, ["5.1.3 SMTP cannot carry this address"]));
    for to in [evil, "", "a b@example.org", "ada@exämple.org", "ada@example.org\0"] {
        assert_eq!(send(&mut session, to).await, (nobody.clone(), true), "{to:?}");
    }
    let envelope = Envelope { from: evil, to: "ada@example.org" };
    let (outcome, is_usable) = session.send(&envelope, b"Hello").await;
    assert_ne!(meaning(&outcome).recipient, Recipient::Failed { suppress: true });
    assert!(is_usable && outcome.stage() == Stage::Mail);
    assert_eq!(server.commands().len(), 1, "only EHLO");
}
