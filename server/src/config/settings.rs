//! Settings as they arrive: flag, else environment, else file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Settings as they arrive, from one place or another; nothing is checked yet.
#[expect(clippy::doc_markdown, reason = "these lines are also what --help prints")]
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Settings {
    /// Folder of the database, captured mail and the secret [default: ./data]
    #[arg(long, env = "TIDINGS_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME` [default: sqlite://$TIDINGS_DATA/tidings.db]
    #[arg(long, env = "TIDINGS_DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,
    /// Address and port to listen on; port 0 picks one [default: 127.0.0.1:3000]
    #[arg(long, env = "TIDINGS_LISTEN", global = true)]
    pub listen: Option<String>,
    /// How the public reaches the page; used in links and feeds [default: http://$TIDINGS_LISTEN]
    #[arg(long, env = "TIDINGS_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// Signs the links in mails; the same on all nodes [default: generated once in the data folder]
    #[arg(long, env = "TIDINGS_SECRET", global = true, hide_env_values = true)]
    pub secret: Option<String>,
    /// `smtps://USER:PASSWORD@HOST:465`, `smtp://HOST:587?tls=required` or `smtp://127.0.0.1:2525?tls=none` [default: mail
    /// is captured in $TIDINGS_DATA/outbox]
    #[arg(long, env = "TIDINGS_SMTP_URL", global = true, hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// A second server, written the same way, that carries alerts and account mails [default: none]
    #[arg(long, env = "TIDINGS_SMTP_ALERT_URL", global = true, hide_env_values = true)]
    pub smtp_alert_url: Option<String>,
    /// Mails a second through the second server [default: what its provider says, else 10/s]
    #[arg(long, env = "TIDINGS_SMTP_ALERT_RATE", global = true)]
    pub smtp_alert_rate: Option<String>,
    /// Mails that its provider allows, written as the quota of the first [default: what it says, else none]
    #[arg(long, env = "TIDINGS_SMTP_ALERT_QUOTA", global = true)]
    pub smtp_alert_quota: Option<String>,
    /// Connections to it at once [default: 2]
    #[arg(long, env = "TIDINGS_SMTP_ALERT_CONNECTIONS", global = true)]
    pub smtp_alert_connections: Option<String>,
    /// Who mails come from, as `Name <name@example.com>` [default: whom the console's settings name]
    #[arg(long, env = "TIDINGS_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Domain that signs mails with DKIM [default: the sender's]
    #[arg(long, env = "TIDINGS_DKIM_DOMAIN", global = true)]
    pub dkim_domain: Option<String>,
    /// Under which name each DKIM key stands in DNS, with commas between several [default: none]
    #[arg(long, env = "TIDINGS_DKIM_SELECTOR", global = true)]
    pub dkim_selector: Option<String>,
    /// The files of these keys (PEM, PKCS#8; Ed25519 or RSA), in the same order [default: none]
    #[arg(long, env = "TIDINGS_DKIM_KEY_FILE", global = true)]
    pub dkim_key_file: Option<String>,
    /// Mails a second, such as 14/s; 0 is as fast as it goes [default: what the provider says, else 10/s]
    #[arg(long, env = "TIDINGS_MAIL_RATE", global = true)]
    pub mail_rate: Option<String>,
    /// Mails the provider allows: 50000/day (any 24 hours), 50000/utcday, 1000000/month or none [default: what it says,
    /// else none]
    #[arg(long, env = "TIDINGS_MAIL_QUOTA", global = true)]
    pub mail_quota: Option<String>,
    /// SMTP connections at once [default: 10]
    #[arg(long, env = "TIDINGS_MAIL_CONNECTIONS", global = true)]
    pub mail_connections: Option<String>,
    /// Mails to one address within an hour, alerts aside; more wait; 0 for no limit [default: 12]
    #[arg(long, env = "TIDINGS_MAIL_ADDRESS_LIMIT", global = true)]
    pub mail_address_limit: Option<String>,
    /// Signs what a mail service reports to /hooks/bounces; at least 32 characters [default: none, nothing is taken]
    #[arg(long, env = "TIDINGS_BOUNCE_SECRET", global = true, hide_env_values = true)]
    pub bounce_secret: Option<String>,
    /// Topics of Amazon SNS that may report to /hooks/ses, with commas between their ARNs [default: none]
    #[arg(long, env = "TIDINGS_SES_TOPICS", global = true)]
    pub ses_topics: Option<String>,
    /// How many requests a minute each API key may send, on all nodes together; 0 is any number [default: 600]
    #[arg(long, env = "TIDINGS_API_RATE", global = true)]
    pub api_rate: Option<String>,
    /// Networks whose X-Forwarded-For counts, separated by commas, such as 10.0.0.0/8 [default: none]
    #[arg(long, env = "TIDINGS_TRUSTED_PROXIES", global = true)]
    pub trusted_proxies: Option<String>,
    /// What is logged, as a `tracing` filter [default: info]
    #[arg(long, env = "TIDINGS_LOG", global = true)]
    pub log: Option<String>,
    /// `text` or `json` [default: text]
    #[arg(long, env = "TIDINGS_LOG_FORMAT", global = true)]
    pub log_format: Option<String>,
}

impl Settings {
    /// Fills what is missing from the file that was named, or else from `tidings.toml` if there is one.
    pub fn or_file(self, named: Option<&Path>) -> Result<Self, String> {
        let path = named.unwrap_or(Path::new("tidings.toml"));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(self),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        let file: Self = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self {
            data: self.data.or(file.data),
            database_url: self.database_url.or(file.database_url),
            listen: self.listen.or(file.listen),
            public_url: self.public_url.or(file.public_url),
            secret: self.secret.or(file.secret),
            smtp_url: self.smtp_url.or(file.smtp_url),
            smtp_alert_url: self.smtp_alert_url.or(file.smtp_alert_url),
            smtp_alert_rate: self.smtp_alert_rate.or(file.smtp_alert_rate),
            smtp_alert_quota: self.smtp_alert_quota.or(file.smtp_alert_quota),
            smtp_alert_connections: self.smtp_alert_connections.or(file.smtp_alert_connections),
            mail_from: self.mail_from.or(file.mail_from),
            dkim_domain: self.dkim_domain.or(file.dkim_domain),
            dkim_selector: self.dkim_selector.or(file.dkim_selector),
            dkim_key_file: self.dkim_key_file.or(file.dkim_key_file),
            mail_rate: self.mail_rate.or(file.mail_rate),
            mail_quota: self.mail_quota.or(file.mail_quota),
            mail_connections: self.mail_connections.or(file.mail_connections),
            mail_address_limit: self.mail_address_limit.or(file.mail_address_limit),
            bounce_secret: self.bounce_secret.or(file.bounce_secret),
            ses_topics: self.ses_topics.or(file.ses_topics),
            api_rate: self.api_rate.or(file.api_rate),
            trusted_proxies: self.trusted_proxies.or(file.trusted_proxies),
            log: self.log.or(file.log),
            log_format: self.log_format.or(file.log_format),
        })
    }
}
