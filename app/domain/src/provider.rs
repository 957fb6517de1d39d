//! What mail providers permit, as their own documents say, for those who set no limits themselves.
//!
//! A figure stands here only if the provider publishes it for everyone. Where it depends on the plan or the account there is
//! none, and the note says where to look.

/// A provider that a server's name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// What people call it.
    pub name: &'static str,
    /// Mails in a time, as the setting is written.
    pub rate: Option<&'static str>,
    /// The quota, as the setting is written.
    pub quota: Option<&'static str>,
    /// Connections at once.
    pub connections: Option<usize>,
    /// What to know of these figures.
    pub note: &'static str,
    /// Where the provider says so.
    pub source: &'static str,
}

const AMAZON: Provider = Provider {
    name: "Amazon SES",
    rate: Some("14/s"),
    quota: Some("50000/day"),
    connections: None,
    note: "usual once an account has left the sandbox, where it is 1/s and 200/day; yours stand in its console under \
           “Account dashboard”",
    source: "https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas.html",
};
const GMAIL: Provider = Provider {
    name: "Gmail",
    rate: None,
    quota: Some("2000/day"),
    connections: None,
    note: "of a Google Workspace user; 500/day in a trial and without Workspace. The relay smtp-relay.gmail.com takes more",
    source: "https://support.google.com/a/answer/166852",
};
const GOOGLE_RELAY: Provider = Provider {
    name: "Google Workspace relay",
    rate: None,
    quota: Some("10000/day"),
    connections: None,
    note: "of one user, in any 24 hours; the whole organisation has a limit of its own",
    source: "https://support.google.com/a/answer/2956491",
};
const MAILGUN: Provider = Provider {
    name: "Mailgun",
    rate: None,
    quota: None,
    connections: None,
    note: "what your plan says, by the day or by the month",
    source: "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/",
};
const MICROSOFT: Provider = Provider {
    name: "Microsoft 365",
    rate: Some("30/min"),
    quota: Some("10000/day"),
    connections: Some(3),
    note: "of one mailbox; meant for few mails, not for long lists",
    source: "https://learn.microsoft.com/en-us/exchange/troubleshoot/send-emails/smtp-submission-improvements",
};
const POSTMARK: Provider = Provider {
    name: "Postmark",
    rate: None,
    quota: None,
    connections: None,
    note: "what your plan says, by the month; broadcasts belong on a stream of their own",
    source: "https://postmarkapp.com/developer/user-guide/send-email-with-smtp",
};
const SENDGRID: Provider = Provider {
    name: "SendGrid",
    rate: None,
    quota: None,
    connections: None,
    note: "what your plan says, by the day or by the month",
    source: "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
};
const THIS_MACHINE: Provider = Provider {
    name: "a mail server on this machine",
    rate: None,
    quota: None,
    connections: Some(50),
    note: "Postfix takes 50 connections from one client unless told otherwise and has no rate of its own: what counts is \
           what the receiving providers bear",
    source: "https://www.postfix.org/postconf.5.html#smtpd_client_connection_count_limit",
};

/// Servers by their names, or by how these end.
const HOSTS: [(&str, &Provider); 9] = [
    ("smtp-relay.gmail.com", &GOOGLE_RELAY),
    ("smtp.gmail.com", &GMAIL),
    (".mailgun.org", &MAILGUN),
    ("smtp.office365.com", &MICROSOFT),
    ("smtp.sendgrid.net", &SENDGRID),
    (".postmarkapp.com", &POSTMARK),
    ("localhost", &THIS_MACHINE),
    ("127.0.0.1", &THIS_MACHINE),
    ("::1", &THIS_MACHINE),
];

impl Provider {
    /// Whose server this is, by its name in lower case.
    pub fn of(host: &str) -> Option<&'static Self> {
        let is_amazon = host.starts_with("email-smtp") && host.ends_with(".amazonaws.com");
        let fits = |name: &str| if name.starts_with('.') { host.ends_with(name) } else { host == name };
        let found = HOSTS.iter().find(|(name, _)| fits(name)).map(|(_, provider)| *provider);
        if is_amazon { Some(&AMAZON) } else { found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{quota::Quota, rate::Rate};

    #[test]
    fn a_server_is_known_by_its_name_and_by_nothing_that_looks_like_it() {
        let name = |host: &str| Provider::of(host).map(|provider| provider.name);
        assert_eq!(name("email-smtp.eu-central-1.amazonaws.com"), Some("Amazon SES"));
        assert_eq!(name("email-smtp-fips.us-east-1.amazonaws.com"), Some("Amazon SES"));
        assert_eq!(name("smtp-relay.gmail.com"), Some("Google Workspace relay"));
        assert_eq!(name("smtp.eu.mailgun.org"), Some("Mailgun"));
        assert_eq!(name("smtp-broadcasts.postmarkapp.com"), Some("Postmark"));
        assert_eq!(name("127.0.0.1"), Some("a mail server on this machine"));
        for other in ["", "example.com", "email-smtp.example.com", "smtp.office365.com.example", "notsmtp.gmail.com"] {
            assert_eq!(name(other), None, "{other}");
        }
    }

    #[test]
    fn every_figure_can_be_typed_and_has_a_source() {
        for (_, provider) in HOSTS.into_iter().chain([("", &AMAZON)]) {
            assert!(provider.rate.is_none_or(|rate| rate.parse::<Rate>().is_ok()), "{}", provider.name);
            assert!(provider.quota.is_none_or(|quota| quota.parse::<Quota>().is_ok()), "{}", provider.name);
            assert!(provider.source.starts_with("https://") && !provider.note.is_empty(), "{}", provider.name);
        }
    }
}
