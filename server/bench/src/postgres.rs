//! A PostgreSQL of our own, as its package sets it up: every commit is on the disk before it is answered.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result, ensure};

/// A running server. It ends, and its data goes, when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    databases: AtomicU32,
}

impl Server {
    /// Starts one. Its folder must be one that another user may enter, for it refuses to be root.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs().context("PostgreSQL was not found: `apt-get install postgresql`")?;
        let folder = env::temp_dir().join(format!("tidings-bench-postgres-{}", std::process::id()));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
        let server = Self { programs, folder, port, databases: AtomicU32::new(0) };
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"])?;
        let log = server.folder.join("log").display().to_string();
        let options = format!("-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''");
        server.run("pg_ctl", &["-D", &data, "-l", &log, "-o", &options, "-w", "start"])?;
        Ok(server)
    }

    /// A new database.
    pub(crate) fn database(&self) -> Result<Database<'_>> {
        let name = format!("tidings_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.ask("postgres", &format!("create database {name}"))?;
        Ok(Database { server: self, name })
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    fn ask(&self, database: &str, text: &str) -> Result<String> {
        let port = self.port.to_string();
        self.run("psql", &["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-AtX", "-c", text, database])
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let path = self.programs.join(program);
        let mut command = if fs::metadata("/proc/self")?.uid() == 0 {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        // Not its pipes to the server that it leaves behind.
        let said = fs::File::create(self.folder.join("said"))?;
        let status = command.args(arguments).current_dir("/").stdout(said.try_clone()?).stderr(said).status()?;
        let said = fs::read_to_string(self.folder.join("said"))?;
        ensure!(status.success(), "{program}: {said}");
        Ok(said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]));
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// One database of it.
#[derive(Debug)]
pub(crate) struct Database<'a> {
    server: &'a Server,
    name: String,
}

impl Database<'_> {
    /// As `TIDINGS_DATABASE_URL` wants it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    /// How many bytes it has on the disk.
    pub(crate) fn size(&self) -> Result<u64> {
        Ok(self.server.ask(&self.name, "select pg_database_size(current_database())")?.trim().parse()?)
    }
}

/// The folder with `initdb`: Debian's newest, else the one in `PATH`.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    folders.sort_by_key(|folder| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok());
    let in_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    folders.into_iter().rev().chain(in_path).find(|folder: &PathBuf| Path::is_file(&folder.join("initdb")))
}
