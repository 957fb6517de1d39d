//! Embeds everything browsers download, so that `tidings` is one file.
//!
//! `target/site` (made by `cargo front`) and `style/` go in as they are and, where that is smaller, also compressed:
//! no request ever waits for a compressor. One hash over all of it names the folder they are served from.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let style = root.join("style");
    // Cargo looks into both folders, and would start over each time if one of them were missing.
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let site = target.join("site");
    fs::create_dir_all(&site)?;
    println!("cargo::rerun-if-env-changed=CARGO_TARGET_DIR");
    println!("cargo::rerun-if-changed={}", site.display());
    println!("cargo::rerun-if-changed={}", style.display());

    let mut assets = files(&site)?;
    if assets.is_empty() {
        println!("cargo::warning=no islands yet: pages work, nothing on them is live. `cargo front` builds them.");
    }
    assets.push(("site.css".into(), sheet(&style, &["tokens.css", "main.css", "pages.css", "print.css"])?));
    assets.push(("console.css".into(), sheet(&style, &["console.css"])?));
    for script in ["challenge.js", "public.js"] {
        assets.push((script.into(), squeezed(&fs::read_to_string(style.join(script))?).into_bytes()));
    }
    assets.retain(|(_, bytes)| !bytes.is_empty());
    let root_files = files(&style.join("public"))?;

    let mut hasher = DefaultHasher::new();
    assets.hash(&mut hasher);
    println!("cargo::rustc-env=ASSETS_VERSION={:016x}", hasher.finish());

    let out = PathBuf::from(env::var("OUT_DIR")?);
    write_table(&out.join("assets"), &assets)?;
    write_table(&out.join("root_files"), &root_files)
}

/// The files of one folder by name, in order; none if there is no such folder.
fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                let name =
                    entry.file_name().into_string().map_err(|name| format!("{} is not Unicode", name.display()))?;
                found.push((name, fs::read(entry.path())?));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// One file made of several, in the order given; a part that does not exist adds nothing.
fn sheet(style: &Path, parts: &[&str]) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    for part in parts {
        let part = style.join(part);
        if part.is_file() {
            whole.extend(fs::read(part)?);
        }
    }
    Ok(whole)
}

/// A script without its comments and needless blanks. It knows no more of the language than `public.js` needs: comments
/// fill whole lines, statements end in semicolons, and strings do not hold their own quotes.
fn squeezed(script: &str) -> String {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let letters: Vec<char> = lines.flat_map(|line| line.chars().chain(['\n'])).collect();
    let is_word = |at: usize| letters.get(at).is_some_and(|letter| letter.is_alphanumeric() || "_$".contains(*letter));
    let is_one_of = |at: usize, all: &str| letters.get(at).is_none_or(|letter| all.contains(*letter));
    let mut quote = None;
    let mut squeezed = String::new();
    for (at, letter) in letters.iter().copied().enumerate() {
        let is_kept = match letter {
            _ if quote.is_some() => true,
            ' ' => is_word(at.saturating_sub(1)) && is_word(at + 1),
            '\n' => !is_one_of(at.saturating_sub(1), ";{,(>") && !is_one_of(at + 1, "}"),
            _ => true,
        };
        match quote {
            Some(open) if open == letter => quote = None,
            None if "\"'`".contains(letter) => quote = Some(letter),
            _ => {}
        }
        if is_kept {
            squeezed.push(letter);
        }
    }
    squeezed
}

/// Writes the files and their smaller forms, and beside them the Rust text that embeds them.
fn write_table(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut code = String::from("&[\n");
    for (name, bytes) in files {
        let embed = |suffix: &str, bytes: &[u8]| -> Result<String> {
            let path = folder.join(format!("{name}{suffix}"));
            fs::write(&path, bytes)?;
            let path = path.to_str().ok_or("the build folder's name is not Unicode")?;
            Ok(format!("include_bytes!({path:?})"))
        };
        let smaller = |suffix: &str, compressed: Vec<u8>| -> Result<String> {
            if compressed.len() >= bytes.len() {
                return Ok("None".into());
            }
            Ok(format!("Some({})", embed(suffix, &compressed)?))
        };
        let plain = embed("", bytes)?;
        let brotli = smaller(".br", brotli(bytes)?)?;
        let gzip = smaller(".gz", gzip(bytes)?)?;
        writeln!(code, "    File {{ name: {name:?}, plain: {plain}, brotli: {brotli}, gzip: {gzip} }},")?;
    }
    code.push_str("]\n");
    fs::write(folder.with_extension("rs"), code)?;
    Ok(())
}

/// The smallest form nearly every browser understands (RFC 7932).
fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let parameters =
        brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: bytes.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters)?;
    Ok(compressed)
}

/// The form everything else understands (RFC 1952), with no time in it: equal files stay equal.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
