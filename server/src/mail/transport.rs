//! Where mail goes: the one setting `TIDINGS_SMTP_URL`, parsed once.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use percent_encoding::percent_decode_str;
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer};
use url::Url;

/// Why a transport's URL was refused. No message repeats any part of the URL that could hold the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Not a URL, often because of a character in the password that has a meaning in URLs.
    #[error(
        "the SMTP URL cannot be read ({0}): write it as smtps://user:password@host:465, with every letter of user and \
         password that is not a plain letter or digit percent-encoded (@ is %40, / is %2F, # is %23)"
    )]
    Unreadable(String),
    /// A scheme other than the two.
    #[error("the SMTP URL must begin with smtps:// (encrypted from the start) or smtp:// (STARTTLS)")]
    UnknownScheme,
    /// No host.
    #[error("the SMTP URL names no host")]
    NoHost,
    /// A path or a fragment.
    #[error("nothing but ?tls=… may follow the port in the SMTP URL")]
    TooLong,
    /// An option other than `tls=required` and `tls=none` of `smtp://`.
    #[error(
        "the only option of the SMTP URL is tls: smtp://…?tls=required or, on a trusted network, smtp://…?tls=none"
    )]
    UnknownOption,
    /// One of user and password without the other, or one that is no text.
    #[error("the SMTP URL needs both a user and a password, or neither")]
    HalfCredentials,
    /// The password would cross a network unencrypted.
    #[error("with tls=none a password is sent only to this machine: use smtps:// or tls=required")]
    PasswordInClear,
}

/// How a connection is encrypted. Certificates are always verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (RFC 8314).
    Implicit,
    /// By `STARTTLS`; a server that does not offer it gets no mail.
    Required,
    /// Not at all, by explicit wish.
    None,
}

/// A user and password for `AUTH`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user, often an address.
    pub user: String,
    /// The password, never shown.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("user", &self.user).field("password", &"…").finish()
    }
}

/// An SMTP server and how to talk to it. Made only by [`Transport::parse`], so that a password without encryption is
/// impossible wherever one is used. Clones share one TLS configuration and with it resumed sessions.
#[derive(Clone)]
pub struct Transport {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    extra_root: Option<CertificateDer<'static>>,
    client_config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Transport {
    /// Reads `smtps://user:password@host:465`, `smtp://host:587?tls=required` or `smtp://127.0.0.1:2525?tls=none`.
    ///
    /// The port is 465 or 587 unless written; `tls` is `required` unless written.
    pub fn parse(text: &str) -> Result<Self, TransportError> {
        let url = Url::parse(text.trim()).map_err(|error| TransportError::Unreadable(error.to_string()))?;
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(TransportError::UnknownScheme),
        };
        // `[::1]` is written in brackets, but looked up and verified without.
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        if host.is_empty() {
            return Err(TransportError::NoHost);
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(TransportError::TooLong);
        }
        let mut tls = if implicit { Tls::Implicit } else { Tls::Required };
        for (name, value) in url.query_pairs() {
            tls = match (name.as_ref(), value.as_ref()) {
                ("tls", "required") if !implicit => Tls::Required,
                ("tls", "none") if !implicit => Tls::None,
                _ => return Err(TransportError::UnknownOption),
            };
        }
        let credentials = credentials_of(&url)?;
        if tls == Tls::None && credentials.is_some() && !is_this_machine(&host) {
            return Err(TransportError::PasswordInClear);
        }
        let port = url.port().unwrap_or(if implicit { 465 } else { 587 });
        Ok(Self { host, port, tls, credentials, extra_root: None, client_config: Arc::default() })
    }

    /// Everything that was set, the password as well: to be hashed.
    pub(super) fn in_full(&self) -> String {
        let Self { host, port, tls, credentials, .. } = self;
        let sign_in = credentials.as_ref().map(|Credentials { user, password }| (user, password));
        format!("{host:?} {port} {tls:?} {sign_in:?}")
    }

    /// Trusts one more certificate authority beside those of the machine.
    #[must_use]
    pub fn trusting(self, root: CertificateDer<'static>) -> Self {
        Self { extra_root: Some(root), client_config: Arc::default(), ..self }
    }

    /// The server's name or IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The server's port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How connections are encrypted.
    pub fn tls(&self) -> Tls {
        self.tls
    }

    /// How to sign in, if at all.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The TLS configuration, prepared at first use: reading the machine's authorities takes milliseconds.
    pub(super) fn client_config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(config) = self.client_config.get() {
            return Ok(Arc::clone(config));
        }
        let config = client_config(self.extra_root.as_ref())?;
        Ok(Arc::clone(self.client_config.get_or_init(|| config)))
    }
}

/// How we speak TLS to others: trusting this machine's authorities and perhaps one more.
pub(crate) fn client_config(extra_root: Option<&CertificateDer<'static>>) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "Some of this machine's certificate authorities cannot be read.");
    }
    roots.add_parsable_certificates(found.certs);
    if let Some(root) = extra_root {
        roots.add(root.clone())?;
    }
    if roots.is_empty() {
        tracing::warn!("This machine knows no certificate authorities: install the package ca-certificates.");
    }
    // Named, not the process's default: with two providers in one program the default panics.
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl fmt::Display for Transport {
    /// For people: where mail goes and how, never the password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, tls) = match self.tls {
            Tls::Implicit => ("smtps", ""),
            Tls::Required => ("smtp", "?tls=required"),
            Tls::None => ("smtp", "?tls=none"),
        };
        let user = if self.credentials.is_some() { "•••:•••@" } else { "" };
        write!(out, "{scheme}://{user}{}:{}{tls}", self.host, self.port)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Transport")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

fn credentials_of(url: &Url) -> Result<Option<Credentials>, TransportError> {
    let decode = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().map_err(|_| TransportError::HalfCredentials)?;
        // NUL separates the parts of AUTH PLAIN (RFC 4616).
        if text.contains('\0') { Err(TransportError::HalfCredentials) } else { Ok(text.into_owned()) }
    };
    let (user, password) = (decode(url.username())?, decode(url.password().unwrap_or_default())?);
    match (user.is_empty(), password.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Ok(Some(Credentials { user, password })),
        _ => Err(TransportError::HalfCredentials),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (String, u16, Tls, Option<(String, String)>) {
        let transport = Transport::parse(url).unwrap();
        let credentials = transport.credentials.map(|found| (found.user, found.password));
        (transport.host, transport.port, transport.tls, credentials)
    }

    fn with(user: &str, password: &str) -> (String, String) {
        (user.into(), password.into())
    }

    #[test]
    fn the_three_forms_are_understood() {
        let host = || "mail.example.com".to_owned();
        assert_eq!(
            parsed("smtps://user:pass@mail.example.com:465"),
            (host(), 465, Tls::Implicit, Some(with("user", "pass")))
        );
        assert_eq!(parsed("smtp://mail.example.com:2587?tls=required"), (host(), 2587, Tls::Required, None));
        assert_eq!(parsed("smtp://mail.example.com:25?tls=none"), (host(), 25, Tls::None, None));
    }

    #[test]
    fn what_is_left_out_is_the_safe_choice() {
        assert_eq!(parsed("smtp://mail.example.com").1, 587);
        assert_eq!(parsed("smtp://mail.example.com").2, Tls::Required);
        assert_eq!(parsed("smtps://mail.example.com/").1, 465);
    }

    #[test]
    fn credentials_may_hold_any_character() {
        let url = "smtps://me%40example.com:p%40%2F%3A%23%3F%25%C3%A9@mail.example.com";
        assert_eq!(parsed(url).3, Some(with("me@example.com", "p@/:#?%é")));
    }

    #[test]
    fn an_ipv6_host_loses_its_brackets() {
        assert_eq!(parsed("smtp://[::1]:2525?tls=none").0, "::1");
    }

    #[test]
    fn a_password_is_sent_in_clear_only_to_this_machine() {
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            assert!(Transport::parse(&format!("smtp://user:pass@{host}:25?tls=none")).is_ok(), "{host}");
        }
        for host in ["mail.example.com", "10.0.0.1", "localhost.example.com"] {
            let refused = Transport::parse(&format!("smtp://user:pass@{host}:25?tls=none"));
            assert_eq!(refused.unwrap_err(), TransportError::PasswordInClear, "{host}");
        }
    }

    #[test]
    fn nothing_shows_the_password() {
        let transport = Transport::parse("smtps://user:s3cret@mail.example.com").unwrap();
        assert!(!format!("{transport:?}").contains("s3cret"));
        for url in [
            "smtps://user:s3cret@",
            "smtps://user:s3cret",
            "smtps://user:s3cret@mail.example.com:s3cret",
            "smtps://user:s3cret/more@mail.example.com",
            "smtps://user:s3cret#more@mail.example.com",
            "http://user:s3cret@mail.example.com",
            "smtps://user:s3cret@mail.example.com/s3cret",
            "smtps://user:s3cret@mail.example.com?tls=s3cret",
            "smtps://user:s3cret@mail.example.com?s3cret=none",
            "smtps://:s3cret@mail.example.com",
            "smtp://user:s3cret@mail.example.com?tls=none",
            "smtps://user:s3cret%FF@mail.example.com",
            "user:s3cret@mail.example.com",
            "s3cret",
        ] {
            let error = Transport::parse(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{url}: {error}");
        }
    }

    #[test]
    fn a_mistake_is_named() {
        for (url, error) in [
            ("https://mail.example.com", TransportError::UnknownScheme),
            ("smtp:///", TransportError::NoHost),
            ("smtps://mail.example.com?tls=none", TransportError::UnknownOption),
            ("smtp://mail.example.com?tls=maybe", TransportError::UnknownOption),
            ("smtp://mail.example.com?starttls=no", TransportError::UnknownOption),
            ("smtp://mail.example.com/inbox", TransportError::TooLong),
            ("smtps://user@mail.example.com", TransportError::HalfCredentials),
        ] {
            assert_eq!(Transport::parse(url).expect_err(url), error, "{url}");
        }
    }
}
