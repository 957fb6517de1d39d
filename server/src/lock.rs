//! Files that only one process may hold: the mail worker of an embedded database, and names for nodes.
//!
//! The operating system lets go of a lock when its process ends, however it ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
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

/// Takes the name of a node that no other process on this data folder has: the same one after a restart, so that it finds
/// what it had leased. `random` becomes the name when there is none yet.
pub fn node_name(data: &Path, random: u64) -> Result<(LockFile, String), LockError> {
    for number in 1..=NODES {
        let path = data.join(format!("node-{number}.lock"));
        match lock(&path) {
            Ok(mut lock) => {
                let name = lock.name(random).map_err(|error| LockError::Failed(path, error))?;
                return Ok((lock, name));
            }
            Err(LockError::Taken(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(LockError::Taken(data.to_owned()))
}

impl LockFile {
    fn name(&mut self, random: u64) -> io::Result<String> {
        let mut name = String::new();
        self.file.read_to_string(&mut name)?;
        if name.is_empty() {
            name = format!("{random:016x}");
            self.file.write_all(name.as_bytes())?;
        }
        Ok(name)
    }
}
