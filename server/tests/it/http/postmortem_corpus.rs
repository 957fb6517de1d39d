//! Long reports that other companies wrote, as they wrote them: nothing of them is lost on the page, in the mail, in feeds.

use std::{fs, path::PathBuf};

use domain::subscriber::Follows;

use crate::support::{app::TestApp, form::Form, markup::unescape, statuspage::corpus};

/// Their texts, or nothing where the corpus is not there.
fn texts() -> Vec<(String, String)> {
    let folders = ["postmortems", "../seeds"].into_iter().filter_map(corpus);
    let mut files: Vec<PathBuf> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.file_name().is_some_and(|name| name != "README.md"))
        .collect();
    files.sort();
    let name = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// Letters and digits alone: what is left of words however they are drawn.
fn bare(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// What HTML says, without its tags.
fn said(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    bare(&unescape(&(text + rest)))
}

/// The words of every line between what Markdown takes out of it: cells of tables, texts of links, references to notes.
fn pieces(source: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut is_code = false;
    for line in source.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if is_code {
            pieces.push(bare(line));
            continue;
        }
        let is_target = trimmed.starts_with('[') && !trimmed.starts_with("[^") && trimmed.contains("]: ");
        if is_target {
            continue;
        }
        let words = trimmed.trim_start_matches(['>', ' ', '#', '-', '*', '+']);
        let words = words.strip_prefix("[x] ").or_else(|| words.strip_prefix("[ ] ")).unwrap_or(words);
        let number = words.find(|letter: char| !letter.is_ascii_digit()).unwrap_or_default();
        let words = words.get(number..).and_then(|rest| rest.strip_prefix(". ")).unwrap_or(words);
        let mut rest = words;
        while let Some(place) = rest.find(['|', '[', ']']) {
            pieces.push(bare(&rest[..place]));
            let (mark, after) = rest[place..].split_at(1);
            rest = match (mark, after.chars().next()) {
                ("]", Some('(')) => after.split_once(')').map_or("", |(_, after)| after),
                ("[", Some('^')) => after.split_once(']').map_or("", |(_, after)| after),
                _ => after,
            };
        }
        pieces.push(bare(rest));
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[test]
fn a_line_is_taken_apart_where_markdown_is() {
    assert_eq!(
        pieces(
            "## A *b*\n1. See [the docs](https://e.com/x) now[^1].\n| a | **b** c |\n[^1]: Note\n- [x] done\n```\n1. x | y\n```"
        ),
        ["Ab", "See", "thedocs", "now", "a", "bc", "Note", "done", "1xy"]
    );
}

#[tokio::test]
async fn nothing_of_a_long_report_is_lost_anywhere() {
    let texts = texts();
    if texts.is_empty() {
        return;
    }
    assert!(texts.len() > 8, "only {} texts", texts.len());
    let app = TestApp::start().await;
    let owner = app.owner().await;
    app.followers(&["reader@example.com"], &Follows::everything()).await;
    for (number, (name, source)) in texts.iter().enumerate() {
        let id = Form::incident(name).with("display_at", "2024-02-05 10:12 UTC").open(&owner).await;
        let end = Form::update("resolved", "Over.").with("display_at", "2024-02-05 11:39 UTC");
        end.say(&owner, &id).await;
        let form = Form::postmortem(0, source).with("notify", "yes").with("intent", "publish");
        form.post(&owner, &format!("/admin/incidents/{id}/postmortem")).await.is(303);
        let letters = app.letters(number + 1).await;
        let letter = letters.iter().find(|letter| letter.text.contains(&id)).unwrap();
        let feed = app.visitor().get("/updates.json").await;
        let feed: serde_json::Value = serde_json::from_str(&feed.body).unwrap();
        let items = feed["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["url"].as_str().unwrap().ends_with(&format!("/postmortems/{id}")));
        let page = app.visitor().get(&format!("/postmortems/{id}")).await;
        page.is(200);
        for (place, text) in [
            ("page", said(&page.body)),
            ("mail", bare(&letter.text)),
            ("mail’s HTML", said(&letter.html)),
            ("feed", said(item.unwrap()["content_html"].as_str().unwrap())),
        ] {
            for piece in pieces(source) {
                assert!(text.contains(&piece), "{name}: the {place} lacks {piece:?}");
            }
        }
    }
}
