//! Labels, hints, errors and kept values: everything around a form's controls.

use domain::{forms::FieldErrors, status::ComponentStatus};
use leptos::prelude::*;

use crate::{components::field_error, islands::plain_text_area};

/// A field of a form; its name is its id too.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// Name and id.
    pub(super) name: &'a str,
    /// What it is for.
    pub(super) label: &'a str,
    /// How to fill it in; may be empty.
    pub(super) hint: &'a str,
    /// What is wrong with the form.
    pub(super) errors: &'a FieldErrors,
}

/// What a control needs so that software reads hint and error with it.
pub(super) struct Wiring {
    /// Name and id.
    pub(super) name: String,
    /// Ids of hint and error.
    pub(super) described_by: Option<String>,
    /// `aria-invalid`.
    pub(super) invalid: Option<&'static str>,
}

impl Field<'_> {
    fn wiring(&self) -> Wiring {
        let error = self.errors.get(self.name).map(|_| format!("{}-error", self.name));
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let ids: Vec<_> = [error.clone(), hint].into_iter().flatten().collect();
        Wiring {
            name: self.name.to_owned(),
            described_by: (!ids.is_empty()).then(|| ids.join(" ")),
            invalid: error.map(|_| "true"),
        }
    }

    fn words(&self) -> impl IntoView + use<> {
        let hint = (!self.hint.is_empty()).then(|| (format!("{}-hint", self.name), self.hint.to_owned()));
        view! {
            {hint.map(|(id, hint)| view! { <p class="hint" id=id>{hint}</p> })}
            {field_error(format!("{}-error", self.name), self.errors.get(self.name))}
        }
    }

    /// Puts label, hint and error around a control.
    pub(super) fn around<V: IntoView + 'static>(self, control: impl FnOnce(Wiring) -> V) -> AnyView {
        view! {
            <div class="field">
                <label for=self.name.to_owned()>{self.label.to_owned()}</label>
                {self.words()}
                {control(self.wiring())}
            </div>
        }
        .into_any()
    }

    /// One line of text.
    pub(super) fn line(self, value: &str, is_required: bool) -> AnyView {
        self.input("text", value, "off", is_required)
    }

    /// A whole number.
    pub(super) fn number(self, value: &str) -> AnyView {
        self.around(|wiring| {
            view! {
                <input
                    class="number"
                    type="text"
                    inputmode="numeric"
                    id=wiring.name.clone()
                    name=wiring.name
                    value=value.to_owned()
                    autocomplete="off"
                    aria-describedby=wiring.described_by
                    aria-invalid=wiring.invalid
                />
            }
        })
    }

    /// A password, which never comes back; `autocomplete` tells password managers whether it is a new one.
    pub(super) fn password(self, autocomplete: &'static str) -> AnyView {
        self.input("password", "", autocomplete, true)
    }

    /// Many lines of text.
    pub(super) fn lines(self, value: &str, rows: u8) -> AnyView {
        self.around(|wiring| plain_text_area(&wiring.name, value, rows, wiring.described_by, wiring.invalid.is_some()))
    }

    /// Any other one-line input.
    pub(super) fn input(self, kind: &'static str, value: &str, autocomplete: &'static str, required: bool) -> AnyView {
        self.around(|wiring| {
            view! {
                <input
                    type=kind
                    id=wiring.name.clone()
                    name=wiring.name
                    value=(!value.is_empty()).then(|| value.to_owned())
                    autocomplete=autocomplete
                    dir="auto"
                    required=required
                    aria-describedby=wiring.described_by
                    aria-invalid=wiring.invalid
                />
            }
        })
    }

    /// A list to choose from.
    pub(super) fn select(self, options: Vec<AnyView>) -> AnyView {
        self.around(|wiring| {
            view! {
                <select
                    id=wiring.name.clone()
                    name=wiring.name
                    aria-describedby=wiring.described_by
                    aria-invalid=wiring.invalid
                >
                    {options}
                </select>
            }
        })
    }

    /// Controls that belong together, under one question. Reachable by its id, as the summary's links need it.
    pub(super) fn group<V: IntoView + 'static>(self, class: &'static str, controls: V) -> AnyView {
        view! {
            <fieldset class=class id=self.name.to_owned() tabindex="-1" aria-describedby=self.wiring().described_by>
                <legend>{self.label.to_owned()}</legend>
                {self.words()}
                {controls}
            </fieldset>
        }
        .into_any()
    }
}

/// One of a `<select>`'s options.
pub(super) fn option(value: &str, label: &str, chosen: &str) -> AnyView {
    view! { <option value=value.to_owned() selected=value == chosen>{label.to_owned()}</option> }.into_any()
}

/// Every component status, best first.
pub(super) fn status_options(chosen: &str) -> Vec<AnyView> {
    ComponentStatus::ALL.iter().map(|status| option(status.as_str(), status.label(), chosen)).collect()
}

/// One of several answers to a question; the id is `name-value`.
pub(super) fn radio(name: &str, value: &str, is_chosen: bool, label: impl IntoView + 'static) -> AnyView {
    let id = format!("{name}-{value}");
    view! {
        <label class="check" for=id.clone()>
            <input type="radio" id=id.clone() name=name.to_owned() value=value.to_owned() checked=is_chosen required/>
            {label}
        </label>
    }
    .into_any()
}

/// A step that cannot be undone, behind a second click that needs no script.
pub(super) fn danger(question: &str, consequence: String, action: String, button: &str) -> AnyView {
    view! {
        <details class="danger">
            <summary>{question.to_owned()}</summary>
            <form method="post" action=action>
                <p>{consequence}</p>
                <button class="button danger">{button.to_owned()}</button>
            </form>
        </details>
    }
    .into_any()
}
