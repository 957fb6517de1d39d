//! Forms of those who want to be told.

use std::collections::BTreeSet;

use super::{FieldErrors, Fields};
use crate::{
    email_address::EmailAddress,
    i18n::{Locale, Preferences, zone::UnknownZone},
    ids::{ComponentId, IncidentId},
    subscriber::Follows,
};

/// What someone wants to hear of, as ticked.
#[derive(Clone, Debug, Default)]
pub struct FollowsForm {
    /// Every incident.
    pub everything: bool,
    /// Ids of components.
    pub components: BTreeSet<String>,
    /// Ids of incidents.
    pub incidents: BTreeSet<String>,
}

impl FollowsForm {
    /// From what the browser sent: `everything`, `component` and `incident`, the latter two repeated.
    pub fn from_fields(fields: &Fields) -> Self {
        Self {
            everything: fields.is_ticked("everything"),
            components: fields.all("component").map(str::to_owned).collect(),
            incidents: fields.all("incident").filter(|id| !id.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// What it stands for, or what is wrong. Components that are gone count as not ticked.
    pub fn parse(&self, components: &[ComponentId], incidents: &[IncidentId]) -> Result<Follows, FieldErrors> {
        let follows = Follows {
            everything: self.everything,
            components: components.iter().filter(|id| self.components.contains(id.as_str())).cloned().collect(),
            incidents: incidents.iter().filter(|id| self.incidents.contains(id.as_str())).cloned().collect(),
        };
        if follows.is_empty() {
            return Err(FieldErrors::one("follows", "choose what you want to hear of"));
        }
        Ok(follows)
    }
}

impl From<&Follows> for FollowsForm {
    fn from(follows: &Follows) -> Self {
        Self {
            everything: follows.everything,
            components: follows.components.iter().map(ToString::to_string).collect(),
            incidents: follows.incidents.iter().map(ToString::to_string).collect(),
        }
    }
}

/// How someone wants to be written to, as chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreferencesForm {
    /// The word of a language.
    pub locale: String,
    /// The name of a time zone; empty for the page's own.
    pub time_zone: String,
}

impl PreferencesForm {
    /// From what the browser sent; a form that does not ask leaves things as they are.
    pub fn from_fields(fields: &Fields, now: &Preferences) -> Self {
        let now = Self::from(now);
        let sent = |name, now| fields.all(name).next().map_or(now, str::to_owned);
        Self { locale: sent("locale", now.locale), time_zone: sent("time_zone", now.time_zone) }
    }

    /// What it stands for, or all that is wrong.
    pub fn parse(&self) -> Result<Preferences, FieldErrors> {
        let mut errors = FieldErrors::default();
        let locale = errors.take("locale", self.locale.parse::<Locale>().map_err(|_| "choose one of the languages"));
        let zone = match self.time_zone.trim() {
            "" => Some(None),
            name => errors.take("time_zone", name.parse().map(Some).map_err(|error: UnknownZone| error)),
        };
        match (locale, zone) {
            (Some(locale), Some(zone)) => Ok(Preferences { locale, zone }),
            _ => Err(errors),
        }
    }
}

impl From<&Preferences> for PreferencesForm {
    fn from(preferences: &Preferences) -> Self {
        Self {
            locale: preferences.locale.as_str().to_owned(),
            time_zone: preferences.zone.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// A wish to be told, as typed.
#[derive(Clone, Debug, Default)]
pub struct SubscribeForm {
    /// The address.
    pub email: String,
    /// What to hear of.
    pub follows: FollowsForm,
    /// A field people do not see: whoever fills it in is a program.
    pub website: String,
}

/// What a [`SubscribeForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// Where to write.
    pub email: EmailAddress,
    /// What to hear of.
    pub follows: Follows,
}

impl SubscribeForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self { email: fields.get("email"), follows: FollowsForm::from_fields(fields), website: fields.get("website") }
    }

    /// The command, or all that is wrong.
    pub fn parse(&self, components: &[ComponentId], incidents: &[IncidentId]) -> Result<Subscribe, FieldErrors> {
        let follows = self.follows.parse(components, incidents);
        let mut errors = follows.as_ref().err().cloned().unwrap_or_default();
        let email = errors.take("email", self.email.parse::<EmailAddress>());
        match (email, follows) {
            (Some(email), Ok(follows)) => Ok(Subscribe { email, follows }),
            _ => Err(errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_choice_are_needed() {
        let errors = SubscribeForm::default().parse(&[], &[]).unwrap_err();
        assert!(errors.get("email").is_some() && errors.get("follows").is_some());
    }

    #[test]
    fn a_language_and_a_zone_come_back_as_they_were_chosen() {
        let fields = Fields(vec![("locale".into(), "de".into()), ("time_zone".into(), "Asia/Taipei".into())]);
        let form = PreferencesForm::from_fields(&fields, &Preferences::default());
        let preferences = form.parse().unwrap();
        assert_eq!(preferences, Preferences { locale: Locale::German, zone: "Asia/Taipei".parse().ok() });
        assert_eq!(PreferencesForm::from(&preferences), form);
        let silent = PreferencesForm::from_fields(&Fields::default(), &preferences);
        assert_eq!(silent, form, "who is not asked keeps what they have");
        let page = Fields(vec![("time_zone".into(), String::new())]);
        let page = PreferencesForm::from_fields(&page, &preferences);
        assert_eq!(page.parse().unwrap(), Preferences { locale: Locale::German, zone: None });
    }

    #[test]
    fn languages_and_zones_that_do_not_exist_are_refused_together() {
        let form = PreferencesForm { locale: "tlh".into(), time_zone: "Mars/Base".into() };
        let errors = form.parse().unwrap_err();
        assert!(errors.get("locale").is_some() && errors.get("time_zone").is_some());
    }

    #[test]
    fn components_that_are_gone_do_not_count() {
        let known = ComponentId::from_random(1);
        let form = SubscribeForm {
            email: " reader@example.com ".into(),
            follows: FollowsForm {
                components: [known.to_string(), "gone".to_owned()].into(),
                ..FollowsForm::default()
            },
            ..SubscribeForm::default()
        };
        let command = form.parse(std::slice::from_ref(&known), &[]).unwrap();
        assert_eq!(command.follows.components, [known].into());
        assert_eq!(command.email.as_str(), "reader@example.com");
    }
}
