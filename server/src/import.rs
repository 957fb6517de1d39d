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
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use domain::{
    component::Component,
    email_address::{EmailAddress, EmailAddressError},
    i18n::{Locale, Preferences, zone::UnknownZone},
    ids::ComponentId,
    subscriber::Follows,
    token::Secret,
};

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

impl Report {
    fn add(&mut self, counts: ImportCounts, erased: &[usize], refuse: &mut impl FnMut(String)) {
        self.counts += counts;
        for line in erased {
            self.refused += 1;
            refuse(format!("line {}: {ERASED}", line + 1));
        }
    }
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

/// Imports `email[,component…]` lines, or what an export wrote, as active subscribers; a component is an id, a name or "Group - Name". Nobody is
/// mailed. A line that is wrong is passed to `refuse` with its number while the rest goes in. With the secret, those who were
/// erased are told again and left out.
pub async fn subscribers(
    store: &Store,
    clock: &Clock,
    secret: Option<&Secret>,
    file: &Path,
    mut refuse: impl FnMut(String),
) -> Result<Report, Failure> {
    let components = known_components(store).await.map_err(|error| Failure(error.to_string()))?;
    let unreadable = |error: std::io::Error| Failure(format!("{} cannot be read: {error}", file.display()));
    let lines = BufReader::new(File::open(file).map_err(unreadable)?).split(b'\n');
    let mut report = Report::default();
    let mut rows = Vec::with_capacity(BATCH);
    let mut layout = Layout::default();
    for (index, line) in lines.enumerate() {
        // Line by line, so that a quote that nobody closed cannot swallow what follows.
        let line = line.map_err(unreadable)?;
        if index == 0 {
            layout = Layout::of(&line);
        }
        for record in records(&line) {
            match row(record, index, &layout, &components) {
                Ok(Some(row)) => rows.push((index, row)),
                Ok(None) => {}
                Err(reason) => {
                    report.refused += 1;
                    refuse(format!("line {}: {reason}", index + 1));
                }
            }
        }
        if rows.len() >= BATCH {
            let (counts, erased) = write(store, clock, secret, std::mem::take(&mut rows)).await?;
            report.add(counts, &erased, &mut refuse);
        }
    }
    let (counts, erased) = write(store, clock, secret, rows).await?;
    report.add(counts, &erased, &mut refuse);
    let failed = |error: crate::store::StoreError| Failure(error.to_string());
    let mut write = store.write().await.map_err(failed)?;
    write.count_anew().await.map_err(failed)?;
    write.commit().await.map_err(failed)?;
    Ok(report)
}

async fn write(
    store: &Store,
    clock: &Clock,
    secret: Option<&Secret>,
    rows: Vec<(usize, ImportRow)>,
) -> Result<(ImportCounts, Vec<usize>), Failure> {
    let failed = |error: crate::store::StoreError| Failure(error.to_string());
    let (rows, erased) = match secret {
        Some(secret) => without_erased(store, secret, rows).await.map_err(failed)?,
        None => (rows.into_iter().map(|(_, row)| row).collect(), Vec::new()),
    };
    let mut write = store.write().await.map_err(failed)?;
    let counts = write.import_subscribers(&rows, "imported as confirmed", clock.now()).await.map_err(failed)?;
    write.commit().await.map_err(failed)?;
    Ok((counts, erased))
}

/// Why a line of someone who was erased is not taken.
pub(crate) const ERASED: &str = "they were erased and stay so until they subscribe again themselves";

/// Those who may be imported, and the lines of those who were erased.
pub(crate) async fn without_erased(
    store: &Store,
    secret: &Secret,
    rows: Vec<(usize, ImportRow)>,
) -> crate::store::Result<(Vec<ImportRow>, Vec<usize>)> {
    let tags: Vec<_> = rows.iter().map(|(_, row)| secret.erased_tag(&row.email.canonical())).collect();
    let erased: BTreeSet<_> = store.erased_among(&tags).await?.into_iter().collect();
    let (mut kept, mut lines) = (Vec::with_capacity(rows.len()), Vec::new());
    for ((line, row), tag) in rows.into_iter().zip(&tags) {
        if erased.contains(tag) { lines.push(line) } else { kept.push(row) }
    }
    Ok((kept, lines))
}

/// Every way a component may be called in the file, lower-case. A name that two components share is left out.
pub(crate) async fn known_components(store: &Store) -> crate::store::Result<BTreeMap<String, Option<ComponentId>>> {
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
pub(crate) fn records(line: &[u8]) -> Vec<Result<csv::ByteRecord, csv::Error>> {
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

/// What stands where in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// By the names of the columns, as an export has them; without them `email[,component…]`.
    columns: Option<BTreeMap<String, usize>>,
}

impl Layout {
    /// As the first line says, if it is a heading that names a column `components`.
    pub(crate) fn of(first_line: &[u8]) -> Self {
        let Some(Ok(record)) = records(first_line).into_iter().next() else { return Self::default() };
        let name = |cell: &[u8]| String::from_utf8_lossy(cell).trim_start_matches('\u{feff}').to_lowercase();
        let columns: BTreeMap<_, _> = record.iter().enumerate().map(|(index, cell)| (name(cell), index)).collect();
        let is_heading = columns.contains_key("email") && columns.contains_key("components");
        Self { columns: is_heading.then_some(columns) }
    }

    /// The address, the components, and how they are written to.
    fn read<'a>(&self, cells: &[&'a str]) -> Result<(&'a str, Vec<&'a str>, Preferences), String> {
        let Some(columns) = &self.columns else {
            let (email, components) = cells.split_first().map_or(("", [].as_slice()), |(email, rest)| (*email, rest));
            return Ok((email, components.to_vec(), Preferences::default()));
        };
        let cell = |name: &str| columns.get(name).and_then(|index| cells.get(*index)).copied().unwrap_or_default();
        if !matches!(cell("state"), "" | "active") {
            return Err("they were not subscribed when this list was made".to_owned());
        }
        let locale = match cell("language") {
            "" => Locale::default(),
            word => word.parse().map_err(|_| format!("there is no language “{word}”"))?,
        };
        let zone = match cell("time_zone") {
            "" => None,
            name => Some(name.parse().map_err(|error: UnknownZone| format!("{name}: {error}"))?),
        };
        Ok((cell("email"), cell("components").split(';').map(str::trim).collect(), Preferences { locale, zone }))
    }
}

/// What a record asks for; nothing for a heading and empty lines.
pub(crate) fn row(
    record: Result<csv::ByteRecord, csv::Error>,
    index: usize,
    layout: &Layout,
    components: &BTreeMap<String, Option<ComponentId>>,
) -> Result<Option<ImportRow>, String> {
    let record = record.map_err(|error| error.to_string())?;
    let cells: Result<Vec<_>, _> = record.iter().map(std::str::from_utf8).collect();
    let cells = cells.map_err(|_| "it is not UTF-8".to_owned())?;
    // Spreadsheets mark UTF-8 with three bytes in front.
    let first = cells.first().map_or("", |cell| cell.trim_start_matches('\u{feff}'));
    let is_heading = first.eq_ignore_ascii_case("email") || layout.columns.is_some();
    if index == 0 && is_heading || cells.iter().all(|cell| cell.is_empty()) {
        return Ok(None);
    }
    let (email, names, preferences) = layout.read(&cells)?;
    let email: EmailAddress =
        email.trim_start_matches('\u{feff}').parse().map_err(|error: EmailAddressError| error.to_string())?;
    let mut follows = Follows::default();
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        match components.get(&name.to_lowercase()) {
            Some(Some(id)) => follows.components.insert(id.clone()),
            Some(None) => {
                return Err(format!("several components are called “{name}”: write “Group - Name” or the id"));
            }
            None => return Err(format!("there is no component “{name}”")),
        };
    }
    follows.everything = follows.components.is_empty();
    Ok(Some(ImportRow { email, follows, preferences }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, index: usize) -> Result<Option<ImportRow>, String> {
        let api = ComponentId::from_random(1);
        let components = [("api".to_owned(), Some(api)), ("twice".to_owned(), None)].into();
        row(records(text.as_bytes()).remove(0), index, &Layout::default(), &components)
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
    fn a_heading_with_names_says_what_stands_where() {
        let api = ComponentId::from_random(1);
        let components = [("api".to_owned(), Some(api.clone()))].into();
        let layout = Layout::of("\u{feff}State,email,time_zone,components,language".as_bytes());
        let read = |line: &str| row(records(line.as_bytes()).remove(0), 1, &layout, &components);
        let person = read("active,a@example.com,Asia/Taipei,\"API; \",de").unwrap().unwrap();
        assert_eq!(person.follows.components, [api].into());
        assert_eq!(person.preferences, Preferences { locale: Locale::German, zone: "Asia/Taipei".parse().ok() });
        assert!(read(",b@example.com").unwrap().unwrap().follows.everything);
        for (line, reason) in [
            ("unsubscribed,a@example.com", "not subscribed"),
            ("active,a@example.com,Mars/Base", "Mars/Base"),
            ("active,a@example.com,,,tlh", "tlh"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
        assert_eq!(Layout::of(b"email,component"), Layout::default());
        assert_eq!(Layout::of(b"a@example.com"), Layout::default());
    }

    #[test]
    fn a_bad_line_says_why() {
        for (line, reason) in [("nobody", "@"), ("a@example.com,Gone", "Gone"), ("a@example.com,twice", "several")] {
            let error = read(line, 1).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
