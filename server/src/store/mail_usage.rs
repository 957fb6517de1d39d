//! How much all nodes together have sent, in buckets of five minutes per transport and purpose.
//!
//! Booked before anything is sent and given back when it was not, so that a crash costs a few mails of the quota and never
//! breaks it.

use domain::{
    forecast::Usage,
    quota::{Quota, Used, bucket},
    rate::Share,
};
use jiff::Timestamp;

use super::{Result, Store, Write, instant, millis};

const TABLE: &str = "mail_usage";

impl Store {
    /// What was sent over a transport from the bucket `since` on, oldest first.
    pub async fn mail_usage(&self, transport: &str, since: Timestamp) -> Result<Vec<Usage>> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "select bucket, cast(sum(mails) as bigint) from mail_usage where transport = $1 and bucket >= $2 \
             group by bucket order by bucket",
        )
        .bind(transport)
        .bind(millis(since))
        .fetch_all(self.read())
        .await?;
        let usage = |(at, mails): (i64, i64)| {
            Ok(Usage { bucket: instant(TABLE, at)?, mails: u64::try_from(mails).unwrap_or(0) })
        };
        rows.into_iter().map(usage).collect()
    }
}

impl Write {
    /// What a quota has been used of.
    pub async fn used(&mut self, transport: &str, quota: Quota, now: Timestamp) -> Result<Used> {
        let (all, account): (i64, i64) = sqlx::query_as(
            "select cast(coalesce(sum(mails), 0) as bigint), \
             cast(coalesce(sum(case when share = 'account' then mails else 0 end), 0) as bigint) \
             from mail_usage where transport = $1 and bucket >= $2",
        )
        .bind(transport)
        .bind(millis(quota.since(now)))
        .fetch_one(self.connection())
        .await?;
        let count = |mails| u64::try_from(mails).unwrap_or(0);
        Ok(Used { all: count(all), account: count(account) })
    }

    /// Books mails that may be sent now.
    pub async fn book(&mut self, transport: &str, share: Share, mails: u64, now: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into mail_usage (transport, bucket, share, mails) values ($1, $2, $3, $4) \
             on conflict (transport, bucket, share) do update set mails = mail_usage.mails + excluded.mails",
        )
        .bind(transport)
        .bind(millis(bucket(now)))
        .bind(share.key())
        .bind(i64::try_from(mails).unwrap_or(i64::MAX))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Gives back what was booked at `at` and not sent.
    pub async fn give_back(&mut self, transport: &str, share: Share, mails: u64, at: Timestamp) -> Result<()> {
        sqlx::query(
            "update mail_usage set mails = case when mails > $4 then mails - $4 else 0 end \
             where transport = $1 and bucket = $2 and share = $3",
        )
        .bind(transport)
        .bind(millis(bucket(at)))
        .bind(share.key())
        .bind(i64::try_from(mails).unwrap_or(i64::MAX))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes buckets that began before `before`: no quota counts them any more.
    pub async fn delete_old_mail_usage(&mut self, before: Timestamp) -> Result<u64> {
        let rows = sqlx::query("delete from mail_usage where bucket < $1")
            .bind(millis(before))
            .execute(self.connection())
            .await?;
        Ok(rows.rows_affected())
    }
}
