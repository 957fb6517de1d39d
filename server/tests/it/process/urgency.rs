//! Which threads step back for which.
#![cfg(target_os = "linux")]

use std::{fs, time::Duration};

use tokio::time::{Instant, sleep};

use crate::support::process::{Place, Process};

/// A thread's name, its scheduling policy (0 is the usual one, 3 is batch) and its niceness (`proc_pid_stat(5)`).
type Thread = (String, i32, i32);

fn threads(process: &Process) -> Vec<Thread> {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("stat")).ok());
    let read = |stat: String| {
        let (name, fields) = stat.split_once('(').unwrap().1.rsplit_once(") ").unwrap();
        let field = |number: usize| fields.split(' ').nth(number - 3).unwrap().parse().unwrap();
        (name.to_owned(), field(41), field(19))
    };
    stats.map(read).collect()
}

/// Policy and niceness of those with this name.
fn of(threads: &[Thread], name: &str) -> Vec<(i32, i32)> {
    threads.iter().filter(|thread| thread.0 == name).map(|thread| (thread.1, thread.2)).collect()
}

#[tokio::test]
async fn the_threads_of_mail_and_of_the_embedded_database_interrupt_no_reader() {
    let place = Place::new();
    let process = place.serve().await;
    // Those of mail are the last to begin.
    let deadline = Instant::now() + Duration::from_secs(20);
    let threads = loop {
        let threads = threads(&process);
        let (mail, usual) = (of(&threads, "mail"), of(&threads, "tidings")[0].1);
        if !mail.is_empty() && mail.iter().all(|thread| *thread == (3, usual + 10)) {
            break threads;
        }
        assert!(Instant::now() < deadline, "{threads:?}");
        sleep(Duration::from_millis(20)).await;
    };
    let usual = of(&threads, "tidings")[0].1;
    assert_eq!(of(&threads, "tidings"), [(0, usual)]);
    assert!(of(&threads, "tokio-rt-worker").iter().all(|thread| *thread == (0, usual)), "{threads:?}");
    assert_eq!(of(&threads, "sqlx-sqlite-wor"), [(3, usual + 10); 5]);
    process.stop().await;
}
