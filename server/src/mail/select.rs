//! Decides which mail goes next: strict lanes, still wanted, within the rate, within what may be under way.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use domain::{
    broadcast::{BroadcastState, Lane},
    delivery::DeliveryState,
    ids::SubscriberId,
    rate::Share,
};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, sleep_until},
};

use super::{
    ack::Settled,
    alerts::{self, Alarm},
    context::ContentError,
    deliver::{Cleared, Content},
    life::Life,
    limits::in_time,
    tokens::{Token, Tokens},
};
use crate::store::{Result, deliveries::Delivery};

/// Whoever leaves is heeded within so many mails: those that were checked, were handed over, and are under way.
const HEEDED: usize = 50;
/// Over very many connections it is the time for which the answer holds that keeps this short.
const LEAST_GROUP: usize = 20;
/// How long the answer holds: pausing, cancelling and superseding take effect within it.
pub(super) const CHECK_HOLDS: Duration = Duration::from_millis(900);
/// How long someone is left alone who is being sent an older mail about the same incident.
const BUSY: SignedDuration = SignedDuration::from_secs(2);
/// How long even those who ask for it are not written to after their address was found not to work. Then a confirmation
/// may show that it works again.
const PROBATION: SignedDuration = SignedDuration::from_hours(24);
/// When the store does not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// Part of a broadcast that is wanted, as was found at `at`.
struct Group {
    content: Content,
    wanted: VecDeque<Delivery>,
    at: Instant,
}

/// Hands mails to the sessions of a route. Never ends by itself.
pub(super) async fn select(life: Arc<Life>, number: usize) {
    let route = &life.routes[number];
    let mut selector = Selector { tokens: Tokens::new(&life.store, route), group: None, life: &life, number };
    let work = async {
        // A place, a permit, and only then a choice: whatever became urgent meanwhile goes first.
        while let Some(place) = route.handover.place().await {
            let Some(permit) = route.permits.take().await else { break };
            let Chosen { delivery, content, checked_at, token } = selector.next().await;
            route.handover.put(place, Cleared { delivery, content, checked_at, permit, token });
        }
    };
    tokio::select! {
        () = work => {}
        () = life.stopping.cancelled() => {}
        () = life.fenced.cancelled() => {}
    }
    std::future::pending::<()>().await;
}

/// The mail that goes next.
struct Chosen {
    delivery: Delivery,
    content: Content,
    checked_at: Instant,
    token: Token,
}

struct Selector<'a> {
    life: &'a Life,
    /// Of the route.
    number: usize,
    tokens: Tokens<'a>,
    group: Option<Group>,
}

impl Selector<'_> {
    /// Waits for the next mail that may be sent now.
    async fn next(&mut self) -> Chosen {
        loop {
            match self.step().await {
                Ok(Some(next)) => return next,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "Nothing can be sent while the database does not answer.");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Comes one step nearer. Whatever it took and could not use is back where it was.
    async fn step(&mut self) -> Result<Option<Chosen>> {
        let life = self.life;
        if life.ready.tests(self.number) > 0 {
            let is_new = life.ready.has_new_test(self.number);
            let filled = self.tokens.fill(Share::All, is_new, life.clock.now()).await?;
            return if self.has_filled(filled, None).await { self.take_test().await } else { Ok(None) };
        }
        if !self.carries_letters() {
            return self.step_of_broadcasts(None).await;
        }
        if life.ready.count(Lane::Alert) > 0 {
            return if self.has_token(Share::All, None).await? {
                self.take_letter(Lane::Alert, Share::All).await
            } else {
                Ok(None)
            };
        }
        // Account mails have a share of their own. When it is used up they wait, and broadcasts do not wait for them.
        let mut letters_at = None;
        if life.ready.count(Lane::Account) > 0 {
            match self.tokens.fill(Share::Account, false, life.clock.now()).await? {
                Ok(()) => return self.take_letter(Lane::Account, Share::Account).await,
                Err(ask_at) => letters_at = Some(ask_at),
            }
        }
        self.step_of_broadcasts(letters_at).await
    }

    /// Letters go by the second route if there is one, and by the first as well while that does not work.
    fn carries_letters(&self) -> bool {
        let second = self.life.routes.get(1);
        self.number > 0 || second.is_none_or(|second| second.is_out_of_use(self.life.clock.now()))
    }

    /// The same when no letter can go now; they can at `letters_at`.
    async fn step_of_broadcasts(&mut self, letters_at: Option<Instant>) -> Result<Option<Chosen>> {
        let life = self.life;
        if let Some(group) = self.group.take_if(|group| group.at.elapsed() > CHECK_HOLDS) {
            life.ready.put_back(group.wanted);
            return Ok(None);
        }
        let has_group = self.group.as_ref().is_some_and(|group| !group.wanted.is_empty());
        if self.number == 0 && (has_group || life.ready.bulk() > 0) {
            // Nobody is asked whether they want what may not be sent anyway.
            if !self.has_token(Share::Bulk, letters_at).await? {
                return Ok(None);
            }
            let Some(group) = self.group.as_mut().filter(|_| has_group) else {
                let group = life.ready.take_group(group_size(life.routes[self.number].connections));
                self.group = check_group(life, group).await?;
                return Ok(None);
            };
            let Some(delivery) = group.wanted.pop_front() else { return Ok(None) };
            let (content, checked_at) = (group.content.clone(), group.at);
            return Ok(Some(Chosen { delivery, content, checked_at, token: self.tokens.spend(Share::Bulk) }));
        }
        let old_at = self.tokens.throw_away_old();
        // What the other route cannot carry any more is not announced.
        let look_again = (life.routes.len() > 1).then(|| Instant::now() + CHECK_HOLDS);
        let look_at = letters_at.into_iter().chain(old_at).chain(look_again).min();
        tokio::select! {
            () = sleep_until(look_at.unwrap_or_else(Instant::now)), if look_at.is_some() => {}
            () = life.ready.filled[self.number].notified() => {}
        }
        Ok(None)
    }

    /// Makes sure of a token, or waits until there may be one, or one for letters at `letters_at`, or something else became
    /// urgent.
    async fn has_token(&mut self, share: Share, letters_at: Option<Instant>) -> Result<bool> {
        let filled = self.tokens.fill(share, false, self.life.clock.now()).await?;
        Ok(self.has_filled(filled, letters_at).await)
    }

    async fn has_filled(&self, filled: std::result::Result<(), Instant>, letters_at: Option<Instant>) -> bool {
        let Err(ask_at) = filled else { return true };
        let ask_at = letters_at.map_or(ask_at, |at| at.min(ask_at));
        tokio::select! {
            () = sleep_until(ask_at) => {}
            () = self.life.ready.filled[self.number].notified() => {}
            // What was checked grows stale.
            () = sleep(CHECK_HOLDS) => {}
        }
        false
    }

    /// Takes the next letter of a lane, for which there is a token.
    async fn take_letter(&mut self, lane: Lane, share: Share) -> Result<Option<Chosen>> {
        let letter = self.life.ready.take_letter(lane);
        self.checked(letter, share).await
    }

    /// Takes the next letter that tries this route, for which there is a token.
    async fn take_test(&mut self) -> Result<Option<Chosen>> {
        let letter = self.life.ready.take_test(self.number);
        self.checked(letter, Share::All).await
    }

    async fn checked(&mut self, letter: Option<Delivery>, share: Share) -> Result<Option<Chosen>> {
        let Some(letter) = letter else { return Ok(None) };
        let Some((delivery, content, checked_at)) = check_letter(self.life, letter).await? else { return Ok(None) };
        Ok(Some(Chosen { delivery, content, checked_at, token: self.tokens.spend(share) }))
    }
}

/// Asks once more whether a mail is still wanted, on its own. What is not is settled; after an error it is back in line.
pub(super) async fn check_again(life: &Life, delivery: Delivery) -> Result<Option<(Delivery, Content, Instant)>> {
    if delivery.broadcast.is_none() {
        return check_letter(life, delivery).await;
    }
    let group = check_group(life, vec![delivery]).await?;
    Ok(group.and_then(|mut group| Some((group.wanted.pop_front()?, group.content, group.at))))
}

async fn check_letter(life: &Life, delivery: Delivery) -> Result<Option<(Delivery, Content, Instant)>> {
    let at = Instant::now();
    let address = delivery.address.canonical();
    let now = life.clock.now();
    let asked = async {
        let since = life.store.suppressed_since(&address, now).await?;
        // Whatever happens, owners hear of it.
        let busy = if delivery.lane == Lane::Alert { Vec::new() } else { busy(life, [&delivery], now).await? };
        Ok((since, busy, life.context.identity().await?))
    };
    let (since, busy, identity) = match in_time(asked).await {
        Ok(answer) => answer,
        Err(error) => {
            life.ready.put_back([delivery]);
            return Err(error);
        }
    };
    let is_recent = |since| now.duration_since(since) < PROBATION;
    let is_suppressed = match &*delivery.kind {
        // A server that refuses everybody refuses owners too, and then they must hear of it; and whoever asks whether mail
        // reaches them is told by what becomes of it.
        _ if delivery.lane == Lane::Alert => false,
        "confirm_account" => false,
        "confirmation" => since.is_some_and(is_recent),
        _ => since.is_some(),
    };
    match delivery.letter.clone() {
        _ if let Some((_, free_at)) = busy.first() => {
            life.settle(too_many(delivery, *free_at)).await;
            Ok(None)
        }
        _ if is_suppressed => {
            life.settle(Settled::without_attempt(delivery, DeliveryState::Skipped, "suppressed")).await;
            Ok(None)
        }
        Some(letter) => Ok(Some((delivery, Content::Letter(Arc::new((letter, identity))), at))),
        None => {
            tracing::error!(delivery = %delivery.id, "A letter without words cannot be sent.");
            life.settle(Settled::without_attempt(delivery, DeliveryState::Failed, "the letter is empty")).await;
            Ok(None)
        }
    }
}

/// Which addresses got as many mails in the last hour as one may, with the moment from which they may get another.
async fn busy<'a>(
    life: &Life,
    deliveries: impl IntoIterator<Item = &'a Delivery>,
    now: Timestamp,
) -> Result<Vec<(String, Timestamp)>> {
    let addresses: Vec<_> = deliveries.into_iter().map(|delivery| &delivery.address).collect();
    match life.settings.address_limit {
        0 => Ok(Vec::new()),
        limit => life.store.busy_addresses(&addresses, limit, now).await,
    }
}

/// For an address that got many mails: whatever runs wild, nobody's mailbox is flooded, and nothing is lost.
fn too_many(delivery: Delivery, free_at: Timestamp) -> Settled {
    let delivery = Delivery { due_at: free_at, ..delivery };
    Settled::without_attempt(delivery, DeliveryState::Waiting, "this address got many mails within the hour")
}

/// How many are asked for at once whether they are still wanted.
fn group_size(connections: usize) -> usize {
    HEEDED.saturating_sub(2 * connections).max(LEAST_GROUP)
}

/// Asks who of a part of one broadcast still wants it. Whoever does not is skipped; a paused broadcast goes back to the
/// store, one that has stopped is over.
async fn check_group(life: &Life, group: Vec<Delivery>) -> Result<Option<Group>> {
    let at = Instant::now();
    match in_time(check(life, &group)).await {
        Ok(Verdict::Send { content, wanted, told, busy, flooded }) => {
            let mut keep = VecDeque::with_capacity(group.len());
            for mut delivery in group {
                let subscriber = delivery.subscriber;
                let flooded = flooded.iter().find(|(address, _)| *address == delivery.address.canonical());
                if let Some((_, free_at)) = flooded {
                    life.settle(too_many(delivery, *free_at)).await;
                } else if subscriber.is_some_and(|id| busy.contains(&id)) {
                    delivery.due_at = life.clock.now().checked_add(BUSY).unwrap_or(delivery.due_at);
                    let reason = "an older mail to them is under way";
                    life.settle(Settled::without_attempt(delivery, DeliveryState::Waiting, reason)).await;
                } else if subscriber.is_some_and(|id| told.contains(&id)) {
                    life.settle(Settled::without_attempt(delivery, DeliveryState::Skipped, "was told more already"))
                        .await;
                } else if subscriber.is_some_and(|id| wanted.contains(&id)) {
                    keep.push_back(delivery);
                } else {
                    life.settle(Settled::without_attempt(delivery, DeliveryState::Skipped, "no longer wanted")).await;
                }
            }
            Ok(Some(Group { content, wanted: keep, at }))
        }
        Ok(Verdict::Settle(state, reason)) => {
            let rest = group.first().map(|first| life.ready.take_rest(first)).unwrap_or_default();
            settle_all(life, group.into_iter().chain(rest), state, reason).await;
            Ok(None)
        }
        Err(error) => {
            life.ready.put_back(group);
            Err(error)
        }
    }
}

/// Settles what is not sent, and waits until that is stored: till then those people count as busy with it, and would have to
/// wait for what took its place.
async fn settle_all(life: &Life, all: impl Iterator<Item = Delivery>, state: DeliveryState, reason: &str) {
    let unstored = Arc::new(Semaphore::new(1));
    let mut all = all.peekable();
    while let Some(delivery) = all.next() {
        let mut settled = Settled::without_attempt(delivery, state, reason);
        if all.peek().is_none() {
            // One after the other, so the last one speaks for all.
            settled.permit = Arc::clone(&unstored).try_acquire_owned().ok();
        }
        life.settle(settled).await;
    }
    let _stored = unstored.acquire().await;
}

enum Verdict {
    Send {
        content: Content,
        wanted: HashSet<SubscriberId>,
        told: HashSet<SubscriberId>,
        busy: HashSet<SubscriberId>,
        flooded: Vec<(String, Timestamp)>,
    },
    Settle(DeliveryState, &'static str),
}

async fn check(life: &Life, group: &[Delivery]) -> Result<Verdict> {
    let now = life.clock.now();
    let id = group.first().and_then(|delivery| delivery.broadcast.clone());
    let broadcast = match id {
        Some(id) => life.store.broadcast(&id).await?,
        None => None,
    };
    let Some(broadcast) = broadcast else {
        return Ok(Verdict::Settle(DeliveryState::Failed, "it belongs to no broadcast"));
    };
    match broadcast.state {
        BroadcastState::Paused => return Ok(Verdict::Settle(DeliveryState::Waiting, "")),
        BroadcastState::Expired => return Ok(Verdict::Settle(DeliveryState::Expired, "expired")),
        BroadcastState::Cancelled | BroadcastState::Superseded | BroadcastState::Done => {
            return Ok(Verdict::Settle(DeliveryState::Skipped, broadcast.state.as_str()));
        }
        BroadcastState::Queued | BroadcastState::Sending => {}
    }
    let prepared = match life.prepared(&broadcast).await {
        Ok(prepared) => prepared,
        // That passes by itself.
        Err(ContentError::Store(error)) => return Err(error),
        Err(error @ (ContentError::Gone(_) | ContentError::Update(_))) => {
            // Sending nothing and saying so: a person must look.
            tracing::error!(broadcast = %broadcast.id, %error, "A broadcast cannot be written; it is paused.");
            let mut write = life.store.write().await?;
            let reason = format!("the mail cannot be written: {error}");
            write.set_broadcast_state(&broadcast.id, BroadcastState::Paused, &reason, now).await?;
            let alarm = Alarm::Paused { broadcast: &broadcast.id, reason: &reason };
            alerts::raise(&mut write, &alarm, now).await?;
            write.commit().await?;
            return Ok(Verdict::Settle(DeliveryState::Waiting, ""));
        }
    };
    let subscribers: Vec<_> = group.iter().filter_map(|delivery| delivery.subscriber).collect();
    // At once: meanwhile the sessions have little left to do.
    let (wanted, (busy, told), flooded) = tokio::try_join!(
        life.store.still_wanted(&broadcast.audience, &subscribers, now),
        async {
            // In this order: a mail that arrives between the two questions is seen by the second.
            let busy = life.store.busy_with_older(&broadcast).await?;
            Ok((busy, life.store.told_since(&broadcast, &subscribers).await?))
        },
        self::busy(life, group, now),
    )?;
    let (wanted, busy, told) = (wanted.into_iter().collect(), busy.into_iter().collect(), told.into_iter().collect());
    Ok(Verdict::Send { content: Content::Broadcast(prepared), wanted, told, busy, flooded })
}
