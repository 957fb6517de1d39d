//! Components and their groups.
//!
//! A deleted component is in no list any more, but its row stays: updates and audiences of the past refer to it.

use domain::{
    component::{Component, Group},
    ids::{ComponentId, GroupId},
    status::ComponentStatus,
};
use jiff::Timestamp;
use sqlx::{AnyExecutor, FromRow};

use super::{Result, Store, StoreError, Write, millis, parse};

#[derive(FromRow)]
struct GroupRow {
    id: String,
    name: String,
    position: i64,
}

impl TryFrom<GroupRow> for Group {
    type Error = StoreError;

    fn try_from(row: GroupRow) -> Result<Self> {
        Ok(Self { id: parse("component_groups", &row.id)?, name: row.name, position: row.position })
    }
}

#[derive(FromRow)]
pub(super) struct ComponentRow {
    id: String,
    group_id: Option<String>,
    name: String,
    description: String,
    status: String,
    position: i64,
}

impl TryFrom<ComponentRow> for Component {
    type Error = StoreError;

    fn try_from(row: ComponentRow) -> Result<Self> {
        Ok(Self {
            id: parse("components", &row.id)?,
            name: row.name,
            description: row.description,
            status: parse("components", &row.status)?,
            group: row.group_id.map(|id| parse("components", &id)).transpose()?,
            position: row.position,
        })
    }
}

impl Store {
    /// All groups, by position, then name.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        groups(self.read()).await
    }

    /// All components that were not deleted, by position, then name.
    pub async fn components(&self) -> Result<Vec<Component>> {
        components(self.read()).await
    }
}

impl Write {
    /// As [`Store::groups`], seeing what this transaction did.
    pub async fn groups(&mut self) -> Result<Vec<Group>> {
        groups(self.connection()).await
    }

    /// As [`Store::components`], seeing what this transaction did.
    pub async fn components(&mut self) -> Result<Vec<Component>> {
        components(self.connection()).await
    }

    /// Creates a group or changes it.
    pub async fn put_group(&mut self, group: &Group, now: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into component_groups (id, name, position, created_at, updated_at) values ($1, $2, $3, $4, $4)
             on conflict (id) do update
             set name = excluded.name, position = excluded.position, updated_at = excluded.updated_at",
        )
        .bind(group.id.as_str())
        .bind(&group.name)
        .bind(group.position)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Deletes a group; its components have none then.
    pub async fn delete_group(&mut self, id: &GroupId) -> Result<()> {
        sqlx::query("delete from component_groups where id = $1").bind(id.as_str()).execute(self.connection()).await?;
        Ok(())
    }

    /// Creates a component or changes it. Its group must exist.
    pub async fn put_component(&mut self, component: &Component, now: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into components (id, group_id, name, description, status, position, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $7)
             on conflict (id) do update
             set group_id = excluded.group_id, name = excluded.name, description = excluded.description,
                 status = excluded.status, position = excluded.position, updated_at = excluded.updated_at",
        )
        .bind(component.id.as_str())
        .bind(component.group.as_ref().map(GroupId::as_str))
        .bind(&component.name)
        .bind(&component.description)
        .bind(component.status.as_str())
        .bind(component.position)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a component off the page. What past incidents say of it stays; see [`Write::delete_follows_of_deleted`].
    pub async fn delete_component(&mut self, id: &ComponentId, now: Timestamp) -> Result<()> {
        sqlx::query("update components set deleted_at = $2, updated_at = $2 where id = $1 and deleted_at is null")
            .bind(id.as_str())
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets who followed deleted components, at most `limit` at once; says how many. A component may have a million
    /// followers, and whoever deletes it should hold nobody up.
    pub async fn delete_follows_of_deleted(&mut self, limit: i64) -> Result<u64> {
        let deleted = sqlx::query(
            "delete from subscriber_components where (component_id, subscriber_id) in
             (select s.component_id, s.subscriber_id from components c
              join subscriber_components s on s.component_id = c.id where c.deleted_at is not null limit $1)",
        );
        Ok(deleted.bind(limit).execute(self.connection()).await?.rows_affected())
    }

    /// Says how a component fares now.
    pub async fn set_component_status(
        &mut self,
        id: &ComponentId,
        status: ComponentStatus,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query("update components set status = $2, updated_at = $3 where id = $1")
            .bind(id.as_str())
            .bind(status.as_str())
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

async fn groups(executor: impl AnyExecutor<'_>) -> Result<Vec<Group>> {
    let rows: Vec<GroupRow> =
        sqlx::query_as("select id, name, position from component_groups order by position, name, id")
            .fetch_all(executor)
            .await?;
    rows.into_iter().map(Group::try_from).collect()
}

async fn components(executor: impl AnyExecutor<'_>) -> Result<Vec<Component>> {
    let rows: Vec<ComponentRow> = sqlx::query_as(
        "select id, group_id, name, description, status, position from components
         where deleted_at is null order by position, name, id",
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(Component::try_from).collect()
}
