//! Greeting, encryption, signing in.

use domain::delivery::{Answer, Outcome, Stage, Transport as Advice, meaning};
use server::mail::{
    session::{Conversation, Deadlines, Session},
    transport::Transport,
};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::{SOON, connect, deadlines, is_sent, recipients, send, transport, try_connect};
use crate::support::smtp::{Act, SmtpServer, Step};

#[tokio::test]
async fn encryption_and_signing_in_work_in_every_combination() {
    for mechanisms in ["PLAIN LOGIN", "LOGIN", "CRAM-MD5 PLAIN"] {
        let script = || SmtpServer::script().with_sign_in("tidings", "s3cret", mechanisms);
        for script in [script(), script().with_starttls(), script().with_implicit_tls()] {
            let server = script.start().await;
            let mut session = connect(&server).await;
            let (outcome, _) = send(&mut session, "ada@example.org").await;
            assert!(is_sent(&outcome), "{mechanisms} {}: {outcome:?}", server.url());
            session.quit().await;
            assert_eq!(recipients(&server), ["ada@example.org"]);
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_our_fault() {
    for mechanisms in ["PLAIN", "LOGIN"] {
        let server = SmtpServer::script().with_starttls().with_sign_in("tidings", "s3cret", mechanisms).start().await;
        let wrong = Transport::parse(&server.url().replace("s3cret", "guess")).unwrap().trusting(server.certificate());
        let refused = Session::connect(&wrong, &deadlines(), "client.example").await.unwrap_err();
        assert_eq!(refused, Outcome::Answered(Stage::Auth, Answer::new(535, ["5.7.8 Wrong user or password"])));
        assert_eq!(meaning(&refused).transport, Advice::Broken);
    }
}

#[tokio::test]
async fn without_a_known_way_to_sign_in_nothing_is_tried() {
    let server = SmtpServer::script().with_sign_in("tidings", "s3cret", "XOAUTH2").start().await;
    assert_eq!(try_connect(&server).await.unwrap_err().stage(), Stage::Auth);
    assert_eq!(server.commands().len(), 1, "only EHLO");
}

#[tokio::test]
async fn a_server_stripped_of_starttls_gets_neither_mail_nor_password() {
    let server = SmtpServer::script()
        .with_starttls()
        .with_sign_in("tidings", "s3cret", "PLAIN")
        .on(Step::Ehlo, Act::reply("250-test.example\n250 AUTH PLAIN"))
        .start()
        .await;
    let refused = try_connect(&server).await.unwrap_err();
    assert!(refused.to_string().contains("does not offer STARTTLS"), "{refused}");
    assert_eq!(refused.stage(), Stage::StartTls);
    let commands: Vec<_> = server.commands().into_iter().map(|(_, line)| line).collect();
    assert_eq!(commands, ["EHLO client.example"]);
}

#[tokio::test]
async fn words_slipped_in_before_encryption_are_refused() {
    let server = SmtpServer::script()
        .with_starttls()
        .on(Step::StartTls, Act::reply("220 2.0.0 Go on\n250-forged.example\n250 AUTH PLAIN"))
        .start()
        .await;
    let refused = try_connect(&server).await.unwrap_err();
    assert!(refused.to_string().contains("before encryption began"), "{refused}");
    let commands: Vec<_> = server.commands().into_iter().map(|(_, line)| line).collect();
    assert_eq!(commands, ["EHLO client.example", "STARTTLS"]);
}

#[tokio::test]
async fn a_refused_starttls_ends_it() {
    let server = SmtpServer::script().with_starttls().on(Step::StartTls, Act::reply("454 4.7.0 No")).start().await;
    let refused = try_connect(&server).await.unwrap_err();
    assert_eq!(refused, Outcome::Answered(Stage::StartTls, Answer::new(454, ["4.7.0 No"])));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    for script in [SmtpServer::script().with_starttls(), SmtpServer::script().with_implicit_tls()] {
        let server = script.start().await;
        let strangers = Transport::parse(&server.url()).unwrap();
        let refused = Session::connect(&strangers, &deadlines(), "client.example").await.unwrap_err();
        assert_eq!(refused.stage(), Stage::StartTls);
        assert!(refused.to_string().contains("certificate"), "{refused}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    for script in [SmtpServer::script().with_starttls(), SmtpServer::script().with_implicit_tls()] {
        let server = script.certified_for("mail.example.net").start().await;
        let refused = try_connect(&server).await.unwrap_err();
        assert_eq!(refused.stage(), Stage::StartTls);
        assert!(refused.to_string().contains("not valid for name"), "{refused}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_where_it_should_is_refused() {
    let server = SmtpServer::start().await;
    let address = server.url().replace("smtp://", "smtps://").replace("?tls=none", "");
    let refused = Session::connect(&Transport::parse(&address).unwrap(), &deadlines(), "client.example").await;
    assert_eq!(refused.unwrap_err().stage(), Stage::StartTls);
}

#[tokio::test]
async fn a_server_may_be_given_by_name() {
    // Where `localhost` is ::1 first, nobody listens there and the next address must be tried.
    let server = SmtpServer::start().await;
    let named = Transport::parse(&server.url().replace("127.0.0.1", "localhost")).unwrap();
    let mut session = Session::connect(&named, &deadlines(), "client.example").await.unwrap();
    assert!(is_sent(&send(&mut session, "ada@example.org").await.0));
}

#[tokio::test]
async fn a_session_may_be_opened_and_used_by_any_task() {
    let server = SmtpServer::start().await;
    let transport = transport(&server);
    let sending = TaskTracker::new().spawn(async move {
        let mut session = Session::connect(&transport, &deadlines(), "client.example").await.unwrap();
        send(&mut session, "ada@example.org").await
    });
    assert!(is_sent(&sending.await.unwrap().0));
}

#[tokio::test]
async fn a_closed_port_is_a_fault_of_the_way_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}?tls=none", listener.local_addr().unwrap());
    drop(listener);
    let refused = Session::connect(&Transport::parse(&url).unwrap(), &deadlines(), "client.example").await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.stage(), meaning(&refused).transport), (Stage::Connect, Advice::Backoff));
}

#[tokio::test]
async fn a_silent_server_is_given_up_in_time() {
    let deadlines = Deadlines { connect: SOON, hello: SOON, ..deadlines() };
    for (script, stage) in [
        (SmtpServer::script().on(Step::Greeting, Act::silence()), Stage::Greeting),
        (SmtpServer::script().on(Step::Greeting, Act::usual().after(SOON * 100)), Stage::Greeting),
        (SmtpServer::script().on(Step::Greeting, Act::endless(b"220-still here\r\n")), Stage::Greeting),
        (SmtpServer::script().on(Step::Ehlo, Act::silence()), Stage::Hello),
        (SmtpServer::script().with_starttls().on(Step::StartTls, Act::silence()), Stage::StartTls),
        (SmtpServer::script().with_sign_in("a", "b", "PLAIN").on(Step::Auth, Act::silence()), Stage::Auth),
    ] {
        let server = script.start().await;
        let lost = Session::connect(&transport(&server), &deadlines, "client.example").await.unwrap_err();
        assert!(matches!(lost, Outcome::Lost(..)), "{lost}");
        assert_eq!(lost.stage(), stage);
    }
}

#[tokio::test]
async fn a_server_that_never_starts_the_handshake_is_given_up_in_time() {
    // A listener that nobody serves: the kernel connects, then silence.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtps://{}", listener.local_addr().unwrap());
    let deadlines = Deadlines { connect: SOON, ..deadlines() };
    let lost = Session::connect(&Transport::parse(&url).unwrap(), &deadlines, "client.example").await;
    assert_eq!(lost.unwrap_err().stage(), Stage::StartTls);
}

#[tokio::test]
async fn a_server_that_turns_us_away_is_quoted() {
    for (greeting, advice) in
        [("554 5.7.1 Your address is listed", Advice::Broken), ("421 4.3.2 Too busy", Advice::Reconnect)]
    {
        let server = SmtpServer::script().on(Step::Greeting, Act::reply(greeting).and_close()).start().await;
        let refused = try_connect(&server).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("Greeting: {greeting}"));
        assert_eq!(meaning(&refused).transport, advice);
    }
}

#[tokio::test]
async fn a_recorded_conversation_shows_all_but_the_password() {
    for mechanisms in ["PLAIN", "LOGIN"] {
        let server = SmtpServer::script().with_starttls().with_sign_in("tidings", "s3cret", mechanisms).start().await;
        let conversation = Conversation::default();
        let (transport, deadlines) = (transport(&server), deadlines());
        let opened = Session::connect_recorded(&transport, &deadlines, "client.example", &conversation).await;
        send(&mut opened.unwrap(), "ada@example.org").await;
        let shown = conversation.to_string();
        for line in [
            "← 220 test.example ESMTP",
            "→ EHLO client.example",
            "← 250-PIPELINING",
            "→ (encryption begins)",
            "← 235 2.7.0 Welcome",
            "→ RCPT TO:<ada@example.org>",
            "→ (the message, 33 bytes)",
            "← 250 2.0.0 Taken",
        ] {
            assert!(shown.contains(line), "{line} is missing in\n{shown}");
        }
        // "s3cret", alone and behind NUL tidings NUL, in base64.
        for secret in ["s3cret", "czNjcmV0", "AHRpZGluZ3MAczNjcmV0"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
