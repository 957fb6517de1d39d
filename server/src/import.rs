//! Bringing data in. Idempotent: the same file twice changes nothing the second time.

mod cstate;
mod cstate_issue;
mod front_matter;
mod intake;
mod record;
mod statuspage;
mod statuspage_incident;

pub use cstate::cstate;
pub use statuspage::{Files, statuspage};

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use domain::{component::Component, email_address::EmailAddress, ids::ComponentId, subscriber::Follows};

use crate::{
    Failure,
    clock::Clock,
    store::{
        Store,
        import::{ImportCounts, ImportRow},
    },
};

/// Rows in one transaction: few enough that a running server can subscribe people in between.
const BATCH: usize = 5_000;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    counts: ImportCounts,
    refused: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ImportCounts { created, updated, unchanged, refused: left } = self.counts;
        write!(f, "{created} created, {updated} updated, {unchanged} unchanged, {} refused", self.refused + left)?;
        if left > 0 {
            write!(f, " ({left} had unsubscribed and stay unsubscribed)")?;
        }
        Ok(())
    }
}

/// Imports `email[,component…]` lines as active subscribers; a component is an id, a name or "Group - Name". Nobody is
/// mailed. A line that is wrong is passed to `refuse` with its number while the rest goes in.
pub async fn subscribers(
    store: &Store,
    clock: &Clock,
    file: &Path,
    mut refuse: impl FnMut(String),
) -> Result<Report, Failure> {
    let components = known_components(store).await.map_err(|error| Failure(error.to_string()))?;
    let unreadable = |error: std::io::Error| Failure(format!("{} cannot be read: {error}", file.display()));
    let lines = BufReader::new(File::open(file).map_err(unreadable)?).split(b'\n');
    let mut report = Report::default();
    let mut rows = Vec::with_capacity(BATCH);
    for (index, line) in lines.enumerate() {
        // Line by line, so that a quote that nobody closed cannot swallow what follows.
        let line = line.map_err(unreadable)?;
        for record in records(&line) {
            match row(record, index, &components) {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => {}
                Err(reason) => {
                    report.refused += 1;
                    refuse(format!("line {}: {reason}", index + 1));
                }
            }
        }
        if rows.len() >= BATCH {
            report.counts += write(store, clock, &rows).await?;
            rows.clear();
        }
    }
    report.counts += write(store, clock, &rows).await?;
    let failed = |error: crate::store::StoreError| Failure(error.to_string());
    let mut write = store.write().await.map_err(failed)?;
    write.count_anew().await.map_err(failed)?;
    write.commit().await.map_err(failed)?;
    Ok(report)
}

async fn write(store: &Store, clock: &Clock, rows: &[ImportRow]) -> Result<ImportCounts, Failure> {
    let failed = |error: crate::store::StoreError| Failure(error.to_string());
    let mut write = store.write().await.map_err(failed)?;
    let counts = write.import_subscribers(rows, "imported as confirmed", clock.now()).await.map_err(failed)?;
    write.commit().await.map_err(failed)?;
    Ok(counts)
}

/// Every way a component may be called in the file, lower-case. A name that two components share is left out.
async fn known_components(store: &Store) -> crate::store::Result<BTreeMap<String, Option<ComponentId>>> {
    let groups: BTreeMap<_, _> = store.groups().await?.into_iter().map(|group| (group.id, group.name)).collect();
    let mut known: BTreeMap<String, Option<ComponentId>> = BTreeMap::new();
    for Component { id, name, group, .. } in store.components().await? {
        let mut names = vec![id.to_string(), name.clone()];
        names.extend(group.and_then(|group| groups.get(&group).map(|group| format!("{group} - {name}"))));
        for name in names {
            known.entry(name.to_lowercase()).and_modify(|other| *other = None).or_insert_with(|| Some(id.clone()));
        }
    }
    Ok(known)
}

/// What a line holds: one record, or more where lines end as they did on old Macs.
fn records(line: &[u8]) -> Vec<Result<csv::ByteRecord, csv::Error>> {
    let line = line.trim_ascii();
    if !line.iter().any(|byte| matches!(byte, b'"' | b'\r')) {
        // Nearly every line; making a reader takes longer than reading it.
        let cells: csv::ByteRecord = line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).collect();
        return vec![Ok(cells)];
    }
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).trim(csv::Trim::All);
    builder.from_reader(line).into_byte_records().collect()
}

fn row(
    record: Result<csv::ByteRecord, csv::Error>,
    index: usize,
    components: &BTreeMap<String, Option<ComponentId>>,
) -> Result<Option<ImportRow>, String> {
    let record = record.map_err(|error| error.to_string())?;
    let cells: Result<Vec<_>, _> = record.iter().map(std::str::from_utf8).collect();
    let cells = cells.map_err(|_| "it is not UTF-8".to_owned())?;
    // Spreadsheets mark UTF-8 with three bytes in front.
    let email = cells.first().map_or("", |cell| cell.trim_start_matches('\u{feff}'));
    if index == 0 && email.eq_ignore_ascii_case("email") || cells.iter().all(|cell| cell.is_empty()) {
        return Ok(None);
    }
    let email: EmailAddress = email.parse().map_err(|error| format!("{error}"))?;
    let mut follows = Follows::default();
    for name in cells.iter().skip(1).filter(|name| !name.is_empty()) {
        match components.get(&name.to_lowercase()) {
            Some(Some(id)) => follows.components.insert(id.clone()),
            Some(None) => {
                return Err(format!("several components are called “{name}”: write “Group - Name” or the id"));
            }
            None => return Err(format!("there is no component “{name}”")),
        };
    }
    follows.everything = follows.components.is_empty();
    Ok(Some(ImportRow { email, follows }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, index: usize) -> Result<Option<ImportRow>, String> {
        let api = ComponentId::from_random(1);
        let components = [("api".to_owned(), Some(api)), ("twice".to_owned(), None)].into();
        row(records(text.as_bytes()).remove(0), index, &components)
    }

    #[test]
    fn a_line_without_components_follows_everything() {
        assert!(read("a@example.com", 1).unwrap().unwrap().follows.everything);
        assert!(!read("a@example.com,API", 1).unwrap().unwrap().follows.everything);
    }

    #[test]
    fn a_heading_and_empty_lines_are_passed_over() {
        assert_eq!(read("\u{feff}Email,component", 0), Ok(None));
        assert_eq!(read(",,", 3), Ok(None));
    }

    #[test]
    fn quotes_and_old_line_ends_are_understood() {
        assert!(!read("\"a@example.com\",\"API\"\r", 1).unwrap().unwrap().follows.everything);
        assert_eq!(records(b"a@example.com\rb@example.com,API\r").len(), 2);
    }

    #[test]
    fn a_bad_line_says_why() {
        for (line, reason) in [("nobody", "@"), ("a@example.com,Gone", "Gone"), ("a@example.com,twice", "several")] {
            let error = read(line, 1).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
