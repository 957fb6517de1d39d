//! Components and groups with all that is kept of them, for the public API and imports; pages need less
//! (see [`super::components`]).

use domain::{
    component::{Component, Group},
    ids::GroupId,
};
use jiff::{Timestamp, civil::Date};
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, components::ComponentRow, instant, millis, parse};

/// Everything that is kept of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentRecord {
    /// What pages show.
    pub component: Component,
    /// Statuspage: whether its uptime is shown.
    pub showcase: bool,
    /// Statuspage: since when its uptime is counted.
    pub start_date: Option<Date>,
    /// Statuspage: whether it is left out while all is well.
    pub only_show_if_degraded: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// When it was taken off the page; the past still speaks of it.
    pub deleted_at: Option<Timestamp>,
}

/// Everything that is kept of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// What pages show.
    pub group: Group,
    /// A line about it; may be empty.
    pub description: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
}

#[derive(FromRow)]
struct RecordRow {
    #[sqlx(flatten)]
    component: ComponentRow,
    showcase: i64,
    start_date: Option<String>,
    only_show_if_degraded: i64,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
}

impl TryFrom<RecordRow> for ComponentRecord {
    type Error = StoreError;

    fn try_from(row: RecordRow) -> Result<Self> {
        Ok(Self {
            component: row.component.try_into()?,
            showcase: row.showcase == 1,
            start_date: row.start_date.map(|date| parse("components", &date)).transpose()?,
            only_show_if_degraded: row.only_show_if_degraded == 1,
            created_at: instant("components", row.created_at)?,
            updated_at: instant("components", row.updated_at)?,
            deleted_at: row.deleted_at.map(|at| instant("components", at)).transpose()?,
        })
    }
}

#[derive(FromRow)]
struct GroupRow {
    id: String,
    name: String,
    description: String,
    position: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<GroupRow> for GroupRecord {
    type Error = StoreError;

    fn try_from(row: GroupRow) -> Result<Self> {
        Ok(Self {
            group: Group { id: parse("component_groups", &row.id)?, name: row.name, position: row.position },
            description: row.description,
            created_at: instant("component_groups", row.created_at)?,
            updated_at: instant("component_groups", row.updated_at)?,
        })
    }
}

impl Store {
    /// All components, also those that were deleted, by position, then name.
    pub async fn component_records(&self) -> Result<Vec<ComponentRecord>> {
        let rows: Vec<RecordRow> = sqlx::query_as(
            "select id, group_id, name, description, status, position, showcase, start_date, only_show_if_degraded,
                    created_at, updated_at, deleted_at
             from components order by position, name, id",
        )
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(ComponentRecord::try_from).collect()
    }

    /// All groups, by position, then name.
    pub async fn group_records(&self) -> Result<Vec<GroupRecord>> {
        let rows: Vec<GroupRow> = sqlx::query_as(
            "select id, name, description, position, created_at, updated_at from component_groups
             order by position, name, id",
        )
        .fetch_all(self.read())
        .await?;
        rows.into_iter().map(GroupRecord::try_from).collect()
    }
}

impl Write {
    /// Creates a component or makes it what the record says. Its group must exist.
    pub async fn put_component_record(&mut self, record: &ComponentRecord) -> Result<()> {
        let component = &record.component;
        sqlx::query(
            "insert into components (id, group_id, name, description, status, position, showcase, start_date,
                                     only_show_if_degraded, created_at, updated_at, deleted_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             on conflict (id) do update
             set group_id = excluded.group_id, name = excluded.name, description = excluded.description,
                 status = excluded.status, position = excluded.position, showcase = excluded.showcase,
                 start_date = excluded.start_date, only_show_if_degraded = excluded.only_show_if_degraded,
                 created_at = excluded.created_at, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at",
        )
        .bind(component.id.as_str())
        .bind(component.group.as_ref().map(GroupId::as_str))
        .bind(&component.name)
        .bind(&component.description)
        .bind(component.status.as_str())
        .bind(component.position)
        .bind(i64::from(record.showcase))
        .bind(record.start_date.map(|date| date.to_string()))
        .bind(i64::from(record.only_show_if_degraded))
        .bind(millis(record.created_at))
        .bind(millis(record.updated_at))
        .bind(record.deleted_at.map(millis))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Creates a group or makes it what the record says.
    pub async fn put_group_record(&mut self, record: &GroupRecord) -> Result<()> {
        sqlx::query(
            "insert into component_groups (id, name, description, position, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (id) do update
             set name = excluded.name, description = excluded.description, position = excluded.position,
                 created_at = excluded.created_at, updated_at = excluded.updated_at",
        )
        .bind(record.group.id.as_str())
        .bind(&record.group.name)
        .bind(&record.description)
        .bind(record.group.position)
        .bind(millis(record.created_at))
        .bind(millis(record.updated_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
