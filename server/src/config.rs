//! Settings: flag, else environment, else `tidings.toml`, else default.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use domain::{email_address::EmailAddress, quota::Quota, rate::Share};
use ipnet::IpNet;
use lettre::message::Mailbox;

use self::limits::Texts;
pub use self::{
    limits::{Limit, Limits, Origin},
    settings::Settings,
};
use crate::{
    bounces::sns::Topic,
    mail::{dkim::Signer, transport::Transport},
};

mod limits;
mod settings;

/// Settings that make sense.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of everything that is kept.
    pub data: PathBuf,
    /// The database.
    pub database_url: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// How the public reaches the page, without a slash at the end; see [`Config::public_url`].
    pub public_url: Option<String>,
    /// What signs links; `None` to keep one in the data folder.
    pub secret: Option<Secret>,
    /// Where mail goes; `None` captures it.
    pub smtp: Option<Transport>,
    /// Where alerts and account mails go, if not there.
    pub smtp_alert: Option<Transport>,
    /// Who mails come from; `None` leaves it to the console.
    pub mail_from: Option<Mailbox>,
    /// Signs mails, if there is a key.
    pub dkim: Option<Arc<Signer>>,
    /// What that server may be burdened with.
    pub mail_limits: Limits,
    /// The same of the second one.
    pub alert_limits: Limits,
    /// The most mails to one address in an hour; 0 for no limit.
    pub mail_address_limit: u64,
    /// What the reports of mail services are signed with; `None` takes none.
    pub bounce_secret: Option<Secret>,
    /// The topics of Amazon SNS whose reports are taken.
    pub ses_topics: Vec<Topic>,
    /// Requests a minute of each API key; `None` for any number.
    pub api_rate: Option<i64>,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// A `tracing` filter.
    pub log: String,
    /// Whether logs are JSON lines.
    pub log_json: bool,
}

/// A text that no log shows.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl Config {
    /// Checks settings; all problems come together, each saying what to write.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let data = settings.data.clone().unwrap_or_else(|| PathBuf::from("./data"));
        let database_url =
            settings.database_url.clone().unwrap_or_else(|| format!("sqlite://{}", data.join("tidings.db").display()));
        let is_sqlite = database_url.starts_with("sqlite://") && !database_url.contains('?');
        if !is_sqlite && !["postgres://", "postgresql://"].iter().any(|scheme| database_url.starts_with(scheme)) {
            problems.push("TIDINGS_DATABASE_URL: write sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME".to_owned());
        }
        let mut read = Reader { problems: &mut problems };
        let listen = read.parse("TIDINGS_LISTEN", settings.listen.as_deref(), "127.0.0.1:3000", |text| {
            text.parse().map_err(|_| format!("`{text}` is no address and port: write 127.0.0.1:3000 or [::]:3000"))
        });
        let public_url = read.parse("TIDINGS_PUBLIC_URL", settings.public_url.as_deref(), "", public_url);
        let own_secret = read.parse("TIDINGS_SECRET", settings.secret.as_deref(), "", secret);
        let bounce_secret = read.parse("TIDINGS_BOUNCE_SECRET", settings.bounce_secret.as_deref(), "", secret);
        let ses_topics = read.parse("TIDINGS_SES_TOPICS", settings.ses_topics.as_deref(), "", |text| {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse::<Topic>).collect()
        });
        let transport = |text: &str| match text {
            "" => Ok(None),
            url => Transport::parse(url).map(Some).map_err(|error| error.to_string()),
        };
        let smtp = read.parse("TIDINGS_SMTP_URL", settings.smtp_url.as_deref(), "", transport);
        let smtp_alert = read.parse("TIDINGS_SMTP_ALERT_URL", settings.smtp_alert_url.as_deref(), "", transport);
        let mail_address_limit =
            read.parse("TIDINGS_MAIL_ADDRESS_LIMIT", settings.mail_address_limit.as_deref(), "12", |text| {
                text.parse()
                    .map_err(|_| format!("`{text}` is not a number of mails an hour: write 12, or 0 for no limit"))
            });
        let mail_from = read.parse("TIDINGS_MAIL_FROM", settings.mail_from.as_deref(), "", |text| {
            if text.is_empty() {
                return Ok(None);
            }
            let sender =
                text.parse::<Mailbox>().ok().filter(|sender| sender.email.to_string().parse::<EmailAddress>().is_ok());
            sender.map(Some).ok_or_else(|| format!("`{text}` is no sender: write Name <name@example.com>, in ASCII"))
        });
        let sender = mail_from.as_ref().and_then(Option::as_ref);
        let dkim = dkim(settings, sender).map_err(|problem| read.problems.push(problem)).ok();
        let mail_limits = Texts::main(settings).read(&mut read, smtp.as_ref().and_then(Option::as_ref));
        let alert_limits = Texts::alert(settings).read(&mut read, smtp_alert.as_ref().and_then(Option::as_ref));
        let api_rate = read.parse("TIDINGS_API_RATE", settings.api_rate.as_deref(), "600", |text| {
            let problem = format!("`{text}` is no number of requests a minute: write 600, or 0 for any number");
            text.parse().map(|rate: u32| (rate > 0).then_some(rate.into())).map_err(|_| problem)
        });
        let trusted_proxies = read.parse("TIDINGS_TRUSTED_PROXIES", settings.trusted_proxies.as_deref(), "", |text| {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(network).collect()
        });
        let log_json = read.parse("TIDINGS_LOG_FORMAT", settings.log_format.as_deref(), "text", |text| match text {
            "text" => Ok(false),
            "json" => Ok(true),
            other => Err(format!("`{other}` is no log format: write text or json")),
        });
        let log = settings.log.clone().unwrap_or_else(|| "info".to_owned());
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&log) {
            read.problems.push(format!("TIDINGS_LOG: {error}"));
        }
        let servers = (smtp, smtp_alert, mail_from, dkim);
        let hooks = (bounce_secret, ses_topics);
        let limits = (mail_limits, alert_limits, mail_address_limit);
        match (listen, public_url, own_secret, servers, hooks, limits, api_rate, trusted_proxies, log_json) {
            (
                Some(listen),
                Some(public_url),
                Some(secret),
                (Some(smtp), Some(smtp_alert), Some(mail_from), Some(dkim)),
                (Some(bounce_secret), Some(ses_topics)),
                (Some(mail_limits), Some(alert_limits), Some(mail_address_limit)),
                Some(api_rate),
                Some(trusted_proxies),
                Some(log_json),
            ) if problems.is_empty() => Ok(Self {
                data,
                database_url,
                listen,
                public_url,
                secret,
                smtp,
                smtp_alert,
                mail_from,
                dkim,
                mail_limits,
                alert_limits,
                mail_address_limit,
                bounce_secret,
                ses_topics,
                api_rate,
                trusted_proxies,
                log,
                log_json,
            }),
            _ => Err(problems),
        }
    }

    /// How the public reaches the page, without a slash at the end: the address that is listened on unless said otherwise.
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// What this machine calls itself in `EHLO`: the domain it writes from, if that is set from the start, else that of the
    /// public page, if it has one.
    pub fn hello(&self) -> String {
        let page = self.public_url().parse::<axum::http::Uri>().ok();
        let page = page.as_ref().and_then(axum::http::Uri::host).filter(|host| host.parse::<IpAddr>().is_err());
        let sender = self.mail_from.as_ref().map(|sender| sender.email.domain());
        sender.or(page.filter(|host| !host.starts_with('['))).unwrap_or("localhost").to_owned()
    }

    /// What works but is hardly meant: said by `tidings check-config` and when the server starts.
    pub fn warnings(&self) -> Vec<&'static str> {
        let mails = self.smtp.is_some();
        let servers = [self.smtp.as_ref(), self.smtp_alert.as_ref()];
        let warnings = [
            (
                mails && self.public_url.is_none(),
                "TIDINGS_PUBLIC_URL is not set: links in mails lead to this machine only",
            ),
            (
                mails && self.mail_from.is_none(),
                "TIDINGS_MAIL_FROM is not set: until the console's settings name a sender, mails come from status@localhost, \
                 which few servers take",
            ),
            (
                mails && self.mail_from.as_ref().is_some_and(|sender| sender.email.domain() == "localhost"),
                "TIDINGS_MAIL_FROM is at localhost: few servers take that",
            ),
            (
                self.dkim
                    .as_ref()
                    .zip(self.mail_from.as_ref())
                    .is_some_and(|(dkim, sender)| !dkim.is_aligned(sender.email.domain())),
                "TIDINGS_DKIM_DOMAIN and the domain of TIDINGS_MAIL_FROM are strangers: DMARC does not count the signature",
            ),
            (
                self.mail_from.is_none() && self.dkim.as_ref().is_some_and(|dkim| dkim.domain() == "localhost"),
                "TIDINGS_DKIM_DOMAIN is not set: write the domain of the sender that the console's settings name",
            ),
            (
                self.dkim.is_some()
                    && servers.into_iter().flatten().any(|server| server.host().ends_with(".amazonaws.com")),
                "Amazon SES replaces Message-ID and Date, which breaks our DKIM signature: let SES sign (Easy DKIM) instead",
            ),
            (
                self.smtp_alert.is_some() && !mails,
                "TIDINGS_SMTP_ALERT_URL is set but TIDINGS_SMTP_URL is not: broadcasts are captured, other mails sent",
            ),
            (
                !self.database_url.starts_with("sqlite:") && self.secret.is_none(),
                "TIDINGS_SECRET is not set: with several nodes, links in mails would work on one of them only",
            ),
        ];
        warnings.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words).collect()
    }

    /// One line a setting, secrets masked, for `tidings check-config`.
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TIDINGS_DATA", self.data.display().to_string()),
            ("TIDINGS_DATABASE_URL", masked(&self.database_url)),
            ("TIDINGS_LISTEN", self.listen.to_string()),
            ("TIDINGS_PUBLIC_URL", self.public_url()),
            ("TIDINGS_SECRET", if self.secret.is_some() { "•••" } else { "kept in the data folder" }.to_owned()),
            (
                "TIDINGS_SMTP_URL",
                self.smtp.as_ref().map_or_else(|| "unset: mail is captured".to_owned(), ToString::to_string),
            ),
            (
                "TIDINGS_SMTP_ALERT_URL",
                self.smtp_alert
                    .as_ref()
                    .map_or_else(|| "unset: alerts go the same way".to_owned(), ToString::to_string),
            ),
            ("TIDINGS_SMTP_ALERT_RATE", self.alert_limits.rate.describe(ToString::to_string)),
            ("TIDINGS_SMTP_ALERT_QUOTA", self.alert_limits.quota.describe(|quota| some_quota(*quota))),
            ("TIDINGS_SMTP_ALERT_CONNECTIONS", self.alert_limits.connections.describe(ToString::to_string)),
            (
                "TIDINGS_MAIL_FROM",
                self.mail_from
                    .as_ref()
                    .map_or_else(|| "unset: the console's settings say who".to_owned(), ToString::to_string),
            ),
            ("TIDINGS_DKIM_DOMAIN", self.dkim.as_ref().map_or("none", |dkim| dkim.domain()).to_owned()),
            ("TIDINGS_DKIM_SELECTOR", self.dkim.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)),
            ("TIDINGS_MAIL_RATE", self.mail_limits.rate.describe(ToString::to_string)),
            ("TIDINGS_MAIL_QUOTA", self.mail_limits.quota.describe(|quota| some_quota(*quota))),
            ("TIDINGS_MAIL_CONNECTIONS", self.mail_limits.connections.describe(ToString::to_string)),
            ("TIDINGS_MAIL_ADDRESS_LIMIT", format!("{} an hour", self.mail_address_limit)),
            ("TIDINGS_BOUNCE_SECRET", if self.bounce_secret.is_some() { "•••" } else { "none" }.to_owned()),
            ("TIDINGS_SES_TOPICS", list(&self.ses_topics)),
            ("TIDINGS_API_RATE", self.api_rate.unwrap_or(0).to_string()),
            ("TIDINGS_TRUSTED_PROXIES", list(&self.trusted_proxies)),
            ("TIDINGS_LOG", self.log.clone()),
            ("TIDINGS_LOG_FORMAT", if self.log_json { "json" } else { "text" }.to_owned()),
        ]
    }
}

/// Things with commas between.
fn list<T: ToString>(things: &[T]) -> String {
    let things: Vec<_> = things.iter().map(ToString::to_string).collect();
    if things.is_empty() { "none".to_owned() } else { things.join(",") }
}

fn some_quota(quota: Option<Quota>) -> String {
    quota.map_or_else(|| "none".to_owned(), quota_words)
}

/// A quota and what it means: `50000/day (any 24 hours; the last 3500 are kept for …)`
fn quota_words(quota: Quota) -> String {
    let [account, bulk] = [Share::Account, Share::Bulk].map(|share| quota.reserve(share));
    format!(
        "{quota} (counted {}; of these {} are kept for confirmations and {account} for alerts)",
        quota.window_words(),
        bulk - account
    )
}

struct Reader<'a> {
    problems: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn parse<T>(
        &mut self,
        name: &str,
        value: Option<&str>,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        parse(value.map_or(default, str::trim)).map_err(|problem| self.problems.push(format!("{name}: {problem}"))).ok()
    }
}

/// Both a selector and a key, or neither.
fn dkim(settings: &Settings, sender: Option<&Mailbox>) -> Result<Option<Arc<Signer>>, String> {
    let get =
        |setting: &Option<String>| setting.clone().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let [domain, selectors, files] = [&settings.dkim_domain, &settings.dkim_selector, &settings.dkim_key_file].map(get);
    match (selectors, files) {
        (None, None) if domain.is_none() => Ok(None),
        (Some(selectors), Some(files)) => {
            let own = || sender.map_or("localhost", |sender| sender.email.domain()).to_owned();
            Signer::load(&domain.unwrap_or_else(own), &selectors, &files).map(|signer| Some(Arc::new(signer)))
        }
        _ => Err("TIDINGS_DKIM_SELECTOR and TIDINGS_DKIM_KEY_FILE: to sign mails, set both".to_owned()),
    }
}

fn secret(text: &str) -> Result<Option<Secret>, String> {
    match text.len() {
        0 => Ok(None),
        1..32 => Err("write at least 32 characters, such as the output of `openssl rand -hex 32`".to_owned()),
        _ => Ok(Some(Secret(text.to_owned()))),
    }
}

fn public_url(text: &str) -> Result<Option<String>, String> {
    let text = text.trim_end_matches('/');
    if text.is_empty() {
        return Ok(None);
    }
    let uri = text.parse::<axum::http::Uri>().ok();
    let fits = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && matches!(uri.path(), "" | "/")
    });
    if fits {
        Ok(Some(text.to_owned()))
    } else {
        Err(format!("`{text}` is no public address: write https://status.example.com, without a path"))
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let host = text.parse::<IpAddr>().map(IpNet::from);
    host.or_else(|_| text.parse()).map_err(|_| format!("`{text}` is no network: write 10.0.0.0/8 or 192.0.2.7"))
}

/// A URL without its password.
fn masked(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => match url[scheme + 3..at].split_once(':') {
            Some((user, _)) => format!("{}{user}:•••{}", &url[..scheme + 3], &url[at..]),
            None => url.to_owned(),
        },
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests;
