//! The form about the page itself.

use serde::{Deserialize, Serialize};

use super::{FieldErrors, Fields, NAME_MAX, line};
use crate::{colour::Colour, i18n::Zone};

/// The most links at the foot of the page.
pub const LINKS_MAX: usize = 8;
/// The longest label of one, in characters.
const LABEL_MAX: usize = 60;
/// The longest address, in characters.
const ADDRESS_MAX: usize = 500;

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
}

/// A link at the foot of every public page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FooterLink {
    /// What it says.
    pub label: String,
    /// Where it leads: `https:` or `mailto:`.
    pub address: String,
}

/// What a [`SettingsForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        match (name, links) {
            (Some(name), Some(links)) if errors.is_empty() => {
                let (zone, accent, support) = (zone.flatten(), accent.flatten(), support.flatten());
                Ok(SaveSettings { name, zone, accent, links, support })
            }
            _ => Err(errors),
        }
    }
}

impl SaveSettings {
    /// The links as the form shows them.
    pub fn typed_links(links: &[FooterLink]) -> String {
        links.iter().map(|link| format!("{} {}", link.label, link.address)).collect::<Vec<_>>().join("\n")
    }
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
        };
        let errors = wrong.parse().unwrap_err();
        let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["accent", "links", "name", "support", "time_zone"]);
    }
}
