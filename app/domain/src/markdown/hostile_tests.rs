//! What comes out however the source was made up.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

/// Pieces from which attacks and parser accidents are built.
const NASTY: &[&str] = &[
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href=\"javascript:alert(1)\">",
    "</p>",
    "</div>",
    "<svg/onload=x>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?php",
    "<style>",
    "</textarea>",
    "<iframe srcdoc='",
    "\" onclick=\"x",
    "' onmouseover='x",
    "[a](javascript:alert(1))",
    "[a](JaVa\tScript:x)",
    "[a](java&#x0A;script:x)",
    "[a](javascript&colon;x)",
    "[a](data:text/html,<script>)",
    "[a](//evil.example)",
    "[a](https://e.com/\"onclick=x)",
    "[a](<https://e.com/ x> \"t\\\"\")",
    "![a](https://e.com/x.png)",
    "![a](javascript:x)",
    "[![a](https://e.com/i)](https://e.com)",
    "<https://e.com/\"'>",
    "<javascript:x>",
    "https://e.com/\"><script>",
    "https://e.com/)*_~",
    "http://[::1",
    "[",
    "]",
    "(",
    ")",
    "](",
    "![",
    "[^1]",
    "[^1]: note",
    "[^a]: ",
    "[^a]",
    "[r]",
    "[r]: javascript:x",
    "[r]: https://e.com",
    "`",
    "``",
    "```",
    "```\"><x\n",
    "~~~a b\n",
    "~~",
    "*",
    "**",
    "_",
    "__",
    "***",
    ">",
    "> ",
    "> > ",
    "- ",
    "-\n",
    "1. ",
    "999999999. ",
    "- [ ] ",
    "- [x] ",
    "# ",
    "###### ",
    "===",
    "---",
    "|",
    "|a|b|\n|:-|-:|\n|c|d|\n",
    "|-|",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "    ",
    "\t",
    "  \n",
    "\\",
    "\\\n",
    "&",
    "&amp;",
    "&#0;",
    "&#10;",
    "&#13;",
    "&#27;",
    "&#x85;",
    "&lt;script&gt;",
    "&nbsp;",
    "\0",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{202e}",
    "\u{2066}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffe}",
    "é",
    "日本",
    "🦀",
    "مرحبا",
    "a",
    "word ",
    "$x$",
    "^x^",
    "+++\n",
    ":x:",
    "{time 2024-02-05 18:12 +08:00}",
    "{time 2024-02-05 10:12 Europe/Paris}",
    "{time ",
    "{time 2024-02-05 10:12 \"><b>}",
    "}",
];

fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(NASTY), 0..40).prop_map(|pieces| pieces.concat());
    prop_oneof![6 => pieces, 1 => any::<String>()]
}

/// Reads HTML as strictly as we promise to write it; all its attributes.
///
/// Only our elements with our attributes, every element closed where it belongs, nothing but escaped text between.
pub(super) fn read(html: &str) -> Result<Vec<(String, String)>, String> {
    const VOID: &[&str] = &["br", "hr"];
    const ELEMENTS: &[&str] = &[
        "p",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "pre",
        "code",
        "ul",
        "ol",
        "li",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "em",
        "strong",
        "del",
        "a",
        "sup",
        "span",
        "time",
    ];
    let mut open = Vec::new();
    let mut seen = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '>']) {
        let (text, markup) = rest.split_at(at);
        check_references(text)?;
        let Some(end) = markup.strip_prefix('<').and_then(|_| markup.find('>')) else {
            return Err(format!("a stray bracket: {markup}"));
        };
        let tag = &markup[1..end];
        rest = &markup[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        while !attributes.is_empty() {
            let (key, value) = attributes.split_once("=\"").ok_or(attributes)?;
            let (value, others) = value.split_once('"').ok_or(value)?;
            check_references(value)?;
            attributes = others.trim_start_matches(' ');
            let is_ours = match key {
                "dir" => value == "auto" || (name == "time" && value == "ltr"),
                "class" => {
                    ["table", "task", "footnote", "footnotes", "align-left", "align-center", "align-right"]
                        .contains(&value)
                        || (name == "code" && value.starts_with("language-"))
                }
                "href" => ["http://", "https://", "mailto:", "#fn"].iter().any(|start| value.starts_with(start)),
                "rel" => value == "nofollow noopener noreferrer",
                "id" => value.starts_with("fn") || (name.starts_with('h') && value.starts_with("section-")),
                "datetime" => name == "time" && value.bytes().all(|b| b.is_ascii_digit() || b"-:.TZ".contains(&b)),
                "role" | "tabindex" | "aria-label" | "scope" => true,
                "start" => value.bytes().all(|b| b.is_ascii_digit()),
                _ => false,
            };
            if !is_ours {
                return Err(format!("{key}=\"{value}\" in <{name}>"));
            }
            seen.push((key.to_owned(), value.to_owned()));
        }
        if ELEMENTS.contains(&name) {
            if name == "a" && open.contains(&"a") {
                return Err("a link within a link".to_owned());
            }
            open.push(name);
        } else if !VOID.contains(&name) {
            return Err(format!("<{name}>"));
        }
    }
    check_references(rest)?;
    if open.is_empty() { Ok(seen) } else { Err(format!("left open: {open:?}")) }
}

fn check_references(text: &str) -> Result<(), String> {
    let is_escaped =
        text.split('&').skip(1).all(|after| ["amp;", "lt;", "gt;", "quot;"].iter().any(|name| after.starts_with(name)));
    if is_escaped && !text.contains('"') { Ok(()) } else { Err(format!("not escaped: {text}")) }
}

/// A sanitizer that many rely on, told what we promise to write.
fn oracle() -> ammonia::Builder<'static> {
    let mut oracle = ammonia::Builder::empty();
    oracle
        .tags(HashSet::from([
            "p",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "pre",
            "code",
            "ul",
            "ol",
            "li",
            "div",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "em",
            "strong",
            "del",
            "a",
            "sup",
            "span",
            "time",
            "br",
            "hr",
        ]))
        .generic_attributes(HashSet::from(["dir", "class", "id", "role", "tabindex", "aria-label"]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "rel"])),
            ("ol", HashSet::from(["start"])),
            ("th", HashSet::from(["scope"])),
            ("time", HashSet::from(["datetime"])),
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::PassThrough)
        .link_rel(None);
    oracle
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn html_holds_nothing_that_we_did_not_mean(source in hostile()) {
        let html = to_html(&source);
        let seen = read(&html);
        prop_assert!(seen.is_ok(), "{:?}\nin {}", seen, html);
        let mut ids: Vec<_> = seen.unwrap_or_default().into_iter().filter(|(key, _)| key == "id").collect();
        ids.sort();
        let all = ids.len();
        ids.dedup();
        prop_assert_eq!(ids.len(), all, "an id twice in {}", html);
        prop_assert!(!html.chars().any(|c| characters::is_forbidden(c) && !matches!(c, '\n' | '\t')));
    }

    #[test]
    fn a_document_says_what_a_text_says_and_each_of_its_headings_can_be_reached(source in hostile()) {
        let article = to_article(&source, "");
        let seen = read(&article.html);
        prop_assert!(seen.is_ok(), "{:?}\nin {}", seen, article.html);
        let seen = seen.unwrap_or_default();
        let ids: HashSet<_> = seen.iter().filter(|(key, _)| key == "id").map(|(_, value)| value.clone()).collect();
        prop_assert_eq!(ids.len(), seen.iter().filter(|(key, _)| key == "id").count(), "an id twice");
        let mut before = 1;
        for heading in &article.headings {
            prop_assert!(ids.contains(&heading.id), "{:?} in {}", heading, article.html);
            prop_assert!((2..=before + 1).contains(&heading.level), "{:?}", article.headings);
            before = heading.level;
        }
        let words = |html: &str| {
            let mut text = String::new();
            let mut rest = html;
            while let Some((before, tag)) = rest.split_once('<') {
                text.push_str(before);
                rest = tag.split_once('>').map_or("", |(_, after)| after);
            }
            text + rest
        };
        prop_assert_eq!(words(&article.html), words(&to_html(&source)));
    }

    #[test]
    fn a_sanitizer_finds_nothing_to_remove(source in hostile()) {
        let html = to_html(&source);
        let cleaned = oracle().clean(&html).to_string();
        // It drops addresses that no browser could follow either, and writes two characters in another way.
        let mut expected = html.clone();
        for (key, value) in read(&html).unwrap_or_default() {
            let address = value.replace("&amp;", "&");
            if key == "href" && !value.starts_with('#') && ammonia::Url::parse(&address).is_err() {
                expected = expected.replace(&format!(" href=\"{value}\""), "");
            }
        }
        prop_assert_eq!(cleaned.replace("&nbsp;", "\u{a0}"), expected.replace("&quot;", "\""));
    }

    #[test]
    fn text_and_excerpts_hold_no_control_characters(source in hostile(), max_chars in 0_usize..80) {
        let text = to_text(&source);
        prop_assert!(!text.chars().any(|c| characters::is_forbidden(c) && !matches!(c, '\n' | '\t')), "{:?}", text);
        prop_assert!(!text.lines().any(|line| line.ends_with(' ')), "{:?}", text);
        prop_assert!(!text.ends_with('\n'));
        let line = excerpt(&source, max_chars);
        prop_assert!(!line.chars().any(|c| c.is_control() || characters::is_directional(c)), "{:?}", line);
        prop_assert!(line.chars().count() <= max_chars);
    }

    #[test]
    fn plain_words_come_out_whole(words in "[a-z]{1,8}( [a-z]{1,8}){0,20}") {
        prop_assert_eq!(to_text(&words), &words[..]);
        prop_assert_eq!(excerpt(&words, words.len()), &words[..]);
        prop_assert_eq!(to_html(&words), format!("<p dir=\"auto\">{words}</p>\n"));
    }
}
