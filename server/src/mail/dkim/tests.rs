use std::{hint::black_box, path::PathBuf, time::Instant};

use ring::signature::{ED25519, UnparsedPublicKey};

use super::*;

/// A file that goes when this does.
struct File(PathBuf);

impl File {
    fn holding(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidings-dkim-{:016x}.pem", rand::random::<u64>()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn ed25519() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::holding(&pem("PRIVATE KEY", key.as_ref()))
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn now() -> Timestamp {
    "2024-02-05T10:41:09Z".parse().unwrap()
}

#[test]
fn headers_and_bodies_are_made_canonical_as_the_standard_shows() {
    // RFC 6376, section 3.4.5.
    let head = "A: X\r\nB : Y\t\r\n\tZ  \r\n";
    let canonical: String = fields(head).iter().map(|(name, value)| relaxed_header(name.trim_end(), value)).collect();
    assert_eq!(canonical, "a:X\r\nb:Y Z\r\n");
    assert_eq!(relaxed_body(" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
    assert_eq!(relaxed_body(""), b"");
    assert_eq!(relaxed_body("\r\n\r\n"), b"");
    assert_eq!(relaxed_body("no end"), b"no end\r\n");
    assert_eq!(relaxed_body("a\r\n\r\nb\r\n"), b"a\r\n\r\nb\r\n");
}

#[test]
fn a_signature_covers_what_is_there_and_what_must_not_come() {
    let file = File::ed25519();
    let signer = Signer::load("Example.COM", "One", file.name()).unwrap();
    let message =
        "Message-ID: <1@example.com>\r\nFrom: A <a@example.com>\r\nTo: b@example.org\r\nSubject: Hi\r\n\r\nHi.\r\n";
    let signed = String::from_utf8(signer.sign(message.as_bytes(), now())).unwrap();
    let header = signed.strip_suffix(message).expect("the message itself stays as it was");
    assert!(header.starts_with(
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\r\n s=one; t=1707129669;"
    ));
    assert!(header.contains(" h=From:From:To:To:Subject:Subject:Message-ID;\r\n"), "{header}");
    assert!(header.split("\r\n").all(|line| line.len() <= 78), "{header}");
    // By hand, as the standard says it: RFC 6376, section 3.7.
    let (unsigned, signature) = header.rsplit_once("b=").unwrap();
    let text = format!(
        "from:A <a@example.com>\r\nto:b@example.org\r\nsubject:Hi\r\nmessage-id:<1@example.com>\r\ndkim-signature:{}b=",
        unsigned.strip_prefix("DKIM-Signature: ").unwrap().replace("\r\n", "")
    );
    let signature: String = signature.split_whitespace().collect();
    let record = &signer.records()[0];
    let public = record.split_once("p=").unwrap().1.trim_end_matches('"');
    let public = UnparsedPublicKey::new(&ED25519, STANDARD.decode(public).unwrap());
    public.verify(digest(&SHA256, text.as_bytes()).as_ref(), &STANDARD.decode(signature).unwrap()).unwrap();
}

#[test]
fn the_record_is_a_line_of_a_zone_file() {
    let file = File::ed25519();
    let signer = Signer::load("example.com", "one", file.name()).unwrap();
    let records = signer.records();
    let text = records[0].strip_prefix("one._domainkey.example.com. IN TXT \"v=DKIM1; k=ed25519; p=").unwrap();
    assert_eq!(text.len(), 45, "32 bytes in base64 and a quote: {text}");
    assert_eq!(signer.to_string(), "one (ed25519)");
    assert_eq!(format!("{signer:?}"), "Signer { domain: \"example.com\", selectors: [\"one\"], .. }");
}

#[test]
fn what_cannot_sign_is_refused_with_what_to_do() {
    let file = File::ed25519();
    let (good, two) = (file.name(), format!("{0},{0}", file.name()));
    let old = File::holding(&pem("RSA PRIVATE KEY", &[0x30, 0]));
    let locked = File::holding(&pem("ENCRYPTED PRIVATE KEY", &[0x30, 0]));
    let broken = File::holding(&pem("PRIVATE KEY", &[0x30, 0]));
    for (domain, selectors, files, said) in [
        ("", "one", good, "TIDINGS_DKIM_DOMAIN"),
        ("exa mple.com", "one", good, "TIDINGS_DKIM_DOMAIN"),
        ("example.com", "", good, "TIDINGS_DKIM_SELECTOR"),
        ("example.com", "on;e", good, "is no selector"),
        ("example.com", "one,two", good, "write as many selectors as files"),
        ("example.com", "one,ONE", two.as_str(), "a selector of its own"),
        ("example.com", "one", "/nowhere.pem", "/nowhere.pem cannot be read"),
        ("example.com", "one", old.name(), "openssl pkcs8 -topk8 -nocrypt"),
        ("example.com", "one", locked.name(), "openssl genpkey"),
        ("example.com", "one", broken.name(), "neither an Ed25519 key nor an RSA key"),
    ] {
        let problem = Signer::load(domain, selectors, files).unwrap_err();
        assert!(problem.starts_with("TIDINGS_DKIM_") && problem.contains(said), "{problem}");
    }
    assert!(Signer::load("example.com", "one, two", &two).is_ok());
}

#[test]
fn a_domain_stands_behind_its_own_senders_only() {
    let file = File::ed25519();
    let signer = Signer::load("mail.example.com", "one", file.name()).unwrap();
    for (sender, is_aligned) in [
        ("mail.example.com", true),
        ("MAIL.example.com", true),
        ("status.mail.example.com", true),
        ("example.com", true),
        ("www.example.com", false),
        ("hotmail.example.com", false),
        ("example.org", false),
    ] {
        assert_eq!(signer.is_aligned(sender), is_aligned, "{sender}");
    }
}

/// `cargo test -p server --lib what_a_signature_costs -- --nocapture` prints what the module's words repeat.
#[test]
fn what_a_signature_costs() {
    const ROUNDS: usize = 50;
    let message = format!(
        "From: A <a@example.com>\r\nTo: b@example.org\r\nSubject: Hi\r\n\r\n{}",
        "Seventy characters and a little more of what people write in updates.\r\n".repeat(140)
    );
    let rsa = File::holding("");
    let arguments = ["genpkey", "-quiet", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", rsa.name()];
    assert!(std::process::Command::new("openssl").args(arguments).status().unwrap().success());
    let quickest = |work: &dyn Fn()| {
        let time = |_| {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        (0..ROUNDS).map(time).min().unwrap()
    };
    let hashes = quickest(&|| {
        black_box(digest(&SHA256, &relaxed_body(&message)));
    });
    println!("canonical form and hash of a body of {} bytes: {hashes:?}", message.len());
    for (kind, file) in [("Ed25519", &File::ed25519()), ("RSA-2048", &rsa)] {
        let signer = Signer::load("example.com", "one", file.name()).unwrap();
        let signature = quickest(&|| {
            black_box(signer.sign(message.as_bytes(), now()));
        });
        println!("{kind}: {signature:?} a mail");
        // Far more than it takes, even unoptimised.
        assert!(signature.as_millis() < 100, "{kind}: {signature:?}");
    }
}
