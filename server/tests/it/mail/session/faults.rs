//! Servers that break off, dawdle, lie or lose count.

use std::time::Duration;

use domain::delivery::{Answer, Outcome, Recipient, Stage, Transport as Advice, meaning};
use server::mail::session::{Deadlines, Session};
use tokio::time::{Instant, pause, resume, sleep};
use tokio_util::sync::CancellationToken;

use super::{SOON, connect, deadlines, is_sent, recipients, send, transport, try_connect};
use crate::support::smtp::{Act, SmtpServer, Step, When};

const STEPS: [(Step, Stage); 4] =
    [(Step::Mail, Stage::Mail), (Step::Rcpt, Stage::Rcpt), (Step::Data, Stage::Data), (Step::Dot, Stage::Dot)];

#[tokio::test]
async fn closing_with_421_before_the_dot_costs_the_recipient_nothing() {
    for (step, stage) in &STEPS[..3] {
        let closing = Act::reply("421 4.3.2 Shutting down").and_close();
        for script in [SmtpServer::script(), SmtpServer::script().without_pipelining()] {
            let server = script.on(*step, closing.clone()).start().await;
            let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
            assert_eq!(outcome, Outcome::Answered(*stage, Answer::new(421, ["4.3.2 Shutting down"])));
            assert!(!is_usable && !meaning(&outcome).counts());
            assert_eq!(meaning(&outcome).transport, Advice::Reconnect);
        }
    }
}

#[tokio::test]
async fn closing_with_421_after_the_dot_is_a_refusal_that_counts() {
    let server = SmtpServer::script().on(Step::Dot, Act::reply("421 4.3.2 Shutting down").and_close()).start().await;
    let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
    assert_eq!(outcome, Outcome::Answered(Stage::Dot, Answer::new(421, ["4.3.2 Shutting down"])));
    assert!(!is_usable && meaning(&outcome).counts());
    assert!(server.accepted().is_empty());
}

#[tokio::test]
async fn a_connection_that_breaks_is_uncertain_only_after_the_dot() {
    for (step, stage) in STEPS {
        for script in [SmtpServer::script(), SmtpServer::script().without_pipelining()] {
            let server = script.on(step, Act::close()).start().await;
            let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
            let expected = if stage == Stage::Dot { Recipient::Uncertain } else { Recipient::StillWaiting };
            assert_eq!(meaning(&outcome).recipient, expected, "{outcome:?}");
            assert!(!is_usable && matches!(outcome, Outcome::Lost(at, _) if at == stage), "{outcome:?}");
            assert!(server.accepted().is_empty());
        }
    }
}

#[tokio::test]
async fn who_hangs_up_before_the_message_is_begun_surely_does_not_have_it() {
    // Both sides share a thread, so the server has closed its end before anybody here reads that it may come.
    for script in [SmtpServer::script(), SmtpServer::script().without_pipelining()] {
        let server = script.on(Step::Data, Act::reply("354 Go on").and_close()).start().await;
        let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
        assert_eq!(outcome, Outcome::Lost(Stage::Data, "the server closed the connection".into()));
        assert!(!is_usable && !meaning(&outcome).counts());
    }
}

#[tokio::test]
async fn a_mail_taken_without_a_word_is_uncertain() {
    let server = SmtpServer::script().on(Step::Dot, Act::close().taking_the_mail()).start().await;
    let (outcome, _) = send(&mut connect(&server).await, "ada@example.org").await;
    assert_eq!(outcome, Outcome::Lost(Stage::Dot, "the server closed the connection".into()));
    assert_eq!(recipients(&server), ["ada@example.org"]);
}

#[tokio::test]
async fn a_silent_server_is_given_up_at_every_step() {
    for (step, stage) in STEPS {
        let server = SmtpServer::script().on(step, Act::silence()).start().await;
        let deadlines = Deadlines { command: SOON, dot: SOON, ..deadlines() };
        let mut session = Session::connect(&transport(&server), &deadlines, "client.example").await.unwrap();
        let (outcome, is_usable) = send(&mut session, "ada@example.org").await;
        assert!(!is_usable && matches!(outcome, Outcome::Lost(at, _) if at == stage), "{outcome:?}");
    }
}

/// What becomes of a mail whose final dot is answered so, and how long that takes. The minutes are not waited for: once
/// both sides do nothing but wait, the clock goes on to whatever comes next.
async fn after_the_dot(act: Act) -> (Outcome, Duration) {
    let server = SmtpServer::script().on(Step::Dot, act).start().await;
    let mut session = Session::connect(&transport(&server), &Deadlines::default(), "client.example").await.unwrap();
    let began = Instant::now();
    let passing = async {
        while server.steps(Step::Dot) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        pause();
    };
    let ((outcome, _), ()) = tokio::join!(send(&mut session, "ada@example.org"), passing);
    resume();
    (outcome, began.elapsed())
}

#[tokio::test]
async fn ten_minutes_are_waited_for_the_answer_to_the_dot_and_no_longer() {
    let minute = Duration::from_mins(1);
    let (late, took) = after_the_dot(Act::usual().after(Duration::from_secs(590))).await;
    assert!(is_sent(&late) && took >= Duration::from_secs(590), "{late:?} after {took:?}");
    // Seventeen bytes, one every fifty seconds.
    let dripping = Act::reply("250 2.0.0 Taken").dripping(Duration::from_secs(50));
    let (lost, took) = after_the_dot(dripping).await;
    assert_eq!(lost, Outcome::Lost(Stage::Dot, "the server did not answer within 600 seconds".into()));
    assert!((10 * minute..11 * minute).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_refusal_stands_when_the_server_hangs_up_behind_it() {
    let refuse = Act::reply("550 5.1.1 No such user").and_close();
    for script in [SmtpServer::script(), SmtpServer::script().without_pipelining()] {
        let server = script.on(Step::Rcpt, refuse.clone()).start().await;
        let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
        assert_eq!(outcome, Outcome::Answered(Stage::Rcpt, Answer::new(550, ["5.1.1 No such user"])));
        assert!(!is_usable);
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_never_taken_for_the_next_mails() {
    let gate = CancellationToken::new();
    let server = SmtpServer::script()
        .when(Step::Dot, When::Nth(1), Act::reply("250 2.0.0 Taken at last").held_by(&gate))
        .when(Step::Dot, When::After(1), Act::reply("554 5.6.0 Refused"))
        .start()
        .await;
    let impatient = Deadlines { dot: SOON, ..deadlines() };
    let mut session = Session::connect(&transport(&server), &impatient, "client.example").await.unwrap();
    let (first, is_usable) = send(&mut session, "ada@example.org").await;
    assert_eq!(meaning(&first).recipient, Recipient::Uncertain);
    assert!(!is_usable);
    gate.cancel();
    server.wait_for(1).await;
    let (second, is_usable) = send(&mut session, "bob@example.org").await;
    assert_eq!(meaning(&second).recipient, Recipient::StillWaiting);
    assert!(!is_usable);
    let (third, _) = send(&mut connect(&server).await, "bob@example.org").await;
    assert_eq!(third, Outcome::Answered(Stage::Dot, Answer::new(554, ["5.6.0 Refused"])));
    assert_eq!(recipients(&server), ["ada@example.org"]);
}

#[tokio::test]
async fn dropping_a_send_half_way_costs_the_connection() {
    for (step, _) in STEPS {
        let gate = CancellationToken::new();
        let held = Act::usual().held_by(&gate);
        let server = SmtpServer::script().when(step, When::Nth(1), held).start().await;
        let mut session = connect(&server).await;
        tokio::time::timeout(SOON, send(&mut session, "ada@example.org")).await.unwrap_err();
        gate.cancel();
        assert!(!session.is_usable());
        let (outcome, is_usable) = send(&mut session, "bob@example.org").await;
        assert_eq!(meaning(&outcome).recipient, Recipient::StillWaiting);
        assert!(!is_usable);
        session.quit().await;
        assert!(!recipients(&server).contains(&"bob@example.org".to_owned()));
    }
}

#[tokio::test]
async fn an_answer_before_the_question_is_not_believed() {
    for script in [SmtpServer::script(), SmtpServer::script().without_pipelining()] {
        let server = script.on(Step::Data, Act::reply("354 Go on\n250 2.0.0 Taken")).start().await;
        let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
        assert!(!is_sent(&outcome) && !is_usable, "{outcome:?}");
        assert!(server.accepted().is_empty());
    }
}

#[tokio::test]
async fn one_answer_too_many_never_shifts_the_others() {
    for script in [SmtpServer::script(), SmtpServer::script().without_pipelining()] {
        // The second mail is refused, but behind an answer too many each answer seems to be that of the command before.
        let server = script
            .when(Step::Dot, When::Nth(1), Act::reply("250 2.0.0 Taken\n250 2.0.0 Taken"))
            .when(Step::Rcpt, When::Nth(2), Act::reply("550 5.1.1 No such user"))
            .start()
            .await;
        let mut session = connect(&server).await;
        let (first, is_usable) = send(&mut session, "ada@example.org").await;
        assert!(is_sent(&first) && !is_usable);
        let (second, _) = send(&mut session, "bob@example.org").await;
        assert_eq!(meaning(&second).recipient, Recipient::StillWaiting);
    }
}

#[tokio::test]
async fn one_answer_too_many_within_a_mail_is_noticed_before_the_message_is_sent() {
    for refused in ["bob", "nobody at all"] {
        for script in [SmtpServer::script(), SmtpServer::script().without_pipelining()] {
            let server = script
                .on(Step::Mail, Act::reply("250 2.1.0 Ok\n250 2.1.0 Ok"))
                .when(Step::Rcpt, When::Holding(refused.into()), Act::reply("550 5.1.1 No such user"))
                .start()
                .await;
            let (outcome, is_usable) = send(&mut connect(&server).await, "bob@example.org").await;
            assert!(
                matches!(meaning(&outcome).recipient, Recipient::StillWaiting | Recipient::RetryLater),
                "{outcome}"
            );
            assert!(!is_usable);
            assert!(server.accepted().is_empty());
        }
    }
}

#[tokio::test]
async fn a_success_of_the_wrong_kind_is_no_success() {
    for (step, reply, recipient) in [
        (Step::Mail, "354 Go on", Recipient::StillWaiting),
        (Step::Rcpt, "354 Go on", Recipient::StillWaiting),
        (Step::Data, "250 Ok", Recipient::StillWaiting),
        (Step::Dot, "354 Go on", Recipient::Uncertain),
        (Step::Dot, "252 Perhaps", Recipient::Uncertain),
        (Step::Dot, "Ok", Recipient::Uncertain),
    ] {
        for script in [SmtpServer::script(), SmtpServer::script().without_pipelining()] {
            let server = script.on(step, Act::reply(reply)).start().await;
            let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
            assert_eq!(meaning(&outcome).recipient, recipient, "{reply} to {step:?}: {outcome:?}");
            assert!(!is_usable);
        }
    }
}

#[tokio::test]
async fn answers_are_understood_however_they_are_cut() {
    let answer = Act::reply("250-2.0.0 Taken\n250-2.0.0 with\n250 2.0.0 pleasure").byte_by_byte();
    let server = SmtpServer::script()
        .on(Step::Greeting, Act::reply("220-test.example\n220-says\n220 welcome").byte_by_byte())
        .on(Step::Ehlo, Act::usual().byte_by_byte())
        .on(Step::Rcpt, Act::usual().byte_by_byte())
        .on(Step::Dot, answer)
        .start()
        .await;
    let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
    assert_eq!(outcome, Outcome::Answered(Stage::Dot, Answer::new(250, ["2.0.0 Taken with pleasure"])));
    assert!(is_usable);
}

#[tokio::test]
async fn answers_in_latin_1_or_without_carriage_returns_are_understood() {
    let server = SmtpServer::script()
        .on(Step::Greeting, Act::raw(b"220 gr\xFC\xDFe\n"))
        .on(Step::Rcpt, Act::raw(b"550 5.1.1 Empf\xE4nger unbekannt\r\n"))
        .start()
        .await;
    let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
    assert_eq!(outcome.to_string(), "RCPT: 550 5.1.1 Empfänger unbekannt");
    assert!(is_usable);
}

#[tokio::test]
async fn answers_without_end_are_cut_off() {
    // What the server got rid of while it was heard: nobody can hold more than that.
    const BOUND: usize = 1024 * 1024;
    for (bytes, reason) in [
        (&b"220-more\r\n"[..], "its answer does not end"),
        (b"2", "a line of its answer is too long"),
        (b"220-no line end ", "a line of its answer is too long"),
    ] {
        let server = SmtpServer::script().on(Step::Greeting, Act::endless(bytes)).start().await;
        let lost = try_connect(&server).await.unwrap_err();
        assert_eq!(lost, Outcome::Lost(Stage::Greeting, format!("the connection failed: {reason}")));
        assert!(server.bytes_written() < BOUND, "{} bytes were written", server.bytes_written());
    }
    let server = SmtpServer::script().on(Step::Dot, Act::endless(b"250-more\r\n")).start().await;
    let (outcome, is_usable) = send(&mut connect(&server).await, "ada@example.org").await;
    assert_eq!(meaning(&outcome).recipient, Recipient::Uncertain);
    assert!(!is_usable);
    assert!(server.bytes_written() < BOUND, "{} bytes were written", server.bytes_written());
}

#[tokio::test]
async fn what_is_no_smtp_is_not_believed() {
    for bytes in
        [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"\r\n", b"220\0\r\n", b"220-a\r\n250 b\r\n", b"2200 a\r\n", b"\xFF\xFE\r\n"]
    {
        let server = SmtpServer::script().on(Step::Greeting, Act::raw(bytes)).start().await;
        let lost = try_connect(&server).await.unwrap_err();
        assert!(matches!(lost, Outcome::Lost(Stage::Greeting, _)), "{bytes:?}: {lost}");
    }
}
