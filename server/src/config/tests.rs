use domain::rate::Rate;

use super::*;

#[test]
fn nothing_needs_to_be_set() {
    let config = Config::from_settings(&Settings::default()).unwrap();
    assert_eq!(config.database_url, "sqlite://./data/tidings.db");
    assert_eq!(config.mail_limits.rate.value, Rate::per_second(10));
    assert!(config.smtp.is_none() && config.public_url.is_none());
}

#[test]
fn all_problems_come_together() {
    let settings = Settings {
        database_url: Some("sqlite:data?mode=memory".into()),
        listen: Some("everywhere".into()),
        public_url: Some("status.example.com".into()),
        secret: Some("short".into()),
        mail_from: Some("nobody".into()),
        mail_rate: Some("fast".into()),
        mail_connections: Some("0".into()),
        mail_address_limit: Some("few".into()),
        smtp_alert_url: Some("alerts".into()),
        smtp_alert_rate: Some("slow".into()),
        smtp_alert_quota: Some("all".into()),
        smtp_alert_connections: Some("none".into()),
        mail_quota: Some("50,000 a day".into()),
        trusted_proxies: Some("10.0.0.0/99".into()),
        log_format: Some("xml".into()),
        ..Settings::default()
    };
    let problems = Config::from_settings(&settings).unwrap_err();
    assert_eq!(problems.len(), 15, "{problems:#?}");
}

#[test]
fn a_quota_is_explained() {
    let described = |quota: &str| {
        let settings = Settings { mail_quota: Some(quota.into()), ..Settings::default() };
        let lines = Config::from_settings(&settings).unwrap().describe();
        lines.into_iter().find(|(name, _)| *name == "TIDINGS_MAIL_QUOTA").unwrap().1
    };
    let words = "50000/day (counted in 24 hours; of these 2500 are kept for confirmations and 1000 for alerts)";
    assert_eq!(described("50000"), words);
    assert_eq!((described(""), described("none")), ("none".to_owned(), "none".to_owned()));
}

#[test]
fn what_is_hardly_meant_is_said() {
    let warnings = |settings: Settings| Config::from_settings(&settings).unwrap().warnings().len();
    assert_eq!(warnings(Settings::default()), 0);
    let smtp_url = Some("smtp://127.0.0.1:25?tls=none".to_owned());
    assert_eq!(warnings(Settings { smtp_url, ..Settings::default() }), 2);
    let database_url = Some("postgres://u@h/d".to_owned());
    assert_eq!(warnings(Settings { database_url, ..Settings::default() }), 1);
    let sender = Settings { mail_from: Some("Status <ståtus@example.com>".into()), ..Settings::default() };
    assert_eq!(Config::from_settings(&sender).unwrap_err().len(), 1);
}

#[test]
fn no_password_is_shown() {
    assert_eq!(masked("postgres://tidings:s3cr@t@db/tidings"), "postgres://tidings:•••@db/tidings");
    assert_eq!(masked("sqlite://data/tidings.db"), "sqlite://data/tidings.db");
    let secret = "0123456789abcdef0123456789abcdef".to_owned();
    let settings = Settings { secret: Some(secret.clone()), ..Settings::default() };
    let config = Config::from_settings(&settings).unwrap();
    assert!(!format!("{config:?}{:?}", config.describe()).contains(&secret));
}

#[test]
fn a_file_fills_what_flags_leave_out() {
    let folder = std::env::temp_dir().join(format!("tidings-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("tidings.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:1\"\nmail_rate = \"3/s\"\n").unwrap();
    let flags = Settings { listen: Some("127.0.0.1:2".into()), ..Settings::default() };
    let settings = flags.or_file(Some(&path)).unwrap();
    assert_eq!((settings.listen.as_deref(), settings.mail_rate.as_deref()), (Some("127.0.0.1:2"), Some("3/s")));
    std::fs::write(&path, "lisen = \"typo\"\n").unwrap();
    assert!(Settings::default().or_file(Some(&path)).unwrap_err().contains("lisen"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_a_provider_permits_holds_until_something_else_is_set() {
    let limits = |url: &str, settings: Settings| {
        let settings = Settings { smtp_url: Some(url.to_owned()), ..settings };
        Config::from_settings(&settings).unwrap().mail_limits
    };
    let microsoft = "smtp://user:password@smtp.office365.com:587";
    let found = limits(microsoft, Settings::default());
    assert_eq!(found.rate.value.to_string(), "30/min");
    assert_eq!(found.quota.value.map(|quota| quota.to_string()).as_deref(), Some("10000/day"));
    assert_eq!(found.connections.value, 3);
    assert!([found.rate.origin, found.connections.origin].iter().all(|origin| matches!(origin, Origin::Provider(_))));
    let own = Settings { mail_rate: Some("5/s".into()), mail_quota: Some("none".into()), ..Settings::default() };
    let found = limits(microsoft, own);
    assert_eq!((found.rate.value, found.rate.origin), (Rate::per_second(5), Origin::Set));
    assert_eq!((found.quota.value, found.quota.origin), (None, Origin::Set));
    assert_eq!(found.connections.value, 3);
    // A provider whose figures depend on the plan: ours, and its note.
    let found = limits("smtps://user:password@smtp.postmarkapp.com", Settings::default());
    assert_eq!((found.rate.value, found.rate.origin), (Rate::per_second(10), Origin::Default));
    assert_eq!(found.provider.map(|provider| provider.name), Some("Postmark"));
    assert_eq!(limits("smtp://127.0.0.1:25?tls=none", Settings::default()).connections.value, 10);
}

#[test]
fn the_second_server_has_limits_of_its_own() {
    let settings = Settings {
        smtp_url: Some("smtps://user:password@email-smtp.eu-west-1.amazonaws.com".into()),
        smtp_alert_url: Some("smtps://user:password@smtp.gmail.com".into()),
        mail_rate: Some("50/s".into()),
        smtp_alert_rate: Some("2/s".into()),
        ..Settings::default()
    };
    let config = Config::from_settings(&settings).unwrap();
    assert_eq!(
        (config.mail_limits.rate.value, config.alert_limits.rate.value),
        (Rate::per_second(50), Rate::per_second(2))
    );
    let quota = |limits: Limits| limits.quota.value.map(Quota::mails);
    assert_eq!((quota(config.mail_limits), quota(config.alert_limits)), (Some(50_000), Some(2_000)));
    assert_eq!(config.alert_limits.connections.value, 2);
    let lines = config.describe();
    let line = |name: &str| lines.iter().find(|(found, _)| *found == name).unwrap().1.clone();
    assert_eq!(line("TIDINGS_SMTP_ALERT_RATE"), "2/s");
    assert!(line("TIDINGS_SMTP_ALERT_QUOTA").ends_with("(as Gmail says; set what it tells you)"));
}
