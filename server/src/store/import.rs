//! Many subscribers at once, from a list whose people are known to want this.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use domain::{
    email_address::EmailAddress,
    i18n::{Preferences, Zone},
    subscriber::{Follows, SubscriberState},
};
use jiff::Timestamp;
use serde_json::json;
use sqlx::{Executor as _, FromRow};

use super::{Result, Store, Write, millis, parse};

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// Whom.
    pub email: EmailAddress,
    /// What they are to be told of. Its components and incidents must exist.
    pub follows: Follows,
    /// How new people are written to; known ones keep what they chose.
    pub preferences: Preferences,
}

/// What became of the lines; together as many as there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// New people.
    pub created: u64,
    /// Known people who now follow more, or who need not confirm any more.
    pub updated: u64,
    /// Nothing to do, among them an address that was in the list before.
    pub unchanged: u64,
    /// Left before, and stay away.
    pub refused: u64,
}

impl std::ops::AddAssign for ImportCounts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.refused += other.refused;
    }
}

/// So many people a statement.
const AT_ONCE: usize = 500;

const KNOWN_SQLITE: &str = "select id, email_canonical, state, everything from subscribers
     where email_canonical in (select value from json_each($1)) order by id";
const KNOWN_POSTGRES: &str = "select id, email_canonical, state, everything from subscribers
     where email_canonical in (select value from jsonb_array_elements_text(cast($1 as jsonb))) order by id";

#[derive(FromRow)]
struct KnownRow {
    id: i64,
    email_canonical: String,
    state: String,
    everything: i64,
}

/// A person of the list, and what is known of them.
struct Person {
    email: EmailAddress,
    follows: Follows,
    preferences: Preferences,
    known: Option<KnownRow>,
}

impl Store {
    /// What [`Write::import_subscribers`] would do with these rows, no two of which may be of one person.
    pub async fn preview_import(&self, rows: &[ImportRow]) -> Result<ImportCounts> {
        let mut counts = ImportCounts::default();
        for rows in rows.chunks(AT_ONCE) {
            let mut wanted: BTreeMap<String, &ImportRow> =
                rows.iter().map(|row| (row.email.canonical(), row)).collect();
            let mut snapshot = self.snapshot().await?;
            let known: Vec<KnownRow> = sqlx::query_as(self.engine.pick(KNOWN_SQLITE, KNOWN_POSTGRES))
                .bind(json!(wanted.keys().collect::<Vec<_>>()).to_string())
                .fetch_all(&mut *snapshot)
                .await?;
            let follows = self.engine.pick(
                "select subscriber_id, component_id from subscriber_components
                 where subscriber_id in (select value from json_each($1))",
                "select subscriber_id, component_id from subscriber_components
                 where subscriber_id in (select cast(value as bigint) from jsonb_array_elements_text(cast($1 as jsonb)))",
            );
            let followed: Vec<(i64, String)> = sqlx::query_as(follows)
                .bind(json!(known.iter().map(|known| known.id).collect::<Vec<_>>()).to_string())
                .fetch_all(&mut *snapshot)
                .await?;
            snapshot.commit().await?;
            let followed: BTreeSet<(i64, String)> = followed.into_iter().collect();
            for known in known {
                let Some(row) = wanted.remove(&known.email_canonical) else { continue };
                let follows_more = row.follows.everything && known.everything == 0
                    || row.follows.components.iter().any(|id| !followed.contains(&(known.id, id.to_string())));
                match parse("subscribers", &known.state)? {
                    SubscriberState::Unsubscribed => counts.refused += 1,
                    SubscriberState::Pending => counts.updated += 1,
                    SubscriberState::Active if follows_more => counts.updated += 1,
                    SubscriberState::Active => counts.unchanged += 1,
                }
            }
            counts.created += u64::try_from(wanted.len()).unwrap_or(u64::MAX);
        }
        Ok(counts)
    }
}

impl Write {
    /// After a large import, lets the database look at what there is now, so that it finds people by index at once rather
    /// than when it next counts by itself.
    pub async fn count_anew(&mut self) -> Result<()> {
        for statement in ["analyze subscribers", "analyze subscriber_components", "analyze subscriber_incidents"] {
            self.connection().execute(statement).await?;
        }
        Ok(())
    }

    /// Makes everyone in `rows` an active subscriber who follows at least what their row says. Doing it again changes
    /// nothing. Whoever left before is left alone.
    ///
    /// Nobody else can subscribe until this transaction ends: import a few thousand rows in each.
    pub async fn import_subscribers(
        &mut self,
        rows: &[ImportRow],
        consent: &str,
        now: Timestamp,
    ) -> Result<ImportCounts> {
        let mut counts = ImportCounts::default();
        for rows in rows.chunks(AT_ONCE) {
            counts += self.import_some(rows, consent, now).await?;
        }
        Ok(counts)
    }

    async fn import_some(&mut self, rows: &[ImportRow], consent: &str, now: Timestamp) -> Result<ImportCounts> {
        let mut counts = ImportCounts::default();
        let mut people: BTreeMap<String, Person> = BTreeMap::new();
        for row in rows {
            match people.entry(row.email.canonical()) {
                Entry::Vacant(place) => {
                    place.insert(Person {
                        email: row.email.clone(),
                        follows: row.follows.clone(),
                        preferences: row.preferences.clone(),
                        known: None,
                    });
                }
                Entry::Occupied(mut place) => {
                    counts.unchanged += 1;
                    let person = place.get_mut();
                    person.follows = std::mem::take(&mut person.follows).and(row.follows.clone());
                }
            }
        }
        // Holding the counter, nobody can add one of these addresses between looking and adding.
        self.last_subscriber_id().await?;
        for known in self.known_among(people.keys()).await? {
            if let Some(person) = people.get_mut(&known.email_canonical) {
                person.known = Some(known);
            }
        }

        let unknown = people.values().filter(|person| person.known.is_none()).count();
        let mut next = self.reserve_subscriber_ids(i64::try_from(unknown).unwrap_or(i64::MAX)).await?.0;
        let (mut new, mut confirmed, mut everything) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let (mut components, mut incidents) = (Vec::new(), Vec::new());
        let mut old = BTreeSet::new();
        for (canonical, person) in &people {
            let id = if let Some(known) = &person.known {
                match parse("subscribers", &known.state)? {
                    SubscriberState::Unsubscribed => {
                        counts.refused += 1;
                        continue;
                    }
                    SubscriberState::Pending => confirmed.insert(known.id),
                    SubscriberState::Active => false,
                };
                if person.follows.everything && known.everything == 0 {
                    everything.insert(known.id);
                }
                old.insert(known.id);
                known.id
            } else {
                let id = next;
                next += 1;
                let Preferences { locale, zone } = &person.preferences;
                new.push(json!([
                    id,
                    person.email.as_str(),
                    canonical,
                    i64::from(person.follows.everything),
                    locale.as_str(),
                    zone.as_ref().map(Zone::as_str),
                ]));
                id
            };
            components.extend(person.follows.components.iter().map(|component| json!([component, id])));
            incidents.extend(person.follows.incidents.iter().map(|incident| json!([incident, id])));
        }
        counts.created = u64::try_from(new.len()).unwrap_or(u64::MAX);

        self.insert_new(json!(new).to_string(), consent, now).await?;
        self.confirm(&confirmed, consent, now).await?;
        let mut changed: BTreeSet<i64> = &confirmed | &everything;
        changed.extend(self.follow_components(json!(components).to_string()).await?);
        changed.extend(self.follow_incidents(json!(incidents).to_string()).await?);
        let changed = &changed & &old;
        self.follow_everything(&everything, &changed, now).await?;
        counts.updated = u64::try_from(changed.len()).unwrap_or(u64::MAX);
        counts.unchanged += u64::try_from(old.len() - changed.len()).unwrap_or(u64::MAX);
        Ok(counts)
    }

    async fn known_among(&mut self, canonical: impl Iterator<Item = &String>) -> Result<Vec<KnownRow>> {
        let text = self.pick(
            KNOWN_SQLITE,
            "select id, email_canonical, state, everything from subscribers
             where email_canonical in (select value from jsonb_array_elements_text(cast($1 as jsonb)))
             order by id for update",
        );
        let canonical: Vec<_> = canonical.collect();
        Ok(sqlx::query_as(text).bind(json!(canonical).to_string()).fetch_all(self.connection()).await?)
    }

    async fn insert_new(&mut self, rows: String, consent: &str, now: Timestamp) -> Result<()> {
        let text = self.pick(
            "insert into subscribers (id, email, email_canonical, state, everything, generation, consent, created_at,
                                      updated_at, confirmed_at, locale, time_zone)
             select value ->> 0, value ->> 1, value ->> 2, 'active', value ->> 3, 1, $2, $3, $3, $3, value ->> 4, value ->> 5
             from json_each($1)",
            "insert into subscribers (id, email, email_canonical, state, everything, generation, consent, created_at,
                                      updated_at, confirmed_at, locale, time_zone)
             select cast(value ->> 0 as bigint), value ->> 1, value ->> 2, 'active', cast(value ->> 3 as bigint), 1,
                    $2, $3, $3, $3, value ->> 4, value ->> 5
             from jsonb_array_elements(cast($1 as jsonb))",
        );
        sqlx::query(text).bind(rows).bind(consent).bind(millis(now)).execute(self.connection()).await?;
        Ok(())
    }

    /// Those who asked and had not followed the link yet need not any more.
    async fn confirm(&mut self, ids: &BTreeSet<i64>, consent: &str, now: Timestamp) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let text = self.pick(
            "update subscribers set state = 'active', owed_since = null, consent = $2, confirmed_at = $3
             where id in (select value from json_each($1))",
            "update subscribers set state = 'active', owed_since = null, consent = $2, confirmed_at = $3
             where id in (select cast(value as bigint) from jsonb_array_elements_text(cast($1 as jsonb)))",
        );
        sqlx::query(text)
            .bind(json!(ids).to_string())
            .bind(consent)
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Those in `ids` follow everything now; those in `changed` follow more than before.
    async fn follow_everything(&mut self, ids: &BTreeSet<i64>, changed: &BTreeSet<i64>, now: Timestamp) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let text = self.pick(
            "update subscribers
             set updated_at = $3,
                 everything = case when id in (select value from json_each($1)) then 1 else everything end
             where id in (select value from json_each($2))",
            "update subscribers
             set updated_at = $3,
                 everything = case when id in (select cast(value as bigint)
                                               from jsonb_array_elements_text(cast($1 as jsonb)))
                                   then 1 else everything end
             where id in (select cast(value as bigint) from jsonb_array_elements_text(cast($2 as jsonb)))",
        );
        sqlx::query(text)
            .bind(json!(ids).to_string())
            .bind(json!(changed).to_string())
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Adds `[[component, subscriber], …]` and says whose list grew.
    async fn follow_components(&mut self, pairs: String) -> Result<Vec<i64>> {
        let text = self.pick(
            "insert into subscriber_components (component_id, subscriber_id)
             select value ->> 0, value ->> 1 from json_each($1) where true
             on conflict (component_id, subscriber_id) do nothing returning subscriber_id",
            "insert into subscriber_components (component_id, subscriber_id)
             select value ->> 0, cast(value ->> 1 as bigint) from jsonb_array_elements(cast($1 as jsonb))
             on conflict (component_id, subscriber_id) do nothing returning subscriber_id",
        );
        Ok(sqlx::query_scalar(text).bind(pairs).fetch_all(self.connection()).await?)
    }

    /// Adds `[[incident, subscriber], …]` and says whose list grew.
    async fn follow_incidents(&mut self, pairs: String) -> Result<Vec<i64>> {
        let text = self.pick(
            "insert into subscriber_incidents (incident_id, subscriber_id)
             select value ->> 0, value ->> 1 from json_each($1) where true
             on conflict (incident_id, subscriber_id) do nothing returning subscriber_id",
            "insert into subscriber_incidents (incident_id, subscriber_id)
             select value ->> 0, cast(value ->> 1 as bigint) from jsonb_array_elements(cast($1 as jsonb))
             on conflict (incident_id, subscriber_id) do nothing returning subscriber_id",
        );
        Ok(sqlx::query_scalar(text).bind(pairs).fetch_all(self.connection()).await?)
    }
}
