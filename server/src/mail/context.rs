//! What every mail of this process needs, and the reading that must come before drawing one.

use domain::{broadcast::POSTMORTEM, ids::IncidentId};

use super::{
    MailSettings,
    content::{MailIdentity, Prepared, UnknownUpdate},
    identity::MailOrigin,
};
use crate::store::{Store, StoreError, broadcasts::Broadcast};

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
    /// What the owner may change is read anew for each broadcast and letter.
    origin: MailOrigin,
}

impl MailContext {
    pub(super) fn new(settings: &MailSettings, store: Store) -> Self {
        let origin = MailOrigin {
            from: settings.from.clone(),
            public_url: settings.public_url.clone(),
            secret: settings.secret.clone(),
            dkim: settings.dkim.clone(),
        };
        Self { store, origin }
    }

    /// Whose mails these are now.
    pub(super) async fn identity(&self) -> Result<MailIdentity, StoreError> {
        self.origin.identity(&self.store).await
    }

    /// Draws a broadcast for all its recipients.
    pub(super) async fn prepare(&self, broadcast: &Broadcast) -> Result<Prepared, ContentError> {
        let incident = self.store.incident(&broadcast.incident).await?;
        let incident = incident.ok_or_else(|| ContentError::Gone(broadcast.incident.clone()))?;
        let identity = self.identity().await?;
        if broadcast.kind == POSTMORTEM
            // As it is now: whoever is reached late reads what was corrected meanwhile.
            && let Some(postmortem) = self.store.postmortem(&broadcast.incident).await?
            && let Some(prepared) = Prepared::postmortem(&identity, &incident, &postmortem)
        {
            return Ok(prepared);
        }
        Ok(Prepared::new(&identity, &incident, &broadcast.update, broadcast.is_correction())?)
    }
}
