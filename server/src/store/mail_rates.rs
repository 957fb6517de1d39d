//! How fast all nodes together send: one row per transport and key.

use domain::rate::{self, Grant, Rate};
use jiff::Timestamp;

use super::{Result, Write};

/// What a permit may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Alerts: up to 95 % of the provider's figure.
    All,
    /// Confirmations and links to sign in: up to 20 % of it, out of the 95 %, so that a flood of sign-ups holds up no
    /// incident mail.
    Account,
    /// Broadcasts: up to 85 % of it, and out of the 95 %, so that the others always find room.
    Bulk,
}

impl Share {
    /// The most it may use of the provider's rate.
    pub fn of(self, rate: Rate) -> Rate {
        match self {
            Self::All => rate.share(95),
            Self::Account => rate.share(20),
            Self::Bulk => rate.share(85),
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Account => "account",
            Self::Bulk => "bulk",
        }
    }
}

impl Write {
    /// Takes up to one slice of permits to send over a transport, for this node alone.
    pub async fn take_permits(&mut self, transport: &str, rate: Rate, share: Share, now: Timestamp) -> Result<Grant> {
        let all_rate = Share::All.of(rate);
        let all_at = self.rate_row(transport, Share::All).await?;
        let mut grant = rate::take(all_at, now, all_rate, Share::of(share, rate).slice());
        if share != Share::All {
            let part_at = self.rate_row(transport, share).await?;
            let part = rate::take(part_at, now, share.of(rate), grant.permits);
            // Only what both keys give is taken from either.
            let all = rate::take(all_at, now, all_rate, part.permits);
            self.put_rate_row(transport, share, part.next_at).await?;
            grant = Grant { wait: all.wait.max(part.wait), ..all };
        }
        self.put_rate_row(transport, Share::All, grant.next_at).await?;
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
