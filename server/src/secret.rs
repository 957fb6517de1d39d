//! What signs the links in mails.

use std::{fs, io::Write as _, path::Path};

use domain::token;
use sha2::{Digest, Sha256};

use crate::config::Config;

/// The configured secret, else the one in the data folder, which is made when it is missing.
pub fn load(config: &Config) -> Result<token::Secret, String> {
    let text = match &config.secret {
        Some(secret) => secret.0.clone(),
        None => kept(&config.data.join("secret"))?,
    };
    Ok(token::Secret::from_bytes(Sha256::digest(text.as_bytes()).into()))
}

fn kept(path: &Path) -> Result<String, String> {
    let problem = |error: std::io::Error| format!("{} cannot be used: {error}", path.display());
    match fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= 32 => return Ok(text.trim().to_owned()),
        Ok(_) => return Err(format!("{} is too short to be a secret: restore it from a backup", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(problem(error)),
    }
    let text = token::opaque("secret", rand::random());
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(problem)?;
            Ok(text)
        }
        // Another process made it in the meantime.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => kept(path),
        Err(error) => Err(problem(error)),
    }
}
