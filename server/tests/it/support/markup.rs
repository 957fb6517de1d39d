//! What a browser would make of a page: its tags and attributes.

/// A tag with its attributes, values unescaped.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Every opening tag, wherever it stands: what is escaped makes none.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            let (tag, after) = tag(rest);
            found.push(tag);
            rest = after;
        }
    }
    found
}

fn tag(text: &str) -> (Tag, &str) {
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, '/' | '>' | '=');
    let (name, mut rest) = text.split_at(text.find(is_end).unwrap_or(text.len()));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (Tag { name: name.to_ascii_lowercase(), attributes }, rest);
        }
        let (name, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()).max(1));
        let (value, after) = match after.strip_prefix('=') {
            None => ("", after),
            Some(after) => match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => after.split_at(after.find([' ', '>']).unwrap_or(after.len())),
            },
        };
        attributes.push((name.to_ascii_lowercase(), unescape(value)));
        rest = after;
    }
}

/// Without the escapes that our pages use.
pub(crate) fn unescape(text: &str) -> String {
    let named = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#x27;", "'");
    named.replace("&#39;", "'").replace("&amp;", "&")
}

/// Panics where a page would run or load something that is not ours.
#[track_caller]
pub(crate) fn assert_harmless(place: &str, html: &str) {
    assert!(!html.contains('\0'), "{place} holds NUL");
    for tag in tags(html) {
        let strange = ["img", "iframe", "object", "embed", "base", "math", "frame", "foreignobject", "animate"];
        // The frames around mails: of our own, and sandboxed to nothing.
        let is_ours = tag.get("src").is_some_and(|src| src.starts_with("/admin/"));
        let is_mail = tag.name == "iframe" && is_ours && tag.get("sandbox") == Some("");
        // The owner's logo.
        let is_logo = tag.name == "img" && tag.get("src").is_some_and(|src| src.starts_with("/logo/"));
        assert!(is_mail || is_logo || !strange.contains(&tag.name.as_str()), "{place}: {tag:?}");
        if tag.name == "script" {
            assert!(tag.get("src").is_some_and(|src| src.starts_with("/assets/")), "{place}: {tag:?}");
        }
        for (name, value) in &tag.attributes {
            assert!(!name.starts_with("on"), "{place}: {tag:?}");
            let scheme: String =
                value.chars().filter(|letter| !letter.is_whitespace() && !letter.is_control()).collect();
            let is_address = ["href", "src", "action", "formaction", "data"].contains(&name.as_str());
            let is_bad = ["javascript:", "data:", "vbscript:"].iter().any(|bad| scheme.to_lowercase().starts_with(bad));
            assert!(!(is_address && is_bad), "{place}: {tag:?}");
        }
    }
}

/// Panics where a page holds what the Content-Security-Policy forbids.
#[track_caller]
pub(crate) fn assert_nothing_inline(place: &str, html: &str) {
    assert_harmless(place, html);
    for tag in tags(html) {
        assert!(tag.name != "style" && tag.get("style").is_none(), "{place}: {tag:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "onerror")]
    fn an_image_that_acts_is_seen() {
        let found = tags("<p title=\"a > b\">x</p><IMG src=x onerror=alert(1)>");
        assert_eq!((found[0].get("title"), found[1].name.as_str()), (Some("a > b"), "img"));
        assert_harmless("here", "<a onerror=\"x\">");
    }

    #[test]
    fn what_is_escaped_is_text() {
        assert!(tags("&lt;script&gt; < 3 </p>").is_empty());
        assert_eq!(unescape("&lt;a href=&quot;&amp;lt;&quot;&gt;"), "<a href=\"&lt;\">");
    }
}
