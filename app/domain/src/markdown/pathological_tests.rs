//! Time, memory and stack, however the source was made up.

use super::hostile_tests::read;
use super::*;

/// Sources of 100 kB that make careless renderers slow, recursive or verbose.
fn pathological() -> Vec<(&'static str, String)> {
    let url = format!("https://example.com/{}", "x".repeat(40_000));
    vec![
        ("quotes", ">".repeat(100_000)),
        ("quotes over many lines", format!("{}\n{}", ">".repeat(50_000), "a\n".repeat(25_000))),
        ("quotes, each deeper", (0..440).map(|n| ">".repeat(n) + "a\n").collect()),
        ("lists", "- ".repeat(50_000) + "a"),
        ("numbered lists", "1. ".repeat(33_000) + "a"),
        ("lists, each deeper", (0..440).map(|n| " ".repeat(n) + "- a\n").collect()),
        ("brackets", "[".repeat(50_000)),
        ("bracket pairs", "[]".repeat(50_000)),
        ("nested brackets", "[".repeat(50_000) + &"]".repeat(50_000)),
        ("images", "![".repeat(50_000)),
        ("links", "[a](".repeat(25_000)),
        ("nested links", "[".repeat(30_000) + "a" + &"](https://e)".repeat(6_000)),
        ("nested images", "![".repeat(30_000) + "a" + &"](https://e)".repeat(6_000)),
        ("one long link used often", format!("[a]: {url}\n\n{}", "[a]".repeat(20_000))),
        ("emphasis", "*a ".repeat(33_000)),
        ("emphasis opened and closed", "*a_ ".repeat(25_000)),
        ("nested emphasis", "*a **b ".repeat(7_000) + &"c** d* ".repeat(7_000)),
        ("strikes", "~~a ".repeat(25_000)),
        ("backticks, each longer", (0..440).map(|n| "a".to_owned() + &"`".repeat(n)).collect()),
        ("backticks", "`".repeat(100_000)),
        ("backticks apart", "`a``b".repeat(20_000)),
        ("open HTML", "<a ".repeat(33_000)),
        ("open comments", "<!--".repeat(25_000)),
        ("open declarations", "<!A ".repeat(25_000)),
        ("open instructions", "a <?".repeat(25_000)),
        ("a wide table", format!("{}\n{}\n{}", "|a".repeat(20_000), "|-".repeat(20_000), "|\n".repeat(10_000))),
        ("a cell that widens many", format!("|a|b|\n|-|-|\n|{}|c|\n{}", "x".repeat(60_000), "|d|e|\n".repeat(6_000))),
        ("references to a footnote", format!("{}\n\n[^a]: b", "[^a]".repeat(25_000))),
        ("footnotes", (0..6_000).map(|n| format!("[^{n}]\n\n[^{n}]: a\n\n")).collect::<Vec<_>>().concat()),
        ("footnotes in footnotes", "[^a]: ".repeat(16_000)),
        ("URLs", "https://a ".repeat(10_000)),
        ("a URL of schemes", "https://".repeat(12_500)),
        ("a URL of brackets", format!("https://a{}", ")".repeat(99_000))),
        ("character references", "&#x2028;&quot;".repeat(7_000)),
        ("characters to escape", "\"".repeat(100_000)),
        ("not ASCII in a link", format!("[a](https://e/{})", "é".repeat(50_000))),
        ("line ends", "\n".repeat(100_000)),
        ("typed line breaks", "a\n".repeat(50_000)),
        ("backslashes", "\\".repeat(100_000)),
        ("one heading of many lines", "a\n".repeat(50_000) + "==="),
        ("tasks", "- [x] ".repeat(16_000)),
        ("code", "    a\n".repeat(16_000)),
        ("headings", "# a\n".repeat(25_000)),
        (
            "headings of one name and its numbers",
            (0..6_000).flat_map(|n| ["# a\n# a ".to_owned(), n.to_string(), "\n".to_owned()]).collect(),
        ),
        ("times", "{time 2024-02-05 10:12}".repeat(4_000)),
        ("what could be times", "{time ".repeat(16_000)),
        ("what is no time", "{time 0:0 Europe/Nowhere}".repeat(4_000)),
    ]
}

/// A stack much smaller than any thread has, so that recursion over the source would end the test run.
const SMALL_STACK: usize = 256 * 1024;

#[test]
fn pathological_text_is_drawn_whole_on_a_small_stack() -> Result<(), String> {
    let drawing = std::thread::Builder::new().stack_size(SMALL_STACK).spawn(|| {
        for (name, source) in pathological() {
            let html = to_html(&source);
            if let Err(problem) = read(&html) {
                let start: String = problem.chars().take(200).collect();
                return Err(format!("{name}: {start}"));
            }
            let article = to_article(&source, "");
            if let Err(problem) = read(&article.html) {
                let start: String = problem.chars().take(200).collect();
                return Err(format!("{name}, as a document: {start}"));
            }
            let text = to_text(&source);
            let line = excerpt(&source, 120);
            for (kind, length, most) in [
                ("HTML", html.len(), 40 * source.len()),
                ("document", article.html.len(), 40 * source.len()),
                ("text", text.len(), 40 * source.len()),
                ("excerpt", line.chars().count(), 120),
            ] {
                if length > most {
                    return Err(format!("{name}: {length} bytes of {kind} from {}", source.len()));
                }
            }
        }
        Ok(())
    });
    drawing.map_err(|error| error.to_string())?.join().map_err(|_| "it panicked".to_owned())?
}
