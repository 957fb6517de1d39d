//! People who may sign in: the first owner, signing in, passwords.

use app::emails::letter::{self, LetterMail};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use domain::{
    broadcast::Lane,
    email_address::EmailAddress,
    forms::{FieldErrors, PASSWORD_MIN},
    i18n::{Locale, mail::OWN_ADDRESS},
    ids::{DeliveryId, UserId},
    token,
};
use jiff::SignedDuration;
use tokio::sync::Semaphore;

use super::{new_user, note, note_as, random};
use crate::{
    clock::Clock,
    error::{Error, Result},
    http::{auth::Actor, client::Client},
    state::AppState,
    store::{
        Store,
        deliveries::NewLetter,
        users::{LinkPurpose, User},
    },
};

/// The longest, so that hashing stays cheap.
pub const PASSWORD_MAX: usize = 200;
/// A one-time link is valid for this long.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// Wrong passwords in a quarter of an hour: what is counted, and how many there may be.
///
/// Few for an account from one network. For the account alone so many more that nobody can lock its owner out from one
/// place, and still too few to guess a password.
const PAIR: (&str, i64) = ("sign-in pair", 10);
const ACCOUNT: (&str, i64) = ("sign-in account", 100);
const NETWORK: (&str, i64) = ("sign-in network", 30);
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// So many links to confirm one's own address are mailed.
const CONFIRMATIONS_AN_HOUR: i64 = 3;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// So many passwords are hashed at once, for each takes 19 MiB and a core.
const HASHED_AT_ONCE: usize = 4;
/// So many more may wait for their turn; whoever comes then is asked to come again.
const HASHES_WAITING: usize = 64;
static HASHING: Semaphore = Semaphore::const_new(HASHED_AT_ONCE);
static QUEUE: Semaphore = Semaphore::const_new(HASHED_AT_ONCE + HASHES_WAITING);

/// What a password must be, as the form says it.
pub fn check_password(password: &str, again: &str) -> std::result::Result<(), FieldErrors> {
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        return Err(FieldErrors::one("password", format!("use at least {PASSWORD_MIN} characters")));
    }
    if length > PASSWORD_MAX {
        return Err(FieldErrors::one("password", format!("use at most {PASSWORD_MAX} characters")));
    }
    if password != again {
        return Err(FieldErrors::one("password_again", "the two passwords differ: type the same again"));
    }
    Ok(())
}

/// Computes off the async threads, a few at a time.
///
/// # Errors
/// [`Error::TooMany`] when too many wait already.
async fn in_turn<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let place = QUEUE.try_acquire().map_err(|_| Error::TooMany { retry_after: 10 })?;
    let turn = HASHING.acquire().await.map_err(|error| Error::Internal(error.to_string()))?;
    let computed = tokio::task::spawn_blocking(move || {
        // Held here, for the computation goes on when the request is given up.
        let _held = (place, turn);
        compute()
    });
    computed.await.map_err(|error| Error::Internal(error.to_string()))
}

/// Hashes with Argon2id: it takes tens of milliseconds on purpose.
async fn hash(password: String) -> Result<String> {
    let hashed =
        in_turn(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())).await?;
    hashed.map_err(|error| Error::Internal(format!("a password could not be hashed: {error}")))
}

/// Whether the password is right. Without a hash it takes as long and says no, so that nobody learns which accounts exist.
async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    let known = hash.is_some();
    let hash = match hash {
        Some(hash) => hash,
        None => decoy().await?,
    };
    let is_right = in_turn(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    Ok(is_right.await? && known)
}

/// A hash nobody has the password to.
async fn decoy() -> Result<String> {
    static DECOY: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    DECOY.get_or_try_init(|| hash("nobody's password".to_owned())).await.cloned()
}

/// Adds an owner; with a password they can sign in at once.
pub async fn create_owner(
    store: &Store,
    clock: &Clock,
    email: &EmailAddress,
    password: Option<String>,
) -> Result<UserId> {
    if let Some(password) = &password {
        check_password(password, password)?;
    }
    let password_hash = match password {
        Some(password) => Some(hash(password).await?),
        None => None,
    };
    let now = clock.now();
    let user = User { id: new_user(), email: email.clone(), password_hash, confirmed_at: None };
    let mut write = store.write().await?;
    if !write.insert_user(&user, now).await? {
        return Err(Error::Conflict("There is an account with this address already."));
    }
    note_as(&mut write, "command line", "user.add", &user.id, "", now).await?;
    write.commit().await?;
    Ok(user.id)
}

/// Makes a one-time link's token with which this person chooses a password. It is stored hashed.
pub async fn create_sign_in_link(store: &Store, clock: &Clock, user: &UserId) -> Result<String> {
    let token = token::opaque("tdl", rand::random());
    let now = clock.now();
    let mut write = store.write().await?;
    let until = now.checked_add(LINK_LIFE).unwrap_or(now);
    write.insert_sign_in_link(&token::hash(&token), user, LinkPurpose::Password, until).await?;
    note_as(&mut write, "command line", "user.link", user, "", now).await?;
    write.commit().await?;
    Ok(token)
}

/// Whose one-time link this is, if it is still good.
pub async fn linked(state: &AppState, purpose: LinkPurpose, token: &str) -> Result<Option<User>> {
    match state.store.sign_in_link(&token::hash(token), purpose, state.clock.now()).await? {
        Some(id) => Ok(state.store.user(&id).await?),
        None => Ok(None),
    }
}

/// Uses a one-time link up: the person has this password from now on.
pub async fn choose_password(state: &AppState, client: &Client, token: &str, password: String) -> Result<User> {
    let password_hash = hash(password).await?;
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let taken = write.take_sign_in_link(&token::hash(token), LinkPurpose::Password, now).await?;
    let id = taken.ok_or(Error::NotFound)?;
    write.set_password_hash(&id, &password_hash, now).await?;
    note_as(&mut write, &format!("user:{id}"), "user.password", &id, &client.address.to_string(), now).await?;
    write.commit().await?;
    state.store.user(&id).await?.ok_or(Error::NotFound)
}

/// Checks an address and a password. The same answer, in the same time, for unknown people and wrong passwords.
///
/// Every try is counted before the password is looked at, so that many at once are not more than allowed, and given
/// back when it was right.
pub async fn sign_in(state: &AppState, client: &Client, email: &str, password: String) -> Result<Option<User>> {
    let email = email.parse::<EmailAddress>().ok();
    let account = email.as_ref().map_or_else(|| "nobody".to_owned(), |email| token::hash(&email.canonical()));
    let network = client.network();
    let pair = format!("{account} {network}");
    let counted = [(PAIR, &pair), (ACCOUNT, &account), (NETWORK, &network)];
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    for ((kind, limit), subject) in counted {
        // What is refused is rolled back: it must not use up what others may still try.
        if write.count_attempt(kind, subject, WINDOW, now).await? > limit {
            return Err(Error::TooMany { retry_after: WINDOW.as_secs() });
        }
    }
    write.commit().await?;
    let user = match &email {
        Some(email) => state.store.user_by_email(email).await?,
        None => None,
    };
    let password: String = password.chars().take(PASSWORD_MAX + 1).collect();
    let verified = verify(password, user.as_ref().and_then(|user| user.password_hash.clone())).await;
    let address = client.address.to_string();
    let mut write = state.store.write().await?;
    if !matches!(verified, Ok(false)) {
        for ((kind, _), subject) in counted {
            write.give_attempt_back(kind, subject, WINDOW, now).await?;
        }
    }
    let user = user.filter(|_| matches!(verified, Ok(true)));
    match (&user, &verified) {
        (Some(user), _) => {
            write.forget_attempts(PAIR.0, &pair).await?;
            note_as(&mut write, &format!("user:{}", user.id), "user.sign_in", &user.id, &address, now).await?;
        }
        (None, Ok(_)) => note_as(&mut write, "anyone", "user.sign_in_failed", "", &address, now).await?,
        (None, Err(_)) => {}
    }
    write.commit().await?;
    verified.map(|_| user)
}

/// Notes that someone ends their session, which is for the caller to do.
pub async fn sign_out(state: &AppState, actor: &Actor) -> Result<()> {
    let user = actor.user()?;
    let mut write = state.store.write().await?;
    note(&mut write, actor, "user.sign_out", &user.id, "", state.clock.now()).await?;
    Ok(write.commit().await?)
}

/// Replaces one's own password; every session of this person ends.
pub async fn change_password(state: &AppState, actor: &Actor, current: String, password: String) -> Result<User> {
    let user = actor.user()?;
    if !verify(current, user.password_hash.clone()).await? {
        return Err(Error::Invalid(FieldErrors::one("current", "this is not your present password")));
    }
    let password_hash = hash(password).await?;
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    write.set_password_hash(&user.id, &password_hash, now).await?;
    note(&mut write, actor, "user.password", &user.id, "", now).await?;
    write.commit().await?;
    state.store.user(&user.id).await?.ok_or(Error::NotFound)
}

/// Mails a one-time link to one's own address: following it shows that alerts arrive there.
///
/// # Errors
/// [`Error::TooMany`] after three in an hour.
pub async fn ask_confirmation(state: &AppState, actor: &Actor) -> Result<()> {
    let user = actor.user()?;
    let now = state.clock.now();
    let site = state.site().await?;
    let token = token::opaque("tdl", rand::random());
    let expires_at = now.checked_add(LINK_LIFE).unwrap_or(now);
    let mut write = state.store.write().await?;
    if write.count_attempt("confirm account", user.id.as_str(), HOUR, now).await? > CONFIRMATIONS_AN_HOUR {
        return Err(Error::TooMany { retry_after: HOUR.as_secs() });
    }
    write.insert_sign_in_link(&token::hash(&token), &user.id, LinkPurpose::Address, expires_at).await?;
    let message = letter::mail(&LetterMail {
        words: &OWN_ADDRESS,
        locale: Locale::English,
        page_name: &site.name,
        page_url: &site.url,
        link: &format!("{}/admin/confirm/{token}", site.url),
    });
    let letter = NewLetter {
        id: DeliveryId::from_random(random()),
        kind: "confirm_account",
        lane: Lane::Account,
        to: user.email.clone(),
        subscriber: None,
        message,
        dedupe_key: None,
        expires_at,
    };
    write.insert_letter(&letter, now).await?;
    note(&mut write, actor, "user.ask_confirmation", &user.id, "", now).await?;
    write.commit().await?;
    state.wake_mail();
    Ok(())
}

/// Uses a mailed link up: mail reaches this person.
pub async fn confirm(state: &AppState, client: &Client, token: &str) -> Result<()> {
    let now = state.clock.now();
    let mut write = state.store.write().await?;
    let taken = write.take_sign_in_link(&token::hash(token), LinkPurpose::Address, now).await?;
    let id = taken.ok_or(Error::NotFound)?;
    write.confirm_user(&id, now).await?;
    if let Some(user) = state.store.user(&id).await? {
        write.lift_suppression(&user.email.canonical()).await?;
    }
    note_as(&mut write, &format!("user:{id}"), "user.confirm", &id, &client.address.to_string(), now).await?;
    Ok(write.commit().await?)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn few_passwords_are_hashed_at_once_and_not_many_wait() {
        let busy = HASHING.acquire_many(4).await.unwrap();
        let mut waiting = Box::pin(verify("a guess".to_owned(), Some("no hash".to_owned())));
        assert!((&mut waiting).now_or_never().is_none(), "a fifth was hashed beside four others");
        let crowd = QUEUE.acquire_many(67).await.unwrap();
        let refused = verify("a guess".to_owned(), Some("no hash".to_owned())).now_or_never();
        assert!(matches!(refused, Some(Err(Error::TooMany { .. }))), "{refused:?}");
        drop((busy, crowd));
        assert!(!waiting.await.unwrap());
    }
}
