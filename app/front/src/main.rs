//! `cargo front` builds what browsers download into `target/site`; `cargo front run …` then starts `tidings …`.
//!
//! ```text
//! app ──cargo, wasm32──▶ app.wasm ──wasm-bindgen──▶ site.js, site_bg.wasm ─┐
//! app/src/islands.js ──────────────────────────────────────────────────────┴▶ target/site ──▶ server/build.rs
//! ```
//!
//! A separate step on purpose: `cargo check`, `clippy`, `test` and rust-analyzer never build WebAssembly.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, exit},
};

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let first = arguments.next();
    if let Some(other) = first.as_deref().filter(|first| *first != "run") {
        bail!("`cargo front {other}`? Try `cargo front` or `cargo front run serve`.");
    }

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("no workspace above app/front")?;
    build(root)?;

    if first.is_some() {
        let status = Command::new("cargo")
            .current_dir(root)
            .args(["run", "--package", "server", "--"])
            .args(arguments)
            .status()?;
        exit(status.code().unwrap_or(1));
    }
    Ok(())
}

/// Brings `target/site` up to date with `app`.
fn build(root: &Path) -> Result<()> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let wasm = compile(root, &target.join("front"))?;

    // Written beside and swapped in: a server being built meanwhile never sees half a site.
    let (fresh, site) = (target.join("site.new"), target.join("site"));
    remove(&fresh)?;
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .out_name("site")
        .typescript(false)
        // The loader calls `init()` with nothing, so that no page has to know where the module lives.
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&fresh)?;
    fs::copy(root.join("app/src/islands.js"), fresh.join("islands.js"))?;
    if same(&fresh, &site)? {
        remove(&fresh)?;
    } else {
        remove(&site)?;
        fs::rename(&fresh, &site)?;
    }
    eprintln!("front: {} is up to date", site.display());
    Ok(())
}

/// Compiles the browser half of `app` and says where the WebAssembly is.
fn compile(root: &Path, target: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    if let Some(other) = toolchain()? {
        // The variables cargo sets name this tool's compiler, and the other one would obey them.
        for (name, _) in
            env::vars_os().filter(|(name, _)| name == "CARGO" || name.to_string_lossy().starts_with("RUSTC"))
        {
            cargo.env_remove(name);
        }
        cargo.env("RUSTUP_TOOLCHAIN", other);
    }
    let status = cargo
        .current_dir(root)
        .args(["build", "--package", "app", "--lib", "--features", "hydrate", "--profile", "wasm-release"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(target)
        .status()?;
    ensure!(status.success(), "the browser half of `app` does not compile");
    Ok(target.join(TARGET).join("wasm-release/app.wasm"))
}

/// The rustup toolchain that must build for the browser, unless the current one can.
fn toolchain() -> Result<Option<&'static str>> {
    for candidate in [None, Some("debian")] {
        let mut rustc = Command::new("rustc");
        if let Some(name) = candidate {
            rustc.env("RUSTUP_TOOLCHAIN", name);
        }
        let asked = rustc.args(["--print", "target-libdir", "--target", TARGET]).output()?;
        if asked.status.success() && Path::new(String::from_utf8(asked.stdout)?.trim()).is_dir() {
            return Ok(candidate);
        }
    }
    bail!("your compiler cannot build for {TARGET}: run `.ci/wasm-toolchain`, which prepares one that can");
}

/// Whether two folders hold the same files, so that an unchanged site does not rebuild the server.
fn same(left: &Path, right: &Path) -> Result<bool> {
    if !right.is_dir() || fs::read_dir(left)?.count() != fs::read_dir(right)?.count() {
        return Ok(false);
    }
    for entry in fs::read_dir(left)? {
        let entry = entry?;
        let other = right.join(entry.file_name());
        if !other.is_file() || fs::read(entry.path())? != fs::read(other)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes a folder, if there is one.
fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
