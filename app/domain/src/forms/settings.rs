//! The form about the page itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{FieldErrors, Fields, NAME_MAX, line, optional};
use crate::{
    colour::Colour,
    email_address::EmailAddressError,
    i18n::Zone,
    logo::{Ground, Logo, LogoChange},
    sender::Sender,
};

/// The most links at the foot of the page.
pub const LINKS_MAX: usize = 8;
/// The longest label of one, in characters.
const LABEL_MAX: usize = 60;
/// The longest address, in characters.
const ADDRESS_MAX: usize = 500;
/// The longest name of a sender, in characters.
const SENDER_MAX: usize = 100;

/// The page's settings as typed.
#[derive(Clone, Debug, Default)]
pub struct SettingsForm {
    /// What the page is called.
    pub name: String,
    /// An IANA zone, or empty for UTC.
    pub time_zone: String,
    /// A colour, or empty for none.
    pub accent: String,
    /// One link a line: a label, then its address.
    pub links: String,
    /// Where people get help, or empty.
    pub support: String,
    /// What the logo stands on.
    pub ground: String,
    /// Whether the logo is to go.
    pub remove_logo: bool,
    /// The name mails come from, or empty.
    pub sender_name: String,
    /// The address mails come from, or empty.
    pub sender_email: String,
}

/// A link at the foot of every public page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FooterLink {
    /// What it says.
    pub label: String,
    /// Where it leads: `https:` or `mailto:`.
    pub address: String,
}

/// What a [`SettingsForm`] asks for, and what was chosen before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaveSettings {
    /// What the page is called.
    pub name: String,
    /// The page's own zone; `None` for UTC.
    pub zone: Option<Zone>,
    /// The owner's colour.
    pub accent: Option<Colour>,
    /// At the foot of every public page, in this order.
    pub links: Vec<FooterLink>,
    /// Where people get help: `https:` or `mailto:`.
    pub support: Option<String>,
    /// What the logo stands on.
    pub ground: Ground,
    /// Who mails come from.
    pub sender: Option<Sender>,
}

impl SettingsForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self {
            name: fields.get("name"),
            time_zone: fields.get("time_zone"),
            accent: fields.get("accent"),
            links: fields.get("links"),
            support: fields.get("support"),
            ground: fields.get("ground"),
            remove_logo: fields.is_ticked("remove_logo"),
            sender_name: fields.get("sender_name"),
            sender_email: fields.get("sender_email"),
        }
    }

    /// The command, or all that is wrong.
    pub fn parse(&self) -> Result<SaveSettings, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", line(&self.name, NAME_MAX));
        let zone = filled(&self.time_zone).map(|name| {
            let unknown = format!("there is no time zone “{name}”: choose one from the list");
            errors.take("time_zone", name.parse::<Zone>().map_err(|_| unknown))
        });
        let accent = filled(&self.accent).map(|text| errors.take("accent", text.parse::<Colour>()));
        let links = errors.take("links", links(&self.links));
        let support = filled(&self.support).map(|text| errors.take("support", address(text)));
        let ground = filled(&self.ground).map_or(Ok(Ground::default()), str::parse);
        let ground = errors.take("ground", ground.map_err(|_| "choose one of the list"));
        let sender = errors.take_all(self.sender());
        match (name, links, ground, sender) {
            (Some(name), Some(links), Some(ground), Some(sender)) if errors.is_empty() => {
                let (zone, accent, support) = (zone.flatten(), accent.flatten(), support.flatten());
                Ok(SaveSettings { name, zone, accent, links, support, ground, sender })
            }
            _ => Err(errors),
        }
    }

    fn sender(&self) -> Result<Option<Sender>, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take("sender_name", optional(line(&self.sender_name, SENDER_MAX)));
        let email = match filled(&self.sender_email) {
            None if name.as_ref().is_none_or(String::is_empty) => return errors.or(None),
            None => Err("write the address that goes with this name".to_owned()),
            Some(text) => text.parse().map_err(|error: EmailAddressError| error.to_string()),
        };
        let email = errors.take("sender_email", email);
        errors.or(name.zip(email).map(|(name, email)| Sender { name, email }))
    }

    /// What is to become of the logo when this file came with the form; an empty one is none.
    pub fn logo(&self, file: Vec<u8>) -> Result<LogoChange, FieldErrors> {
        if file.is_empty() {
            return Ok(if self.remove_logo { LogoChange::Remove } else { LogoChange::Keep });
        }
        Logo::read(file).map(LogoChange::Replace).map_err(|error| FieldErrors::one("logo", error.to_string()))
    }
}

impl SaveSettings {
    /// The links as the form shows them.
    pub fn typed_links(links: &[FooterLink]) -> String {
        links.iter().map(|link| format!("{} {}", link.label, link.address)).collect::<Vec<_>>().join("\n")
    }

    /// What changed, for people who look back: `accent: none → #ffd000`.
    pub fn changes(&self, before: &Self) -> Vec<String> {
        let words = |settings: &Self| {
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
            [
                ("name", settings.name.clone()),
                ("time zone", settings.zone.as_ref().map_or("UTC", Zone::as_str).to_owned()),
                ("accent", or_none(settings.accent.map(|colour| colour.to_string()))),
                ("help", or_none(settings.support.clone())),
                ("behind the logo", settings.ground.label().to_lowercase()),
                ("sender", or_none(settings.sender.as_ref().map(Sender::to_string))),
            ]
        };
        let pairs = words(before).into_iter().zip(words(self));
        let changed = pairs.filter(|(old, new)| old != new);
        let mut said: Vec<_> = changed.map(|((what, old), (_, new))| format!("{what}: {old} → {new}")).collect();
        said.extend(changed_links(&before.links, &self.links));
        said
    }
}

/// `link Terms: none → https://example.com/terms`
fn changed_links(before: &[FooterLink], after: &[FooterLink]) -> Vec<String> {
    let address = |links: &[FooterLink], label: &str| {
        let found = links.iter().find(|link| link.label == label);
        found.map_or_else(|| "none".to_owned(), |link| link.address.clone())
    };
    let mut labels: Vec<_> = before.iter().chain(after).map(|link| link.label.as_str()).collect();
    let mut seen = BTreeSet::new();
    labels.retain(|label| seen.insert(*label));
    let pairs = labels.into_iter().map(|label| (label, address(before, label), address(after, label)));
    let changed = pairs.filter(|(_, old, new)| old != new);
    let said: Vec<_> = changed.map(|(label, old, new)| format!("link {label}: {old} → {new}")).collect();
    if said.is_empty() && before != after { vec!["links: in another order".to_owned()] } else { said }
}

fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn links(text: &str) -> Result<Vec<FooterLink>, String> {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > LINKS_MAX {
        return Err(format!("{} links are too many: at most {LINKS_MAX}", lines.len()));
    }
    let link = |(number, text): (usize, &&str)| {
        let problem = |what: String| format!("line {}: {what}", number + 1);
        let split = text.rsplit_once(char::is_whitespace);
        let (label, place) = split.ok_or_else(|| problem("write a label, a space and an address".to_owned()))?;
        let label = line(label, LABEL_MAX).map_err(|error| problem(error.to_string()))?;
        Ok(FooterLink { label, address: address(place).map_err(|error| problem(error.to_owned()))? })
    };
    lines.iter().enumerate().map(link).collect()
}

/// Only what leads to a page over TLS or opens a mail: nothing that runs.
fn address(text: &str) -> Result<String, &'static str> {
    let is_plain = text.chars().all(|letter| letter.is_ascii_graphic() && !matches!(letter, '"' | '<' | '>' | '\\'));
    let rest = text.strip_prefix("https://").filter(|rest| rest.contains('.') && !rest.starts_with(['/', '.', '@']));
    let mail = text.strip_prefix("mailto:").filter(|rest| rest.contains('@'));
    let fits = is_plain && text.len() <= ADDRESS_MAX && (rest.is_some() || mail.is_some());
    if fits { Ok(text.to_owned()) } else { Err("write an address as https://example.com or mailto:help@example.com") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> SettingsForm {
        SettingsForm { name: " Acme\nStatus ".into(), ..SettingsForm::default() }
    }

    #[test]
    fn only_a_name_of_one_line_is_needed() {
        let saved = form().parse().unwrap();
        assert_eq!((saved.name.as_str(), saved.zone, saved.accent, saved.support), ("Acme Status", None, None, None));
        assert!(SettingsForm::default().parse().unwrap_err().get("name").is_some());
    }

    #[test]
    fn links_are_read_line_by_line_and_shown_as_they_were_typed() {
        let links = "Terms of service https://example.com/terms\r\n\r\n Help  mailto:help@example.com";
        let saved = SettingsForm { links: links.into(), ..form() }.parse().unwrap();
        assert_eq!(
            SaveSettings::typed_links(&saved.links),
            "Terms of service https://example.com/terms\nHelp mailto:help@example.com"
        );
    }

    #[test]
    fn no_address_runs_anything() {
        for address in [
            "javascript:alert(1)",
            "http://example.com",
            "https://",
            "//evil.test",
            "data:text/html,x",
            "https://a.b\"x",
        ] {
            let wrong = SettingsForm { links: format!("Label {address}"), support: address.into(), ..form() };
            let errors = wrong.parse().unwrap_err();
            assert!(errors.get("links").is_some_and(|words| words.starts_with("line 1: ")), "{address}");
            assert!(errors.get("support").is_some(), "{address}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = SettingsForm {
            name: String::new(),
            time_zone: "Mars/Base".into(),
            accent: "blue".into(),
            links: "x https://a.b\n".repeat(9),
            support: "us".into(),
            ground: "grass".into(),
            sender_email: "Acme <status@example.com>".into(),
            ..SettingsForm::default()
        };
        let errors = wrong.parse().unwrap_err();
        let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["accent", "ground", "links", "name", "sender_email", "support", "time_zone"]);
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        let sender = |name: &str, email: &str| {
            SettingsForm { sender_name: name.into(), sender_email: email.into(), ..form() }.parse().map(|it| it.sender)
        };
        assert_eq!(sender(" ", ""), Ok(None));
        assert_eq!(sender("", "status@example.com").unwrap().unwrap().to_string(), "status@example.com");
        let hostile = sender("Acme\r\nBcc: all@example.com", " status@example.com\n").unwrap().unwrap();
        assert_eq!(hostile.to_string(), "Acme  Bcc: all@example.com <status@example.com>");
        for (name, email) in [("Acme", ""), ("", "a@example.com\r\nBcc: b@example.com"), ("", "a@example.com, b@c.de")]
        {
            assert!(sender(name, email).unwrap_err().get("sender_email").is_some(), "{name} {email}");
        }
    }

    #[test]
    fn only_what_changed_is_told_in_words() {
        let links = |text: &str| SettingsForm { links: text.into(), ..form() }.parse().unwrap();
        let before = links("Terms https://a.example/1\nHelp https://a.example/help");
        assert_eq!(before.changes(&before), Vec::<String>::new());
        let after = SaveSettings {
            name: "Acme".into(),
            accent: "#ffd000".parse().ok(),
            ..links("Terms https://a.example/2\nJobs https://a.example/jobs")
        };
        assert_eq!(
            after.changes(&before),
            [
                "name: Acme Status → Acme",
                "accent: none → #ffd000",
                "link Terms: https://a.example/1 → https://a.example/2",
                "link Help: https://a.example/help → none",
                "link Jobs: none → https://a.example/jobs"
            ]
        );
        let turned = links("Help https://a.example/help\nTerms https://a.example/1");
        assert_eq!(turned.changes(&before), ["links: in another order"]);
    }
}
