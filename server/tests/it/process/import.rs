//! `tidings import subscribers`

use std::time::Duration;

use tokio::time::Instant;

use super::console::{Console, people};
use crate::support::{db::Database, process::Place};

const IMPORT: [&str; 4] = ["import", "subscribers", "people.csv", "--confirmed"];

#[tokio::test]
async fn good_lines_go_in_and_bad_ones_are_named_while_a_server_runs() {
    let place = Place::new();
    let console = Console::found(&place).await;
    let group = console.group("Europe").await;
    let api = console.component("Public API").await;
    console.component_in("Login", &group).await;
    let list = format!(
        "\u{feff}Email,components\r\n\
         all@example.com\r\n\
         name@example.com,public api\r\n\
         nobody\r\n\
         group@example.com,Europe - Login,\r\n\
         \"id@example.com\", {api}\r\n\
         gone@example.com,Nothing\r\n\
         \r\n\
         All@Example.com\r\n"
    );
    place.write("people.csv", list);
    let first = place.run(&IMPORT).await;
    assert!(first.stderr.contains("line 4: ") && first.stderr.contains("line 7: "), "{first:?}");
    assert!(first.stderr.contains("“Nothing”"), "{first:?}");
    assert_eq!(first.stderr.lines().count(), 2, "{first:?}");
    assert_eq!(first.ok(), "4 created, 0 updated, 1 unchanged, 2 refused\n");
    let second = place.run(&IMPORT).await;
    assert_eq!(second.ok(), "0 created, 0 updated, 5 unchanged, 2 refused\n");
    place.write("people.csv", "name@example.com,Login\n");
    assert_eq!(place.run(&IMPORT).await.ok(), "0 created, 1 updated, 0 unchanged, 0 refused\n");

    // Who follows what, as the console counts it.
    let count = async |component: &str| {
        let answer = console.owner.get(&format!("/admin/audience?component={component}")).await;
        serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["recipients"].clone()
    };
    assert_eq!(count(&api).await, 3, "all, name and id");
    // Nobody was mailed about it.
    assert!(!place.folder.join("data/outbox").exists());
    console.process.stop().await;
}

#[tokio::test]
async fn people_who_did_not_agree_are_not_imported() {
    let place = Place::new();
    place.write("people.csv", people(3));
    let said = place.run(&IMPORT[..3]).await.failed_with(1);
    assert!(said.contains("--confirmed"), "{said}");
    let said = place.run(&["import", "subscribers", "absent.csv", "--confirmed"]).await.failed_with(1);
    assert!(said.contains("absent.csv"), "{said}");
}

#[tokio::test]
async fn a_file_that_is_not_text_is_refused_line_by_line() {
    let place = Place::new();
    place.write(
        "people.csv",
        b"a@example.com\n\xff\xfe@example.com\nb\0@example.com\nb@example.com\n\"c@example.com\nd@example.com\n",
    );
    let done = place.run(&IMPORT).await;
    assert!(done.stderr.contains("line 2: it is not UTF-8"), "{done:?}");
    assert!(done.stderr.contains("line 3: "), "{done:?}");
    // One forgot to close a quote, which does not hurt the next.
    assert_eq!(done.ok(), "4 created, 0 updated, 0 unchanged, 2 refused\n");
}

#[tokio::test]
async fn two_hundred_thousand_lines_go_in_quickly_on_sqlite() {
    go_in_quickly(&Place::new()).await;
}

#[tokio::test]
async fn two_hundred_thousand_lines_go_in_quickly_on_postgres() {
    let database = Database::postgres().await;
    go_in_quickly(&Place::new().with("TIDINGS_DATABASE_URL", &database.url)).await;
    database.drop().await;
}

async fn go_in_quickly(place: &Place) {
    const LINES: u32 = 200_000;
    place.write("people.csv", people(LINES as usize));
    for expected in ["200000 created, 0 updated, 0 unchanged", "0 created, 0 updated, 200000 unchanged"] {
        let began = Instant::now();
        let said = place.run(&IMPORT).await.ok();
        let took = began.elapsed();
        eprintln!("{:.0} lines a second", f64::from(LINES) / took.as_secs_f64());
        assert_eq!(said, format!("{expected}, 0 refused\n"));
        // Without optimisation on a busy machine; ten times less than it takes when something is quadratic.
        assert!(took < Duration::from_mins(1), "{took:?}");
    }
}
