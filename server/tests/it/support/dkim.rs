//! Keys to sign mails with, made as the README says.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by failing")]

use std::{path::Path, process::Command};

/// What `TIDINGS_DKIM_SELECTOR` is when the keys are these.
pub(crate) const SELECTORS: &str = "one,two";

/// An Ed25519 and an RSA key in a folder, as `TIDINGS_DKIM_KEY_FILE` names them.
pub(crate) fn keys(folder: &Path) -> String {
    let [one, two] = ["one.pem", "two.pem"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", &one]);
    openssl(&["genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &two]);
    format!("{one},{two}")
}

/// Runs openssl to a good end.
pub(crate) fn openssl(arguments: &[&str]) {
    let done =
        Command::new("openssl").args(arguments).output().expect("the command openssl: `apt-get install openssl`");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
