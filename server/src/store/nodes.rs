//! Nodes: the processes that send. A delivery is leased to a node **and** its epoch, so that one that was thought dead
//! and comes back can change nothing any more.

use jiff::Timestamp;

use super::{Engine, Result, Store, Write, instant, millis};

/// A process that sends, in one of its lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Stays the same over restarts.
    pub id: String,
    /// Grows with each start, and when another node takes over.
    pub epoch: i64,
}

/// The last that was heard of a node. Equal to a later one when it has been silent in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whose.
    pub node: Node,
    /// By that node's clock, which may be wrong: to be compared with another of the same node, and with nothing else.
    at: i64,
}

impl Store {
    /// The time by the one clock that all nodes can see. `None` where only one process writes.
    pub async fn shared_time(&self) -> Result<Option<Timestamp>> {
        if self.engine() == Engine::Sqlite {
            return Ok(None);
        }
        let millis: i64 =
            sqlx::query_scalar("select cast(floor(extract(epoch from clock_timestamp()) * 1000) as bigint)")
                .fetch_one(self.read())
                .await?;
        Ok(Some(instant("the clock", millis)?))
    }

    /// The last that was heard of each node that holds leases or may.
    pub async fn heartbeats(&self) -> Result<Vec<Heartbeat>> {
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as("select id, epoch, heartbeat_at from nodes where heartbeat_at > 0 order by id")
                .fetch_all(self.read())
                .await?;
        Ok(rows.into_iter().map(|(id, epoch, at)| Heartbeat { node: Node { id, epoch }, at }).collect())
    }
}

impl Write {
    /// Begins a new life of a node and gives back what its former ones had leased; the second value says how many.
    pub async fn start_epoch(&mut self, id: &str, now: Timestamp) -> Result<(Node, u64)> {
        let (epoch,): (i64,) = sqlx::query_as(
            "insert into nodes (id, epoch, heartbeat_at) values ($1, 1, $2) \
             on conflict (id) do update set epoch = nodes.epoch + 1, heartbeat_at = excluded.heartbeat_at returning epoch",
        )
        .bind(id)
        .bind(millis(now))
        .fetch_one(self.connection())
        .await?;
        let node = Node { id: id.to_owned(), epoch };
        let returned = self.release_before(&node, now).await?;
        Ok((node, returned))
    }

    /// Says that a node is alive, and that this is still its life: false means fenced, nothing may be written or sent.
    pub async fn heartbeat(&mut self, node: &Node, now: Timestamp) -> Result<bool> {
        let rows = sqlx::query("update nodes set heartbeat_at = $3 where id = $1 and epoch = $2")
            .bind(&node.id)
            .bind(node.epoch)
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(rows.rows_affected() == 1)
    }

    /// The same where many transactions of one node go on side by side: at most once a second one of them writes, the others
    /// only make sure that nobody ends this life before they end.
    ///
    /// Every transaction that leases or settles begins with it.
    pub async fn is_alive(&mut self, node: &Node, now: Timestamp) -> Result<bool> {
        let told = sqlx::query(
            "update nodes set heartbeat_at = $3 where id = $1 and epoch = $2 and heartbeat_at not between $3 - 999 and $3",
        )
        .bind(&node.id)
        .bind(node.epoch)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        if told.rows_affected() == 1 {
            return Ok(true);
        }
        let query = self.pick(
            "select epoch from nodes where id = $1 and epoch = $2",
            "select epoch from nodes where id = $1 and epoch = $2 for share",
        );
        let found: Option<(i64,)> =
            sqlx::query_as(query).bind(&node.id).bind(node.epoch).fetch_optional(self.connection()).await?;
        Ok(found.is_some())
    }

    /// Ends the life of a silent node, unless it was heard of or taken over meanwhile, and gives back what it had leased.
    pub async fn take_over(&mut self, silent: &Heartbeat, now: Timestamp) -> Result<Option<u64>> {
        let Heartbeat { node, at } = silent;
        let ended = sqlx::query(
            "update nodes set epoch = epoch + 1, heartbeat_at = 0 where id = $1 and epoch = $2 and heartbeat_at = $3",
        )
        .bind(&node.id)
        .bind(node.epoch)
        .bind(at)
        .execute(self.connection())
        .await?;
        if ended.rows_affected() == 0 {
            return Ok(None);
        }
        let next = Node { id: node.id.clone(), epoch: node.epoch + 1 };
        Ok(Some(self.release_before(&next, now).await?))
    }

    /// Ends the life of a node that stops in good order, and gives back what it had leased and not begun.
    pub async fn leave(&mut self, node: &Node, now: Timestamp) -> Result<()> {
        let ended = sqlx::query("update nodes set epoch = epoch + 1, heartbeat_at = 0 where id = $1 and epoch = $2")
            .bind(&node.id)
            .bind(node.epoch)
            .execute(self.connection())
            .await?;
        if ended.rows_affected() == 1 {
            self.release_before(&Node { id: node.id.clone(), epoch: node.epoch + 1 }, now).await?;
        }
        Ok(())
    }

    /// Returns to the queue what earlier lives of a node had leased. Due at once: they had their turn.
    async fn release_before(&mut self, node: &Node, now: Timestamp) -> Result<u64> {
        let rows = sqlx::query(
            "update deliveries set state = 'waiting', node = null, epoch = null, updated_at = $3 \
             where state = 'leased' and node = $1 and epoch < $2",
        )
        .bind(&node.id)
        .bind(node.epoch)
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(rows.rows_affected())
    }
}
