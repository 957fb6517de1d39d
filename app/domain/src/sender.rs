//! Who mails come from, when the owner says so in the console.

use std::fmt;

use crate::email_address::EmailAddress;

/// A sender: what stands behind `From:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// One line; empty for the page's own name.
    pub name: String,
    /// The address, whose domain also stands in Message-IDs.
    pub email: EmailAddress,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => f.write_str(self.email.as_str()),
            name => write!(f, "{name} <{}>", self.email),
        }
    }
}
