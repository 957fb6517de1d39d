//! What a mail server may be burdened with: as it was set, else as its provider says, else a careful default.

use domain::{
    provider::Provider,
    quota::{InvalidQuota, Quota},
    rate::{InvalidRate, Rate},
};

use super::{Reader, Settings};
use crate::{mail::transport::Transport, store::mail_rates::Allowance};

/// The default rate.
const RATE: &str = "10/s";

/// Where a limit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From a setting.
    Set,
    /// From what the provider says.
    Provider(&'static Provider),
    /// From nowhere: a careful default.
    Default,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit<T> {
    /// The limit itself.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Limit<T> {
    /// For `tidings check-config`: what it is, and who says so if nobody here did.
    pub(super) fn describe(&self, words: impl FnOnce(&T) -> String) -> String {
        let words = words(&self.value);
        match self.origin {
            Origin::Provider(provider) => format!("{words} (as {} says; set what it tells you)", provider.name),
            Origin::Set | Origin::Default => words,
        }
    }
}

/// The limits of one mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How fast.
    pub rate: Limit<Rate>,
    /// How much.
    pub quota: Limit<Option<Quota>>,
    /// Over how many connections of one node.
    pub connections: Limit<usize>,
    /// Whose server it is, if its name tells.
    pub provider: Option<&'static Provider>,
}

impl Limits {
    /// What the queue needs to know.
    pub fn allowance(&self) -> Allowance {
        Allowance { rate: self.rate.value, quota: self.quota.value }
    }
}

/// The names and texts of the three settings, and how many connections there are if nobody says.
pub(super) struct Texts<'a> {
    names: [&'static str; 3],
    values: [Option<&'a str>; 3],
    connections: usize,
}

impl<'a> Texts<'a> {
    /// Of the server that carries everything.
    pub(super) fn main(settings: &'a Settings) -> Self {
        Self {
            names: ["TIDINGS_MAIL_RATE", "TIDINGS_MAIL_QUOTA", "TIDINGS_MAIL_CONNECTIONS"],
            values: [&settings.mail_rate, &settings.mail_quota, &settings.mail_connections].map(Option::as_deref),
            connections: 10,
        }
    }

    /// Of the second one, which carries little.
    pub(super) fn alert(settings: &'a Settings) -> Self {
        let values = [&settings.smtp_alert_rate, &settings.smtp_alert_quota, &settings.smtp_alert_connections];
        Self {
            names: ["TIDINGS_SMTP_ALERT_RATE", "TIDINGS_SMTP_ALERT_QUOTA", "TIDINGS_SMTP_ALERT_CONNECTIONS"],
            values: values.map(Option::as_deref),
            connections: 2,
        }
    }

    /// Reads them for a server.
    pub(super) fn read(&self, read: &mut Reader<'_>, transport: Option<&Transport>) -> Option<Limits> {
        let provider = transport.and_then(|transport| Provider::of(transport.host()));
        let origin = |text: Option<&str>, is_said: bool| match (text, provider) {
            (Some(_), _) => Origin::Set,
            (None, Some(provider)) if is_said => Origin::Provider(provider),
            (None, _) => Origin::Default,
        };
        let [rate, quota, connections] = self.values;
        let [rate_name, quota_name, connections_name] = self.names;
        let [said_rate, said_quota] = [provider.and_then(|it| it.rate), provider.and_then(|it| it.quota)];
        let said_connections = provider.and_then(|it| it.connections).filter(|most| *most < self.connections);
        let most = said_connections.unwrap_or(self.connections);
        let rate = read
            .parse(rate_name, rate, said_rate.unwrap_or(RATE), |text| {
                text.parse().map_err(|error: InvalidRate| error.to_string())
            })
            .map(|value| Limit { value, origin: origin(rate, said_rate.is_some()) });
        let quota = read
            .parse(quota_name, quota, said_quota.unwrap_or_default(), |text| match text {
                "" | "none" => Ok(None),
                quota => quota.parse().map(Some).map_err(|error: InvalidQuota| error.to_string()),
            })
            .map(|value| Limit { value, origin: origin(quota, said_quota.is_some()) });
        let connections = read
            .parse(connections_name, connections, &most.to_string(), |text| {
                let problem = format!("`{text}` is not a number of connections: write 1 to 1000");
                text.parse().ok().filter(|count| (1..=1000).contains(count)).ok_or(problem)
            })
            .map(|value| Limit { value, origin: origin(connections, said_connections.is_some()) });
        Some(Limits { rate: rate?, quota: quota?, connections: connections?, provider })
    }
}
