//! How long publishing takes, and how soon the first mail leaves, for few people and for many.

use std::path::Path;

use anyhow::Result;

use super::{
    broadcast::Broadcast,
    place::{Place, Server},
    sink::Sink,
    table::{Figure, median},
};

/// How often is published.
const TIMES: usize = 15;

/// What was found for one number of people, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publishing {
    people: u32,
    /// From the request to its answer: the middle.
    request: f64,
    /// From the request to the dot of the first mail: the longest.
    first_mail: f64,
    /// How long a mail is.
    pub(crate) mail_size: u64,
}

/// Measures on a database of its own, in which everybody follows everything.
pub(crate) fn measure(binary: &Path, people: u32) -> Result<Publishing> {
    let sink = Sink::start(people)?;
    let place = Place::new(binary, None, &sink.url())?;
    place.subscribe(people, |_| String::new())?;
    let server = place.serve()?;
    on(&server, &sink, people, &[])
}

/// Publishes some times, one after the other ended.
pub(crate) fn on(server: &Server, sink: &Sink, people: u32, components: &[&str]) -> Result<Publishing> {
    let mut client = server.client()?;
    let (mut requests, mut first_mails) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        sink.forget();
        let published = Broadcast::publish(&mut client, components)?;
        requests.push(published.took.as_secs_f64() * 1e3);
        first_mails.push((sink.first()? - published.began).as_secs_f64() * 1e3);
        published.cancel(&mut client)?;
    }
    let mail_size = sink.mean_size();
    let first_mail = first_mails.iter().copied().fold(0.0, f64::max);
    eprintln!("{people} people: published in {:.1} ms, first mail after {first_mail:.1} ms", median(&requests));
    Ok(Publishing { people, request: median(&requests), first_mail, mail_size })
}

/// Compares them.
pub(crate) fn figures(small: &Publishing, middle: &Publishing, large: &Publishing) -> Vec<Figure> {
    let mut figures = Vec::new();
    for found in [small, middle, large] {
        let ratio = found.request / small.request;
        let request = format!("{:.1} ms", found.request);
        let figure =
            Figure::told(format!("publish to {} people: the request, median of {TIMES}", found.people), request);
        figures.push(if found.people == small.people {
            figure
        } else {
            figure
                .against(format!("{} people: {:.1} ms", small.people, small.request), ratio)
                .bound("ratio ≤ 1.5", ratio <= 1.5)
        });
        let name = format!("… its first mail, longest of {TIMES}");
        figures
            .push(Figure::told(name, format!("{:.0} ms", found.first_mail)).bound("≤ 1 s", found.first_mail <= 1000.0));
    }
    figures
}
