//! What it was measured on.

use std::{fs, path::Path, process::Command};

use anyhow::Result;

/// One line: the machine's name, its processor, and the versions that matter.
pub(crate) fn describe(binary: &Path, mail_size: u64) -> Result<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let processor = processor.trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism()?;
    let memory: u64 =
        read("/proc/meminfo").split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or(0);
    let system = read("/etc/os-release");
    let system =
        system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or_default().trim_matches('"');
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let versions = [
        said(&binary.display().to_string(), &["--version"]),
        format!("commit {commit}"),
        said("rustc", &["--version"]),
        format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
        system.to_owned(),
        format!("Postfix {}", said("/usr/sbin/postconf", &["-dh", "mail_version"])),
        said("psql", &["--version"]),
    ];
    let name = read("/proc/sys/kernel/hostname");
    Ok(format!(
        "Machine `{}`: {cores} cores ({processor}), {} GiB of memory; {}. Mails of {mail_size} bytes over {} connections.",
        name.trim(),
        memory >> 20,
        versions.join(", "),
        super::place::CONNECTIONS,
    ))
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(|_| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
