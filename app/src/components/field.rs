//! Form fields that keep what was typed and say what is wrong, beside the field and at the top.

use domain::forms::FieldErrors;
use leptos::prelude::*;

/// A message as a sentence: the rules speak in lower case, because programs read them too.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let mut sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    if sentence.ends_with(char::is_alphanumeric) {
        sentence.push('.');
    }
    sentence
}

/// What is wrong with one field. `id` is what the field's `aria-describedby` names.
pub fn field_error(id: String, message: Option<&str>) -> Option<impl IntoView + use<>> {
    message.map(sentence).map(|message| view! { <p class="field-error" id=id>{message}</p> })
}

/// A field of one line.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextField<'a> {
    /// Its name in the form, and its id.
    pub name: &'static str,
    /// What it asks for.
    pub label: &'static str,
    /// The `type` of the input; empty for `text`.
    pub kind: &'static str,
    /// What was typed.
    pub value: &'a str,
    /// What helps before typing; may be empty.
    pub hint: &'static str,
    /// What the browser may fill in; may be empty.
    pub autocomplete: &'static str,
    /// Whether it may not be left empty.
    pub is_required: bool,
    /// What is wrong with it.
    pub error: Option<&'a str>,
}

/// Label, hint, error and input, tied together for screen readers.
pub fn text_field(field: TextField<'_>) -> impl IntoView + use<> {
    let name = field.name;
    let (hint_id, error_id) = (format!("{name}-hint"), format!("{name}-error"));
    let hint = (!field.hint.is_empty()).then_some(field.hint);
    let described_by = [hint.map(|_| hint_id.as_str()), field.error.map(|_| error_id.as_str())];
    let described_by = described_by.into_iter().flatten().collect::<Vec<_>>().join(" ");
    view! {
        <div class="field">
            <label for=name>{field.label}</label>
            {hint.map(|hint| view! { <p class="hint" id=hint_id.clone()>{hint}</p> })}
            {field_error(error_id.clone(), field.error)}
            <input
                type=if field.kind.is_empty() { "text" } else { field.kind }
                id=name
                name=name
                value=field.value.to_owned()
                autocomplete=(!field.autocomplete.is_empty()).then_some(field.autocomplete)
                required=field.is_required
                aria-invalid=field.error.map(|_| "true")
                aria-describedby=(!described_by.is_empty()).then_some(described_by)
            />
        </div>
    }
}

/// `Title: write something here.`, so that a message makes sense away from its field; a question is left to stand.
fn labelled(label: &str, message: &str) -> String {
    match label {
        "" => sentence(message),
        question if question.ends_with('?') => format!("{question} {}", sentence(message)),
        noun => sentence(&format!("{noun}: {message}")),
    }
}

/// All that is wrong, with links to the fields, whose ids are their names; `fields` are their names and labels in the
/// page's order. A label may be empty where the message says enough.
pub fn error_summary(errors: &FieldErrors, fields: &[(&str, &str)]) -> Option<impl IntoView + use<>> {
    let place = |name: &str| fields.iter().position(|(field, _)| *field == name);
    let mut wrong: Vec<_> = errors.iter().map(|(field, message)| (place(field), message)).collect();
    wrong.sort_by_key(|(place, _)| place.unwrap_or(usize::MAX));
    let lines: Vec<_> = wrong
        .into_iter()
        .map(|(place, message)| match place.and_then(|place| fields.get(place)) {
            Some((name, label)) => {
                view! { <li><a href=format!("#{name}")>{labelled(label, message)}</a></li> }.into_any()
            }
            None => view! { <li>{sentence(message)}</li> }.into_any(),
        })
        .collect();
    (!errors.is_empty()).then(|| {
        view! {
            <div class="notice" data-status="major_outage" role="alert">
                <h2>"Not saved yet"</h2>
                <ul>{lines}</ul>
            </div>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("choose what you want to hear of"), "Choose what you want to hear of.");
        assert_eq!(sentence("is it “so”?"), "Is it “so”?");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_message_makes_sense_away_from_its_field() {
        assert_eq!(labelled("Title", "write something here"), "Title: write something here.");
        assert_eq!(labelled("Who is mailed?", "choose one"), "Who is mailed? Choose one.");
        assert_eq!(labelled("", "choose what you want to hear of"), "Choose what you want to hear of.");
    }
}
