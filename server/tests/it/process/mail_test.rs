//! `tidings mail test`

use std::time::Duration;

use super::console::{Console, eventually, subscribe};
use crate::support::{
    process::Place,
    smtp::{Act, SmtpServer, Step},
};

const TEST: [&str; 4] = ["mail", "test", "--to", "me@example.com"];

#[tokio::test]
async fn without_a_server_the_mail_is_captured() {
    let place = Place::new();
    let said = place.run(&TEST).await.ok();
    assert!(said.contains("outbox"), "{said}");
    let entries: Vec<_> =
        std::fs::read_dir(place.folder.join("data/outbox")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mails: Vec<_> = entries.iter().filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
    assert_eq!(mails.len(), 1, "{entries:?}");
    let bytes = std::fs::read(mails[0]).unwrap();
    let mail = mail_parser::MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(mail.to().unwrap().first().unwrap().address(), Some("me@example.com"));
}

#[tokio::test]
async fn a_server_that_takes_it_is_named() {
    let server = SmtpServer::script().with_sign_in("me", "hunter2 äß", "PLAIN LOGIN").start().await;
    let url = server.url().replace(" äß", "%20%C3%A4%C3%9F");
    let place = Place::new().with("TIDINGS_SMTP_URL", &url).with("TIDINGS_MAIL_FROM", "Acme Status <status@acme.test>");
    let done = place.run(&TEST).await;
    assert!(!format!("{done:?}").contains("hunter2"), "{done:?}");
    let said = done.ok();
    assert!(said.contains("Sent to me@example.com") && said.contains("250"), "{said}");
    let [accepted] = &server.accepted()[..] else { panic!("one mail") };
    assert_eq!((accepted.from.as_str(), &accepted.to[..]), ("status@acme.test", &["me@example.com".to_owned()][..]));
    let mail = mail_parser::MessageParser::default().parse(&accepted.message).unwrap();
    assert!(mail.header("List-Unsubscribe").is_none(), "a test is no list's mail");
}

#[tokio::test]
async fn a_failure_shows_the_conversation_without_the_password() {
    for mechanisms in ["PLAIN", "LOGIN"] {
        let refused = Act::reply("535 5.7.8 No such user here");
        let script = SmtpServer::script().with_sign_in("me", "hunter2", mechanisms);
        let server = script.on(Step::Auth, refused).start().await;
        let place = Place::new().with("TIDINGS_SMTP_URL", &server.url()).with("TIDINGS_LOG", "trace");
        let said = place.run(&TEST).await.failed_with(1);
        for part in ["EHLO", "AUTH", "535 5.7.8 No such user here", "was not sent"] {
            assert!(said.contains(part), "no {part} in {said}");
        }
        // As it is, and as the wire has it.
        for secret in ["hunter2", "aHVudGVyM", "AG1lAGh1bnRlcjI"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
    let server = SmtpServer::script().on(Step::Rcpt, Act::reply("550 5.1.1 Nobody here")).start().await;
    let said = Place::new().with("TIDINGS_SMTP_URL", &server.url()).run(&TEST).await.failed_with(1);
    assert!(said.contains("RCPT TO:<me@example.com>") && said.contains("550 5.1.1 Nobody here"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Place::new().with("TIDINGS_SMTP_URL", &format!("smtp://127.0.0.1:{port}?tls=none"));
    let said = place.run(&TEST).await.failed_with(1);
    assert!(said.contains(&port.to_string()), "{said}");
}

#[tokio::test]
async fn a_server_whose_password_is_refused_writes_it_into_no_log() {
    for mechanisms in ["PLAIN", "LOGIN"] {
        let server = SmtpServer::script().with_sign_in("me", "right", mechanisms).start().await;
        let url = server.url().replace("right", "hunter2");
        let place = Place::new().with("TIDINGS_SMTP_URL", &url).with("TIDINGS_LOG", "trace");
        subscribe(&place, 3).await;
        let console = Console::found(&place).await;
        console.open("Slow", &[("status", "investigating"), ("body", "We look into it.")]).await;
        let is_said = async || console.process.stderr().contains("Signing in: 535");
        assert!(eventually(Duration::from_mins(1), is_said).await, "{}", console.process.stderr());
        let said = console.process.stderr();
        for secret in ["hunter2", "aHVudGVyM", "AG1lAGh1bnRlcjI"] {
            assert!(!said.contains(secret), "{secret} is in the log");
        }
        assert_eq!(server.connections(), 1, "one try in five minutes");
        console.process.stop().await;
    }
}
