//! What people write and what comes out, example by example.

use super::*;

#[test]
fn a_typed_line_break_stays_a_line_break() {
    let source = "10:02 degraded\r\n10:07 worse\r10:09 fixed\n\nThanks";
    assert_eq!(
        to_html(source),
        "<p dir=\"auto\">10:02 degraded<br>\n10:07 worse<br>\n10:09 fixed</p>\n<p dir=\"auto\">Thanks</p>\n"
    );
    assert_eq!(to_text(source), "10:02 degraded\n10:07 worse\n10:09 fixed\n\nThanks");
}

#[test]
fn headings_begin_below_those_of_the_page() {
    let html = to_html("# One\n## Two\n### Three\n#### Four\n##### Five\n###### Six");
    for expected in [">One</h3>", ">Two</h4>", ">Three</h5>", ">Four</h6>", ">Five</h6>", ">Six</h6>"] {
        assert!(html.contains(expected), "{expected} in {html}");
    }
    assert!(!html.contains("<h1") && !html.contains("<h2"));
    assert_eq!(
        to_text("# Root cause\nA bug.\n## Größe\nSmall.\n### Next\nRest."),
        "Root cause\n==========\n\nA bug.\n\nGröße\n-----\n\nSmall.\n\nNext\n\nRest."
    );
}

#[test]
fn html_is_shown_as_it_was_typed() {
    assert_eq!(
        to_html("<script>\nalert(1)\n</script>\n\na <b onclick=\"x\">b</b>"),
        "<p dir=\"auto\">&lt;script&gt;<br>\nalert(1)<br>\n&lt;/script&gt;</p>\n\
         <p dir=\"auto\">a &lt;b onclick=&quot;x&quot;&gt;b&lt;/b&gt;</p>\n"
    );
    assert_eq!(to_text("<div>\n  5 < 6\n</div>"), "<div>\n  5 < 6\n</div>");
}

#[test]
fn links_say_where_they_lead_unless_they_may_not() {
    let rel = "rel=\"nofollow noopener noreferrer\"";
    for (source, html, text) in [
        (
            "[the *docs*](https://example.com/?a=1&amp;b=2)",
            format!("<a href=\"https://example.com/?a=1&amp;b=2\" {rel}>the <em>docs</em></a>"),
            "the docs (https://example.com/?a=1&b=2)",
        ),
        (
            "See https://example.com/a_b?x=*.",
            format!("See <a href=\"https://example.com/a_b?x=\" {rel}>https://example.com/a_b?x=</a>*."),
            "See https://example.com/a_b?x=*.",
        ),
        (
            "<https://example.com>",
            format!("<a href=\"https://example.com\" {rel}>https://example.com</a>"),
            "https://example.com",
        ),
        ("<jo@example.com>", format!("<a href=\"mailto:jo@example.com\" {rel}>jo@example.com</a>"), "jo@example.com"),
        (
            "[jo@example.com](mailto:jo@example.com)",
            format!("<a href=\"mailto:jo@example.com\" {rel}>jo@example.com</a>"),
            "jo@example.com",
        ),
        (
            "[](https://example.com)",
            format!("<a href=\"https://example.com\" {rel}>https://example.com</a>"),
            "https://example.com",
        ),
        (
            "[a][b]\n\n[B]: https://example.com 'title'",
            format!("<a href=\"https://example.com\" {rel}>a</a>"),
            "a (https://example.com)",
        ),
        ("[x](javascript:alert(1))", "x".to_owned(), "x"),
        ("[x](javascript&colon;alert(1))", "x".to_owned(), "x"),
        ("[x](&#1;javascript:alert(1))", "x".to_owned(), "x"),
        ("[x](//example.com)", "x".to_owned(), "x"),
        ("[x](/admin)", "x".to_owned(), "x"),
        ("[](/admin)", "/admin".to_owned(), "/admin"),
        ("<javascript:alert(1)>", "javascript:alert(1)".to_owned(), "javascript:alert(1)"),
        ("`https://example.com`", "<code>https://example.com</code>".to_owned(), "https://example.com"),
    ] {
        assert_eq!(to_html(source), format!("<p dir=\"auto\">{html}</p>\n"), "{source}");
        assert_eq!(to_text(source), text, "{source}");
    }
}

#[test]
fn images_become_links() {
    let html = to_html("![Error *rate*](https://example.com/x.png) ![](https://e.com/y) ![z](data:image/png;base64,)");
    assert!(!html.contains("<img"));
    assert!(html.contains(">Error <em>rate</em></a>"), "{html}");
    assert!(html.contains(">https://e.com/y</a> z</p>"), "{html}");
    assert_eq!(to_text("![Graph](https://e.com/y)"), "Graph (https://e.com/y)");
}

#[test]
fn a_link_around_an_image_is_one_link() {
    let html = to_html("[![alt](https://a.example/i.png)](https://b.example)");
    assert_eq!(html.matches("<a ").count(), 1);
    assert!(html.contains("href=\"https://b.example\"") && html.contains(">alt</a>"), "{html}");
}

#[test]
fn code_is_left_alone() {
    assert_eq!(
        to_html("```rust\nlet a = \"<b>\" && https://c;\n\n  d\n```"),
        "<pre dir=\"auto\" tabindex=\"0\"><code class=\"language-rust\">let a = &quot;&lt;b&gt;&quot; &amp;&amp; https://c;\n\n  d\n</code></pre>\n"
    );
    for info in ["a\"b", "x onclick=y", "é", "a&#34;b", &"a".repeat(33)] {
        let html = to_html(&format!("```{info}\nx\n```"));
        assert!(!html.contains("class=\"language-") || info.starts_with("x "), "{html}");
        assert!(!html.contains("onclick"), "{html}");
    }
    assert_eq!(to_text("Run\n```\nmake\n\n  all\n```\nthen"), "Run\n\n    make\n\n      all\n\nthen");
}

#[test]
fn tables_scroll_and_align_without_styles() {
    let source = "| Region | Errors |\n|:--|--:|\n| eu | 12 % |\n| us-east | 3 % |\n| ap |\n";
    let html = to_html(source);
    assert!(
        html.starts_with(
            "<div class=\"table\" role=\"group\" tabindex=\"0\" aria-label=\"Table\" dir=\"auto\"><table>\n<thead><tr>"
        ),
        "{html}"
    );
    assert!(html.contains("<th scope=\"col\" class=\"align-right\">Errors</th>"), "{html}");
    assert!(html.contains("<td class=\"align-right\" dir=\"auto\">12 %</td>"), "{html}");
    assert!(html.ends_with("<td></td></tr>\n</tbody></table></div>\n"), "{html}");
    assert!(!html.contains("style"));
    assert_eq!(to_text(source), "Region  | Errors\n--------+-------\neu      |   12 %\nus-east |    3 %\nap      |");
}

#[test]
fn what_holds_others_runs_as_the_first_of_them_does() {
    let html = to_html("> א\n>\n> b\n\n1. א\n\n   b\n2. c\n   - d\n   - e\n\n| א | b |\n|---|---|\n| c | d |\n");
    assert_eq!(
        html,
        "<blockquote dir=\"auto\">\n<p>א</p>\n<p dir=\"auto\">b</p>\n</blockquote>\n\
         <ol dir=\"auto\">\n<li><p>א</p>\n<p dir=\"auto\">b</p>\n</li>\n\
         <li dir=\"auto\"><p>c</p>\n<ul dir=\"auto\">\n<li>d</li>\n<li dir=\"auto\">e</li>\n</ul>\n</li>\n</ol>\n\
         <div class=\"table\" role=\"group\" tabindex=\"0\" aria-label=\"Table\" dir=\"auto\"><table>\n\
         <thead><tr><th scope=\"col\">א</th><th scope=\"col\">b</th></tr></thead>\n\
         <tbody>\n<tr><td dir=\"auto\">c</td><td dir=\"auto\">d</td></tr>\n</tbody></table></div>\n"
    );
}

#[test]
fn a_wide_table_is_written_cell_after_cell() {
    let cell = "long ".repeat(20);
    let text = to_text(&format!("|a|b|\n|-|-|\n|{cell}|x|\n"));
    assert_eq!(text, format!("a | b\n---\n{} | x", cell.trim()));
}

#[test]
fn lists_keep_their_shape() {
    assert_eq!(
        to_text("- one\n- two\n  more\n  1. sub\n  2. sub\n- three\n\nEnd"),
        "- one\n- two\n  more\n  1. sub\n  2. sub\n- three\n\nEnd"
    );
    assert_eq!(to_text("9. nine\n\n   still\n\n10. ten"), "9. nine\n\n   still\n\n10. ten");
    assert_eq!(to_text("-\n- b"), "-\n- b");
    assert_eq!(to_html("3. a\n4. b"), "<ol start=\"3\" dir=\"auto\">\n<li>a</li>\n<li dir=\"auto\">b</li>\n</ol>\n");
}

#[test]
fn tasks_are_read_aloud() {
    let source = "- [x] Restart\n- [ ] Verify";
    assert_eq!(
        to_html(source),
        "<ul dir=\"auto\">\n\
         <li><span class=\"task\" role=\"img\" aria-label=\"Done\">☑</span> Restart</li>\n\
         <li dir=\"auto\"><span class=\"task\" role=\"img\" aria-label=\"To do\">☐</span> Verify</li>\n</ul>\n"
    );
    assert_eq!(to_text(source), "- [x] Restart\n- [ ] Verify");
}

#[test]
fn quotes_are_marked_on_every_line() {
    assert_eq!(to_text("> a\n> b\n>\n> > c\n\nd"), "> a\n> b\n>\n> > c\n\nd");
    assert!(to_html("> a").starts_with("<blockquote dir=\"auto\">\n<p>a</p>\n</blockquote>"));
}

#[test]
fn struck_out_words_are_still_struck_out_in_text() {
    assert_eq!(
        to_html("~~fixed~~ **not** _yet_"),
        "<p dir=\"auto\"><del>fixed</del> <strong>not</strong> <em>yet</em></p>\n"
    );
    assert_eq!(to_text("~~fixed~~ **not** _yet_"), "~~fixed~~ not yet");
}

#[test]
fn footnotes_are_numbered_as_they_are_read() {
    let source = "[^late]: Second\n    \n    with more\n\nA[^first] b[^late] c[^FIRST] d[^none].\n\n[^first]: First\n\n[^unused]: Third";
    let html = to_html_in(source, "u 7\"><");
    assert!(html.contains("A<sup class=\"footnote\"><a href=\"#u7-fn-1\" id=\"u7-fnref-1\">[1]</a></sup> b"), "{html}");
    assert!(html.contains("c<sup class=\"footnote\"><a href=\"#u7-fn-1\">[1]</a></sup> d[^none]."), "{html}");
    assert!(
        html.ends_with(
            "<ol class=\"footnotes\" dir=\"auto\">\n\
             <li id=\"u7-fn-1\" dir=\"auto\"><p>First</p>\n\
             <a href=\"#u7-fnref-1\" aria-label=\"Back to the text\">↩</a></li>\n\
             <li id=\"u7-fn-2\" dir=\"auto\"><p>Second</p>\n<p dir=\"auto\">with more</p>\n\
             <a href=\"#u7-fnref-2\" aria-label=\"Back to the text\">↩</a></li>\n\
             <li id=\"u7-fn-3\" dir=\"auto\"><p>Third</p>\n</li>\n</ol>\n"
        ),
        "{html}"
    );
    assert_eq!(to_text(source), "A[1] b[2] c[1] d[^none].\n\n[1] First\n[2] Second\n\n    with more\n[3] Third");
    assert!(to_html(source).contains("href=\"#fn-1\" id=\"fnref-1\""));
}

#[test]
fn control_characters_go_and_text_stays() {
    let source = "\u{feff}a\0b\u{1b}[31mc&#27;d&#0;e\u{85}f&#10;g&#13;h\u{202e}i\u{ffff}";
    let expected = "a\u{fffd}b[31mcd\u{fffd}ef g h\u{202e}i";
    assert_eq!(to_text(source), expected);
    assert_eq!(to_html(source), format!("<p dir=\"auto\">{expected}</p>\n"));
}

#[test]
fn nothing_is_drawn_as_nothing() {
    for source in ["", " ", "\n\n", "\0".trim_matches('\0'), "[a]: https://example.com"] {
        assert_eq!((to_html(source), to_text(source), excerpt(source, 10)), Default::default(), "{source:?}");
    }
}

#[test]
fn an_excerpt_is_one_plain_line_cut_between_words() {
    let source = "# Outage\n\nWe are **investigating**\n[reports](https://e.com)[^1] of\u{202e} errors.\n\n[^1]: No";
    for (max_chars, expected) in [
        (100, "We are investigating reports of errors."),
        (39, "We are investigating reports of errors."),
        (38, "We are investigating reports of…"),
        (21, "We are investigating…"),
        (20, "We are investigatin…"),
        (4, "We…"),
        (1, "…"),
        (0, ""),
    ] {
        assert_eq!(excerpt(source, max_chars), expected, "{max_chars}");
    }
    assert_eq!(excerpt("Fixed. Next steps", 7), "Fixed…");
    assert_eq!(excerpt("我们正在调查错误率上升的问题", 6), "我们正在调…");
    assert_eq!(excerpt("- [x] a\n- ~~b~~\n\n|c|d|\n|-|-|\n|e|f|\n\n<i>", 99), "[x] a. ~~b~~. <i>");
}

#[test]
fn times_are_read_in_the_authors_zone_and_shown_in_utc() {
    let source = "Down since {time 2024-02-05 18:12 +08:00}.\n\n| when |\n|---|\n| **{time 2024-02-05 04:12 America/Chicago}** |\n\n[at {time 2024-02-05 10:12}](https://e.com)";
    let time = "<time datetime=\"2024-02-05T10:12:00.000Z\" dir=\"ltr\">5 Feb 2024, 10:12 UTC</time>";
    let html = to_html(source);
    assert!(html.starts_with(&format!("<p dir=\"auto\">Down since {time}.</p>")), "{html}");
    assert!(html.contains(&format!("<strong>{time}</strong></td>")), "{html}");
    assert!(html.contains(&format!(">at {time}</a>")), "{html}");
    assert_eq!(
        to_text(source),
        "Down since 5 Feb 2024, 10:12 UTC.\n\nwhen\n---------------------\n5 Feb 2024, 10:12 UTC\n\nat 5 Feb 2024, 10:12 UTC (https://e.com)"
    );
    assert_eq!(excerpt(source, 100), "Down since 5 Feb 2024, 10:12 UTC. at 5 Feb 2024, 10:12 UTC");
}

#[test]
fn a_time_in_code_or_that_means_nothing_stays_as_typed() {
    for source in ["`{time 2024-02-05 10:12}`", "    {time 2024-02-05 10:12}", "{time 2024-02-05 18:12 CST}"] {
        assert!(!to_html(source).contains("<time"), "{source}");
        assert_eq!(to_text(source).trim(), source.trim().trim_matches('`'));
    }
    let source = "a {time 2024-02-05 18:12 CST} `{time soon}` {time 2024-02-05 18:12} \\{time soon}";
    let unread = unread_times(source);
    assert_eq!(unread, [("{time 2024-02-05 18:12 CST}".to_owned(), TimeError::AmbiguousZone("CST".into()))]);
}

#[test]
fn a_backslash_keeps_a_time_as_it_was_typed() {
    let time = "{time 2024-02-05 10:12}";
    for (source, expected) in [
        (format!("a \\{time}"), format!("a {time}")),
        (format!("**\\{time}**"), time.to_owned()),
        ("\\{time *2024*-02-05 10:12} \\{ETA}".to_owned(), "{time 2024-02-05 10:12} {ETA}".to_owned()),
        (format!("&#xfffe;\\{time}"), time.to_owned()),
        (format!("\\\\{time}"), "\\5 Feb 2024, 10:12 UTC".to_owned()),
        (format!("&#xfffe;{time}"), "5 Feb 2024, 10:12 UTC".to_owned()),
        (format!("`\\{time}`"), format!("\\{time}")),
    ] {
        assert_eq!(to_text(&source), expected, "{source}");
        assert_eq!(to_html(&source).contains("<time"), expected.contains("UTC"), "{source}");
    }
}

#[test]
fn a_documents_headings_skip_no_level_and_can_be_linked_to() {
    let source =
        "## Root *cause* & `code`\n\na[^1]\n\n#### Deep\n\n### Größe 時\n\n## Root cause code\n\n## 🔥\n\n[^1]: b";
    let article = to_article(source, "");
    let found: Vec<_> = article.headings.iter().map(|it| (it.level, it.id.as_str(), it.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (2, "section-root-cause-code", "Root cause & code"),
            (3, "section-deep", "Deep"),
            (3, "section-größe-時", "Größe 時"),
            (2, "section-root-cause-code-2", "Root cause code"),
            (2, "section-5", "🔥")
        ]
    );
    assert!(article.html.starts_with(
        "<h2 id=\"section-root-cause-code\" dir=\"auto\">Root <em>cause</em> &amp; <code>code</code></h2>\n"
    ));
    assert!(to_article(source, "u 7").html.contains("<h3 id=\"u7-section-deep\" dir=\"auto\">Deep</h3>"));
}
