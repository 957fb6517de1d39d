//! Files that only one process may hold: the mail worker of an embedded database, and names for nodes.
//!
//! The operating system lets go of a lock when its process ends, however it ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// More processes than ever share a data folder.
const NODES: u32 = 64;

/// Held while this value lives.
#[derive(Debug)]
pub struct LockFile {
    file: File,
}

/// Why a lock was not given.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("another tidings process is using {0}: stop it first, or give this one its own TIDINGS_DATA")]
    Taken(PathBuf),
    /// The file system said no.
    #[error("cannot lock {0}: {1}")]
    Failed(PathBuf, io::Error),
}

/// Takes the lock at `path`, made when it is missing. Refuses at once when another process holds it.
pub fn lock(path: &Path) -> Result<LockFile, LockError> {
    let failed = |error| LockError::Failed(path.to_owned(), error);
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(LockFile { file }),
        Err(TryLockError::WouldBlock) => Err(LockError::Taken(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// What a process is called among the nodes: the same after a restart, so that it finds what it had leased.
#[derive(Clone, Debug)]
pub struct NodeName {
    name: String,
    /// Where it is written down, for no other process on this data folder.
    file: Option<Arc<LockFile>>,
}

impl From<&str> for NodeName {
    /// One that is written down nowhere.
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), file: None }
    }
}

impl NodeName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Another name, from now on: when the data folder was copied, there are two of the old one.
    #[must_use]
    pub fn replaced(&self, random: u64) -> Self {
        let name = format!("{random:016x}");
        if let Some(Err(error)) = self.file.as_ref().map(|file| file.write(&name)) {
            tracing::warn!(%error, "This node's new name cannot be written down; after a restart it has its old one.");
        }
        Self { name, file: self.file.clone() }
    }
}

/// Takes the name of a node that no other process on this data folder has. `random` becomes the name when there is none yet.
pub fn node_name(data: &Path, random: u64) -> Result<NodeName, LockError> {
    for number in 1..=NODES {
        let path = data.join(format!("node-{number}.lock"));
        match lock(&path) {
            Ok(file) => {
                let name = file.name(random).map_err(|error| LockError::Failed(path, error))?;
                return Ok(NodeName { name, file: Some(Arc::new(file)) });
            }
            Err(LockError::Taken(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(LockError::Taken(data.to_owned()))
}

impl LockFile {
    fn name(&self, random: u64) -> io::Result<String> {
        let mut name = String::new();
        (&self.file).read_to_string(&mut name)?;
        if name.is_empty() {
            name = format!("{random:016x}");
            self.write(&name)?;
        }
        Ok(name)
    }

    fn write(&self, name: &str) -> io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(name.as_bytes())
    }
}
