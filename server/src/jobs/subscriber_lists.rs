//! Works lists of subscribers off, a few thousand lines at a time, so that people can subscribe in between.
//!
//! Looking through a list changes nothing and is done in one go; two nodes that do it at once find the same. A chunk goes
//! in together with the move of the list's cursor: after a crash, or beside another node, nothing is counted twice.

use std::{
    collections::{BTreeMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
    time::Duration,
};

use domain::{
    ids::ComponentId,
    subscriber::{ListCounts, ListState, RefusedLine},
};
use tokio_util::sync::CancellationToken;

use crate::{
    import::{ERASED, Layout, known_components, records, row, without_erased},
    state::AppState,
    store::{
        Result,
        import::ImportRow,
        subscriber_lists::{ListChunk, SubscriberList},
    },
};

/// How often it is looked for a list.
const POLL: Duration = Duration::from_millis(500);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(5);
/// How many of the lines that cannot be taken are shown.
const SHOWN: usize = 100;

/// Goes on until it is told to stop, and then ends between two chunks.
pub async fn import_lists(state: AppState, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let pause = match step(&state).await {
            Ok(true) => continue,
            Ok(false) => POLL,
            Err(error) => {
                tracing::warn!("A list of subscribers has to wait: {error}");
                PAUSE
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does what is to be done next; says whether there was anything.
async fn step(state: &AppState) -> Result<bool> {
    let Some(list) = state.store.next_subscriber_list().await? else { return Ok(false) };
    let reader =
        Reader { components: known_components(&state.store).await?, layout: Layout::of(list.heading.as_bytes()) };
    match list.state {
        ListState::Importing => import_chunk(state, &list, &reader).await?,
        _ => check(state, &list, &reader).await?,
    }
    Ok(true)
}

/// Understands lines.
struct Reader {
    components: BTreeMap<String, Option<ComponentId>>,
    layout: Layout,
}

impl Reader {
    /// The rows of a chunk with the numbers of their lines, from zero, and the lines that cannot be taken.
    fn read(&self, chunk: &ListChunk) -> (Vec<(usize, ImportRow)>, Vec<RefusedLine>) {
        let (mut rows, mut refused) = (Vec::new(), Vec::new());
        let first = usize::try_from(chunk.first_line).unwrap_or(0);
        for (index, line) in chunk.content.lines().enumerate() {
            for record in records(line.as_bytes()) {
                match row(record, first + index, &self.layout, &self.components) {
                    Ok(Some(row)) => rows.push((first + index, row)),
                    Ok(None) => {}
                    Err(reason) => refused.push(refusal(first + index, reason)),
                }
            }
        }
        (rows, refused)
    }
}

fn refusal(line: usize, reason: String) -> RefusedLine {
    RefusedLine { line: u64::try_from(line).unwrap_or(u64::MAX).saturating_add(1), reason }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Finds out what would become of every line.
async fn check(state: &AppState, list: &SubscriberList, reader: &Reader) -> Result<()> {
    let mut counts = ListCounts::default();
    let mut shown: Vec<RefusedLine> = Vec::new();
    // Eight bytes a person, instead of all addresses.
    let mut seen: HashSet<u64> = HashSet::new();
    for position in 0..list.chunks {
        let Some(chunk) = state.store.list_chunk(&list.id, position).await? else { break };
        let (mut rows, mut refused) = reader.read(&chunk);
        let all = rows.len();
        rows.retain(|(_, row)| seen.insert(hash(&row.email.canonical())));
        counts.unchanged += count(all - rows.len());
        let (rows, erased) = without_erased(&state.store, state.secret(), rows).await?;
        refused.extend(erased.into_iter().map(|line| refusal(line, ERASED.to_owned())));
        refused.sort_by_key(|refused| refused.line);
        let found = state.store.preview_import(&rows).await?;
        counts.created += found.created;
        counts.updated += found.updated;
        counts.unchanged += found.unchanged;
        counts.left += found.refused;
        counts.refused += count(refused.len());
        shown.extend(refused.into_iter().take(SHOWN.saturating_sub(shown.len())));
    }
    let mut write = state.store.write().await?;
    write.set_list_checked(&list.id, &counts, &shown).await?;
    write.commit().await
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Imports the next chunk.
async fn import_chunk(state: &AppState, list: &SubscriberList, reader: &Reader) -> Result<()> {
    let rows = match state.store.list_chunk(&list.id, list.next_chunk).await? {
        Some(chunk) => without_erased(&state.store, state.secret(), reader.read(&chunk).0).await?.0,
        None => Vec::new(),
    };
    let consent = format!("imported: {}", list.consent);
    let mut write = state.store.write().await?;
    let done = write.import_subscribers(&rows, &consent, state.clock.now()).await?;
    let counts = ListCounts {
        created: list.counts.created + done.created,
        updated: list.counts.updated + done.updated,
        unchanged: list.counts.unchanged + done.unchanged,
        left: list.counts.left + done.refused,
        refused: list.counts.refused,
    };
    if !write.advance_list(list, &counts).await? {
        // Another node was faster: what was done here is undone.
        return Ok(());
    }
    if list.next_chunk + 1 >= list.chunks {
        write.count_anew().await?;
    }
    write.commit().await
}
