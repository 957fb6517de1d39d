//! How fast mails of broadcasts leave, as each node measures it.

use domain::{rate::Rate, speed::Speed};
use jiff::{SignedDuration, Timestamp};

use super::{Result, Store, Write, millis};

/// Whoever noted nothing for so long when another did sends nothing. While nobody does, what was noted last stands.
const SILENT: i64 = 60_000;

impl Store {
    /// How fast the nodes that send do so, all together; none before anybody could tell.
    pub async fn mail_speed(&self) -> Result<Option<Rate>> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "select mails, millis from mail_speeds \
             where noted_at > (select max(noted_at) from mail_speeds) - $1 order by node",
        )
        .bind(SILENT)
        .fetch_all(self.read())
        .await?;
        let rate = |(mails, millis): (i64, i64)| {
            Speed { mails: mails.unsigned_abs(), time: SignedDuration::from_millis(millis) }.rate()
        };
        Ok(rows.into_iter().filter_map(rate).reduce(Rate::and))
    }
}

impl Write {
    /// Notes how fast a node is.
    pub async fn note_mail_speed(&mut self, node: &str, speed: Speed, now: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into mail_speeds (node, mails, millis, noted_at) values ($1, $2, $3, $4) \
             on conflict (node) do update set mails = excluded.mails, millis = excluded.millis, noted_at = excluded.noted_at",
        )
        .bind(node)
        .bind(i64::try_from(speed.mails).unwrap_or(i64::MAX))
        .bind(i64::try_from(speed.time.as_millis()).unwrap_or(i64::MAX))
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
