//! Turning views into text, and nothing else.

use std::sync::Arc;

use hydration_context::SsrSharedContext;
use leptos::prelude::*;

/// Draws a view as HTML and forgets every signal it created.
///
/// One text expression per element: two that stand side by side leave a `<!>` between them, which mails must not hold.
pub fn render<V: IntoView>(view: impl FnOnce() -> V) -> String {
    // Islands with children insist on a shared context that knows islands; without one they panic.
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let html = owner.with(|| view().into_view().to_html());
    owner.unset_with_forced_cleanup();
    html
}

/// Writes text for a place where HTML is expected, in an element or between the quotes of an attribute.
///
/// Views do this by themselves; it is for `inner_html`, above all inside `<textarea>`, whose dynamic children leptos
/// writes as they are. (HTML drops the first line break of a textarea: write one before the text.)
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_text() {
        let hostile = "<script>alert(1)</script> & \"quotes\"";
        let html = render(|| view! { <p title=hostile>{hostile}</p> });
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains("title=\"<script>alert(1)</script> & \"quotes"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp;"), "{html}");
    }

    #[test]
    fn escaped_text_ends_neither_an_element_nor_an_attribute() {
        assert_eq!(escape("</textarea>\"'& é"), "&lt;/textarea&gt;&quot;&#39;&amp; é");
    }

    #[test]
    fn drawing_the_same_twice_gives_the_same_bytes() {
        let draw = || {
            render(|| {
                let (count, _) = signal(3);
                view! { <ul>{(0..count.get()).map(|number| view! { <li>{number}</li> }).collect_view()}</ul> }
            })
        };
        assert!(draw().starts_with("<ul><li>0</li><li>1</li><li>2</li>"), "{}", draw());
        assert_eq!(draw(), draw());
    }
}
