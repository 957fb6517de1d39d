//! Mails a second against `smtp-source`, which keeps no state, both into `smtp-sink`, taking turns.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    Scale,
    broadcast::Broadcast,
    place::{CONNECTIONS, Place},
    postgres,
    table::{Figure, median},
};

/// Measures one engine: SQLite without a server.
pub(crate) fn measure(
    binary: &Path,
    scale: &Scale,
    server: Option<&postgres::Server>,
    mail_size: u64,
) -> Result<Vec<Figure>> {
    let (engine, bound) = if server.is_some() { ("PostgreSQL", 0.25) } else { ("SQLite", 0.4) };
    let sink = PostfixSink::start()?;
    let database = server.map(postgres::Server::database).transpose()?;
    let place = Place::new(binary, database, &sink.url())?;
    place.subscribe(scale.round, |_| String::new())?;
    let server = place.serve()?;
    let mut client = server.client()?;
    let (mut ours, mut kept, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        kept.push(sink.source(scale.round, mail_size, true)?);
        let (took, sent) = Broadcast::publish(&mut client, &[])?.finish(&mut client)?;
        ensure!(sent == u64::from(scale.round), "{sent} of {} were sent: {}", scale.round, place.complaints()?);
        ours.push(f64::from(scale.round) / took.as_secs_f64());
        plain.push(sink.source(scale.round / 2, mail_size, false)?);
        eprintln!(
            "{engine}, round {}: {:.0}/s, smtp-source -d {:.0}/s, smtp-source {:.0}/s",
            round + 1,
            ours[round],
            kept[round],
            plain[round]
        );
    }
    // Each round by itself, for the machine may be busier in one than in another.
    let ratio =
        |reference: &[f64]| median(&ours.iter().zip(reference).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>());
    let speed = Figure::told(format!("mails a second, {engine}"), format!("{:.0}", median(&ours)));
    Ok(vec![
        speed
            .clone()
            .against(format!("`smtp-source -d`: {:.0}", median(&kept)), ratio(&kept))
            .bound(format!("ratio ≥ {bound}"), ratio(&kept) >= bound),
        speed.against(format!("`smtp-source`: {:.0}", median(&plain)), ratio(&plain)),
    ])
}

/// A running `smtp-sink`.
struct PostfixSink {
    address: SocketAddr,
    child: Child,
}

impl PostfixSink {
    fn start() -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(program("smtp-sink")?);
        // It refuses to be root.
        if fs::metadata("/proc/self")?.uid() == 0 {
            command.args(["-u", "postfix"]);
        }
        let child = command.arg("-c").arg(address.to_string()).arg("1000").stdout(Stdio::null()).spawn()?;
        let sink = Self { address, child };
        let patience = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            ensure!(Instant::now() < patience, "smtp-sink does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(sink)
    }

    fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// How many mails a second `smtp-source` sends here.
    fn source(&self, mails: u32, size: u64, keeps_connections: bool) -> Result<f64> {
        let mut command = Command::new(program("smtp-source")?);
        command.args(["-s", &CONNECTIONS.to_string(), "-m", &mails.to_string(), "-l", &size.to_string()]);
        command.args(["-f", "status@example.com", "-t", "p0@example.com"]);
        if keeps_connections {
            command.arg("-d");
        }
        let began = Instant::now();
        let status = command.arg(self.address.to_string()).status()?;
        let took = began.elapsed();
        ensure!(status.success(), "smtp-source failed");
        Ok(f64::from(mails) / took.as_secs_f64())
    }
}

impl Drop for PostfixSink {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Where Debian keeps it, or `PATH`.
fn program(name: &str) -> Result<PathBuf> {
    let folders = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut places = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from).into_iter().chain(folders);
    let found = places.find_map(|folder| Some(folder.join(name)).filter(|path| path.is_file()));
    found.with_context(|| format!("Postfix's {name} was not found: `apt-get install postfix`"))
}
