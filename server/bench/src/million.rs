//! A million recipients: what it costs the machine, who still gets the page, and who gets a mail.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};

use super::{
    Scale, bare,
    broadcast::Broadcast,
    http::Client,
    place::{Place, Server},
    publish::{self, Publishing},
    sink::{Count, Sink},
    table::{Figure, megabytes, quantile, ratio},
};

/// Between two visits of the home page.
const VISITS: Duration = Duration::from_millis(5);
/// Between two looks at the memory.
const LOOKS: Duration = Duration::from_millis(100);
/// One in so many follows the small component, and nobody follows both.
const FEW: u32 = 1000;

/// Measures on one database. The large component has everyone but those of the small one.
pub(crate) fn measure(binary: &Path, scale: &Scale) -> Result<(Publishing, Vec<Figure>)> {
    let sink = Sink::start(scale.million)?;
    let place = Place::new(binary, None, &sink.url())?;
    let server = place.serve()?;
    let (large, small) = (server.component("Public API")?, server.component("Archive")?);
    drop(server);
    let took =
        place.subscribe(scale.million, |number| if number % FEW == 7 { small.clone() } else { large.clone() })?;
    eprintln!("imported {} people in {:.0} s", scale.million, took.as_secs_f64());
    let server = place.serve()?;
    let components = [large.as_str(), small.as_str()];

    let idle = Watched::during(&server, || {
        thread::sleep(Duration::from_secs(scale.idle));
        Ok(())
    })?;
    let mut figures = broadcast(&place, &server, &sink, scale, &components, &idle)?;
    figures.extend(filter(&server, &sink, scale, &small)?);
    let publishing = publish::on(&server, &sink, scale.million, &components)?;
    Ok((publishing, figures))
}

/// The whole million.
fn broadcast(
    place: &Place<'_>,
    server: &Server,
    sink: &Sink,
    scale: &Scale,
    components: &[&str],
    idle: &Watched,
) -> Result<Vec<Figure>> {
    let people = u64::from(scale.million);
    let (size_before, memory_before) = (place.database_size()?, server.memory()?);
    sink.forget();
    let mut sent = 0;
    let mut took = Duration::ZERO;
    let watched = Watched::during(server, || {
        let mut client = server.client()?;
        let published = Broadcast::publish(&mut client, components)?;
        sink.took(people);
        (took, sent) = published.finish(&mut client)?;
        Ok(())
    })?;
    let size = place.database_size()?;
    let Count { people: told, repeated } = sink.count();
    let lost = people.saturating_sub(told);
    let memory = watched.memory.saturating_sub(memory_before);
    // What was measured is for `million` people; the bounds are for 1,000,000.
    let growth = size.saturating_sub(size_before) * 1_000_000 / people;
    let p99 = |visits: &[f64]| quantile(visits, 0.99);
    let (page, idle_page) = (p99(&watched.visits), p99(&idle.visits));
    let (bare, idle_bare) = (p99(&watched.bare), p99(&idle.bare));
    let (name, speed) = (format!("{people} recipients"), f64::from(scale.million) / took.as_secs_f64());
    Ok(vec![
        Figure::told(format!("{name}: all states stored after"), format!("{:.0} s, {speed:.0}/s", took.as_secs_f64())),
        Figure::told(format!("{name}: lost, repeated"), format!("{lost}, {repeated}"))
            .bound("0, 0", lost == 0 && repeated == 0 && sent == people),
        Figure::told(format!("{name}: memory grows by"), megabytes(memory))
            .against(format!("idle: {}", megabytes(memory_before)), ratio(watched.memory, memory_before))
            .bound("≤ 30 MB", memory <= 30_000_000),
        Figure::told(format!("{name}: database grows by, per million"), megabytes(growth))
            .against(format!("before: {}", megabytes(size_before)), ratio(size, size_before))
            .bound("≤ 80 MB", growth <= 80_000_000),
        Figure::told(format!("{name}: the home page's p99 meanwhile"), format!("{page:.2} ms"))
            .against(format!("idle: {idle_page:.2} ms"), page / idle_page)
            .bound("ratio ≤ 2", page <= 2.0 * idle_page),
        Figure::told("… and that of a server that does nothing else", format!("{bare:.2} ms"))
            .against(format!("idle: {idle_bare:.2} ms"), bare / idle_bare),
    ])
}

/// One in a thousand of them.
fn filter(server: &Server, sink: &Sink, scale: &Scale, component: &str) -> Result<Vec<Figure>> {
    let mut client = server.client()?;
    sink.forget();
    let (writes_before, quick_before) = writes(&mut client)?;
    let (took, sent) = Broadcast::publish(&mut client, &[component])?.finish(&mut client)?;
    let (writes, quick) = writes(&mut client)?;
    let (writes, slow) = (writes - writes_before, (writes - quick) - (writes_before - quick_before));
    let count = sink.count();
    let people = u64::from(scale.million / FEW);
    let is_right = sent == people && count == Count { people, repeated: 0 };
    let name = format!("{people} of {}, by component", scale.million);
    Ok(vec![
        Figure::told(format!("{name}: done after"), format!("{:.2} s, {} mailed", took.as_secs_f64(), count.people))
            .bound("≤ 10 s", is_right && took <= Duration::from_secs(10)),
        Figure::told(format!("{name}: write transactions over 50 ms"), format!("{slow} of {writes}"))
            .bound("0", slow == 0),
    ])
}

/// How the server did while something happened.
#[derive(Debug, Default)]
struct Watched {
    /// How long each visit of the home page took, in milliseconds, from the moment when it was due.
    visits: Vec<f64>,
    /// The same of a page that a bare server has in its hand, at the same time.
    bare: Vec<f64>,
    /// The most memory it had, in bytes.
    memory: u64,
}

impl Watched {
    /// Visits the home page and a bare one 200 times a second each and looks at the memory while `act` runs.
    fn during(server: &Server, act: impl FnOnce() -> Result<()>) -> Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let length = Client::connect(&server.host, "")?.get("/")?.len();
        let visiting = visit(&server.host, &over)?;
        let beside = visit(&bare::start(length)?, &over)?;
        let mut memory = 0;
        let acted = thread::scope(|scope| {
            let looking = scope.spawn(|| {
                let mut most = 0;
                while !over.load(Ordering::Relaxed) {
                    most = server.memory().unwrap_or(0).max(most);
                    thread::sleep(LOOKS);
                }
                most
            });
            let acted = act();
            over.store(true, Ordering::Relaxed);
            memory = looking.join().unwrap_or(0);
            acted
        });
        let visited =
            |thread: JoinHandle<Result<Vec<f64>>>| thread.join().map_err(|_| anyhow!("a visitor panicked"))?;
        let (visits, bare) = (visited(visiting).context("the home page")?, visited(beside)?);
        acted?;
        Ok(Self { visits, bare, memory })
    }
}

/// Visits a home page until it is over; the times in milliseconds.
fn visit(host: &str, over: &Arc<AtomicBool>) -> Result<JoinHandle<Result<Vec<f64>>>> {
    let mut client = Client::connect(host, "")?;
    let over = Arc::clone(over);
    Ok(thread::spawn(move || {
        let mut visits = Vec::new();
        let mut due = Instant::now();
        while !over.load(Ordering::Relaxed) {
            // Counted from when it was due if the one before made it late.
            let mut began = due;
            if let Some(early) = due.checked_duration_since(Instant::now()) {
                thread::sleep(early);
                began = Instant::now();
            }
            client.get("/")?;
            visits.push(began.elapsed().as_secs_f64() * 1e3);
            due += VISITS;
        }
        Ok(visits)
    }))
}

/// How many transactions that may write there were, and how many of them took at most 50 ms.
fn writes(client: &mut Client) -> Result<(u64, u64)> {
    let metrics = client.get("/metrics")?;
    let value = |name: &str| -> Result<u64> {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        Ok(line.trim().parse()?)
    };
    Ok((value("tidings_write_seconds_count ")?, value("tidings_write_seconds_bucket{le=\"0.05\"} ")?))
}
