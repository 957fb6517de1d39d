use super::*;

#[test]
fn nothing_needs_to_be_set() {
    let config = Config::from_settings(&Settings::default()).unwrap();
    assert_eq!(config.database_url, "sqlite://./data/tidings.db");
    assert_eq!(config.mail_rate, Rate::per_second(10));
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
        mail_quota: Some("50,000 a day".into()),
        trusted_proxies: Some("10.0.0.0/99".into()),
        log_format: Some("xml".into()),
        ..Settings::default()
    };
    let problems = Config::from_settings(&settings).unwrap_err();
    assert_eq!(problems.len(), 12, "{problems:#?}");
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
