//! Updates by themselves, as feeds list them.

use domain::{
    ids::{ComponentId, IncidentId},
    incident::Update,
};
use sqlx::FromRow;

use super::{Bound, ChangeRow, UpdateRow, by_update};
use crate::store::{Result, Store, parse};

#[derive(FromRow)]
struct NamedUpdateRow {
    incident_name: String,
    #[sqlx(flatten)]
    update: UpdateRow,
}

/// The two queries that read some updates.
struct Selection {
    updates: &'static str,
    changes: &'static str,
}

/// The selection of the newest of the updates for which a condition holds; `$1` is how many.
macro_rules! updates_where {
    ($condition:literal) => {
        Selection {
            updates: concat!(
                "select i.name as incident_name, u.id, u.incident_id, u.status, u.body, u.display_at, u.created_at,
                        u.updated_at, u.next_update_by, u.edited_at, u.removed_at, u.notify
                 from incident_updates u join incidents i on i.id = u.incident_id where ",
                $condition,
                " order by u.display_at desc, u.created_at desc, u.id desc limit $1"
            ),
            changes: concat!(
                "select update_id, component_id, name, old_status, new_status from update_components
                 where update_id in (select u.id from incident_updates u where ",
                $condition,
                " order by u.display_at desc, u.created_at desc, u.id desc limit $1)
                 order by update_id, component_id"
            ),
        }
    };
}

const ALL: Selection = updates_where!("1 = 1");
const OF_COMPONENT: Selection = updates_where!(
    "u.incident_id in (select l.incident_id from incident_updates l
                                     join update_components c on c.update_id = l.id where c.component_id = $2)"
);

impl Store {
    /// The `limit` newest updates of all incidents by `display_at`, each with its incident's id and name.
    pub async fn recent_updates(&self, limit: i64) -> Result<Vec<(IncidentId, String, Update)>> {
        self.updates(ALL, &[Bound::Number(limit)]).await
    }

    /// As [`Store::recent_updates`], only those of incidents that have ever listed a component: whoever follows it reads of
    /// the end as well.
    pub async fn recent_updates_of(&self, id: &ComponentId, limit: i64) -> Result<Vec<(IncidentId, String, Update)>> {
        self.updates(OF_COMPONENT, &[Bound::Number(limit), Bound::Text(id.as_str())]).await
    }

    async fn updates(&self, selection: Selection, bounds: &[Bound<'_>]) -> Result<Vec<(IncidentId, String, Update)>> {
        let mut snapshot = self.snapshot().await?;
        let rows: Vec<NamedUpdateRow> =
            bind_all!(sqlx::query_as(selection.updates), bounds).fetch_all(&mut *snapshot).await?;
        let changes: Vec<ChangeRow> =
            bind_all!(sqlx::query_as(selection.changes), bounds).fetch_all(&mut *snapshot).await?;
        snapshot.commit().await?;
        let mut changes = by_update(changes)?;
        rows.into_iter()
            .map(|row| {
                let incident = parse("incident_updates", &row.update.incident_id)?;
                let components = changes.remove(&row.update.id).unwrap_or_default();
                Ok((incident, row.incident_name, row.update.with(components)?))
            })
            .collect()
    }
}
