//! The head of a file of a static site: YAML between `---` lines or TOML between `+++` lines, then Markdown.

use serde_json::{Map, Value};

/// A file in its two halves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Page {
    /// The fields of its head.
    pub(super) head: Value,
    /// All below, as it stands.
    pub(super) body: String,
    /// Whether the line that opens the head was left out.
    pub(super) lacks_fence: bool,
}

/// Why a file cannot be read, and in which line, counted from 1.
pub(super) type Unreadable = (usize, String);

/// Reads a file's text.
pub(super) fn read(text: &str) -> Result<Page, Unreadable> {
    let text = text.trim_start_matches('\u{feff}');
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let first = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or_default();
    let fence = lines.get(first).map_or("", |line| line.trim_end());
    let (start, fence, lacks_fence) = match fence {
        "---" | "+++" => (first + 1, fence, false),
        // People forget it: what stands above the closing one is the head all the same, if it can be read as one.
        _ => (first, "---", true),
    };
    let end = lines.iter().skip(start).position(|line| line.trim_end() == fence).map(|offset| start + offset);
    let Some(end) = end else {
        return Err((first + 1, format!("the head of the file has no closing `{fence}`")));
    };
    let source = lines[start..end].concat();
    let head = if fence == "+++" { toml(&source) } else { yaml(&source) };
    let head = head.map_err(|(line, reason)| (start + line.max(1), reason))?;
    if !head.is_object() {
        return Err((start + 1, "the head of the file holds no fields".to_owned()));
    }
    Ok(Page { head, body: lines[end + 1..].concat(), lacks_fence })
}

/// The line, counted from 1, that sets a field in the head of a file, else its first.
pub(super) fn line_of(text: &str, field: &str) -> usize {
    let sets = |line: &str| {
        let rest = line.strip_prefix(field).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with([':', '=']))
    };
    text.lines().position(sets).map_or(1, |index| index + 1)
}

/// YAML as JSON.
pub(super) fn yaml(source: &str) -> Result<Value, Unreadable> {
    serde_saphyr::from_str(source).map_err(|error| {
        let line = error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1));
        let reason = error.to_string();
        (line, reason.lines().next().unwrap_or_default().to_owned())
    })
}

/// TOML as JSON; its dates become text.
pub(super) fn toml(source: &str) -> Result<Value, Unreadable> {
    let table: toml::Table = toml::from_str(source).map_err(|error| {
        let before = error.span().and_then(|span| source.get(..span.start)).unwrap_or_default();
        (before.matches('\n').count() + 1, error.message().to_owned())
    })?;
    Ok(json(toml::Value::Table(table)))
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(at) => Value::String(at.to_string()),
        toml::Value::Array(list) => list.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(name, value)| (name, json(value))).collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_kinds_of_head_are_read() {
        let yaml =
            "---\r\ntitle: \"A: b\"\r\nwhen: 2021-06-02 11:16:00\r\nresolved: True\r\naffected:\r\n---\r\n\r\nBody\r\n";
        let page = read(yaml).unwrap();
        let head = json!({ "title": "A: b", "when": "2021-06-02 11:16:00", "resolved": true, "affected": null });
        assert_eq!((page.head, page.body.trim(), page.lacks_fence), (head, "Body", false));
        let toml = "+++\ntitle = \"A\"\ndate = 2021-06-02T11:16:00+02:00\naffected = [\"x\"]\n+++\nBody";
        let page = read(toml).unwrap();
        assert_eq!(page.head, json!({ "title": "A", "date": "2021-06-02T11:16:00+02:00", "affected": ["x"] }));
        assert_eq!(page.body, "Body");
    }

    #[test]
    fn a_forgotten_fence_is_noticed() {
        let page = read("title: A\n---\nBody\n\n---\nmore").unwrap();
        assert_eq!(
            (page.head, page.body.as_str(), page.lacks_fence),
            (json!({ "title": "A" }), "Body\n\n---\nmore", true)
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        assert_eq!(read("").unwrap_err().0, 1);
        assert_eq!(read("---\ntitle: A\n").unwrap_err(), (1, "the head of the file has no closing `---`".to_owned()));
        assert_eq!(read("Just words.\n---\n").unwrap_err().0, 1);
        assert!(read("---\ntitle: A\nbad: [1\n---\n").unwrap_err().0 > 1);
        assert_eq!(read("+++\ntitle = \"A\"\nbad = \n+++\n").unwrap_err().0, 3);
    }

    #[test]
    fn a_field_has_its_line() {
        let text = "---\ntitle: A\ndate : now\nresolved = true\n---\n";
        assert_eq!(["title", "date", "resolved", "other"].map(|field| line_of(text, field)), [2, 3, 4, 1]);
    }
}
