//! Forms of those who look after the subscribers.

use std::collections::BTreeSet;

use super::{FieldErrors, Fields, FollowsForm, PreferencesForm, line};
use crate::{
    email_address::EmailAddress,
    i18n::Preferences,
    ids::ComponentId,
    subscriber::{Consent, Followed, Follows, SubscriberFilter, SubscriberState},
};

/// The longest reason why someone is known to agree, in characters.
pub const CONSENT_MAX: usize = 500;

/// A search among the subscribers, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriberSearch {
    /// Part of an address.
    pub text: String,
    /// The word of a state; empty for all.
    pub state: String,
    /// `everything`, the id of a component, or empty for whatever they follow.
    pub follows: String,
}

impl SubscriberSearch {
    /// From what the browser sent: `q`, `state`, `follows`.
    pub fn from_fields(fields: &Fields) -> Self {
        Self { text: fields.get("q"), state: fields.get("state"), follows: fields.get("follows") }
    }

    /// The fields again, those that say something.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let fields = [("q", &self.text), ("state", &self.state), ("follows", &self.follows)];
        fields.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
    }

    /// What it stands for; what does not exist narrows nothing.
    pub fn filter(&self) -> SubscriberFilter {
        SubscriberFilter {
            text: self.text.trim().to_lowercase(),
            state: self.state.parse().ok(),
            follows: match (self.follows.as_str(), self.follows.parse()) {
                ("everything", _) => Followed::Everything,
                (_, Ok(component)) => Followed::Component(component),
                _ => Followed::Anything,
            },
        }
    }
}

/// Someone to be added by hand, as typed.
#[derive(Clone, Debug, Default)]
pub struct AddSubscriberForm {
    /// The address.
    pub email: String,
    /// What they hear of.
    pub follows: FollowsForm,
    /// How they are written to.
    pub preferences: PreferencesForm,
    /// `ask` or `stated`; neither is chosen beforehand.
    pub consent: String,
    /// How it is known that they agree.
    pub reason: String,
}

/// What an [`AddSubscriberForm`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddSubscriber {
    /// Whom.
    pub email: EmailAddress,
    /// What they hear of.
    pub follows: Follows,
    /// How they are written to; left out, as before.
    pub preferences: Option<Preferences>,
    /// How it is known that they want it.
    pub consent: Consent,
}

impl AddSubscriberForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self {
            email: fields.get("email"),
            follows: FollowsForm::from_fields(fields),
            preferences: PreferencesForm::from_fields(fields, &Preferences::default()),
            consent: fields.get("consent"),
            reason: fields.get("reason"),
        }
    }

    /// The command, or all that is wrong.
    pub fn parse(&self, components: &[ComponentId]) -> Result<AddSubscriber, FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.take("email", self.email.parse::<EmailAddress>());
        let follows = errors.take_all(self.follows.parse(components, &[]));
        let preferences = errors.take_all(self.preferences.parse());
        let consent = match self.consent.as_str() {
            "ask" => Some(Consent::Ask),
            "stated" => errors.take("reason", line(&self.reason, CONSENT_MAX)).map(Consent::Stated),
            _ => errors.take("consent", Err("choose one")),
        };
        match (email, follows, preferences, consent) {
            (Some(email), Some(follows), preferences @ Some(_), Some(consent)) => {
                Ok(AddSubscriber { email, follows, preferences, consent })
            }
            _ => Err(errors),
        }
    }
}

/// A list to be imported, as far as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportForm {
    /// Lines pasted in place of a file.
    pub lines: String,
    /// How it is known that all of them agree.
    pub reason: String,
}

/// The states that are counted, in the order in which people ask for them.
pub const STATES: [SubscriberState; 3] =
    [SubscriberState::Active, SubscriberState::Pending, SubscriberState::Unsubscribed];

/// What is ticked when nothing is said: everything.
pub fn everything_ticked() -> FollowsForm {
    FollowsForm { everything: true, components: BTreeSet::new(), incidents: BTreeSet::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> AddSubscriberForm {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        AddSubscriberForm::from_fields(&Fields(fields))
    }

    #[test]
    fn nobody_is_added_without_saying_how_they_agreed() {
        let errors = form(&[]).parse(&[]).unwrap_err();
        for field in ["email", "follows", "consent"] {
            assert!(errors.get(field).is_some(), "{field}");
        }
        let typed = [("email", "a@example.com"), ("everything", "1"), ("consent", "stated")];
        assert!(form(&typed).parse(&[]).unwrap_err().get("reason").is_some());
        let command = form(&[&typed[..], &[("reason", " by phone\r\n")]].concat()).parse(&[]).unwrap();
        assert_eq!(command.consent, Consent::Stated("by phone".into()));
        assert_eq!(command.preferences, Some(Preferences::default()));
    }

    #[test]
    fn a_search_that_makes_no_sense_finds_everyone() {
        let search = SubscriberSearch { text: "  ".into(), state: "asleep".into(), follows: "what?".into() };
        assert_eq!(search.filter(), SubscriberFilter::default());
        let component = ComponentId::from_random(1);
        let search = SubscriberSearch { follows: component.to_string(), ..SubscriberSearch::default() };
        assert_eq!(search.filter().follows, Followed::Component(component));
        assert_eq!(search.fields(), [("follows", search.follows.clone())]);
    }
}
