//! Templates for incidents and updates.

use domain::{ids::TemplateId, status::IncidentStatus, template::Template};
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, millis, parse};

const TABLE: &str = "templates";

#[derive(FromRow)]
struct TemplateRow {
    id: String,
    name: String,
    title: String,
    status: Option<String>,
    body: String,
    components: String,
}

impl TryFrom<TemplateRow> for Template {
    type Error = StoreError;

    fn try_from(row: TemplateRow) -> Result<Self> {
        Ok(Self {
            id: parse(TABLE, &row.id)?,
            name: row.name,
            title: row.title,
            status: row.status.map(|status| parse(TABLE, &status)).transpose()?,
            body: row.body,
            components: serde_json::from_str(&row.components)
                .map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?,
        })
    }
}

impl Store {
    /// All templates by name.
    pub async fn templates(&self) -> Result<Vec<Template>> {
        let rows: Vec<TemplateRow> =
            sqlx::query_as("select id, name, title, status, body, components from templates order by name, id")
                .fetch_all(self.read())
                .await?;
        rows.into_iter().map(Template::try_from).collect()
    }

    /// One template.
    pub async fn template(&self, id: &TemplateId) -> Result<Option<Template>> {
        let row: Option<TemplateRow> =
            sqlx::query_as("select id, name, title, status, body, components from templates where id = $1")
                .bind(id.as_str())
                .fetch_optional(self.read())
                .await?;
        row.map(Template::try_from).transpose()
    }
}

impl Write {
    /// Adds a template, or changes the one with its id. `false`: another one has this name; nothing was written.
    pub async fn put_template(&mut self, template: &Template, now: Timestamp) -> Result<bool> {
        let (taken,): (i64,) = sqlx::query_as("select count(*) from templates where name = $1 and id <> $2")
            .bind(&template.name)
            .bind(template.id.as_str())
            .fetch_one(self.connection())
            .await?;
        if taken > 0 {
            return Ok(false);
        }
        let components = serde_json::to_string(&template.components)
            .map_err(|error| StoreError::Corrupt(TABLE, error.to_string()))?;
        sqlx::query(
            "insert into templates (id, name, title, status, body, components, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $7)
             on conflict (id) do update set name = excluded.name, title = excluded.title, status = excluded.status,
                                            body = excluded.body, components = excluded.components,
                                            updated_at = excluded.updated_at",
        )
        .bind(template.id.as_str())
        .bind(&template.name)
        .bind(&template.title)
        .bind(template.status.map(IncidentStatus::as_str))
        .bind(&template.body)
        .bind(components)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(true)
    }

    /// Removes a template; `false` when there was none.
    pub async fn delete_template(&mut self, id: &TemplateId) -> Result<bool> {
        let deleted =
            sqlx::query("delete from templates where id = $1").bind(id.as_str()).execute(self.connection()).await?;
        Ok(deleted.rows_affected() == 1)
    }
}
