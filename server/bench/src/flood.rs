//! An hour in which 100,000 bogus sign-ups come from 5,000 networks, and an incident in the middle of it.
//!
//! The hour goes by thirty times as fast: 14 mails a second become 420, 28 sign-ups become 833, and the two minutes in which
//! people are to be written to become four seconds. What is not compressed is what counts: the sign-ups, the networks, the
//! 10,000 people who are told, the quota of 50,000 mails, and the ten seconds for the owner's alert. The limit of each
//! network is by the hour of the clock, so half of its twenty sign-ups are refused: the others are kept.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use sha2::{Digest, Sha256};

use super::{
    Scale,
    broadcast::Broadcast,
    http::Client,
    place::{Place, Server},
    sink::{Count, Sink},
    table::{Figure, megabytes},
};

/// How many times as fast the hour goes by.
const HASTE: u32 = 30;
/// How many sign up in the hour.
const SIGN_UPS: u32 = 100_000;
/// How many people are told when all of it is played.
const PEOPLE: u32 = 10_000;
const NETWORKS: u32 = 5_000;
/// Over how many connections they sign up.
const CONNECTIONS: u32 = 8;
/// How long the part of people who solve the puzzle may wait, before haste.
const HONEST: Duration = Duration::from_mins(2);
/// Between two of them.
const PAUSE: Duration = Duration::from_secs(4);
const ALERT: Duration = Duration::from_secs(10);
const OWNER: &str = "owner@example.com";
/// What the page says to whom the puzzle is set.
const KEPT: &str = "Your request is kept";
/// For what is waited for and not measured.
const PATIENCE: Duration = Duration::from_mins(1);

/// What became of the flood.
#[derive(Debug, Default)]
struct Flood {
    sent: AtomicU32,
    /// Put off by the surge.
    kept: AtomicU32,
    /// Written to before it was noticed.
    written_to: AtomicU32,
    /// Beyond the limit of their network.
    refused: AtomicU32,
    is_over: AtomicBool,
}

/// Measures on SQLite.
pub(crate) fn measure(binary: &Path, scale: &Scale) -> Result<Vec<Figure>> {
    let (people, sign_ups) = (PEOPLE * scale.minutes / 60, SIGN_UPS * scale.minutes / 60);
    let sink = Sink::start(people)?;
    let place = Place::new(binary, None, &sink.url())?
        .with("TIDINGS_MAIL_RATE", format!("{}/s", 14 * HASTE))
        .with("TIDINGS_MAIL_QUOTA", "50000/day")
        .with("TIDINGS_TRUSTED_PROXIES", "127.0.0.1");
    place.subscribe(people, |_| String::new())?;
    place.add_owner(OWNER)?;
    let server = place.serve()?;
    let mut client = server.client()?;
    let (undisturbed, sent) = Broadcast::publish(&mut client, &[])?.finish(&mut client)?;
    ensure!(sent == u64::from(people), "{sent} of {people} were sent: {}", place.complaints()?);
    sink.forget();

    let size = place.database_size()?;
    let flood = Flood::default();
    let length = Duration::from_mins(u64::from(scale.minutes)) / HASTE;
    let began = Instant::now();
    let (noticed, honest, (disturbed, sent)) = thread::scope(|scope| {
        let flooding: Vec<_> = (0..CONNECTIONS)
            .map(|first| {
                let (server, flood) = (&server, &flood);
                scope.spawn(move || sign_up(server, flood, first, sign_ups, length))
            })
            .collect();
        let noticed = scope.spawn(|| noticed(&sink, &flood));
        let honest = scope.spawn(|| honest(&server, &sink, &flood));
        // At half time.
        thread::sleep(length / 2);
        let incident = Broadcast::publish(&mut client, &[]).and_then(|published| published.finish(&mut client));
        let flooded: Result<Vec<()>> = flooding.into_iter().map(joined).collect();
        flood.is_over.store(true, Ordering::Relaxed);
        anyhow::Ok((joined(noticed)?, joined(honest)?, flooded.and(incident)?))
    })
    .with_context(|| place.complaints().unwrap_or_default())?;
    let took = began.elapsed();
    let growth = place.database_size()?.saturating_sub(size);

    let [kept, written_to, refused] =
        [&flood.kept, &flood.written_to, &flood.refused].map(|count| count.load(Ordering::Relaxed));
    let lost = lost(&mut client, &sink, kept, written_to)?;
    let ratio = disturbed.as_secs_f64() / undisturbed.as_secs_f64();
    let count = sink.count();
    // Who has confirmed by then is told as well.
    let is_right = sent >= u64::from(people) && count == Count { people: people.into(), repeated: 0 };
    let slowest = honest.iter().max().copied().unwrap_or_default();
    let bound = HONEST / HASTE;
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let name = format!("a flood of {sign_ups} bogus sign-ups");
    Ok(vec![
        Figure::told(
            format!("{name}, {HASTE} × as fast"),
            format!("{}: {kept} kept, {written_to} written to, {refused} refused", seconds(took)),
        ),
        Figure::told(
            format!("… an incident to {people} people meanwhile"),
            format!("{}, {} mailed, {} repeated", seconds(disturbed), count.people, count.repeated),
        )
        .against(format!("undisturbed: {}", seconds(undisturbed)), ratio)
        .bound("ratio ≤ 1.3", is_right && ratio <= 1.3),
        Figure::told("… the owner's alert leaves after it is noticed within", seconds(noticed))
            .bound(format!("≤ {} s", ALERT.as_secs()), noticed <= ALERT),
        Figure::told(format!("… {} who solve the puzzle have their mail within", honest.len()), seconds(slowest))
            .bound(format!("≤ {}: 2 min ÷ {HASTE}", seconds(bound)), !honest.is_empty() && slowest <= bound),
        Figure::told("… requests lost", lost.to_string()).bound("0", lost == 0),
        Figure::told("… database grows by", megabytes(growth)),
    ])
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))?
}

/// Every so-many-th sign-up from the `first` on, evenly over this time.
fn sign_up(server: &Server, flood: &Flood, first: u32, sign_ups: u32, length: Duration) -> Result<()> {
    let mut client = Client::connect(&server.host, "")?;
    let began = Instant::now();
    for number in (first..sign_ups).step_by(usize::try_from(CONNECTIONS)?) {
        let due = began + length.mul_f64(f64::from(number) / f64::from(sign_ups));
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let [.., high, low] = (number % NETWORKS).to_be_bytes();
        let (network, email) = (format!("10.{high}.{low}.1"), format!("flood{number}@bogus.example"));
        let (status, page) = client.form("/subscribe", &[("email", &email), ("everything", "1")], &network)?;
        let became = match status {
            200 if page.contains(KEPT) => &flood.kept,
            200 => &flood.written_to,
            429 => &flood.refused,
            _ => return Err(anyhow!("a sign-up is answered {status}: {page}")),
        };
        became.fetch_add(1, Ordering::Relaxed);
        flood.sent.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// How long it takes from the first request that is put off until the owner's alert is taken.
fn noticed(sink: &Sink, flood: &Flood) -> Result<Duration> {
    let patience = Instant::now() + PATIENCE;
    while flood.kept.load(Ordering::Relaxed) == 0 {
        ensure!(Instant::now() < patience, "nobody notices the flood");
        thread::sleep(Duration::from_millis(1));
    }
    let noticed = Instant::now();
    // Lines of quoted-printable may break anywhere.
    let says = |message: &str| message.replace("=\r\n", "").contains("signed up within an hour");
    let alert = sink.letter(patience, |letter| letter.to == OWNER && says(&letter.message));
    Ok(alert.context("the owner is not told")?.at.saturating_duration_since(noticed))
}

/// People whose browsers solve the puzzle, one after the other while the flood lasts; how long each waits for the mail.
fn honest(server: &Server, sink: &Sink, flood: &Flood) -> Result<Vec<Duration>> {
    let mut waits = Vec::new();
    let mut client = Client::connect(&server.host, "")?;
    while !flood.is_over.load(Ordering::Relaxed) {
        thread::sleep(PAUSE);
        let number = waits.len();
        let (network, email) = (format!("203.0.{number}.1"), format!("honest{number}@example.com"));
        let began = Instant::now();
        let (status, page) = client.form("/subscribe", &[("email", &email), ("everything", "1")], &network)?;
        ensure!(status == 200 && page.contains(KEPT), "{email} is answered {status}: {page}");
        let [asked, challenge] = ["asked", "challenge"].map(|name| hidden(&page, name));
        let (asked, challenge) = (asked?, challenge?);
        let fields = [("email", &*email), ("asked", asked), ("challenge", challenge), ("answer", &solve(challenge))];
        let (status, page) = client.form("/subscribe/challenge", &fields, &network)?;
        ensure!(status == 200, "{email} solved it and is answered {status}: {page}");
        let letter = sink.letter(Instant::now() + PATIENCE, |letter| letter.to == email);
        let letter = letter.with_context(|| format!("{email} gets no mail"))?;
        waits.push(letter.at - began);
        let link = letter.message.replace("=\r\n", "");
        let token = link.split_once("/confirm/").context("the mail has a link")?.1;
        let token: String = token.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        let (status, page) = client.form(&format!("/confirm/{token}"), &[], &network)?;
        ensure!(status == 200 && page.contains("You are subscribed"), "{email} confirms, {status}: {page}");
    }
    Ok(waits)
}

/// The value of a hidden field.
fn hidden<'a>(page: &'a str, name: &str) -> Result<&'a str> {
    let value =
        page.split_once(&format!("name=\"{name}\" value=\"")).with_context(|| format!("no {name} in {page}"))?.1;
    Ok(value.split('"').next().unwrap_or_default())
}

/// What a browser's script finds.
fn solve(challenge: &str) -> String {
    let is_answer = |answer: &u64| Sha256::digest(format!("{challenge}.{answer}"))[..2] == [0, 0];
    (0..u64::MAX).find(is_answer).unwrap_or_default().to_string()
}

/// How many of those who were put off are neither in line nor written to.
fn lost(client: &mut Client, sink: &Sink, kept: u32, written_to: u32) -> Result<i64> {
    let patience = Instant::now() + PATIENCE;
    loop {
        let metrics = client.get("/metrics")?;
        let put_off = metrics.lines().find_map(|line| line.strip_prefix("tidings_sign_ups_put_off "));
        let put_off: i64 = put_off.context("no tidings_sign_ups_put_off")?.trim().parse()?;
        let mailed = sink.letters(|letter| letter.to.ends_with("@bogus.example").then_some(())).len();
        let lost = i64::from(kept) + i64::from(written_to) - put_off - i64::try_from(mailed)?;
        // What is told of them is a few seconds old, and some of their letters are on their way.
        if lost == 0 || Instant::now() > patience {
            return Ok(lost.max(0));
        }
        thread::sleep(Duration::from_millis(200));
    }
}
