//! Mail servers that others wrote: Postfix's `smtp-sink` and aiosmtpd.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use super::console::eventually;

/// A mail server of another author. It ends when it is dropped, and what it took goes.
pub(super) struct Sink {
    folder: PathBuf,
    address: SocketAddr,
    _server: Child,
}

/// A mail as it arrived.
pub(super) struct Arrived {
    /// The address in `RCPT TO`.
    pub(super) to: String,
    /// Headers and body, with what the server put before.
    pub(super) message: Vec<u8>,
}

impl Sink {
    /// `smtp-sink`: counts what it takes, and keeps each mail in a file.
    pub(super) async fn postfix() -> Self {
        let program = ["/usr/sbin/smtp-sink", "/usr/bin/smtp-sink", "/usr/local/sbin/smtp-sink"];
        let program = program.iter().find(|path| Path::new(path).is_file());
        let program = program.expect("Postfix's smtp-sink was not found: `apt-get install postfix`");
        Self::start(|folder, address| {
            let mut command = Command::new(program);
            // It refuses to be root.
            if fs::metadata("/proc/self").unwrap().uid() == 0 {
                command.args(["-u", "postfix"]);
            }
            command.arg("-c").arg("-d").arg(folder.join("mail.")).arg(address.to_string()).arg("1000");
            command.stdout(fs::File::create(folder.join("counters")).unwrap());
            command
        })
        .await
    }

    /// aiosmtpd: another author's idea of the same RFCs, strict about line ends and lengths.
    pub(super) async fn aiosmtpd() -> Self {
        let python = Path::new("/usr/bin/python3");
        let found = std::process::Command::new(python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        let is_there = found.is_ok_and(|status| status.success());
        assert!(is_there, "aiosmtpd was not found: `apt-get install python3-aiosmtpd`");
        Self::start(|folder, address| {
            let mut command = Command::new(python);
            command.args(["-c", include_str!("aiosmtpd.py")]).arg(folder);
            command.arg(address.ip().to_string()).arg(address.port().to_string());
            command
        })
        .await
    }

    async fn start(command: impl FnOnce(&Path, SocketAddr) -> Command) -> Self {
        // Not below our own folder, into which another user may not look.
        let folder = std::env::temp_dir().join(format!("tidings-sink-{:016x}", rand::random::<u64>()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = command(&folder, address).kill_on_drop(true).stdin(Stdio::null()).spawn().unwrap();
        let sink = Self { folder, address, _server: server };
        let is_up = eventually(Duration::from_secs(20), async || TcpStream::connect(address).await.is_ok()).await;
        assert!(is_up, "the mail server at {address} does not answer");
        sink
    }

    /// As `TIDINGS_SMTP_URL` wants it.
    pub(super) fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// How many mails `smtp-sink` says that it took, by its own counter.
    pub(super) fn counted(&self) -> usize {
        let counters = fs::read_to_string(self.folder.join("counters")).unwrap();
        let last = counters.rsplit("mesg=").next().unwrap();
        last.trim().parse().unwrap()
    }

    /// Everything that arrived.
    pub(super) fn arrived(&self) -> Vec<Arrived> {
        let entries = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        let mails = entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("mail."));
        mails
            .map(|path| {
                let message = fs::read(path).unwrap();
                let text = String::from_utf8_lossy(&message);
                let line = text.lines().find_map(|line| line.strip_prefix("X-Rcpt-Args: <")).unwrap();
                let to = line.split_once('>').unwrap().0.to_owned();
                Arrived { to, message }
            })
            .collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}
