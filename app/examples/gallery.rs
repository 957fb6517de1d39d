//! Writes every public page in many states as files, to be looked at and measured:
//! `cargo run -p app --features ssr --example gallery -- FOLDER`.
#![expect(clippy::unwrap_used, reason = "a tool for those who work on the pages, which may stop where it stands")]

use std::{fs, path::PathBuf};

#[path = "../tests/samples/mod.rs"]
mod samples;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/gallery".to_owned()));
    let style = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../style");
    fs::create_dir_all(folder.join("assets")).unwrap();
    let sheets =
        ["tokens.css", "main.css", "pages.css", "print.css"].map(|name| fs::read_to_string(style.join(name)).unwrap());
    fs::write(folder.join("assets/site.css"), sheets.concat()).unwrap();
    fs::copy(style.join("public.js"), folder.join("assets/public.js")).unwrap();
    for (name, html) in samples::gallery::pages() {
        let html = html.replace("/assets/abc/", "assets/");
        fs::write(folder.join(format!("{name}.html")), html).unwrap();
    }
}
