//! The way out: an SMTP connection of our own, or a folder when SMTP is not configured.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use domain::{
    delivery::{Answer, Outcome, Stage},
    ids::DeliveryId,
};
use jiff::Timestamp;

use super::{
    MailSettings,
    session::{Envelope, Session},
    transport::Transport,
};

/// A connection is renewed after so many mails, or this long: servers dislike both.
const MAILS: u32 = 100;
const LIFETIME: Duration = Duration::from_mins(5);

/// Where one mail after the other goes.
#[derive(Debug)]
pub(super) enum Wire {
    /// An open connection.
    Smtp(Session),
    /// A folder of `.eml` files.
    Capture { outbox: PathBuf },
}

impl Wire {
    /// Connects, or says why it could not.
    pub(super) async fn connect(settings: &MailSettings, transport: Option<&Transport>) -> Result<Self, Outcome> {
        match transport {
            Some(transport) => Ok(Self::Smtp(Session::connect(transport, &settings.deadlines, &settings.hello).await?)),
            None => Ok(Self::Capture { outbox: settings.outbox.clone() }),
        }
    }

    /// How many mails it carried.
    pub(super) fn carried(&self) -> u32 {
        match self {
            Self::Smtp(session) => session.mails_sent(),
            Self::Capture { .. } => 0,
        }
    }

    /// Whether it carried enough, where the server is known to close after `cap`.
    pub(super) fn is_worn(&self, cap: Option<u32>) -> bool {
        let most = cap.map_or(MAILS, |cap| cap.min(MAILS));
        match self {
            Self::Smtp(session) => session.mails_sent() >= most || session.opened_at().elapsed() > LIFETIME,
            Self::Capture { .. } => false,
        }
    }

    /// Sends one mail; the second value says whether another may follow on the same connection.
    pub(super) async fn send(
        &mut self,
        id: &DeliveryId,
        envelope: &Envelope<'_>,
        message: Vec<u8>,
        now: Timestamp,
    ) -> (Outcome, bool) {
        match self {
            Self::Smtp(session) => session.send(envelope, &message).await,
            Self::Capture { outbox } => {
                let (outbox, name) = (outbox.clone(), format!("{}-{id}.eml", now.as_millisecond()));
                let written = tokio::task::spawn_blocking(move || write(&outbox, &name, &message)).await;
                let outcome = match written.map_err(io::Error::from).and_then(|result| result) {
                    Ok(()) => Outcome::Answered(Stage::Dot, Answer::new(250, ["2.0.0 Written to the outbox"])),
                    Err(error) => Outcome::Lost(Stage::Data, format!("cannot write to the outbox: {error}")),
                };
                (outcome, true)
            }
        }
    }

    /// Says good-bye.
    pub(super) async fn quit(self) {
        if let Self::Smtp(session) = self {
            session.quit().await;
        }
    }
}

/// Under a name that nobody reads first, so that a file in the outbox is always whole.
fn write(outbox: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    fs::create_dir_all(outbox)?;
    let unfinished = outbox.join(format!(".{name}.part"));
    fs::write(&unfinished, message)?;
    fs::rename(&unfinished, outbox.join(name))
}
