//! What every mail of this process needs, and the reading that must come before drawing one.

use domain::{
    broadcast::POSTMORTEM,
    email_address::EmailAddress,
    i18n::Zone,
    ids::{DeliveryId, IncidentId, SubscriberId},
};
use jiff::Timestamp;

use super::{
    MailSettings,
    content::{self, MailIdentity, Prepared, UnknownUpdate},
};
use crate::{
    state::DEFAULT_NAME,
    store::{Store, StoreError, broadcasts::Broadcast, deliveries::Letter},
};

/// Why a mail could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ContentError {
    /// What it is about could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The incident is gone.
    #[error("incident {0} is gone")]
    Gone(IncidentId),
    /// The update is gone.
    #[error(transparent)]
    Update(#[from] UnknownUpdate),
}

/// The sender, and where to read what mails say.
#[derive(Clone, Debug)]
pub(super) struct MailContext {
    store: Store,
    /// Its page's name and zone are read anew for each broadcast, for the owner may change them.
    identity: MailIdentity,
}

impl MailContext {
    pub(super) fn new(settings: &MailSettings, store: Store) -> Self {
        let identity = MailIdentity {
            page_name: DEFAULT_NAME.to_owned(),
            public_url: settings.public_url.clone(),
            from: settings.from.clone(),
            secret: settings.secret.clone(),
            dkim: settings.dkim.clone(),
            zone: None,
        };
        Self { store, identity }
    }

    /// Draws a broadcast for all its recipients.
    pub(super) async fn prepare(&self, broadcast: &Broadcast) -> Result<Prepared, ContentError> {
        let incident = self.store.incident(&broadcast.incident).await?;
        let incident = incident.ok_or_else(|| ContentError::Gone(broadcast.incident.clone()))?;
        let page_name = self.store.setting("name").await?.unwrap_or_else(|| DEFAULT_NAME.to_owned());
        let zone = Zone::from_stored(self.store.setting("time_zone").await?.as_deref());
        let identity = MailIdentity { page_name, zone, ..self.identity.clone() };
        if broadcast.kind == POSTMORTEM
            // As it is now: whoever is reached late reads what was corrected meanwhile.
            && let Some(postmortem) = self.store.postmortem(&broadcast.incident).await?
            && let Some(prepared) = Prepared::postmortem(&identity, &incident, &postmortem)
        {
            return Ok(prepared);
        }
        Ok(Prepared::new(&identity, &incident, &broadcast.update, broadcast.is_correction())?)
    }

    /// A single letter.
    pub(super) fn letter(&self, delivery: &DeliveryId, to: &EmailAddress, letter: &Letter, now: Timestamp) -> Vec<u8> {
        content::letter(&self.identity, delivery, to, letter, now)
    }

    /// The envelope's sender: where bounces go. Always the same for a subscriber.
    pub(super) fn return_path(&self, subscriber: Option<SubscriberId>) -> String {
        match subscriber {
            Some(subscriber) => self.identity.envelope_from(subscriber).to_string(),
            None => self.identity.from.email.to_string(),
        }
    }
}
