//! Signing mails: the keys as operators make them, what is published of them, and what is said when they do not fit.

use std::process::Command;

use crate::support::{
    dkim::{SELECTORS, keys, openssl},
    process::Place,
};

#[tokio::test]
async fn the_records_to_publish_are_those_of_the_keys() {
    let place = Place::new();
    let files = keys(&place.folder);
    let place = place
        .with("TIDINGS_MAIL_FROM", "Acme <status@Mail.Example.com>")
        .with("TIDINGS_DKIM_SELECTOR", SELECTORS)
        .with("TIDINGS_DKIM_KEY_FILE", &files);
    let said = place.run(&["mail", "dkim"]).await.ok();
    let records: Vec<_> = said.lines().collect();
    assert_eq!(records.len(), 2, "{said}");
    for (record, (start, file)) in records.iter().zip([
        ("one._domainkey.mail.example.com. IN TXT \"v=DKIM1; k=ed25519; p=", "one.pem"),
        ("two._domainkey.mail.example.com. IN TXT \"v=DKIM1; k=rsa; p=", "two.pem"),
    ]) {
        let strings: Vec<_> = record.split('"').skip(1).step_by(2).collect();
        assert!(record.starts_with(start) && strings.iter().all(|string| string.len() <= 255), "{record}");
        // The same key as openssl knows it; of an Ed25519 key only the last 32 bytes are published.
        let public = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(place.folder.join(file)).output();
        let public = String::from_utf8(public.unwrap().stdout).unwrap();
        let public: String = public.lines().filter(|line| !line.starts_with('-')).collect();
        let text = strings.concat();
        let published = text.split_once("p=").unwrap().1;
        assert!(public.ends_with(published) || published == &public[public.len() - 44..], "{published} {public}");
    }
    let config = place.run(&["check-config"]).await;
    assert!(!config.stderr.contains("DKIM"), "{config:?}");
    let config = config.ok();
    assert!(config.contains("TIDINGS_DKIM_DOMAIN = mail.example.com\n"), "{config}");
    assert!(config.contains("TIDINGS_DKIM_SELECTOR = one (ed25519), two (rsa)\n"), "{config}");
    assert!(!config.contains("PRIVATE"), "{config}");
}

#[tokio::test]
async fn without_a_key_nothing_is_signed_and_half_a_setting_is_refused() {
    let mut place = Place::new();
    let said = place.run(&["mail", "dkim"]).await.failed_with(1);
    assert!(said.contains("set TIDINGS_DKIM_SELECTOR and TIDINGS_DKIM_KEY_FILE"), "{said}");
    for (name, value) in
        [("TIDINGS_DKIM_SELECTOR", "one"), ("TIDINGS_DKIM_KEY_FILE", "one.pem"), ("TIDINGS_DKIM_DOMAIN", "a.example")]
    {
        place.set(name, value);
        for command in ["check-config", "serve"] {
            let said = place.run(&[command]).await.failed_with(1);
            assert!(said.contains("set both"), "{said}");
        }
        place.unset(name);
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_used_keeps_the_server_from_starting() {
    let mut place = Place::new().with("TIDINGS_DKIM_SELECTOR", "one");
    keys(&place.folder);
    let path = |name: &str| place.folder.join(name).to_str().unwrap().to_owned();
    let [old, small, foreign] = ["old.pem", "small.pem", "foreign.pem"].map(path);
    openssl(&["rsa", "-traditional", "-in", &path("two.pem"), "-out", &old]);
    openssl(&["genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024", "-out", &small]);
    openssl(&["genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &foreign]);
    for (file, words) in [
        ("nowhere.pem", "cannot be read"),
        (old.as_str(), "openssl pkcs8 -topk8 -nocrypt -in"),
        (small.as_str(), "RSA key of 2048 to 4096 bits"),
        (foreign.as_str(), "neither an Ed25519 key"),
    ] {
        place.set("TIDINGS_DKIM_KEY_FILE", file);
        for command in ["check-config", "serve"] {
            let said = place.run(&[command]).await.failed_with(1);
            assert!(said.contains("TIDINGS_DKIM_KEY_FILE: ") && said.contains(words), "{said}");
        }
    }
    // The command that is named helps.
    let new = place.folder.join("new.pem").to_str().unwrap().to_owned();
    openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &old, "-out", &new]);
    place.set("TIDINGS_DKIM_KEY_FILE", &new);
    place.run(&["check-config"]).await.ok();
}

#[tokio::test]
async fn signatures_that_will_not_count_are_warned_of() {
    let mut place = Place::new().with("TIDINGS_DKIM_SELECTOR", SELECTORS).with("TIDINGS_DKIM_DOMAIN", "example.org");
    let files = keys(&place.folder);
    place.set("TIDINGS_DKIM_KEY_FILE", &files);
    place.set("TIDINGS_MAIL_FROM", "status@example.com");
    let said = place.run(&["check-config"]).await.stderr;
    assert!(said.contains("warning: TIDINGS_DKIM_DOMAIN and the domain of TIDINGS_MAIL_FROM"), "{said}");
    place.set("TIDINGS_DKIM_DOMAIN", "example.com");
    place.set("TIDINGS_SMTP_URL", "smtps://user:password@email-smtp.eu-central-1.amazonaws.com");
    let said = place.run(&["check-config"]).await.stderr;
    assert!(said.contains("warning: Amazon SES replaces Message-ID") && !said.contains("strangers"), "{said}");
}
