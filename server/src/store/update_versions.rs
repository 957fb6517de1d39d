//! What published updates said before they were edited, and what removing leaves of them.

use std::collections::BTreeMap;

use domain::{
    ids::{IncidentId, UpdateId},
    incident::Update,
};
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, instant, millis, parse};

/// A text that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateVersion {
    /// The update that said it.
    pub update: UpdateId,
    /// Counts from one.
    pub version: i64,
    /// Markdown.
    pub body: String,
    /// Who replaced it.
    pub author: String,
    /// When.
    pub replaced_at: Timestamp,
}

#[derive(FromRow)]
struct VersionRow {
    update_id: String,
    version: i64,
    body: String,
    author: String,
    replaced_at: i64,
}

const TABLE: &str = "update_versions";

impl TryFrom<VersionRow> for UpdateVersion {
    type Error = StoreError;

    fn try_from(row: VersionRow) -> Result<Self> {
        Ok(Self {
            update: parse(TABLE, &row.update_id)?,
            version: row.version,
            body: row.body,
            author: row.author,
            replaced_at: instant(TABLE, row.replaced_at)?,
        })
    }
}

impl Store {
    /// All that the updates of an incident said before, the last replaced first.
    pub async fn update_versions(&self, incident: &IncidentId) -> Result<Vec<UpdateVersion>> {
        let rows: Vec<VersionRow> = sqlx::query_as(
            "select update_id, version, body, author, replaced_at from update_versions
             where update_id in (select id from incident_updates where incident_id = $1)
             order by replaced_at desc, update_id, version desc",
        )
        .bind(incident.as_str())
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(UpdateVersion::try_from).collect()
    }

    /// Who wrote each update of an incident, as people know them.
    pub async fn update_authors(&self, incident: &IncidentId) -> Result<BTreeMap<UpdateId, String>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select id, author from incident_updates where incident_id = $1 and author is not null order by id",
        )
        .bind(incident.as_str())
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(|(id, author)| Ok((parse("incident_updates", &id)?, author))).collect()
    }

    /// When an incident was last changed; `None` when it is gone.
    pub async fn incident_changed_at(&self, incident: &IncidentId) -> Result<Option<Timestamp>> {
        let row: Option<(i64,)> = sqlx::query_as("select updated_at from incidents where id = $1")
            .bind(incident.as_str())
            .fetch_optional(self.read())
            .await?;
        row.map(|(at,)| instant("incidents", at)).transpose()
    }

    /// The updates of an incident of which a mail may have reached somebody.
    pub async fn mailed_updates(&self, incident: &IncidentId) -> Result<Vec<UpdateId>> {
        let rows: Vec<(String,)> = sqlx::query_as(MAILED).bind(incident.as_str()).fetch_all(self.read()).await?;
        rows.iter().map(|(id,)| parse("broadcasts", id)).collect()
    }
}

/// A mail that is under way counts: it may arrive.
const MAILED: &str = "select distinct update_id from broadcasts where incident_id = $1 \
                      and (sent + uncertain > 0 or id in (select coalesce(broadcast_id, '') from deliveries \
                                                          where state = 'leased' and node > ''))";

impl Write {
    /// As [`Store::mailed_updates`], inside the transaction.
    pub async fn mailed_updates(&mut self, incident: &IncidentId) -> Result<Vec<UpdateId>> {
        let rows: Vec<(String,)> = sqlx::query_as(MAILED).bind(incident.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(|(id,)| parse("broadcasts", id)).collect()
    }

    /// Notes who wrote an update.
    pub async fn sign_update(&mut self, update: &UpdateId, author: &str) -> Result<()> {
        sqlx::query("update incident_updates set author = $2 where id = $1")
            .bind(update.as_str())
            .bind(author)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// How often an update was edited.
    pub async fn count_versions(&mut self, update: &UpdateId) -> Result<i64> {
        let (count,): (i64,) = sqlx::query_as(
            "select cast(coalesce(max(version), 0) as bigint) from update_versions where update_id = $1",
        )
        .bind(update.as_str())
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Keeps what an update says before it says something else.
    async fn keep_version(&mut self, update: &Update, author: &str, now: Timestamp) -> Result<()> {
        let version = self.count_versions(&update.id).await? + 1;
        sqlx::query(
            "insert into update_versions (update_id, version, body, author, replaced_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(update.id.as_str())
        .bind(version)
        .bind(&update.body)
        .bind(author)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Gives an update another text and keeps the one it has.
    pub async fn edit_update(&mut self, update: &Update, body: &str, author: &str, now: Timestamp) -> Result<()> {
        self.keep_version(update, author, now).await?;
        sqlx::query("update incident_updates set body = $2, edited_at = $3, updated_at = $3 where id = $1")
            .bind(update.id.as_str())
            .bind(body)
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Puts `words` where an update was; what it said is kept for the console.
    pub async fn take_back_update(&mut self, update: &Update, words: &str, author: &str, now: Timestamp) -> Result<()> {
        self.keep_version(update, author, now).await?;
        sqlx::query("delete from update_components where update_id = $1")
            .bind(update.id.as_str())
            .execute(self.connection())
            .await?;
        sqlx::query(
            "update incident_updates set body = $2, next_update_by = null, removed_at = $3, updated_at = $3 where id = $1",
        )
        .bind(update.id.as_str())
        .bind(words)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes an update without a trace. Only for one of which no mail can have reached anybody. The postmortem that it
    /// carried is a draft again.
    pub async fn delete_update(&mut self, update: &UpdateId) -> Result<()> {
        for statement in [
            "delete from deliveries where broadcast_id in (select id from broadcasts where update_id = $1)",
            "delete from sent where broadcast_id in (select id from broadcasts where update_id = $1)",
            "delete from broadcasts where update_id = $1",
            "delete from update_versions where update_id = $1",
            "delete from update_components where update_id = $1",
            "update postmortems set update_id = null, published_at = null, edited_at = null where update_id = $1",
            "delete from incident_updates where id = $1",
        ] {
            sqlx::query(statement).bind(update.as_str()).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Removes an incident whose updates and postmortem are deleted, and the wishes to hear of it.
    pub async fn delete_incident(&mut self, incident: &IncidentId) -> Result<()> {
        for statement in
            ["delete from subscriber_incidents where incident_id = $1", "delete from incidents where id = $1"]
        {
            sqlx::query(statement).bind(incident.as_str()).execute(self.connection()).await?;
        }
        Ok(())
    }
}
