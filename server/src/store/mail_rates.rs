//! How fast all nodes together send: one row per transport and key.

use domain::{
    quota::Quota,
    rate::{self, Grant, Rate, Share},
};
use jiff::Timestamp;

use super::{Result, Write};

/// The most that is booked of a quota at once: what a node that dies leaves booked and unsent.
const BOOKED: u64 = 500;

/// What a provider allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How fast.
    pub rate: Rate,
    /// How much.
    pub quota: Option<Quota>,
}

impl Write {
    /// Takes up to one slice of permits to send over a transport, and at most `most`, for this node alone, and books them.
    ///
    /// The row of the rate stays locked until the transaction ends, so that nodes take one after the other: however many
    /// there are, no more is booked than the quota has left.
    pub async fn take_permits(
        &mut self,
        transport: &str,
        allowance: Allowance,
        share: Share,
        most: u64,
        now: Timestamp,
    ) -> Result<Grant> {
        let Allowance { rate, quota } = allowance;
        let all_rate = Share::All.of(rate);
        let all_at = self.rate_row(transport, Share::All).await?;
        let mut wanted = share.of(rate).slice().min(most);
        if let Some(quota) = quota {
            wanted = wanted.min(BOOKED).min(quota.left(self.used(transport, quota, now).await?, share));
            if wanted == 0 {
                let wait = quota.next_change(now).duration_since(now);
                return Ok(Grant { permits: 0, next_at: all_at, wait });
            }
        }
        let mut grant = rate::take(all_at, now, all_rate, wanted);
        if share != Share::All {
            let part_at = self.rate_row(transport, share).await?;
            let part = rate::take(part_at, now, share.of(rate), grant.permits);
            // Only what both keys give is taken from either.
            let all = rate::take(all_at, now, all_rate, part.permits);
            self.put_rate_row(transport, share, part.next_at).await?;
            grant = Grant { wait: all.wait.max(part.wait), ..all };
        }
        self.put_rate_row(transport, Share::All, grant.next_at).await?;
        if quota.is_some() && grant.permits > 0 {
            self.book(transport, share, grant.permits, now).await?;
        }
        Ok(grant)
    }

    async fn rate_row(&mut self, transport: &str, share: Share) -> Result<i64> {
        sqlx::query("insert into mail_rates (transport, name, next_at) values ($1, $2, 0) on conflict (transport, name) do nothing")
            .bind(transport)
            .bind(share.key())
            .execute(self.connection())
            .await?;
        let query = self.pick(
            "select next_at from mail_rates where transport = $1 and name = $2",
            "select next_at from mail_rates where transport = $1 and name = $2 for update",
        );
        let (next_at,): (i64,) =
            sqlx::query_as(query).bind(transport).bind(share.key()).fetch_one(self.connection()).await?;
        Ok(next_at)
    }

    async fn put_rate_row(&mut self, transport: &str, share: Share, next_at: i64) -> Result<()> {
        sqlx::query("update mail_rates set next_at = $3 where transport = $1 and name = $2")
            .bind(transport)
            .bind(share.key())
            .bind(next_at)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
