//! What people call those whom the audit log knows by their ids.

use std::collections::BTreeMap;

use crate::{error::Result, state::AppState};

/// The console's users and the programs' keys, by the names the audit log gives them.
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// Reads them all: there are few.
    pub(super) async fn load(state: &AppState) -> Result<Self> {
        let users =
            state.store.users().await?.into_iter().map(|user| (format!("user:{}", user.id), user.email.to_string()));
        let keys = state.store.keys().await?.into_iter().map(|key| (format!("key:{}", key.id), key.name));
        Ok(Self(users.chain(keys).collect()))
    }

    /// Who that is, in words; as it stands when nobody has that name any more.
    pub(super) fn of(&self, actor: &str) -> String {
        self.0.get(actor).cloned().unwrap_or_else(|| actor.to_owned())
    }

    /// Everyone who may have done something, with the words for them.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(actor, name)| (actor.as_str(), name.as_str()))
    }
}
