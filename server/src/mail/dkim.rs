//! DKIM (RFC 6376, RFC 8463): a signature by which receivers know that the sender's domain stands behind a mail.
//!
//! ```text
//! a whole message ─┬─ body, canonical ─ SHA-256 ─▶ bh= ─┐
//!                  └─ its headers, canonical ───────────┴─▶ one DKIM-Signature a key, before the message
//! ```
//! Written over `ring`, for no library that is looked after fits: mail-auth left `ring` for a second crypto provider, and
//! its versions with `ring` bring a DNS resolver along; lettre's takes three times as long for RSA. What makes DKIM hard is
//! reading other people's mail and keys, and here is neither: each message is ours, ASCII, with CRLF and each header once.
//!
//! The body is not the same for two recipients (their links stand in it), so each mail is hashed and signed by itself.
//! For a mail of 10 kB the test `what_a_signature_costs` measured, on one core of a small machine and in a development
//! build: Ed25519 0.22 ms, RSA-2048 0.7 ms, each with 0.12 ms for the canonical form and hash of the body. So an RSA key
//! alone limits a core to some 1,400 mails a second, far above what providers take.

use std::{fmt, fs};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::{
    pki_types::{PrivateKeyDer, alg_id, pem::PemObject as _},
    sign::public_key_to_spki,
};

/// What is signed, where a message has it: all that says who writes to whom about what, how to read it, and how to leave
/// (RFC 8058 counts one-click headers only if they are signed).
const SIGNED: &[&str] = &[
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "In-Reply-To",
    "MIME-Version",
    "Content-Type",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];
/// Signed once more than they occur: a second one, which a mail program might show instead, breaks the signature
/// (RFC 6376, section 8.15).
const SEALED: &[&str] = &["From", "To", "Subject"];
/// How long a line of a header gets.
const LINE: usize = 76;
/// The longest string in a TXT record; longer texts are several (RFC 6376, section 3.6.2.2).
const TXT_STRING: usize = 255;

/// The domain that signs and its keys.
pub struct Signer {
    domain: String,
    keys: Vec<Key>,
}

struct Key {
    selector: String,
    pair: Pair,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Signer {
    /// Reads the keys. `selectors` and `files` are lists with commas: as many of one as of the other, in the same order.
    ///
    /// # Errors
    /// What is wrong, beginning with the name of the setting.
    pub fn load(domain: &str, selectors: &str, files: &str) -> Result<Self, String> {
        let domain = domain.to_ascii_lowercase();
        if !is_name(&domain) {
            return Err(format!("TIDINGS_DKIM_DOMAIN: `{domain}` is no domain: write example.com"));
        }
        let [selectors, files] = [selectors, files].map(|list| list.split(',').map(str::trim).collect::<Vec<_>>());
        if selectors.len() != files.len() {
            return Err(format!(
                "TIDINGS_DKIM_SELECTOR and TIDINGS_DKIM_KEY_FILE: {} and {} do not pair: write as many selectors as files",
                selectors.len(),
                files.len(),
            ));
        }
        let mut keys: Vec<Key> = Vec::new();
        for (selector, file) in selectors.into_iter().zip(files) {
            let selector = selector.to_ascii_lowercase();
            if !is_name(&selector) {
                let problem = "is no selector: write letters, digits and dashes, such as tidings1";
                return Err(format!("TIDINGS_DKIM_SELECTOR: `{selector}` {problem}"));
            }
            if keys.iter().any(|key| key.selector == selector) {
                return Err(format!(
                    "TIDINGS_DKIM_SELECTOR: each key needs a selector of its own, not twice `{selector}`"
                ));
            }
            let pair = read(file).map_err(|problem| format!("TIDINGS_DKIM_KEY_FILE: {problem}"))?;
            keys.push(Key { selector, pair });
        }
        Ok(Self { domain, keys })
    }

    /// The domain that signs, in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether a signature counts as the sender's own (DMARC, RFC 7489, section 3.1.1, relaxed): one domain is the other
    /// or lies below it.
    pub fn is_aligned(&self, sender_domain: &str) -> bool {
        let sender = sender_domain.to_ascii_lowercase();
        let is_below = |lower: &str, upper: &str| lower.strip_suffix(upper).is_some_and(|rest| rest.ends_with('.'));
        sender == self.domain || is_below(&sender, &self.domain) || is_below(&self.domain, &sender)
    }

    /// The public keys as lines of a zone file: what to publish in DNS.
    pub fn records(&self) -> Vec<String> {
        let record = |key: &Key| {
            let text = key.pair.record();
            let strings: Vec<_> = (0..text.len().div_ceil(TXT_STRING))
                .map(|number| text.chars().skip(number * TXT_STRING).take(TXT_STRING).collect::<String>())
                .map(|string| format!("\"{string}\""))
                .collect();
            format!("{}._domainkey.{}. IN TXT {}", key.selector, self.domain, strings.join(" "))
        };
        self.keys.iter().map(record).collect()
    }

    /// The message with a signature of each key before it.
    pub fn sign(&self, message: &[u8], now: Timestamp) -> Vec<u8> {
        // It is ASCII.
        let text = str::from_utf8(message).unwrap_or_default();
        let (head, body) = text.find("\r\n\r\n").map_or((text, ""), |end| (&text[..end + 2], &text[end + 4..]));
        let fields = fields(head);
        let (mut names, mut canonical) = (Vec::new(), String::with_capacity(1024));
        for name in SIGNED {
            if let Some((_, value)) = fields.iter().find(|(found, _)| found.trim_end().eq_ignore_ascii_case(name)) {
                canonical.push_str(&relaxed_header(name, value));
                names.push(*name);
            }
            names.extend(SEALED.contains(name).then_some(*name));
        }
        let (names, body_hash) = (listed(&names), STANDARD.encode(digest(&SHA256, &relaxed_body(body))));
        let mut signed = Vec::with_capacity(message.len() + 1024 * self.keys.len());
        for key in &self.keys {
            let value = format!(
                "v=1; a={}; c=relaxed/relaxed; d={};\r\n s={}; t={};\r\n h={names};\r\n bh={body_hash};\r\n b=",
                key.pair.algorithm(),
                self.domain,
                key.selector,
                now.as_second(),
            );
            // The signature covers its own header as it is without the signature, and without the end of its line.
            let own = relaxed_header("DKIM-Signature", &value);
            match key.pair.sign(format!("{canonical}{}", own.trim_end()).as_bytes()) {
                Some(signature) => {
                    signed.extend_from_slice(format!("DKIM-Signature: {value}{}\r\n", folded(&signature)).as_bytes());
                }
                None => tracing::error!(selector = key.selector, "A mail could not be signed; it goes without."),
            }
        }
        signed.extend_from_slice(message);
        signed
    }
}

impl fmt::Debug for Signer {
    /// Nothing of the keys.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let selectors: Vec<_> = self.keys.iter().map(|key| &key.selector).collect();
        out.debug_struct("Signer").field("domain", &self.domain).field("selectors", &selectors).finish_non_exhaustive()
    }
}

impl fmt::Display for Signer {
    /// The selectors and what kind of key each has: `tidings1 (ed25519), tidings2 (rsa)`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.keys.iter().map(|key| format!("{} ({})", key.selector, key.pair.kind())).collect();
        out.write_str(&keys.join(", "))
    }
}

impl Pair {
    fn kind(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519",
            Self::Rsa(_) => "rsa",
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519-sha256",
            Self::Rsa(_) => "rsa-sha256",
        }
    }

    /// What the TXT record says. An Ed25519 key stands there bare (RFC 8463, section 4), an RSA key wrapped.
    fn record(&self) -> String {
        let public = match self {
            Self::Ed25519(pair) => STANDARD.encode(pair.public_key()),
            Self::Rsa(pair) => STANDARD.encode(public_key_to_spki(&alg_id::RSA_ENCRYPTION, pair.public_key())),
        };
        format!("v=DKIM1; k={}; p={public}", self.kind())
    }

    /// In base64. `None` when the machine has no random numbers to blind RSA with.
    fn sign(&self, text: &[u8]) -> Option<String> {
        match self {
            // What Ed25519 signs is the hash (RFC 8463, section 3).
            Self::Ed25519(pair) => Some(STANDARD.encode(pair.sign(digest(&SHA256, text).as_ref()))),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
                Some(STANDARD.encode(signature))
            }
        }
    }
}

fn read(file: &str) -> Result<Pair, String> {
    let pem = fs::read(file).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let der = match PrivateKeyDer::from_pem_slice(&pem) {
        Ok(PrivateKeyDer::Pkcs8(der)) => der,
        Ok(_) => {
            let command = format!("openssl pkcs8 -topk8 -nocrypt -in {file} -out NEW.pem");
            return Err(format!("{file} holds a key that is not in PKCS#8 form: convert it with `{command}`"));
        }
        Err(_) => {
            let command = format!("openssl genpkey -algorithm ed25519 -out {file}");
            return Err(format!(
                "{file} holds no private key in PEM form without a password: make one with `{command}`"
            ));
        }
    };
    let der = der.secret_pkcs8_der();
    // The unchecked half is a public key that openssl leaves out: it is computed then.
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return Ok(Pair::Ed25519(pair));
    }
    let pair = RsaKeyPair::from_pkcs8(der).map_err(|error| {
        format!("{file} holds neither an Ed25519 key nor an RSA key of 2048 to 4096 bits that can be used ({error})")
    })?;
    Ok(Pair::Rsa(pair))
}

/// Whether it is labels with dots between, as in DNS.
fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(is_inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// The header fields: names and values, the latter with their folds.
fn fields(head: &str) -> Vec<(&str, &str)> {
    let (mut fields, mut start) = (Vec::new(), 0);
    for (end, _) in head.match_indices("\r\n") {
        if !head[end + 2..].starts_with([' ', '\t']) {
            fields.extend(head[start..end].split_once(':'));
            start = end + 2;
        }
    }
    fields
}

/// RFC 6376, section 3.4.2.
fn relaxed_header(name: &str, value: &str) -> String {
    let words: Vec<_> = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    format!("{}:{}\r\n", name.to_ascii_lowercase(), words.join(" "))
}

/// RFC 6376, section 3.4.4.
fn relaxed_body(body: &str) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(body.len() + 2);
    let mut empty_lines = 0;
    for line in body.split("\r\n") {
        let line = line.trim_end_matches([' ', '\t']);
        if line.is_empty() {
            // Those at the end do not count.
            empty_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty_lines) {
            canonical.extend_from_slice(b"\r\n");
        }
        let mut is_after_space = false;
        for byte in line.bytes() {
            let is_space = matches!(byte, b' ' | b'\t');
            if !is_space {
                canonical.push(byte);
            } else if !is_after_space {
                canonical.push(b' ');
            }
            is_after_space = is_space;
        }
        canonical.extend_from_slice(b"\r\n");
    }
    canonical
}

/// The names with colons between, in short lines.
fn listed(names: &[&str]) -> String {
    let (mut list, mut line) = (String::new(), " h=".len());
    for name in names {
        if !list.is_empty() {
            list.push(':');
            if line + name.len() > LINE {
                list.push_str("\r\n  ");
                line = 2;
            }
        }
        list.push_str(name);
        line += name.len() + 1;
    }
    list
}

/// A signature in short lines.
fn folded(signature: &str) -> String {
    let (first, mut rest) = signature.split_at(signature.len().min(LINE - 4));
    let mut folded = first.to_owned();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE - 2));
        folded.push_str("\r\n  ");
        folded.push_str(line);
        rest = after;
    }
    folded
}

#[cfg(test)]
mod tests;
