//! Whose mails these are: the page's name and zone, and the sender. The environment's word comes first, then the console's,
//! then a default that few servers take.

use std::sync::Arc;

use domain::{forms::SaveSettings, sender::Sender, token::Secret};
use lettre::{Address, address::AddressError, message::Mailbox};

use super::{content::MailIdentity, dkim::Signer};
use crate::{
    actions::settings::chosen,
    store::{self, Store, StoreError},
};

/// Who mails come from until somebody says so.
pub const DEFAULT_SENDER: &str = "Status <status@localhost>";

/// What is known from the start; the rest the owner may change at any time.
#[derive(Clone, Debug)]
pub struct MailOrigin {
    /// Who the environment says that mails come from.
    pub from: Option<Mailbox>,
    /// For links, without a slash at the end.
    pub public_url: String,
    /// Signs links.
    pub secret: Secret,
    /// Signs every mail, if there is a key.
    pub dkim: Option<Arc<Signer>>,
}

impl MailOrigin {
    /// Whose mails these are now.
    pub async fn identity(&self, store: &Store) -> store::Result<MailIdentity> {
        let chosen = chosen(&store.settings().await?);
        let from = match &self.from {
            Some(from) => from.clone(),
            None => from_console(&chosen)?,
        };
        Ok(MailIdentity {
            from,
            page_name: chosen.name,
            zone: chosen.zone,
            public_url: self.public_url.clone(),
            secret: self.secret.clone(),
            dkim: self.dkim.clone(),
        })
    }
}

/// The sender whom the owner chose, or the default.
fn from_console(chosen: &SaveSettings) -> store::Result<Mailbox> {
    let unfit = |error: AddressError| StoreError::Corrupt("settings", error.to_string());
    match &chosen.sender {
        Some(Sender { name, email }) => {
            let name = if name.is_empty() { &chosen.name } else { name };
            let address = Address::new(email.local(), email.domain()).map_err(unfit)?;
            Ok(Mailbox::new(Some(name.clone()), address))
        }
        None => DEFAULT_SENDER.parse().map_err(unfit),
    }
}
