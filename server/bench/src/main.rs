//! `make bench` measures the released binary, driven as an operator drives it, against references in the same run.
//!
//! ```text
//! tidings import ─▶ tidings serve ◀─ POST /api/v1/incidents
//!                        │ SMTP
//!                        ├──▶ smtp-sink (Postfix) ◀── smtp-source: the reference of speed      speed.rs
//!                        └──▶ sink.rs: knows everyone by number, so nobody is lost or repeated  publish.rs, million.rs,
//!                                                                                               flood.rs
//! ```
//! Every figure is printed with its reference and its bound; the exit status is 1 when a bound is missed. What is kept
//! lies on the disk of `target/`, never in memory.

mod bare;
mod broadcast;
mod flood;
mod http;
mod machine;
mod million;
mod place;
mod postgres;
mod publish;
mod sink;
mod speed;
mod table;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, ensure};

use self::table::Figure;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// How many people "a million" are.
    pub(crate) million: u32,
    /// How many people are mailed in each round against `smtp-source`.
    pub(crate) round: u32,
    /// How often what is compared takes turns.
    pub(crate) rounds: usize,
    /// How long the idle home page is watched, in seconds.
    pub(crate) idle: u64,
    /// How many minutes of the hour with a flood are played.
    pub(crate) minutes: u32,
}

impl Scale {
    /// `BENCH_QUICK=1` is for those who work on the speed: a tenth.
    fn chosen() -> Self {
        match std::env::var_os("BENCH_QUICK") {
            Some(_) => Self { million: 100_000, round: 20_000, rounds: 3, idle: 5, minutes: 6 },
            None => Self { million: 1_000_000, round: 60_000, rounds: 5, idle: 20, minutes: 60 },
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what the arguments name (`speed`, `publish`, `million`, `flood`), or all of it.
fn run() -> Result<bool> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let known = ["speed", "speed-sqlite", "speed-postgres", "publish", "million", "flood"];
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        anyhow::bail!("`{unknown}` is not measured: choose among {}", known.join(", "));
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let binary =
        std::env::var_os("TIDINGS_BIN").map(PathBuf::from).context("TIDINGS_BIN names the binary to measure")?;
    ensure!(binary.is_file(), "{} is not there: `make release`", binary.display());
    let binary = binary.canonicalize()?;
    let scale = Scale::chosen();
    let mut figures: Vec<Figure> = Vec::new();
    let small = publish::measure(&binary, 10)?;
    if is_wanted("speed") || is_wanted("speed-sqlite") {
        figures.extend(speed::measure(&binary, &scale, None, small.mail_size)?);
    }
    if is_wanted("speed") || is_wanted("speed-postgres") {
        let server = postgres::Server::start()?;
        figures.extend(speed::measure(&binary, &scale, Some(&server), small.mail_size)?);
    }
    if is_wanted("publish") || is_wanted("million") {
        let middle = publish::measure(&binary, 10_000)?;
        let (large, found) = million::measure(&binary, &scale)?;
        figures.extend(publish::figures(&small, &middle, &large));
        figures.extend(found);
    }
    if is_wanted("flood") {
        figures.extend(flood::measure(&binary, &scale)?);
    }
    let title = machine::describe(&binary, small.mail_size)?;
    Ok(table::print(&title, &figures))
}
