//! A folder in which `tidings` runs as an operator runs it: settings in the environment, commands, one server.

use std::{
    env, fs,
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::{http::Client, postgres};

/// Over how many connections is mailed, by Tidings and by `smtp-source`.
pub(crate) const CONNECTIONS: usize = 8;
/// A folder, its database and the settings of what is run there. All of it goes when this does.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    binary: PathBuf,
    folder: PathBuf,
    /// SQLite without one.
    database: Option<postgres::Database<'a>>,
    smtp_url: String,
    /// What is not as in the other benchmarks.
    settings: Vec<(&'static str, String)>,
}

impl<'a> Place<'a> {
    /// An empty one, on the disk of the build.
    pub(crate) fn new(binary: &Path, database: Option<postgres::Database<'a>>, smtp_url: &str) -> Result<Self> {
        let folder = below(binary, "tidings")?;
        Ok(Self { binary: binary.to_owned(), folder, database, smtp_url: smtp_url.to_owned(), settings: Vec::new() })
    }

    /// With this instead of what the other benchmarks set.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("TIDINGS_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("TIDINGS_LISTEN", "127.0.0.1:0")
            .env("TIDINGS_SMTP_URL", &self.smtp_url)
            .env("TIDINGS_MAIL_FROM", "Acme Status <status@example.com>")
            .env("TIDINGS_PUBLIC_URL", "https://status.example.com")
            .env("TIDINGS_MAIL_RATE", "0")
            .env("TIDINGS_MAIL_CONNECTIONS", CONNECTIONS.to_string())
            // The same people are mailed again and again; that they are not flooded is checked all the same.
            .env("TIDINGS_MAIL_ADDRESS_LIMIT", "1000")
            // The bench asks often how far it is.
            .env("TIDINGS_API_RATE", "0")
            .env("TIDINGS_LOG", "warn")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        if let Some(database) = &self.database {
            command.env("TIDINGS_DATABASE_URL", database.url());
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tidings {}: {errors}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Adds somebody who is told what the matter is.
    pub(crate) fn add_owner(&self, email: &str) -> Result<()> {
        self.run(&["owner", "create", "--email", email]).map(drop)
    }

    /// Imports that many people, each with what `follows` says: nothing for everything, or a component's id.
    pub(crate) fn subscribe(&self, people: u32, follows: impl Fn(u32) -> String) -> Result<Duration> {
        let mut file = BufWriter::new(File::create(self.folder.join("people.csv"))?);
        for number in 0..people {
            let component = follows(number);
            let comma = if component.is_empty() { "" } else { "," };
            writeln!(file, "p{number}@example.com{comma}{component}")?;
        }
        file.flush()?;
        let began = Instant::now();
        let said = self.run(&["import", "subscribers", "people.csv", "--confirmed"])?;
        ensure!(said.starts_with(&format!("{people} created")), "{said}");
        Ok(began.elapsed())
    }

    /// Starts the server and a client that may do everything.
    pub(crate) fn serve(&self) -> Result<Server> {
        let scopes = "components,incidents,subscribers,broadcasts";
        let token = self.run(&["key", "create", "--name", "bench", "--scopes", scopes, "--expires", "1d"])?;
        let log = self.folder.join("log");
        let child = self.command(&["serve"]).stderr(File::create(&log)?).spawn()?;
        let mut server = Server { host: String::new(), token, child };
        let patience = Instant::now() + Duration::from_mins(1);
        while Instant::now() < patience {
            let said = fs::read_to_string(&log)?;
            let heard = said.split_once("listening on http://").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((host, _)) = heard {
                host.clone_into(&mut server.host);
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("it did not start: {}", fs::read_to_string(&log)?)
    }

    /// What the server complained of.
    pub(crate) fn complaints(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("log"))?)
    }

    /// How many bytes the database has on the disk.
    pub(crate) fn database_size(&self) -> Result<u64> {
        if let Some(database) = &self.database {
            return database.size();
        }
        let file = self.folder.join("data/tidings.db");
        let log = fs::metadata(file.with_extension("db-wal")).map_or(0, |file| file.len());
        Ok(fs::metadata(file)?.len() + log)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A new folder beside the binary: a real disk, with room.
pub(crate) fn below(binary: &Path, name: &str) -> Result<PathBuf> {
    let target = binary.ancestors().nth(2).context("the binary lies in target/release")?;
    let folder = target
        .join("bench")
        .join(format!("{name}-{}-{:?}", std::process::id(), Instant::now()).replace([' ', '{', '}', ':'], ""));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// `127.0.0.1:PORT`
    pub(crate) host: String,
    token: String,
    child: Child,
}

impl Server {
    /// Someone with the API key.
    pub(crate) fn client(&self) -> Result<Client> {
        Client::connect(&self.host, &self.token)
    }

    /// A new component's id.
    pub(crate) fn component(&self, name: &str) -> Result<String> {
        let body = json!({ "name": name, "status": "operational" });
        let added = self.client()?.post("/api/v1/components", &body)?;
        Ok(added["id"].as_str().context("a component has an id")?.to_owned())
    }

    /// How much memory it has, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("it runs no more")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
