//! Forms of those who want to be told.

use std::collections::BTreeSet;

use super::{FieldErrors, Fields};
use crate::{
    email_address::EmailAddress,
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
