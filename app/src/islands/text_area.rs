//! The only place that draws a `<textarea>`.

use leptos::{html, prelude::*};

/// A field for many lines.
pub(super) struct TextArea {
    /// Name and id.
    pub(super) name: String,
    /// What it holds at first.
    pub(super) value: String,
    /// Ids of the hint and the error.
    pub(super) described_by: String,
    /// Whether what it holds was refused.
    pub(super) is_invalid: bool,
    /// Whether it may stay empty.
    pub(super) is_optional: bool,
    /// Told of every letter typed.
    pub(super) typed: WriteSignal<String>,
    /// Where to find it once awake.
    pub(super) node_ref: NodeRef<html::Textarea>,
}

/// Draws the field. Leptos writes the child of a `<textarea>` unescaped, so this is the one place that has any.
pub(super) fn text_area(field: TextArea) -> impl IntoView {
    let TextArea { name, value, described_by, is_invalid, is_optional, typed, node_ref } = field;
    view! {
        <textarea
            id=name.clone()
            name=name
            rows="9"
            dir="auto"
            required=!is_optional
            aria-describedby=described_by
            aria-invalid=is_invalid.then_some("true")
            node_ref=node_ref
            on:input:target=move |event| typed.set(event.target().value())
            inner_html=content(&value)
        ></textarea>
    }
}

/// A field for many lines that wakes nowhere.
#[cfg(feature = "ssr")]
pub(crate) fn plain_text_area(
    name: &str,
    value: &str,
    rows: u8,
    described_by: Option<String>,
    is_invalid: bool,
) -> impl IntoView + use<> {
    view! {
        <textarea
            id=name.to_owned()
            name=name.to_owned()
            rows=rows.to_string()
            dir="auto"
            aria-describedby=described_by
            aria-invalid=is_invalid.then_some("true")
            inner_html=content(value)
        ></textarea>
    }
}

/// Text as the content of a `<textarea>`. The first line break is dropped by browsers, so that a text may begin with one.
fn content(text: &str) -> String {
    format!("\n{}", text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn nothing_typed_ends_the_field() {
        assert_eq!(content("</textarea><script>&amp;"), "\n&lt;/textarea&gt;&lt;script&gt;&amp;amp;");
    }

    /// Every source below a folder.
    fn sources(folder: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| {
                if path.is_dir() {
                    sources(&path)
                } else {
                    vec![(path.display().to_string(), fs::read_to_string(&path).unwrap())]
                }
            })
            .collect()
    }

    #[test]
    fn a_textarea_is_drawn_here_and_nowhere_else() {
        let opening = concat!("<text", "area");
        let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let elsewhere: Vec<_> = sources
            .iter()
            .filter(|(path, _)| !path.ends_with("text_area.rs"))
            .filter(|(_, text)| {
                // In prose and in strings it is harmless; as an element it is followed by an attribute or a child.
                text.match_indices(opening).any(|(at, _)| {
                    let line = text[..at].rsplit('\n').next().unwrap_or_default();
                    !line.contains("//") && !line.contains('"') && !line.contains('`')
                })
            })
            .map(|(path, _)| path)
            .collect();
        assert!(elsewhere.is_empty(), "a child would not be escaped: {elsewhere:?}");
        let (_, here) = sources.iter().find(|(path, _)| path.ends_with("text_area.rs")).unwrap();
        let (_, element) = here.split_once(opening).unwrap();
        let (_, child) = element.split_once("\n        >").unwrap();
        assert!(child.starts_with("</"), "{child:.40}");
    }
}
