//! The `tidings` program itself, as an operator runs it: commands that end, and servers that must be ended.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by failing")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

/// How long a command or a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder and an environment in which `tidings` is run. The folder goes when this does.
pub(crate) struct Place {
    /// Where commands are run; the data is in `data`.
    pub(crate) folder: PathBuf,
    environment: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Done {
    /// The exit status, if it was not killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// Panics unless it ended well; its standard output.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Panics unless it failed with this status; its standard error.
    #[track_caller]
    pub(crate) fn failed_with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self.stderr
    }
}

impl Place {
    /// An empty folder, in which a server picks a free port and mails as fast as it goes.
    pub(crate) fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("place-{:016x}", rand::random::<u64>()));
        fs::create_dir_all(&folder).unwrap();
        Self { folder, environment: Vec::new() }
            .with("TIDINGS_LISTEN", "127.0.0.1:0")
            .with("TIDINGS_MAIL_RATE", "0")
            .with("TIDINGS_MAIL_ADDRESS_LIMIT", "0")
    }

    /// … with one more setting in the environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sets it for what is run from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Leaves it out from now on.
    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// Where what is run keeps its data.
    pub(crate) fn database_url(&self) -> String {
        let set = self.environment.iter().find(|(name, _)| name == "TIDINGS_DATABASE_URL");
        let embedded = || format!("sqlite://{}", self.folder.join("data/tidings.db").display());
        set.map_or_else(embedded, |(_, url)| url.clone())
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TIDINGS_")) {
            command.env_remove(name);
        }
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.args(arguments).envs(environment).current_dir(&self.folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end with nothing on standard input.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Done {
        self.run_with(arguments, "").await
    }

    /// Runs a command to its end with this on standard input.
    pub(crate) async fn run_with(&self, arguments: &[&str], input: &str) -> Done {
        let mut command = self.command(arguments);
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await.unwrap();
        }
        let output = timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("{arguments:?} did not end")).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Starts a server and waits until it listens.
    pub(crate) async fn serve(&self) -> Process {
        let mut child = self.command(&["serve"]).spawn().unwrap();
        let (said, mut heard) = watch::channel(String::new());
        let mut listening = JoinSet::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        listening.spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                said.send_modify(|text| {
                    text.push_str(&line);
                    text.push('\n');
                });
            }
        });
        let ready = timeout(PATIENCE, heard.wait_for(|text| address_in(text).is_some())).await.is_ok();
        let text = heard.borrow().clone();
        let url = address_in(&text).filter(|_| ready).unwrap_or_else(|| panic!("it did not start: {text}"));
        Process { url, child, heard, _listening: listening }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Best effort: what is left lies in the target folder.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The address in the line that scripts wait for.
fn address_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("listening on ")?;
    let (url, _) = rest.split_once('\n')?;
    Some(url.to_owned())
}

/// A running server. It is killed when this is dropped.
pub(crate) struct Process {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    child: Child,
    heard: watch::Receiver<String>,
    _listening: JoinSet<()>,
}

impl Process {
    /// What it wrote on standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.heard.borrow().clone()
    }

    /// The number the system knows it by.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends a signal: `TERM`, `KILL`, `STOP`, `CONT`.
    pub(crate) async fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().await;
        assert!(sent.expect("the command kill: `apt-get install procps`").success());
    }

    /// Waits for its end; fails the test when that takes longer than `within`.
    pub(crate) async fn ended(&mut self, within: Duration) -> ExitStatus {
        let ended = timeout(within, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it still runs after {within:?}: {}", self.stderr())).unwrap()
    }

    /// Ends it without warning.
    pub(crate) async fn crash(mut self) {
        self.signal("KILL").await;
        self.ended(PATIENCE).await;
    }

    /// Ends it in good order.
    pub(crate) async fn stop(mut self) {
        self.signal("TERM").await;
        let status = self.ended(PATIENCE).await;
        assert!(status.success(), "{status}: {}", self.stderr());
    }
}
