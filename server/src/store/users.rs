//! People who may sign in to the console, and the one-time links with which they choose a password or confirm their address.

use domain::{email_address::EmailAddress, ids::UserId};
use jiff::Timestamp;
use sqlx::FromRow;

use super::{Result, Store, StoreError, Write, instant, millis, parse};

/// Someone who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Never changes.
    pub id: UserId,
    /// Kept in its canonical form: who signs in need not remember how it was written.
    pub email: EmailAddress,
    /// Argon2id, as a PHC string; `None` until a password was chosen.
    pub password_hash: Option<String>,
    /// When they showed that mail reaches them, if they did.
    pub confirmed_at: Option<Timestamp>,
}

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// To choose a password.
    Password,
    /// To show that mail arrives.
    Address,
}

impl LinkPurpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Address => "address",
        }
    }
}

#[derive(FromRow)]
struct UserRow {
    id: String,
    email: String,
    password_hash: Option<String>,
    confirmed_at: Option<i64>,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self> {
        Ok(Self {
            id: parse("users", &row.id)?,
            email: parse("users", &row.email)?,
            password_hash: row.password_hash,
            confirmed_at: row.confirmed_at.map(|at| instant("users", at)).transpose()?,
        })
    }
}

impl Store {
    /// One user.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>> {
        let row: Option<UserRow> =
            sqlx::query_as("select id, email, password_hash, confirmed_at from users where id = $1")
                .bind(id.as_str())
                .fetch_optional(self.read())
                .await?;
        row.map(User::try_from).transpose()
    }

    /// The user with this address, however it is written.
    pub async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<User>> {
        let row: Option<UserRow> =
            sqlx::query_as("select id, email, password_hash, confirmed_at from users where email = $1")
                .bind(email.canonical())
                .fetch_optional(self.read())
                .await?;
        row.map(User::try_from).transpose()
    }

    /// Every user, by their address.
    pub async fn users(&self) -> Result<Vec<User>> {
        let rows: Vec<UserRow> =
            sqlx::query_as("select id, email, password_hash, confirmed_at from users order by email")
                .fetch_all(self.read())
                .await?;
        rows.into_iter().map(User::try_from).collect()
    }

    /// How many users there are.
    pub async fn count_users(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("select count(*) from users").fetch_one(self.read()).await?)
    }

    /// Whose one-time link this is, without using it up. `hash` is the stored form of the link's secret.
    pub async fn sign_in_link(&self, hash: &str, purpose: LinkPurpose, now: Timestamp) -> Result<Option<UserId>> {
        let id: Option<String> = sqlx::query_scalar(
            "select user_id from sign_in_links where hash = $1 and purpose = $2 and expires_at > $3",
        )
        .bind(hash)
        .bind(purpose.as_str())
        .bind(millis(now))
        .fetch_optional(self.read())
        .await?;
        id.map(|id| parse("sign_in_links", &id)).transpose()
    }
}

impl Write {
    /// Adds a user. `false`: someone else has this address, and nothing was written.
    pub async fn insert_user(&mut self, user: &User, now: Timestamp) -> Result<bool> {
        let inserted = sqlx::query(
            "insert into users (id, email, password_hash, confirmed_at, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $5)
             on conflict (email) do nothing",
        )
        .bind(user.id.as_str())
        .bind(user.email.canonical())
        .bind(user.password_hash.as_deref())
        .bind(user.confirmed_at.map(millis))
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Sets a password, signs the user out everywhere and makes their one-time links worthless.
    pub async fn set_password_hash(&mut self, id: &UserId, password_hash: &str, now: Timestamp) -> Result<()> {
        sqlx::query("update users set password_hash = $2, updated_at = $3 where id = $1")
            .bind(id.as_str())
            .bind(password_hash)
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        sqlx::query("delete from sign_in_links where user_id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        self.delete_sessions_of(id).await
    }

    /// Notes that mail reaches someone; the first time counts.
    pub async fn confirm_user(&mut self, id: &UserId, now: Timestamp) -> Result<()> {
        sqlx::query("update users set confirmed_at = coalesce(confirmed_at, $2), updated_at = $2 where id = $1")
            .bind(id.as_str())
            .bind(millis(now))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Keeps a one-time link. `hash` is the stored form of its secret, `expires_at` when it stops to work.
    pub async fn insert_sign_in_link(
        &mut self,
        hash: &str,
        user: &UserId,
        purpose: LinkPurpose,
        expires_at: Timestamp,
    ) -> Result<()> {
        sqlx::query("insert into sign_in_links (hash, user_id, purpose, expires_at) values ($1, $2, $3, $4)")
            .bind(hash)
            .bind(user.as_str())
            .bind(purpose.as_str())
            .bind(millis(expires_at))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Removes links that nobody used in time; says how many.
    pub async fn delete_expired_sign_in_links(&mut self, now: Timestamp) -> Result<u64> {
        let deleted = sqlx::query("delete from sign_in_links where expires_at <= $1").bind(millis(now));
        Ok(deleted.execute(self.connection()).await?.rows_affected())
    }

    /// Uses a one-time link up: the first to come gets the user, everyone after that nothing.
    pub async fn take_sign_in_link(
        &mut self,
        hash: &str,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<UserId>> {
        let taken: Option<(String, i64)> =
            sqlx::query_as("delete from sign_in_links where hash = $1 and purpose = $2 returning user_id, expires_at")
                .bind(hash)
                .bind(purpose.as_str())
                .fetch_optional(self.connection())
                .await?;
        taken.filter(|(_, expires_at)| *expires_at > millis(now)).map(|(id, _)| parse("sign_in_links", &id)).transpose()
    }
}
