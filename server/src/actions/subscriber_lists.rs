//! Bringing a list of subscribers along: it arrives in pieces, is looked through, and goes in when someone says yes.

use domain::subscriber::{ListCounts, ListState};
use jiff::SignedDuration;

use super::{note, random};
use crate::{
    error::{Error, Result},
    http::auth::Actor,
    state::AppState,
    store::subscriber_lists::{ListChunk, SubscriberList},
};

/// The largest list, in bytes.
pub const MAX_BYTES: usize = 50 * 1024 * 1024;
/// The longest list, in lines.
pub const MAX_LINES: i64 = 1_000_000;
/// How long a list is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// About how much goes into one chunk: a few thousand lines, which is what one transaction imports.
const CHUNK: usize = 128 * 1024;

/// Why a list is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitList {
    /// Too many bytes.
    #[error("it is larger than 50 MiB: split it, or use the command `tidings import subscribers`")]
    TooLarge,
    /// Too many lines.
    #[error("it has more than 1,000,000 lines: split it, or use the command `tidings import subscribers`")]
    TooLong,
    /// No line ends for a long while.
    #[error("it has a line of more than 128 KiB: is it a list of addresses?")]
    NoLines,
    /// Nothing but white space.
    #[error("it is empty: choose a file or paste some lines")]
    Empty,
}

/// A list that is arriving.
#[derive(Debug)]
pub struct Arriving {
    state: AppState,
    list: SubscriberList,
    /// What has arrived and is not in a chunk yet.
    rest: Vec<u8>,
    bytes: usize,
    has_words: bool,
}

impl Arriving {
    /// Makes room for a list of this person's.
    pub async fn new(state: &AppState, actor: &Actor) -> Result<Self> {
        let now = state.clock.now();
        let list = SubscriberList {
            id: format!("{:016x}", random()),
            actor: actor.name(),
            name: String::new(),
            consent: String::new(),
            state: ListState::Uploading,
            heading: String::new(),
            lines: 0,
            chunks: 0,
            next_chunk: 0,
            counts: ListCounts::default(),
            refused: Vec::new(),
            created_at: now,
            expires_at: now.checked_add(KEPT).unwrap_or(now),
        };
        let mut write = state.store.write().await?;
        write.insert_list(&list.id, &list.actor, now, list.expires_at).await?;
        write.commit().await?;
        Ok(Self { state: state.clone(), list, rest: Vec::new(), bytes: 0, has_words: false })
    }

    /// Takes the next piece.
    pub async fn take(&mut self, piece: &[u8]) -> Result<std::result::Result<(), UnfitList>> {
        self.bytes = self.bytes.saturating_add(piece.len());
        self.has_words |= piece.iter().any(|byte| !byte.is_ascii_whitespace());
        if self.bytes > MAX_BYTES {
            return Ok(Err(UnfitList::TooLarge));
        }
        self.rest.extend_from_slice(piece);
        while self.rest.len() >= CHUNK {
            let Some(end) = self.rest[..CHUNK].iter().rposition(|byte| *byte == b'\n') else {
                return Ok(Err(UnfitList::NoLines));
            };
            let rest = self.rest.split_off(end + 1);
            let whole = std::mem::replace(&mut self.rest, rest);
            self.keep(&whole).await?;
            if self.list.lines > MAX_LINES {
                return Ok(Err(UnfitList::TooLong));
            }
        }
        Ok(Ok(()))
    }

    async fn keep(&mut self, lines: &[u8]) -> Result<()> {
        // What is not UTF-8 is no address either, and is refused as such; PostgreSQL keeps no zero byte in a text.
        let content = String::from_utf8_lossy(lines).replace('\0', "\u{fffd}");
        if self.list.chunks == 0 {
            content.lines().next().unwrap_or_default().clone_into(&mut self.list.heading);
        }
        let chunk = ListChunk { first_line: self.list.lines, content };
        let mut write = self.state.store.write().await?;
        write.insert_list_chunk(&self.list.id, self.list.chunks, &chunk).await?;
        write.commit().await?;
        self.list.chunks += 1;
        self.list.lines += i64::try_from(chunk.content.lines().count()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// All of it is there: it is looked through next. Gives its id.
    pub async fn finish(mut self, name: &str, consent: &str) -> Result<std::result::Result<String, UnfitList>> {
        if !self.has_words {
            return Ok(Err(UnfitList::Empty));
        }
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.keep(&rest).await?;
        }
        if self.list.lines > MAX_LINES {
            return Ok(Err(UnfitList::TooLong));
        }
        name.clone_into(&mut self.list.name);
        consent.clone_into(&mut self.list.consent);
        let mut write = self.state.store.write().await?;
        write.finish_list(&self.list).await?;
        write.commit().await?;
        Ok(Ok(self.list.id))
    }

    /// It is not wanted after all.
    pub async fn discard(self) -> Result<()> {
        let mut write = self.state.store.write().await?;
        write.delete_list(&self.list.id).await?;
        write.commit().await?;
        Ok(())
    }
}

/// A list that this person brought.
pub async fn find(state: &AppState, actor: &Actor, id: &str) -> Result<SubscriberList> {
    let list = state.store.subscriber_list(id).await?;
    let now = state.clock.now();
    list.filter(|list| list.actor == actor.name() && list.expires_at > now).ok_or(Error::NotFound)
}

/// Lets a list in that was looked through; twice is once.
pub async fn begin(state: &AppState, actor: &Actor, id: &str) -> Result<()> {
    let list = find(state, actor, id).await?;
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    // What cannot be taken is known; the rest is counted as it goes in.
    let counts = ListCounts { refused: list.counts.refused, ..ListCounts::default() };
    if write.begin_list(id, &counts).await? {
        note(&mut write, actor, "subscribers.import", id, format!("{} lines: {}", list.lines, list.consent), now)
            .await?;
        write.commit().await?;
    }
    Ok(())
}

/// Throws a list away that did not go in.
pub async fn discard(state: &AppState, actor: &Actor, id: &str) -> Result<()> {
    let list = find(state, actor, id).await?;
    let mut write = state.store.write().await?;
    write.delete_list(id).await?;
    note(&mut write, actor, "subscribers.discard", id, format!("{} lines", list.lines), state.clock.now()).await?;
    write.commit().await?;
    Ok(())
}
