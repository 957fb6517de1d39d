//! Postmortems and their follow-up actions.

use domain::{
    ids::IncidentId,
    postmortem::{Figures, FollowUp, Listed, Postmortem, Published},
};
use jiff::Timestamp;
use sqlx::{AnyConnection, FromRow};

use super::{Result, Store, StoreError, Write, instant, millis, parse};

const TABLE: &str = "postmortems";

#[derive(FromRow)]
struct PostmortemRow {
    incident_id: String,
    author: String,
    body: String,
    started_at: i64,
    detected_at: i64,
    mitigated_at: Option<i64>,
    resolved_at: i64,
    version: i64,
    preview: i64,
    created_at: i64,
    updated_at: i64,
    update_id: Option<String>,
    published_at: Option<i64>,
    edited_at: Option<i64>,
}

#[derive(FromRow)]
struct FollowUpRow {
    id: String,
    text: String,
    link: String,
    due: Option<String>,
    done_at: Option<i64>,
}

#[derive(FromRow)]
struct ListedRow {
    id: String,
    name: String,
    resolved_at: i64,
    updated_at: Option<i64>,
    published_at: Option<i64>,
}

#[derive(FromRow)]
struct OpenRow {
    incident_id: String,
    incident_name: String,
    #[sqlx(flatten)]
    follow_up: FollowUpRow,
}

fn maybe(at: Option<i64>) -> Result<Option<Timestamp>> {
    at.map(|at| instant(TABLE, at)).transpose()
}

impl PostmortemRow {
    fn with(self, follow_ups: Vec<FollowUp>) -> Result<Postmortem> {
        let published = match (maybe(self.published_at)?, &self.update_id) {
            (Some(at), Some(update)) => Some(Published { at, update: parse(TABLE, update)? }),
            _ => None,
        };
        Ok(Postmortem {
            incident: parse(TABLE, &self.incident_id)?,
            author: self.author,
            body: self.body,
            figures: Figures {
                started_at: instant(TABLE, self.started_at)?,
                detected_at: instant(TABLE, self.detected_at)?,
                mitigated_at: maybe(self.mitigated_at)?,
                resolved_at: instant(TABLE, self.resolved_at)?,
            },
            follow_ups,
            version: self.version,
            preview: self.preview,
            created_at: instant(TABLE, self.created_at)?,
            updated_at: instant(TABLE, self.updated_at)?,
            published,
            edited_at: maybe(self.edited_at)?,
        })
    }
}

impl TryFrom<FollowUpRow> for FollowUp {
    type Error = StoreError;

    fn try_from(row: FollowUpRow) -> Result<Self> {
        let unreadable = |error: jiff::Error| StoreError::Corrupt("follow_ups", error.to_string());
        Ok(Self {
            id: parse("follow_ups", &row.id)?,
            text: row.text,
            link: row.link,
            due: row.due.map(|due| due.parse().map_err(unreadable)).transpose()?,
            done_at: maybe(row.done_at)?,
        })
    }
}

impl TryFrom<ListedRow> for Listed {
    type Error = StoreError;

    fn try_from(row: ListedRow) -> Result<Self> {
        Ok(Self {
            incident: parse("incidents", &row.id)?,
            name: row.name,
            resolved_at: instant("incidents", row.resolved_at)?,
            updated_at: maybe(row.updated_at)?,
            published_at: maybe(row.published_at)?,
        })
    }
}

impl Store {
    /// The postmortem of an incident, draft or published.
    pub async fn postmortem(&self, incident: &IncidentId) -> Result<Option<Postmortem>> {
        let mut snapshot = self.snapshot().await?;
        let found = read(&mut snapshot, incident).await?;
        snapshot.commit().await?;
        Ok(found)
    }

    /// The `limit` incidents that are over and ended last, newest first, without removed ones, each with how far its postmortem is.
    pub async fn listed_postmortems(&self, limit: i64) -> Result<Vec<Listed>> {
        let rows: Vec<ListedRow> = sqlx::query_as(
            "select i.id, i.name, i.resolved_at, p.updated_at, p.published_at
             from incidents i left join postmortems p on p.incident_id = i.id
             where i.resolved_at is not null
                 and i.id in (select incident_id from incident_updates where removed_at is null)
             order by i.resolved_at desc, i.id limit $1",
        )
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(Listed::try_from).collect()
    }

    /// The `limit` follow-up actions that are not done, soonest due first, each with its incident's id and name.
    pub async fn open_follow_ups(&self, limit: i64) -> Result<Vec<(IncidentId, String, FollowUp)>> {
        let rows: Vec<OpenRow> = sqlx::query_as(
            "select f.incident_id, i.name as incident_name, f.id, f.text, f.link, f.due, f.done_at
             from follow_ups f join incidents i on i.id = f.incident_id where f.done_at is null
             order by coalesce(f.due, '9999-12-31'), i.resolved_at, f.incident_id, f.position limit $1",
        )
        .bind(limit)
        .fetch_all(self.read())
        .await?;
        rows.into_iter()
            .map(|row| Ok((parse("follow_ups", &row.incident_id)?, row.incident_name, row.follow_up.try_into()?)))
            .collect()
    }
}

impl Write {
    /// As [`Store::postmortem`]. Nobody changes it before this transaction ends if [`Write::incident`] was asked first.
    pub async fn postmortem(&mut self, incident: &IncidentId) -> Result<Option<Postmortem>> {
        read(self.connection(), incident).await
    }

    /// Keeps a postmortem with its follow-up actions in place of what was kept.
    pub async fn put_postmortem(&mut self, postmortem: &Postmortem) -> Result<()> {
        let (figures, published) = (postmortem.figures, postmortem.published.as_ref());
        sqlx::query(
            "insert into postmortems (incident_id, author, body, started_at, detected_at, mitigated_at, resolved_at, version,
                                      preview, created_at, updated_at, update_id, published_at, edited_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             on conflict (incident_id) do update set author = excluded.author, body = excluded.body,
                 started_at = excluded.started_at, detected_at = excluded.detected_at, mitigated_at = excluded.mitigated_at,
                 resolved_at = excluded.resolved_at, version = excluded.version, preview = excluded.preview,
                 updated_at = excluded.updated_at, update_id = excluded.update_id, published_at = excluded.published_at,
                 edited_at = excluded.edited_at",
        )
        .bind(postmortem.incident.as_str())
        .bind(&postmortem.author)
        .bind(&postmortem.body)
        .bind(millis(figures.started_at))
        .bind(millis(figures.detected_at))
        .bind(figures.mitigated_at.map(millis))
        .bind(millis(figures.resolved_at))
        .bind(postmortem.version)
        .bind(postmortem.preview)
        .bind(millis(postmortem.created_at))
        .bind(millis(postmortem.updated_at))
        .bind(published.map(|published| published.update.as_str()))
        .bind(published.map(|published| millis(published.at)))
        .bind(postmortem.edited_at.map(millis))
        .execute(self.connection())
        .await?;
        sqlx::query("delete from follow_ups where incident_id = $1")
            .bind(postmortem.incident.as_str())
            .execute(self.connection())
            .await?;
        for (position, follow_up) in (0_i64..).zip(&postmortem.follow_ups) {
            sqlx::query(
                "insert into follow_ups (id, incident_id, position, text, link, due, done_at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(follow_up.id.as_str())
            .bind(postmortem.incident.as_str())
            .bind(position)
            .bind(&follow_up.text)
            .bind(&follow_up.link)
            .bind(follow_up.due.map(|due| due.to_string()))
            .bind(follow_up.done_at.map(millis))
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }

    /// Lets the reviewers' link that was made last, if one was, open nothing any more.
    pub async fn renew_preview(&mut self, incident: &IncidentId) -> Result<()> {
        sqlx::query("update postmortems set preview = preview + 1 where incident_id = $1 and preview > 0")
            .bind(incident.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Removes what was written about an incident, with its follow-up actions.
    pub async fn delete_postmortem(&mut self, incident: &IncidentId) -> Result<()> {
        sqlx::query("delete from postmortems where incident_id = $1")
            .bind(incident.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

async fn read(connection: &mut AnyConnection, incident: &IncidentId) -> Result<Option<Postmortem>> {
    let row: Option<PostmortemRow> = sqlx::query_as(
        "select incident_id, author, body, started_at, detected_at, mitigated_at, resolved_at, version, preview, created_at,
                updated_at, update_id, published_at, edited_at
         from postmortems where incident_id = $1",
    )
    .bind(incident.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let follow_ups: Vec<FollowUpRow> =
        sqlx::query_as("select id, text, link, due, done_at from follow_ups where incident_id = $1 order by position")
            .bind(incident.as_str())
            .fetch_all(&mut *connection)
            .await?;
    let follow_ups: Result<Vec<FollowUp>> = follow_ups.into_iter().map(FollowUp::try_from).collect();
    row.with(follow_ups?).map(Some)
}
