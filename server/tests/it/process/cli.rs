//! Commands, settings and exit statuses: what scripts rely on.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use sqlx::{Connection, Executor, SqliteConnection};

use super::console::{Console, eventually, soon};
use crate::support::{
    app::{OWNER, PASSWORD},
    client::Client,
    process::{Done, Place},
};

/// One clear sentence, not a heap of them.
#[track_caller]
fn sentence(done: Done) -> String {
    let said = done.failed_with(1);
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    said
}

#[tokio::test]
async fn wrong_usage_is_status_two() {
    let place = Place::new();
    for arguments in [
        &[][..],
        &["no-such-command"],
        &["serve", "--no-such-flag"],
        &["owner", "create"],
        &["owner", "create", "--email", "nobody"],
        &["key", "create", "--name", "Monitor"],
        &["import", "subscribers"],
        &["mail", "test", "--to", "nobody"],
    ] {
        let said = place.run(arguments).await.failed_with(2);
        assert!(said.contains("--help") || said.contains("Usage: tidings"), "{arguments:?}: {said}");
    }
    assert_eq!(std::fs::read_dir(&place.folder).unwrap().count(), 0, "nothing was made");
}

#[tokio::test]
async fn help_names_every_command_and_setting() {
    let place = Place::new();
    let help = place.run(&["--help"]).await.ok();
    for command in ["serve", "demo", "migrate", "check-config", "owner", "key", "audit", "import", "mail"] {
        assert!(help.contains(command), "no {command} in {help}");
    }
    let help = place.run(&["serve", "--help"]).await.ok();
    for setting in [
        "DATA",
        "DATABASE_URL",
        "LISTEN",
        "PUBLIC_URL",
        "SECRET",
        "SMTP_URL",
        "MAIL_FROM",
        "MAIL_RATE",
        "MAIL_CONNECTIONS",
        "TRUSTED_PROXIES",
        "LOG",
        "LOG_FORMAT",
    ] {
        assert!(help.contains(&format!("TIDINGS_{setting}")), "no {setting} in {help}");
    }
    let place = place
        .with("TIDINGS_SECRET", "0123456789abcdef0123456789abcdef")
        .with("TIDINGS_SMTP_URL", "smtps://me:hunter2@mail.example.com")
        .with("TIDINGS_DATABASE_URL", "postgres://me:hunter2@db/tidings");
    let help = place.run(&["serve", "--help"]).await.ok();
    assert!(!help.contains("hunter2") && !help.contains("0123456789abcdef"), "{help}");
}

#[tokio::test]
async fn check_config_shows_what_counts_and_no_secret() {
    let place = Place::new()
        .with("TIDINGS_SECRET", "0123456789abcdef0123456789abcdef")
        .with("TIDINGS_SMTP_URL", "smtps://me:hunter2@mail.example.com")
        .with("TIDINGS_DATABASE_URL", "postgres://me:hunter3@db/tidings");
    let said = place.run(&["check-config"]).await.ok();
    for wrong in ["0123456789abcdef", "hunter2", "hunter3"] {
        assert!(!said.contains(wrong), "{wrong} in {said}");
    }
    for right in ["TIDINGS_DATABASE_URL = postgres://me:•••@db/tidings", "TIDINGS_MAIL_RATE = ", "mail.example.com"]
    {
        assert!(said.contains(right), "no {right} in {said}");
    }
}

#[tokio::test]
async fn check_config_lists_all_problems() {
    let place = Place::new()
        .with("TIDINGS_LISTEN", "everywhere")
        .with("TIDINGS_MAIL_RATE", "fast")
        .with("TIDINGS_SMTP_URL", "http://me:hunter2@mail.example.com")
        .with("TIDINGS_LOG_FORMAT", "xml");
    for command in ["check-config", "serve"] {
        let said = place.run(&[command]).await.failed_with(1);
        for name in ["TIDINGS_LISTEN", "TIDINGS_MAIL_RATE", "TIDINGS_SMTP_URL", "TIDINGS_LOG_FORMAT"] {
            assert!(said.contains(name), "no {name} in {said}");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let mut place = Place::new();
    place.unset("TIDINGS_MAIL_RATE");
    let rate = async |place: &Place, arguments: &[&str]| {
        let said = place.run(&[&["check-config"], arguments].concat()).await.ok();
        said.lines().find_map(|line| line.strip_prefix("TIDINGS_MAIL_RATE = ")).unwrap().to_owned()
    };
    assert_eq!(rate(&place, &[]).await, "10/s");
    place.write("tidings.toml", "mail_rate = \"11/s\"\n");
    assert_eq!(rate(&place, &[]).await, "11/s");
    place.set("TIDINGS_MAIL_RATE", "12/s");
    assert_eq!(rate(&place, &[]).await, "12/s");
    assert_eq!(rate(&place, &["--mail-rate", "13/s"]).await, "13/s");
    place.unset("TIDINGS_MAIL_RATE");
    place.write("other.toml", "mail_rate = \"14/s\"\n");
    assert_eq!(rate(&place, &["--config", "other.toml"]).await, "14/s");
}

#[tokio::test]
async fn a_settings_file_that_is_wrong_or_missing_is_named() {
    let place = Place::new();
    place.write("tidings.toml", "mail_rait = \"11/s\"\n");
    let said = place.run(&["serve"]).await.failed_with(1);
    assert!(said.contains("tidings.toml") && said.contains("mail_rait"), "{said}");
    let said = sentence(place.run(&["serve", "--config", "absent.toml"]).await);
    assert!(said.contains("absent.toml"), "{said}");
}

#[tokio::test]
async fn migrating_twice_is_harmless() {
    let place = Place::new();
    for _ in 0..2 {
        assert_eq!(place.run(&["migrate"]).await.ok(), "The database is up to date.\n");
    }
    assert!(place.folder.join("data/tidings.db").is_file());
    let place = place.with("TIDINGS_DATABASE_URL", "postgres://nobody:hunter2@127.0.0.1:1/none");
    let said = place.run(&["migrate"]).await.failed_with(1);
    assert!(said.contains("database") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn what_is_kept_is_for_the_servers_user_alone() {
    let place = Place::new();
    place.run(&["migrate"]).await.ok();
    let mode = |path: &str| fs::metadata(place.folder.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    place.serve().await.stop().await;
    assert_eq!(mode("data/secret"), 0o600);
}

#[tokio::test]
async fn an_owner_with_a_password_from_standard_input_can_sign_in() {
    let place = Place::new();
    let said = place.run_with(&["owner", "create", "--email", OWNER], &format!("{PASSWORD}\n")).await.ok();
    assert_eq!(said, format!("{OWNER} can sign in.\n"));
    for input in ["", "another password, long enough\n"] {
        let said = sentence(place.run_with(&["owner", "create", "--email", OWNER], input).await);
        assert!(said.contains("already"), "{said}");
    }
    let console = Console::start(&place).await;
    console.owner.get("/admin").await.is(200);
    assert!(!console.process.stderr().contains("owner create"), "{}", console.process.stderr());
    console.process.stop().await;
}

#[tokio::test]
async fn a_password_that_is_too_short_makes_nobody() {
    let place = Place::new();
    let said = sentence(place.run_with(&["owner", "create", "--email", OWNER], "short\n").await);
    assert!(said.contains("password") && !said.contains("short\n"), "{said}");
    let process = place.serve().await;
    let is_told = eventually(Duration::from_secs(10), async || process.stderr().contains("tidings owner create")).await;
    assert!(is_told, "{}", process.stderr());
    process.stop().await;
}

#[tokio::test]
async fn without_a_password_a_link_is_printed_that_works_once() {
    let place = Place::new().with("TIDINGS_PUBLIC_URL", "https://status.example.com/");
    let create = ["owner", "create", "--email", OWNER];
    let path = async || {
        let said = place.run(&create).await.ok();
        let (_, path) = said.trim_end().split_once("https://status.example.com").unwrap();
        assert!(path.starts_with("/admin/welcome/"), "{said}");
        path.to_owned()
    };
    let lost = path().await;
    let path = path().await;
    let process = place.serve().await;
    let someone = Client::new(&process.url);
    someone.get(&path).await.is(200).says(OWNER);
    let form = [("password", PASSWORD), ("password_again", PASSWORD)];
    someone.post(&path, &[("password", PASSWORD), ("password_again", "mistyped mistyped")]).await.is(422);
    someone.post(&path, &form).await.is(303);
    for used in [&path, &lost] {
        assert!([404, 410].contains(&Client::new(&process.url).get(used).await.status), "{used}");
        assert!([404, 410].contains(&Client::new(&process.url).post(used, &form).await.status), "{used}");
    }
    let sign_in = [("email", OWNER), ("password", PASSWORD)];
    Client::new(&process.url).post("/admin/sign-in", &sign_in).await.is(303);
    process.stop().await;
}

#[tokio::test]
async fn a_key_made_on_the_command_line_is_printed_once() {
    let place = Place::new();
    let create = |scopes, expires| ["key", "create", "--name", "Monitor", "--scopes", scopes, "--expires", expires];
    let done = place.run(&create("incidents, components", "90d")).await;
    assert!(done.stderr.contains("Monitor expires on"), "{}", done.stderr);
    let token = done.ok();
    assert!(token.starts_with("tdg_") && token.trim_end().len() > 40 && token.ends_with('\n'), "{token}");
    let said = sentence(place.run(&create("everything", "5y")).await);
    assert!(said.contains("there is no scope “everything”") && said.contains("1 to 365"), "{said}");
    let console = Console::found(&place).await;
    console.owner.get("/admin/keys").await.is(200).says("Monitor").says("by command line").never_says(token.trim_end());
    console.process.stop().await;
}

#[tokio::test]
async fn the_audit_log_is_proved_and_exported() {
    let place = Place::new();
    assert!(place.run(&["audit", "verify"]).await.ok().contains("whole: 0 rows"));
    place.run_with(&["owner", "create", "--email", OWNER], PASSWORD).await.ok();
    for name in ["First", "Second", "Third"] {
        place.run(&["key", "create", "--name", name, "--scopes", "incidents", "--expires", "9d"]).await.ok();
    }
    let exported = place.run(&["audit", "export"]).await.ok();
    let lines: Vec<serde_json::Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["user.add", "key.create", "key.create", "key.create"]);
    assert_eq!(lines[1]["detail"], "First · incidents");
    let whole = place.run(&["audit", "verify"]).await.ok();
    assert!(whole.contains("whole: 4 rows") && whole.contains(lines[3]["hash"].as_str().unwrap()), "{whole}");

    // Whoever gets at the file itself is found out, wherever they change something.
    let database = format!("sqlite://{}", place.folder.join("data/tidings.db").display());
    for (damage, row) in [
        ("delete from audit where seq = 4", "row 4"),
        ("update audit set detail = 'Sceond · incidents' where seq = 3", "row 3"),
        ("delete from audit where seq = 2", "row 2"),
        ("update audit set at = at + 1 where seq = 1", "row 1"),
    ] {
        let mut connection = SqliteConnection::connect(&database).await.unwrap();
        connection.execute(damage).await.unwrap();
        connection.close().await.unwrap();
        let said = sentence(place.run(&["audit", "verify"]).await);
        assert!(said.contains(row), "{said}");
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let place = Place::new();
    let process = place.serve().await;
    let said = sentence(place.run(&["serve"]).await);
    assert!(said.contains("another tidings process") && said.contains("tidings.db"), "{said}");
    // However the first one ends, the next may start.
    process.crash().await;
    place.serve().await.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = sentence(Place::new().with("TIDINGS_LISTEN", &address).run(&["serve"]).await);
    assert!(said.contains(&address) && said.contains("in use"), "{said}");
}

#[tokio::test]
async fn a_running_server_is_alive_ready_and_counts() {
    let place = Place::new().with("TIDINGS_LOG_FORMAT", "json");
    let process = place.serve().await;
    let client = Client::new(&process.url);
    client.get("/healthz").await.is(200);
    let ready = eventually(Duration::from_secs(10), async || client.get("/readyz").await.status == 200).await;
    assert!(ready, "{}", client.get("/readyz").await.body);
    // The queue is measured a moment after it ticks.
    soon(&client, "/metrics", "tidings_mail_permits", Duration::from_secs(10))
        .await
        .says("tidings_http_requests_total");
    let stderr = process.stderr();
    let logs: Vec<_> = stderr.lines().filter(|line| line.starts_with('{')).collect();
    assert!(logs.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{stderr}");
    process.stop().await;
}
